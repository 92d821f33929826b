/* SPDX-License-Identifier: MIT */
/* The core's platform on UEFI. */
#include "platform.h"

#include "alloc.h"
#include "clock.h"
#include "disk.h"
#include "memory.h"
#include "net/net.h"
#include "random.h"
#include "vars.h"
#include "worker.h"

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return cb_clock_ms();
}

static enum cb_err wall_clock(void *ctx, int64_t *ret_unix_s)
{
	(void)ctx;
	return cb_clock_wall(ret_unix_s);
}

static enum cb_err random_bytes(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	return cb_random(buf, len);
}

static void show_event(void *ctx, const struct cb_event *event)
{
	cb_screen_event(ctx, event);
}

static uint64_t free_memory(void *ctx)
{
	(void)ctx;
	return cb_memory_look().free_bytes;
}

void cb_platform_init(struct cb_platform *platform, struct cb_screen *screen)
{
	*platform = (struct cb_platform){
		.mem = cb_efi_mem,
		.vars = cb_efi_vars,
		.ctx = screen,
		.now_ms = now_ms,
		.wall_clock = wall_clock,
		.random = random_bytes,
		.event = show_event,
		.free_memory = free_memory,
	};
	cb_net_streams(&platform->net);
	cb_disk_find(&platform->block);
	cb_workers_init(&platform->workers);
}
