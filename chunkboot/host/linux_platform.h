/* SPDX-License-Identifier: MIT */
/* The core's platform on Linux: non-blocking sockets, malloc, the kernel's clocks and randomness. */
#ifndef CB_HOST_LINUX_PLATFORM_H
#define CB_HOST_LINUX_PLATFORM_H

#include "core/platform.h"

struct cb_linux; /* opaque */

/*
 * Variables and block device are absent (reads answer NOT_FOUND); events go nowhere. The processors
 * that this process may use, but one, are workers, at most 4. NO_MEMORY.
 */
enum cb_err cb_linux_new(struct cb_linux **ret);
/* Streams must have been closed. Submitted work is done before it returns. NULL is fine. */
void cb_linux_free(struct cb_linux *l);
/* The platform, valid until cb_linux_free. */
const struct cb_platform *cb_linux_platform(struct cb_linux *l);
/* Sends events to fn (may be NULL). */
void cb_linux_on_event(struct cb_linux *l, void (*fn)(void *ctx, const struct cb_event *event),
		       void *ctx);
/*
 * Waits until a socket has something to do, a worker has done its work or wake_ms has come (as now_ms
 * counts; UINT64_MAX: no timer), and moves what the kernel holds into the streams' buffers. Call it between steps: with wake_ms in the
 * past it only polls.
 */
void cb_linux_wait(struct cb_linux *l, uint64_t wake_ms);

#endif
