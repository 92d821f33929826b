/* SPDX-License-Identifier: MIT */
/* casync chunk store: store.castr/abcd/<64 hex digits>.cacnk, one zstd frame each. */
#ifndef CB_HOST_STORE_H
#define CB_HOST_STORE_H

#include "core/manifest.h"
#include "host/files.h"

/* A repository's store. All functions may be called by several threads, for different ids. */
struct cb_store {
	char path[CB_PATH_MAX]; /* REPO/store.castr */
	int fd_plus_1; /* of that directory; 0: it does not exist (yet) */
};

/* Opens REPO/store.castr; makes it with `create`, else a missing one is an empty store. */
enum cb_err cb_store_open(const char *repo, bool create, struct cb_store *ret, struct cb_error *e);
void cb_store_done(struct cb_store *s);

/*
 * Reads the chunk file of id into buf[max]. NOT_FOUND without a note in *e when there is none;
 * CHUNK_HASH when it is larger than max, IO.
 */
enum cb_err cb_store_read(const struct cb_store *s, const uint8_t id[CB_DIGEST_LEN], uint8_t *buf,
			  size_t max, size_t *ret_len, struct cb_error *e);
/*
 * Writes the chunk file in one step (temporary file, rename), replacing what is there. Not on disk
 * before cb_store_sync. One writer a store: the caller holds the repository's lock.
 */
enum cb_err cb_store_write(const struct cb_store *s, const uint8_t id[CB_DIGEST_LEN],
			   struct cb_bytes stored, struct cb_error *e);
/* Everything written so far reaches the disk: once before the manifest is, not once a chunk. */
enum cb_err cb_store_sync(const struct cb_store *s, struct cb_error *e);

#endif
