/* SPDX-License-Identifier: MIT */
/* One chunk from raw bytes to its file in the store; what a worker of the pipeline holds. */
#ifndef CB_HOST_CHUNK_MAKER_H
#define CB_HOST_CHUNK_MAKER_H

#include "core/chunk.h"
#include "host/pipeline.h"

struct ZSTD_CCtx_s;

struct cb_chunk_maker {
	const struct cb_pipeline_params *params;
	uint8_t *raw, *stored, *decoded;
	size_t stored_max;
	struct ZSTD_CCtx_s *zstd;
	struct cb_decoder *decoder;
};

enum cb_chunk_fate { CB_CHUNK_NEW, CB_CHUNK_REUSED, CB_CHUNK_REPLACED };

/* NO_MEMORY; cb_chunk_maker_done in every case. One thread at a time. */
enum cb_err cb_chunk_maker_init(struct cb_chunk_maker *m, const struct cb_pipeline_params *params);
void cb_chunk_maker_done(struct cb_chunk_maker *m);

/* Takes c->raw_len bytes at raw and sets c->id. */
void cb_chunk_maker_load(struct cb_chunk_maker *m, const uint8_t *raw, struct cb_chunk *c);
/*
 * Sees to it that the store has the chunk that was loaded, and sets c->digest and c->stored_len:
 * keeps a file of which the loader would make these bytes, else (over)writes it. NO_MEMORY, IO.
 */
enum cb_err cb_chunk_maker_store(struct cb_chunk_maker *m, struct cb_chunk *c,
				 enum cb_chunk_fate *ret_fate, struct cb_error *e);

#endif
