/* SPDX-License-Identifier: MIT */
/* How the fetch engine spreads work over paths of different speed, on the simulator's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/source.h"
#include "sim.h"

#define MAX_SERVERS 3
#define MAX_ITEMS 512
#define DEADLINE_MS 600000u

struct world {
	struct sim *sim;
	struct sim_server *servers[MAX_SERVERS];
	struct cb_fetch *fetch;
	struct cb_job *job;
	uint32_t n_items, len[MAX_ITEMS];
	uint64_t total, start_ms;
	unsigned n_delivered;
};

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct world *w = ctx;

	*ret = (struct cb_fetch_item){ .len = w->len[item],
				       .is_exact = true,
				       .source = CB_FETCH_ANY_SOURCE };
	snprintf(ret->path, sizeof(ret->path), "%u", item);
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct world *w = ctx;

	(void)source;
	assert_int_equal(bytes.len, w->len[item]);
	w->n_delivered++;
	return CB_OK;
}

static void begin(struct world *w, unsigned n_servers, const struct sim_behaviour *behaviours)
{
	static const char *const hosts[MAX_SERVERS] = { "a", "b", "c" };

	memset(w, 0, sizeof(*w));
	w->sim = sim_new(3);
	assert_int_equal(cb_fetch_new(sim_platform(w->sim), &w->fetch), CB_OK);
	for (unsigned i = 0; i < n_servers; i++) {
		char url[32];

		w->servers[i] = sim_add_server(w->sim, hosts[i], 80);
		*sim_behaviour(w->servers[i]) = behaviours[i];
		snprintf(url, sizeof(url), "http://%s/", hosts[i]);
		assert_int_equal(cb_fetch_add_mirror(w->fetch, cb_bytes_of(url), NULL), CB_OK);
	}
}

static void add_item(struct world *w, uint32_t len)
{
	uint8_t *bytes = calloc(1, len);
	char path[16];

	snprintf(path, sizeof(path), "/%u", w->n_items);
	for (unsigned i = 0; i < MAX_SERVERS; i++)
		if (w->servers[i])
			sim_file(w->servers[i], path, bytes, len);
	w->len[w->n_items++] = len;
	w->total += len;
	free(bytes);
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;

	if (cb_job_status(w->job, NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return cb_fetch_step(w->fetch, wake_ms) ? SIM_AGAIN : SIM_IDLE;
}

/* Milliseconds that the job took; all must have come. */
static uint64_t run(struct world *w)
{
	const struct cb_job_params params = { .ctx = w,
					      .n_items = w->n_items,
					      .describe = describe,
					      .deliver = deliver,
					      .absent_err = CB_CHUNK_MISSING,
					      .wrong_err = CB_CHUNK_HASH };

	w->start_ms = sim_now(w->sim);
	assert_int_equal(cb_fetch_submit(w->fetch, &params, &w->job), CB_OK);
	assert_true(sim_run_until(w->sim, step, w, sim_now(w->sim) + DEADLINE_MS));
	assert_int_equal(cb_job_status(w->job, NULL, NULL), CB_JOB_DONE);
	assert_int_equal(w->n_delivered, w->n_items);
	return sim_now(w->sim) - w->start_ms;
}

static uint64_t sent(const struct world *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < MAX_SERVERS; i++)
		n += w->servers[i] ? sim_body_bytes(w->servers[i]) : 0;
	return n;
}

static void end(struct world *w)
{
	cb_job_free(w->job);
	cb_fetch_free(w->fetch);
	assert_int_equal(sim_live_allocations(w->sim), 0);
	sim_free(w->sim);
}

/* The large items stand at the end of the job, where in order they would leave all but one path idle. */
static void test_large_ones_last(void **state)
{
	const struct sim_behaviour b = { .latency_ms = 20, .rate_bytes_ms = 400 };
	struct world w;

	(void)state;
	begin(&w, 1, &b);
	for (unsigned i = 0; i < 200; i++)
		add_item(&w, i < 190 ? 100000 : 800000);
	/* Eight connections, 400 bytes a millisecond each; the last large one alone would take 2,000 ms. */
	uint64_t ideal_ms = w.total / (8 * 400), ms = run(&w);
	assert_in_range(ms, ideal_ms, ideal_ms + ideal_ms / 8 + 300);
	assert_in_range(sent(&w), w.total, w.total + w.total / 50);
	end(&w);
}

/* A slow mirror beside a fast one helps; it does not hold up the end. */
static void test_slow_beside_fast(void **state)
{
	static const uint32_t slow_rates[] = { 1, 10, 50, 200 };
	struct sim_behaviour b[2] = { { .latency_ms = 10, .rate_bytes_ms = 1000 },
				      { .latency_ms = 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof(slow_rates) / sizeof(slow_rates[0]); i++) {
		struct world w;

		b[1].rate_bytes_ms = slow_rates[i];
		begin(&w, 2, b);
		for (unsigned k = 0; k < 300; k++)
			add_item(&w, 20000 + k % 7 * 60000);
		/* No slower than the fast one's eight connections alone, but for asking the slow one. */
		uint64_t alone_ms = w.total / (8 * 1000), ms = run(&w);
		assert_in_range(ms, alone_ms / 2, alone_ms + alone_ms / 10 + 600);
		assert_in_range(sent(&w), w.total, w.total + w.total / 20);
		end(&w);
	}
}

/* A connection that has become slow is replaced by a new one. */
static void test_worn(void **state)
{
	const struct sim_behaviour b = { .latency_ms = 20,
					 .rate_bytes_ms = 500,
					 .wears_after = 10 };
	struct world w;

	(void)state;
	begin(&w, 1, &b);
	for (unsigned i = 0; i < 400; i++)
		add_item(&w, 100000);
	uint64_t worn_ms = w.total / (8 * 50), ms = run(&w);
	assert_in_range(ms, 1, worn_ms / 4);
	assert_true(sim_n_connections(w.servers[0]) > 16);
	assert_true(sim_max_connections(w.servers[0]) <= CB_FETCH_MAX_PER_MIRROR);
	end(&w);
}

/* Where all connections share a line, none is taken for worn. */
static void test_shared_line(void **state)
{
	const struct sim_behaviour b = { .latency_ms = 20 };
	struct world w;

	(void)state;
	begin(&w, 1, &b);
	sim_limit_line(w.sim, 2000);
	for (unsigned i = 0; i < 400; i++)
		add_item(&w, 100000);
	uint64_t ideal_ms = w.total / 2000, ms = run(&w);
	assert_in_range(ms, ideal_ms, ideal_ms + ideal_ms / 20 + 200);
	assert_true(sim_n_connections(w.servers[0]) <= CB_FETCH_MAX_PER_MIRROR);
	end(&w);
}

static enum sim_status step_to_the_tail(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;

	return w->n_delivered + 4 >= w->n_items ? SIM_DONE : step(ctx, wake_ms);
}

/* The line is cut for a while when only the last items are on the way: nothing is asked for meanwhile. */
static void test_cut_in_the_tail(void **state)
{
	const struct sim_behaviour b = { .latency_ms = 10, .rate_bytes_ms = 200 };
	struct world w;
	const struct cb_job_params params = {
		.ctx = &w, .n_items = 60, .describe = describe, .deliver = deliver
	};

	(void)state;
	begin(&w, 1, &b);
	for (unsigned i = 0; i < 60; i++)
		add_item(&w, 100000);
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &w.job), CB_OK);
	assert_true(sim_run_until(w.sim, step_to_the_tail, &w, sim_now(w.sim) + DEADLINE_MS));
	sim_cut_link(w.sim, true);
	assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 5000));
	assert_int_equal(sim_n_requests(w.servers[0]), 60);
	sim_cut_link(w.sim, false);
	assert_true(sim_run_until(w.sim, step, &w, sim_now(w.sim) + DEADLINE_MS));
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_DONE);
	assert_in_range(sim_n_requests(w.servers[0]), 60, 62);
	end(&w);
}

/* Three mirrors of the same speed are near to three times as fast as one. */
static void test_three_mirrors(void **state)
{
	const struct sim_behaviour b[3] = { { .latency_ms = 10, .rate_bytes_ms = 500 },
					    { .latency_ms = 10, .rate_bytes_ms = 500 },
					    { .latency_ms = 10, .rate_bytes_ms = 500 } };
	uint64_t ms[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world w;

		begin(&w, i == 0 ? 1 : 3, b);
		for (unsigned k = 0; k < 400; k++)
			add_item(&w, 100000);
		ms[i] = run(&w);
		end(&w);
	}
	/* Sixteen connections instead of eight are what the cap allows. */
	assert_true(ms[0] * 10 >= ms[1] * 18);
}

/* A preferred source is left alone with the work as long as it does not crawl. */
static void test_preferred_but_slow(void **state)
{
	static const struct {
		uint32_t rate_bytes_ms; /* of each of its connections; the other one's have 1,250 */
		uint32_t latency_ms;
		bool is_alone;
	} cases[] = { { 1, 1, false },	{ 5, 1, false },   { 10, 1, false },  { 100, 1, true },
		      { 400, 1, true }, { 1250, 1, true }, { 5000, 1, true }, { 400, 100, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t rate = cases[i].rate_bytes_ms;
		const struct sim_behaviour b[] = { { .latency_ms = cases[i].latency_ms,
						     .rate_bytes_ms = rate },
						   { .latency_ms = 20, .rate_bytes_ms = 1250 } };
		struct world w;
		uint64_t ms;

		begin(&w, 2, b);
		cb_fetch_prefer(w.fetch, 0, CB_PREFER_NEAR);
		/* which it stays */
		cb_fetch_prefer(w.fetch, 0, CB_PREFER_SIGNED);
		cb_fetch_prefer(w.fetch, 1, CB_PREFER_SIGNED);
		for (unsigned k = 0; k < 80; k++)
			add_item(&w, 100000);
		ms = run(&w);
		if (cases[i].is_alone) {
			assert_int_equal(sim_body_bytes(w.servers[1]), 0);
			assert_in_range(ms, 0, w.total / (8 * rate) * 3 / 2 + 500);
		} else {
			assert_in_range(ms, 0, w.total / (8 * 1250) * 2 + 2 * CB_SOURCE_CRAWL_MS);
		}
		end(&w);
	}
}

/* It stops in mid-work: what it owes and what waits for it goes elsewhere after its patience. */
static void test_preferred_but_stuck(void **state)
{
	static const enum sim_hang hangs[] = { SIM_HANG_ACCEPT, SIM_HANG_HEAD, SIM_HANG_BODY };

	(void)state;
	for (size_t i = 0; i < sizeof(hangs) / sizeof(hangs[0]); i++) {
		const struct sim_behaviour b[] = { { .latency_ms = 1,
						     .rate_bytes_ms = 1250,
						     .hang = hangs[i],
						     .hang_after = 20 },
						   { .latency_ms = 20, .rate_bytes_ms = 1250 } };
		struct world w;

		begin(&w, 2, b);
		cb_fetch_prefer(w.fetch, 0, CB_PREFER_NEAR);
		for (unsigned k = 0; k < 80; k++)
			add_item(&w, 100000);
		assert_in_range(run(&w), 0, w.total / (8 * 1250) * 2 + 2 * CB_SOURCE_CRAWL_MS);
		end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_ones_last),
		cmocka_unit_test(test_slow_beside_fast),
		cmocka_unit_test(test_worn),
		cmocka_unit_test(test_shared_line),
		cmocka_unit_test(test_three_mirrors),
		cmocka_unit_test(test_cut_in_the_tail),
		cmocka_unit_test(test_preferred_but_slow),
		cmocka_unit_test(test_preferred_but_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
