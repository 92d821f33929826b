/* SPDX-License-Identifier: MIT */
/* Records on their way into the cache, so that writing them does not hold up what comes from the network. */
#ifndef CB_CORE_CACHEFILL_H
#define CB_CORE_CACHEFILL_H

#include "core/cache.h"

#define CB_CACHEFILL_QUICK_MS 3u /* a write that takes longer makes the network's device overflow */

struct cb_cachefill_item;

/* Zeroed: no cache, takes nothing. Fields are private. */
struct cb_cachefill {
	const struct cb_platform *platform;
	struct cb_cache *cache;
	struct cb_cachefill_item *first, **end;
	size_t held_bytes, held_max;
	bool is_slow; /* a write took too long: they come later */
};

/*
 * platform and cache (NULL: none) outlive it. Records that wait hold at most held_max bytes of memory;
 * what comes on top of that is written at once, however long it takes. *f must not move.
 */
void cb_cachefill_init(struct cb_cachefill *f, const struct cb_platform *platform,
		       struct cb_cache *cache, size_t held_max);
/*
 * A verified record for the cache. owned: the buffer that holds its bytes, the platform's memory, taken
 * over whatever comes of it; NULL: the caller keeps the bytes until cb_cachefill_done. Written at once
 * where that is quick.
 */
void cb_cachefill_add(struct cb_cachefill *f, enum cb_cache_kind kind,
		      const uint8_t key[CB_DIGEST_LEN], struct cb_bytes bytes, uint8_t *owned);
/* Writes one that waits. False: none does, or the cache takes no more. */
bool cb_cachefill_step(struct cb_cachefill *f);
/* Forgets what waits. A zeroed one is fine. */
void cb_cachefill_done(struct cb_cachefill *f);

#endif
