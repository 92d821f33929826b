/* SPDX-License-Identifier: MIT */
/* Reads a published segment back from the store on all processors and checks every digest. */
#ifndef CB_HOST_SEGMENT_CHECK_H
#define CB_HOST_SEGMENT_CHECK_H

#include "host/store.h"

struct cb_segment_check {
	const struct cb_store *store;
	const struct cb_manifest *manifest;
	unsigned segment;
	unsigned n_threads; /* 0: one a processor that we may use */
	/*
	 * A chunk that is bad: CHUNK_MISSING, CHUNK_HASH (stored bytes or id), CHUNK_DECODE, IO. By
	 * any thread, one at a time.
	 */
	void (*on_bad)(void *ctx, enum cb_err err, const struct cb_chunk *chunk);
	/* A chunk was checked; by any thread, one at a time. */
	void (*on_chunk)(void *ctx, const struct cb_chunk *chunk);
	void *ctx;
};

/*
 * CB_OK when all chunks are good and the whole has the manifest's SHA-256; SEGMENT_HASH when just
 * the whole has not; the error of the last on_bad otherwise. NO_MEMORY.
 */
enum cb_err cb_segment_check(const struct cb_segment_check *check);

#endif
