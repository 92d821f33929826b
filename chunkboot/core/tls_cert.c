/* SPDX-License-Identifier: MIT */
/* Reads a certificate's key, names and purpose (RFC 5280 §4.1, §4.2), and matches names. */
#include <string.h>

#include "core/tls_internal.h"

#define TAG_BOOLEAN 0x01
#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT(n) (0x80 | (n))
#define TAG_CONTEXT_STRUCT(n) (0xa0 | (n))
#define NAME_DNS TAG_CONTEXT(2)
#define NAME_ADDRESS TAG_CONTEXT(7)

/* ---- DER (X.690 §10): definite lengths in their shortest form ---- */

static size_t read_length(struct cb_reader *r)
{
	size_t len = cb_read_u8(r), n = len & 0x7f;

	if (len < 0x80)
		return len;
	if (n < 1 || n > 3)
		r->failed = true;
	for (len = 0; n > 0 && !r->failed; n--)
		len = len << 8 | cb_read_u8(r);
	return len;
}

static uint8_t peek_tag(const struct cb_reader *r)
{
	return r->failed || r->rest.len == 0 ? 0 : r->rest.p[0];
}

/* The content of the next element, which must have that tag. */
static struct cb_bytes read_element(struct cb_reader *r, uint8_t tag)
{
	if (cb_read_u8(r) != tag)
		r->failed = true;
	size_t len = read_length(r);
	return cb_read_bytes(r, len);
}

static void skip_if(struct cb_reader *r, uint8_t tag)
{
	if (peek_tag(r) == tag)
		(void)read_element(r, tag);
}

/* ---- The certificate ---- */

/* "Server authentication" or "any purpose" among the purposes. */
static bool allows_servers(struct cb_bytes value)
{
	static const uint8_t server[] = { 0x2b, 6, 1, 5, 5, 7, 3, 1 };
	static const uint8_t any[] = { 0x55, 0x1d, 0x25, 0 };
	struct cb_reader outer = cb_reader_of(value);
	struct cb_reader r = cb_reader_of(read_element(&outer, TAG_SEQUENCE));
	bool is_allowed = false;

	while (!r.failed && r.rest.len > 0) {
		struct cb_bytes oid = read_element(&r, TAG_OID);
		is_allowed |= cb_bytes_equal(oid, (struct cb_bytes){ server, sizeof server }) ||
			cb_bytes_equal(oid, (struct cb_bytes){ any, sizeof any });
	}
	return is_allowed && cb_reader_is_done(&outer) && !r.failed;
}

/* One extension; each of ours at most once. */
static bool parse_extension(struct cb_bytes extension, struct cb_tls_cert *cert, bool *has_purposes)
{
	static const uint8_t subject_alt_name[] = { 0x55, 0x1d, 0x11 };
	static const uint8_t purposes[] = { 0x55, 0x1d, 0x25 };
	struct cb_reader r = cb_reader_of(extension);
	struct cb_bytes oid = read_element(&r, TAG_OID);

	skip_if(&r, TAG_BOOLEAN);
	struct cb_bytes value = read_element(&r, TAG_OCTETS);
	if (!cb_reader_is_done(&r))
		return false;
	if (cb_bytes_equal(oid, (struct cb_bytes){ purposes, sizeof purposes })) {
		if (*has_purposes)
			return false;
		*has_purposes = true;
		cert->is_for_servers = allows_servers(value);
	}
	if (!cb_bytes_equal(oid, (struct cb_bytes){ subject_alt_name, sizeof subject_alt_name }))
		return true;
	r = cb_reader_of(value);
	if (cert->names.p)
		return false;
	cert->names = read_element(&r, TAG_SEQUENCE);
	return cb_reader_is_done(&r) && cert->names.len > 0;
}

static bool parse_extensions(struct cb_reader *tbs, struct cb_tls_cert *cert)
{
	bool has_purposes = false;

	if (peek_tag(tbs) != TAG_CONTEXT_STRUCT(3))
		return cb_reader_is_done(tbs);
	struct cb_reader outer = cb_reader_of(read_element(tbs, TAG_CONTEXT_STRUCT(3)));
	struct cb_reader r = cb_reader_of(read_element(&outer, TAG_SEQUENCE));
	if (!cb_reader_is_done(&outer) || !cb_reader_is_done(tbs))
		return false;
	while (!r.failed && r.rest.len > 0)
		if (!parse_extension(read_element(&r, TAG_SEQUENCE), cert, &has_purposes))
			return false;
	return !r.failed;
}

bool cb_tls_cert_parse(struct cb_bytes der, struct cb_tls_cert *ret)
{
	struct cb_tls_cert cert = { .is_for_servers = true };
	struct cb_reader outer = cb_reader_of(der);
	struct cb_reader whole = cb_reader_of(read_element(&outer, TAG_SEQUENCE));
	struct cb_reader tbs = cb_reader_of(read_element(&whole, TAG_SEQUENCE));

	skip_if(&tbs, TAG_CONTEXT_STRUCT(0)); /* version */
	(void)read_element(&tbs, TAG_INTEGER); /* serial number */
	for (unsigned i = 0; i < 4; i++) /* signature, issuer, validity, subject */
		(void)read_element(&tbs, TAG_SEQUENCE);
	cert.spki.p = tbs.rest.p;
	size_t before = tbs.rest.len;
	(void)read_element(&tbs, TAG_SEQUENCE);
	cert.spki.len = before - tbs.rest.len;
	skip_if(&tbs, TAG_CONTEXT(1));
	skip_if(&tbs, TAG_CONTEXT(2));
	if (tbs.failed || !cb_reader_is_done(&outer) || !parse_extensions(&tbs, &cert))
		return false;
	*ret = cert;
	return true;
}

/* ---- Names ---- */

static bool is_same_name(struct cb_bytes name, const char *host)
{
	size_t len = strlen(host);

	if (name.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c + ('a' - 'A'));
		if (c != (uint8_t)host[i])
			return false;
	}
	return true;
}

bool cb_tls_cert_is_for(const struct cb_tls_cert *cert, const char *host)
{
	struct cb_reader r = cb_reader_of(cert->names);
	uint8_t address[16];
	size_t address_len = cb_tls_address(host, address);
	bool is_for = false;

	while (!r.failed && r.rest.len > 0) {
		uint8_t tag = peek_tag(&r);
		struct cb_bytes name = read_element(&r, tag);
		if (tag == NAME_DNS && address_len == 0)
			is_for |= is_same_name(name, host);
		else if (tag == NAME_ADDRESS && address_len > 0)
			is_for |= cb_bytes_equal(name, (struct cb_bytes){ address, address_len });
	}
	return is_for && !r.failed;
}

/* "192.0.2.1": four numbers without leading zeroes. */
static bool parse_ipv4(struct cb_bytes text, uint8_t ret[4])
{
	size_t at = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned value = 0, n = 0;
		if (i > 0 && (at == text.len || text.p[at++] != '.'))
			return false;
		for (; at < text.len && text.p[at] >= '0' && text.p[at] <= '9' && n < 4; n++)
			value = value * 10 + (text.p[at++] - '0');
		if (n == 0 || n > 3 || value > 255)
			return false;
		ret[i] = (uint8_t)value;
	}
	return at == text.len;
}

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 4291 §2.2: groups of up to four digits, "::" at most once, an IPv4 address as the tail. */
static bool parse_ipv6(struct cb_bytes text, uint8_t ret[16])
{
	size_t at = 0, n = 0, gap = SIZE_MAX;

	memset(ret, 0, 16);
	if (text.len >= 2 && text.p[0] == ':' && text.p[1] == ':') {
		gap = 0;
		at = 2;
	}
	while (at < text.len) {
		struct cb_bytes rest = { text.p + at, text.len - at };
		unsigned value = 0, digits = 0;
		if (n <= 12 && parse_ipv4(rest, ret + n)) {
			n += 4;
			break;
		}
		for (; at < text.len && hex_of(text.p[at]) >= 0 && digits < 5; digits++)
			value = value << 4 | (unsigned)hex_of(text.p[at++]);
		if (digits < 1 || digits > 4 || n > 14)
			return false;
		ret[n++] = (uint8_t)(value >> 8);
		ret[n++] = (uint8_t)value;
		if (at == text.len)
			break;
		if (text.p[at++] != ':' || at == text.len)
			return false;
		if (text.p[at] != ':')
			continue;
		if (gap != SIZE_MAX)
			return false;
		gap = n;
		at++;
	}
	if (gap == SIZE_MAX)
		return n == 16;
	if (n > 14)
		return false;
	memmove(ret + 16 - (n - gap), ret + gap, n - gap);
	memset(ret + gap, 0, 16 - n);
	return true;
}

size_t cb_tls_address(const char *host, uint8_t ret[16])
{
	struct cb_bytes text = cb_bytes_of(host);

	if (parse_ipv4(text, ret))
		return 4;
	return text.len > 0 && memchr(text.p, ':', text.len) && parse_ipv6(text, ret) ? 16 : 0;
}
