/* SPDX-License-Identifier: MIT */
/* Records on their way into the cache: at once where writing is quick, else later. */
#include "core/cachefill.h"

#include <string.h>

struct cb_cachefill_item {
	struct cb_cachefill_item *next;
	enum cb_cache_kind kind;
	uint8_t key[CB_DIGEST_LEN];
	struct cb_bytes bytes;
	uint8_t *owned;
};

void cb_cachefill_init(struct cb_cachefill *f, const struct cb_platform *platform,
		       struct cb_cache *cache, size_t held_max)
{
	*f = (struct cb_cachefill){ .platform = platform, .cache = cache, .held_max = held_max };
	f->end = &f->first;
}

static void drop_first(struct cb_cachefill *f)
{
	struct cb_cachefill_item *item = f->first;

	f->first = item->next;
	if (!f->first)
		f->end = &f->first;
	if (item->owned)
		f->held_bytes -= item->bytes.len;
	cb_free(&f->platform->mem, item->owned);
	cb_free(&f->platform->mem, item);
}

/* True when it was written. */
static bool write(struct cb_cachefill *f, const struct cb_cachefill_item *item)
{
	const struct cb_platform *p = f->platform;
	uint64_t begin_ms = p->now_ms(p->ctx);
	bool is_in = cb_cache_append(f->cache, item->kind, item->key, item->bytes);

	f->is_slow |= p->now_ms(p->ctx) - begin_ms > CB_CACHEFILL_QUICK_MS;
	return is_in;
}

bool cb_cachefill_step(struct cb_cachefill *f)
{
	if (!f->first)
		return false;
	(void)write(f, f->first);
	drop_first(f);
	if (!cb_cache_takes(f->cache))
		cb_cachefill_done(f);
	return f->first != NULL;
}

void cb_cachefill_add(struct cb_cachefill *f, enum cb_cache_kind kind,
		      const uint8_t key[CB_DIGEST_LEN], struct cb_bytes bytes, uint8_t *owned)
{
	struct cb_cachefill_item *item = NULL;

	if (f->cache && cb_cache_takes(f->cache))
		item = cb_alloc(&f->platform->mem, sizeof(*item));
	if (!item) {
		cb_free(f->platform ? &f->platform->mem : NULL, owned);
		return;
	}
	*item = (struct cb_cachefill_item){ .kind = kind, .bytes = bytes, .owned = owned };
	memcpy(item->key, key, sizeof(item->key));
	*f->end = item;
	f->end = &item->next;
	if (owned)
		f->held_bytes += bytes.len;
	while (f->first && (!f->is_slow || f->held_bytes > f->held_max))
		cb_cachefill_step(f);
}

void cb_cachefill_done(struct cb_cachefill *f)
{
	while (f->first)
		drop_first(f);
}
