/* SPDX-License-Identifier: MIT */
/*
 * Memory in one piece for what the kernel will ask for. A kernel that randomizes its place (Linux' KASLR) goes anywhere
 * in free memory, also into the midst of the largest piece; so the room is held until the kernel sits and asks.
 */
#ifndef CB_EFI_ROOM_H
#define CB_EFI_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct cb_room {
	uint64_t at; /* physical address */
	size_t n_pages; /* 0: nothing is held */
};

/* Wherever a kernel goes, len bytes stay in one piece. */
bool cb_room_is_ample(size_t len);
/* Holds len bytes, unless room is ample. MEMORY_SHORT: there is no such piece. */
enum cb_err cb_room_hold(struct cb_room *room, size_t len);
/* Gives back what is held; fine on a zeroed room and twice. */
void cb_room_release(struct cb_room *room);

#endif
