/* SPDX-License-Identifier: MIT */
/* What the fetch engine makes of bad mirrors, bad lines and too little memory; in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_world.h"

/* One flipped bit: the object comes from elsewhere, or the job says which one is damaged. */
static void test_flipped(void **state)
{
	struct world w;
	struct cb_source_stats stats;

	(void)state;
	world_begin(&w, 2, 50);
	assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_fetch_source_stats(w.fetch, 0, &stats);
	assert_true(stats.wrong_objects <= 1);
	assert_false(stats.is_banned);
	world_done(&w);

	world_begin(&w, 1, 50);
	assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_CHUNK_HASH);
	assert_int_equal(w.err_item, 10);
	assert_int_equal(sim_n_requests_for(w.servers[0], "/r/o/10/x"), 4);
	/* Each retry had a connection of its own. */
	assert_true(sim_n_connections(w.servers[0]) >= 4 + 3);
	world_done(&w);
}

/* The retry goes past caches, on a connection of its own. */
static void test_retry_is_fresh(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 1);
	world_make_item(&w, 0, 1000);
	sim_behaviour(w.servers[0])->flips_cached = true;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	assert_non_null(strstr(sim_last_request(w.servers[0]), "\r\nCache-Control: no-cache\r\n"));
	assert_int_equal(sim_n_requests(w.servers[0]), 2);
	assert_int_equal(sim_n_connections(w.servers[0]), 2);
	world_done(&w);
}

static void test_ban(void **state)
{
	struct world w;
	struct cb_source_stats stats;

	(void)state;
	world_begin(&w, 2, 300);
	sim_behaviour(w.servers[0])->flips_all = true;
	sim_behaviour(w.servers[1])->rate_bytes_ms = 100;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_fetch_source_stats(w.fetch, 0, &stats);
	assert_true(stats.is_banned);
	assert_false(stats.is_up);
	assert_int_equal(stats.n_connections, 0);
	assert_true(stats.wrong_objects >= 3);
	/* What was asked for before the ban was dropped. */
	assert_true(sim_n_requests(w.servers[0]) < 40);
	world_done(&w);
}

static void test_deliver_refuses(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 5);
	w.deliver_err = CB_CHUNK_DECODE;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_CHUNK_HASH);
	cb_job_free(w.job);
	w.deliver_err = CB_NO_MEMORY;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_NO_MEMORY);
	world_done(&w);
}

static void test_missing(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 2, 40);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(sim_remove_file(w.servers[i], "/r/o/0/x"));
		assert_true(sim_remove_file(w.servers[i], "/r/o/39/x"));
	}
	assert_true(sim_remove_file(w.servers[0], "/r/o/20/x"));
	assert_int_equal(world_start_job(&w, true), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	for (uint32_t i = 0; i < 40; i++) {
		assert_int_equal(w.n_missing[i], i == 0 || i == 39);
		assert_int_equal(w.n_delivered[i], !w.n_missing[i]);
	}
	assert_int_equal(w.missing_err, CB_CHUNK_MISSING);
	world_done(&w);
}

/* Absent on the mirror that answers; the other one is not there: no long wait. */
static void test_absent_and_down(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 3, 1);
	sim_behaviour(w.servers[0])->refuses = true;
	sim_behaviour(w.servers[1])->status = 404;
	sim_behaviour(w.servers[2])->hang = SIM_HANG_CONNECT;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_CHUNK_MISSING);
	assert_true(world_took_ms(&w) < 8000);
	world_done(&w);
}

static void test_link_cut(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->latency_ms = 5;
	sim_behaviour(w.servers[0])->rate_bytes_ms = 150;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 1000));
	unsigned n_before = sim_n_requests(w.servers[0]);
	assert_true(n_before > 20 && n_before < 280);
	sim_cut_link(w.sim, true);
	assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 30000));
	sim_cut_link(w.sim, false);
	assert_int_equal(world_run(&w), CB_OK);
	assert_true(w.has_ended);
	world_assert_all_delivered(&w);
	world_done(&w);
}

/* A link that never comes back: an error in time. */
static void test_link_lost(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 2, 300);
	for (unsigned i = 0; i < 2; i++)
		sim_behaviour(w.servers[i])->rate_bytes_ms = 100;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 1000));
	sim_cut_link(w.sim, true);
	(void)world_run(&w);
	assert_true(w.has_ended);
	assert_true(w.err == CB_NET_TIMEOUT || w.err == CB_NET_CONNECT);
	assert_true(world_took_ms(&w) <= CB_FETCH_STALL_MS + 2000);
	world_done(&w);
}

/* The last objects are stuck on a mirror that went silent: another one is asked soon. */
static void test_late_is_repeated(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 2, 8);
	sim_behaviour(w.servers[0])->hang = SIM_HANG_ACCEPT;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	assert_true(world_took_ms(&w) < 2000);
	world_done(&w);
}

/* Whatever allocation fails, the job ends, and nothing leaks. */
static void test_allocation_fails(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 60; n++) {
		for (unsigned forever = 0; forever < 2; forever++) {
			struct world w;
			world_init(&w, n, 2, 30);
			w.takes = n % 2;
			w.judge_ms = 1;
			sim_fail_alloc(w.sim, n, forever);
			enum cb_err err = world_start_engine(&w);
			if (err == CB_OK)
				err = world_start_job(&w, false);
			if (err == CB_OK) {
				(void)world_run(&w);
				assert_true(w.has_ended);
				if (w.err == CB_OK)
					world_assert_all_delivered(&w);
			} else {
				assert_int_equal(err, CB_NO_MEMORY);
			}
			world_done(&w);
		}
	}
}

/* Time in which the machine was busy elsewhere counts for no timeout. */
static void test_overslept(void **state)
{
	struct world w;
	struct cb_fetch_stats stats;

	(void)state;
	world_begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	sim_behaviour(w.servers[0])->latency_ms = 20;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	for (unsigned i = 0; i < 10; i++) {
		assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 30));
		sim_cut_link(w.sim, true);
		sim_advance_to(w.sim, sim_now(w.sim) + 200000);
		sim_cut_link(w.sim, false);
	}
	assert_int_equal(world_run(&w), CB_OK);
	assert_true(w.has_ended);
	cb_fetch_stats(w.fetch, &stats);
	assert_int_equal(stats.n_retries, 0);
	world_done(&w);
}

static enum cb_err missing_fails(void *ctx, uint32_t item, enum cb_err err)
{
	(void)ctx;
	(void)item;
	assert_int_equal(err, CB_CHUNK_MISSING);
	return CB_META_MISSING;
}

static void test_missing_fails(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 9);
	assert_true(sim_remove_file(w.servers[0], "/r/o/8/x"));
	const struct cb_job_params params = {
		.ctx = &w,
		.n_items = 9,
		.describe = world_describe,
		.deliver = world_deliver,
		.missing = missing_fails,
		.absent_err = CB_CHUNK_MISSING,
		.wrong_err = CB_CHUNK_HASH,
	};
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &w.job), CB_OK);
	assert_int_equal(world_run(&w), CB_META_MISSING);
	assert_int_equal(w.err_item, 8);
	world_done(&w);
}

/* Too short is wrong even where nobody said how long it would be. */
static void test_short(void **state)
{
	struct world w;

	(void)state;
	for (unsigned framing = 0; framing < 2; framing++) {
		world_begin(&w, 1, 4);
		w.kind = CB_DIGEST_NONE;
		sim_behaviour(w.servers[0])->is_chunked = framing == 0;
		sim_behaviour(w.servers[0])->is_until_close = framing == 1;
		w.len[2]++;
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_CHUNK_HASH);
		assert_int_equal(w.err_item, 2);
		world_done(&w);
	}
}

static void test_retry_after(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 40);
	struct sim_behaviour *b = sim_behaviour(w.servers[0]);
	b->status = 503;
	b->status_first = 1;
	b->retry_after_s = 7;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	assert_true(world_took_ms(&w) >= 7000 && world_took_ms(&w) < 8000);
	assert_int_equal(sim_n_requests(w.servers[0]), 41);
	world_done(&w);
}

/* A server that drops pipelined requests is found out once; from then on it gets one at a time. */
static void test_unpipelined(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->ignores_pipelined = true;
	sim_behaviour(w.servers[0])->latency_ms = 5;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	assert_true(sim_n_connections(w.servers[0]) <= 12);
	assert_true(world_took_ms(&w) < 5000);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_retry_is_fresh),
		cmocka_unit_test(test_ban),
		cmocka_unit_test(test_deliver_refuses),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_absent_and_down),
		cmocka_unit_test(test_link_cut),
		cmocka_unit_test(test_link_lost),
		cmocka_unit_test(test_late_is_repeated),
		cmocka_unit_test(test_allocation_fails),
		cmocka_unit_test(test_overslept),
		cmocka_unit_test(test_missing_fails),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_unpipelined),
	};

	return cmocka_run_group_tests_name("fetch_faults", tests, NULL, NULL);
}
