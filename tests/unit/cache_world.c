/* SPDX-License-Identifier: MIT */
#include "cache_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"

const uint8_t cache_world_id[CB_CACHE_ID_LEN] = { 7 };

void cache_world_reopen(struct cache_world *w)
{
	struct cb_block block = sim_block(w->block);

	cb_cache_free(w->cache);
	assert_int_equal(cb_cache_new(&w->mem, &block, &w->cache), CB_OK);
	while (cb_cache_step(w->cache) == CB_CACHE_OPENING)
		;
}

void cache_world_init(struct cache_world *w)
{
	struct cb_block block;

	memset(w, 0, sizeof *w);
	w->mem = testport_mem(&w->tp);
	w->block = sim_block_new(1, 512, CACHE_WORLD_DEVICE / 512);
	block = sim_block(w->block);
	assert_int_equal(cb_cache_format(&w->mem, &block, CACHE_WORLD_SEGMENT, cache_world_id),
			 CB_OK);
	cache_world_reopen(w);
	assert_int_equal(cb_cache_state(w->cache), CB_CACHE_OPEN);
}

void cache_world_done(struct cache_world *w)
{
	cb_cache_free(w->cache);
	testport_assert_no_leak(&w->tp);
	sim_block_free(w->block);
}

struct cb_bytes cache_world_content(unsigned i, size_t len)
{
	static uint8_t bytes[CB_CACHE_MIN_LEN];

	for (size_t k = 0; k < len; k++)
		bytes[k] = (uint8_t)(i * 31 + k * 7 + (k >> 8));
	if (len >= 4)
		cb_put_le32(bytes, i);
	return (struct cb_bytes){ bytes, len };
}

bool cache_world_put(struct cache_world *w, enum cb_cache_kind kind, unsigned i, size_t len)
{
	uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i, (uint8_t)kind };

	if (kind == CB_CACHE_CHUNK)
		cb_blake2b_256(cache_world_content(i, len), key);
	return cb_cache_append(w->cache, kind, key, cache_world_content(i, len));
}

bool cache_world_has(struct cache_world *w, enum cb_cache_kind kind, unsigned i, unsigned version,
		     size_t len)
{
	uint8_t key[CB_DIGEST_LEN] = { (uint8_t)i, (uint8_t)kind };
	enum cb_cache_progress progress;
	struct cb_cache_reading r;

	if (kind == CB_CACHE_CHUNK)
		cb_blake2b_256(cache_world_content(i, len), key);
	if (!cb_cache_find(w->cache, kind, key, &r))
		return false;
	uint8_t *buf = malloc(r.room);
	while ((progress = cb_cache_read(w->cache, &r, buf)) == CB_CACHE_AGAIN)
		;
	if (progress == CB_CACHE_DONE)
		testport_assert_bytes((struct cb_bytes){ buf, r.len },
				      cache_world_content(version, len));
	free(buf);
	return progress == CB_CACHE_DONE;
}

void cache_world_put_image(struct cache_world *w, const char *name, unsigned first,
			   uint8_t sha256[32])
{
	static uint8_t file[8192];
	struct cb_chunk chunks[CACHE_WORLD_N_CHUNKS] = { 0 };
	struct cb_manifest m = {
		.kind = CB_KIND_LINUX,
		.arch = CB_ARCH_X86_64,
		.n_segments = 1,
		.n_chunks = CACHE_WORLD_N_CHUNKS,
		.raw_total = CACHE_WORLD_N_CHUNKS * CACHE_WORLD_CHUNK,
		.stored_total = CACHE_WORLD_N_CHUNKS * CACHE_WORLD_CHUNK,
		.segments = { { .role = CB_ROLE_KERNEL,
				.n_chunks = CACHE_WORLD_N_CHUNKS,
				.raw_len = CACHE_WORLD_N_CHUNKS * CACHE_WORLD_CHUNK } },
	};

	for (unsigned i = 0; i < CACHE_WORLD_N_CHUNKS; i++) {
		chunks[i].stored_len = chunks[i].raw_len = CACHE_WORLD_CHUNK;
		cb_blake2b_256(cache_world_content(first + i, CACHE_WORLD_CHUNK), chunks[i].digest);
	}
	assert_true(cb_manifest_len(&m) <= sizeof file);
	cb_manifest_write(&m, chunks, file);
	struct cb_bytes bytes = { file, cb_manifest_len(&m) };
	assert_int_equal(cb_manifest_parse(bytes, &m), CB_OK);
	cb_sha256(bytes, sha256);
	assert_true(cb_cache_append(w->cache, CB_CACHE_MANIFEST, sha256, bytes));
	cb_cache_keep(w->cache, name, sha256);
	for (unsigned i = 0; i < CACHE_WORLD_N_CHUNKS; i++)
		assert_true(cache_world_put(w, CB_CACHE_CHUNK, first + i, CACHE_WORLD_CHUNK));
	assert_true(cb_cache_commit(w->cache));
	cache_world_reopen(w);
}
