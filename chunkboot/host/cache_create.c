/* SPDX-License-Identifier: MIT */
/* Makes an empty cache, where nothing is that anybody might miss. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "host/cache_file.h"
#include "host/heap.h"
#include "host/partition.h"

#define LOOK_LEN (1u << 20) /* bytes at the beginning that are looked at for foreign content */

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
	ssize_t n = pread(f->fd - 1, bytes, sizeof(bytes), 0);

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
	struct cb_block block = cb_cache_file_block(f);

	randombytes_buf(id, sizeof(id));
	enum cb_err err = cb_cache_format(&cb_heap, &block, 0, id);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", how->path);
}

/* Nothing can be there: the space was free. */
static enum cb_err create_partition(const struct cb_cache_create *how, uint64_t *ret_len,
				    struct cb_error *e)
{
	struct cb_partition partition;
	struct cb_cache_file f = { 0 };
	enum cb_err err = cb_partition_add(how->path, how->size, how->is_dry_run, &partition, e);

	if (err != CB_OK)
		return err;
	*ret_len = partition.len;
	if (how->is_dry_run)
		return CB_OK;
	f.fd = open(how->path, O_RDWR | O_CLOEXEC) + 1;
	if (f.fd == 0)
		return cb_fail_errno(e, "%s", how->path);
	f.at = partition.at;
	f.len = partition.len;
	err = format(how, &f, e);
	cb_cache_file_done(&f);
	return err;
}

enum cb_err cb_cache_file_create(const struct cb_cache_create *how, uint64_t *ret_len,
				 struct cb_error *e)
{
	if (how->is_partition)
		return create_partition(how, ret_len, e);
	struct cb_cache_file f = { .len = how->size };
	bool is_new = access(how->path, F_OK) != 0 && errno == ENOENT;
	enum cb_err err = is_new ? make_file(how, e) : CB_OK;

	if (err == CB_OK && !(is_new && how->is_dry_run))
		err = cb_cache_file_open_fd(how->path, /*is_writer=*/true, &f, e);
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
