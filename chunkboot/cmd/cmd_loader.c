/* SPDX-License-Identifier: MIT */
/* chunkboot loader: stamps a loader for a repository. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "cmd/passphrase.h"
#include "cmd/verbs.h"
#include "host/stamp.h"

#define MAX_STAMP_TIME 253402300799u /* end of the year 9999 */

static struct cb_texts arg_urls, arg_near, arg_dns, arg_tls_cas, arg_tls_pins;
static const char *arg_out, *arg_efi, *arg_layout, *arg_autologin, *arg_passphrase_file,
	*arg_address, *arg_gateway, *arg_ipv6;
static uint64_t arg_stamp_time, arg_vlan;
static bool arg_public_key_is_ok, arg_next_option, arg_no_prefetch, arg_no_dhcp_mirror;

/* "192.0.2.7/24" or "2001:db8::7/64"; text of len characters. */
static bool parse_address(int family, const char *text, size_t len, uint8_t *ret_address,
			  uint8_t *ret_prefix_len)
{
	char copy[INET6_ADDRSTRLEN + sizeof("/128")];
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	char *slash = strchr(copy, '/');
	if (slash == NULL || slash[1] < '0' || slash[1] > '9')
		return false;
	char *end;
	long prefix_len = strtol(slash + 1, &end, 10);
	*slash = '\0';
	if (*end != '\0' || prefix_len < 1 || prefix_len > (family == AF_INET ? 32 : 128))
		return false;
	*ret_prefix_len = (uint8_t)prefix_len;
	return inet_pton(family, copy, ret_address) == 1;
}

static enum cb_err parse_ipv4(struct cb_config_ipv4 *ip, struct cb_error *e)
{
	const struct cb_verb *verb = &cb_verb_loader;
	if (arg_address == NULL && (arg_gateway != NULL || arg_dns.n != 0))
		return cb_usage(e, verb, "--gateway and --dns need --address");
	if (arg_address == NULL)
		return CB_OK;
	if (!parse_address(AF_INET, arg_address, strlen(arg_address), ip->address, &ip->prefix_len))
		return cb_usage(e, verb, "--address %s: not of the form 192.0.2.7/24", arg_address);
	if (arg_gateway != NULL && inet_pton(AF_INET, arg_gateway, ip->gateway) != 1)
		return cb_usage(e, verb, "--gateway %s: no IPv4 address", arg_gateway);
	if (arg_dns.n > CB_CONFIG_MAX_DNS)
		return cb_usage(e, verb, "--dns given more than %d times", CB_CONFIG_MAX_DNS);
	for (unsigned i = 0; i < arg_dns.n; i++)
		if (inet_pton(AF_INET, arg_dns.at[i], ip->dns[i]) != 1)
			return cb_usage(e, verb, "--dns %s: no IPv4 address", arg_dns.at[i]);
	ip->n_dns = arg_dns.n;
	return CB_OK;
}

/* "gateway=G" or "dns=D" of len characters. */
static bool parse_ipv6_item(const char *item, size_t len, struct cb_config_ipv6 *ip)
{
	static const char gateway[] = "gateway=", dns[] = "dns=";
	char copy[sizeof(gateway) + INET6_ADDRSTRLEN];
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, item, len);
	copy[len] = '\0';
	if (strncmp(copy, gateway, strlen(gateway)) == 0)
		return inet_pton(AF_INET6, copy + strlen(gateway), ip->gateway) == 1;
	return strncmp(copy, dns, strlen(dns)) == 0 && ip->n_dns < CB_CONFIG_MAX_DNS &&
		inet_pton(AF_INET6, copy + strlen(dns), ip->dns[ip->n_dns++]) == 1;
}

/* "2001:db8::7/64,gateway=fe80::1,dns=2001:db8::1" */
static enum cb_err parse_ipv6(struct cb_config_ipv6 *ip, struct cb_error *e)
{
	if (arg_ipv6 == NULL)
		return CB_OK;
	size_t len = strcspn(arg_ipv6, ",");
	bool is_good = parse_address(AF_INET6, arg_ipv6, len, ip->address, &ip->prefix_len) &&
		cb_config_is_ipv6_host(ip->address);
	for (const char *item = arg_ipv6 + len; is_good && *item == ','; item += len) {
		item++;
		len = strcspn(item, ",");
		is_good = parse_ipv6_item(item, len, ip);
	}
	if (is_good)
		return CB_OK;
	return cb_usage(e, &cb_verb_loader,
			"--ipv6 %s: not of the form 2001:db8::7/64[,gateway=G][,dns=D][,dns=D]",
			arg_ipv6);
}

static enum cb_err report(const struct cb_stamp_result *r)
{
	char realm[65], size[CB_SIZE_TEXT_MAX];
	cb_hex_encode(r->realm_id, sizeof(r->realm_id), realm);
	if (!arg_json) {
		cb_say("%s %s (%s) for realm %.16s, root version %ju",
		       arg_dry_run ? "would write" : "wrote", arg_out, cb_size_text(r->len, size),
		       realm, (uintmax_t)r->root_version);
		return CB_OK;
	}
	return cb_print_json(json_pack("{ss ss sI ss sI}", "type", "loader", "file", arg_out,
				       "size", (json_int_t)r->len, "realm", realm, "root_version",
				       (json_int_t)r->root_version));
}

static enum cb_err stamp(const struct cb_stamp_params *params, struct cb_error *e)
{
	char passphrase[CB_PASSPHRASE_MAX + 1] = "";
	struct cb_stamp_params p = *params;
	struct cb_stamp_result result;
	enum cb_err err = CB_OK;
	if (p.autologin != NULL)
		err = cb_passphrase_read(arg_passphrase_file, passphrase, e);
	p.passphrase = passphrase;
	if (err == CB_OK)
		err = cb_stamp_loader(&p, &result, e);
	cb_wipe(passphrase, sizeof(passphrase));
	return err == CB_OK ? report(&result) : err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_config_ipv4 ipv4 = { 0 };
	struct cb_config_ipv6 ipv6 = { 0 };
	enum cb_err err = parse_ipv4(&ipv4, e);
	(void)n;
	if (err == CB_OK)
		err = parse_ipv6(&ipv6, e);
	if (err != CB_OK)
		return err;
	if (arg_urls.n == 0)
		return cb_usage(e, &cb_verb_loader, "loader needs --url");
	if ((arg_autologin == NULL) != (arg_passphrase_file == NULL))
		return cb_usage(e, &cb_verb_loader,
				"--autologin and --passphrase-file go together");
	struct cb_stamp_params p = {
		.repo = operands[0],
		.efi = arg_efi,
		.out = arg_out,
		.urls = arg_urls.at,
		.n_urls = arg_urls.n,
		.near = arg_near.at,
		.n_near = arg_near.n,
		.tls = { arg_tls_cas.at, arg_tls_cas.n, arg_tls_pins.at, arg_tls_pins.n },
		.layout = arg_layout,
		.ipv4 = arg_address != NULL ? &ipv4 : NULL,
		.ipv6 = arg_ipv6 != NULL ? &ipv6 : NULL,
		.vlan_id = (uint16_t)arg_vlan,
		.autologin = arg_autologin,
		.is_public_key_ok = arg_public_key_is_ok,
		.allow_next_option = arg_next_option,
		.no_prefetch = arg_no_prefetch,
		.no_dhcp_mirror = arg_no_dhcp_mirror,
		.is_dry_run = arg_dry_run,
		.now_s = arg_stamp_time != 0 ? (int64_t)arg_stamp_time : (int64_t)time(NULL),
	};
	return stamp(&p, e);
}

static const struct cb_option options[] = {
	{ .name = "url",
	  .value = "URL",
	  .help = "where clients find the repository: a mirror's base URL; up to 8",
	  .texts = &arg_urls },
	{ .name = "near",
	  .value = "URL",
	  .help = "a mirror nearby, such as the site's cache: asked first, the others for what "
		  "it has not got; up to 4",
	  .texts = &arg_near },
	{ .name = "output",
	  .letter = 'o',
	  .value = "FILE",
	  .help = "the loader to write",
	  .is_required = true,
	  .text = &arg_out },
	{ .name = "efi",
	  .value = "FILE",
	  .help = "stamp this EFI file (default: the loader that was built or installed with this "
		  "tool); one that is stamped already is stamped anew",
	  .text = &arg_efi },
	{ .name = "tls-ca",
	  .value = "FILE",
	  .help = "PEM file with the certificate of the authority that https mirrors are "
		  "certified by; up to 4 certificates",
	  .texts = &arg_tls_cas },
	{ .name = "tls-pin",
	  .value = "HEX",
	  .help = "SHA-256 of an https mirror's public key (SubjectPublicKeyInfo); only servers "
		  "with such a key are taken then; up to 8",
	  .texts = &arg_tls_pins },
	{ .name = "layout",
	  .value = "NAME",
	  .help = "keyboard layout at the sign-in prompt, such as de (default: us)",
	  .text = &arg_layout },
	{ .name = "autologin",
	  .value = "ACCOUNT",
	  .help = "sign in this account without asking; the key goes into the loader, where "
		  "everybody can read it",
	  .text = &arg_autologin },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "passphrase of the --autologin account ('-': standard input)",
	  .text = &arg_passphrase_file },
	{ .name = "public-key-is-ok",
	  .help = "allow --autologin for an account with credentials or private data",
	  .flag = &arg_public_key_is_ok },
	{ .name = "address",
	  .value = "A/PREFIX",
	  .help = "static IPv4 address instead of DHCP, such as 192.0.2.7/24",
	  .text = &arg_address },
	{ .name = "gateway", .value = "G", .help = "router, with --address", .text = &arg_gateway },
	{ .name = "dns",
	  .value = "D",
	  .help = "DNS server, with --address; up to 2",
	  .texts = &arg_dns },
	{ .name = "ipv6",
	  .value = "A/PREFIX[,gateway=G][,dns=D]...",
	  .help = "static IPv6 address instead of router advertisements and DHCPv6, such as "
		  "2001:db8::7/64,gateway=fe80::1; up to 2 DNS servers",
	  .text = &arg_ipv6 },
	{ .name = "vlan",
	  .value = "ID",
	  .help = "tag all frames with this 802.1Q VLAN, 1 to 4094, and take only such frames",
	  .number = &arg_vlan,
	  .min = 1,
	  .max = CB_CONFIG_MAX_VLAN },
	{ .name = "allow-next-option",
	  .help = "let the error screen offer to continue with the firmware's next boot option",
	  .flag = &arg_next_option },
	{ .name = "no-prefetch",
	  .help = "fetch nothing of the default image before somebody has signed in",
	  .flag = &arg_no_prefetch },
	{ .name = "no-dhcp-mirror",
	  .help = "do not use the mirror nearby that a DHCP server may announce (option 224)",
	  .flag = &arg_no_dhcp_mirror },
	{ .name = "stamp-time",
	  .value = "S",
	  .help = "stamp as if it were S seconds after 1970, for reproducible files",
	  .number = &arg_stamp_time,
	  .min = 1,
	  .max = MAX_STAMP_TIME },
	{ 0 },
};

const struct cb_verb cb_verb_loader = {
	.name = "loader",
	.group = CB_GROUP_BOOT,
	.summary = "stamp a loader for a repository",
	.usage = "REPO --url URL... -o FILE [OPTION]...",
	.about =
		"Writes a copy of chunkboot.efi that boots from this repository: the root of trust,\n"
		"the mirrors and the options go into its section .cbcfg. The repository's metadata\n"
		"is verified first. Sign the result for Secure Boot afterwards.",
	.examples = "  chunkboot loader /srv/boot --url http://192.0.2.1:8080/ -o chunkboot.efi\n"
		    "  chunkboot loader /srv/boot --url http://boot.example/ --layout de \\\n"
		    "      -o desk.efi\n"
		    "  chunkboot loader /srv/boot --url http://boot.example/ \\\n"
		    "      --near http://cache.branch.example/ -o branch.efi\n"
		    "  chunkboot loader /srv/boot --url https://boot.example/ --tls-ca ca.pem \\\n"
		    "      -o desk.efi\n"
		    "  chunkboot loader /srv/boot --url http://boot.example/ --autologin kiosk \\\n"
		    "      --passphrase-file kiosk.txt -o kiosk.efi\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
