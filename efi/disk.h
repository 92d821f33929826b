/* SPDX-License-Identifier: MIT */
/* The cache's place on the machine's disks: a partition of its own, or a file on an EFI system partition. */
#ifndef CB_EFI_DISK_H
#define CB_EFI_DISK_H

#include "core/platform.h"

#define CB_DISK_FILE_NAME "CBCACHE BIN" /* in the root directory: cbcache.bin */

/*
 * Looks through the firmware's block devices: first partitions of type CB_CACHE_GUID, then the file, on the
 * partition that the loader came from before others. The first with a cache in it counts; of equals one
 * that may be written. ret->ctx is NULL where there is none. Once, when drivers are connected.
 */
void cb_disk_find(struct cb_block *ret);

#endif
