/* SPDX-License-Identifier: MIT */
/* Digests: SHA-256 and SHA-512/256 over BearSSL, BLAKE2b as own scalar code (RFC 7693). */
#ifndef CB_CORE_DIGEST_H
#define CB_CORE_DIGEST_H

#include <bearssl.h>

#include "core/bytes.h"

#define CB_DIGEST_LEN 32

/* Unkeyed or keyed BLAKE2b; scalar on purpose, it beats the vector code under emulation. */
struct cb_blake2b {
	uint64_t h[8];
	uint64_t n_bytes; /* compressed so far; inputs stay far below 2^64 */
	uint8_t block[128];
	size_t n_block;
	size_t out_len;
	bool is_last; /* the block that is mixed in */
	bool is_unrolled; /* the faster of two forms, where the processor has what it takes */
};

/* out_len 1..64, key_len 0..64 (key may be NULL when 0). */
void cb_blake2b_init(struct cb_blake2b *s, size_t out_len, const uint8_t *key, size_t key_len);
void cb_blake2b_update(struct cb_blake2b *s, const void *data, size_t len);
/* Writes out_len bytes and wipes the state. */
void cb_blake2b_final(struct cb_blake2b *s, uint8_t *out);
/* One-shot BLAKE2b-256 without key. */
void cb_blake2b_256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN]);

void cb_sha256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN]);
/* SHA-512/256 (FIPS 180-4), the chunk id of casync and desync. */
void cb_sha512_256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN]);

#endif
