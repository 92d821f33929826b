/* SPDX-License-Identifier: MIT */
/* Content-defined chunking, cut for cut what casync does. */
#ifndef CB_HOST_CUTTER_H
#define CB_HOST_CUTTER_H

#include "core/bytes.h"
#include "core/manifest.h"
#include "host/error.h"

#define CB_CUTTER_WINDOW 48 /* bytes that the rolling hash sees; no cut before that many */

/* Chunk lengths in bytes, 1 <= min <= avg <= max <= CB_CHUNK_MAX_RAW. All equal: fixed size. */
struct cb_chunk_size {
	uint32_t min, avg, max;
};

/* What `publish` cuts with unless told otherwise (docs/FORMATS.md has the reason). */
#define CB_CHUNK_SIZE_DEFAULT ((struct cb_chunk_size){ 64u << 10, 256u << 10, 1u << 20 })

/*
 * "MIN:AVG:MAX" or "AVG" (then min is a quarter and max four times that, as with casync), each a
 * decimal number with an optional K or M. USAGE for anything else.
 */
enum cb_err cb_chunk_size_parse(const char *text, struct cb_chunk_size *ret, struct cb_error *e);

/* One constant a byte value; everything that shares casync's stores has the same. */
extern const uint32_t cb_cutter_table[256];

struct cb_cutter {
	struct cb_chunk_size size;
	uint32_t divisor; /* a hash that is divisor-1 modulo divisor ends a chunk */
	uint64_t reciprocal; /* ceil(2^64 / divisor) */
};

/* size as cb_chunk_size_parse checks it. */
struct cb_cutter cb_cutter_of(struct cb_chunk_size size);
/* Length of the chunk at the front of rest: 1..size.max (0 only when rest is empty). */
size_t cb_cutter_next(const struct cb_cutter *c, struct cb_bytes rest);

#endif
