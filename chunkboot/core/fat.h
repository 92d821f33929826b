/* SPDX-License-Identifier: MIT */
/* Where a file lies on a FAT16 or FAT32 file system, and its bytes as a block device. Changes no metadata. */
#ifndef CB_CORE_FAT_H
#define CB_CORE_FAT_H

#include "core/platform.h"

#define CB_FAT_NAME_LEN 11 /* eight characters and three, upper case, filled with blanks */
#define CB_FAT_MAX_EXTENTS 64 /* a file in more pieces counts as absent */
#define CB_FAT_MAX_ROOT_ENTRIES 65536u

/* A run of blocks of the device that follow each other in the file, too. */
struct cb_fat_extent {
	uint64_t lba, n_blocks;
};

/* A file whose bytes are where the table says; both owned by the caller, device must outlive it. */
struct cb_fat_file {
	struct cb_block device;
	uint64_t n_blocks; /* whole blocks of the file */
	unsigned n;
	struct cb_fat_extent extents[CB_FAT_MAX_EXTENTS];
};

/*
 * Looks in the root directory. The device's blocks must be the file system's sectors (512 to 4,096 bytes).
 * NOT_FOUND: no such file system or file, one that is not whole, or in too many pieces; NO_MEMORY; *ret
 * is worthless then. Nothing on the device is trusted: whatever it says, no block outside its data
 * area is in the table, and none twice.
 */
enum cb_err cb_fat_find(const struct cb_mem *mem, const struct cb_block *device,
			const char name[CB_FAT_NAME_LEN], struct cb_fat_file *ret);

/* The file as a device of its own: nothing but its blocks is read or written. file outlives it. */
struct cb_block cb_fat_block(struct cb_fat_file *file);

#endif
