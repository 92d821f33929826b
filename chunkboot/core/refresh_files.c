/* SPDX-License-Identifier: MIT */
/* Metadata workflow: files that came in one piece (from a mirror, from the cache), and making such a piece. */
#include <string.h>

#include "core/refresh_internal.h"

/* ---- Taking files out ---- */

void cb_refresh_files_drop(struct cb_refresh *r, struct cb_refresh_files *f)
{
	cb_free(&r->platform->mem, f->bytes);
	f->bytes = NULL;
	f->bundle.n = 0;
}

void cb_refresh_use_kept(struct cb_refresh *r, uint8_t *bytes, size_t len)
{
	r->kept.bytes = bytes;
	if (cb_bundle_parse((struct cb_bytes){ bytes, len }, &r->kept.bundle) != CB_OK)
		cb_refresh_files_drop(r, &r->kept);
}

static bool take(struct cb_refresh *r, const struct cb_refresh_files *f)
{
	struct cb_bytes file;

	return cb_bundle_find(&f->bundle, r->want.path, &file) &&
		cb_refresh_accept(r, file, /*is_kept=*/f == &r->kept) == CB_OK;
}

bool cb_refresh_files_take(struct cb_refresh *r)
{
	/* A fetched timestamp is one candidate among others, and one that was kept none. */
	return r->want.role != CB_TUF_TIMESTAMP && (take(r, &r->kept) || take(r, &r->fetched));
}

enum cb_err cb_refresh_files_take_offline(struct cb_refresh *r)
{
	struct cb_bytes file;

	if (cb_bundle_find(&r->kept.bundle, r->want.path, &file))
		return cb_refresh_accept(r, file, /*is_kept=*/true);
	return cb_tuf_absent(r->tuf);
}

/* ---- The bundle of a mirror ---- */

static void describe_bundle(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	(void)ctx;
	(void)item;
	*ret = (struct cb_fetch_item){
		.path = CB_BUNDLE_PATH,
		.len = CB_BUNDLE_MAX_LEN,
		.is_mutable = true,
		.source = CB_FETCH_ANY_SOURCE,
	};
}

static enum cb_err deliver_bundle(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_refresh *r = ctx;
	struct cb_refresh_files *f = &r->fetched;
	struct cb_bytes timestamp;
	enum cb_err err;

	(void)item;
	(void)source;
	f->bytes = cb_alloc(&r->platform->mem, bytes.len);
	if (!f->bytes)
		return CB_NO_MEMORY;
	memcpy(f->bytes, bytes.p, bytes.len);
	err = cb_bundle_parse((struct cb_bytes){ f->bytes, bytes.len }, &f->bundle);
	if (err != CB_OK) {
		cb_refresh_files_drop(r, f);
	} else if (cb_bundle_find(&f->bundle, "metadata/timestamp.json", &timestamp)) {
		(void)!cb_refresh_candidate_add(r, CB_REFRESH_IN_BUNDLE, timestamp);
	}
	return err;
}

enum cb_err cb_refresh_bundle_ask(struct cb_refresh *r)
{
	if (r->has_begun || r->kept.bytes)
		return CB_OK;
	r->has_begun = true;
	return cb_fetch_submit(r->fetch,
			       &(struct cb_job_params){
				       .ctx = r,
				       .n_items = 1,
				       .describe = describe_bundle,
				       .deliver = deliver_bundle,
				       .absent_err = CB_META_MISSING,
				       .wrong_err = CB_META_FORMAT,
				       .is_hint = true,
			       },
			       &r->bundle_job);
}

void cb_refresh_bundle_end(struct cb_refresh *r)
{
	cb_job_free(r->bundle_job);
	r->bundle_job = NULL;
}

bool cb_refresh_bundle_is_awaited(struct cb_refresh *r, uint64_t *ret_wake_ms)
{
	struct cb_fetch_stats stats;
	uint64_t until;

	if (!r->bundle_job || cb_job_status(r->bundle_job, NULL, NULL) != CB_JOB_RUNNING)
		return false;
	if (r->bundle_ms == UINT64_MAX)
		r->bundle_ms = cb_refresh_now(r);
	cb_fetch_stats(r->fetch, &stats);
	until = stats.last_progress_ms > r->bundle_ms ? stats.last_progress_ms : r->bundle_ms;
	until += CB_REFRESH_BUNDLE_MS;
	if (cb_refresh_now(r) >= until)
		return false;
	cb_refresh_wake_at(ret_wake_ms, until);
	return true;
}

/* ---- Making a bundle of what was accepted ---- */

void cb_refresh_roots_add(struct cb_refresh *r, struct cb_bytes file)
{
	struct cb_refresh_root *root = cb_alloc(&r->platform->mem, sizeof(*root) + file.len);

	if (!root) {
		r->lacks_root = true;
		return;
	}
	root->next = NULL;
	root->len = file.len;
	memcpy(root->name, r->want.path, sizeof(root->name));
	memcpy(root->bytes, file.p, file.len);
	*r->roots_end = root;
	r->roots_end = &root->next;
}

void cb_refresh_roots_drop(struct cb_refresh *r)
{
	while (r->roots) {
		struct cb_refresh_root *root = r->roots;

		r->roots = root->next;
		cb_free(&r->platform->mem, root);
	}
}

/* Bytes of a file in a bundle, with its head. */
static size_t framed(const char *path, size_t len)
{
	return 1 + strlen(path) - strlen(CB_BUNDLE_DIRECTORY) + 4 + len;
}

/* Bytes of the whole, and how many files that is. False: too much for a bundle. */
static bool measure(const struct cb_refresh *r, size_t *ret_len, uint32_t *ret_n)
{
	size_t all = CB_BUNDLE_HEAD_LEN, len;
	uint32_t n = 0;

	for (const struct cb_refresh_root *root = r->roots; root; root = root->next, n++)
		all += framed(root->name, root->len);
	if (r->lacks_root || all > CB_BUNDLE_MAX_ROOTS_LEN)
		return false;
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++, n++) {
		if (cb_tuf_file(r->tuf, (enum cb_tuf_role)role, NULL, &len) != CB_OK)
			return false;
		all += framed(r->names[role], len);
	}
	*ret_len = all;
	*ret_n = n;
	return all <= CB_BUNDLE_MAX_LEN && n <= CB_BUNDLE_MAX_FILES;
}

/* A file's head; returns where its bytes go. */
static uint8_t *put_head(uint8_t *out, const char *path, size_t len)
{
	const char *name = path + strlen(CB_BUNDLE_DIRECTORY);
	size_t name_len = strlen(name);

	*out = (uint8_t)name_len;
	memcpy(out + 1, name, name_len);
	cb_put_le32(out + 1 + name_len, (uint32_t)len);
	return out + 1 + name_len + 4;
}

static enum cb_err write_all(const struct cb_refresh *r, uint32_t n, uint8_t *out)
{
	memcpy(out, CB_BUNDLE_MAGIC, 8);
	cb_put_le32(out + 8, n);
	out += CB_BUNDLE_HEAD_LEN;
	for (const struct cb_refresh_root *root = r->roots; root; root = root->next) {
		out = put_head(out, root->name, root->len);
		memcpy(out, root->bytes, root->len);
		out += root->len;
	}
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++) {
		size_t len;
		enum cb_err err = cb_tuf_file(r->tuf, (enum cb_tuf_role)role, NULL, &len);

		if (err == CB_OK) {
			out = put_head(out, r->names[role], len);
			err = cb_tuf_file(r->tuf, (enum cb_tuf_role)role, out, &len);
		}
		if (err != CB_OK)
			return err;
		out += len;
	}
	return CB_OK;
}

enum cb_err cb_refresh_compose(const struct cb_refresh *r, uint8_t **ret, size_t *ret_len)
{
	size_t len;
	uint32_t n;
	uint8_t *bytes;
	enum cb_err err;

	if (!measure(r, &len, &n))
		return CB_META_LIMIT;
	bytes = cb_alloc(&r->platform->mem, len);
	if (!bytes)
		return CB_NO_MEMORY;
	err = write_all(r, n, bytes);
	if (err != CB_OK) {
		cb_free(&r->platform->mem, bytes);
		return err;
	}
	*ret = bytes;
	*ret_len = len;
	return CB_OK;
}

void cb_refresh_key(uint8_t key[CB_DIGEST_LEN])
{
	cb_blake2b_256(cb_bytes_of(CB_BUNDLE_PATH), key);
}

bool cb_refresh_has_news(const struct cb_refresh *r)
{
	return r->has_news;
}
