/* SPDX-License-Identifier: MIT */
/* A repository, mirrors of it in the simulator, and one job of the fetch engine that wants all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetch_world.h"

#define DEADLINE_MS 400000

static void path_of(uint32_t item, char *out, size_t len)
{
	snprintf(out, len, "o/%u/x", (unsigned)item);
}

void world_describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	struct world *w = ctx;

	path_of(item, ret->path, sizeof ret->path);
	ret->len = w->is_loose ? WORLD_MAX_LEN : w->len[item];
	ret->is_exact = !w->is_loose;
	ret->is_mutable = w->is_mutable;
	ret->digest = w->takes ? CB_DIGEST_NONE : w->kind;
	memcpy(ret->expect, w->digest[item], CB_DIGEST_LEN);
	ret->source = w->is_pinned ? (int)item : CB_FETCH_ANY_SOURCE;
}

enum cb_err world_deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
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

enum cb_err world_take(void *ctx, const struct cb_held *held)
{
	struct world *w = ctx;

	assert_true(held->source < w->n_servers);
	if (w->take_err != CB_OK)
		return w->take_err;
	assert_true(w->n_held < WORLD_MAX_HELD);
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

void world_settle_first(struct world *w, bool has_verdict)
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
		world_settle_first(w, /*has_verdict=*/true);
}

static enum cb_err missing(void *ctx, uint32_t item, enum cb_err err)
{
	struct world *w = ctx;

	w->n_missing[item]++;
	w->missing_err = err;
	return CB_OK;
}

void world_make_item(struct world *w, uint32_t item, uint32_t len)
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

void world_init(struct world *w, uint64_t seed, unsigned n_servers, uint32_t n_items)
{
	static const char *const hosts[WORLD_MAX_SERVERS] = { "mirror-a", "mirror-b", "mirror-c" };
	static const uint32_t lens[] = { 0, 1, 4096, 17000, 333, 40000, 9999 };

	memset(w, 0, sizeof *w);
	w->sim = sim_new(seed);
	w->kind = CB_DIGEST_BLAKE2B_256;
	w->n_servers = n_servers;
	w->n_items = n_items;
	for (unsigned i = 0; i < n_servers; i++)
		w->servers[i] = sim_add_server(w->sim, hosts[i], 80);
	for (uint32_t i = 0; i < n_items; i++)
		world_make_item(w, i, lens[i % (sizeof lens / sizeof lens[0])]);
}

enum cb_err world_start_engine(struct world *w)
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

enum cb_err world_start_job(struct world *w, bool has_missing)
{
	w->start_ms = sim_now(w->sim);
	return cb_fetch_submit(w->fetch,
			       &(struct cb_job_params){
				       .ctx = w,
				       .n_items = w->n_items,
				       .describe = world_describe,
				       .deliver = w->takes ? NULL : world_deliver,
				       .take = w->takes ? world_take : NULL,
				       .missing = has_missing ? missing : NULL,
				       .absent_err = CB_CHUNK_MISSING,
				       .wrong_err = CB_CHUNK_HASH,
			       },
			       &w->job);
}

enum sim_status world_step(void *ctx, uint64_t *wake_ms)
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

enum cb_err world_run(struct world *w)
{
	w->err = CB_OK;
	w->has_ended = sim_run_until(w->sim, world_step, w, sim_now(w->sim) + DEADLINE_MS);
	cb_job_status(w->job, &w->err, &w->err_item);
	w->end_ms = sim_now(w->sim);
	return w->err;
}

void world_done(struct world *w)
{
	cb_job_free(w->job);
	while (w->n_held > 0)
		world_settle_first(w, /*has_verdict=*/false);
	cb_fetch_free(w->fetch);
	assert_int_equal(sim_live_allocations(w->sim), 0);
	assert_int_equal(sim_open_streams(w->sim), 0);
	for (uint32_t i = 0; i < w->n_items; i++)
		free(w->bytes[i]);
	sim_free(w->sim);
}

void world_assert_all_delivered(const struct world *w)
{
	for (uint32_t i = 0; i < w->n_items; i++)
		assert_int_equal(w->n_delivered[i], 1);
}

uint64_t world_took_ms(const struct world *w)
{
	return w->end_ms - w->start_ms;
}

void world_begin(struct world *w, unsigned n_servers, uint32_t n_items)
{
	world_init(w, 7, n_servers, n_items);
	assert_int_equal(world_start_engine(w), CB_OK);
}
