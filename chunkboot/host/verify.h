/* SPDX-License-Identifier: MIT */
/* Checks a whole repository: metadata, manifests, chunks, segments, indexes, account records. */
#ifndef CB_HOST_VERIFY_H
#define CB_HOST_VERIFY_H

#include "host/files.h"

struct cb_verify_params {
	const char *repo;
	int64_t now_s; /* dates are judged by it */
	unsigned n_threads; /* 0: one a processor */
	/* Something is wrong with `object`, a path below the repository; one call at a time. */
	void (*on_problem)(void *ctx, enum cb_err err, const char *object);
	/* Stored bytes checked so far; by any thread, one at a time; may be NULL. */
	void (*on_progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

struct cb_verify_result {
	uint64_t n_images, n_chunks; /* looked at; a chunk once for every image that has it */
	uint64_t n_records; /* account records: their signature and name */
	uint64_t raw_bytes, stored_bytes;
	uint64_t n_problems;
};

/*
 * Checks everything that is listed and goes on after a problem where it can. CB_OK: all good. Else
 * the first problem's error with its object in *e: META_*, MANIFEST_*, CHUNK_*, SEGMENT_HASH; or
 * NOT_REPOSITORY, NO_MEMORY. *ret is filled in any case.
 */
enum cb_err cb_verify(const struct cb_verify_params *params, struct cb_verify_result *ret,
		      struct cb_error *e);

#endif
