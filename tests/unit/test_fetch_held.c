/* SPDX-License-Identifier: MIT */
/* Items of the fetch engine that their owner takes and judges later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_world.h"

static void begin_taking(struct world *w, unsigned n_servers, uint32_t n_items, uint32_t judge_ms)
{
	world_init(w, 7, n_servers, n_items);
	w->takes = true;
	w->judge_ms = judge_ms;
	assert_int_equal(world_start_engine(w), CB_OK);
	assert_int_equal(world_start_job(w, false), CB_OK);
}

/* One flipped bit, found out late: the same consequences as when it is found out at once. */
static void test_held_flipped(void **state)
{
	static const uint32_t delays[] = { 0, 1, 40, 3000 };
	struct cb_source_stats stats;
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
		begin_taking(&w, 2, 50, delays[i]);
		assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
		assert_true(sim_flip(w.servers[1], "/r/o/11/x", 99, 1));
		assert_int_equal(world_run(&w), CB_OK);
		world_assert_all_delivered(&w);
		for (unsigned k = 0; k < 2; k++) {
			cb_fetch_source_stats(w.fetch, k, &stats);
			assert_true(stats.wrong_objects <= 1);
			assert_false(stats.is_banned);
		}
		world_done(&w);

		begin_taking(&w, 1, 50, delays[i]);
		assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
		assert_int_equal(world_run(&w), CB_CHUNK_HASH);
		assert_int_equal(w.err_item, 10);
		assert_int_equal(sim_n_requests_for(w.servers[0], "/r/o/10/x"), 4);
		assert_true(sim_n_connections(w.servers[0]) >= 4 + 3);
		world_done(&w);
	}
}

/* The connection that wrong bytes came over carries no other request. */
static void test_held_distrust(void **state)
{
	struct world w;

	(void)state;
	begin_taking(&w, 1, 200, 20);
	world_make_item(&w, 0, 20000);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	sim_behaviour(w.servers[0])->flips_first = 1;
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	/* One ended, and one more for the retry itself. */
	assert_true(sim_n_connections(w.servers[0]) >= sim_max_connections(w.servers[0]) + 1);
	world_done(&w);
}

static void test_held_ban(void **state)
{
	struct world w;
	struct cb_source_stats stats;

	(void)state;
	begin_taking(&w, 2, 300, 10);
	sim_behaviour(w.servers[0])->flips_all = true;
	sim_behaviour(w.servers[1])->rate_bytes_ms = 100;
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_fetch_source_stats(w.fetch, 0, &stats);
	assert_true(stats.is_banned);
	assert_int_equal(stats.n_connections, 0);
	world_done(&w);
}

static enum sim_status step_until_full(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;
	enum sim_status status = world_step(ctx, wake_ms);

	return cb_fetch_is_full(w->fetch) ? SIM_DONE : status;
}

/* Takes without a verdict until the engine is full. */
static void begin_full(struct world *w)
{
	world_init(w, 1, 1, 0);
	for (w->n_items = 0; w->n_items < WORLD_MAX_ITEMS; w->n_items++)
		world_make_item(w, w->n_items, WORLD_MAX_LEN);
	w->takes = true;
	w->judge_ms = 1000000;
	assert_int_equal(world_start_engine(w), CB_OK);
	assert_int_equal(world_start_job(w, false), CB_OK);
	sim_behaviour(w->servers[0])->latency_ms = 5;
	assert_true(sim_run_until(w->sim, step_until_full, w, sim_now(w->sim) + 10000));
}

/* Nothing more is read while too much is held, however long, and nobody is blamed for that. */
static void test_held_full(void **state)
{
	struct cb_fetch_stats before, after;
	struct world w;

	(void)state;
	begin_full(&w);
	const unsigned n_most = CB_FETCH_HELD_MAX / (WORLD_MAX_LEN + CB_FETCH_HELD_EXTRA) + 1;
	/* The step that fills it up may bring one more. */
	assert_in_range(w.n_held, n_most, n_most + 1);
	cb_fetch_stats(w.fetch, &before);
	assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 300000));
	cb_fetch_stats(w.fetch, &after);
	assert_int_equal(after.body_bytes, before.body_bytes);
	assert_int_equal(after.n_retries, 0);
	/* Half of it judged: it goes on, not before. */
	while (w.n_held > CB_FETCH_HELD_LOW / (WORLD_MAX_LEN + CB_FETCH_HELD_EXTRA) + 1)
		world_settle_first(&w, /*has_verdict=*/true);
	assert_true(cb_fetch_is_full(w.fetch));
	world_settle_first(&w, /*has_verdict=*/true);
	assert_false(cb_fetch_is_full(w.fetch));
	w.judge_ms = 5;
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_fetch_stats(w.fetch, &after);
	assert_int_equal(after.n_retries, 0);
	assert_int_equal(sim_n_requests(w.servers[0]), WORLD_MAX_ITEMS);
	world_done(&w);
}

/* Cancelled with items held: their bytes stay their taker's, and the engine is empty again. */
static void test_held_cancel(void **state)
{
	struct world w;

	(void)state;
	begin_full(&w);
	cb_job_free(w.job);
	assert_false(cb_fetch_is_full(w.fetch));
	for (unsigned i = 0; i < w.n_held; i++)
		assert_memory_equal(w.held[i].bytes, w.bytes[w.held[i].item], w.held[i].len);
	while (w.n_held > 0)
		world_settle_first(&w, /*has_verdict=*/false);
	w.judge_ms = 2;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	world_done(&w);
}

/* A late request was repeated elsewhere, and both answers come: one is held, the other dropped. */
static void test_held_repeated(void **state)
{
	struct world w;

	(void)state;
	for (unsigned is_wrong = 0; is_wrong < 2; is_wrong++) {
		begin_taking(&w, 2, 8, 1500);
		sim_behaviour(w.servers[0])->rate_bytes_ms = 10;
		if (is_wrong)
			sim_behaviour(w.servers[1])->flips_first = 1;
		assert_int_equal(world_run(&w), CB_OK);
		world_assert_all_delivered(&w);
		assert_true(sim_n_requests(w.servers[0]) + sim_n_requests(w.servers[1]) > 8);
		assert_true(w.max_held <= 8);
		world_done(&w);
	}
}

/* No memory for the owner's part: asking again would make none. */
static void test_held_no_memory(void **state)
{
	struct world w;

	(void)state;
	begin_taking(&w, 1, 30, 1);
	w.take_err = CB_NO_MEMORY;
	assert_int_equal(world_run(&w), CB_NO_MEMORY);
	assert_int_equal(w.n_held, 0);
	world_done(&w);

	begin_taking(&w, 1, 30, 100);
	w.deliver_err = CB_NO_MEMORY;
	assert_int_equal(world_run(&w), CB_NO_MEMORY);
	/* Verdicts that come after the end change nothing. */
	w.deliver_err = CB_OK;
	while (w.n_held > 0)
		world_settle_first(&w, /*has_verdict=*/true);
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_FAILED);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_flipped),   cmocka_unit_test(test_held_distrust),
		cmocka_unit_test(test_held_ban),       cmocka_unit_test(test_held_full),
		cmocka_unit_test(test_held_cancel),    cmocka_unit_test(test_held_repeated),
		cmocka_unit_test(test_held_no_memory),
	};

	return cmocka_run_group_tests_name("fetch_held", tests, NULL, NULL);
}
