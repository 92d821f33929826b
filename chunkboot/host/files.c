/* SPDX-License-Identifier: MIT */
/* Files: read whole, map, write atomically, make directories. */
#include "host/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 65536

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

struct cb_bytes cb_file_bytes(const struct cb_file *f)
{
	return (struct cb_bytes){ f->p, f->len };
}

void cb_file_done(struct cb_file *f)
{
	if (f->p != NULL)
		cb_wipe(f->p, f->len);
	free(f->p);
	*f = (struct cb_file){ 0 };
}

/* Room for one more step and the NUL; the old memory is wiped, it may hold a key. */
static bool grow(struct cb_file *f, size_t *room)
{
	size_t want = *room == 0 ? READ_STEP : *room * 2;
	uint8_t *p = malloc(want);

	if (p == NULL)
		return false;
	if (f->len > 0)
		memcpy(p, f->p, f->len);
	if (f->p != NULL)
		cb_wipe(f->p, f->len);
	free(f->p);
	f->p = p;
	*room = want;
	return true;
}

enum cb_err cb_file_read(const char *path, size_t max, struct cb_file *ret, struct cb_error *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	cb_cleanup(close_fd) int fd =
		is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	cb_cleanup(cb_file_done) struct cb_file f = { 0 };
	size_t room = 0;
	ssize_t n;

	if (fd < 0)
		return cb_fail_errno(e, "%s", path);
	do {
		if (f.len + 1 >= room && !grow(&f, &room))
			return cb_fail(e, CB_NO_MEMORY, "%s", path);
		n = read(fd, f.p + f.len, room - f.len - 1);
		if (n < 0 && errno != EINTR)
			return cb_fail_errno(e, "%s", path);
		f.len += n > 0 ? (size_t)n : 0;
		if (f.len > max) {
			errno = EFBIG;
			return cb_fail_errno(e, "%s", path);
		}
	} while (n != 0);
	f.p[f.len] = '\0';
	*ret = f;
	f = (struct cb_file){ 0 };
	return CB_OK;
}

bool cb_write_all(int fd, struct cb_bytes data)
{
	for (size_t at = 0; at < data.len;) {
		ssize_t n = write(fd, data.p + at, data.len - at);

		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void parent_of(const char *path, char out[CB_PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(out, CB_PATH_MAX, ".");
	else
		snprintf(out, CB_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* A rename is durable once its directory is on disk. Some file systems cannot do it: no error. */
static bool sync_parent(const char *path)
{
	char dir[CB_PATH_MAX];

	parent_of(path, dir);
	cb_cleanup(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && (fsync(fd) == 0 || errno == EINVAL);
}

static enum cb_err write_file(const char *path, struct cb_bytes data, mode_t mode, bool is_new,
			      struct cb_error *e)
{
	char temp[CB_PATH_MAX];
	enum cb_err err = cb_path(temp, e, "%s.tmp-XXXXXX", path);

	if (err != CB_OK)
		return err;
	cb_cleanup(close_fd) int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return cb_fail_errno(e, "%s", path);
	/* link refuses an existing name where rename would replace it */
	if (!cb_write_all(fd, data) || fchmod(fd, mode) != 0 || fsync(fd) != 0 ||
	    (is_new ? link(temp, path) : rename(temp, path)) != 0) {
		err = cb_fail_errno(e, "%s", path);
		unlink(temp);
		return err;
	}
	if (is_new)
		unlink(temp);
	return sync_parent(path) ? CB_OK : cb_fail_errno(e, "%s", path);
}

bool cb_file_is_leftover(const char *name)
{
	const char *tail = strstr(name, ".tmp-");

	return tail != NULL && strlen(tail) == strlen(".tmp-XXXXXX");
}

enum cb_err cb_file_write(const char *path, struct cb_bytes data, mode_t mode, struct cb_error *e)
{
	return write_file(path, data, mode, /*is_new=*/false, e);
}

enum cb_err cb_file_write_new(const char *path, struct cb_bytes data, mode_t mode,
			      struct cb_error *e)
{
	return write_file(path, data, mode, /*is_new=*/true, e);
}

enum cb_err cb_map_open(const char *path, struct cb_map *ret, struct cb_error *e)
{
	cb_cleanup(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = NULL;

	if (fd < 0 || fstat(fd, &st) != 0)
		return cb_fail_errno(e, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return cb_fail_errno(e, "%s", path);
	}
	if (st.st_size > 0) {
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			return cb_fail_errno(e, "%s", path);
	}
	ret->bytes = (struct cb_bytes){ p, (size_t)st.st_size };
	return CB_OK;
}

void cb_map_done(struct cb_map *m)
{
	if (m->bytes.len > 0)
		munmap((void *)(uintptr_t)m->bytes.p, m->bytes.len);
	*m = (struct cb_map){ 0 };
}

/* errno stays as it is. */
static bool is_directory(const char *path)
{
	struct stat st;
	int before = errno;
	bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	errno = before;
	return is_dir;
}

enum cb_err cb_dirs_make(const char *path, mode_t mode, struct cb_error *e)
{
	char part[CB_PATH_MAX];
	enum cb_err err = cb_path(part, e, "%s", path);

	if (err != CB_OK)
		return err;
	for (char *p = part + (part[0] == '/');; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (part[0] != '\0' && mkdir(part, mode) != 0 && !is_directory(part))
			return cb_fail_errno(e, "%s", part);
		*p = c;
		if (c == '\0')
			return CB_OK;
	}
}

enum cb_err cb_dirs_make_for(const char *path, mode_t mode, struct cb_error *e)
{
	char dir[CB_PATH_MAX];

	parent_of(path, dir);
	return cb_dirs_make(dir, mode, e);
}

enum cb_err cb_dirs_check(const char *path, struct cb_error *e)
{
	char part[CB_PATH_MAX], parent[CB_PATH_MAX];
	enum cb_err err = cb_path(part, e, "%s", path);
	struct stat st;

	if (err != CB_OK)
		return err;
	/* the longest part that is there */
	while (stat(part, &st) != 0) {
		if (errno != ENOENT || strcmp(part, ".") == 0)
			return cb_fail_errno(e, "%s", part);
		parent_of(part, parent);
		memcpy(part, parent, sizeof(part));
	}
	if (!S_ISDIR(st.st_mode))
		errno = EEXIST;
	else if (access(part, W_OK | X_OK) == 0)
		return CB_OK;
	return cb_fail_errno(e, "%s", part);
}

bool cb_path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

enum cb_err cb_path(char out[CB_PATH_MAX], struct cb_error *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(out, CB_PATH_MAX, fmt, args);
	va_end(args);
	if (n >= 0 && n < CB_PATH_MAX)
		return CB_OK;
	errno = ENAMETOOLONG;
	return cb_fail_errno(e, "%.64s...", out);
}
