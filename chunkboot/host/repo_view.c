/* SPDX-License-Identifier: MIT */
/* Feeds a repository's metadata files to the TUF client, in the order it asks for them. */
#include "host/repo_view.h"

#include <errno.h>

#include "host/heap.h"

/* What the client wants next: its verdict on the file, or on the absence of the file. */
static enum cb_err feed(struct cb_tuf *tuf, const char *repo, const struct cb_tuf_want *want,
			struct cb_error *e)
{
	char path[CB_PATH_MAX];
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	enum cb_err err = cb_path(path, e, "%s/%s", repo, want->path);
	if (err != CB_OK)
		return err;
	/* the client judges lengths; what is larger than any role's file may be isn't even read */
	err = cb_file_read(path, CB_TUF_TARGETS_MAX + 1, &file, e);
	if (err == CB_NOT_FOUND)
		err = cb_tuf_absent(tuf);
	else if (err == CB_OK)
		err = cb_tuf_accept(tuf, cb_file_bytes(&file));
	else if (errno == EFBIG)
		err = CB_META_LIMIT;
	else
		return err;
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", path);
}

static enum cb_err read_first_root(const char *repo, struct cb_file *ret, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_path(path, e, "%s/metadata/1.root.json", repo);
	if (err != CB_OK)
		return err;
	err = cb_file_read(path, CB_TUF_ROOT_MAX, ret, e);
	return err == CB_NOT_FOUND ? cb_fail(e, CB_NOT_REPOSITORY, "%s", repo) : err;
}

/* The root that the client has arrived at. */
static enum cb_err read_newest_root(const char *repo, struct cb_repo_view *v, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	uint64_t version = cb_tuf_info(v->tuf)->versions.version[CB_TUF_ROOT];
	enum cb_err err = cb_path(path, e, "%s/metadata/%ju.root.json", repo, (uintmax_t)version);
	if (err != CB_OK)
		return err;
	return cb_file_read(path, CB_TUF_ROOT_MAX, &v->root, e);
}

enum cb_err cb_repo_view_open(const char *repo, int64_t now_s, struct cb_repo_view *ret,
			      struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file first = { 0 };
	struct cb_tuf_want want;
	enum cb_err err = read_first_root(repo, &first, e);
	if (err != CB_OK)
		return err;
	err = cb_tuf_realm_id(&cb_heap, cb_file_bytes(&first), ret->realm_id);
	if (err == CB_OK)
		err = cb_tuf_new(&cb_heap, CB_TUF_LOADER, cb_file_bytes(&first), now_s, NULL,
				 &ret->tuf);
	if (err != CB_OK)
		return cb_fail(e, err, "%s/metadata/1.root.json", repo);
	while (err == CB_OK && cb_tuf_next(ret->tuf, &want))
		err = feed(ret->tuf, repo, &want, e);
	return err != CB_OK ? err : read_newest_root(repo, ret, e);
}

void cb_repo_view_done(struct cb_repo_view *v)
{
	cb_tuf_free(v->tuf);
	cb_file_done(&v->root);
	*v = (struct cb_repo_view){ 0 };
}
