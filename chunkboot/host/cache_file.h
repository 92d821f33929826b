/* SPDX-License-Identifier: MIT */
/* A cache in a file or on a block device: opening it, making it, and refusing what is not ours. */
#ifndef CB_HOST_CACHE_FILE_H
#define CB_HOST_CACHE_FILE_H

#include "core/cache.h"
#include "host/error.h"

/* Zero it; `cache` is there after cb_cache_file_open. */
struct cb_cache_file {
	int fd; /* plus 1; 0: none */
	uint64_t at, len; /* bytes of the file that are the cache */
	struct cb_cache *cache;
};

/*
 * Opens the cache in a file, in the image of a GPT disk or on a device; locked, for a writer exclusively. Waits for nobody.
 * NOT_FOUND (also for what is no cache), BUSY (also for a mounted device), IO, NO_MEMORY.
 */
enum cb_err cb_cache_file_open(const char *path, bool is_writer, struct cb_cache_file *ret,
			       struct cb_error *e);
/* Does not commit. Fine on a zeroed one. */
void cb_cache_file_done(struct cb_cache_file *f);
/* The same without looking at what is in it. */
enum cb_err cb_cache_file_open_fd(const char *path, bool is_writer, struct cb_cache_file *ret,
				  struct cb_error *e);
/* Its bytes as a device; valid while f is open and does not move. */
struct cb_block cb_cache_file_block(struct cb_cache_file *f);

struct cb_cache_create {
	const char *path;
	uint64_t size; /* of a new file; 0: there is one already, or a device */
	bool is_partition; /* path is a GPT disk: in a new partition of `size`, 0: all free space */
	bool is_overwriting; /* whatever is there, unless it is something that we know */
	bool is_dry_run;
};

/*
 * Makes an empty cache. A file that is missing is made with `size` bytes, all of them reserved. EXISTS
 * when there is something in the file or on the device: never overwritten when it is mounted, or has
 * the signature of a file system, partition table or the like; an older cache or unknown bytes only
 * with is_overwriting. *ret_len gets its size. USAGE, NOT_FOUND, BUSY, IO.
 */
enum cb_err cb_cache_file_create(const struct cb_cache_create *how, uint64_t *ret_len,
				 struct cb_error *e);

#endif
