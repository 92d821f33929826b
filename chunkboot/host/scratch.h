/* SPDX-License-Identifier: MIT */
/* A growing mapped file without a name: room for what may be larger than memory. */
#ifndef CB_HOST_SCRATCH_H
#define CB_HOST_SCRATCH_H

#include "host/files.h"

struct cb_scratch {
	int fd_plus_1;
	uint8_t *p; /* moves when it grows */
	size_t len; /* bytes in use */
	size_t room; /* bytes mapped */
	size_t max; /* len never exceeds it */
};

/* dir: where the file system has the space; nothing of it shows there. IO. */
enum cb_err cb_scratch_open(const char *dir, size_t max, struct cb_scratch *ret,
			    struct cb_error *e);
/* Frees; a zeroed one is fine. */
void cb_scratch_done(struct cb_scratch *s);

/*
 * Makes n bytes behind s->len writable, all on allocated disk blocks. When that would exceed max,
 * fewer: *ret_n is what there is, 0 at the limit. IO (no space left on device), NO_MEMORY.
 */
enum cb_err cb_scratch_reserve(struct cb_scratch *s, size_t n, size_t *ret_n, struct cb_error *e);
/* Appends bytes; IO with EFBIG beyond max. */
enum cb_err cb_scratch_add(struct cb_scratch *s, struct cb_bytes bytes, struct cb_error *e);
/* Appends zeroes up to a multiple of 4. */
enum cb_err cb_scratch_pad4(struct cb_scratch *s, struct cb_error *e);
/* The failure for a scratch that is full. */
enum cb_err cb_scratch_full(const struct cb_scratch *s, struct cb_error *e);

#endif
