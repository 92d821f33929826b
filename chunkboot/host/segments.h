/* SPDX-License-Identifier: MIT */
/* The files of an image as the byte strings that will be cut: checked, initramfs unpacked. */
#ifndef CB_HOST_SEGMENTS_H
#define CB_HOST_SEGMENTS_H

#include <time.h>

#include "core/manifest.h"
#include "host/scratch.h"

#define CB_SEGMENTS_MAX_INITRDS (CB_MANIFEST_MAX_SEGMENTS - 1)

struct cb_segments_params {
	enum cb_image_kind kind; /* CB_KIND_LINUX or CB_KIND_EFI */
	const char *main_file; /* kernel or application */
	const char *const *initrds; /* linux only, in order */
	unsigned n_initrds;
	bool is_exact; /* initrds as they are: neither unpacked nor normalised */
	bool has_no_directory_times; /* where they are normalised, in this, too */
	uint64_t budget_bytes; /* of all segments together */
	const char *scratch_dir; /* where unpacked archives find room */
};

/* What a file was when it was opened. */
struct cb_file_state {
	const char *path;
	uint64_t device, inode, len;
	struct timespec modified;
};

struct cb_segments {
	unsigned n;
	struct cb_bytes bytes[CB_MANIFEST_MAX_SEGMENTS];
	uint16_t flags[CB_MANIFEST_MAX_SEGMENTS]; /* CB_SEGMENT_* */
	enum cb_arch arch;
	unsigned n_files;
	struct cb_file_state files[CB_MANIFEST_MAX_SEGMENTS];
	struct cb_map maps[CB_MANIFEST_MAX_SEGMENTS];
	struct cb_scratch scratches[CB_MANIFEST_MAX_SEGMENTS];
};

/*
 * Opens everything that params names (its strings are kept). Zero *ret before, cb_segments_done in
 * every case. NOT_FOUND, IO (also beyond the budget), KERNEL_OLD, LOADER_FORMAT, ARCHIVE_FORMAT.
 */
enum cb_err cb_segments_open(const struct cb_segments_params *params, struct cb_segments *ret,
			     struct cb_error *e);
/* IO when one of the files is not what it was: to be asked after the last use of the bytes. */
enum cb_err cb_segments_check(const struct cb_segments *s, struct cb_error *e);
void cb_segments_done(struct cb_segments *s);

#endif
