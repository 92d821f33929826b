/* SPDX-License-Identifier: MIT */
/* The simulator's other processors keep the platform's contract, and the virtual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

#define N_WORK (SIM_MAX_WORK + 1)

static void count(void *arg)
{
	++*(unsigned *)arg;
}

struct bench {
	struct sim *sim;
	const struct cb_workers *workers;
	struct cb_work work[N_WORK];
	unsigned n_run[N_WORK];
};

static void begin(struct bench *b, unsigned n, uint32_t work_ms)
{
	*b = (struct bench){ .sim = sim_new(1) };
	sim_set_workers(b->sim, n, work_ms);
	b->workers = &sim_platform(b->sim)->workers;
	assert_int_equal(b->workers->n, n);
	for (unsigned i = 0; i < N_WORK; i++)
		b->work[i] = (struct cb_work){ .run = count, .arg = &b->n_run[i], .is_done = 1 };
}

static void submit(struct bench *b, unsigned i)
{
	assert_true(b->workers->submit(b->workers->ctx, &b->work[i]));
	assert_false(cb_work_is_done(&b->work[i]));
}

static void nobody_by_default(void **state)
{
	struct sim *sim = sim_new(1);

	(void)state;
	assert_int_equal(sim_platform(sim)->workers.n, 0);
	assert_false(sim_sleep(sim, UINT64_MAX));
	sim_free(sim);
}

/* Two at a time, each takes 30 ms; sleeping ends when one is done. */
static void one_at_a_time_on_each(void **state)
{
	struct bench b;
	uint64_t start;

	(void)state;
	begin(&b, 2, 30);
	start = sim_now(b.sim);
	for (unsigned i = 0; i < 3; i++)
		submit(&b, i);
	assert_true(sim_sleep(b.sim, start + 20));
	assert_int_equal(sim_now(b.sim), start + 20);
	assert_false(cb_work_is_done(&b.work[0]));
	assert_true(sim_sleep(b.sim, UINT64_MAX));
	assert_int_equal(sim_now(b.sim), start + 30);
	assert_true(cb_work_is_done(&b.work[0]) && cb_work_is_done(&b.work[1]));
	assert_false(cb_work_is_done(&b.work[2]));
	assert_int_equal(b.work[0].processor, 1);
	assert_int_equal(b.work[1].processor, 2);
	assert_true(sim_sleep(b.sim, UINT64_MAX));
	assert_int_equal(sim_now(b.sim), start + 60);
	assert_true(cb_work_is_done(&b.work[2]));
	assert_false(sim_sleep(b.sim, UINT64_MAX));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(b.n_run[i], 1);
	sim_free(b.sim);
}

static void full_queue_and_drain(void **state)
{
	struct bench b;
	uint64_t start;

	(void)state;
	begin(&b, 1, 1000);
	start = sim_now(b.sim);
	for (unsigned i = 0; i < SIM_MAX_WORK; i++)
		submit(&b, i);
	assert_false(b.workers->submit(b.workers->ctx, &b.work[SIM_MAX_WORK]));
	assert_int_equal(sim_n_waiting(b.sim), SIM_MAX_WORK);
	b.workers->drain(b.workers->ctx);
	assert_int_equal(sim_n_waiting(b.sim), 0);
	assert_int_equal(sim_now(b.sim), start);
	for (unsigned i = 0; i < SIM_MAX_WORK; i++)
		assert_true(cb_work_is_done(&b.work[i]) && b.n_run[i] == 1);
	assert_int_equal(b.n_run[SIM_MAX_WORK], 0);
	submit(&b, SIM_MAX_WORK);
	assert_int_equal(sim_n_submitted(b.sim), SIM_MAX_WORK + 1);
	b.workers->drain(b.workers->ctx);
	sim_free(b.sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_by_default),
		cmocka_unit_test(one_at_a_time_on_each),
		cmocka_unit_test(full_queue_and_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
