/* SPDX-License-Identifier: MIT */
/* casync chunk store: reading, writing and syncing chunk files below one open directory. */
#include "host/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 96 /* "abcd/<64>.cacnk.tmp" */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

enum cb_err cb_store_open(const char *repo, bool create, struct cb_store *ret, struct cb_error *e)
{
	struct cb_store s = { 0 };
	enum cb_err err = cb_path(s.path, e, "%s/store.castr", repo);

	if (err == CB_OK && create)
		err = cb_dirs_make(s.path, 0755, e);
	if (err != CB_OK)
		return err;
	int fd = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno != ENOENT || create))
		return cb_fail_errno(e, "%s", s.path);
	s.fd_plus_1 = fd + 1;
	*ret = s;
	return CB_OK;
}

void cb_store_done(struct cb_store *s)
{
	if (s->fd_plus_1 > 0)
		close(s->fd_plus_1 - 1);
	s->fd_plus_1 = 0;
}

static void chunk_name(const uint8_t id[CB_DIGEST_LEN], const char *suffix, char out[NAME_MAX_LEN])
{
	char hex[2 * CB_DIGEST_LEN + 1];

	cb_hex_encode(id, CB_DIGEST_LEN, hex);
	snprintf(out, NAME_MAX_LEN, "%.4s/%s.cacnk%s", hex, hex, suffix);
}

static enum cb_err fail(const struct cb_store *s, const char *name, struct cb_error *e)
{
	return cb_fail_errno(e, "%s/%s", s->path, name);
}

enum cb_err cb_store_read(const struct cb_store *s, const uint8_t id[CB_DIGEST_LEN], uint8_t *buf,
			  size_t max, size_t *ret_len, struct cb_error *e)
{
	char name[NAME_MAX_LEN];
	size_t len = 0;

	if (s->fd_plus_1 == 0)
		return CB_NOT_FOUND;
	chunk_name(id, "", name);
	cb_cleanup(close_fd) int fd = openat(s->fd_plus_1 - 1, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? CB_NOT_FOUND : fail(s, name, e);
	for (;;) {
		uint8_t more;
		bool is_full = len == max;
		ssize_t n = read(fd, is_full ? &more : buf + len, is_full ? 1 : max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(s, name, e);
		if (n > 0 && is_full)
			return cb_fail(e, CB_CHUNK_HASH, "%s/%s", s->path, name);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return CB_OK;
}

/* The first chunk of 65,536 with these four digits makes their directory. */
static int open_temporary(int dir_fd, const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	char sub[8];
	int fd = openat(dir_fd, name, flags, 0644);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	snprintf(sub, sizeof(sub), "%.4s", name);
	if (mkdirat(dir_fd, sub, 0755) != 0 && errno != EEXIST)
		return -1;
	return openat(dir_fd, name, flags, 0644);
}

enum cb_err cb_store_write(const struct cb_store *s, const uint8_t id[CB_DIGEST_LEN],
			   struct cb_bytes stored, struct cb_error *e)
{
	char name[NAME_MAX_LEN], temp[NAME_MAX_LEN];
	int dir_fd = s->fd_plus_1 - 1;

	chunk_name(id, "", name);
	/* A fixed name: what a killed publish left behind is taken over, not piled up. */
	chunk_name(id, ".tmp", temp);
	cb_cleanup(close_fd) int fd = open_temporary(dir_fd, temp);
	if (fd < 0)
		return fail(s, name, e);
	if (!cb_write_all(fd, stored) || renameat(dir_fd, temp, dir_fd, name) != 0) {
		enum cb_err err = fail(s, name, e);

		unlinkat(dir_fd, temp, 0);
		return err;
	}
	return CB_OK;
}

enum cb_err cb_store_sync(const struct cb_store *s, struct cb_error *e)
{
	if (s->fd_plus_1 > 0 && syncfs(s->fd_plus_1 - 1) != 0)
		return cb_fail_errno(e, "%s", s->path);
	return CB_OK;
}
