/* SPDX-License-Identifier: MIT */
/* The files of an image as the byte strings that will be cut. */
#include "host/segments.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/newc.h"
#include "host/kernel.h"
#include "host/unpack.h"

static enum cb_err read_state(const char *path, struct cb_file_state *ret, struct cb_error *e)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return cb_fail_errno(e, "%s", path);
	*ret = (struct cb_file_state){
		.path = path,
		.device = st.st_dev,
		.inode = st.st_ino,
		.len = (uint64_t)st.st_size,
		.modified = st.st_mtim,
	};
	return CB_OK;
}

static enum cb_err over_budget(const char *path, struct cb_error *e)
{
	errno = EFBIG;
	enum cb_err err = cb_fail_errno(e, "%s", path);

	cb_fail_hint(e, "the image is larger than the budget; --budget raises it");
	return err;
}

static uint64_t budget_left(const struct cb_segments_params *params, const struct cb_segments *s)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < s->n; i++)
		used += s->bytes[i].len;
	return used < params->budget_bytes ? params->budget_bytes - used : 0;
}

/* Maps the file and remembers what it is. */
static enum cb_err map_file(const char *path, struct cb_segments *s, struct cb_bytes *ret,
			    struct cb_error *e)
{
	unsigned i = s->n_files;
	enum cb_err err = read_state(path, &s->files[i], e);

	if (err == CB_OK)
		err = cb_map_open(path, &s->maps[i], e);
	if (err != CB_OK)
		return err;
	s->n_files++;
	*ret = s->maps[i].bytes;
	return CB_OK;
}

static enum cb_err add_main(const struct cb_segments_params *params, struct cb_segments *s,
			    struct cb_error *e)
{
	const char *path = params->main_file;
	enum cb_err err = map_file(path, s, &s->bytes[0], e);

	if (err != CB_OK)
		return err;
	if (s->bytes[0].len > params->budget_bytes)
		return over_budget(path, e);
	s->n = 1;
	return params->kind == CB_KIND_EFI ? cb_application_check(path, s->bytes[0], &s->arch, e) :
					     cb_kernel_check(path, s->bytes[0], &s->arch, e);
}

static enum cb_err add_initrd(const struct cb_segments_params *params, const char *path,
			      struct cb_segments *s, struct cb_error *e)
{
	struct cb_scratch *scratch = &s->scratches[s->n];
	uint64_t budget = budget_left(params, s);
	struct cb_bytes file;
	enum cb_err err = map_file(path, s, &file, e);

	if (err != CB_OK)
		return err;
	if (params->is_exact) {
		if (file.len > budget)
			return over_budget(path, e);
		s->bytes[s->n++] = file;
		return CB_OK;
	}
	err = cb_scratch_open(params->scratch_dir, (size_t)budget, scratch, e);
	if (err == CB_OK)
		err = cb_unpack_initrd(path, file, scratch, e);
	if (err == CB_OK && params->has_no_directory_times)
		err = cb_newc_clear_directory_times(scratch->p, scratch->len);
	if (err != CB_OK)
		return err;
	s->flags[s->n] = CB_SEGMENT_NORMALISED;
	s->bytes[s->n++] = (struct cb_bytes){ scratch->p, scratch->len };
	return CB_OK;
}

enum cb_err cb_segments_open(const struct cb_segments_params *params, struct cb_segments *ret,
			     struct cb_error *e)
{
	enum cb_err err = CB_OK;

	if (params->n_initrds > CB_SEGMENTS_MAX_INITRDS)
		return cb_fail(e, CB_USAGE, "more than %d initrds", CB_SEGMENTS_MAX_INITRDS);
	err = add_main(params, ret, e);
	for (unsigned i = 0; err == CB_OK && i < params->n_initrds; i++)
		err = add_initrd(params, params->initrds[i], ret, e);
	return err;
}

enum cb_err cb_segments_check(const struct cb_segments *s, struct cb_error *e)
{
	for (unsigned i = 0; i < s->n_files; i++) {
		const struct cb_file_state *was = &s->files[i];
		struct cb_file_state is = { 0 };
		enum cb_err err = read_state(was->path, &is, e);

		if (err != CB_OK)
			return err;
		if (is.device != was->device || is.inode != was->inode || is.len != was->len ||
		    is.modified.tv_sec != was->modified.tv_sec ||
		    is.modified.tv_nsec != was->modified.tv_nsec) {
			err = cb_fail(e, CB_IO, "%s: it changed while it was read", was->path);
			cb_fail_hint(e, "publish it again when nothing writes to it");
			return err;
		}
	}
	return CB_OK;
}

void cb_segments_done(struct cb_segments *s)
{
	for (unsigned i = 0; i < CB_MANIFEST_MAX_SEGMENTS; i++) {
		cb_map_done(&s->maps[i]);
		cb_scratch_done(&s->scratches[i]);
	}
	*s = (struct cb_segments){ 0 };
}
