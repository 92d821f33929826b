/* SPDX-License-Identifier: MIT */
/* What it takes for each TUF role's file to be accepted (TUF 1.0 §5.3 to §5.7). */
#include <string.h>

#include "core/tuf_internal.h"

static const struct {
	const char *file_name; /* in "meta" and in the repository */
	uint32_t max_len;
} files[CB_TUF_N_ROLES] = {
	[CB_TUF_ROOT] = { "root.json", CB_TUF_ROOT_MAX },
	[CB_TUF_TIMESTAMP] = { "timestamp.json", CB_TUF_TIMESTAMP_MAX },
	[CB_TUF_SNAPSHOT] = { "snapshot.json", CB_TUF_SNAPSHOT_MAX },
	[CB_TUF_TARGETS] = { "targets.json", CB_TUF_TARGETS_MAX },
	[CB_TUF_ACCOUNTS] = { "accounts.json", CB_TUF_ACCOUNTS_MAX },
};

const char *cb_tuf_file_name(enum cb_tuf_role role)
{
	return files[role].file_name;
}

uint32_t cb_tuf_max_len(enum cb_tuf_role role)
{
	return files[role].max_len;
}

/* ---- What every role has in common; next is the state as it would be after acceptance ---- */

static const struct cb_json *root_role(const struct cb_tuf_file *root, enum cb_tuf_role role)
{
	static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };

	return cb_json_get(cb_json_get(root->body, "roles"), names[role]);
}

/* Signatures by whoever delegates to the role: root, or targets for accounts. */
static enum cb_err verify(const struct cb_tuf *next, enum cb_tuf_role role)
{
	const struct cb_tuf_file *root = &next->files[CB_TUF_ROOT];
	const struct cb_json *targets = next->files[CB_TUF_TARGETS].body;
	const struct cb_json *keys = cb_json_get(root->body, "keys");

	if (role != CB_TUF_ACCOUNTS)
		return cb_tuf_file_verify(&next->files[role], keys, root_role(root, role));
	keys = cb_json_get(cb_json_get(targets, "delegations"), "keys");
	return cb_tuf_file_verify(&next->files[role], keys, next->accounts_role);
}

enum cb_err cb_tuf_check_expiry(const struct cb_tuf *next, enum cb_tuf_role role)
{
	if (role == CB_TUF_TIMESTAMP && next->waives_expiry)
		return CB_OK;
	return next->files[role].expires_s > cb_tuf_now(next) ? CB_OK : CB_META_EXPIRED;
}

/* An entry of meta must not undercut what was seen before. */
static enum cb_err read_meta(struct cb_tuf *next, const struct cb_json *body, enum cb_tuf_role role)
{
	enum cb_err err = cb_tuf_parse_meta(body, cb_tuf_file_name(role), cb_tuf_max_len(role),
					    next->profile, &next->meta[role]);

	if (err != CB_OK)
		return err;
	return next->meta[role].version < next->floor.version[role] ? CB_META_ROLLBACK : CB_OK;
}

/* The version must be the one that the file before it names. */
static enum cb_err check_version(uint64_t version, uint64_t expected)
{
	if (version < expected)
		return CB_META_ROLLBACK;
	return version == expected ? CB_OK : CB_META_FORMAT;
}

/* ---- The roles ---- */

static enum cb_err read_root_body(struct cb_tuf *next)
{
	const struct cb_json *body = next->files[CB_TUF_ROOT].body;
	enum cb_err err = cb_tuf_check_root(body, next->profile, &next->is_consistent);

	if (err == CB_OK && next->profile == CB_TUF_LOADER)
		err = cb_tuf_check_keys(next->mem, cb_json_get(body, "keys"));
	return err != CB_OK ? err : cb_tuf_extend_root(body, &next->info);
}

static void forget_all_but_root(struct cb_tuf_floor *floor)
{
	struct cb_tuf_floor kept = { .version = { [CB_TUF_ROOT] = floor->version[CB_TUF_ROOT] } };

	memcpy(kept.root_digest, floor->root_digest, sizeof(kept.root_digest));
	*floor = kept;
}

/*
 * Changed timestamp or snapshot keys cure a fast-forward attack: what the old keys said is
 * forgotten (TUF §5.3.11). Not so for changes that were seen together with the floor already.
 */
static void reset_floor_on_rotation(struct cb_tuf *next, const struct cb_tuf_file *old)
{
	const struct cb_tuf_file *root = &next->files[CB_TUF_ROOT];

	if (root->version <= next->floor.version[CB_TUF_ROOT])
		return;
	if (cb_tuf_same_keyids(root_role(old, CB_TUF_TIMESTAMP),
			       root_role(root, CB_TUF_TIMESTAMP)) &&
	    cb_tuf_same_keyids(root_role(old, CB_TUF_SNAPSHOT), root_role(root, CB_TUF_SNAPSHOT)))
		return;
	forget_all_but_root(&next->floor);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

static enum cb_err digest_root(struct cb_tuf *next)
{
	static const enum cb_tuf_role online[] = { CB_TUF_TIMESTAMP, CB_TUF_SNAPSHOT };
	const struct cb_tuf_file *root = &next->files[CB_TUF_ROOT];
	uint8_t digests[2 * CB_DIGEST_LEN], both[CB_DIGEST_LEN];
	enum cb_err err = cb_tuf_digest(next->mem, root->body, next->root_digest);

	for (size_t i = 0; i < 2 && err == CB_OK; i++)
		err = cb_tuf_digest(next->mem, cb_json_get(root_role(root, online[i]), "keyids"),
				    digests + i * CB_DIGEST_LEN);
	if (err != CB_OK)
		return err;
	cb_sha256((struct cb_bytes){ digests, sizeof(digests) }, both);
	memcpy(next->online_keys, both, sizeof(next->online_keys));
	return CB_OK;
}

enum cb_err cb_tuf_settle_root(struct cb_tuf *next)
{
	struct cb_tuf_floor *floor = &next->floor;
	uint64_t version = next->files[CB_TUF_ROOT].version;
	enum cb_err err = digest_root(next);

	if (err != CB_OK)
		return err;
	/* Another root of the same version would be a second history of the realm. */
	if (version < floor->version[CB_TUF_ROOT] ||
	    (version == floor->version[CB_TUF_ROOT] &&
	     !is_zero(floor->root_digest, sizeof(floor->root_digest)) &&
	     memcmp(floor->root_digest, next->root_digest, sizeof(next->root_digest)) != 0))
		return CB_META_ROLLBACK;
	/* The rotation may lie between the floor and the root that we started from. */
	if (version > floor->version[CB_TUF_ROOT] &&
	    !is_zero(floor->online_keys, sizeof(floor->online_keys)) &&
	    memcmp(floor->online_keys, next->online_keys, sizeof(next->online_keys)) != 0)
		forget_all_but_root(floor);
	return CB_OK;
}

static enum cb_err take_root(struct cb_tuf *next, const struct cb_tuf_file *old)
{
	struct cb_tuf_file *root = &next->files[CB_TUF_ROOT];
	enum cb_err err;

	if (next->n_root_steps == CB_TUF_MAX_ROOT_STEPS)
		return CB_META_LIMIT;
	next->n_root_steps++;
	err = cb_tuf_file_verify(root, cb_json_get(old->body, "keys"), root_role(old, CB_TUF_ROOT));
	if (err == CB_OK)
		err = verify(next, CB_TUF_ROOT);
	if (err == CB_OK)
		err = cb_tuf_file_head(root, CB_TUF_ROOT);
	if (err == CB_OK)
		err = check_version(root->version, old->version + 1);
	if (err == CB_OK)
		err = read_root_body(next);
	if (err == CB_OK)
		reset_floor_on_rotation(next, old);
	return err;
}

enum cb_err cb_tuf_take_trusted_root(struct cb_tuf *tuf)
{
	enum cb_err err = verify(tuf, CB_TUF_ROOT);

	if (err == CB_OK)
		err = cb_tuf_file_head(&tuf->files[CB_TUF_ROOT], CB_TUF_ROOT);
	return err != CB_OK ? err : read_root_body(tuf);
}

static enum cb_err take_timestamp(struct cb_tuf *next)
{
	struct cb_tuf_file *file = &next->files[CB_TUF_TIMESTAMP];
	enum cb_err err = verify(next, CB_TUF_TIMESTAMP);

	if (err == CB_OK)
		err = cb_tuf_file_head(file, CB_TUF_TIMESTAMP);
	if (err == CB_OK && file->version < next->floor.version[CB_TUF_TIMESTAMP])
		err = CB_META_ROLLBACK;
	if (err == CB_OK)
		err = read_meta(next, file->body, CB_TUF_SNAPSHOT);
	if (err == CB_OK)
		err = cb_tuf_check_expiry(next, CB_TUF_TIMESTAMP);
	if (err == CB_OK)
		err = cb_tuf_extend_timestamp(file->body, file->expires_s, &next->info);
	next->wanted = CB_TUF_SNAPSHOT;
	return err;
}

/* Signatures, head and the version that meta names. */
static enum cb_err take_listed(struct cb_tuf *next, enum cb_tuf_role role)
{
	enum cb_err err = verify(next, role);

	if (err == CB_OK)
		err = cb_tuf_file_head(&next->files[role], role);
	if (err == CB_OK)
		err = check_version(next->files[role].version, next->meta[role].version);
	return err;
}

static enum cb_err take_snapshot(struct cb_tuf *next)
{
	const struct cb_json *body = next->files[CB_TUF_SNAPSHOT].body;
	bool has_accounts = cb_json_get(cb_json_get(body, "meta"), "accounts.json") != NULL;
	enum cb_err err = take_listed(next, CB_TUF_SNAPSHOT);

	if (err == CB_OK)
		err = read_meta(next, body, CB_TUF_TARGETS);
	if (err == CB_OK && (has_accounts || next->profile == CB_TUF_LOADER))
		err = read_meta(next, body, CB_TUF_ACCOUNTS);
	next->wanted = CB_TUF_TARGETS;
	return err != CB_OK ? err : cb_tuf_check_expiry(next, CB_TUF_SNAPSHOT);
}

static enum cb_err check_targets(const struct cb_tuf *next)
{
	const struct cb_json *list = cb_json_get(next->files[CB_TUF_TARGETS].body, "targets");
	struct cb_tuf_target target;

	if (!cb_json_is(list, CB_JSON_OBJECT))
		return CB_META_FORMAT;
	for (const struct cb_json *node = list->first; node != NULL; node = node->next) {
		enum cb_err err = cb_tuf_parse_target(node, next->profile, &target);

		if (err != CB_OK)
			return err;
	}
	return CB_OK;
}

static enum cb_err take_targets(struct cb_tuf *next)
{
	const struct cb_json *body = next->files[CB_TUF_TARGETS].body;
	enum cb_err err = take_listed(next, CB_TUF_TARGETS);

	if (err == CB_OK)
		err = cb_tuf_check_expiry(next, CB_TUF_TARGETS);
	if (err == CB_OK)
		err = check_targets(next);
	if (err == CB_OK)
		err = cb_tuf_check_delegations(next->mem, body, next->profile,
					       &next->accounts_role);
	if (err == CB_OK)
		err = cb_tuf_extend_targets(body, &next->info);
	if (err != CB_OK)
		return err;
	/* A delegated role that snapshot doesn't list can't be fetched (standard profile only). */
	if (next->accounts_role != NULL && next->meta[CB_TUF_ACCOUNTS].version != 0)
		next->wanted = CB_TUF_ACCOUNTS;
	else
		next->wanted = CB_TUF_N_ROLES;
	return CB_OK;
}

static enum cb_err take_accounts(struct cb_tuf *next)
{
	const struct cb_json *body = next->files[CB_TUF_ACCOUNTS].body;
	const struct cb_json *targets = cb_json_get(body, "targets");
	enum cb_err err = take_listed(next, CB_TUF_ACCOUNTS);

	if (err == CB_OK)
		err = cb_tuf_check_expiry(next, CB_TUF_ACCOUNTS);
	/* This online key chooses among listed images; it can't bring in one or delegate. */
	if (err == CB_OK && next->profile == CB_TUF_LOADER &&
	    (!cb_json_is(targets, CB_JSON_OBJECT) || targets->n_children > 0 ||
	     cb_json_get(body, "delegations") != NULL))
		err = CB_META_FORMAT;
	if (err == CB_OK)
		err = cb_tuf_extend_accounts(body, next->profile, &next->info);
	next->wanted = CB_TUF_N_ROLES;
	return err;
}

enum cb_err cb_tuf_take(struct cb_tuf *next, enum cb_tuf_role role, const struct cb_tuf_file *old)
{
	switch (role) {
	case CB_TUF_ROOT:
		return take_root(next, old);
	case CB_TUF_TIMESTAMP:
		return take_timestamp(next);
	case CB_TUF_SNAPSHOT:
		return take_snapshot(next);
	case CB_TUF_TARGETS:
		return take_targets(next);
	case CB_TUF_ACCOUNTS:
		return take_accounts(next);
	default:
		return CB_INTERNAL;
	}
}
