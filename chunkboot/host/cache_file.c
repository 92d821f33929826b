/* SPDX-License-Identifier: MIT */
/* A cache in a file or on a block device, through the page cache. */
#include "host/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/heap.h"
#include "host/partition.h"

/* ---- The block device ---- */

static int fd_of(const struct cb_cache_file *f)
{
	return f->fd - 1;
}

static off_t place_of(const struct cb_cache_file *f, uint64_t lba)
{
	return (off_t)(f->at + lba * CB_CACHE_PAGE);
}

static enum cb_err file_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	off_t at = place_of(ctx, lba);

	while (len > 0) {
		ssize_t n = pread(fd_of(ctx), buf, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return CB_IO;
		buf += n;
		len -= (size_t)n;
		at += n;
	}
	return CB_OK;
}

static enum cb_err file_write(void *ctx, uint64_t lba, const uint8_t *buf, size_t len)
{
	off_t at = place_of(ctx, lba);

	while (len > 0) {
		ssize_t n = pwrite(fd_of(ctx), buf, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return CB_IO;
		buf += n;
		len -= (size_t)n;
		at += n;
	}
	return CB_OK;
}

static enum cb_err file_flush(void *ctx)
{
	return fdatasync(fd_of(ctx)) == 0 ? CB_OK : CB_IO;
}

struct cb_block cb_cache_file_block(struct cb_cache_file *f)
{
	return (struct cb_block){ f,	     CB_CACHE_PAGE, f->len / CB_CACHE_PAGE,
				  file_read, file_write,    file_flush };
}

/* ---- Opening ---- */

/* O_EXCL: a block device that is mounted or otherwise in use is busy (open(2)). */
enum cb_err cb_cache_file_open_fd(const char *path, bool is_writer, struct cb_cache_file *ret,
				  struct cb_error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return cb_fail_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return cb_fail(e, CB_USAGE, "%s is neither a file nor a block device", path);
	int flags = (is_writer ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	int fd = open(path, flags | (S_ISBLK(st.st_mode) && is_writer ? O_EXCL : 0));
	if (fd < 0 && errno == EBUSY) {
		enum cb_err err = cb_fail_errno(e, "%s is mounted or in use", path);
		cb_fail_hint(e, "name another device; 'lsblk' lists them");
		return err;
	}
	if (fd < 0)
		return cb_fail_errno(e, "%s", path);
	ret->fd = fd + 1;
	if (flock(fd, (is_writer ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
		enum cb_err err = cb_fail_errno(e, "%s", path);
		cb_fail_hint(e, "another chunkboot uses this cache; wait for it to end");
		return err;
	}
	ret->len = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &ret->len) != 0)
		return cb_fail_errno(e, "%s", path);
	return CB_OK;
}

/* In the image of a disk it is the partition in there. */
static enum cb_err enter_image(const char *path, struct cb_cache_file *f, struct cb_error *e)
{
	struct cb_partition partition;
	struct stat st;
	char sign[8];

	if (fstat(fd_of(f), &st) != 0 || !S_ISREG(st.st_mode) ||
	    pread(fd_of(f), sign, sizeof(sign), 512) != sizeof(sign) ||
	    memcmp(sign, "EFI PART", sizeof(sign)) != 0)
		return CB_OK;
	enum cb_err err = cb_partition_find(path, &partition, e);
	if (err == CB_OK) {
		f->at = partition.at;
		f->len = partition.len;
	}
	return err;
}

enum cb_err cb_cache_file_open(const char *path, bool is_writer, struct cb_cache_file *ret,
			       struct cb_error *e)
{
	enum cb_err err = cb_cache_file_open_fd(path, is_writer, ret, e);
	struct cb_block block;

	if (err == CB_OK)
		err = enter_image(path, ret, e);
	block = cb_cache_file_block(ret);
	if (err == CB_OK && cb_cache_new(&cb_heap, &block, &ret->cache) != CB_OK)
		err = cb_fail(e, CB_NO_MEMORY, "%s", path);
	if (err != CB_OK)
		return err;
	while (cb_cache_step(ret->cache) == CB_CACHE_OPENING)
		;
	if (cb_cache_state(ret->cache) == CB_CACHE_OPEN)
		return CB_OK;
	err = cb_fail(e, CB_NOT_FOUND, "%s has no cache in it", path);
	cb_fail_hint(e, "'chunkboot cache create' makes one");
	return err;
}

void cb_cache_file_done(struct cb_cache_file *f)
{
	cb_cache_free(f->cache);
	if (f->fd > 0)
		close(fd_of(f));
	*f = (struct cb_cache_file){ 0 };
}
