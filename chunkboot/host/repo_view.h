/* SPDX-License-Identifier: MIT */
/* A repository on disk as a client sees it: metadata verified from its first root on. */
#ifndef CB_HOST_REPO_VIEW_H
#define CB_HOST_REPO_VIEW_H

#include "core/tuf.h"
#include "host/files.h"

/* Zero it first; cb_repo_view_done in every case. */
struct cb_repo_view {
	struct cb_tuf *tuf; /* complete */
	struct cb_file root; /* the newest root file */
	uint8_t realm_id[CB_DIGEST_LEN];
};

/*
 * Reads REPO/metadata and verifies all of it with core/tuf (loader profile), dates judged by
 * now_s. NOT_REPOSITORY, META_*, IO, NO_MEMORY.
 */
enum cb_err cb_repo_view_open(const char *repo, int64_t now_s, struct cb_repo_view *ret,
			      struct cb_error *e);
void cb_repo_view_done(struct cb_repo_view *v);

#endif
