/* SPDX-License-Identifier: MIT */
/* A cache in a file or on a block device, through the page cache. */
#include "host/cache_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/heap.h"

#define LOOK_LEN (1u << 20) /* bytes at the beginning that are looked at for foreign content */

/* ---- The block device ---- */

static int fd_of(const struct cb_cache_file *f)
{
	return f->fd - 1;
}

static enum cb_err file_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	off_t at = (off_t)(lba * CB_CACHE_PAGE);

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
	off_t at = (off_t)(lba * CB_CACHE_PAGE);

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

static struct cb_block block_of(struct cb_cache_file *f)
{
	return (struct cb_block){ f,	     CB_CACHE_PAGE, f->len / CB_CACHE_PAGE,
				  file_read, file_write,    file_flush };
}

/* ---- Opening ---- */

/* O_EXCL: a block device that is mounted or otherwise in use is busy (open(2)). */
static enum cb_err open_fd(const char *path, bool is_writer, struct cb_cache_file *ret,
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
		enum cb_err err = cb_fail(e, CB_BUSY, "%s is mounted or in use", path);
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

enum cb_err cb_cache_file_open(const char *path, bool is_writer, struct cb_cache_file *ret,
			       struct cb_error *e)
{
	enum cb_err err = open_fd(path, is_writer, ret, e);
	struct cb_block block = block_of(ret);

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

/* ---- What is there already ---- */

struct signature {
	uint32_t at;
	uint32_t len;
	const char *bytes;
	const char *name;
};

static const struct signature signatures[] = {
	{ 512, 8, "EFI PART", "a GPT partition table" },
	{ 4096, 8, "EFI PART", "a GPT partition table" },
	{ 1080, 2, "\x53\xef", "an ext2/3/4 file system" },
	{ 0, 4, "XFSB", "an XFS file system" },
	{ 65600, 8, "_BHRfS_M", "a btrfs file system" },
	{ 1024, 4, "\x10\x20\xf5\xf2", "an F2FS file system" },
	{ 0, 6, "LUKS\xba\xbe", "a LUKS volume" },
	{ 4086, 10, "SWAPSPACE2", "swap space" },
	{ 512, 8, "LABELONE", "an LVM volume" },
	{ 4096, 4, "\xfc\x4e\x2b\xa9", "a RAID member" },
	{ 0, 4, "\xfc\x4e\x2b\xa9", "a RAID member" },
	{ 3, 8, "NTFS    ", "an NTFS file system" },
	{ 3, 8, "EXFAT   ", "an exFAT file system" },
	{ 54, 3, "FAT", "a FAT file system" },
	{ 82, 3, "FAT", "a FAT file system" },
	{ 32769, 5, "CD001", "an ISO 9660 file system" },
	{ 0, 4, "hsqs", "a squashfs file system" },
	{ 0, 4, "QFI\xfb", "a QEMU disk image" },
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "a program" },
	{ 510, 2, "\x55\xaa", "a boot sector or partition table" },
};

static const char *known_content(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		const struct signature *s = &signatures[i];
		if (s->at + s->len <= len && memcmp(bytes + s->at, s->bytes, s->len) == 0)
			return s->name;
	}
	return NULL;
}

static enum cb_err check_content(const struct cb_cache_create *how, const struct cb_cache_file *f,
				 struct cb_error *e)
{
	static uint8_t bytes[LOOK_LEN];
	ssize_t n = pread(fd_of(f), bytes, sizeof(bytes), 0);

	if (n < 0)
		return cb_fail_errno(e, "%s", how->path);
	const char *known = known_content(bytes, (size_t)n);
	bool is_cache = n >= 8 && memcmp(bytes, "CBCACHE1", 8) == 0;
	if (known != NULL && !is_cache) {
		enum cb_err err = cb_fail(e, CB_EXISTS, "%s holds %s", how->path, known);
		cb_fail_hint(e, "if it may go, 'wipefs --all' removes the signature");
		return err;
	}
	if (how->is_overwriting || sodium_is_zero(bytes, (size_t)n))
		return CB_OK;
	enum cb_err err = cb_fail(e, CB_EXISTS, "%s %s", how->path,
				  is_cache ? "is a cache already" : "is not empty");
	cb_fail_hint(e, "--yes overwrites it");
	return err;
}

/* ---- Making one ---- */

static enum cb_err make_file(const struct cb_cache_create *how, struct cb_error *e)
{
	if (how->size == 0) {
		enum cb_err err = cb_fail(e, CB_NOT_FOUND, "%s", how->path);
		cb_fail_hint(e, "--size BYTES makes a file; a device must be there");
		return err;
	}
	if (how->is_dry_run)
		return CB_OK;
	int fd = open(how->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cb_fail_errno(e, "%s", how->path);
	int number = posix_fallocate(fd, 0, (off_t)how->size);
	close(fd);
	if (number == 0)
		return CB_OK;
	unlink(how->path);
	errno = number;
	return cb_fail_errno(e, "%s", how->path);
}

static enum cb_err format(const struct cb_cache_create *how, struct cb_cache_file *f,
			  struct cb_error *e)
{
	uint8_t id[CB_CACHE_ID_LEN];
	struct cb_block block = block_of(f);

	randombytes_buf(id, sizeof(id));
	enum cb_err err = cb_cache_format(&cb_heap, &block, 0, id);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", how->path);
}

enum cb_err cb_cache_file_create(const struct cb_cache_create *how, uint64_t *ret_len,
				 struct cb_error *e)
{
	struct cb_cache_file f = { .len = how->size };
	bool is_new = access(how->path, F_OK) != 0 && errno == ENOENT;
	enum cb_err err = is_new ? make_file(how, e) : CB_OK;

	if (err == CB_OK && !(is_new && how->is_dry_run))
		err = open_fd(how->path, /*is_writer=*/true, &f, e);
	if (err == CB_OK && !is_new)
		err = check_content(how, &f, e);
	if (err == CB_OK && f.len < CB_CACHE_MIN_LEN)
		err = cb_fail(e, CB_USAGE, "%s is too small: a cache takes %u bytes at least",
			      how->path, CB_CACHE_MIN_LEN);
	if (err == CB_OK && !how->is_dry_run)
		err = format(how, &f, e);
	*ret_len = f.len;
	cb_cache_file_done(&f);
	if (err != CB_OK && is_new && !how->is_dry_run)
		unlink(how->path);
	return err;
}
