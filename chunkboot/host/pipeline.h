/* SPDX-License-Identifier: MIT */
/* From segments to stored chunks on all processors: cut, hash, look up, compress, digest, store. */
#ifndef CB_HOST_PIPELINE_H
#define CB_HOST_PIPELINE_H

#include "host/cutter.h"
#include "host/store.h"

#define CB_LEVEL_DEFAULT 9
#define CB_LEVEL_MAX 22

struct cb_pipeline_params {
	const struct cb_store *store;
	struct cb_chunk_size size;
	int level; /* zstd, 1..CB_LEVEL_MAX */
	unsigned n_threads; /* 0: one a processor that we may use */
	bool is_dry_run; /* everything but writing */
	/* Raw bytes done so far, a few times a second, by the calling thread; may be NULL. */
	void (*on_progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

struct cb_pipeline_segment {
	uint32_t first_chunk, n_chunks;
	uint8_t sha256[CB_DIGEST_LEN];
};

struct cb_pipeline_result {
	struct cb_chunk *chunks; /* of all segments, in order */
	uint32_t n_chunks;
	struct cb_pipeline_segment segments[CB_MANIFEST_MAX_SEGMENTS];
	uint64_t stored_total; /* sum over chunks, repeated ones too */
	uint64_t new_bytes; /* stored bytes of the chunk files that were (or would be) written */
	uint64_t reused_bytes; /* stored bytes of the chunk files that were there and good */
	uint32_t n_replaced; /* chunk files that were there, but of no use to loaders */
};

/*
 * Makes sure that the store has every chunk of these segments. A chunk file that is there is kept
 * as it is if the loader's decoder makes the very bytes of it, else replaced. The result does not
 * depend on the number of threads. Memory: a few chunks a thread and 80 bytes a chunk. NO_MEMORY,
 * IO; MANIFEST_FORMAT for more than CB_MANIFEST_MAX_CHUNKS chunks. Free with
 * cb_pipeline_result_done.
 */
enum cb_err cb_pipeline_run(const struct cb_pipeline_params *params,
			    const struct cb_bytes *segments, unsigned n_segments,
			    struct cb_pipeline_result *ret, struct cb_error *e);
void cb_pipeline_result_done(struct cb_pipeline_result *r);

#endif
