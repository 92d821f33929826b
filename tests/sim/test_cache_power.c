/* SPDX-License-Identifier: MIT */
/*
 * The cache and power cuts: behind every write and flush of many runs, with any sectors of what was
 * not flushed lost. It opens, what it returns is right, what was committed is there, and it goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cache.h"
#include "sim_block.h"

#define N_CHUNKS 64
#define N_NAMES 4
#define N_KEYS (N_CHUNKS + N_NAMES)
#define MAX_LEN 30000
#define DEVICE_LEN (640u << 10)
#define SEGMENT_LEN (64u << 10)
#define N_COMMITS 24
#define CUTS_DEFAULT 6000

struct content {
	uint8_t bytes[MAX_LEN];
	size_t len;
	uint8_t key[CB_DIGEST_LEN];
	enum cb_cache_kind kind;
};

/* What a commit left: which records are there, and which version of the replaceable ones. */
struct commit {
	unsigned event;
	uint64_t record[N_KEYS]; /* which one it is; 0: none */
	uint64_t version[N_KEYS];
};

struct run {
	uint64_t seed;
	struct sim_block *block;
	struct cb_cache *cache;
	uint64_t version[N_KEYS];
	struct commit commits[N_COMMITS + 2];
	unsigned n_commits;
};

static void *allocate(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void release(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct cb_mem mem = { .alloc = allocate, .free = release };

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Key k has one content for each version; a chunk has version 0 only. */
static void make(unsigned k, uint64_t version, struct content *ret)
{
	uint64_t state = k * 1000003u + version * 7919u + 1;

	ret->len = 16 + next(&state) % (k % 9 == 0 ? MAX_LEN - 16 : 9000);
	for (size_t i = 0; i < ret->len; i++)
		ret->bytes[i] = (uint8_t)next(&state);
	cb_put_le64(ret->bytes, k);
	cb_put_le64(ret->bytes + 8, version);
	ret->kind = k < N_CHUNKS ? CB_CACHE_CHUNK : CB_CACHE_METADATA;
	if (ret->kind == CB_CACHE_CHUNK)
		cb_blake2b_256((struct cb_bytes){ ret->bytes, ret->len }, ret->key);
	else
		cb_blake2b_256((struct cb_bytes){ (const uint8_t *)&k, sizeof k }, ret->key);
}

/* Chunks are made once: the key alone is enough to find one. */
static const struct content *chunk(unsigned k)
{
	static struct content all[N_CHUNKS];

	if (all[k].len == 0)
		make(k, 0, &all[k]);
	return &all[k];
}

static void key_of(unsigned k, uint8_t key[CB_DIGEST_LEN])
{
	if (k < N_CHUNKS)
		memcpy(key, chunk(k)->key, CB_DIGEST_LEN);
	else
		cb_blake2b_256((struct cb_bytes){ (const uint8_t *)&k, sizeof k }, key);
}

static struct cb_cache *open_cache(struct sim_block *b, enum cb_cache_state *ret)
{
	struct cb_block block = sim_block(b);
	struct cb_cache *cache;
	unsigned n = 0;

	assert_int_equal(cb_cache_new(&mem, &block, &cache), CB_OK);
	while ((*ret = cb_cache_step(cache)) == CB_CACHE_OPENING)
		assert_true(n++ < 100);
	return cache;
}

/* Reads key k and checks it. A wrong chunk is found by its digest, as its users do, and dropped. */
static bool look(struct cb_cache *cache, unsigned k, bool may_be_wrong, uint64_t *ret_version)
{
	static uint8_t buf[CB_CACHE_PAGE * (MAX_LEN / CB_CACHE_PAGE + 2)];
	static struct content want;
	enum cb_cache_kind kind = k < N_CHUNKS ? CB_CACHE_CHUNK : CB_CACHE_METADATA;
	uint8_t key[CB_DIGEST_LEN], digest[CB_DIGEST_LEN];
	enum cb_cache_progress progress;
	struct cb_cache_reading r;

	key_of(k, key);
	if (!cb_cache_find(cache, kind, key, &r))
		return false;
	assert_true(r.room <= sizeof buf);
	while ((progress = cb_cache_read(cache, &r, buf)) == CB_CACHE_AGAIN)
		;
	if (progress == CB_CACHE_GONE) {
		assert_true(may_be_wrong);
		return false;
	}
	cb_blake2b_256((struct cb_bytes){ buf, r.len }, digest);
	if (kind == CB_CACHE_CHUNK && may_be_wrong && memcmp(digest, key, sizeof key) != 0) {
		cb_cache_drop(cache, r.ref);
		return false;
	}
	*ret_version = 0;
	if (kind == CB_CACHE_CHUNK) {
		assert_int_equal(r.len, chunk(k)->len);
		assert_memory_equal(buf, chunk(k)->bytes, r.len);
		return true;
	}
	*ret_version = cb_le64(buf + 8);
	make(k, *ret_version, &want);
	assert_int_equal(r.len, want.len);
	assert_memory_equal(buf, want.bytes, want.len);
	return true;
}

static void note_commit(struct run *r)
{
	struct commit *c = &r->commits[r->n_commits++];
	uint8_t key[CB_DIGEST_LEN];
	struct cb_cache_reading reading;

	c->event = sim_block_n_events(r->block);
	for (unsigned k = 0; k < N_KEYS; k++) {
		key_of(k, key);
		if (cb_cache_find(r->cache, k < N_CHUNKS ? CB_CACHE_CHUNK : CB_CACHE_METADATA, key,
				  &reading))
			c->record[k] = reading.generation << 32 | reading.ref;
		c->version[k] = r->version[k];
	}
}

/* Some records; now and then the cache is opened anew, so that nothing counts as new in it. */
static void put_some(struct run *r, uint64_t *state, unsigned n)
{
	static struct content content;

	for (unsigned i = 0; i < n; i++) {
		unsigned k = (unsigned)(next(state) % N_KEYS);
		uint64_t version = k < N_CHUNKS ? 0 : r->version[k] + 1;

		make(k, version, &content);
		if (cb_cache_append(r->cache, content.kind, content.key,
				    (struct cb_bytes){ content.bytes, content.len }))
			r->version[k] = version;
	}
}

static void record_run(struct run *r, uint64_t seed, bool is_lying)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 1, 2, 3 };
	uint64_t state = seed;
	enum cb_cache_state opened;

	*r = (struct run){ .seed = seed };
	r->block = sim_block_new(seed, seed % 2 ? 512 : 4096, DEVICE_LEN / (seed % 2 ? 512 : 4096));
	struct cb_block block = sim_block(r->block);
	assert_int_equal(cb_cache_format(&mem, &block, SEGMENT_LEN, id), CB_OK);
	sim_block_faults(r->block)->is_lying = is_lying;
	r->cache = open_cache(r->block, &opened);
	assert_int_equal(opened, CB_CACHE_OPEN);
	note_commit(r);
	for (unsigned i = 0; i < N_COMMITS; i++) {
		put_some(r, &state, 1 + (unsigned)(next(&state) % 12));
		assert_true(cb_cache_commit(r->cache));
		note_commit(r);
		if (next(&state) % 3 > 0)
			continue;
		cb_cache_free(r->cache);
		r->cache = open_cache(r->block, &opened);
		assert_int_equal(opened, CB_CACHE_OPEN);
	}
	cb_cache_free(r->cache);
	r->cache = NULL;
}

/* The newest commit that the device had heard of before the cut. */
static unsigned commit_before(const struct run *r, unsigned event)
{
	unsigned i = 0;

	while (i + 1 < r->n_commits && r->commits[i + 1].event <= event)
		i++;
	return i;
}

static void check_cut(struct run *r, unsigned event, uint64_t seed, bool is_lying)
{
	struct sim_block *cut = sim_block_cut(r->block, event, seed);
	unsigned i = commit_before(r, event);
	const struct commit *c = &r->commits[i];
	const struct commit *later = i + 1 < r->n_commits ? c + 1 : c;
	static struct content extra;
	uint64_t version = 0;
	enum cb_cache_state opened;
	struct cb_cache *cache = open_cache(cut, &opened);

	assert_int_equal(opened, CB_CACHE_OPEN);
	for (unsigned k = 0; k < N_KEYS; k++) {
		bool is_there = look(cache, k, is_lying, &version);

		if (is_lying)
			continue;
		/* Not one that was given up in between, and perhaps put in again. */
		if (c->record[k] && c->record[k] == later->record[k])
			assert_true(is_there);
		if (is_there && k >= N_CHUNKS)
			assert_true(version <= later->version[k]);
	}
	make(N_CHUNKS + 1, 1000, &extra);
	assert_true(cb_cache_append(cache, extra.kind, extra.key,
				    (struct cb_bytes){ extra.bytes, extra.len }));
	assert_true(cb_cache_commit(cache));
	cb_cache_free(cache);
	cache = open_cache(cut, &opened);
	assert_int_equal(opened, CB_CACHE_OPEN);
	assert_true(look(cache, N_CHUNKS + 1, false, &version));
	assert_int_equal(version, 1000);
	cb_cache_free(cache);
	sim_block_free(cut);
}

static unsigned n_cuts_wanted(void)
{
	const char *text = getenv("CB_CUTS");

	return text ? (unsigned)strtoul(text, NULL, 10) : CUTS_DEFAULT;
}

static void cut_everywhere(unsigned n_wanted, bool is_lying)
{
	unsigned n_cuts = 0, n_runs = 0;

	while (n_cuts < n_wanted) {
		struct run r;

		record_run(&r, 100 + n_runs++, is_lying);
		unsigned first = r.commits[0].event, n = sim_block_n_events(r.block);
		for (unsigned event = first; event <= n && n_cuts < n_wanted; event++) {
			check_cut(&r, event, 0, is_lying);
			for (uint64_t seed = 1; seed <= 3; seed++)
				check_cut(&r, event, seed * 1000 + event, is_lying);
			n_cuts += 4;
		}
		sim_block_free(r.block);
	}
	print_message("%u power cuts in %u runs\n", n_cuts, n_runs);
	assert_true(n_cuts >= n_wanted && n_runs > 1);
}

static void test_cuts(void **state)
{
	(void)state;
	cut_everywhere(n_cuts_wanted(), /*is_lying=*/false);
}

/* Nothing that was ever written is sure: wrong bytes may come, and are found out. */
static void test_cuts_with_lying_flushes(void **state)
{
	(void)state;
	cut_everywhere(n_cuts_wanted() / 4, /*is_lying=*/true);
}

/* A cut while it is made: the old cache, an empty one, or none; and it can be made again. */
static void test_cuts_of_format(void **state)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 4 }, other_id[CB_CACHE_ID_LEN] = { 5 };
	struct run r;
	unsigned n_open = 0, n_absent = 0;

	(void)state;
	record_run(&r, 7, false);
	unsigned first = sim_block_n_events(r.block);
	struct cb_block block = sim_block(r.block);
	assert_int_equal(cb_cache_format(&mem, &block, SEGMENT_LEN, id), CB_OK);
	for (unsigned event = first; event <= sim_block_n_events(r.block); event++) {
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct sim_block *cut = sim_block_cut(r.block, event, seed);
			enum cb_cache_state opened;
			struct cb_cache *cache = open_cache(cut, &opened);
			uint64_t version;

			for (unsigned k = 0; k < N_KEYS; k++)
				(void)look(cache, k, false, &version);
			n_open += opened == CB_CACHE_OPEN;
			n_absent += opened == CB_CACHE_ABSENT;
			cb_cache_free(cache);
			block = sim_block(cut);
			assert_int_equal(cb_cache_format(&mem, &block, SEGMENT_LEN, other_id),
					 CB_OK);
			cache = open_cache(cut, &opened);
			assert_int_equal(opened, CB_CACHE_OPEN);
			for (unsigned k = 0; k < N_KEYS; k++)
				assert_false(look(cache, k, false, &version));
			cb_cache_free(cache);
			sim_block_free(cut);
		}
	}
	assert_true(n_open > 0 && n_absent > 0);
	sim_block_free(r.block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_cuts_with_lying_flushes),
		cmocka_unit_test(test_cuts_of_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
