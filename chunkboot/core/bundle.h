/* SPDX-License-Identifier: MIT */
/* Reader of metadata/bundle.cbb: the newest metadata in one file (docs/FORMATS-metadata.md). */
#ifndef CB_CORE_BUNDLE_H
#define CB_CORE_BUNDLE_H

#include "core/bytes.h"
#include "core/err.h"

#define CB_BUNDLE_PATH "metadata/bundle.cbb"
#define CB_BUNDLE_DIRECTORY "metadata/" /* of the files in it; their names there are without */
#define CB_BUNDLE_MAGIC "CBBUNDL1"
#define CB_BUNDLE_HEAD_LEN 12 /* magic, u32 number of files */
#define CB_BUNDLE_MAX_FILES 68 /* 64 roots and the four other roles */
#define CB_BUNDLE_MAX_LEN 524288
#define CB_BUNDLE_MAX_ROOTS_LEN 175104 /* then the four at their largest fit, too */

struct cb_bundle_file {
	struct cb_bytes name; /* below metadata/, such as 2.root.json; any bytes */
	struct cb_bytes bytes;
};

/* Nothing in it is trusted. */
struct cb_bundle {
	unsigned n;
	struct cb_bundle_file files[CB_BUNDLE_MAX_FILES];
};

/* META_LIMIT (length, number of files), META_FORMAT; *ret untouched then. Spans lead into `bytes`. */
enum cb_err cb_bundle_parse(struct cb_bytes bytes, struct cb_bundle *ret);
/* The first file of that name below the repository ("metadata/2.root.json"); false when absent. */
bool cb_bundle_find(const struct cb_bundle *bundle, const char *path, struct cb_bytes *ret);

#endif
