/* SPDX-License-Identifier: MIT */
/* Takes an initramfs file apart: plain and compressed newc archives in any order. */
#include "host/unpack.h"

#include <string.h>

#include "core/newc.h"
#include "host/heap.h"
#include "host/unfilter.h"

static struct cb_bytes skip(struct cb_bytes b, size_t n)
{
	return (struct cb_bytes){ b.p + n, b.len - n };
}

static struct cb_bytes skip_zeros(struct cb_bytes b)
{
	while (b.len > 0 && b.p[0] == 0)
		b = skip(b, 1);
	return b;
}

/* Length of the newc archive at the front, trailer included. */
static enum cb_err archive_len(struct cb_bytes in, size_t *ret)
{
	struct cb_newc_reader r = { .archive = in };
	bool is_end = false;

	for (;;) {
		struct cb_newc_entry entry;
		enum cb_err err = cb_newc_next(&r, &entry, &is_end);

		if (err != CB_OK)
			return err;
		if (is_end || cb_bytes_is(entry.name, CB_NEWC_TRAILER)) {
			*ret = r.at;
			return CB_OK;
		}
	}
}

/* Appends the archive or compressed stream at the front of in. */
static enum cb_err add_part(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			    struct cb_error *e)
{
	const struct cb_unfilter *filter = cb_unfilter_find(in);

	if (filter != NULL)
		return filter->run(in, out, ret_used, e);
	if (in.len < 6 || memcmp(in.p, "07070", 5) != 0)
		return cb_fail(e, CB_ARCHIVE_FORMAT, "neither newc nor known compression");
	if (archive_len(in, ret_used) != CB_OK)
		return cb_fail(e, CB_ARCHIVE_FORMAT, "newc archive");
	return cb_scratch_add(out, (struct cb_bytes){ in.p, *ret_used }, e);
}

/* Says where it went wrong, and what helps. */
static enum cb_err explain(const char *name, size_t at, enum cb_err err, struct cb_error *e)
{
	struct cb_error cause;

	if (e == NULL || err != CB_ARCHIVE_FORMAT)
		return err;
	cause = *e;
	err = cb_fail(e, CB_ARCHIVE_FORMAT, "%s, at byte %zu (%s)", name, at, cause.text);
	cb_fail_hint(e, "build it again, or publish the file as it is with --exact");
	return err;
}

/*
 * A whole stream was appended from `start` on: is there nothing but newc archives in it? Zeroes at
 * its end go, as they are dropped between plain archives.
 */
static enum cb_err check_part(struct cb_scratch *out, size_t start, struct cb_error *e)
{
	struct cb_newc_reader r = { 0 };
	bool is_end = false;
	size_t end = start;

	if (out->len == start)
		return cb_fail(e, CB_ARCHIVE_FORMAT, "empty");
	r.archive = (struct cb_bytes){ out->p + start, out->len - start };
	while (!is_end) {
		struct cb_newc_entry entry;

		end = start + r.at;
		if (cb_newc_next(&r, &entry, &is_end) != CB_OK)
			return cb_fail(e, CB_ARCHIVE_FORMAT,
				       "no newc archive at byte %zu of what was unpacked", r.at);
	}
	if (end == start) /* zeroes and nothing else */
		return cb_fail(e, CB_ARCHIVE_FORMAT, "empty");
	out->len = end;
	return CB_OK;
}

enum cb_err cb_unpack_initrd(const char *name, struct cb_bytes file, struct cb_scratch *out,
			     struct cb_error *e)
{
	struct cb_bytes rest = skip_zeros(file);
	unsigned n_parts = 0;

	if (rest.len == 0)
		return explain(name, 0, cb_fail(e, CB_ARCHIVE_FORMAT, "empty"), e);
	for (; rest.len > 0; rest = skip_zeros(rest)) {
		size_t start = out->len, used = 0;
		enum cb_err err = n_parts++ < CB_UNPACK_MAX_PARTS ?
			add_part(rest, out, &used, e) :
			cb_fail(e, CB_ARCHIVE_FORMAT, "too many archives");

		if (err == CB_OK)
			err = check_part(out, start, e);
		if (err == CB_OK)
			err = cb_scratch_pad4(out, e);
		if (err != CB_OK)
			return explain(name, file.len - rest.len, err, e);
		rest = skip(rest, used);
	}
	enum cb_err err = cb_newc_normalise(&cb_heap, out->p, out->len);

	return err == CB_OK ? err : explain(name, 0, cb_fail(e, err, "newc archive"), e);
}
