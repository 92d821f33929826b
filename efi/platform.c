/* SPDX-License-Identifier: MIT */
/* The core's platform on UEFI. */
#include "platform.h"

#include <stdlib.h>

#include "alloc.h"
#include "clock.h"
#include "disk.h"
#include "net/net.h"
#include "random.h"
#include "uefi.h"
#include "vars.h"
#include "worker.h"

#define PAGE_LEN 4096u
#define MAP_SLACK 4096u /* the map may grow by the allocation that holds it */

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

static uint64_t sum_free(const uint8_t *map, size_t len, size_t item_len)
{
	uint64_t n_pages = 0;

	if (item_len < sizeof(EFI_MEMORY_DESCRIPTOR))
		return 0;
	for (; len >= item_len; map += item_len, len -= item_len) {
		const EFI_MEMORY_DESCRIPTOR *item =
			(const EFI_MEMORY_DESCRIPTOR *)(const void *)map;

		if (item->Type == EfiConventionalMemory)
			n_pages += item->NumberOfPages;
	}
	return n_pages * PAGE_LEN;
}

static uint64_t free_memory(void *ctx)
{
	UINTN len = 0, key, item_len = 0;
	UINT32 version;
	uint64_t sum = 0;
	uint8_t *map;

	(void)ctx;
	if (cb_uefi.bs->GetMemoryMap(&len, NULL, &key, &item_len, &version) != EFI_BUFFER_TOO_SMALL)
		return 0;
	len += MAP_SLACK;
	map = malloc(len);
	if (!map)
		return 0;
	if (!EFI_ERROR(cb_uefi.bs->GetMemoryMap(&len, (EFI_MEMORY_DESCRIPTOR *)(void *)map, &key,
						&item_len, &version)))
		sum = sum_free(map, len, item_len);
	free(map);
	return sum;
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
