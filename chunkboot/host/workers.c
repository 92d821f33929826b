/* SPDX-License-Identifier: MIT */
/* The core's other processors on Linux: a few threads that take pieces of work from one queue. */
#include "host/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cb_threads {
	int fd; /* eventfd: counts what is done and not seen */
	unsigned n;
	uint64_t n_unseen; /* submitted, and its end not seen yet; of the submitting thread */
	pthread_t threads[CB_THREADS_MAX];
	unsigned n_started;
	bool was_started;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t has_work, is_idle;
	struct cb_work *queue[CB_THREADS_MAX_WORK];
	unsigned first, n_queued;
	unsigned n_running;
	bool is_ending;
};

/* processor: threads have no number, one stands for any of them */
static void run(struct cb_threads *t, struct cb_work *work, uint32_t processor)
{
	const uint64_t one = 1;

	cb_work_run(work, processor);
	/* It can't fail: the counter is far from full, and nobody else has the descriptor. */
	while (write(t->fd, &one, sizeof(one)) < 0)
		;
}

/* With the lock held; gives it away meanwhile. */
static void run_first(struct cb_threads *t)
{
	struct cb_work *work = t->queue[t->first];

	t->first = (t->first + 1) % CB_THREADS_MAX_WORK;
	t->n_queued--;
	t->n_running++;
	pthread_mutex_unlock(&t->lock);
	run(t, work, 1);
	pthread_mutex_lock(&t->lock);
	t->n_running--;
	if (t->n_running == 0 && t->n_queued == 0)
		pthread_cond_broadcast(&t->is_idle);
}

static void *serve(void *arg)
{
	struct cb_threads *t = arg;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		if (t->n_queued > 0)
			run_first(t);
		else if (t->is_ending)
			break;
		else
			pthread_cond_wait(&t->has_work, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void start(struct cb_threads *t)
{
	t->was_started = true;
	while (t->n_started < t->n &&
	       pthread_create(&t->threads[t->n_started], NULL, serve, t) == 0)
		t->n_started++;
}

static bool submit(void *ctx, struct cb_work *work)
{
	struct cb_threads *t = ctx;
	bool has_room;

	if (!t->was_started)
		start(t);
	__atomic_store_n(&work->is_done, 0, __ATOMIC_RELAXED);
	if (t->n_started == 0) {
		t->n_unseen++;
		run(t, work, 0);
		return true;
	}
	pthread_mutex_lock(&t->lock);
	has_room = t->n_queued < CB_THREADS_MAX_WORK;
	if (has_room) {
		t->queue[(t->first + t->n_queued++) % CB_THREADS_MAX_WORK] = work;
		pthread_cond_signal(&t->has_work);
	}
	pthread_mutex_unlock(&t->lock);
	t->n_unseen += has_room;
	return has_room;
}

static void drain(void *ctx)
{
	struct cb_threads *t = ctx;

	pthread_mutex_lock(&t->lock);
	while (t->n_queued > 0 || t->n_running > 0)
		pthread_cond_wait(&t->is_idle, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

enum cb_err cb_threads_new(unsigned n, struct cb_threads **ret)
{
	struct cb_threads *t = calloc(1, sizeof(*t));

	if (!t)
		return CB_NO_MEMORY;
	t->n = n < CB_THREADS_MAX ? n : CB_THREADS_MAX;
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->fd < 0) {
		free(t);
		return CB_NO_MEMORY;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->has_work, NULL);
	pthread_cond_init(&t->is_idle, NULL);
	*ret = t;
	return CB_OK;
}

void cb_threads_free(struct cb_threads *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->is_ending = true;
	pthread_cond_broadcast(&t->has_work);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->n_started; i++)
		pthread_join(t->threads[i], NULL);
	pthread_cond_destroy(&t->is_idle);
	pthread_cond_destroy(&t->has_work);
	pthread_mutex_destroy(&t->lock);
	close(t->fd);
	free(t);
}

struct cb_workers cb_threads_workers(struct cb_threads *t)
{
	return (struct cb_workers){ .ctx = t, .n = t->n, .submit = submit, .drain = drain };
}

int cb_threads_fd(const struct cb_threads *t)
{
	return t->fd;
}

bool cb_threads_is_expecting(const struct cb_threads *t)
{
	return t->n_unseen > 0;
}

void cb_threads_seen(struct cb_threads *t)
{
	uint64_t n = 0;

	if (read(t->fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		t->n_unseen -= n;
}
