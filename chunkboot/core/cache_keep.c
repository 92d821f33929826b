/* SPDX-License-Identifier: MIT */
/* What the cache keeps: the newest two versions of the images that were fetched last. */
#include <string.h>

#include "core/cache_internal.h"
#include "core/manifest.h"

static const uint8_t none[CB_DIGEST_LEN];

void cb_cache_keep(struct cb_cache *c, const char name[CB_NAME_MAX + 1],
		   const uint8_t manifest[CB_DIGEST_LEN])
{
	struct cb_cache_super *super = &c->super;
	struct cb_cache_keeper k = { 0 };
	uint32_t at = 0;

	if (c->state != CB_CACHE_OPEN)
		return;
	while (at < super->n_keep && strcmp(super->keep[at].name, name) != 0)
		at++;
	if (at == 0 && super->n_keep > 0 &&
	    memcmp(super->keep[0].current, manifest, CB_DIGEST_LEN) == 0)
		return;
	if (at < super->n_keep)
		k = super->keep[at];
	else if (super->n_keep < CB_CACHE_MAX_KEEP)
		super->n_keep++;
	else
		at--; /* the one that was not fetched for longest */
	memcpy(k.name, name, strnlen(name, CB_NAME_MAX));
	if (memcmp(k.current, manifest, CB_DIGEST_LEN) != 0) {
		memcpy(k.previous, k.current, CB_DIGEST_LEN);
		memcpy(k.current, manifest, CB_DIGEST_LEN);
	}
	memmove(super->keep + 1, super->keep, at * sizeof super->keep[0]);
	super->keep[0] = k;
	c->is_dirty = true;
	c->is_marked = c->is_full = false;
}

static void mark_chunks(struct cb_cache *c, const struct cb_manifest *m)
{
	for (uint32_t i = 0; i < m->n_chunks; i++) {
		struct cb_chunk chunk;
		uint32_t ref;

		cb_manifest_chunk(m, i, &chunk);
		struct cb_cache_entry *e =
			cb_cache_index_find(c, CB_CACHE_CHUNK, chunk.digest, &ref);
		if (e)
			e->is_needed = true;
	}
}

/* A manifest that is missing or wrong means that its chunks are not needed: they are fetched again. */
static void mark_manifest(struct cb_cache *c, const uint8_t sha256[CB_DIGEST_LEN])
{
	enum cb_cache_progress progress = CB_CACHE_AGAIN;
	struct cb_cache_reading r;
	struct cb_manifest m;
	uint8_t digest[CB_DIGEST_LEN];
	uint8_t *buf;
	uint32_t ref;

	if (memcmp(sha256, none, sizeof none) == 0 ||
	    !cb_cache_find(c, CB_CACHE_MANIFEST, sha256, &r) || r.len > CB_MANIFEST_MAX_LEN)
		return;
	buf = cb_alloc(&c->mem, r.room);
	while (buf && progress == CB_CACHE_AGAIN)
		progress = cb_cache_read(c, &r, buf);
	if (buf && progress == CB_CACHE_DONE) {
		cb_sha256((struct cb_bytes){ buf, r.len }, digest);
		if (memcmp(digest, sha256, sizeof digest) == 0 &&
		    cb_manifest_parse((struct cb_bytes){ buf, r.len }, &m) == CB_OK) {
			mark_chunks(c, &m);
			cb_cache_index_find(c, CB_CACHE_MANIFEST, sha256, &ref)->is_needed = true;
		}
	}
	cb_free(&c->mem, buf);
}

void cb_cache_mark(struct cb_cache *c)
{
	if (c->is_marked)
		return;
	for (uint32_t i = 0; i < c->layout.n_segments; i++) {
		struct cb_cache_segment *s = &c->segments[i];

		for (uint32_t k = 0; k < s->n; k++) {
			struct cb_cache_entry *e = &s->entries[k];
			e->is_needed = e->is_new || e->kind == CB_CACHE_METADATA ||
				e->kind == CB_CACHE_ACCOUNT;
		}
	}
	for (uint32_t i = 0; i < c->super.n_keep; i++) {
		mark_manifest(c, c->super.keep[i].current);
		mark_manifest(c, c->super.keep[i].previous);
	}
	c->is_marked = true;
}
