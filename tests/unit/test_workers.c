/* SPDX-License-Identifier: MIT */
/* Threads as the core's other processors: all is done once, in parallel, and seen by poll. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "host/linux_platform.h"
#include "host/workers.h"

#define N_WORK 500
#define WAIT_MS 20000

/* A piece of work that ends only when the test opens the gate. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t opened, reached;
	unsigned n_there;
	bool is_open;
};

static void gate_init(struct gate *g)
{
	*g = (struct gate){ .n_there = 0 };
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->opened, NULL);
	pthread_cond_init(&g->reached, NULL);
}

static void pass(void *arg)
{
	struct gate *g = arg;

	pthread_mutex_lock(&g->lock);
	g->n_there++;
	pthread_cond_broadcast(&g->reached);
	while (!g->is_open)
		pthread_cond_wait(&g->opened, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void wait_for_arrivals(struct gate *g, unsigned n)
{
	pthread_mutex_lock(&g->lock);
	while (g->n_there < n)
		pthread_cond_wait(&g->reached, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_open = true;
	pthread_cond_broadcast(&g->opened);
	pthread_mutex_unlock(&g->lock);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void all_of_it_once(void **state)
{
	static struct cb_work work[N_WORK];
	static unsigned n_run[N_WORK];
	struct cb_threads *t;
	struct cb_workers w;

	(void)state;
	assert_int_equal(cb_threads_new(3, &t), CB_OK);
	w = cb_threads_workers(t);
	assert_int_equal(w.n, 3);
	for (unsigned i = 0; i < N_WORK; i++) {
		work[i] = (struct cb_work){ .run = count, .arg = &n_run[i] };
		while (!w.submit(w.ctx, &work[i]))
			w.drain(w.ctx);
	}
	w.drain(w.ctx);
	for (unsigned i = 0; i < N_WORK; i++)
		assert_true(cb_work_is_done(&work[i]) && n_run[i] == 1);
	cb_threads_free(t);
}

/* Two are at work at the same time; a full queue says so; the end does what was submitted. */
static void bounded_and_parallel(void **state)
{
	struct cb_work held[2], work[CB_THREADS_MAX_WORK + 1];
	unsigned n_run = 0, n_submitted = 0;
	struct cb_threads *t;
	struct cb_workers w;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	assert_int_equal(cb_threads_new(2, &t), CB_OK);
	w = cb_threads_workers(t);
	for (unsigned i = 0; i < 2; i++) {
		held[i] = (struct cb_work){ .run = pass, .arg = &gate };
		assert_true(w.submit(w.ctx, &held[i]));
	}
	wait_for_arrivals(&gate, 2);
	for (; n_submitted <= CB_THREADS_MAX_WORK; n_submitted++) {
		work[n_submitted] = (struct cb_work){ .run = count, .arg = &n_run };
		if (!w.submit(w.ctx, &work[n_submitted]))
			break;
	}
	assert_int_equal(n_submitted, CB_THREADS_MAX_WORK);
	for (unsigned i = 0; i < 2; i++)
		assert_false(cb_work_is_done(&held[i]));
	open_gate(&gate);
	cb_threads_free(t);
	for (unsigned i = 0; i < n_submitted; i++)
		assert_true(cb_work_is_done(&work[i]));
}

static bool is_readable(const struct cb_threads *t, int timeout_ms)
{
	struct pollfd fd = { .fd = cb_threads_fd(t), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void poll_sees_the_end(void **state)
{
	struct cb_work work = { .run = pass };
	struct cb_threads *t;
	struct cb_workers w;
	struct gate gate;

	(void)state;
	gate_init(&gate);
	work.arg = &gate;
	assert_int_equal(cb_threads_new(1, &t), CB_OK);
	w = cb_threads_workers(t);
	assert_false(cb_threads_is_expecting(t));
	assert_true(w.submit(w.ctx, &work));
	assert_true(cb_threads_is_expecting(t));
	assert_false(is_readable(t, 0));
	open_gate(&gate);
	assert_true(is_readable(t, WAIT_MS));
	assert_true(cb_work_is_done(&work));
	cb_threads_seen(t);
	assert_false(cb_threads_is_expecting(t));
	assert_false(is_readable(t, 0));
	cb_threads_free(t);
}

/* The platform's wait, with nothing else to wait for, ends when the work does. */
static void platform_waits_for_work(void **state)
{
	struct cb_linux *l;
	const struct cb_workers *w;
	unsigned n_run = 0;
	struct cb_work work = { .run = count, .arg = &n_run };

	(void)state;
	assert_int_equal(cb_linux_new(&l), CB_OK);
	w = &cb_linux_platform(l)->workers;
	if (w->n == 0) {
		cb_linux_free(l);
		skip(); /* one processor only */
	}
	assert_in_range(w->n, 1, CB_THREADS_MAX);
	assert_true(w->submit(w->ctx, &work));
	while (!cb_work_is_done(&work))
		cb_linux_wait(l, UINT64_MAX);
	assert_int_equal(n_run, 1);
	cb_linux_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_once),
		cmocka_unit_test(bounded_and_parallel),
		cmocka_unit_test(poll_sees_the_end),
		cmocka_unit_test(platform_waits_for_work),
	};

	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
