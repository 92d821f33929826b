/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the fetch engine: a mirror answers with the input's bytes. The job must end in time, deliver
 * nothing but right bytes, and leak nothing; with a good mirror beside it, it must succeed.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fetch.h"
#include "sim.h"

#define N_ITEMS 6
#define DEADLINE_MS 400000
#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct cb_fetch *fetch;
	struct cb_job *job;
	const uint8_t *data; /* what is left of the input */
	size_t len;
	unsigned n_delivered;
	const struct cb_platform *platform;
	bool takes; /* instead of being delivered to */
	struct cb_held held[N_ITEMS];
	unsigned n_held;
};

/* Item i is 'a' + i, 40 * i times. */
static void fill(uint32_t item, uint8_t *out, size_t *ret_len)
{
	*ret_len = (size_t)item * 40;
	memset(out, 'a' + (int)item, *ret_len);
}

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct world *w = ctx;
	uint8_t bytes[N_ITEMS * 40];
	size_t len;

	fill(item, bytes, &len);
	snprintf(ret->path, sizeof ret->path, "%u", (unsigned)item);
	ret->len = (uint32_t)len;
	ret->is_exact = item % 2 == 0;
	ret->digest = w->takes ? CB_DIGEST_NONE : CB_DIGEST_BLAKE2B_256;
	cb_blake2b_256((struct cb_bytes){ bytes, len }, ret->expect);
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes in, unsigned source)
{
	struct world *w = ctx;
	uint8_t bytes[N_ITEMS * 40];
	size_t len;

	(void)source;
	fill(item, bytes, &len);
	if (!cb_bytes_equal(in, (struct cb_bytes){ bytes, len }))
		abort();
	w->n_delivered++;
	return CB_OK;
}

static enum cb_err take(void *ctx, const struct cb_held *held)
{
	struct world *w = ctx;

	/* Nothing is asked for again while it is held. */
	if (w->n_held == N_ITEMS)
		abort();
	w->held[w->n_held++] = *held;
	return CB_OK;
}

/* Judges the item that was taken last, where one is held. */
static void settle(struct world *w)
{
	uint8_t bytes[N_ITEMS * 40];
	struct cb_held held;
	bool is_right;
	size_t len;

	if (w->n_held == 0)
		return;
	held = w->held[--w->n_held];
	fill(held.item, bytes, &len);
	is_right = cb_bytes_equal((struct cb_bytes){ held.bytes, held.len },
				  (struct cb_bytes){ bytes, len });
	cb_free(&w->platform->mem, held.bytes);
	w->n_delivered += is_right;
	cb_job_settle(w->job, &held, is_right ? CB_OK : CB_CHUNK_HASH);
}

/* The next piece of the input: a length byte (times 8), then so many bytes; at its end nothing. */
static size_t answer(void *ctx, const char *request, uint8_t *out, size_t max)
{
	struct world *w = ctx;
	size_t n;

	(void)request;
	if (w->len == 0)
		return 0;
	n = (size_t)w->data[0] * 8;
	w->data++;
	w->len--;
	n = n < w->len ? n : w->len;
	n = n < max ? n : max;
	memcpy(out, w->data, n);
	w->data += n;
	w->len -= n;
	return n;
}

static enum sim_status step(void *ctx, uint64_t *wake_ms)
{
	struct world *w = ctx;
	bool has_acted = cb_fetch_step(w->fetch, wake_ms) || w->n_held > 0;

	settle(w);

	if (cb_job_status(w->job, NULL, NULL) != CB_JOB_RUNNING)
		return SIM_DONE;
	return has_acted ? SIM_AGAIN : SIM_IDLE;
}

static void add_good_mirror(struct sim *sim)
{
	struct sim_server *good = sim_add_server(sim, "good", 80);

	for (uint32_t i = 0; i < N_ITEMS; i++) {
		uint8_t bytes[N_ITEMS * 40];
		size_t len;
		char path[16];
		fill(i, bytes, &len);
		snprintf(path, sizeof path, "/%u", (unsigned)i);
		sim_file(good, path, bytes, len);
	}
}

static void run(struct sim *sim, struct world *w, bool has_good)
{
	const struct cb_job_params params = {
		.ctx = w,
		.n_items = N_ITEMS,
		.describe = describe,
		.deliver = w->takes ? NULL : deliver,
		.take = w->takes ? take : NULL,
		.absent_err = CB_NOT_FOUND,
		.wrong_err = CB_CHUNK_HASH,
	};

	if (cb_fetch_new(sim_platform(sim), &w->fetch) != CB_OK ||
	    cb_fetch_add_mirror(w->fetch, cb_bytes_of("http://bad/"), NULL) != CB_OK ||
	    (has_good &&
	     cb_fetch_add_mirror(w->fetch, cb_bytes_of("http://good/"), NULL) != CB_OK) ||
	    cb_fetch_submit(w->fetch, &params, &w->job) != CB_OK)
		abort();
	if (!sim_run_until(sim, step, w, DEADLINE_MS))
		abort();
	enum cb_job_status status = cb_job_status(w->job, NULL, NULL);
	if (has_good && status != CB_JOB_DONE)
		abort();
	if (status == CB_JOB_DONE && w->n_delivered != N_ITEMS)
		abort();
	cb_job_free(w->job);
	while (w->n_held > 0)
		cb_free(&w->platform->mem, w->held[--w->n_held].bytes);
	cb_fetch_free(w->fetch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > INPUT_MAX)
		return 0;
	struct sim *sim = sim_new(len);
	struct world w = { .data = data + 1, .len = len - 1, .platform = sim_platform(sim) };
	struct sim_server *bad = sim_add_server(sim, "bad", 80);
	bool has_good = data[0] & 1;

	w.takes = data[0] & 32;
	sim_set_handler(bad, answer, &w);
	sim_behaviour(bad)->close_after = (data[0] >> 1) & 3;
	sim_split_reads(sim, data[0] & 8 ? 1 : 0);
	sim_behaviour(bad)->latency_ms = data[0] & 16 ? 20 : 0;
	if (has_good)
		add_good_mirror(sim);
	run(sim, &w, has_good);
	if (sim_live_allocations(sim) != 0 || sim_open_streams(sim) != 0)
		abort();
	sim_free(sim);
	return 0;
}
