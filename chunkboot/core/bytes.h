/* SPDX-License-Identifier: MIT */
/* Byte spans, checked arithmetic, little-endian access and the bounded reader. */
#ifndef CB_CORE_BYTES_H
#define CB_CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A span that the holder may read; who owns it says the function that hands it out. */
struct cb_bytes {
	const uint8_t *p; /* may be NULL when len is 0 */
	size_t len;
};

/* The span of a NUL-terminated string, without its NUL. */
struct cb_bytes cb_bytes_of(const char *s);
bool cb_bytes_equal(struct cb_bytes a, struct cb_bytes b);
/* True when a is exactly the string s. */
bool cb_bytes_is(struct cb_bytes a, const char *s);
/* True for well-formed UTF-8 (RFC 3629) without control characters; the empty span is text. */
bool cb_bytes_is_text(struct cb_bytes a);
/* True when all bytes are printable ASCII, blank included. */
bool cb_bytes_is_ascii(struct cb_bytes a);

/* Checked sums and products: false on overflow, *ret untouched then. */
static inline bool cb_add(size_t a, size_t b, size_t *ret)
{
	size_t sum;
	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*ret = sum;
	return true;
}

static inline bool cb_mul(size_t a, size_t b, size_t *ret)
{
	size_t product;
	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*ret = product;
	return true;
}

/* Little-endian access to possibly unaligned bytes; compilers make one load or store of each. */
static inline uint16_t cb_le16(const uint8_t p[2])
{
	return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t cb_le32(const uint8_t p[4])
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t cb_le64(const uint8_t p[8])
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
		(uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
		(uint64_t)p[7] << 56;
}

static inline void cb_put_le16(uint8_t p[2], uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void cb_put_le32(uint8_t p[4], uint32_t v)
{
	cb_put_le16(p, (uint16_t)v);
	cb_put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void cb_put_le64(uint8_t p[8], uint64_t v)
{
	cb_put_le32(p, (uint32_t)v);
	cb_put_le32(p + 4, (uint32_t)(v >> 32));
}

/*
 * Reads untrusted bytes front to back. The first read past the end sets `failed`; from then on
 * every read yields zero or an empty span, so a parser may read a whole header and check once.
 */
struct cb_reader {
	struct cb_bytes rest;
	bool failed;
};

struct cb_reader cb_reader_of(struct cb_bytes bytes);
uint8_t cb_read_u8(struct cb_reader *r);
uint16_t cb_read_le16(struct cb_reader *r);
uint32_t cb_read_le32(struct cb_reader *r);
uint64_t cb_read_le64(struct cb_reader *r);
uint16_t cb_read_be16(struct cb_reader *r);
uint32_t cb_read_be32(struct cb_reader *r);
/* The next len bytes as a span into the input. */
struct cb_bytes cb_read_bytes(struct cb_reader *r, size_t len);
/* Copies len bytes to out (zeroes on failure). */
void cb_read_copy(struct cb_reader *r, void *out, size_t len);
/* Skips len bytes that must all be zero; anything else fails. */
void cb_read_zeros(struct cb_reader *r, size_t len);
/* True when nothing failed and nothing is left. */
bool cb_reader_is_done(const struct cb_reader *r);

/* Lower-case hex; out gets 2*len characters and a NUL. */
void cb_hex_encode(const uint8_t *in, size_t len, char *out);
/* Strict lower-case hex of exactly 2*len characters; false, out untouched, on anything else. */
bool cb_hex_decode(struct cb_bytes hex, uint8_t *out, size_t len);

/* Overwrites secrets in a way the compiler keeps. */
void cb_wipe(void *p, size_t len);
/* Constant-time comparison. */
bool cb_equal_ct(const void *a, const void *b, size_t len);

#endif
