/* SPDX-License-Identifier: MIT */
/* The repository's lock: flock, so that no crash leaves a stale one. */
#include "host/repo_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "host/files.h"

enum cb_err cb_repo_lock(const char *repo, struct cb_repo_lock *ret, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_path(path, e, "%s/metadata/1.root.json", repo);
	int fd;

	/* not into a directory that is something else */
	if (err == CB_OK && access(path, F_OK) != 0) {
		err = cb_fail_errno(e, "%s", path);
		if (err == CB_NOT_FOUND)
			err = cb_fail(e, CB_NOT_REPOSITORY, "%s", repo);
	}
	if (err == CB_OK)
		err = cb_path(path, e, "%s/.lock", repo);
	if (err != CB_OK)
		return err;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cb_fail_errno(e, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = errno == EWOULDBLOCK ? cb_fail(e, CB_BUSY, "%s", repo) :
					     cb_fail_errno(e, "%s", path);
		close(fd);
		return err;
	}
	ret->fd_plus_1 = fd + 1;
	return CB_OK;
}

void cb_repo_unlock(struct cb_repo_lock *lock)
{
	if (lock->fd_plus_1 > 0)
		close(lock->fd_plus_1 - 1);
	lock->fd_plus_1 = 0;
}
