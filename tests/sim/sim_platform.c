/* SPDX-License-Identifier: MIT */
/* The simulator's machine: virtual clock, failing allocator and variables, events, main loop. */
#include "sim_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS 1000
#define START_UNIX_S 1782864000 /* 2026-07-01 00:00:00 UTC */
#define PAGE_LEN 4096
#define PAGED_FROM 65536
#define MAX_STEPS_AT_ONCE 1000000u

uint64_t sim_now(const struct sim *sim)
{
	return sim->now_ms;
}

void sim_advance_to(struct sim *sim, uint64_t ms)
{
	if (ms > sim->now_ms)
		sim->now_ms = ms;
	sim_workers_run(sim);
}

bool sim_sleep(struct sim *sim, uint64_t wake_ms)
{
	/* What the machine has just said goes out first; what that brings back can't be waited for. */
	bool has_input = sim->frames && sim_frames_turn(sim);
	uint64_t event = has_input ? sim->now_ms : sim_next_event(sim);
	uint64_t work = sim_workers_next(sim);
	uint64_t to = event < wake_ms ? event : wake_ms;

	if (work < to)
		to = work;
	if (to == UINT64_MAX)
		return false;
	sim_advance_to(sim, to > sim->now_ms ? to : sim->now_ms + 1);
	if (sim->frames)
		(void)sim_frames_turn(sim);
	return true;
}

bool sim_run_until(struct sim *sim, enum sim_status (*step)(void *ctx, uint64_t *wake_ms),
		   void *ctx, uint64_t deadline_ms)
{
	unsigned n_at_once = 0;

	while (sim->now_ms <= deadline_ms) {
		uint64_t wake_ms = UINT64_MAX;
		switch (step(ctx, &wake_ms)) {
		case SIM_DONE:
			return true;
		case SIM_AGAIN:
			if (++n_at_once > MAX_STEPS_AT_ONCE)
				return false;
			break;
		case SIM_IDLE:
			n_at_once = 0;
			if (!sim_sleep(sim, wake_ms))
				return false;
			break;
		}
	}
	return false;
}

/* Every call of the platform passes here: none may come from another processor. */
static struct sim *sim_of(void *ctx)
{
	struct sim *sim = ctx;

	if (sim->workers.is_running)
		abort();
	return sim;
}

static uint64_t platform_now(void *ctx)
{
	return sim_of(ctx)->now_ms;
}

static enum cb_err platform_wall_clock(void *ctx, int64_t *ret_unix_s)
{
	const struct sim *sim = sim_of(ctx);

	if (!sim->has_clock)
		return CB_FIRMWARE;
	*ret_unix_s = sim->clock_offset_s + (int64_t)(sim->now_ms / 1000);
	return CB_OK;
}

void sim_set_wall_clock(struct sim *sim, bool has_clock, int64_t unix_s)
{
	sim->has_clock = has_clock;
	sim->clock_offset_s = unix_s - (int64_t)(sim->now_ms / 1000);
}

/* xorshift64*; good enough to vary cases, and the same everywhere. */
uint64_t sim_random(struct sim *sim)
{
	uint64_t x = sim->random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	sim->random_state = x;
	return (x * 0x2545f4914f6cdd1dull) >> 8;
}

static enum cb_err platform_random(void *ctx, uint8_t *buf, size_t len)
{
	struct sim *sim = sim_of(ctx);

	if (sim->random_fails)
		return CB_ENTROPY;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)sim_random(sim);
	return CB_OK;
}

void sim_set_block(struct sim *sim, const struct cb_block *block)
{
	sim->platform.block = *block;
}

void sim_fail_random(struct sim *sim, bool fails)
{
	sim->random_fails = fails;
}

/* The length lies in front of each block, one alignment unit away. */
static void *platform_alloc(void *ctx, size_t len)
{
	struct sim *sim = sim_of(ctx);
	size_t unit = len >= PAGED_FROM ? PAGE_LEN : 16;

	sim->n_allocs++;
	if (sim->alloc_fail_at &&
	    (sim->n_allocs == sim->alloc_fail_at ||
	     (sim->alloc_fails_on && sim->n_allocs > sim->alloc_fail_at)))
		return NULL;
	if (sim->total_memory > 0 && len > sim->total_memory - sim->live_bytes)
		return NULL;
	void *block = NULL;
	if (posix_memalign(&block, unit, unit + len) != 0)
		return NULL;
	uint8_t *p = (uint8_t *)block + unit;
	memcpy(p - sizeof len, &len, sizeof len);
	memcpy(p - 2 * sizeof len, &unit, sizeof unit);
	memset(p, 0xa5, len);
	sim->n_live++;
	sim->live_bytes += len;
	if (sim->live_bytes > sim->peak_bytes)
		sim->peak_bytes = sim->live_bytes;
	return p;
}

static void platform_free(void *ctx, void *ptr)
{
	struct sim *sim = sim_of(ctx);
	uint8_t *p = ptr;
	size_t len, unit;

	if (!p)
		return;
	memcpy(&len, p - sizeof len, sizeof len);
	memcpy(&unit, p - 2 * sizeof len, sizeof unit);
	sim->n_live--;
	sim->live_bytes -= len;
	free(p - unit);
}

static uint64_t platform_free_memory(void *ctx)
{
	const struct sim *sim = sim_of(ctx);

	return sim->total_memory > 0 ? sim->total_memory - sim->live_bytes : sim->free_memory;
}

void sim_set_memory(struct sim *sim, uint64_t bytes)
{
	sim->total_memory = bytes;
}

void sim_set_free_memory(struct sim *sim, uint64_t bytes)
{
	sim->free_memory = bytes;
}

void sim_fail_alloc(struct sim *sim, uint64_t n, bool is_forever)
{
	sim->alloc_fail_at = n ? sim->n_allocs + n : 0;
	sim->alloc_fails_on = is_forever;
}

uint64_t sim_n_allocations(const struct sim *sim)
{
	return sim->n_allocs;
}

uint64_t sim_live_allocations(const struct sim *sim)
{
	return sim->n_live;
}

uint64_t sim_live_bytes(const struct sim *sim)
{
	return sim->live_bytes;
}

uint64_t sim_peak_bytes(const struct sim *sim)
{
	return sim->peak_bytes;
}

static bool var_fails(struct sim *sim)
{
	sim->n_var_calls++;
	return sim->var_fail_at &&
		(sim->n_var_calls == sim->var_fail_at ||
		 (sim->vars_fail_on && sim->n_var_calls > sim->var_fail_at));
}

static struct sim_var *find_var(struct sim *sim, const char *name, bool makes)
{
	for (unsigned i = 0; i < SIM_MAX_VARS; i++) {
		struct sim_var *v = &sim->vars[i];
		if (v->is_set && strcmp(v->name, name) == 0)
			return v;
	}
	for (unsigned i = 0; makes && i < SIM_MAX_VARS; i++) {
		struct sim_var *v = &sim->vars[i];
		if (v->is_set)
			continue;
		snprintf(v->name, sizeof v->name, "%s", name);
		return v;
	}
	return NULL;
}

static enum cb_err var_read(void *ctx, const char *name, uint8_t *buf, size_t max, size_t *ret_len)
{
	struct sim *sim = sim_of(ctx);

	if (var_fails(sim))
		return CB_VARIABLE;
	struct sim_var *v = find_var(sim, name, /*makes=*/false);
	if (!v)
		return CB_NOT_FOUND;
	if (v->is_planted) {
		v->is_set = false;
		return CB_STATE_FOREIGN;
	}
	if (v->len > max)
		return CB_VARIABLE;
	memcpy(buf, v->bytes, v->len);
	*ret_len = v->len;
	return CB_OK;
}

static enum cb_err var_write(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	struct sim *sim = sim_of(ctx);

	if (var_fails(sim) || len > CB_VAR_MAX)
		return CB_VARIABLE;
	sim->n_var_writes++;
	sim_set_var(sim, name, buf, len);
	return CB_OK;
}

void sim_set_var(struct sim *sim, const char *name, const void *bytes, size_t len)
{
	struct sim_var *v = find_var(sim, name, /*makes=*/len > 0);

	if (!v)
		return;
	v->is_set = len > 0;
	v->is_planted = false;
	v->len = len < CB_VAR_MAX ? len : CB_VAR_MAX;
	if (v->len > 0)
		memcpy(v->bytes, bytes, v->len);
}

void sim_plant_var(struct sim *sim, const char *name)
{
	struct sim_var *v = find_var(sim, name, /*makes=*/false);

	if (v)
		v->is_planted = true;
}

void sim_fail_vars(struct sim *sim, uint64_t n, bool is_forever)
{
	sim->var_fail_at = n ? sim->n_var_calls + n : 0;
	sim->vars_fail_on = is_forever;
}

uint64_t sim_n_var_writes(const struct sim *sim)
{
	return sim->n_var_writes;
}

static void digest(struct sim *sim, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	/* FNV-1a. */
	for (size_t i = 0; i < len; i++)
		sim->digest = (sim->digest ^ p[i]) * 0x100000001b3ull;
}

static void digest_event(struct sim *sim, const struct cb_event *event)
{
	const uint64_t facts[] = {
		sim->now_ms,	      (uint64_t)event->kind,	  (uint64_t)event->stage,
		(uint64_t)event->err, event->progress.done_bytes, event->progress.n_connections
	};

	digest(sim, facts, sizeof facts);
	if (event->subject)
		digest(sim, event->subject, strlen(event->subject));
}

uint64_t sim_digest(const struct sim *sim)
{
	return sim->digest;
}

static void platform_event(void *ctx, const struct cb_event *event)
{
	struct sim *sim = sim_of(ctx);
	unsigned kind = (unsigned)event->kind;

	if (kind >= SIM_N_EVENT_KINDS)
		abort();
	digest_event(sim, event);
	sim->n_events[kind]++;
	sim->stage = event->stage;
	sim->last_err[kind] = event->err;
	snprintf(sim->last_subject[kind], SIM_SUBJECT_MAX, "%s",
		 event->subject ? event->subject : "");
	if (event->kind == CB_EVENT_NOTICE && sim->n_notices < SIM_N_NOTICES)
		sim->notices[sim->n_notices++] = event->err;
	if (sim->on_event)
		sim->on_event(sim->on_event_ctx, event);
}

void sim_on_event(struct sim *sim, void (*fn)(void *ctx, const struct cb_event *event), void *ctx)
{
	sim->on_event = fn;
	sim->on_event_ctx = ctx;
}

unsigned sim_n_events(const struct sim *sim, enum cb_event_kind kind)
{
	return sim->n_events[kind];
}

enum cb_stage sim_stage(const struct sim *sim)
{
	return sim->stage;
}

enum cb_err sim_last_err(const struct sim *sim, enum cb_event_kind kind)
{
	return sim->last_err[kind];
}

const char *sim_last_subject(const struct sim *sim, enum cb_event_kind kind)
{
	return sim->last_subject[kind];
}

bool sim_saw_notice(const struct sim *sim, enum cb_err err)
{
	for (unsigned i = 0; i < sim->n_notices; i++)
		if (sim->notices[i] == err)
			return true;
	return false;
}

void sim_split_reads(struct sim *sim, size_t max)
{
	sim->split_max = max;
}

struct sim *sim_new(uint64_t seed)
{
	struct sim *sim = sim_grow(NULL, sizeof *sim);

	memset(sim, 0, sizeof *sim);
	sim->now_ms = START_MS;
	sim->digest = 0xcbf29ce484222325ull;
	sim->random_state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	sim->free_memory = (uint64_t)4 << 30;
	sim_set_wall_clock(sim, /*has_clock=*/true, START_UNIX_S);
	sim->platform.ctx = sim;
	sim->platform.mem = (struct cb_mem){ sim, platform_alloc, platform_free };
	sim->platform.vars = (struct cb_vars){ sim, var_read, var_write };
	sim->platform.now_ms = platform_now;
	sim->platform.wall_clock = platform_wall_clock;
	sim->platform.random = platform_random;
	sim->platform.event = platform_event;
	sim->platform.free_memory = platform_free_memory;
	sim_net_init(sim);
	return sim;
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	sim_net_done(sim);
	for (unsigned i = 0; i < sim->n_servers; i++)
		sim_server_free(sim->servers[i]);
	free(sim);
}

const struct cb_platform *sim_platform(struct sim *sim)
{
	return &sim->platform;
}
