/* SPDX-License-Identifier: MIT */
/* Our allocator over the firmware's pages: the firmware's own pool is slow. */
#ifndef CB_EFI_ALLOC_H
#define CB_EFI_ALLOC_H

#include "core/mem.h"

/* The core's memory interface; malloc, calloc and free of <stdlib.h> are the same allocator. */
extern const struct cb_mem cb_efi_mem;

/* Overwrites all memory that is free but still ours. */
void cb_alloc_wipe_free(void);
/* Gives cached pages back to the firmware, wiped. */
void cb_alloc_trim(void);

#endif
