/* SPDX-License-Identifier: MIT */
/* casync blob index (.caibx): which chunks, in which order, give a segment. */
#ifndef CB_HOST_CAIBX_H
#define CB_HOST_CAIBX_H

#include "host/cutter.h"

#define CB_CAIBX_HEAD_LEN 64 /* index header and the table's head */
#define CB_CAIBX_ITEM_LEN 40
#define CB_CAIBX_TAIL_LEN 40
#define CB_CAIBX_MAX_CHUNK (128u << 20) /* casync's limit, larger than ours */

struct cb_caibx_item {
	uint64_t end; /* offset of the first byte after the chunk */
	uint8_t id[CB_DIGEST_LEN];
};

/* A parsed index; leads into the file's bytes. */
struct cb_caibx {
	struct cb_chunk_size size;
	uint32_t n_chunks;
	struct cb_bytes items;
};

/*
 * Checks all: sizes, ascending ends, chunk lengths 1..max, tail, SHA-512/256 ids, at most
 * CB_MANIFEST_MAX_CHUNKS. MANIFEST_FORMAT otherwise, *ret untouched.
 */
enum cb_err cb_caibx_parse(struct cb_bytes file, struct cb_caibx *ret);
/* Item i < n_chunks. */
void cb_caibx_item(const struct cb_caibx *x, uint32_t i, struct cb_caibx_item *ret);

size_t cb_caibx_len(uint32_t n_chunks);
/* Writes the index of these chunks (id and raw_len count) to out[cb_caibx_len(n)]. */
void cb_caibx_write(struct cb_chunk_size size, const struct cb_chunk *chunks, uint32_t n_chunks,
		    uint8_t *out);

#endif
