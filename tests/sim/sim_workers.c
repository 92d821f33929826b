/* SPDX-License-Identifier: MIT */
/* The simulator's other processors: what is submitted runs when the clock says that it is done. */
#include "sim_internal.h"

#include <string.h>

/* The worker that is free first. */
static uint64_t *free_first(struct sim_workers *w)
{
	uint64_t *best = &w->busy_until_ms[0];

	for (unsigned i = 1; i < w->n; i++)
		if (w->busy_until_ms[i] < *best)
			best = &w->busy_until_ms[i];
	return best;
}

static bool submit(void *ctx, struct cb_work *work)
{
	struct sim *sim = ctx;
	struct sim_workers *w = &sim->workers;
	uint64_t *busy = free_first(w);

	if (w->n_waiting == SIM_MAX_WORK)
		return false;
	if (*busy < sim->now_ms)
		*busy = sim->now_ms;
	*busy += w->work_ms;
	__atomic_store_n(&work->is_done, 0, __ATOMIC_RELAXED);
	w->waiting[w->n_waiting++] =
		(struct sim_work){ work, *busy, (unsigned)(busy - w->busy_until_ms) };
	w->n_submitted++;
	return true;
}

static void run_first(struct sim *sim)
{
	struct sim_workers *w = &sim->workers;
	struct sim_work first = w->waiting[0];

	w->n_waiting--;
	memmove(&w->waiting[0], &w->waiting[1], w->n_waiting * sizeof(w->waiting[0]));
	w->is_running = true;
	cb_work_run(first.work, first.worker + 1);
	w->is_running = false;
}

static void drain(void *ctx)
{
	struct sim *sim = ctx;

	while (sim->workers.n_waiting > 0)
		run_first(sim);
	memset(sim->workers.busy_until_ms, 0, sizeof(sim->workers.busy_until_ms));
}

/* All pieces take equally long, so that they are done in the order they were submitted in. */
uint64_t sim_workers_next(const struct sim *sim)
{
	return sim->workers.n_waiting > 0 ? sim->workers.waiting[0].done_ms : UINT64_MAX;
}

void sim_workers_run(struct sim *sim)
{
	while (sim_workers_next(sim) <= sim->now_ms)
		run_first(sim);
}

void sim_set_workers(struct sim *sim, unsigned n, uint32_t work_ms)
{
	drain(sim);
	sim->workers = (struct sim_workers){
		.n = n < SIM_MAX_WORKERS ? n : SIM_MAX_WORKERS,
		.work_ms = work_ms,
	};
	sim->platform.workers = (struct cb_workers){
		.ctx = sim,
		.n = sim->workers.n,
		.submit = submit,
		.drain = drain,
	};
}

uint64_t sim_n_submitted(const struct sim *sim)
{
	return sim->workers.n_submitted;
}

unsigned sim_n_waiting(const struct sim *sim)
{
	return sim->workers.n_waiting;
}
