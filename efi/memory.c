/* SPDX-License-Identifier: MIT */
/* What the firmware's memory map says about free memory. */
#include "memory.h"

#include <stdlib.h>

#include "uefi.h"

#define MAP_SLACK CB_EFI_PAGE_LEN /* the map may grow by the allocation that holds it */

static struct cb_memory sum_up(const uint8_t *map, size_t len, size_t item_len)
{
	struct cb_memory sum = { 0 };

	if (item_len < sizeof(EFI_MEMORY_DESCRIPTOR))
		return sum;
	for (; len >= item_len; map += item_len, len -= item_len) {
		const EFI_MEMORY_DESCRIPTOR *item =
			(const EFI_MEMORY_DESCRIPTOR *)(const void *)map;
		uint64_t piece = item->NumberOfPages * CB_EFI_PAGE_LEN;

		if (item->Type != EfiConventionalMemory)
			continue;
		sum.free_bytes += piece;
		if (piece > sum.largest)
			sum.largest = piece;
	}
	return sum;
}

struct cb_memory cb_memory_look(void)
{
	struct cb_memory sum = { 0 };
	UINTN len = 0, key, item_len = 0;
	UINT32 version;
	uint8_t *map;

	if (cb_uefi.bs->GetMemoryMap(&len, NULL, &key, &item_len, &version) != EFI_BUFFER_TOO_SMALL)
		return sum;
	len += MAP_SLACK;
	map = malloc(len);
	if (!map)
		return sum;
	if (!EFI_ERROR(cb_uefi.bs->GetMemoryMap(&len, (EFI_MEMORY_DESCRIPTOR *)(void *)map, &key,
						&item_len, &version)))
		sum = sum_up(map, len, item_len);
	free(map);
	return sum;
}
