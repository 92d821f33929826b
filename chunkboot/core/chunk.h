/* SPDX-License-Identifier: MIT */
/* Chunk verification and bounded decompression, in this order and in one call. */
#ifndef CB_CORE_CHUNK_H
#define CB_CORE_CHUNK_H

#include "core/manifest.h"
#include "core/mem.h"

#define CB_CHUNK_MAX_WINDOW_LOG 23

struct cb_decoder; /* opaque; a zstd context in one allocation */

enum cb_err cb_decoder_new(const struct cb_mem *mem, struct cb_decoder **ret);
void cb_decoder_free(struct cb_decoder *d);

/* Length and BLAKE2b-256 of the stored bytes: CHUNK_HASH when they are not the signed ones. */
enum cb_err cb_chunk_verify(const struct cb_chunk *c, struct cb_bytes stored);
/*
 * Verifies, then decodes exactly c->raw_len bytes to out. The decoder never sees a byte that did
 * not pass cb_chunk_verify. CHUNK_DECODE for anything but one zstd frame (RFC 8878) of exactly
 * raw_len bytes, with window <= 2^23, no dictionary, nothing after it; a content size in its header
 * must be raw_len, but may be absent, as in casync's stores. out[c->raw_len] may hold anything
 * after an error.
 */
enum cb_err cb_chunk_open(struct cb_decoder *d, const struct cb_chunk *c, struct cb_bytes stored,
			  uint8_t *out);
/*
 * The second half of it, for stored bytes that passed cb_chunk_verify earlier and have been in our
 * own memory since, where nobody else writes. For no others.
 */
enum cb_err cb_chunk_open_kept(struct cb_decoder *d, const struct cb_chunk *c, struct cb_bytes kept,
			       uint8_t *out);

#endif
