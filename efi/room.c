/* SPDX-License-Identifier: MIT */
/* Memory in one piece for what the kernel will ask for. */
#include "room.h"

#include "memory.h"
#include "uefi.h"

/* What a kernel takes until then: the loaded file, itself decompressed, its tables. Debian's: 66 MiB. */
#define KERNEL_MAX (256ull << 20)

bool cb_room_is_ample(size_t len)
{
	uint64_t largest = cb_memory_look().largest;

	/* It cuts the largest piece in two, and the larger one of these has to do. */
	return largest > KERNEL_MAX && (largest - KERNEL_MAX) / 2 >= len;
}

enum cb_err cb_room_hold(struct cb_room *room, size_t len)
{
	EFI_PHYSICAL_ADDRESS at = 0;
	size_t n_pages = len / CB_EFI_PAGE_LEN + 1;

	if (cb_room_is_ample(len))
		return CB_OK;
	if (EFI_ERROR(cb_uefi.bs->AllocatePages(AllocateAnyPages, EfiLoaderData, n_pages, &at)))
		return CB_MEMORY_SHORT;
	*room = (struct cb_room){ .at = at, .n_pages = n_pages };
	return CB_OK;
}

void cb_room_release(struct cb_room *room)
{
	if (room->n_pages > 0)
		cb_uefi.bs->FreePages(room->at, room->n_pages);
	*room = (struct cb_room){ 0 };
}
