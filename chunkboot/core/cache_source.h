/* SPDX-License-Identifier: MIT */
/* The cache as a source of the fetch engine. */
#ifndef CB_CORE_CACHE_SOURCE_H
#define CB_CORE_CACHE_SOURCE_H

#include "core/cache.h"
#include "core/source.h"

/* One that reads slower than all mirrors deliver, or than this, leaves waiting items to them, too, and
 * takes no more than an eighth of the time while they are at work. */
#define CB_CACHE_SLOW_BYTES_MS 4000u

/* The source; freed by ops->free. cache outlives it. NO_MEMORY. */
enum cb_err cb_cache_source_new(struct cb_fetch *f, struct cb_cache *cache, struct cb_source **ret);

/* Does the cache have the item, as far as its index says? False for NULL. */
bool cb_cache_source_has(const struct cb_source *s, const struct cb_fetch_item *item);
/* Too slow to be waited for. False for NULL. */
bool cb_cache_source_is_slow(const struct cb_source *s);

#endif
