/* SPDX-License-Identifier: MIT */
/* Files of a repository that nothing listed needs: found, then removed. */
#ifndef CB_HOST_GARBAGE_H
#define CB_HOST_GARBAGE_H

#include "host/chunk_set.h"

enum cb_garbage_kind {
	CB_GARBAGE_METADATA, /* N.snapshot.json, N.targets.json, N.accounts.json of other versions */
	CB_GARBAGE_MANIFEST,
	CB_GARBAGE_INDEX,
	CB_GARBAGE_CHUNK,
	CB_GARBAGE_LEFTOVER, /* temporary files of a writer that was killed */
	CB_GARBAGE_N_KINDS
};

struct cb_garbage_file {
	char *path; /* below the repository */
	uint64_t len;
};

/* Zero it first; cb_garbage_done in every case. */
struct cb_garbage {
	size_t n;
	struct cb_garbage_file *at;
	uint64_t bytes;
	uint64_t n_of[CB_GARBAGE_N_KINDS];
};

/*
 * Lists what neither tuf (complete, of this repository) nor the images it lists need. Every listed
 * manifest must be there and good, else nothing can be said: META_MISSING, MANIFEST_*. Only regular
 * files with a name of our own form count: all roots, records, other people's files and what lies
 * in a directory that is a symbolic link stay. IO, NO_MEMORY. Hold the lock of the repository from
 * before tuf was read until after cb_garbage_remove: a publisher's chunks are listed last.
 */
enum cb_err cb_garbage_find(const char *repo, const struct cb_tuf *tuf, struct cb_garbage *ret,
			    struct cb_error *e);
/* Removes the files, and directories that became empty. IO at the first that cannot be. */
enum cb_err cb_garbage_remove(const char *repo, const struct cb_garbage *g, struct cb_error *e);
void cb_garbage_done(struct cb_garbage *g);

#endif
