/* SPDX-License-Identifier: MIT */
/* BLAKE2b (RFC 7693) in portable scalar C: the fastest form where the processor is emulated. */
#include <string.h>

#include "core/digest.h"

#define BLOCK_LEN 128u

/* RFC 7693 §2.6. */
static const uint64_t iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static inline uint64_t rotr(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

/*
 * Half of the mixing function G (RFC 7693 §3.1), on four columns or diagonals side by side: that
 * keeps more of the processor busy than one G after the other, and an emulator computes the flags
 * of fewer instructions. Columns are (v0 v4 v8 v12) and so on; diagonals have their b, c and d
 * turned by one, two and three. r and s are the rotations.
 */
#define HALF_G(b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3, x0, x1, x2, x3, r, s)               \
	do {                                                                                       \
		v0 += b0 + m[x0];                                                                  \
		v1 += b1 + m[x1];                                                                  \
		v2 += b2 + m[x2];                                                                  \
		v3 += b3 + m[x3];                                                                  \
		d0 ^= v0;                                                                          \
		d1 ^= v1;                                                                          \
		d2 ^= v2;                                                                          \
		d3 ^= v3;                                                                          \
		d0 = rotr(d0, r);                                                                  \
		d1 = rotr(d1, r);                                                                  \
		d2 = rotr(d2, r);                                                                  \
		d3 = rotr(d3, r);                                                                  \
		c0 += d0;                                                                          \
		c1 += d1;                                                                          \
		c2 += d2;                                                                          \
		c3 += d3;                                                                          \
		b0 ^= c0;                                                                          \
		b1 ^= c1;                                                                          \
		b2 ^= c2;                                                                          \
		b3 ^= c3;                                                                          \
		b0 = rotr(b0, s);                                                                  \
		b1 = rotr(b1, s);                                                                  \
		b2 = rotr(b2, s);                                                                  \
		b3 = rotr(b3, s);                                                                  \
	} while (0)

#define COLUMNS(x0, x1, x2, x3, r, s)                                                              \
	HALF_G(v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, x0, x1, x2, x3, r, s)
#define DIAGONALS(x0, x1, x2, x3, r, s)                                                            \
	HALF_G(v5, v6, v7, v4, v10, v11, v8, v9, v15, v12, v13, v14, x0, x1, x2, x3, r, s)

/* One round with its permutation of the message words written out (RFC 7693 §2.7, §3.2). */
#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15)                \
	do {                                                                                       \
		COLUMNS(s0, s2, s4, s6, 32, 24);                                                   \
		COLUMNS(s1, s3, s5, s7, 16, 63);                                                   \
		DIAGONALS(s8, s10, s12, s14, 32, 24);                                              \
		DIAGONALS(s9, s11, s13, s15, 16, 63);                                              \
	} while (0)

/* Mixes one block into h; n_bytes counts up to and with this block. */
static void compress(uint64_t h[8], const uint8_t block[BLOCK_LEN], uint64_t n_bytes, bool is_last)
{
	uint64_t m[16];
	for (unsigned i = 0; i < 16; i++)
		m[i] = cb_le64(block + (size_t)8 * i);

	uint64_t v0 = h[0], v1 = h[1], v2 = h[2], v3 = h[3];
	uint64_t v4 = h[4], v5 = h[5], v6 = h[6], v7 = h[7];
	uint64_t v8 = iv[0], v9 = iv[1], v10 = iv[2], v11 = iv[3];
	uint64_t v12 = iv[4] ^ n_bytes, v13 = iv[5];
	uint64_t v14 = is_last ? ~iv[6] : iv[6], v15 = iv[7];

	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);

	h[0] ^= v0 ^ v8;
	h[1] ^= v1 ^ v9;
	h[2] ^= v2 ^ v10;
	h[3] ^= v3 ^ v11;
	h[4] ^= v4 ^ v12;
	h[5] ^= v5 ^ v13;
	h[6] ^= v6 ^ v14;
	h[7] ^= v7 ^ v15;
}

void cb_blake2b_init(struct cb_blake2b *s, size_t out_len, const uint8_t *key, size_t key_len)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->h, iv, sizeof(iv));
	/* Parameter block of a sequential hash: lengths, fan-out 1, depth 1 (RFC 7693 §2.5). */
	s->h[0] ^= 0x01010000u ^ (uint64_t)key_len << 8 ^ (uint64_t)out_len;
	s->out_len = out_len;
	if (key_len != 0) {
		memcpy(s->block, key, key_len);
		s->n_block = BLOCK_LEN;
	}
}

void cb_blake2b_update(struct cb_blake2b *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	while (len != 0) {
		/* A full block waits until more comes: the last one is mixed differently. */
		if (s->n_block == BLOCK_LEN) {
			s->n_bytes += BLOCK_LEN;
			compress(s->h, s->block, s->n_bytes, false);
			s->n_block = 0;
		}
		for (; s->n_block == 0 && len > BLOCK_LEN; p += BLOCK_LEN, len -= BLOCK_LEN) {
			s->n_bytes += BLOCK_LEN;
			compress(s->h, p, s->n_bytes, false);
		}
		size_t room = BLOCK_LEN - s->n_block;
		size_t n = len < room ? len : room;
		memcpy(s->block + s->n_block, p, n);
		s->n_block += n;
		p += n;
		len -= n;
	}
}

void cb_blake2b_final(struct cb_blake2b *s, uint8_t *out)
{
	uint8_t full[64];
	memset(s->block + s->n_block, 0, BLOCK_LEN - s->n_block);
	compress(s->h, s->block, s->n_bytes + s->n_block, true);
	for (unsigned i = 0; i < 8; i++)
		cb_put_le64(full + (size_t)8 * i, s->h[i]);
	memcpy(out, full, s->out_len);
	cb_wipe(full, sizeof(full));
	cb_wipe(s, sizeof(*s));
}

void cb_blake2b_256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN])
{
	struct cb_blake2b s;
	cb_blake2b_init(&s, CB_DIGEST_LEN, NULL, 0);
	cb_blake2b_update(&s, in.p, in.len);
	cb_blake2b_final(&s, out);
}
