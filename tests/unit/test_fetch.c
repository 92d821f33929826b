/* SPDX-License-Identifier: MIT */
/* The rules of the fetch engine: requests, priorities, growth; in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_world.h"

static void test_plain(void **state)
{
	static const size_t splits[] = { 0, 1, 7, 1460, 65536 };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
		world_init(&w, i, 1, 60);
		sim_split_reads(w.sim, splits[i]);
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_OK);
		assert_true(w.has_ended);
		world_assert_all_delivered(&w);
		world_done(&w);
	}
}

static void test_no_items_no_mirrors(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 0);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_DONE);
	world_done(&w);

	world_begin(&w, 0, 3);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_NET_NO_MIRROR);
	assert_int_equal(w.err_item, 0);
	world_done(&w);
}

static void test_add_mirror(void **state)
{
	struct world w;
	unsigned index = 99;
	char url[64];

	(void)state;
	world_begin(&w, 1, 0);
	assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of("http://mirror-a/r/"), &index),
			 CB_OK);
	assert_int_equal(index, 0);
	index = 99;
	assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of("HTTP://Mirror-A:80/r"), &index),
			 CB_OK);
	assert_int_equal(index, 0);
	assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of("ftp://x/"), &index),
			 CB_URL_FORMAT);
	assert_int_equal(cb_fetch_n_sources(w.fetch), 1);
	for (unsigned i = 1; i < CB_FETCH_MAX_MIRRORS; i++) {
		snprintf(url, sizeof url, "http://m%u/", i);
		assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of(url), NULL), CB_OK);
	}
	assert_int_equal(cb_fetch_add_mirror(w.fetch, cb_bytes_of("http://one.more/"), NULL),
			 CB_NET_NO_MIRROR);
	assert_string_equal(cb_fetch_source_name(w.fetch, 2), "http://m2/");
	world_done(&w);
}

/* A good server is asked exactly once for each object, over few connections, with pipelining. */
static void test_request_count(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->latency_ms = 10;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	assert_int_equal(sim_n_requests(w.servers[0]), 200);
	assert_true(sim_n_connections(w.servers[0]) <= CB_FETCH_MAX_PER_MIRROR);
	assert_true(sim_max_pipelined(w.servers[0]) >= 3);
	struct cb_fetch_stats stats;
	cb_fetch_stats(w.fetch, &stats);
	assert_int_equal(stats.n_retries, 0);
	assert_int_equal(stats.body_bytes, stats.verified_bytes);
	assert_int_equal(stats.body_bytes, sim_body_bytes(w.servers[0]));
	assert_non_null(strstr(sim_last_request(w.servers[0]), "\r\nHost: mirror-a\r\n"));
	assert_null(strstr(sim_last_request(w.servers[0]), "no-cache"));
	world_done(&w);
}

static void test_no_more_requests_than_answered(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->close_after = 5;
	sim_behaviour(w.servers[0])->latency_ms = 5;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	/* Noticed after the first connections: hardly a request goes unanswered from then on. */
	assert_true(sim_n_requests(w.servers[0]) <= 320);
	assert_true(sim_n_connections(w.servers[0]) < 60);
	world_done(&w);
}

static void test_is_mutable(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 1, 2);
	w.is_mutable = true;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	assert_non_null(strstr(sim_last_request(w.servers[0]), "\r\nCache-Control: no-cache\r\n"));
	world_done(&w);
}

/* Sizes come from the job: more is refused, less is fine only where the size is a limit. */
static void test_loose_length(void **state)
{
	struct world w;

	(void)state;
	for (unsigned framing = 0; framing < 3; framing++) {
		world_begin(&w, 1, 7);
		w.is_loose = true;
		w.kind = CB_DIGEST_NONE;
		sim_behaviour(w.servers[0])->is_chunked = framing == 1;
		sim_behaviour(w.servers[0])->is_until_close = framing == 2;
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_OK);
		world_assert_all_delivered(&w);
		cb_job_free(w.job);
		uint8_t *big = calloc(1, WORLD_MAX_LEN + 1);
		sim_file(w.servers[0], "/r/o/3/x", big, WORLD_MAX_LEN + 1);
		free(big);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_HTTP_TOO_LARGE);
		assert_int_equal(w.err_item, 3);
		world_done(&w);
	}
}

static void test_sha256(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 3, 1, 0);
	w.kind = CB_DIGEST_SHA256;
	for (w.n_items = 0; w.n_items < 20; w.n_items++)
		world_make_item(&w, w.n_items, w.n_items * 700);
	assert_int_equal(world_start_engine(&w), CB_OK);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_job_free(w.job);
	assert_true(sim_flip(w.servers[0], "/r/o/12/x", 5, 5));
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_CHUNK_HASH);
	assert_int_equal(w.err_item, 12);
	world_done(&w);
}

static void test_pinned(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 3, 3);
	w.is_pinned = true;
	sim_behaviour(w.servers[1])->refuses = true;
	assert_int_equal(world_start_job(&w, true), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(w.n_delivered[i], i != 1);
		assert_int_equal(w.n_missing[i], i == 1);
		assert_int_equal(sim_n_requests(w.servers[i]), i != 1);
	}
	assert_int_equal(w.missing_err, CB_NET_CONNECT);
	world_done(&w);
}

static enum sim_status step_until_busy(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;
	enum sim_status status = world_step(ctx, wake_ms);
	struct cb_fetch_stats stats;

	cb_fetch_stats(w->fetch, &stats);
	return stats.body_bytes > 30000 ? SIM_DONE : status;
}

static void test_cancel(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w, 2, 100);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 50;
	sim_behaviour(w.servers[1])->rate_bytes_ms = 50;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_true(sim_run_until(w.sim, step_until_busy, &w, sim_now(w.sim) + 60000));
	cb_job_free(w.job);
	memset(w.n_delivered, 0, sizeof w.n_delivered);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	world_assert_all_delivered(&w);
	cb_job_free(w.job);
	/* And once more in the middle, with the whole engine. */
	assert_int_equal(world_start_job(&w, false), CB_OK);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t wake_ms;
		(void)cb_fetch_step(w.fetch, &wake_ms);
	}
	world_done(&w);
}

static enum sim_status step_other(void *ctx, uint64_t *wake_ms)
{
	struct cb_job **jobs = ctx;
	struct world *w = (struct world *)jobs[2];
	bool has_acted = cb_fetch_step(w->fetch, wake_ms);

	if (cb_job_status(jobs[1], NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return has_acted ? SIM_AGAIN : SIM_IDLE;
}

/* An urgent job overtakes one that runs. */
static void test_priority(void **state)
{
	struct world w;
	struct cb_job *urgent;

	(void)state;
	world_begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	const struct cb_job_params params = {
		.ctx = &w,
		.n_items = 300,
		.describe = world_describe,
		.deliver = world_deliver,
		.absent_err = CB_NOT_FOUND,
		.wrong_err = CB_CHUNK_HASH,
		.priority = 5,
	};
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &w.job), CB_OK);
	assert_true(sim_run_until(w.sim, step_until_busy, &w, sim_now(w.sim) + 60000));
	struct cb_job_params soon = params;
	soon.n_items = 3;
	soon.priority = 1;
	assert_int_equal(cb_fetch_submit(w.fetch, &soon, &urgent), CB_OK);
	struct cb_job *jobs[] = { w.job, urgent, (struct cb_job *)&w };
	assert_true(sim_run_until(w.sim, step_other, jobs, sim_now(w.sim) + 60000));
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_RUNNING);
	assert_int_equal(cb_job_status(urgent, NULL, NULL), CB_JOB_DONE);
	unsigned n = 0;
	for (uint32_t i = 0; i < 300; i++)
		n += w.n_delivered[i];
	assert_true(n < 200);
	cb_job_free(urgent);
	assert_int_equal(world_run(&w), CB_OK);
	world_done(&w);
}

static void test_takes_or_delivers(void **state)
{
	struct world w;
	struct cb_job *job;
	struct cb_job_params params = { .describe = world_describe };

	(void)state;
	world_begin(&w, 1, 0);
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_INTERNAL);
	params.deliver = world_deliver;
	params.take = world_take;
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_INTERNAL);
	world_done(&w);
}

/* More connections are opened while that makes it faster, and no more than that. */
static void test_growth(void **state)
{
	struct world w;

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		world_begin(&w, n, 400);
		for (unsigned i = 0; i < n; i++)
			sim_behaviour(w.servers[i])->rate_bytes_ms = 50;
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_OK);
		unsigned most = 0;
		for (unsigned i = 0; i < n; i++) {
			assert_true(sim_max_connections(w.servers[i]) <= CB_FETCH_MAX_PER_MIRROR);
			most += sim_max_connections(w.servers[i]);
		}
		assert_true(most >= (n == 1 ? 8 : 12) && most <= CB_FETCH_MAX_CONNECTIONS);
		world_done(&w);
	}
	/* A few objects need no eight connections. */
	world_begin(&w, 1, 1);
	sim_behaviour(w.servers[0])->latency_ms = 20;
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	assert_int_equal(sim_n_connections(w.servers[0]), 1);
	world_done(&w);
}

/* 100 Mbit/s and 20 ms each way: pipelining keeps the line busy, from one mirror or from three. */
static void test_long_path(void **state)
{
	static const struct {
		unsigned n_servers;
		uint32_t latency_ms, rate_bytes_ms;
	} cases[] = { { 1, 0, 12500 },
		      { 1, 20, 12500 },
		      { 3, 20, 12500 },
		      { 1, 50, 12500 },
		      { 1, 20, 1250 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world w;
		world_init(&w, 1, cases[i].n_servers, 0);
		for (w.n_items = 0; w.n_items < WORLD_MAX_ITEMS; w.n_items++)
			world_make_item(&w, w.n_items, WORLD_MAX_LEN);
		sim_limit_line(w.sim, cases[i].rate_bytes_ms);
		for (unsigned k = 0; k < w.n_servers; k++)
			sim_behaviour(w.servers[k])->latency_ms = cases[i].latency_ms;
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_int_equal(world_run(&w), CB_OK);
		uint64_t line_ms =
			(uint64_t)WORLD_MAX_ITEMS * WORLD_MAX_LEN / cases[i].rate_bytes_ms;
		/* Connecting and the first answer take two round trips. */
		uint64_t ms = world_took_ms(&w) - 4 * cases[i].latency_ms;
		assert_true(ms * 94 <= line_ms * 100);
		world_done(&w);
	}
}

static void test_many_items(void **state)
{
	struct world w;
	struct cb_job *job;

	(void)state;
	world_begin(&w, 1, 0);
	struct cb_job_params params = {
		.ctx = &w,
		.n_items = CB_FETCH_MAX_ITEMS + 1,
		.describe = world_describe,
		.deliver = world_deliver,
	};
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_INTERNAL);
	uint64_t before = sim_live_bytes(w.sim);
	params.n_items--;
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_OK);
	assert_true(sim_live_bytes(w.sim) - before <= 8ull * CB_FETCH_MAX_ITEMS + 4096);
	cb_job_free(job);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_no_items_no_mirrors),
		cmocka_unit_test(test_add_mirror),
		cmocka_unit_test(test_request_count),
		cmocka_unit_test(test_no_more_requests_than_answered),
		cmocka_unit_test(test_is_mutable),
		cmocka_unit_test(test_loose_length),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_takes_or_delivers),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_many_items),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
