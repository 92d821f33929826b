/* SPDX-License-Identifier: MIT */
/* Publishing: an image's files become chunks, indexes, a manifest and signed metadata. */
#ifndef CB_HOST_PUBLISH_H
#define CB_HOST_PUBLISH_H

#include "core/tuf.h"
#include "host/meta_write.h"
#include "host/pipeline.h"
#include "host/segments.h"

#define CB_PUBLISH_BUDGET_DEFAULT (16ull << 30) /* bytes of an image, uncompressed */

struct cb_publish_params {
	struct cb_meta_place place;
	const char *name;
	const char *version; /* NULL: the newest one if nothing changed, else made from the date */
	struct cb_segments_params files; /* scratch_dir is not looked at */
	const char *cmdline, *title; /* NULL: empty */
	const char *const *allow; /* permitted prefixes of suffix tokens */
	unsigned n_allow;
	struct cb_chunk_size size;
	int level;
	unsigned n_threads; /* 0: one a processor */
	bool is_default; /* make NAME the default image */
	bool is_dry_run; /* do all but write */
	void (*on_progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

struct cb_publish_result {
	struct cb_tuf_target target; /* as it is listed now */
	bool is_unchanged; /* it was listed before, nothing was signed for it */
	bool is_default; /* NAME is the default image now */
	uint64_t raw_total, stored_total, ram_need;
	uint64_t new_bytes; /* stored bytes of chunk files that were made */
	uint64_t reused_bytes; /* stored bytes of chunk files that were there */
	uint64_t update_bytes; /* stored bytes of chunks that the version before does not have */
	uint32_t n_chunks;
	uint32_t n_replaced; /* chunk files that loaders could not use, made again */
};

/*
 * Takes the repository's lock, then writes chunks, manifest, indexes, metadata, in this order; what
 * a failure leaves behind is not listed and harmless. CONFLICT when NAME@VERSION was published with
 * other content; USAGE for malformed names and strings; errors of segments.h, pipeline.h and
 * meta_write.h; BUSY.
 */
enum cb_err cb_publish(const struct cb_publish_params *params, struct cb_publish_result *ret,
		       struct cb_error *e);

#endif
