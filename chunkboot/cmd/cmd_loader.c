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

static struct cb_texts arg_urls, arg_dns, arg_tls_cas, arg_tls_pins;
static const char *arg_out, *arg_efi, *arg_layout, *arg_autologin, *arg_passphrase_file,
	*arg_address, *arg_gateway;
static uint64_t arg_stamp_time;
static bool arg_public_key_is_ok, arg_next_option, arg_no_prefetch;

/* "192.0.2.7/24" */
static bool parse_address(const char *text, struct cb_config_ipv4 *ip)
{
	char address[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	char *end;
	long prefix_len = strtol(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || prefix_len < 1 || prefix_len > 32)
		return false;
	ip->prefix_len = (uint8_t)prefix_len;
	return inet_pton(AF_INET, address, ip->address) == 1;
}

static enum cb_err parse_ipv4(struct cb_config_ipv4 *ip, struct cb_error *e)
{
	const struct cb_verb *verb = &cb_verb_loader;
	if (arg_address == NULL && (arg_gateway != NULL || arg_dns.n != 0))
		return cb_usage(e, verb, "--gateway and --dns need --address");
	if (arg_address == NULL)
		return CB_OK;
	if (!parse_address(arg_address, ip))
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
	enum cb_err err = parse_ipv4(&ipv4, e);
	(void)n;
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
		.tls = { arg_tls_cas.at, arg_tls_cas.n, arg_tls_pins.at, arg_tls_pins.n },
		.layout = arg_layout,
		.ipv4 = arg_address != NULL ? &ipv4 : NULL,
		.autologin = arg_autologin,
		.is_public_key_ok = arg_public_key_is_ok,
		.allow_next_option = arg_next_option,
		.no_prefetch = arg_no_prefetch,
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
	{ .name = "allow-next-option",
	  .help = "let the error screen offer to continue with the firmware's next boot option",
	  .flag = &arg_next_option },
	{ .name = "no-prefetch",
	  .help = "fetch nothing of the default image before somebody has signed in",
	  .flag = &arg_no_prefetch },
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
		    "  chunkboot loader /srv/boot --url https://boot.example/ --tls-ca ca.pem \\\n"
		    "      -o desk.efi\n"
		    "  chunkboot loader /srv/boot --url http://boot.example/ --autologin kiosk \\\n"
		    "      --passphrase-file kiosk.txt -o kiosk.efi\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
