/* SPDX-License-Identifier: MIT */
/* BLAKE2b (RFC 7693) in scalar C: vector code is slower where the processor is emulated. */
#include <string.h>

#include "core/digest.h"

#define BLOCK_LEN 128u
#define INLINE inline __attribute__((always_inline))

/*
 * BMI2's rotation leaves the flags alone. An emulator (QEMU without KVM) computes them for every
 * other kind, and is more than twice as fast with it. It needs no registers that an operating
 * system would have to save, so firmware can use it.
 */
#if defined(__x86_64__)
#include <cpuid.h>

#define UNROLLED_TARGET __attribute__((target("bmi2")))

static bool is_unrolled_possible(void)
{
	unsigned a, b = 0, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_BMI2);
}
#else
#define UNROLLED_TARGET

static bool is_unrolled_possible(void)
{
	return true;
}
#endif

/* RFC 7693 §2.6. */
static const uint64_t iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static inline uint64_t rotr(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

/* Order of the message words in each round (RFC 7693 §2.7). */
static const uint8_t sigma[10][16] = {
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	{ 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3 },
	{ 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4 },
	{ 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8 },
	{ 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13 },
	{ 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9 },
	{ 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11 },
	{ 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10 },
	{ 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5 },
	{ 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0 },
};

/* The mixing function G on words a, b, c and d of v (RFC 7693 §3.1). */
static INLINE void mix(uint64_t v[16], const unsigned at[4], uint64_t x, uint64_t y)
{
	unsigned a = at[0], b = at[1], c = at[2], d = at[3];

	v[a] += v[b] + x;
	v[d] = rotr(v[d] ^ v[a], 32);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 24);
	v[a] += v[b] + y;
	v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 63);
}

/* Columns, then diagonals. */
static INLINE void mix_round(uint64_t v[16], const uint64_t m[16], const uint8_t s[16])
{
	mix(v, (const unsigned[]){ 0, 4, 8, 12 }, m[s[0]], m[s[1]]);
	mix(v, (const unsigned[]){ 1, 5, 9, 13 }, m[s[2]], m[s[3]]);
	mix(v, (const unsigned[]){ 2, 6, 10, 14 }, m[s[4]], m[s[5]]);
	mix(v, (const unsigned[]){ 3, 7, 11, 15 }, m[s[6]], m[s[7]]);
	mix(v, (const unsigned[]){ 0, 5, 10, 15 }, m[s[8]], m[s[9]]);
	mix(v, (const unsigned[]){ 1, 6, 11, 12 }, m[s[10]], m[s[11]]);
	mix(v, (const unsigned[]){ 2, 7, 8, 13 }, m[s[12]], m[s[13]]);
	mix(v, (const unsigned[]){ 3, 4, 9, 14 }, m[s[14]], m[s[15]]);
}

/* A block, and the state that it is mixed into (RFC 7693 §3.2). */
struct mixing {
	uint64_t v[16], m[16];
};

static INLINE void begin(struct mixing *x, const struct cb_blake2b *s, const uint8_t *block)
{
	for (unsigned i = 0; i < 16; i++)
		x->m[i] = cb_le64(block + (size_t)8 * i);
	for (unsigned i = 0; i < 8; i++) {
		x->v[i] = s->h[i];
		x->v[8 + i] = iv[i];
	}
	x->v[12] ^= s->n_bytes;
	x->v[14] ^= s->is_last ? UINT64_MAX : 0;
}

static INLINE void end(struct cb_blake2b *s, const struct mixing *x)
{
	for (unsigned i = 0; i < 8; i++)
		s->h[i] ^= x->v[i] ^ x->v[8 + i];
}

/* With all indices constant the state stays in registers, as far as there are any. */
static UNROLLED_TARGET void compress_unrolled(struct cb_blake2b *s, const uint8_t *block)
{
	struct mixing x;

	begin(&x, s, block);
	mix_round(x.v, x.m, sigma[0]);
	mix_round(x.v, x.m, sigma[1]);
	mix_round(x.v, x.m, sigma[2]);
	mix_round(x.v, x.m, sigma[3]);
	mix_round(x.v, x.m, sigma[4]);
	mix_round(x.v, x.m, sigma[5]);
	mix_round(x.v, x.m, sigma[6]);
	mix_round(x.v, x.m, sigma[7]);
	mix_round(x.v, x.m, sigma[8]);
	mix_round(x.v, x.m, sigma[9]);
	mix_round(x.v, x.m, sigma[0]);
	mix_round(x.v, x.m, sigma[1]);
	end(s, &x);
}

static void compress_in_turns(struct cb_blake2b *s, const uint8_t *block)
{
	struct mixing x;

	begin(&x, s, block);
	for (unsigned r = 0; r < 12; r++)
		mix_round(x.v, x.m, sigma[r % 10]);
	end(s, &x);
}

/* n_bytes counts up to and with this block already. */
static void compress(struct cb_blake2b *s, const uint8_t *block)
{
	if (s->is_unrolled)
		compress_unrolled(s, block);
	else
		compress_in_turns(s, block);
}

void cb_blake2b_init(struct cb_blake2b *s, size_t out_len, const uint8_t *key, size_t key_len)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->h, iv, sizeof(iv));
	/* Parameter block of a sequential hash: lengths, fan-out 1, depth 1 (RFC 7693 §2.5). */
	s->h[0] ^= 0x01010000u ^ (uint64_t)key_len << 8 ^ (uint64_t)out_len;
	s->out_len = out_len;
	s->is_unrolled = is_unrolled_possible();
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
			compress(s, s->block);
			s->n_block = 0;
		}
		for (; s->n_block == 0 && len > BLOCK_LEN; p += BLOCK_LEN, len -= BLOCK_LEN) {
			s->n_bytes += BLOCK_LEN;
			compress(s, p);
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
	s->n_bytes += s->n_block;
	s->is_last = true;
	compress(s, s->block);
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
