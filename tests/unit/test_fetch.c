/* SPDX-License-Identifier: MIT */
/* The fetch engine against servers that behave in every way servers do, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fetch.h"
#include "sim.h"

#define MAX_SERVERS 3
#define MAX_ITEMS 400
#define MAX_LEN 40000
#define DEADLINE_MS 400000
#define MAX_HELD 8192

/* A repository of n_items objects, some mirrors of it, and one job that wants all of them. */
struct world {
	struct sim *sim;
	struct sim_server *servers[MAX_SERVERS];
	unsigned n_servers;
	struct cb_fetch *fetch;
	struct cb_job *job;
	uint32_t n_items;
	uint8_t *bytes[MAX_ITEMS];
	uint32_t len[MAX_ITEMS];
	uint8_t digest[MAX_ITEMS][CB_DIGEST_LEN];
	unsigned n_delivered[MAX_ITEMS], n_missing[MAX_ITEMS];
	enum cb_err missing_err;
	enum cb_digest_kind kind;
	bool is_loose, is_mutable, is_pinned; /* pinned: item i to source i */
	enum cb_err deliver_err;
	/* Where the job takes: what is held, oldest first, each judged judge_ms after it came. */
	bool takes;
	struct cb_held held[MAX_HELD];
	uint64_t taken_ms[MAX_HELD];
	unsigned n_held, max_held;
	uint32_t judge_ms;
	enum cb_err take_err;
	bool has_ended;
	enum cb_err err;
	uint32_t err_item;
	uint64_t start_ms, end_ms;
};

static void path_of(uint32_t item, char *out, size_t len)
{
	snprintf(out, len, "o/%u/x", (unsigned)item);
}

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	struct world *w = ctx;

	path_of(item, ret->path, sizeof ret->path);
	ret->len = w->is_loose ? MAX_LEN : w->len[item];
	ret->is_exact = !w->is_loose;
	ret->is_mutable = w->is_mutable;
	ret->digest = w->takes ? CB_DIGEST_NONE : w->kind;
	memcpy(ret->expect, w->digest[item], CB_DIGEST_LEN);
	ret->source = w->is_pinned ? (int)item : CB_FETCH_ANY_SOURCE;
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct world *w = ctx;

	assert_true(source < w->n_servers);
	if (w->deliver_err != CB_OK)
		return w->deliver_err;
	assert_int_equal(bytes.len, w->len[item]);
	if (bytes.len > 0)
		assert_memory_equal(bytes.p, w->bytes[item], bytes.len);
	w->n_delivered[item]++;
	return CB_OK;
}

static enum cb_err take(void *ctx, const struct cb_held *held)
{
	struct world *w = ctx;

	assert_true(held->source < w->n_servers);
	if (w->take_err != CB_OK)
		return w->take_err;
	assert_true(w->n_held < MAX_HELD);
	w->taken_ms[w->n_held] = sim_now(w->sim);
	w->held[w->n_held++] = *held;
	w->max_held = w->n_held > w->max_held ? w->n_held : w->max_held;
	return CB_OK;
}

static enum cb_err judge(struct world *w, const struct cb_held *held)
{
	struct cb_bytes want = { w->bytes[held->item], w->len[held->item] };

	if (w->deliver_err != CB_OK)
		return w->deliver_err;
	if (!cb_bytes_equal((struct cb_bytes){ held->bytes, held->len }, want))
		return CB_CHUNK_HASH;
	w->n_delivered[held->item]++;
	return CB_OK;
}

/* Gives the oldest held bytes back, with a verdict where the job still runs. */
static void settle_first(struct world *w, bool has_verdict)
{
	struct cb_held held = w->held[0];
	enum cb_err verdict = has_verdict ? judge(w, &held) : CB_OK;

	w->n_held--;
	memmove(w->held, w->held + 1, w->n_held * sizeof w->held[0]);
	memmove(w->taken_ms, w->taken_ms + 1, w->n_held * sizeof w->taken_ms[0]);
	cb_free(&sim_platform(w->sim)->mem, held.bytes);
	if (has_verdict)
		cb_job_settle(w->job, &held, verdict);
}

static void settle_due(struct world *w)
{
	while (w->n_held > 0 && w->taken_ms[0] + w->judge_ms <= sim_now(w->sim))
		settle_first(w, /*has_verdict=*/true);
}

static enum cb_err missing(void *ctx, uint32_t item, enum cb_err err)
{
	struct world *w = ctx;

	w->n_missing[item]++;
	w->missing_err = err;
	return CB_OK;
}

static void make_item(struct world *w, uint32_t item, uint32_t len)
{
	struct cb_bytes all;
	char path[64] = "/r/";

	free(w->bytes[item]);
	w->bytes[item] = malloc(len + 1);
	w->len[item] = len;
	for (uint32_t i = 0; i < len; i++)
		w->bytes[item][i] = (uint8_t)sim_random(w->sim);
	all = (struct cb_bytes){ w->bytes[item], len };
	if (w->kind == CB_DIGEST_SHA256)
		cb_sha256(all, w->digest[item]);
	else
		cb_blake2b_256(all, w->digest[item]);
	path_of(item, path + 3, sizeof path - 3);
	for (unsigned i = 0; i < w->n_servers; i++)
		sim_file(w->servers[i], path, w->bytes[item], len);
}

static void world_init(struct world *w, uint64_t seed, unsigned n_servers, uint32_t n_items)
{
	static const char *const hosts[MAX_SERVERS] = { "mirror-a", "mirror-b", "mirror-c" };
	static const uint32_t lens[] = { 0, 1, 4096, 17000, 333, 40000, 9999 };

	memset(w, 0, sizeof *w);
	w->sim = sim_new(seed);
	w->kind = CB_DIGEST_BLAKE2B_256;
	w->n_servers = n_servers;
	w->n_items = n_items;
	for (unsigned i = 0; i < n_servers; i++)
		w->servers[i] = sim_add_server(w->sim, hosts[i], 80);
	for (uint32_t i = 0; i < n_items; i++)
		make_item(w, i, lens[i % (sizeof lens / sizeof lens[0])]);
}

static enum cb_err start_engine(struct world *w)
{
	enum cb_err err = cb_fetch_new(sim_platform(w->sim), &w->fetch);

	for (unsigned i = 0; err == CB_OK && i < w->n_servers; i++) {
		char url[64];
		unsigned index;
		snprintf(url, sizeof url, "http://mirror-%c/r/", 'a' + (int)i);
		err = cb_fetch_add_mirror(w->fetch, cb_bytes_of(url), &index);
		if (err == CB_OK)
			assert_int_equal(index, i);
	}
	return err;
}

static enum cb_err start_job(struct world *w, bool has_missing)
{
	w->start_ms = sim_now(w->sim);
	return cb_fetch_submit(w->fetch,
			       &(struct cb_job_params){
				       .ctx = w,
				       .n_items = w->n_items,
				       .describe = describe,
				       .deliver = w->takes ? NULL : deliver,
				       .take = w->takes ? take : NULL,
				       .missing = has_missing ? missing : NULL,
				       .absent_err = CB_CHUNK_MISSING,
				       .wrong_err = CB_CHUNK_HASH,
			       },
			       &w->job);
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;

	settle_due(w);
	bool has_acted = cb_fetch_step(w->fetch, wake_ms);
	if (w->n_held > 0 && w->taken_ms[0] + w->judge_ms < *wake_ms)
		*wake_ms = w->taken_ms[0] + w->judge_ms;
	if (cb_job_status(w->job, NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return has_acted ? SIM_AGAIN : SIM_IDLE;
}

/* Runs the job to its end, which must come. */
static enum cb_err run(struct world *w)
{
	w->err = CB_OK;
	w->has_ended = sim_run_until(w->sim, step, w, sim_now(w->sim) + DEADLINE_MS);
	cb_job_status(w->job, &w->err, &w->err_item);
	w->end_ms = sim_now(w->sim);
	return w->err;
}

static void world_done(struct world *w)
{
	cb_job_free(w->job);
	while (w->n_held > 0)
		settle_first(w, /*has_verdict=*/false);
	cb_fetch_free(w->fetch);
	assert_int_equal(sim_live_allocations(w->sim), 0);
	assert_int_equal(sim_open_streams(w->sim), 0);
	for (uint32_t i = 0; i < w->n_items; i++)
		free(w->bytes[i]);
	sim_free(w->sim);
}

static void assert_all_delivered(const struct world *w)
{
	for (uint32_t i = 0; i < w->n_items; i++)
		assert_int_equal(w->n_delivered[i], 1);
}

static uint64_t took_ms(const struct world *w)
{
	return w->end_ms - w->start_ms;
}

static void test_plain(void **state)
{
	static const size_t splits[] = { 0, 1, 7, 1460, 65536 };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
		world_init(&w, i, 1, 60);
		sim_split_reads(w.sim, splits[i]);
		assert_int_equal(start_engine(&w), CB_OK);
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_OK);
		assert_true(w.has_ended);
		assert_all_delivered(&w);
		world_done(&w);
	}
}

/* What one mirror does wrong, alone and next to good ones. */
struct behaviour_case {
	const char *name;
	struct sim_behaviour behaviour;
	enum cb_err alone; /* how the job ends with this mirror only */
	uint32_t alone_ms; /* within this time */
	uint32_t good_ms; /* and with a good mirror beside it */
};

static const struct behaviour_case behaviour_cases[] = {
	{ "good", { .latency_ms = 0 }, CB_OK, 100, 100 },
	{ "far away", { .latency_ms = 50 }, CB_OK, 3000, 3000 },
	{ "slow line", { .latency_ms = 5, .rate_bytes_ms = 100 }, CB_OK, 15000, 15000 },
	{ "refuses", { .refuses = true }, CB_NET_CONNECT, 5000, 1000 },
	{ "has no name", { .has_no_name = true }, CB_NET_DNS, 5000, 1000 },
	{ "refuses at first", { .refuse_first = 3 }, CB_OK, 5000, 5000 },
	{ "takes two connections", { .max_connections = 2 }, CB_OK, 100, 100 },
	{ "takes one connection", { .max_connections = 1 }, CB_OK, 100, 100 },
	{ "hangs on connect", { .hang = SIM_HANG_CONNECT }, CB_NET_CONNECT, 60000, 15000 },
	{ "hangs after accept", { .hang = SIM_HANG_ACCEPT }, CB_NET_TIMEOUT, 121000, 15000 },
	{ "hangs in the head", { .hang = SIM_HANG_HEAD }, CB_NET_TIMEOUT, 121000, 15000 },
	{ "hangs in the body", { .hang = SIM_HANG_BODY }, CB_NET_TIMEOUT, 60000, 15000 },
	{ "closes at once", { .closes_at_once = true }, CB_NET_CLOSED, 75000, 5000 },
	{ "closes after one", { .close_after = 1 }, CB_OK, 1000, 1000 },
	{ "closes after three", { .close_after = 3 }, CB_OK, 1000, 1000 },
	{ "says so and closes", { .close_after = 3, .says_close = true }, CB_OK, 1000, 1000 },
	{ "drops pipelined requests", { .ignores_pipelined = true }, CB_OK, 15000, 15000 },
	{ "is HTTP/1.0", { .is_http10 = true }, CB_OK, 1000, 1000 },
	{ "sends chunks", { .is_chunked = true }, CB_OK, 100, 100 },
	{ "ends bodies by closing", { .is_until_close = true }, CB_OK, 1000, 1000 },
	{ "resets the first", { .reset_first = 9 }, CB_OK, 40000, 5000 },
	{ "resets all", { .resets_always = true }, CB_NET_CLOSED, 75000, 15000 },
	{ "truncates", { .truncates = true }, CB_NET_CLOSED, 60000, 15000 },
	{ "drips", { .drip_ms = 1000 }, CB_NET_TIMEOUT, 200000, 60000 },
	{ "is forbidden", { .status = 403 }, CB_CHUNK_MISSING, 100, 1000 },
	{ "has nothing", { .status = 404 }, CB_CHUNK_MISSING, 100, 1000 },
	{ "is gone", { .status = 410 }, CB_CHUNK_MISSING, 100, 1000 },
	{ "wants a password", { .status = 401 }, CB_HTTP_STATUS, 5000, 1000 },
	{ "finds the request bad", { .status = 400 }, CB_HTTP_STATUS, 5000, 1000 },
	{ "breaks", { .status = 500 }, CB_HTTP_STATUS, 30000, 5000 },
	{ "breaks at first", { .status = 500, .status_first = 2 }, CB_OK, 5000, 5000 },
	{ "is busy", { .status = 503 }, CB_HTTP_STATUS, 130000, 15000 },
	{ "is busy for long",
	  { .status = 503, .retry_after_s = 3600 },
	  CB_HTTP_STATUS,
	  160000,
	  15000 },
	{ "is busy at first",
	  { .status = 429, .status_first = 5, .retry_after_s = 2 },
	  CB_OK,
	  15000,
	  15000 },
	{ "not modified", { .status = 304 }, CB_HTTP_STATUS, 5000, 1000 },
	{ "part only", { .status = 206 }, CB_HTTP_STATUS, 5000, 1000 },
	{ "is a portal", { .is_portal = true }, CB_CHUNK_HASH, 30000, 1000 },
	{ "leads to a portal", { .is_portal_redirect = true }, CB_HTTP_REDIRECT, 30000, 5000 },
	{ "says too much", { .length_delta = 1 }, CB_CHUNK_HASH, 30000, 1000 },
	{ "says too little", { .length_delta = -1 }, CB_CHUNK_HASH, 30000, 1000 },
	{ "flips bits", { .flips_all = true }, CB_CHUNK_HASH, 30000, 5000 },
	{ "flips a few", { .flips_first = 4 }, CB_OK, 15000, 15000 },
	{ "flips one", { .flips_first = 1 }, CB_OK, 1000, 1000 },
	{ "flips what is cached", { .flips_cached = true }, CB_OK, 60000, 15000 },
	{ "redirects to itself", { .redirect_status = 302 }, CB_HTTP_REDIRECT, 30000, 5000 },
	{ "talks nonsense", { .is_garbage = true }, CB_HTTP_FORMAT, 30000, 5000 },
	{ "never ends", { .is_endless = true }, CB_CHUNK_HASH, 30000, 15000 },
};

static unsigned n_bad_outcomes;

/* Says which case went wrong and goes on: the end of the table is worth seeing too. */
static void check_outcome(const char *name, const struct world *w, enum cb_err want,
			  uint64_t max_ms)
{
	if (w->has_ended && w->err == want && took_ms(w) <= max_ms)
		return;
	n_bad_outcomes++;
	print_error("%s (%u mirrors): %s after %llu ms, item %u\n", name, w->n_servers,
		    w->has_ended ? cb_err_info(w->err)->name : "no end",
		    (unsigned long long)took_ms(w), (unsigned)w->err_item);
}

static void run_case(const struct behaviour_case *c, unsigned n_servers, unsigned bad, size_t split,
		     bool takes)
{
	struct world w;

	/* No empty items: nobody can get those wrong. */
	world_init(&w, bad + 1, n_servers, 0);
	w.takes = takes;
	w.judge_ms = 3;
	for (w.n_items = 0; w.n_items < 60; w.n_items++)
		make_item(&w, w.n_items, 64 + w.n_items * 211);
	sim_split_reads(w.sim, split);
	for (unsigned i = 0; i < n_servers; i++)
		if (n_servers == 1 || i != bad)
			*sim_behaviour(w.servers[i]) = c->behaviour;
	assert_int_equal(start_engine(&w), CB_OK);
	assert_int_equal(start_job(&w, false), CB_OK);
	(void)run(&w);
	check_outcome(c->name, &w, n_servers == 1 ? c->alone : CB_OK,
		      (n_servers == 1 ? c->alone_ms : c->good_ms) + (takes ? 30 : 0));
	if (w.has_ended && w.err == CB_OK)
		assert_all_delivered(&w);
	world_done(&w);
}

static void test_one_mirror(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof behaviour_cases / sizeof behaviour_cases[0]; i++)
		for (size_t split = 0; split < 2; split++)
			for (unsigned takes = 0; takes < 2; takes++)
				run_case(&behaviour_cases[i], 1, 0, split * 100, takes);
	assert_int_equal(n_bad_outcomes, 0);
}

/* Whatever two mirrors do, and wherever the good one stands in the list. */
static void test_one_good_of_three(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof behaviour_cases / sizeof behaviour_cases[0]; i++)
		for (unsigned good = 0; good < 3; good++)
			for (unsigned takes = 0; takes < 2; takes++)
				run_case(&behaviour_cases[i], 3, good, 0, takes);
	assert_int_equal(n_bad_outcomes, 0);
}

/* ---- Single rules ---- */

static void begin(struct world *w, unsigned n_servers, uint32_t n_items)
{
	world_init(w, 7, n_servers, n_items);
	assert_int_equal(start_engine(w), CB_OK);
}

static void test_no_items_no_mirrors(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 0);
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_DONE);
	world_done(&w);

	begin(&w, 0, 3);
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_NET_NO_MIRROR);
	assert_int_equal(w.err_item, 0);
	world_done(&w);
}

static void test_add_mirror(void **state)
{
	struct world w;
	unsigned index = 99;
	char url[64];

	(void)state;
	begin(&w, 1, 0);
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
	begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->latency_ms = 10;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
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
	begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->close_after = 5;
	sim_behaviour(w.servers[0])->latency_ms = 5;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	/* Noticed after the first connections: hardly a request goes unanswered from then on. */
	assert_true(sim_n_requests(w.servers[0]) <= 320);
	assert_true(sim_n_connections(w.servers[0]) < 60);
	world_done(&w);
}

static void test_is_mutable(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 2);
	w.is_mutable = true;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_non_null(strstr(sim_last_request(w.servers[0]), "\r\nCache-Control: no-cache\r\n"));
	world_done(&w);
}

/* Sizes come from the job: more is refused, less is fine only where the size is a limit. */
static void test_loose_length(void **state)
{
	struct world w;

	(void)state;
	for (unsigned framing = 0; framing < 3; framing++) {
		begin(&w, 1, 7);
		w.is_loose = true;
		w.kind = CB_DIGEST_NONE;
		sim_behaviour(w.servers[0])->is_chunked = framing == 1;
		sim_behaviour(w.servers[0])->is_until_close = framing == 2;
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_OK);
		assert_all_delivered(&w);
		cb_job_free(w.job);
		uint8_t *big = calloc(1, MAX_LEN + 1);
		sim_file(w.servers[0], "/r/o/3/x", big, MAX_LEN + 1);
		free(big);
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_HTTP_TOO_LARGE);
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
		make_item(&w, w.n_items, w.n_items * 700);
	assert_int_equal(start_engine(&w), CB_OK);
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	cb_job_free(w.job);
	assert_true(sim_flip(w.servers[0], "/r/o/12/x", 5, 5));
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_CHUNK_HASH);
	assert_int_equal(w.err_item, 12);
	world_done(&w);
}

/* One flipped bit: the object comes from elsewhere, or the job says which one is damaged. */
static void test_flipped(void **state)
{
	struct world w;
	struct cb_source_stats stats;

	(void)state;
	begin(&w, 2, 50);
	assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	cb_fetch_source_stats(w.fetch, 0, &stats);
	assert_true(stats.wrong_objects <= 1);
	assert_false(stats.is_banned);
	world_done(&w);

	begin(&w, 1, 50);
	assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_CHUNK_HASH);
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
	begin(&w, 1, 1);
	make_item(&w, 0, 1000);
	sim_behaviour(w.servers[0])->flips_cached = true;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
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
	begin(&w, 2, 300);
	sim_behaviour(w.servers[0])->flips_all = true;
	sim_behaviour(w.servers[1])->rate_bytes_ms = 100;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
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
	begin(&w, 1, 5);
	w.deliver_err = CB_CHUNK_DECODE;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_CHUNK_HASH);
	cb_job_free(w.job);
	w.deliver_err = CB_NO_MEMORY;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_NO_MEMORY);
	world_done(&w);
}

static void test_missing(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 2, 40);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(sim_remove_file(w.servers[i], "/r/o/0/x"));
		assert_true(sim_remove_file(w.servers[i], "/r/o/39/x"));
	}
	assert_true(sim_remove_file(w.servers[0], "/r/o/20/x"));
	assert_int_equal(start_job(&w, true), CB_OK);
	assert_int_equal(run(&w), CB_OK);
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
	begin(&w, 3, 1);
	sim_behaviour(w.servers[0])->refuses = true;
	sim_behaviour(w.servers[1])->status = 404;
	sim_behaviour(w.servers[2])->hang = SIM_HANG_CONNECT;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_CHUNK_MISSING);
	assert_true(took_ms(&w) < 8000);
	world_done(&w);
}

static void test_pinned(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 3, 3);
	w.is_pinned = true;
	sim_behaviour(w.servers[1])->refuses = true;
	assert_int_equal(start_job(&w, true), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(w.n_delivered[i], i != 1);
		assert_int_equal(w.n_missing[i], i == 1);
		assert_int_equal(sim_n_requests(w.servers[i]), i != 1);
	}
	assert_int_equal(w.missing_err, CB_NET_CONNECT);
	world_done(&w);
}

static size_t raw_redirect(void *ctx, const char *request, uint8_t *out, size_t max)
{
	(void)request;
	return (size_t)snprintf((char *)out, max,
				"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
				(const char *)ctx);
}

static void test_redirects(void **state)
{
	static const struct {
		const char *to;
		unsigned status;
		enum cb_err want;
	} cases[] = {
		{ "http://mirror-b", 301, CB_OK },
		{ "http://mirror-b", 302, CB_OK },
		{ "http://mirror-b", 303, CB_OK },
		{ "http://mirror-b", 307, CB_OK },
		{ "http://mirror-b", 308, CB_OK },
		{ "http://mirror-b", 300, CB_HTTP_STATUS },
		{ "http://mirror-x", 302, CB_NET_DNS },
		{ "ftp://mirror-b", 302, CB_HTTP_REDIRECT },
		{ "//mirror-b", 302, CB_HTTP_REDIRECT },
		{ "mirror-b", 302, CB_HTTP_REDIRECT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world w;
		world_init(&w, i, 2, 60);
		w.n_servers = 1;
		sim_behaviour(w.servers[0])->redirect_status = cases[i].status;
		sim_behaviour(w.servers[0])->redirect_to = cases[i].to;
		assert_int_equal(start_engine(&w), CB_OK);
		assert_int_equal(start_job(&w, false), CB_OK);
		(void)run(&w);
		check_outcome(cases[i].to, &w, cases[i].want, 30000);
		assert_int_equal(n_bad_outcomes, 0);
		/* Once is enough to learn where the repository is. */
		if (w.err == CB_OK)
			assert_true(sim_n_requests(w.servers[0]) <= 16);
		world_done(&w);
	}
}

/* To another name: one connection for each object, as with signed addresses of object stores. */
static void test_detour(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 5, 2, 1);
	make_item(&w, 0, 3000);
	w.n_servers = 1;
	sim_file(w.servers[1], "/blob", w.bytes[0], w.len[0]);
	sim_set_handler(w.servers[0], raw_redirect, "http://mirror-b/blob?sig=1");
	assert_int_equal(start_engine(&w), CB_OK);
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_int_equal(w.n_delivered[0], 1);
	assert_int_equal(sim_n_requests_for(w.servers[1], "/blob"), 1);
	world_done(&w);
}

static void test_link_cut(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->latency_ms = 5;
	sim_behaviour(w.servers[0])->rate_bytes_ms = 150;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 1000));
	unsigned n_before = sim_n_requests(w.servers[0]);
	assert_true(n_before > 20 && n_before < 280);
	sim_cut_link(w.sim, true);
	assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 30000));
	sim_cut_link(w.sim, false);
	assert_int_equal(run(&w), CB_OK);
	assert_true(w.has_ended);
	assert_all_delivered(&w);
	world_done(&w);
}

/* A link that never comes back: an error in time. */
static void test_link_lost(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 2, 300);
	for (unsigned i = 0; i < 2; i++)
		sim_behaviour(w.servers[i])->rate_bytes_ms = 100;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 1000));
	sim_cut_link(w.sim, true);
	(void)run(&w);
	assert_true(w.has_ended);
	assert_true(w.err == CB_NET_TIMEOUT || w.err == CB_NET_CONNECT);
	assert_true(took_ms(&w) <= CB_FETCH_STALL_MS + 2000);
	world_done(&w);
}

/* The last objects are stuck on a mirror that went silent: another one is asked soon. */
static void test_late_is_repeated(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 2, 8);
	sim_behaviour(w.servers[0])->hang = SIM_HANG_ACCEPT;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	assert_true(took_ms(&w) < 2000);
	world_done(&w);
}

static enum sim_status step_until_busy(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;
	enum sim_status status = step(ctx, wake_ms);
	struct cb_fetch_stats stats;

	cb_fetch_stats(w->fetch, &stats);
	return stats.body_bytes > 30000 ? SIM_DONE : status;
}

static void test_cancel(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 2, 100);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 50;
	sim_behaviour(w.servers[1])->rate_bytes_ms = 50;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_true(sim_run_until(w.sim, step_until_busy, &w, sim_now(w.sim) + 60000));
	cb_job_free(w.job);
	memset(w.n_delivered, 0, sizeof w.n_delivered);
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	cb_job_free(w.job);
	/* And once more in the middle, with the whole engine. */
	assert_int_equal(start_job(&w, false), CB_OK);
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
	begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	const struct cb_job_params params = {
		.ctx = &w,
		.n_items = 300,
		.describe = describe,
		.deliver = deliver,
		.absent_err = CB_NET_ABSENT,
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
	assert_int_equal(run(&w), CB_OK);
	world_done(&w);
}

/* ---- Items that are taken and judged later ---- */

static void begin_taking(struct world *w, unsigned n_servers, uint32_t n_items, uint32_t judge_ms)
{
	world_init(w, 7, n_servers, n_items);
	w->takes = true;
	w->judge_ms = judge_ms;
	assert_int_equal(start_engine(w), CB_OK);
	assert_int_equal(start_job(w, false), CB_OK);
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
		assert_int_equal(run(&w), CB_OK);
		assert_all_delivered(&w);
		for (unsigned k = 0; k < 2; k++) {
			cb_fetch_source_stats(w.fetch, k, &stats);
			assert_true(stats.wrong_objects <= 1);
			assert_false(stats.is_banned);
		}
		world_done(&w);

		begin_taking(&w, 1, 50, delays[i]);
		assert_true(sim_flip(w.servers[0], "/r/o/10/x", 99, 1));
		assert_int_equal(run(&w), CB_CHUNK_HASH);
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
	make_item(&w, 0, 20000);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	sim_behaviour(w.servers[0])->flips_first = 1;
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
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
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	cb_fetch_source_stats(w.fetch, 0, &stats);
	assert_true(stats.is_banned);
	assert_int_equal(stats.n_connections, 0);
	world_done(&w);
}

static enum sim_status step_until_full(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;
	enum sim_status status = step(ctx, wake_ms);

	return cb_fetch_is_full(w->fetch) ? SIM_DONE : status;
}

/* Takes without a verdict until the engine is full. */
static void begin_full(struct world *w)
{
	world_init(w, 1, 1, 0);
	for (w->n_items = 0; w->n_items < MAX_ITEMS; w->n_items++)
		make_item(w, w->n_items, MAX_LEN);
	w->takes = true;
	w->judge_ms = 1000000;
	assert_int_equal(start_engine(w), CB_OK);
	assert_int_equal(start_job(w, false), CB_OK);
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
	const unsigned n_most = CB_FETCH_HELD_MAX / (MAX_LEN + CB_FETCH_HELD_EXTRA) + 1;
	/* The step that fills it up may bring one more. */
	assert_in_range(w.n_held, n_most, n_most + 1);
	cb_fetch_stats(w.fetch, &before);
	assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 300000));
	cb_fetch_stats(w.fetch, &after);
	assert_int_equal(after.body_bytes, before.body_bytes);
	assert_int_equal(after.n_retries, 0);
	/* Half of it judged: it goes on, not before. */
	while (w.n_held > CB_FETCH_HELD_LOW / (MAX_LEN + CB_FETCH_HELD_EXTRA) + 1)
		settle_first(&w, /*has_verdict=*/true);
	assert_true(cb_fetch_is_full(w.fetch));
	settle_first(&w, /*has_verdict=*/true);
	assert_false(cb_fetch_is_full(w.fetch));
	w.judge_ms = 5;
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	cb_fetch_stats(w.fetch, &after);
	assert_int_equal(after.n_retries, 0);
	assert_int_equal(sim_n_requests(w.servers[0]), MAX_ITEMS);
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
		settle_first(&w, /*has_verdict=*/false);
	w.judge_ms = 2;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
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
		assert_int_equal(run(&w), CB_OK);
		assert_all_delivered(&w);
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
	assert_int_equal(run(&w), CB_NO_MEMORY);
	assert_int_equal(w.n_held, 0);
	world_done(&w);

	begin_taking(&w, 1, 30, 100);
	w.deliver_err = CB_NO_MEMORY;
	assert_int_equal(run(&w), CB_NO_MEMORY);
	/* Verdicts that come after the end change nothing. */
	w.deliver_err = CB_OK;
	while (w.n_held > 0)
		settle_first(&w, /*has_verdict=*/true);
	assert_int_equal(cb_job_status(w.job, NULL, NULL), CB_JOB_FAILED);
	world_done(&w);
}

static void test_takes_or_delivers(void **state)
{
	struct world w;
	struct cb_job *job;
	struct cb_job_params params = { .describe = describe };

	(void)state;
	begin(&w, 1, 0);
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_INTERNAL);
	params.deliver = deliver;
	params.take = take;
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &job), CB_INTERNAL);
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
			enum cb_err err = start_engine(&w);
			if (err == CB_OK)
				err = start_job(&w, false);
			if (err == CB_OK) {
				(void)run(&w);
				assert_true(w.has_ended);
				if (w.err == CB_OK)
					assert_all_delivered(&w);
			} else {
				assert_int_equal(err, CB_NO_MEMORY);
			}
			world_done(&w);
		}
	}
}

/* More connections are opened while that makes it faster, and no more than that. */
static void test_growth(void **state)
{
	struct world w;

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		begin(&w, n, 400);
		for (unsigned i = 0; i < n; i++)
			sim_behaviour(w.servers[i])->rate_bytes_ms = 50;
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_OK);
		unsigned most = 0;
		for (unsigned i = 0; i < n; i++) {
			assert_true(sim_max_connections(w.servers[i]) <= CB_FETCH_MAX_PER_MIRROR);
			most += sim_max_connections(w.servers[i]);
		}
		assert_true(most >= (n == 1 ? 8 : 12) && most <= CB_FETCH_MAX_CONNECTIONS);
		world_done(&w);
	}
	/* A few objects need no eight connections. */
	begin(&w, 1, 1);
	sim_behaviour(w.servers[0])->latency_ms = 20;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
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
		for (w.n_items = 0; w.n_items < MAX_ITEMS; w.n_items++)
			make_item(&w, w.n_items, MAX_LEN);
		sim_limit_line(w.sim, cases[i].rate_bytes_ms);
		for (unsigned k = 0; k < w.n_servers; k++)
			sim_behaviour(w.servers[k])->latency_ms = cases[i].latency_ms;
		assert_int_equal(start_engine(&w), CB_OK);
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_OK);
		uint64_t line_ms = (uint64_t)MAX_ITEMS * MAX_LEN / cases[i].rate_bytes_ms;
		/* Connecting and the first answer take two round trips. */
		uint64_t ms = took_ms(&w) - 4 * cases[i].latency_ms;
		assert_true(ms * 94 <= line_ms * 100);
		world_done(&w);
	}
}

/* Time in which the machine was busy elsewhere counts for no timeout. */
static void test_overslept(void **state)
{
	struct world w;
	struct cb_fetch_stats stats;

	(void)state;
	begin(&w, 1, 300);
	sim_behaviour(w.servers[0])->rate_bytes_ms = 100;
	sim_behaviour(w.servers[0])->latency_ms = 20;
	assert_int_equal(start_job(&w, false), CB_OK);
	for (unsigned i = 0; i < 10; i++) {
		assert_false(sim_run_until(w.sim, step, &w, sim_now(w.sim) + 30));
		sim_cut_link(w.sim, true);
		sim_advance_to(w.sim, sim_now(w.sim) + 200000);
		sim_cut_link(w.sim, false);
	}
	assert_int_equal(run(&w), CB_OK);
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
	begin(&w, 1, 9);
	assert_true(sim_remove_file(w.servers[0], "/r/o/8/x"));
	const struct cb_job_params params = {
		.ctx = &w,
		.n_items = 9,
		.describe = describe,
		.deliver = deliver,
		.missing = missing_fails,
		.absent_err = CB_CHUNK_MISSING,
		.wrong_err = CB_CHUNK_HASH,
	};
	assert_int_equal(cb_fetch_submit(w.fetch, &params, &w.job), CB_OK);
	assert_int_equal(run(&w), CB_META_MISSING);
	assert_int_equal(w.err_item, 8);
	world_done(&w);
}

/* Too short is wrong even where nobody said how long it would be. */
static void test_short(void **state)
{
	struct world w;

	(void)state;
	for (unsigned framing = 0; framing < 2; framing++) {
		begin(&w, 1, 4);
		w.kind = CB_DIGEST_NONE;
		sim_behaviour(w.servers[0])->is_chunked = framing == 0;
		sim_behaviour(w.servers[0])->is_until_close = framing == 1;
		w.len[2]++;
		assert_int_equal(start_job(&w, false), CB_OK);
		assert_int_equal(run(&w), CB_CHUNK_HASH);
		assert_int_equal(w.err_item, 2);
		world_done(&w);
	}
}

static void test_retry_after(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 40);
	struct sim_behaviour *b = sim_behaviour(w.servers[0]);
	b->status = 503;
	b->status_first = 1;
	b->retry_after_s = 7;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	assert_true(took_ms(&w) >= 7000 && took_ms(&w) < 8000);
	assert_int_equal(sim_n_requests(w.servers[0]), 41);
	world_done(&w);
}

/* A server that drops pipelined requests is found out once; from then on it gets one at a time. */
static void test_unpipelined(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 200);
	sim_behaviour(w.servers[0])->ignores_pipelined = true;
	sim_behaviour(w.servers[0])->latency_ms = 5;
	assert_int_equal(start_job(&w, false), CB_OK);
	assert_int_equal(run(&w), CB_OK);
	assert_all_delivered(&w);
	assert_true(sim_n_connections(w.servers[0]) <= 12);
	assert_true(took_ms(&w) < 5000);
	world_done(&w);
}

static void test_many_items(void **state)
{
	struct world w;
	struct cb_job *job;

	(void)state;
	begin(&w, 1, 0);
	struct cb_job_params params = {
		.ctx = &w,
		.n_items = CB_FETCH_MAX_ITEMS + 1,
		.describe = describe,
		.deliver = deliver,
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
		cmocka_unit_test(test_one_mirror),
		cmocka_unit_test(test_one_good_of_three),
		cmocka_unit_test(test_no_items_no_mirrors),
		cmocka_unit_test(test_add_mirror),
		cmocka_unit_test(test_request_count),
		cmocka_unit_test(test_no_more_requests_than_answered),
		cmocka_unit_test(test_is_mutable),
		cmocka_unit_test(test_loose_length),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_retry_is_fresh),
		cmocka_unit_test(test_ban),
		cmocka_unit_test(test_deliver_refuses),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_absent_and_down),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_detour),
		cmocka_unit_test(test_link_cut),
		cmocka_unit_test(test_link_lost),
		cmocka_unit_test(test_late_is_repeated),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_priority),
		cmocka_unit_test(test_allocation_fails),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_unpipelined),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_overslept),
		cmocka_unit_test(test_missing_fails),
		cmocka_unit_test(test_many_items),
		cmocka_unit_test(test_held_flipped),
		cmocka_unit_test(test_held_distrust),
		cmocka_unit_test(test_held_ban),
		cmocka_unit_test(test_held_full),
		cmocka_unit_test(test_held_cancel),
		cmocka_unit_test(test_held_repeated),
		cmocka_unit_test(test_held_no_memory),
		cmocka_unit_test(test_takes_or_delivers),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
