/* SPDX-License-Identifier: MIT */
/* An initramfs file as the kernel would see it after decompression, ready for cutting. */
#ifndef CB_HOST_UNPACK_H
#define CB_HOST_UNPACK_H

#include "host/scratch.h"

#define CB_UNPACK_MAX (16ull << 30) /* bytes of an unpacked initramfs, unless told less or more */
#define CB_UNPACK_MAX_PARTS 4096 /* archives in one file */

/*
 * `file` is any sequence of newc archives, plain or compressed (gzip, xz, lzma, bzip2, zstd, lz4
 * and its legacy form) with zeroes between them, as Linux takes it (Documentation/driver-api/
 * early-userspace/buffer-format.rst). They are appended to out in this order, unpacked, each at and
 * up to a multiple of 4: an early microcode archive stays in front. Headers are then normalised
 * (core/newc.h). `name` is for error messages. ARCHIVE_FORMAT for anything that is no newc archive
 * after decompression, and for an empty file; IO beyond out->max; NO_MEMORY.
 */
enum cb_err cb_unpack_initrd(const char *name, struct cb_bytes file, struct cb_scratch *out,
			     struct cb_error *e);

#endif
