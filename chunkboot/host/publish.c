/* SPDX-License-Identifier: MIT */
/* Publishing: chunks, manifest, indexes, metadata, in this order. */
#include "host/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/caibx.h"
#include "host/hash.h"
#include "host/image_name.h"
#include "host/manifest_file.h"
#include "host/repo_lock.h"

#define MAX_PER_DAY 100000u

/* One run of cb_publish; zeroed, then everything in it is freed by publish_done. */
struct publish {
	const struct cb_publish_params *params;
	struct cb_publish_result *ret;
	struct cb_repo_lock lock;
	struct cb_repo_meta meta;
	bool has_meta;
	struct cb_store store;
	struct cb_segments segments;
	struct cb_pipeline_result chunks;
	struct cb_manifest manifest;
	uint8_t *manifest_bytes;
	size_t manifest_len;
	struct cb_tuf_target target;
};

static void publish_done(struct publish *p)
{
	cb_pipeline_result_done(&p->chunks);
	cb_segments_done(&p->segments);
	cb_store_done(&p->store);
	free(p->manifest_bytes);
	if (p->has_meta)
		cb_repo_meta_done(&p->meta);
	cb_repo_unlock(&p->lock);
}

/* ---- Arguments ---- */

static bool is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

static enum cb_err check_strings(const struct cb_publish_params *p, struct cb_error *e)
{
	if (!cb_is_image_name(p->name))
		return cb_bad_image_name("image name", p->name, e);
	if (p->version != NULL && !cb_is_image_name(p->version))
		return cb_bad_image_name("version", p->version, e);
	if (p->cmdline != NULL && strlen(p->cmdline) > CB_CMDLINE_MAX)
		return cb_fail(e, CB_USAGE, "--cmdline is longer than %d bytes", CB_CMDLINE_MAX);
	if (p->cmdline != NULL && !is_printable(p->cmdline))
		return cb_fail(e, CB_USAGE, "--cmdline must be printable ASCII");
	if (p->title != NULL && strlen(p->title) > CB_MANIFEST_MAX_TITLE)
		return cb_fail(e, CB_USAGE, "--title is longer than %d bytes",
			       CB_MANIFEST_MAX_TITLE);
	if (p->n_allow > CB_MANIFEST_MAX_ALLOW)
		return cb_fail(e, CB_USAGE, "--cmdline-allow given more than %d times",
			       CB_MANIFEST_MAX_ALLOW);
	for (unsigned i = 0; i < p->n_allow; i++)
		if (p->allow[i][0] == '\0' || strlen(p->allow[i]) > CB_CMDLINE_MAX ||
		    !is_printable(p->allow[i]) || strchr(p->allow[i], ' ') != NULL)
			return cb_fail(e, CB_USAGE, "malformed --cmdline-allow '%.80s'",
				       p->allow[i]);
	return CB_OK;
}

/* ---- Manifest ---- */

static enum cb_segment_role role_of(enum cb_image_kind kind, unsigned i)
{
	if (kind == CB_KIND_EFI)
		return CB_ROLE_APPLICATION;
	return i == 0 ? CB_ROLE_KERNEL : CB_ROLE_INITRD;
}

static struct cb_bytes text_of(const char *s)
{
	return cb_bytes_of(s == NULL ? "" : s);
}

static void fill_manifest(struct publish *p)
{
	const struct cb_publish_params *params = p->params;
	struct cb_manifest *m = &p->manifest;

	m->kind = params->files.kind;
	m->arch = p->segments.arch;
	m->n_segments = (uint16_t)p->segments.n;
	m->n_chunks = p->chunks.n_chunks;
	for (unsigned i = 0; i < p->segments.n; i++) {
		struct cb_segment *s = &m->segments[i];

		s->role = role_of(m->kind, i);
		s->flags = p->segments.flags[i];
		s->first_chunk = p->chunks.segments[i].first_chunk;
		s->n_chunks = p->chunks.segments[i].n_chunks;
		s->raw_len = p->segments.bytes[i].len;
		memcpy(s->sha256, p->chunks.segments[i].sha256, CB_DIGEST_LEN);
		m->raw_total += s->raw_len;
	}
	m->stored_total = p->chunks.stored_total;
	m->ram_need = m->raw_total + m->stored_total + CB_RAM_WORKING;
	m->cmdline = text_of(params->cmdline);
	m->title = text_of(params->title);
	m->n_allow = params->n_allow;
	for (unsigned i = 0; i < params->n_allow; i++)
		m->allow[i] = cb_bytes_of(params->allow[i]);
}

static enum cb_err make_manifest(struct publish *p, struct cb_error *e)
{
	struct cb_manifest parsed;

	fill_manifest(p);
	p->manifest_len = cb_manifest_len(&p->manifest);
	p->manifest_bytes = malloc(p->manifest_len);
	if (p->manifest_bytes == NULL)
		return cb_fail(e, CB_NO_MEMORY, "manifest");
	cb_manifest_write(&p->manifest, p->chunks.chunks, p->manifest_bytes);
	struct cb_bytes bytes = { p->manifest_bytes, p->manifest_len };

	/* What the loader would refuse must not get a signature; the title is all that is left. */
	if (cb_manifest_parse(bytes, &parsed) != CB_OK)
		return cb_fail(e, CB_USAGE,
			       "the manifest would be malformed: is --title UTF-8 "
			       "without control characters?");
	cb_hash_sha256(bytes, p->target.sha256);
	p->target.len = p->manifest_len;
	return CB_OK;
}

/* ---- Name, version, serial ---- */

static bool is_same_manifest(const struct publish *p, const struct cb_tuf_target *t)
{
	return t != NULL && memcmp(t->sha256, p->target.sha256, CB_DIGEST_LEN) == 0;
}

static const struct cb_tuf_target *find_version(struct publish *p, const char *version)
{
	struct cb_tuf_target *t = &p->target;

	snprintf(t->version, sizeof(t->version), "%s", version);
	snprintf(t->path, sizeof(t->path), "%s/%s.cbm", t->name, version);
	return cb_repo_meta_find(&p->meta, t->path);
}

/* 20261122.1 and on: the first that is free today. */
static enum cb_err make_version(struct publish *p, struct cb_error *e)
{
	static const uint8_t no_hash[CB_DIGEST_LEN];
	time_t now = (time_t)p->params->place.now_s;
	struct tm tm;
	char day[16], version[32];

	gmtime_r(&now, &tm);
	strftime(day, sizeof(day), "%Y%m%d", &tm);
	for (unsigned i = 1; i <= MAX_PER_DAY; i++) {
		snprintf(version, sizeof(version), "%s.%u", day, i);
		if (find_version(p, version) == NULL &&
		    !cb_manifest_file_differs(p->params->place.repo, p->target.name, version,
					      no_hash))
			return CB_OK;
	}
	return cb_fail(e, CB_CONFLICT, "%s@%s", p->target.name, version);
}

/* Completes p->target: the listed one where nothing changed, else a new one. */
static enum cb_err choose_target(struct publish *p, struct cb_error *e)
{
	const struct cb_publish_params *params = p->params;
	const struct cb_tuf_target *newest, *listed;
	struct cb_tuf_target *t = &p->target;
	enum cb_err err = CB_OK;

	snprintf(t->name, sizeof(t->name), "%s", params->name);
	snprintf(t->kind, sizeof(t->kind), "%s", cb_kind_name(p->manifest.kind));
	snprintf(t->arch, sizeof(t->arch), "%s", cb_arch_name(p->manifest.arch));
	newest = cb_repo_meta_newest(&p->meta, t->name);
	t->serial = newest == NULL ? 1 : newest->serial + 1;
	listed = params->version != NULL ? find_version(p, params->version) : newest;
	if (is_same_manifest(p, listed)) {
		p->ret->is_unchanged = true;
		*t = *listed;
		return CB_OK;
	}
	if (params->version == NULL)
		err = make_version(p, e);
	else if (listed != NULL ||
		 cb_manifest_file_differs(params->place.repo, t->name, t->version, t->sha256))
		err = cb_fail(e, CB_CONFLICT, "%s@%s", t->name, t->version);
	return err;
}

static enum cb_err count_update(struct publish *p, const struct cb_tuf_target *before,
				struct cb_error *e)
{
	struct cb_manifest_file old = { 0 };
	bool has_old = before != NULL &&
		cb_manifest_file_read(p->params->place.repo, before, &old, NULL) == CB_OK;
	enum cb_err err =
		cb_manifest_update_bytes(p->chunks.chunks, p->chunks.n_chunks,
					 has_old ? &old.manifest : NULL, &p->ret->update_bytes);

	cb_manifest_file_done(&old);
	return err == CB_OK ? err : cb_fail(e, err, "manifest");
}

/* ---- Writing ---- */

/* Immutable files keep their time stamp, and with it their ETag, unless they are damaged. */
static enum cb_err write_if_different(const char *path, struct cb_bytes bytes, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };

	if (cb_file_read(path, bytes.len, &file, NULL) == CB_OK &&
	    cb_bytes_equal(cb_file_bytes(&file), bytes))
		return CB_OK;
	enum cb_err err = cb_dirs_make_for(path, 0755, e);

	return err == CB_OK ? cb_file_write(path, bytes, 0644, e) : err;
}

static enum cb_err write_index(struct publish *p, unsigned i, struct cb_error *e)
{
	const struct cb_pipeline_segment *s = &p->chunks.segments[i];
	size_t len = cb_caibx_len(s->n_chunks);
	char path[CB_PATH_MAX], segment[16];
	uint8_t *bytes = malloc(len);

	if (bytes == NULL)
		return cb_fail(e, CB_NO_MEMORY, "index");
	cb_segment_name(&p->manifest, i, segment);
	enum cb_err err = cb_path(path, e, "%s/indexes/%s/%s.%s.caibx", p->params->place.repo,
				  p->target.name, p->target.version, segment);

	if (err == CB_OK) {
		cb_caibx_write(p->params->size, p->chunks.chunks + s->first_chunk, s->n_chunks,
			       bytes);
		err = write_if_different(path, (struct cb_bytes){ bytes, len }, e);
	}
	free(bytes);
	return err;
}

static enum cb_err write_files(struct publish *p, const char *manifest_path, struct cb_error *e)
{
	struct cb_bytes manifest = { p->manifest_bytes, p->manifest_len };
	/* Signed already: then this was done before. */
	enum cb_err err = p->ret->is_unchanged ? CB_OK : cb_store_sync(&p->store, e);

	if (err == CB_OK)
		err = write_if_different(manifest_path, manifest, e);
	for (unsigned i = 0; err == CB_OK && i < p->segments.n; i++)
		err = write_index(p, i, e);
	return err;
}

static enum cb_err sign(struct publish *p, struct cb_error *e)
{
	enum cb_err err = CB_OK;
	bool is_first = p->meta.default_image[0] == '\0';
	bool changes_default = (is_first || p->params->is_default) &&
		strcmp(p->meta.default_image, p->target.name) != 0;

	if (!p->ret->is_unchanged)
		err = cb_repo_meta_add(&p->meta, &p->target, e);
	if (err == CB_OK && changes_default)
		err = cb_repo_meta_set_default(&p->meta, p->target.name, e);
	if (err != CB_OK || p->params->is_dry_run)
		return err;
	return p->ret->is_unchanged && !changes_default ? CB_OK : cb_repo_meta_commit(&p->meta, e);
}

static enum cb_err write_all(struct publish *p, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_manifest_file_path(p->params->place.repo, &p->target, path, e);

	if (err != CB_OK)
		return err;
	bool is_new = !cb_path_exists(path);

	if (!p->params->is_dry_run)
		err = write_files(p, path, e);
	if (err == CB_OK)
		err = sign(p, e);
	/* As long as nothing can list it, it would only bar the version from other content. */
	if (err != CB_OK && is_new && !p->ret->is_unchanged && !p->meta.has_written)
		unlink(path);
	return err;
}

/* ---- The whole ---- */

static enum cb_err open_all(struct publish *p, struct cb_error *e)
{
	const struct cb_publish_params *params = p->params;
	struct cb_segments_params files = params->files;
	const char *repo = params->place.repo;
	enum cb_err err = params->is_dry_run ? CB_OK : cb_repo_lock(repo, &p->lock, e);

	if (err == CB_OK) {
		p->has_meta = true;
		err = cb_repo_meta_load(&params->place, &p->meta, e);
	}
	/* before hours of work, and before anything is written */
	if (err == CB_OK)
		err = cb_repo_meta_check(&p->meta, e);
	if (err == CB_OK)
		err = cb_store_open(repo, !params->is_dry_run, &p->store, e);
	files.scratch_dir = repo;
	return err == CB_OK ? cb_segments_open(&files, &p->segments, e) : err;
}

static enum cb_err store_chunks(struct publish *p, struct cb_error *e)
{
	const struct cb_publish_params *params = p->params;
	struct cb_pipeline_params pipeline = {
		.store = &p->store,
		.size = params->size,
		.level = params->level,
		.n_threads = params->n_threads,
		.is_dry_run = params->is_dry_run,
		.on_progress = params->on_progress,
		.ctx = params->ctx,
	};
	enum cb_err err =
		cb_pipeline_run(&pipeline, p->segments.bytes, p->segments.n, &p->chunks, e);

	return err == CB_OK ? cb_segments_check(&p->segments, e) : err;
}

static void fill_result(struct publish *p)
{
	struct cb_publish_result *r = p->ret;

	r->target = p->target;
	r->is_default = strcmp(p->meta.default_image, p->target.name) == 0;
	r->raw_total = p->manifest.raw_total;
	r->stored_total = p->manifest.stored_total;
	r->ram_need = p->manifest.ram_need;
	r->new_bytes = p->chunks.new_bytes;
	r->reused_bytes = p->chunks.reused_bytes;
	r->n_chunks = p->chunks.n_chunks;
	r->n_replaced = p->chunks.n_replaced;
}

static enum cb_err publish(struct publish *p, struct cb_error *e)
{
	enum cb_err err = open_all(p, e);

	if (err == CB_OK)
		err = store_chunks(p, e);
	if (err == CB_OK)
		err = make_manifest(p, e);
	if (err == CB_OK)
		err = choose_target(p, e);
	if (err != CB_OK)
		return err;
	if (!p->ret->is_unchanged)
		err = count_update(p, cb_repo_meta_newest(&p->meta, p->target.name), e);
	if (err == CB_OK)
		err = write_all(p, e);
	if (err == CB_OK)
		fill_result(p);
	return err;
}

enum cb_err cb_publish(const struct cb_publish_params *params, struct cb_publish_result *ret,
		       struct cb_error *e)
{
	struct cb_publish_result result = { 0 };
	struct publish p = { .params = params, .ret = &result };
	enum cb_err err = check_strings(params, e);

	if (err == CB_OK)
		err = publish(&p, e);
	publish_done(&p);
	if (err == CB_OK)
		*ret = result;
	return err;
}
