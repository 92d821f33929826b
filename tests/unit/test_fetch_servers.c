/* SPDX-License-Identifier: MIT */
/* The fetch engine against web servers that behave in every way servers do, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/http.h"
#include "core/mirror.h"
#include "fetch_world.h"

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
	if (w->has_ended && w->err == want && world_took_ms(w) <= max_ms)
		return;
	n_bad_outcomes++;
	print_error("%s (%u mirrors): %s after %llu ms, item %u\n", name, w->n_servers,
		    w->has_ended ? cb_err_info(w->err)->name : "no end",
		    (unsigned long long)world_took_ms(w), (unsigned)w->err_item);
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
		world_make_item(&w, w.n_items, 64 + w.n_items * 211);
	sim_split_reads(w.sim, split);
	for (unsigned i = 0; i < n_servers; i++)
		if (n_servers == 1 || i != bad)
			*sim_behaviour(w.servers[i]) = c->behaviour;
	assert_int_equal(world_start_engine(&w), CB_OK);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	(void)world_run(&w);
	check_outcome(c->name, &w, n_servers == 1 ? c->alone : CB_OK,
		      (n_servers == 1 ? c->alone_ms : c->good_ms) + (takes ? 30 : 0));
	if (w.has_ended && w.err == CB_OK)
		world_assert_all_delivered(&w);
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

/* ---- Answers byte for byte ---- */

enum body { BODY_NONE, BODY_WHOLE, BODY_GZIP, BODY_FIRST_HALF };

/* An answer to every request: `head`, Content-Length of the body where has_length, the body. */
struct raw_case {
	const char *name, *head;
	unsigned n_before; /* 100 Continue so many times in front of it */
	enum body body;
	bool has_length;
	enum cb_err alone;
	uint32_t alone_ms;
};

static const struct raw_case raw_cases[] = {
	{ "continues", "HTTP/1.1 200 OK\r\n", 2, BODY_WHOLE, true, CB_OK, 200 },
	{ "hints early", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n", 0,
	  BODY_WHOLE, true, CB_OK, 200 },
	{ "continues for ever", "HTTP/1.1 200 OK\r\n", CB_HTTP_MAX_INTERIM + 1, BODY_WHOLE, true,
	  CB_HTTP_FORMAT, 30000 },
	{ "switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n", 0,
	  BODY_NONE, false, CB_HTTP_FORMAT, 30000 },
	{ "compresses unasked", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", 0, BODY_GZIP, true,
	  CB_CHUNK_HASH, 30000 },
	{ "says that it compresses", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n", 0, BODY_WHOLE,
	  true, CB_OK, 200 },
	{ "sends a part", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-31/64\r\n", 0,
	  BODY_FIRST_HALF, true, CB_HTTP_STATUS, 30000 },
	{ "calls it a part", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-63/64\r\n", 0,
	  BODY_WHOLE, true, CB_HTTP_STATUS, 30000 },
	{ "sends half as all", "HTTP/1.1 200 OK\r\n", 0, BODY_FIRST_HALF, true, CB_CHUNK_HASH,
	  30000 },
	{ "has no news", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 64\r\n", 0,
	  BODY_NONE, false, CB_HTTP_STATUS, 30000 },
	{ "has no content", "HTTP/1.1 204 No Content\r\n", 0, BODY_NONE, false, CB_HTTP_STATUS,
	  30000 },
	{ "is old and stays", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", 0, BODY_WHOLE, true,
	  CB_OK, 200 },
	{ "is older still", "Hello\r\n", 0, BODY_WHOLE, false, CB_HTTP_FORMAT, 30000 },
	{ "is too new", "HTTP/2 200\r\n", 0, BODY_WHOLE, true, CB_HTTP_FORMAT, 30000 },
	{ "has two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n", 0, BODY_WHOLE, true,
	  CB_HTTP_FORMAT, 30000 },
	{ "has length and chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", 0,
	  BODY_WHOLE, true, CB_HTTP_FORMAT, 30000 },
	{ "has a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", 0, BODY_WHOLE,
	  false, CB_HTTP_FORMAT, 30000 },
	{ "has a huge length", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n", 0,
	  BODY_WHOLE, false, CB_CHUNK_HASH, 30000 },
	{ "asks for less", "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n", 0, BODY_NONE,
	  true, CB_HTTP_STATUS, 160000 },
	{ "names a date", "HTTP/1.1 503 Busy\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", 0,
	  BODY_NONE, true, CB_HTTP_STATUS, 160000 },
	{ "leads nowhere", "HTTP/1.1 302 Found\r\n", 0, BODY_NONE, true, CB_HTTP_REDIRECT, 30000 },
};

struct raw_server {
	const struct world *w;
	const struct raw_case *c;
};

static size_t raw_answer(void *ctx, const char *request, uint8_t *out, size_t max)
{
	/* As gzip begins; what comes then does not matter. */
	static const uint8_t gzip[32] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	const struct raw_server *s = ctx;
	const struct raw_case *c = s->c;
	unsigned item = 0;
	size_t at = 0;

	assert_int_equal(sscanf(request, "GET /r/o/%u/x ", &item), 1);
	struct cb_bytes body = { s->w->bytes[item], s->w->len[item] };
	if (c->body == BODY_GZIP)
		body = (struct cb_bytes){ gzip, sizeof gzip };
	else if (c->body != BODY_WHOLE)
		body.len = c->body == BODY_NONE ? 0 : body.len / 2;
	for (unsigned i = 0; i < c->n_before; i++)
		at += (size_t)snprintf((char *)out + at, max - at, "HTTP/1.1 100 Continue\r\n\r\n");
	at += (size_t)snprintf((char *)out + at, max - at, "%s", c->head);
	if (c->has_length)
		at += (size_t)snprintf((char *)out + at, max - at, "Content-Length: %zu\r\n",
				       body.len);
	at += (size_t)snprintf((char *)out + at, max - at, "\r\n");
	assert_true(at + body.len <= max);
	if (body.len > 0)
		memcpy(out + at, body.p, body.len);
	return at + body.len;
}

/* Alone, and with a good mirror beside it. */
static void test_raw_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof raw_cases / sizeof raw_cases[0]; i++) {
		const struct raw_case *c = &raw_cases[i / 2];
		const bool is_alone = i % 2 == 0;
		struct world w;

		world_init(&w, i, is_alone ? 1 : 2, 0);
		for (w.n_items = 0; w.n_items < 40; w.n_items++)
			world_make_item(&w, w.n_items, 64 + w.n_items * 100);
		sim_split_reads(w.sim, i % 4 < 2 ? 0 : 7);
		sim_set_handler(w.servers[0], raw_answer, &(struct raw_server){ &w, c });
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		(void)world_run(&w);
		check_outcome(c->name, &w, is_alone ? c->alone : CB_OK,
			      is_alone ? c->alone_ms : 5000);
		if (w.has_ended && w.err == CB_OK)
			world_assert_all_delivered(&w);
		world_done(&w);
	}
	assert_int_equal(n_bad_outcomes, 0);
}

/* ---- Redirects ---- */

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
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		(void)world_run(&w);
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
	world_make_item(&w, 0, 3000);
	w.n_servers = 1;
	sim_file(w.servers[1], "/blob", w.bytes[0], w.len[0]);
	sim_set_handler(w.servers[0], raw_redirect, "http://mirror-b/blob?sig=1");
	assert_int_equal(world_start_engine(&w), CB_OK);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_OK);
	assert_int_equal(w.n_delivered[0], 1);
	assert_int_equal(sim_n_requests_for(w.servers[1], "/blob"), 1);
	world_done(&w);
}

/* Each answer leads to another place of the same server, without an end. */
static size_t next_place(void *ctx, const char *request, uint8_t *out, size_t max)
{
	unsigned *n = ctx;

	(void)request;
	return (size_t)snprintf((char *)out, max,
				"HTTP/1.1 302 Found\r\nLocation: /%u\r\nContent-Length: 0\r\n\r\n",
				(*n)++);
}

static void test_redirects_are_bounded(void **state)
{
	struct world w;
	unsigned n = 0;

	(void)state;
	world_init(&w, 1, 1, 1);
	world_make_item(&w, 0, 1000);
	sim_set_handler(w.servers[0], next_place, &n);
	assert_int_equal(world_start_engine(&w), CB_OK);
	assert_int_equal(world_start_job(&w, false), CB_OK);
	assert_int_equal(world_run(&w), CB_HTTP_REDIRECT);
	/* The request itself, so many hops, and all of it again with each retry. */
	assert_in_range(n, CB_MIRROR_MAX_HOPS, 4 * (CB_MIRROR_MAX_HOPS + 1));
	world_done(&w);
}

/* A portal that takes the request to a page of its own, which is there. */
static void test_portal_page(void **state)
{
	struct world w;

	(void)state;
	for (unsigned n_servers = 1; n_servers <= 2; n_servers++) {
		world_init(&w, 1, n_servers, 40);
		struct sim_server *portal = sim_add_server(w.sim, "portal", 80);
		sim_file(portal, "/login", "<html>", 6);
		sim_behaviour(w.servers[0])->is_portal_redirect = true;
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		(void)world_run(&w);
		check_outcome("portal with a page", &w, n_servers == 1 ? CB_CHUNK_HASH : CB_OK,
			      30000);
		world_done(&w);
	}
	assert_int_equal(n_bad_outcomes, 0);
}

/* ---- Resuming ---- */

static unsigned n_delivered(const struct world *w)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < w->n_items; i++)
		n += w->n_delivered[i];
	return n;
}

enum loss { LOSS_RESET, LOSS_CUT, LOSS_N };

/*
 * All connections break in the middle, by a reset or a cable that is out for 30 s: what had not
 * been answered then is asked for once more, and nothing else.
 */
static void test_resume_costs_what_was_in_flight(void **state)
{
	(void)state;
	for (unsigned loss = 0; loss < LOSS_N; loss++) {
		struct world w;

		world_init(&w, 7, 1, 0);
		for (w.n_items = 0; w.n_items < WORLD_MAX_ITEMS; w.n_items++)
			world_make_item(&w, w.n_items, 30000);
		struct sim_behaviour *b = sim_behaviour(w.servers[0]);
		b->latency_ms = 5;
		b->rate_bytes_ms = 500;
		assert_int_equal(world_start_engine(&w), CB_OK);
		assert_int_equal(world_start_job(&w, false), CB_OK);
		assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 1500));
		unsigned n_flying = sim_n_requests(w.servers[0]) - n_delivered(&w);
		assert_in_range(n_delivered(&w), 100, 350);
		assert_in_range(n_flying, 8, 64);
		if (loss == LOSS_CUT) {
			sim_cut_link(w.sim, true);
			assert_false(sim_run_until(w.sim, world_step, &w, sim_now(w.sim) + 30000));
			sim_cut_link(w.sim, false);
		} else {
			sim_reset_connections(w.servers[0]);
		}
		assert_int_equal(world_run(&w), CB_OK);
		world_assert_all_delivered(&w);
		print_message("%s: %u in flight, %u asked for again\n",
			      loss == LOSS_CUT ? "cut" : "reset", n_flying,
			      sim_n_requests(w.servers[0]) - w.n_items);
		assert_in_range(sim_n_requests(w.servers[0]), w.n_items + 1, w.n_items + n_flying);
		world_done(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_mirror),
		cmocka_unit_test(test_one_good_of_three),
		cmocka_unit_test(test_raw_answers),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_redirects_are_bounded),
		cmocka_unit_test(test_detour),
		cmocka_unit_test(test_portal_page),
		cmocka_unit_test(test_resume_costs_what_was_in_flight),
	};

	return cmocka_run_group_tests_name("fetch_servers", tests, NULL, NULL);
}
