/* SPDX-License-Identifier: MIT */
/* TUF client workflow (TUF 1.0 §5): which file comes next, and the state that acceptance leads to. */
#include "core/tuf.h"

#include <string.h>

#include "core/text.h"
#include "core/tuf_internal.h"

/* ---- What comes next ---- */

static void put_path(const struct cb_tuf *tuf, struct cb_tuf_want *want, uint64_t version)
{
	struct cb_text path = cb_text_of(want->path, sizeof(want->path));

	cb_text_put(&path, "metadata/");
	if (want->role == CB_TUF_ROOT || (want->role != CB_TUF_TIMESTAMP && tuf->is_consistent)) {
		cb_text_put_u64(&path, version);
		cb_text_put(&path, ".");
	}
	cb_text_put(&path, cb_tuf_file_name(want->role));
}

static struct cb_tuf_want want_of(const struct cb_tuf *tuf, enum cb_tuf_role role)
{
	struct cb_tuf_want want = { .role = role };
	const struct cb_tuf_meta *meta;

	want.max_len = cb_tuf_max_len(role);
	if (role == CB_TUF_ROOT) {
		want.may_be_absent = true;
		put_path(tuf, &want, tuf->files[CB_TUF_ROOT].version + 1);
	} else {
		meta = &tuf->meta[role];
		if (meta->has_len) {
			want.has_len = true;
			want.max_len = meta->len;
		}
		want.has_sha256 = meta->has_sha256;
		memcpy(want.sha256, meta->sha256, sizeof(want.sha256));
		put_path(tuf, &want, meta->version);
	}
	return want;
}

bool cb_tuf_next(const struct cb_tuf *tuf, struct cb_tuf_want *ret)
{
	if (tuf->wanted == CB_TUF_N_ROLES)
		return false;
	*ret = want_of(tuf, tuf->wanted);
	return true;
}

/* ---- Acceptance ---- */

static enum cb_err check_bytes(const struct cb_tuf_want *want, struct cb_bytes bytes)
{
	uint8_t digest[CB_DIGEST_LEN];

	if (want->has_len && bytes.len != want->max_len)
		return CB_META_HASH;
	if (bytes.len > want->max_len)
		return CB_META_LIMIT;
	if (!want->has_sha256)
		return CB_OK;
	cb_sha256(bytes, digest);
	return memcmp(digest, want->sha256, sizeof(digest)) == 0 ? CB_OK : CB_META_HASH;
}

static void note_head(struct cb_tuf *next, enum cb_tuf_role role)
{
	next->info.versions.version[role] = next->files[role].version;
	next->info.expires_s[role] = next->files[role].expires_s;
}

/* Works on a copy of the state, *next; on success that copy owns its new file. */
static enum cb_err try_accept(const struct cb_tuf *tuf, enum cb_tuf_role role,
			      struct cb_bytes bytes, struct cb_tuf *next)
{
	struct cb_tuf_want want = want_of(tuf, role);
	struct cb_tuf_file file;
	enum cb_err err = check_bytes(&want, bytes);

	if (err == CB_OK)
		err = cb_tuf_file_open(tuf->mem, tuf->profile, bytes, &file);
	if (err != CB_OK)
		return err;
	*next = *tuf;
	next->files[role] = file;
	err = cb_tuf_take(next, role, &tuf->files[role]);
	if (err == CB_OK)
		note_head(next, role);
	else
		cb_tuf_file_done(&next->files[role]);
	return err;
}

enum cb_err cb_tuf_accept(struct cb_tuf *tuf, struct cb_bytes file)
{
	enum cb_tuf_role role = tuf->wanted;
	struct cb_tuf next;
	enum cb_err err = CB_INTERNAL;

	if (role != CB_TUF_N_ROLES)
		err = try_accept(tuf, role, file, &next);
	if (err != CB_OK)
		return err;
	cb_tuf_file_done(&tuf->files[role]);
	*tuf = next;
	return CB_OK;
}

enum cb_err cb_tuf_check_timestamp(const struct cb_tuf *tuf, struct cb_bytes file,
				   uint64_t *ret_version)
{
	struct cb_tuf next;
	enum cb_err err;

	if (tuf->wanted > CB_TUF_TIMESTAMP)
		return CB_INTERNAL;
	err = try_accept(tuf, CB_TUF_TIMESTAMP, file, &next);
	if (err != CB_OK)
		return err;
	*ret_version = next.files[CB_TUF_TIMESTAMP].version;
	cb_tuf_file_done(&next.files[CB_TUF_TIMESTAMP]);
	return CB_OK;
}

enum cb_err cb_tuf_absent(struct cb_tuf *tuf)
{
	struct cb_tuf next = *tuf;
	enum cb_err err;

	if (tuf->wanted != CB_TUF_ROOT)
		return CB_META_MISSING;
	err = cb_tuf_settle_root(&next);
	if (err == CB_OK)
		err = cb_tuf_check_expiry(&next, CB_TUF_ROOT);
	if (err != CB_OK)
		return err;
	next.wanted = CB_TUF_TIMESTAMP;
	*tuf = next;
	return CB_OK;
}

void cb_tuf_restart_timestamp(struct cb_tuf *tuf)
{
	struct cb_tuf_info info = {
		.is_clock_strict = tuf->info.is_clock_strict,
	};

	if (tuf->wanted == CB_TUF_ROOT)
		return;
	memcpy(info.title, tuf->info.title, sizeof(info.title));
	tuf->info = info;
	note_head(tuf, CB_TUF_ROOT);
	tuf->accounts_role = NULL;
	memset(tuf->meta, 0, sizeof(tuf->meta));
	for (int role = CB_TUF_TIMESTAMP; role < CB_TUF_N_ROLES; role++)
		cb_tuf_file_done(&tuf->files[role]);
	tuf->wanted = CB_TUF_TIMESTAMP;
}

/* ---- Life ---- */

/* The root that all trust starts from: it must at least be signed by itself. */
static enum cb_err read_trusted_root(struct cb_tuf *tuf, struct cb_bytes bytes)
{
	enum cb_err err;

	if (bytes.len > CB_TUF_ROOT_MAX)
		return CB_META_LIMIT;
	err = cb_tuf_file_open(tuf->mem, tuf->profile, bytes, &tuf->files[CB_TUF_ROOT]);
	if (err == CB_OK)
		err = cb_tuf_take_trusted_root(tuf);
	note_head(tuf, CB_TUF_ROOT);
	return err;
}

enum cb_err cb_tuf_new(const struct cb_mem *mem, enum cb_tuf_profile profile,
		       struct cb_bytes trusted_root, int64_t now_s,
		       const struct cb_tuf_floor *floor, struct cb_tuf **ret)
{
	struct cb_tuf *tuf = cb_alloc_zeroed(mem, sizeof(*tuf));
	enum cb_err err;

	if (tuf == NULL)
		return CB_NO_MEMORY;
	tuf->mem = mem;
	tuf->profile = profile;
	tuf->now_s = now_s;
	tuf->wanted = CB_TUF_ROOT;
	if (floor != NULL)
		tuf->floor = *floor;
	err = read_trusted_root(tuf, trusted_root);
	if (err != CB_OK) {
		cb_tuf_free(tuf);
		return err;
	}
	*ret = tuf;
	return CB_OK;
}

void cb_tuf_waive_expiry(struct cb_tuf *tuf)
{
	tuf->waives_expiry = true;
}

void cb_tuf_free(struct cb_tuf *tuf)
{
	if (tuf == NULL)
		return;
	for (int role = 0; role < CB_TUF_N_ROLES; role++)
		cb_tuf_file_done(&tuf->files[role]);
	cb_free(tuf->mem, tuf);
}
