/* SPDX-License-Identifier: MIT */
/* Byte spans, the bounded reader, hex, wiping and comparing of secrets. */
#include "core/bytes.h"

#include <string.h>

struct cb_bytes cb_bytes_of(const char *s)
{
	return (struct cb_bytes){ .p = (const uint8_t *)s, .len = strlen(s) };
}

bool cb_bytes_equal(struct cb_bytes a, struct cb_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool cb_bytes_is(struct cb_bytes a, const char *s)
{
	return cb_bytes_equal(a, cb_bytes_of(s));
}

/* Length of the UTF-8 sequence that starts with `lead`, 0 when none does (RFC 3629 §4). */
static size_t utf8_len(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

static bool is_text_char(const uint8_t *p, size_t len)
{
	if (len == 1)
		return p[0] >= 0x20 && p[0] != 0x7f;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	switch (p[0]) {
	case 0xc2: /* U+0080..U+009F are control characters */
		return p[1] >= 0xa0;
	case 0xe0: /* overlong */
		return p[1] >= 0xa0;
	case 0xed: /* surrogates */
		return p[1] <= 0x9f;
	case 0xf0: /* overlong */
		return p[1] >= 0x90;
	case 0xf4: /* past U+10FFFF */
		return p[1] <= 0x8f;
	default:
		return true;
	}
}

bool cb_bytes_is_text(struct cb_bytes a)
{
	for (size_t at = 0; at < a.len;) {
		size_t n = utf8_len(a.p[at]);
		if (n == 0 || n > a.len - at || !is_text_char(a.p + at, n))
			return false;
		at += n;
	}
	return true;
}

bool cb_bytes_is_ascii(struct cb_bytes a)
{
	for (size_t i = 0; i < a.len; i++)
		if (a.p[i] < 0x20 || a.p[i] > 0x7e)
			return false;
	return true;
}

struct cb_reader cb_reader_of(struct cb_bytes bytes)
{
	return (struct cb_reader){ .rest = bytes, .failed = false };
}

struct cb_bytes cb_read_bytes(struct cb_reader *r, size_t len)
{
	if (r->failed || len > r->rest.len) {
		r->failed = true;
		return (struct cb_bytes){ .p = NULL, .len = 0 };
	}
	struct cb_bytes got = { .p = r->rest.p, .len = len };
	if (len != 0) {
		r->rest.p += len;
		r->rest.len -= len;
	}
	return got;
}

uint8_t cb_read_u8(struct cb_reader *r)
{
	struct cb_bytes b = cb_read_bytes(r, 1);
	return b.len == 1 ? b.p[0] : 0;
}

uint16_t cb_read_le16(struct cb_reader *r)
{
	struct cb_bytes b = cb_read_bytes(r, 2);
	return b.len == 2 ? cb_le16(b.p) : 0;
}

uint32_t cb_read_le32(struct cb_reader *r)
{
	struct cb_bytes b = cb_read_bytes(r, 4);
	return b.len == 4 ? cb_le32(b.p) : 0;
}

uint64_t cb_read_le64(struct cb_reader *r)
{
	struct cb_bytes b = cb_read_bytes(r, 8);
	return b.len == 8 ? cb_le64(b.p) : 0;
}

uint16_t cb_read_be16(struct cb_reader *r)
{
	return __builtin_bswap16(cb_read_le16(r));
}

uint32_t cb_read_be32(struct cb_reader *r)
{
	return __builtin_bswap32(cb_read_le32(r));
}

void cb_read_copy(struct cb_reader *r, void *out, size_t len)
{
	if (len == 0)
		return;
	struct cb_bytes b = cb_read_bytes(r, len);
	if (b.len == len)
		memcpy(out, b.p, len);
	else
		memset(out, 0, len);
}

void cb_read_zeros(struct cb_reader *r, size_t len)
{
	struct cb_bytes b = cb_read_bytes(r, len);
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] != 0)
			r->failed = true;
}

bool cb_reader_is_done(const struct cb_reader *r)
{
	return !r->failed && r->rest.len == 0;
}

void cb_hex_encode(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

/* The value of a lower-case hex digit, 16 for anything else. */
static unsigned hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

bool cb_hex_decode(struct cb_bytes hex, uint8_t *out, size_t len)
{
	if (hex.len / 2 != len || hex.len % 2 != 0)
		return false;
	for (size_t i = 0; i < hex.len; i++)
		if (hex_value(hex.p[i]) > 15)
			return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_value(hex.p[2 * i]) << 4 | hex_value(hex.p[2 * i + 1]));
	return true;
}

void cb_wipe(void *p, size_t len)
{
	if (len == 0)
		return;
	memset(p, 0, len);
	/* The compiler must assume that this reads what p points to, so the zeros are written. */
	__asm__ volatile("" : : "r"(p) : "memory");
}

bool cb_equal_ct(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	unsigned diff = 0;
	for (size_t i = 0; i < len; i++) {
		diff |= (unsigned)(x[i] ^ y[i]);
		/* Hides the value, so that no early exit can be derived from it. */
		__asm__ volatile("" : "+r"(diff));
	}
	return diff == 0;
}
