/* SPDX-License-Identifier: MIT */
/* The lock that keeps a second writer out of a repository. */
#ifndef CB_HOST_REPO_LOCK_H
#define CB_HOST_REPO_LOCK_H

#include "host/error.h"

/* A zeroed struct is "not locked". */
struct cb_repo_lock {
	int fd_plus_1;
};

/*
 * Takes the lock: an flock of REPO/.lock (empty, mode 0600, a hidden file that is not served), gone
 * with the process. Every verb that writes below REPO holds it from before it reads the metadata.
 * BUSY when another process has it, NOT_REPOSITORY when repo is none, IO.
 */
enum cb_err cb_repo_lock(const char *repo, struct cb_repo_lock *ret, struct cb_error *e);
void cb_repo_unlock(struct cb_repo_lock *lock);

#endif
