/* SPDX-License-Identifier: MIT */
/* The digests of core/digest.h at the speed that publishing and verifying gigabytes ask for. */
#ifndef CB_HOST_HASH_H
#define CB_HOST_HASH_H

#include "core/digest.h"

/* Same results as cb_sha256 and cb_sha512_256; any thread. */
void cb_hash_sha256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN]);
void cb_hash_sha512_256(struct cb_bytes in, uint8_t out[CB_DIGEST_LEN]);

/* SHA-256 of bytes that come in pieces. One user at a time. */
struct cb_sha256_stream; /* opaque */

struct cb_sha256_stream *cb_sha256_stream_new(void); /* NULL: no memory */
void cb_sha256_stream_add(struct cb_sha256_stream *s, struct cb_bytes bytes);
/* Yields the digest and frees; out NULL: only frees. s NULL is fine then. */
void cb_sha256_stream_end(struct cb_sha256_stream *s, uint8_t out[CB_DIGEST_LEN]);

#endif
