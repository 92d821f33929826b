/* SPDX-License-Identifier: MIT */
/* A set of signed metadata files: verified as a client would, then written in safe order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"
#include "host/heap.h"
#include "host/meta_json.h"

#define FILE_MODE 0644

/* The wanted file out of the set; else, when the set leaves that role as it is, from the repository. */
static enum cb_err feed(struct cb_tuf *tuf, const struct cb_meta_set *set, const char *repo,
			const struct cb_tuf_want *want, struct cb_error *e)
{
	const struct cb_meta_file *file = &set->files[want->role];
	cb_cleanup(cb_file_done) struct cb_file stored = { 0 };
	struct cb_bytes bytes = { file->bytes, file->len };
	char path[CB_PATH_MAX];
	enum cb_err err = cb_path(path, e, "%s/%s", repo, want->path);

	if (err != CB_OK)
		return err;
	if (want->role == CB_TUF_ROOT) /* the newest root is where we start from */
		return cb_tuf_absent(tuf);
	if (file->bytes == NULL) {
		err = cb_file_read(path, CB_TUF_TARGETS_MAX + 1, &stored, e);
		if (err != CB_OK)
			return err;
		bytes = cb_file_bytes(&stored);
	}
	err = cb_tuf_accept(tuf, bytes);
	if (err != CB_OK)
		err = cb_fail(e, err, "%s", path);
	if (err == CB_META_SIGNATURE && file->bytes != NULL)
		cb_fail_hint(e, "the key file that just signed it is not the realm's");
	return err;
}

enum cb_err cb_meta_set_verify(const struct cb_meta_set *set, const struct cb_meta_place *place,
			       struct cb_bytes root, struct cb_tuf **ret, struct cb_error *e)
{
	struct cb_tuf_want want;
	struct cb_tuf *tuf;
	enum cb_err err = cb_tuf_new(&cb_heap, CB_TUF_LOADER, root, place->now_s, NULL, &tuf);

	if (err != CB_OK)
		return cb_fail(e, err, "%s/metadata/root.json", place->repo);
	while (err == CB_OK && cb_tuf_next(tuf, &want)) {
		err = feed(tuf, set, place->repo, &want, e);
		if (err == CB_META_EXPIRED && want.role == CB_TUF_ROOT)
			err = cb_fail(e, err, "%s/metadata/root.json", place->repo);
	}
	if (err != CB_OK) {
		cb_tuf_free(tuf);
		return err;
	}
	*ret = tuf;
	return CB_OK;
}

static const char *file_name(enum cb_tuf_role role)
{
	static const char *const names[CB_TUF_N_ROLES] = { "root.json", "timestamp.json",
							   "snapshot.json", "targets.json",
							   "accounts.json" };

	return names[role];
}

static enum cb_err path_of(char out[CB_PATH_MAX], const char *repo, enum cb_tuf_role role,
			   uint64_t version, struct cb_error *e)
{
	if (role == CB_TUF_TIMESTAMP)
		return cb_path(out, e, "%s/metadata/%s", repo, file_name(role));
	return cb_path(out, e, "%s/metadata/%ju.%s", repo, (uintmax_t)version, file_name(role));
}

enum cb_err cb_meta_set_write(const struct cb_meta_set *set, const char *repo, struct cb_error *e)
{
	static const enum cb_tuf_role order[] = { CB_TUF_TARGETS, CB_TUF_ACCOUNTS, CB_TUF_SNAPSHOT,
						  CB_TUF_TIMESTAMP };
	enum cb_err err = CB_OK;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && err == CB_OK; i++) {
		const struct cb_meta_file *file = &set->files[order[i]];
		char path[CB_PATH_MAX];

		if (file->bytes == NULL)
			continue;
		err = path_of(path, repo, order[i], file->version, e);
		if (err == CB_OK)
			err = cb_file_write(path, (struct cb_bytes){ file->bytes, file->len },
					    FILE_MODE, e);
	}
	return err;
}

/* ---- Bundle ---- */

struct bundle {
	FILE *f;
	const char *repo;
	uint32_t n;
};

/* Adds a metadata file, when it is there. */
static enum cb_err add_to_bundle(struct bundle *b, enum cb_tuf_role role, uint64_t version,
				 struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char path[CB_PATH_MAX];
	const char *name;
	uint8_t len[4];
	enum cb_err err = path_of(path, b->repo, role, version, e);

	if (err == CB_OK)
		err = cb_file_read(path, CB_TUF_TARGETS_MAX, &file, e);
	if (err != CB_OK)
		return err;
	/* A client that lacks the roots which have no room here fetches them singly. */
	if (role == CB_TUF_ROOT && (size_t)ftell(b->f) + file.len > CB_BUNDLE_MAX_ROOTS_LEN)
		return CB_OK;
	name = strrchr(path, '/') + 1;
	fputc((int)strlen(name), b->f);
	fputs(name, b->f);
	cb_put_le32(len, (uint32_t)file.len);
	fwrite(len, 1, sizeof(len), b->f);
	fwrite(file.p, 1, file.len, b->f);
	b->n++;
	return CB_OK;
}

static enum cb_err fill_bundle(struct bundle *b, const struct cb_tuf_versions *v,
			       struct cb_error *e)
{
	static const enum cb_tuf_role order[] = { CB_TUF_TIMESTAMP, CB_TUF_SNAPSHOT, CB_TUF_TARGETS,
						  CB_TUF_ACCOUNTS };
	uint64_t newest = v->version[CB_TUF_ROOT];
	uint64_t from = newest > CB_TUF_MAX_ROOT_STEPS ? newest - CB_TUF_MAX_ROOT_STEPS + 1 : 2;
	enum cb_err err = CB_OK;

	for (uint64_t version = from; version <= newest && err == CB_OK; version++)
		err = add_to_bundle(b, CB_TUF_ROOT, version, e);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && err == CB_OK; i++)
		err = add_to_bundle(b, order[i], v->version[order[i]], e);
	return err;
}

enum cb_err cb_meta_bundle_write(const char *repo, const struct cb_tuf *tuf, struct cb_error *e)
{
	static const char head[12] = CB_BUNDLE_MAGIC;
	char path[CB_PATH_MAX], *bytes = NULL;
	size_t len = 0;
	struct bundle b = { .f = open_memstream(&bytes, &len), .repo = repo };
	enum cb_err err;

	if (b.f == NULL)
		return cb_fail(e, CB_NO_MEMORY, CB_BUNDLE_PATH);
	fwrite(head, 1, sizeof(head), b.f);
	err = fill_bundle(&b, &cb_tuf_info(tuf)->versions, e);
	if (fclose(b.f) != 0 && err == CB_OK)
		err = cb_fail(e, CB_NO_MEMORY, CB_BUNDLE_PATH);
	if (err == CB_OK)
		err = cb_path(path, e, "%s/" CB_BUNDLE_PATH, repo);
	if (err == CB_OK) {
		cb_put_le32((uint8_t *)bytes + 8, b.n);
		err = cb_file_write(path, (struct cb_bytes){ (uint8_t *)bytes, len }, FILE_MODE, e);
	}
	free(bytes);
	return err;
}
