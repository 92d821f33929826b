/* SPDX-License-Identifier: MIT */
/* A growing mapped file without a name: O_TMPFILE where the file system has it. */
#include "host/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP (16u << 20)

static int open_nameless(const char *dir, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if (cb_path(path, e, "%s/.scratch-XXXXXX", dir) != CB_OK)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

enum cb_err cb_scratch_open(const char *dir, size_t max, struct cb_scratch *ret, struct cb_error *e)
{
	int fd = open_nameless(dir, e);

	if (fd < 0)
		return cb_fail_errno(e, "temporary file in %s", dir);
	*ret = (struct cb_scratch){ .fd_plus_1 = fd + 1, .max = max };
	return CB_OK;
}

void cb_scratch_done(struct cb_scratch *s)
{
	if (s->room > 0)
		munmap(s->p, s->room);
	if (s->fd_plus_1 > 0)
		close(s->fd_plus_1 - 1);
	*s = (struct cb_scratch){ 0 };
}

/* Blocks first: a full disk must be an error here and not a SIGBUS later. */
static enum cb_err grow(struct cb_scratch *s, size_t need, struct cb_error *e)
{
	size_t room = need + need / 4;
	void *p;

	room = (room + STEP - 1) / STEP * STEP;
	if (room > s->max)
		room = s->max;
	errno = posix_fallocate(s->fd_plus_1 - 1, 0, (off_t)room);
	if (errno != 0)
		return cb_fail_errno(e, "temporary file");
	if (s->room == 0)
		p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd_plus_1 - 1, 0);
	else
		p = mremap(s->p, s->room, room, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return cb_fail_errno(e, "temporary file");
	s->p = p;
	s->room = room;
	return CB_OK;
}

enum cb_err cb_scratch_reserve(struct cb_scratch *s, size_t n, size_t *ret_n, struct cb_error *e)
{
	if (n > s->max - s->len)
		n = s->max - s->len;
	if (n > s->room - s->len) {
		enum cb_err err = grow(s, s->len + n, e);

		if (err != CB_OK)
			return err;
	}
	*ret_n = n;
	return CB_OK;
}

enum cb_err cb_scratch_full(const struct cb_scratch *s, struct cb_error *e)
{
	enum cb_err err;

	errno = EFBIG;
	err = cb_fail_errno(e, "unpacked initramfs");
	cb_fail_hint(e, "more than %zu bytes; --budget raises the limit", s->max);
	return err;
}

enum cb_err cb_scratch_add(struct cb_scratch *s, struct cb_bytes bytes, struct cb_error *e)
{
	size_t n;
	enum cb_err err = cb_scratch_reserve(s, bytes.len, &n, e);

	if (err != CB_OK)
		return err;
	if (n < bytes.len)
		return cb_scratch_full(s, e);
	if (n > 0)
		memcpy(s->p + s->len, bytes.p, n);
	s->len += n;
	return CB_OK;
}

enum cb_err cb_scratch_pad4(struct cb_scratch *s, struct cb_error *e)
{
	static const uint8_t zeros[4];

	return cb_scratch_add(s, (struct cb_bytes){ zeros, (0 - s->len) & 3 }, e);
}
