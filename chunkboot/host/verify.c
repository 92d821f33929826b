/* SPDX-License-Identifier: MIT */
/* Checks a whole repository, from the first root down to the last chunk. */
#include "host/verify.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "core/record.h"
#include "host/caibx.h"
#include "host/heap.h"
#include "host/manifest_file.h"
#include "host/repo_view.h"
#include "host/segment_check.h"

#define RECORD_LOCATOR_AT 8 /* SECURITY.md §3 */

struct verify {
	const struct cb_verify_params *params;
	struct cb_verify_result *ret;
	struct cb_repo_view view;
	struct cb_store store;
	uint64_t total_bytes;
	enum cb_err first;
	struct cb_error *e;
};

static void problem(struct verify *v, enum cb_err err, const char *object)
{
	v->ret->n_problems++;
	if (v->first == CB_OK)
		v->first = cb_fail(v->e, err, "%s", object);
	v->params->on_problem(v->params->ctx, err, object);
}

/* ---- Metadata ---- */

/* What a newcomer's loader is stamped with must be the root that the chain of roots ends in. */
static void check_root_copy(struct verify *v)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char path[CB_PATH_MAX];

	if (cb_path(path, NULL, "%s/metadata/root.json", v->params->repo) != CB_OK ||
	    cb_file_read(path, CB_TUF_ROOT_MAX, &file, NULL) != CB_OK)
		problem(v, CB_META_MISSING, "metadata/root.json");
	else if (!cb_bytes_equal(cb_file_bytes(&file), cb_file_bytes(&v->view.root)))
		problem(v, CB_META_HASH, "metadata/root.json");
}

/* ---- Segments ---- */

static void on_bad(void *ctx, enum cb_err err, const struct cb_chunk *chunk)
{
	char path[CB_CHUNK_PATH_MAX];

	cb_chunk_path(chunk, path);
	path[strcspn(path, "?")] = '\0';
	problem(ctx, err, path);
}

static void on_chunk(void *ctx, const struct cb_chunk *chunk)
{
	struct verify *v = ctx;

	v->ret->n_chunks++;
	v->ret->raw_bytes += chunk->raw_len;
	v->ret->stored_bytes += chunk->stored_len;
	if (v->params->on_progress != NULL)
		v->params->on_progress(v->params->ctx, v->ret->stored_bytes, v->total_bytes);
}

/* ---- Indexes ---- */

static bool index_fits(const struct cb_caibx *x, const struct cb_manifest *m,
		       const struct cb_segment *s)
{
	uint64_t end = 0;

	if (x->n_chunks != s->n_chunks)
		return false;
	for (uint32_t i = 0; i < s->n_chunks; i++) {
		struct cb_caibx_item item;
		struct cb_chunk chunk;

		cb_caibx_item(x, i, &item);
		cb_manifest_chunk(m, s->first_chunk + i, &chunk);
		end += chunk.raw_len;
		if (item.end != end || memcmp(item.id, chunk.id, CB_DIGEST_LEN) != 0)
			return false;
	}
	return true;
}

static void check_index(struct verify *v, const struct cb_tuf_target *t,
			const struct cb_manifest *m, unsigned i)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char path[CB_PATH_MAX], segment[16];
	struct cb_caibx index;

	cb_segment_name(m, i, segment);
	if (cb_path(path, NULL, "%s/indexes/%s/%s.%s.caibx", v->params->repo, t->name, t->version,
		    segment) != CB_OK)
		return;
	const char *object = path + strlen(v->params->repo) + 1;

	if (cb_file_read(path, cb_caibx_len(CB_MANIFEST_MAX_CHUNKS), &file, NULL) != CB_OK)
		problem(v, CB_META_MISSING, object);
	else if (cb_caibx_parse(cb_file_bytes(&file), &index) != CB_OK)
		problem(v, CB_MANIFEST_FORMAT, object);
	else if (!index_fits(&index, m, &m->segments[i]))
		problem(v, CB_SEGMENT_HASH, object);
}

/* ---- Images ---- */

static void check_segments(struct verify *v, const struct cb_tuf_target *t,
			   const struct cb_manifest *m)
{
	for (unsigned i = 0; i < m->n_segments; i++) {
		uint64_t n_before = v->ret->n_problems;
		char segment[16], object[2 * CB_NAME_MAX + 32];
		struct cb_segment_check check = {
			.store = &v->store,
			.manifest = m,
			.segment = i,
			.n_threads = v->params->n_threads,
			.on_bad = on_bad,
			.on_chunk = on_chunk,
			.ctx = v,
		};
		enum cb_err err = cb_segment_check(&check);

		cb_segment_name(m, i, segment);
		snprintf(object, sizeof(object), "%s@%s, segment %s", t->name, t->version, segment);
		if (err != CB_OK && v->ret->n_problems == n_before)
			problem(v, err, object);
		check_index(v, t, m, i);
	}
}

static void check_image(struct verify *v, const struct cb_tuf_target *t)
{
	struct cb_manifest_file f = { 0 };
	char path[CB_MANIFEST_PATH_MAX];
	enum cb_err err = cb_manifest_file_read(v->params->repo, t, &f, NULL);

	cb_manifest_path(t->path, t->sha256, path);
	v->ret->n_images++;
	if (err != CB_OK) {
		problem(v, err == CB_NOT_FOUND ? CB_META_MISSING : err, path);
		return;
	}
	if (strcmp(t->kind, cb_kind_name(f.manifest.kind)) != 0 ||
	    strcmp(t->arch, cb_arch_name(f.manifest.arch)) != 0)
		problem(v, CB_MANIFEST_FORMAT, path);
	check_segments(v, t, &f.manifest);
	cb_manifest_file_done(&f);
}

/* ---- Account records ---- */

/* accounts/ab/abcd…: signed by the accounts role, and named by the locator inside. */
static enum cb_err check_record(struct verify *v, const char *path)
{
	struct cb_record_check check = cb_record_check_of(v->view.tuf, v->params->now_s);
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	char locator[2 * CB_DIGEST_LEN + 1];

	if (cb_file_read(path, CB_RECORD_MAX_LEN, &file, NULL) != CB_OK ||
	    file.len < RECORD_LOCATOR_AT + CB_DIGEST_LEN)
		return CB_META_FORMAT;
	cb_hex_encode(file.p + RECORD_LOCATOR_AT, CB_DIGEST_LEN, locator);
	if (strcmp(locator, strrchr(path, '/') + 1) != 0)
		return CB_META_FORMAT;
	enum cb_err err = cb_record_verify(&cb_heap, cb_file_bytes(&file), &check);

	return err == CB_RECORD_SIGNATURE ? CB_META_SIGNATURE :
		err == CB_RECORD_FORMAT	  ? CB_META_FORMAT :
					    err;
}

static void check_records_in(struct verify *v, const char *dir_path)
{
	DIR *dir = opendir(dir_path);

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		char path[CB_PATH_MAX];

		/* what a crash left is nobody's record, and no mirror serves it */
		if (d->d_name[0] == '.' || cb_file_is_leftover(d->d_name) ||
		    cb_path(path, NULL, "%s/%s", dir_path, d->d_name) != CB_OK)
			continue;
		enum cb_err err = check_record(v, path);

		v->ret->n_records++;
		if (err != CB_OK)
			problem(v, err, path + strlen(v->params->repo) + 1);
	}
	if (dir != NULL)
		closedir(dir);
}

static void check_records(struct verify *v)
{
	for (unsigned i = 0; i < 256; i++) {
		char path[CB_PATH_MAX];

		if (cb_path(path, NULL, "%s/accounts/%02x", v->params->repo, i) == CB_OK)
			check_records_in(v, path);
	}
}

/* For the progress line only: what cannot be read counts nothing. */
static void sum_up(struct verify *v)
{
	for (unsigned i = 0; i < cb_tuf_n_targets(v->view.tuf); i++) {
		struct cb_manifest_file f = { 0 };
		struct cb_tuf_target t;

		cb_tuf_target_at(v->view.tuf, i, &t);
		if (cb_manifest_file_read(v->params->repo, &t, &f, NULL) == CB_OK)
			v->total_bytes += f.manifest.stored_total;
		cb_manifest_file_done(&f);
	}
}

enum cb_err cb_verify(const struct cb_verify_params *params, struct cb_verify_result *ret,
		      struct cb_error *e)
{
	struct verify v = { .params = params, .ret = ret, .e = e };
	enum cb_err err;

	*ret = (struct cb_verify_result){ 0 };
	err = cb_repo_view_open(params->repo, params->now_s, &v.view, e);
	if (err == CB_OK)
		err = cb_store_open(params->repo, /*create=*/false, &v.store, e);
	if (err == CB_OK) {
		check_root_copy(&v);
		if (params->on_progress != NULL)
			sum_up(&v);
		for (unsigned i = 0; i < cb_tuf_n_targets(v.view.tuf); i++) {
			struct cb_tuf_target t;

			cb_tuf_target_at(v.view.tuf, i, &t);
			check_image(&v, &t);
		}
		check_records(&v);
		err = v.first;
	} else {
		ret->n_problems = 1;
	}
	cb_store_done(&v.store);
	cb_repo_view_done(&v.view);
	return err;
}
