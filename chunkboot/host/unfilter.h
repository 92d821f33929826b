/* SPDX-License-Identifier: MIT */
/* Decompressors that say where a compressed stream ends: gzip, xz, lzma, bzip2, zstd, lz4. */
#ifndef CB_HOST_UNFILTER_H
#define CB_HOST_UNFILTER_H

#include "host/scratch.h"

/* zstd windows up to this are accepted, the kernel's own limit. */
#define CB_UNFILTER_ZSTD_WINDOW_LOG 27
/* Memory that an xz or lzma stream may ask for. */
#define CB_UNFILTER_XZ_MEMORY (1ull << 30)

struct cb_unfilter {
	const char *name;
	const char *magic;
	size_t magic_len;
	/*
	 * Decompresses the stream at the front of in (never empty) to the end of out; *ret_used is
	 * its length, all of in at most. ARCHIVE_FORMAT when it is damaged or cut off; IO when out
	 * is full.
	 */
	enum cb_err (*run)(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			   struct cb_error *e);
};

/* The decompressor for what `in` starts with; NULL when it is none of them. */
const struct cb_unfilter *cb_unfilter_find(struct cb_bytes in);

#endif
