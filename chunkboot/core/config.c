/* SPDX-License-Identifier: MIT */
/* Parses and writes the stamped configuration. */
#include "core/config.h"

#include <string.h>

#define MAGIC "CBCFG001"
#define HEAD_LEN 16u
#define ENTRY_HEAD_LEN 8u
#define MAX_LAYOUT 16u

/* Only lower-case letters, digits and the given marks? */
static bool has_only(struct cb_bytes s, const char *marks)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (!memchr(marks, c, strlen(marks)))
			return false;
	}
	return true;
}

static bool parse_root(struct cb_bytes v, struct cb_config *c)
{
	c->root = v;
	return v.len >= 1 && v.len <= CB_TUF_ROOT_MAX;
}

static bool parse_realm_id(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	cb_read_copy(&r, c->realm_id, sizeof(c->realm_id));
	return cb_reader_is_done(&r);
}

/* The fetch engine judges the URL itself. */
static bool parse_url(struct cb_bytes v, struct cb_bytes *list, unsigned max, unsigned *n)
{
	if (v.len < 1 || v.len > CB_URL_MAX || !cb_bytes_is_ascii(v) || *n == max)
		return false;
	list[(*n)++] = v;
	return true;
}

static bool parse_mirror(struct cb_bytes v, struct cb_config *c)
{
	return parse_url(v, c->mirrors, CB_CONFIG_MAX_MIRRORS, &c->n_mirrors);
}

static bool parse_near(struct cb_bytes v, struct cb_config *c)
{
	return parse_url(v, c->near, CB_CONFIG_MAX_NEAR, &c->n_near);
}

static bool parse_stamped(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	uint64_t t = cb_read_le64(&r);
	if (t > CB_CONFIG_MAX_TIME_S)
		return false;
	c->stamped_s = (int64_t)t;
	return cb_reader_is_done(&r);
}

static bool parse_layout(struct cb_bytes v, struct cb_config *c)
{
	c->layout = v;
	return v.len >= 1 && v.len <= MAX_LAYOUT && has_only(v, "-_");
}

static bool parse_ipv4(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	struct cb_config_ipv4 *ip = &c->ipv4;
	cb_read_copy(&r, ip->address, 4);
	cb_read_copy(&r, ip->gateway, 4);
	ip->prefix_len = cb_read_u8(&r);
	ip->n_dns = cb_read_u8(&r);
	if (ip->prefix_len > 32 || ip->n_dns > CB_CONFIG_MAX_DNS)
		return false;
	for (unsigned i = 0; i < ip->n_dns; i++)
		cb_read_copy(&r, ip->dns[i], 4);
	c->has_ipv4 = true;
	return cb_reader_is_done(&r);
}

bool cb_config_is_ipv6_host(const uint8_t address[16])
{
	static const uint8_t none[12];
	return address[0] != 0xff && memcmp(address, none, sizeof(none)) != 0;
}

static bool parse_ipv6(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	struct cb_config_ipv6 *ip = &c->ipv6;
	cb_read_copy(&r, ip->address, 16);
	cb_read_copy(&r, ip->gateway, 16);
	ip->prefix_len = cb_read_u8(&r);
	ip->n_dns = cb_read_u8(&r);
	if (ip->prefix_len > 128 || ip->n_dns > CB_CONFIG_MAX_DNS ||
	    !cb_config_is_ipv6_host(ip->address))
		return false;
	for (unsigned i = 0; i < ip->n_dns; i++)
		cb_read_copy(&r, ip->dns[i], 16);
	c->has_ipv6 = true;
	return cb_reader_is_done(&r);
}

static bool parse_vlan(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	c->vlan_id = cb_read_le16(&r);
	return cb_reader_is_done(&r) && c->vlan_id >= 1 && c->vlan_id <= CB_CONFIG_MAX_VLAN;
}

static bool parse_autologin(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	uint8_t len = cb_read_u8(&r);
	struct cb_bytes account = cb_read_bytes(&r, len);
	cb_read_copy(&r, c->autologin_key, sizeof(c->autologin_key));
	if (!cb_reader_is_done(&r) || len < 1 || len > CB_ACCOUNT_MAX)
		return false;
	if (!has_only(account, "._@-"))
		return false;
	memcpy(c->autologin_account, account.p, len);
	c->autologin_account[len] = '\0';
	c->has_autologin = true;
	return true;
}

static bool parse_flags(struct cb_bytes v, struct cb_config *c)
{
	struct cb_reader r = cb_reader_of(v);
	uint32_t flags = cb_read_le32(&r);
	c->allow_next_option = (flags & CB_CONFIG_FLAG_NEXT_OPTION) != 0;
	c->no_prefetch = (flags & CB_CONFIG_FLAG_NO_PREFETCH) != 0;
	c->no_dhcp_mirror = (flags & CB_CONFIG_FLAG_NO_DHCP_MIRROR) != 0;
	return cb_reader_is_done(&r) &&
		(flags &
		 ~(CB_CONFIG_FLAG_NEXT_OPTION | CB_CONFIG_FLAG_NO_PREFETCH |
		   CB_CONFIG_FLAG_NO_DHCP_MIRROR)) == 0;
}

static bool parse_tls_ca(struct cb_bytes v, struct cb_config *c)
{
	br_x509_trust_anchor anchor;
	if (c->tls.n_anchors == CB_TLS_MAX_ANCHORS || !cb_tls_anchor_parse(v, &anchor))
		return false;
	c->tls.anchors[c->tls.n_anchors++] = v;
	return true;
}

static bool parse_tls_pin(struct cb_bytes v, struct cb_config *c)
{
	if (c->tls.n_pins == CB_TLS_MAX_PINS || v.len != CB_TLS_PIN_LEN)
		return false;
	memcpy(c->tls.pins[c->tls.n_pins++], v.p, v.len);
	return true;
}

/* Indexed by tag. */
static const struct {
	bool (*parse)(struct cb_bytes value, struct cb_config *c);
	bool is_required, may_repeat;
} entries[] = {
	[CB_CONFIG_ROOT] = { .parse = parse_root, .is_required = true },
	[CB_CONFIG_REALM_ID] = { .parse = parse_realm_id, .is_required = true },
	[CB_CONFIG_MIRROR] = { .parse = parse_mirror, .is_required = true, .may_repeat = true },
	[CB_CONFIG_STAMPED] = { .parse = parse_stamped, .is_required = true },
	[CB_CONFIG_LAYOUT] = { .parse = parse_layout },
	[CB_CONFIG_IPV4] = { .parse = parse_ipv4 },
	[CB_CONFIG_AUTOLOGIN] = { .parse = parse_autologin },
	[CB_CONFIG_FLAGS] = { .parse = parse_flags },
	[CB_CONFIG_IPV6] = { .parse = parse_ipv6 },
	[CB_CONFIG_VLAN] = { .parse = parse_vlan },
	[CB_CONFIG_TLS_CA] = { .parse = parse_tls_ca, .may_repeat = true },
	[CB_CONFIG_TLS_PIN] = { .parse = parse_tls_pin, .may_repeat = true },
	[CB_CONFIG_NEAR] = { .parse = parse_near, .may_repeat = true },
};
#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static bool parse_entry(struct cb_reader *r, struct cb_config *c, bool seen[N_ENTRIES])
{
	uint16_t tag = cb_read_le16(r);
	uint16_t flags = cb_read_le16(r);
	uint32_t len = cb_read_le32(r);
	struct cb_bytes value = cb_read_bytes(r, len);
	if (r->failed || (flags & ~CB_CONFIG_CRITICAL) != 0)
		return false;
	if (tag >= N_ENTRIES || !entries[tag].parse)
		return (flags & CB_CONFIG_CRITICAL) == 0;
	if (seen[tag] && !entries[tag].may_repeat)
		return false;
	seen[tag] = true;
	return entries[tag].parse(value, c);
}

/* The entries of the section, when frame and digest are right; zero fill may follow the section. */
static bool open_section(struct cb_bytes section, struct cb_bytes *ret_entries)
{
	struct cb_reader r = cb_reader_of(section);
	struct cb_bytes magic = cb_read_bytes(&r, 8);
	uint32_t len = cb_read_le32(&r);
	cb_read_zeros(&r, 4);
	if (r.failed || !cb_bytes_is(magic, MAGIC) || len < CB_DIGEST_LEN ||
	    len > CB_CONFIG_MAX_LEN - HEAD_LEN)
		return false;
	*ret_entries = cb_read_bytes(&r, len - CB_DIGEST_LEN);
	struct cb_bytes digest = cb_read_bytes(&r, CB_DIGEST_LEN);
	cb_read_zeros(&r, r.rest.len);
	if (r.failed)
		return false;
	uint8_t want[CB_DIGEST_LEN];
	cb_blake2b_256((struct cb_bytes){ .p = section.p, .len = HEAD_LEN + len - CB_DIGEST_LEN },
		       want);
	return memcmp(want, digest.p, CB_DIGEST_LEN) == 0;
}

enum cb_err cb_config_parse(struct cb_bytes section, struct cb_config *ret)
{
	struct cb_config c;
	bool seen[N_ENTRIES] = { false };
	struct cb_bytes body;
	if (section.len > CB_CONFIG_MAX_LEN || !open_section(section, &body))
		return CB_CONFIG;
	memset(&c, 0, sizeof(c));
	struct cb_reader r = cb_reader_of(body);
	while (r.rest.len != 0)
		if (!parse_entry(&r, &c, seen))
			return CB_CONFIG;
	for (unsigned i = 0; i < N_ENTRIES; i++)
		if (entries[i].is_required && !seen[i])
			return CB_CONFIG;
	*ret = c;
	return CB_OK;
}

struct writer {
	uint8_t *out;
	size_t max, len;
	bool overflowed;
};

static uint8_t *take(struct writer *w, size_t len)
{
	if (w->overflowed || len > w->max - w->len) {
		w->overflowed = true;
		return NULL;
	}
	uint8_t *p = w->out + w->len;
	w->len += len;
	return p;
}

/* The head of an entry; returns the place of its value, NULL when it does not fit. */
static uint8_t *put_entry(struct writer *w, unsigned tag, size_t len)
{
	if (len > CB_CONFIG_MAX_LEN) {
		w->overflowed = true;
		return NULL;
	}
	uint8_t *p = take(w, ENTRY_HEAD_LEN + len);
	if (!p)
		return NULL;
	cb_put_le16(p, (uint16_t)tag);
	cb_put_le16(p + 2, CB_CONFIG_CRITICAL);
	cb_put_le32(p + 4, (uint32_t)len);
	return p + ENTRY_HEAD_LEN;
}

static void put_bytes(struct writer *w, unsigned tag, const void *value, size_t len)
{
	uint8_t *p = put_entry(w, tag, len);
	if (p && len != 0)
		memcpy(p, value, len);
}

static void put_ipv4(struct writer *w, const struct cb_config_ipv4 *ip)
{
	unsigned n_dns = ip->n_dns <= CB_CONFIG_MAX_DNS ? ip->n_dns : 0;
	uint8_t *p = put_entry(w, CB_CONFIG_IPV4, 10 + (size_t)4 * n_dns);
	if (!p)
		return;
	memcpy(p, ip->address, 4);
	memcpy(p + 4, ip->gateway, 4);
	p[8] = ip->prefix_len;
	p[9] = (uint8_t)n_dns;
	memcpy(p + 10, ip->dns, (size_t)4 * n_dns);
}

static void put_ipv6(struct writer *w, const struct cb_config_ipv6 *ip)
{
	unsigned n_dns = ip->n_dns <= CB_CONFIG_MAX_DNS ? ip->n_dns : 0;
	uint8_t *p = put_entry(w, CB_CONFIG_IPV6, 34 + (size_t)16 * n_dns);
	if (!p)
		return;
	memcpy(p, ip->address, 16);
	memcpy(p + 16, ip->gateway, 16);
	p[32] = ip->prefix_len;
	p[33] = (uint8_t)n_dns;
	memcpy(p + 34, ip->dns, (size_t)16 * n_dns);
}

static void put_autologin(struct writer *w, const struct cb_config *c)
{
	size_t len = strlen(c->autologin_account);
	uint8_t *p = put_entry(w, CB_CONFIG_AUTOLOGIN, 1 + len + CB_LOGIN_KEY_LEN);
	if (!p)
		return;
	p[0] = (uint8_t)len;
	memcpy(p + 1, c->autologin_account, len);
	memcpy(p + 1 + len, c->autologin_key, CB_LOGIN_KEY_LEN);
}

static void put_entries(struct writer *w, const struct cb_config *c)
{
	uint8_t number[8];
	put_bytes(w, CB_CONFIG_ROOT, c->root.p, c->root.len);
	put_bytes(w, CB_CONFIG_REALM_ID, c->realm_id, sizeof(c->realm_id));
	for (unsigned i = 0; i < c->n_mirrors && i < CB_CONFIG_MAX_MIRRORS; i++)
		put_bytes(w, CB_CONFIG_MIRROR, c->mirrors[i].p, c->mirrors[i].len);
	cb_put_le64(number, (uint64_t)c->stamped_s);
	put_bytes(w, CB_CONFIG_STAMPED, number, 8);
	if (c->layout.len != 0)
		put_bytes(w, CB_CONFIG_LAYOUT, c->layout.p, c->layout.len);
	if (c->has_ipv4)
		put_ipv4(w, &c->ipv4);
	if (c->has_ipv6)
		put_ipv6(w, &c->ipv6);
	if (c->vlan_id != 0) {
		cb_put_le16(number, c->vlan_id);
		put_bytes(w, CB_CONFIG_VLAN, number, 2);
	}
	if (c->has_autologin)
		put_autologin(w, c);
	cb_put_le32(number,
		    (c->allow_next_option ? CB_CONFIG_FLAG_NEXT_OPTION : 0) |
			    (c->no_prefetch ? CB_CONFIG_FLAG_NO_PREFETCH : 0) |
			    (c->no_dhcp_mirror ? CB_CONFIG_FLAG_NO_DHCP_MIRROR : 0));
	put_bytes(w, CB_CONFIG_FLAGS, number, 4);
	for (unsigned i = 0; i < c->tls.n_anchors; i++)
		put_bytes(w, CB_CONFIG_TLS_CA, c->tls.anchors[i].p, c->tls.anchors[i].len);
	for (unsigned i = 0; i < c->tls.n_pins; i++)
		put_bytes(w, CB_CONFIG_TLS_PIN, c->tls.pins[i], CB_TLS_PIN_LEN);
	for (unsigned i = 0; i < c->n_near; i++)
		put_bytes(w, CB_CONFIG_NEAR, c->near[i].p, c->near[i].len);
}

enum cb_err cb_config_write(const struct cb_config *c, uint8_t *out, size_t max, size_t *ret_len)
{
	struct writer w = { .out = out, .max = max };
	if (c->n_mirrors > CB_CONFIG_MAX_MIRRORS || c->n_near > CB_CONFIG_MAX_NEAR ||
	    c->tls.n_anchors > CB_TLS_MAX_ANCHORS || c->tls.n_pins > CB_TLS_MAX_PINS ||
	    (c->has_ipv4 && c->ipv4.n_dns > CB_CONFIG_MAX_DNS) ||
	    (c->has_ipv6 && c->ipv6.n_dns > CB_CONFIG_MAX_DNS))
		return CB_CONFIG;
	uint8_t *head = take(&w, HEAD_LEN);
	put_entries(&w, c);
	size_t digest_at = w.len;
	uint8_t *digest = take(&w, CB_DIGEST_LEN);
	if (!head || !digest || w.len > CB_CONFIG_MAX_LEN)
		return CB_CONFIG;
	memcpy(head, MAGIC, 8);
	cb_put_le32(head + 8, (uint32_t)(w.len - HEAD_LEN));
	cb_put_le32(head + 12, 0);
	cb_blake2b_256((struct cb_bytes){ .p = out, .len = digest_at }, digest);
	/* What the loader would refuse is refused here, where somebody can repair it. */
	struct cb_config back;
	enum cb_err err = cb_config_parse((struct cb_bytes){ .p = out, .len = w.len }, &back);
	if (err != CB_OK)
		return err;
	*ret_len = w.len;
	return CB_OK;
}
