/* SPDX-License-Identifier: MIT */
/* Files: read whole, map, write atomically, make directories. */
#ifndef CB_HOST_FILES_H
#define CB_HOST_FILES_H

#include <limits.h>
#include <sys/types.h>

#include "core/bytes.h"
#include "host/error.h"

#define CB_PATH_MAX PATH_MAX

/* Runs done(&variable) when the variable goes out of scope. */
#define cb_cleanup(done) __attribute__((cleanup(done)))

/* A file's content in memory of its own; p[len] is a NUL that is not counted. */
struct cb_file {
	uint8_t *p;
	size_t len;
};

/* The content as a span. */
struct cb_bytes cb_file_bytes(const struct cb_file *f);
/* Wipes and frees; a zeroed one is fine. */
void cb_file_done(struct cb_file *f);

/*
 * Reads a whole file of at most max bytes ("-": standard input). NOT_FOUND, IO (also for a larger
 * file or a directory). On success the caller owns *ret.
 */
enum cb_err cb_file_read(const char *path, size_t max, struct cb_file *ret, struct cb_error *e);

/* Writes all of data, whatever pieces the system takes it in. False, errno set, when it can't. */
bool cb_write_all(int fd, struct cb_bytes data);

/*
 * Replaces or creates path in one step, durably: temporary file beside it with `mode`, fsync,
 * rename, fsync of the directory. A failure leaves the old file as it was.
 */
enum cb_err cb_file_write(const char *path, struct cb_bytes data, mode_t mode, struct cb_error *e);
/* The same, but EXISTS when path exists already. */
enum cb_err cb_file_write_new(const char *path, struct cb_bytes data, mode_t mode,
			      struct cb_error *e);

/* Is that the name of a temporary file of these two, which a crash may leave? */
bool cb_file_is_leftover(const char *name);

/* A file mapped read-only. */
struct cb_map {
	struct cb_bytes bytes;
};

enum cb_err cb_map_open(const char *path, struct cb_map *ret, struct cb_error *e);
void cb_map_done(struct cb_map *m);

/* Makes the directory and its missing parents; one that exists is fine. */
enum cb_err cb_dirs_make(const char *path, mode_t mode, struct cb_error *e);
/* The same for everything before the last '/' of a file's path. */
enum cb_err cb_dirs_make_for(const char *path, mode_t mode, struct cb_error *e);
/*
 * Could cb_dirs_make make it, and files in it? Looks only. EXISTS for something that is no
 * directory, IO.
 */
enum cb_err cb_dirs_check(const char *path, struct cb_error *e);
bool cb_path_exists(const char *path);

/* printf into a path. IO when it is too long. */
enum cb_err cb_path(char out[CB_PATH_MAX], struct cb_error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
