/* SPDX-License-Identifier: MIT */
/* The core's other processors on Linux: a few threads that take pieces of work from one queue. */
#ifndef CB_HOST_WORKERS_H
#define CB_HOST_WORKERS_H

#include "core/platform.h"

#define CB_THREADS_MAX 4
#define CB_THREADS_MAX_WORK 64 /* submitted and not begun; submit answers false then */

struct cb_threads; /* opaque */

/*
 * Up to n threads (at most CB_THREADS_MAX); none runs before the first submit. Where not a single
 * one can be started, submit does the work itself. NO_MEMORY also stands for no file descriptor.
 */
enum cb_err cb_threads_new(unsigned n, struct cb_threads **ret);
/* Does what was submitted, ends the threads. NULL is fine. */
void cb_threads_free(struct cb_threads *t);
/* The interface; valid until cb_threads_free. */
struct cb_workers cb_threads_workers(struct cb_threads *t);

/* A descriptor to poll for reading: a piece of work is done since cb_threads_seen. */
int cb_threads_fd(const struct cb_threads *t);
/* True while work is under way, or done and not seen yet. */
bool cb_threads_is_expecting(const struct cb_threads *t);
/* Takes note of what is done by now, so that the descriptor falls silent. */
void cb_threads_seen(struct cb_threads *t);

#endif
