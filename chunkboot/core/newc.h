/* SPDX-License-Identifier: MIT */
/* cpio "newc" archives (Linux Documentation/driver-api/early-userspace/buffer-format.rst). */
#ifndef CB_CORE_NEWC_H
#define CB_CORE_NEWC_H

#include "core/bytes.h"
#include "core/err.h"
#include "core/mem.h"

#define CB_NEWC_HEADER_LEN 110
#define CB_NEWC_TRAILER "TRAILER!!!" /* the name that ends an archive */
#define CB_NEWC_MAX_NAME 4096 /* bytes of a path with its NUL, as the kernel has it */

struct cb_newc_entry {
	uint32_t ino, mode, uid, gid, nlink, mtime, dev_major, dev_minor, rdev_major, rdev_minor;
	struct cb_bytes name; /* without NUL */
	struct cb_bytes data;
	size_t header_at; /* offset of the header in the archive */
};

/*
 * Walks one or several concatenated archives with zero padding of any length between them. Set
 * `archive`, zero the rest. Magics 070701 and 070702 (whose check sum is not checked).
 */
struct cb_newc_reader {
	struct cb_bytes archive;
	size_t at; /* of what is read next */
	size_t base; /* start of the current archive: alignment counts from there */
	bool is_new; /* a trailer was read: what follows is another archive */
};

/*
 * Next entry, trailers included; its spans lead into the archive. ARCHIVE_FORMAT, nothing changed
 * then; *ret_is_end at a clean end, *ret untouched then.
 */
enum cb_err cb_newc_next(struct cb_newc_reader *r, struct cb_newc_entry *ret, bool *ret_is_end);

/*
 * Rewrites headers in place so that equal content has equal bytes: device numbers 0, c_ino 0 except
 * in hard-link groups (non-directories with nlink >= 2), where it is derived from the group's first
 * path (unique in its archive, never 0), link counts of directories at most 1. Times stay.
 * Normalising twice changes nothing more. ARCHIVE_FORMAT, NO_MEMORY: not a byte has changed.
 */
enum cb_err cb_newc_normalise(const struct cb_mem *mem, uint8_t *archive, size_t len);

/* Sets the times of directories to 0. ARCHIVE_FORMAT: not a byte has changed. */
enum cb_err cb_newc_clear_directory_times(uint8_t *archive, size_t len);

/*
 * Writes entries into a fixed buffer; a too small one is an error at the end, never an overrun. Set
 * `out` and `max`, zero the rest.
 */
struct cb_newc_writer {
	uint8_t *out;
	size_t max, len;
	bool overflowed;
};

/* Regular file or directory (data empty), mode with type bits, uid = gid = mtime = 0. */
void cb_newc_add(struct cb_newc_writer *w, const char *name, uint32_t mode, struct cb_bytes data);
/* Trailer and padding to a multiple of 4. NO_MEMORY when it overflowed. */
enum cb_err cb_newc_finish(struct cb_newc_writer *w, size_t *ret_len);
/* Bytes that one entry takes. */
size_t cb_newc_entry_len(size_t name_len, size_t data_len);

#endif
