/* SPDX-License-Identifier: MIT */
/* The cache's partition on a GPT disk or an image of one: finding it, and making it in free space. */
#ifndef CB_HOST_PARTITION_H
#define CB_HOST_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "host/error.h"

#define CB_PARTITION_NAME "chunkboot-cache"

struct cb_partition {
	uint64_t at, len; /* bytes on the disk */
	unsigned number; /* as people count, from 1 */
};

/* The first partition of type CB_CACHE_GUID. NOT_FOUND: none, or no GPT; IO. */
enum cb_err cb_partition_find(const char *disk, struct cb_partition *ret, struct cb_error *e);
/*
 * Adds one of `size` bytes (0: as large as the largest free space) and tells the kernel; other
 * partitions stay as they are. EXISTS: there is one; USAGE: no GPT, or not so much free space; IO.
 */
enum cb_err cb_partition_add(const char *disk, uint64_t size, bool is_dry_run,
			     struct cb_partition *ret, struct cb_error *e);

#endif
