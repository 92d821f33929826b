/* SPDX-License-Identifier: MIT */
/* Cache and mirrors together in the fetch engine, in virtual time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cache.h"
#include "core/fetch.h"
#include "sim.h"
#include "sim_block.h"
#include "testport.h"

#define N_ITEMS 200
#define MAX_LEN 40000
#define DEVICE_LEN (16u << 20)
#define DEADLINE_MS 400000

struct world {
	struct sim *sim;
	struct sim_server *server;
	struct sim_block *block;
	struct cb_cache *cache;
	struct cb_fetch *fetch;
	struct cb_job *job;
	uint8_t bytes[N_ITEMS][MAX_LEN];
	uint32_t len[N_ITEMS];
	uint8_t digest[N_ITEMS][CB_DIGEST_LEN];
	unsigned n_delivered[N_ITEMS], n_from_cache;
	bool is_digest_known; /* the engine checks it, not the job */
	uint64_t start_ms, end_ms, device_rate;
	enum cb_err err;
};

static struct world w;

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	(void)ctx;
	snprintf(ret->path, sizeof ret->path, "o/%u", (unsigned)item);
	ret->len = w.len[item];
	ret->is_exact = true;
	ret->digest = w.is_digest_known ? CB_DIGEST_BLAKE2B_256 : CB_DIGEST_NONE;
	memcpy(ret->expect, w.digest[item], CB_DIGEST_LEN);
	ret->cache_kind = CB_CACHE_CHUNK;
	memcpy(ret->key, w.digest[item], CB_DIGEST_LEN);
}

static enum cb_err judge(uint32_t item, struct cb_bytes bytes, unsigned source)
{
	if (bytes.len != w.len[item] || memcmp(bytes.p, w.bytes[item], bytes.len) != 0)
		return CB_CHUNK_HASH;
	w.n_delivered[item]++;
	w.n_from_cache += source == CB_FETCH_CACHE;
	return CB_OK;
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	(void)ctx;
	return judge(item, bytes, source);
}

static struct cb_held held[N_ITEMS];
static unsigned n_held;

static enum cb_err take(void *ctx, const struct cb_held *h)
{
	(void)ctx;
	assert_true(n_held < N_ITEMS);
	held[n_held++] = *h;
	return CB_OK;
}

static void read_costs(void *ctx, size_t len)
{
	(void)ctx;
	if (w.device_rate > 0)
		sim_advance_to(w.sim, sim_now(w.sim) + len / w.device_rate);
}

static void make_cache(uint32_t every)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 1 };
	const struct cb_mem *mem = &sim_platform(w.sim)->mem;
	struct cb_block block;

	w.block = sim_block_new(1, 512, DEVICE_LEN / 512);
	block = sim_block(w.block);
	assert_int_equal(cb_cache_format(mem, &block, 1u << 20, id), CB_OK);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(cb_cache_new(mem, &block, &w.cache), CB_OK);
		while (cb_cache_step(w.cache) == CB_CACHE_OPENING)
			;
		assert_int_equal(cb_cache_state(w.cache), CB_CACHE_OPEN);
		if (round > 0)
			break;
		for (uint32_t i = 0; every > 0 && i < N_ITEMS; i += every)
			assert_true(cb_cache_append(w.cache, CB_CACHE_CHUNK, w.digest[i],
						    (struct cb_bytes){ w.bytes[i], w.len[i] }));
		assert_true(cb_cache_commit(w.cache));
		cb_cache_free(w.cache);
	}
	sim_block_faults(w.block)->on_read = read_costs;
}

/* Each `every`-th item is in the cache (0: none). */
static void world_init(uint32_t every, bool has_mirror)
{
	memset(&w, 0, sizeof w);
	n_held = 0;
	w.sim = sim_new(1);
	w.server = sim_add_server(w.sim, "m", 80);
	for (uint32_t i = 0; i < N_ITEMS; i++) {
		char path[32];
		w.len[i] = 500 + i * 197 % (MAX_LEN - 500);
		for (uint32_t k = 0; k < w.len[i]; k++)
			w.bytes[i][k] = (uint8_t)(sim_random(w.sim) >> 7);
		cb_blake2b_256((struct cb_bytes){ w.bytes[i], w.len[i] }, w.digest[i]);
		snprintf(path, sizeof path, "/r/o/%u", (unsigned)i);
		sim_file(w.server, path, w.bytes[i], w.len[i]);
	}
	make_cache(every);
	assert_int_equal(cb_fetch_new(sim_platform(w.sim), &w.fetch), CB_OK);
	if (has_mirror)
		assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of("http://m/r/"), NULL),
				 CB_OK);
	assert_int_equal(cb_fetch_add_cache(w.fetch, w.cache), CB_OK);
}

static void settle_all(void)
{
	while (n_held > 0) {
		struct cb_held h = held[--n_held];
		enum cb_err verdict = judge(h.item, (struct cb_bytes){ h.bytes, h.len }, h.source);

		cb_free(&sim_platform(w.sim)->mem, h.bytes);
		cb_job_settle(w.job, &h, verdict);
	}
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	(void)ctx;
	settle_all();
	bool has_acted = cb_fetch_step(w.fetch, wake_ms);
	if (cb_job_status(w.job, NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return has_acted || n_held > 0 ? SIM_AGAIN : SIM_IDLE;
}

static enum cb_err run(bool takes)
{
	const struct cb_job_params params = {
		.n_items = N_ITEMS,
		.describe = describe,
		.deliver = takes ? NULL : deliver,
		.take = takes ? take : NULL,
		.absent_err = CB_CHUNK_MISSING,
		.wrong_err = CB_CHUNK_HASH,
	};

	w.start_ms = sim_now(w.sim);
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &w.job), CB_OK);
	assert_true(sim_run_until(w.sim, step, NULL, sim_now(w.sim) + DEADLINE_MS));
	w.end_ms = sim_now(w.sim);
	w.err = CB_OK;
	cb_job_status(w.job, &w.err, NULL);
	return w.err;
}

static void world_done(void)
{
	cb_job_free(w.job);
	while (n_held > 0)
		cb_free(&sim_platform(w.sim)->mem, held[--n_held].bytes);
	cb_fetch_free(w.fetch);
	cb_cache_free(w.cache);
	assert_int_equal(sim_live_allocations(w.sim), 0);
	sim_block_free(w.block);
	sim_free(w.sim);
}

static void assert_all_delivered(void)
{
	for (uint32_t i = 0; i < N_ITEMS; i++)
		assert_int_equal(w.n_delivered[i], 1);
}

static void test_cache_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct cb_fetch_stats stats;

		world_init(1, /*has_mirror=*/i % 2 == 0);
		w.is_digest_known = i < 2;
		assert_int_equal(run(/*takes=*/i > 1), CB_OK);
		assert_all_delivered();
		assert_int_equal(w.n_from_cache, N_ITEMS);
		assert_int_equal(sim_n_requests(w.server), 0);
		cb_fetch_stats(w.fetch, &stats);
		assert_int_equal(stats.body_bytes, 0);
		assert_true(stats.cache_bytes > 0 && stats.cache_bytes == stats.verified_bytes);
		world_done();
	}
}

static void test_both(void **state)
{
	(void)state;
	world_init(2, true);
	sim_behaviour(w.server)->latency_ms = 5;
	sim_behaviour(w.server)->rate_bytes_ms = 500;
	w.device_rate = 20000;
	assert_int_equal(run(true), CB_OK);
	assert_all_delivered();
	assert_int_equal(w.n_from_cache, N_ITEMS / 2);
	for (unsigned i = 0; i < N_ITEMS; i++) {
		char path[32];
		snprintf(path, sizeof path, "/r/o/%u", i);
		assert_true((sim_n_requests_for(w.server, path) > 0) == (i % 2 > 0));
	}
	world_done();
}

/* Wrong bytes are asked for elsewhere; the cache goes on, and forgets those. */
static void test_rot(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct cb_source_stats stats;
		struct cb_cache_reading r;
		unsigned n_gone = 0;

		world_init(1, true);
		w.is_digest_known = i % 2;
		sim_block_faults(w.block)->rots = 2;
		assert_int_equal(run(i > 1), CB_OK);
		assert_all_delivered();
		assert_true(w.n_from_cache > N_ITEMS / 4 && w.n_from_cache < N_ITEMS);
		assert_int_equal(sim_n_requests(w.server), N_ITEMS - w.n_from_cache);
		for (uint32_t k = 0; k < N_ITEMS; k++)
			n_gone += !cb_cache_find(w.cache, CB_CACHE_CHUNK, w.digest[k], &r);
		assert_int_equal(n_gone, N_ITEMS - w.n_from_cache);
		cb_fetch_source_stats(w.fetch, 0, &stats);
		assert_int_equal(stats.wrong_objects, 0);
		world_done();
	}
}

/* Nobody has the right bytes: the job's own error, as without a cache. */
static void test_rot_without_mirror(void **state)
{
	(void)state;
	world_init(1, true);
	sim_block_faults(w.block)->rots = 1;
	sim_behaviour(w.server)->status = 404;
	assert_int_equal(run(true), CB_CHUNK_MISSING);
	world_done();
	world_init(2, true);
	sim_behaviour(w.server)->refuses = true;
	assert_int_equal(run(true), CB_NET_CONNECT);
	world_done();
}

static void test_broken_device(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		world_init(1, true);
		sim_block_faults(w.block)->fail_read = 1;
		sim_block_faults(w.block)->fails_on = i > 0;
		assert_int_equal(run(true), CB_OK);
		assert_all_delivered();
		if (i > 0)
			assert_int_equal(cb_cache_state(w.cache), CB_CACHE_ABSENT);
		else
			assert_int_equal(sim_n_requests(w.server), 1);
		world_done();
	}
}

static uint64_t time_of(uint32_t every, uint64_t device_rate)
{
	uint64_t ms;

	world_init(every, true);
	sim_behaviour(w.server)->latency_ms = 2;
	sim_limit_line(w.sim, 2000);
	w.device_rate = device_rate;
	assert_int_equal(run(true), CB_OK);
	assert_all_delivered();
	ms = w.end_ms - w.start_ms;
	world_done();
	return ms;
}

/* With a device of any speed it takes no longer than without one, but for what is tried out. */
static void test_never_slower(void **state)
{
	static const uint64_t rates[] = { 20,	50,   100,  200,  500,	1000,
					  1500, 2000, 2500, 4000, 5000, 50000 };
	uint64_t alone_ms = time_of(0, 0), both_ms;

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		both_ms = time_of(1, rates[i]);
		print_message("device %5u bytes/ms: %5u ms, network alone %u ms\n",
			      (unsigned)rates[i], (unsigned)both_ms, (unsigned)alone_ms);
		/* one record, in whole pages, is what shows how slow it is */
		assert_true(both_ms <= alone_ms * 21 / 20 + (MAX_LEN + CB_CACHE_PAGE) / rates[i]);
	}
	assert_true(both_ms < alone_ms / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_alone),   cmocka_unit_test(test_both),
		cmocka_unit_test(test_rot),	      cmocka_unit_test(test_rot_without_mirror),
		cmocka_unit_test(test_broken_device), cmocka_unit_test(test_never_slower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
