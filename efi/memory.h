/* SPDX-License-Identifier: MIT */
/* What the firmware's memory map says about free memory (UEFI 2.10 §7.2.3). */
#ifndef CB_EFI_MEMORY_H
#define CB_EFI_MEMORY_H

#include <stdint.h>

#define CB_EFI_PAGE_LEN 4096u /* of the firmware's allocations, on every processor */

struct cb_memory {
	uint64_t free_bytes; /* all that is free */
	uint64_t largest; /* bytes of its largest piece */
};

/* All zero where the firmware does not tell, or there is no room for its map. */
struct cb_memory cb_memory_look(void);

#endif
