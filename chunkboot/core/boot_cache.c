/* SPDX-License-Identifier: MIT */
/* The cache in a boot: opened while the network comes up, read by the fetch engine, written in the end. */
#include "core/boot_internal.h"
#include "core/bundle.h"

/* ---- Opening ---- */

void cb_boot_cache_open(struct cb_boot *b)
{
	if (b->cache || !b->platform->block.ctx)
		return;
	if (cb_cache_new(&b->platform->mem, &b->platform->block, &b->cache) != CB_OK)
		b->cache = NULL;
}

bool cb_boot_cache_is_awaited(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	if (!b->cache || cb_cache_step(b->cache) != CB_CACHE_OPENING)
		return false;
	*ret_wake_ms = 0;
	/* Without a network it is all there is. */
	return !b->is_network_up || cb_boot_now(b) < b->network_ms + CB_BOOT_CACHE_OPEN_MS;
}

void cb_boot_cache_catch_up(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	if (!b->cache || cb_cache_state(b->cache) != CB_CACHE_OPENING)
		return;
	*ret_wake_ms = 0;
	/* Without memory for it the image comes from the network alone. */
	if (cb_cache_step(b->cache) == CB_CACHE_OPEN)
		(void)!cb_fetch_add_cache(b->fetch, b->cache);
}

void cb_boot_cache_close(struct cb_boot *b)
{
	cb_cache_free(b->cache);
	b->cache = NULL;
	b->cache_until_ms = 0;
}

static bool is_open(const struct cb_boot *b)
{
	return b->cache && cb_cache_state(b->cache) == CB_CACHE_OPEN;
}

bool cb_boot_cache_is_used(const struct cb_boot *b)
{
	return is_open(b) && cb_fetch_cache(b->fetch) == b->cache;
}

/* ---- Reading ---- */

bool cb_boot_cache_has_metadata(const struct cb_boot *b)
{
	struct cb_cache_reading r;
	uint8_t key[CB_DIGEST_LEN];

	cb_refresh_key(key);
	return is_open(b) && cb_cache_find(b->cache, CB_CACHE_METADATA, key, &r);
}

enum cb_err cb_boot_cache_attach(struct cb_boot *b)
{
	uint8_t key[CB_DIGEST_LEN], *bytes;
	size_t len;
	enum cb_err err;

	if (!is_open(b))
		return CB_OK;
	err = cb_fetch_add_cache(b->fetch, b->cache);
	if (err != CB_OK)
		return err;
	cb_refresh_key(key);
	err = cb_cache_read_whole(b->cache, CB_CACHE_METADATA, key, CB_BUNDLE_MAX_LEN, &bytes,
				  &len);
	if (err == CB_OK)
		cb_refresh_use_kept(b->refresh, bytes, len);
	return err == CB_NOT_FOUND ? CB_OK : err;
}

/* ---- Writing ---- */

/* What a boot without the network would need beside the image; not without it. */
static void save_metadata(struct cb_boot *b)
{
	uint8_t key[CB_DIGEST_LEN], *bytes;
	size_t len;

	if (b->is_offline || !cb_refresh_has_news(b->refresh) ||
	    cb_refresh_compose(b->refresh, &bytes, &len) != CB_OK)
		return;
	cb_refresh_key(key);
	(void)cb_cache_append(b->cache, CB_CACHE_METADATA, key, (struct cb_bytes){ bytes, len });
	cb_free(&b->platform->mem, bytes);
}

bool cb_boot_cache_save(struct cb_boot *b)
{
	if (!cb_boot_cache_is_used(b))
		return false;
	if (b->cache_until_ms == 0)
		b->cache_until_ms = cb_boot_now(b) + CB_BOOT_CACHE_WRITE_MS;
	if (cb_boot_now(b) < b->cache_until_ms && cb_imagefetch_write_back(b->image))
		return true;
	if (cb_imagefetch_is_cached(b->image)) {
		save_metadata(b);
		cb_boot_record_save(b);
	}
	/* A cache that fails takes nothing more, and that is all. */
	(void)cb_cache_commit(b->cache);
	return false;
}
