/* SPDX-License-Identifier: MIT */
/* A small cache on a device in memory, and numbered records whose bytes can be told again. */
#ifndef CB_TESTS_UNIT_CACHE_WORLD_H
#define CB_TESTS_UNIT_CACHE_WORLD_H

#include "core/cache_internal.h"
#include "sim_block.h"
#include "testport.h"

#define CACHE_WORLD_SEGMENT (64u << 10) /* bytes of a segment */
#define CACHE_WORLD_DEVICE (1u << 20) /* bytes of the device */
#define CACHE_WORLD_CHUNK 7000 /* bytes of an image's chunk */
#define CACHE_WORLD_N_CHUNKS 20 /* of an image */

struct cache_world {
	struct testport tp;
	struct cb_mem mem;
	struct sim_block *block;
	struct cb_cache *cache;
};

extern const uint8_t cache_world_id[CB_CACHE_ID_LEN];

/* An empty cache, open. */
void cache_world_init(struct cache_world *w);
/* Fails the test where memory is left. */
void cache_world_done(struct cache_world *w);
/* What was not committed is lost. */
void cache_world_reopen(struct cache_world *w);
/* The first len bytes of record i; valid until the next call. */
struct cb_bytes cache_world_content(unsigned i, size_t len);
/* Appends record i, a chunk under its digest. False where the cache does not take it. */
bool cache_world_put(struct cache_world *w, enum cb_cache_kind kind, unsigned i, size_t len);
/* Is record i there? Fails the test where its bytes are not those of record version. */
bool cache_world_has(struct cache_world *w, enum cb_cache_kind kind, unsigned i, unsigned version,
		     size_t len);
/* Puts in and keeps a manifest that names chunks first, first + 1 ..., and these; its hash to sha256. */
void cache_world_put_image(struct cache_world *w, const char *name, unsigned first,
			   uint8_t sha256[CB_DIGEST_LEN]);

#endif
