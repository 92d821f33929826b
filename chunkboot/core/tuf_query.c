/* SPDX-License-Identifier: MIT */
/* What verified metadata says: targets, revocation, signatures of account records, realm id. */
#include <sodium.h>
#include <string.h>

#include "core/tuf_internal.h"

const struct cb_tuf_info *cb_tuf_info(const struct cb_tuf *tuf)
{
	return &tuf->info;
}

int64_t cb_tuf_now(const struct cb_tuf *tuf)
{
	return tuf->now_s > tuf->floor.time_s ? tuf->now_s : tuf->floor.time_s;
}

struct cb_tuf_floor cb_tuf_seen(const struct cb_tuf *tuf)
{
	struct cb_tuf_floor seen = { .time_s = tuf->floor.time_s };

	memcpy(seen.version, tuf->info.versions.version, sizeof(seen.version));
	memcpy(seen.root_digest, tuf->root_digest, sizeof(seen.root_digest));
	memcpy(seen.online_keys, tuf->online_keys, sizeof(seen.online_keys));
	return seen;
}

/* In the loader's profile a file is its own canonical form. */
enum cb_err cb_tuf_file(const struct cb_tuf *tuf, enum cb_tuf_role role, uint8_t *out,
			size_t *ret_len)
{
	const struct cb_json *root = tuf->files[role].doc.root;
	enum cb_err err;

	if (root == NULL || tuf->profile != CB_TUF_LOADER)
		return CB_INTERNAL;
	err = cb_json_canonical_len(root, ret_len);
	return err != CB_OK || out == NULL ? err : cb_json_canonical_write(root, out, *ret_len);
}

const struct cb_json *cb_tuf_body(const struct cb_tuf *tuf, enum cb_tuf_role role)
{
	return tuf->files[role].body;
}

static const struct cb_json *targets_of(const struct cb_tuf *tuf)
{
	return cb_json_get(tuf->files[CB_TUF_TARGETS].body, "targets");
}

unsigned cb_tuf_n_targets(const struct cb_tuf *tuf)
{
	const struct cb_json *list = targets_of(tuf);

	return list != NULL ? list->n_children : 0;
}

/* Entries were checked when the file was accepted, so that this can't fail. */
static void read_target(const struct cb_tuf *tuf, const struct cb_json *node,
			struct cb_tuf_target *ret)
{
	if (cb_tuf_parse_target(node, tuf->profile, ret) != CB_OK)
		*ret = (struct cb_tuf_target){ .serial = 0 };
}

void cb_tuf_target_at(const struct cb_tuf *tuf, unsigned i, struct cb_tuf_target *ret)
{
	const struct cb_json *node = targets_of(tuf)->first;

	for (; i > 0; i--)
		node = node->next;
	read_target(tuf, node, ret);
}

enum cb_err cb_tuf_find(const struct cb_tuf *tuf, struct cb_bytes path, struct cb_tuf_target *ret)
{
	const struct cb_json *node = cb_json_get_bytes(targets_of(tuf), path);

	if (node == NULL)
		return CB_META_NO_IMAGE;
	read_target(tuf, node, ret);
	return CB_OK;
}

enum cb_err cb_tuf_newest(const struct cb_tuf *tuf, struct cb_bytes name, const char *arch,
			  struct cb_tuf_target *ret)
{
	const struct cb_json *list = targets_of(tuf);
	struct cb_tuf_target newest = { .serial = 0 }, target;
	bool is_found = false;

	if (list == NULL || name.len == 0)
		return CB_META_NO_IMAGE;
	for (const struct cb_json *node = list->first; node != NULL; node = node->next) {
		read_target(tuf, node, &target);
		if (!cb_bytes_is(name, target.name) ||
		    (arch != NULL && !cb_bytes_is(cb_bytes_of(arch), target.arch)) ||
		    (is_found && target.serial <= newest.serial))
			continue;
		newest = target;
		is_found = true;
	}
	if (!is_found)
		return CB_META_NO_IMAGE;
	*ret = newest;
	return CB_OK;
}

bool cb_tuf_accounts_signed(const struct cb_tuf *tuf, struct cb_bytes msg, const uint8_t sig[64])
{
	const struct cb_json *delegations =
		cb_json_get(tuf->files[CB_TUF_TARGETS].body, "delegations");
	struct cb_tuf_role_keys keys;

	if (tuf->accounts_role == NULL ||
	    cb_tuf_role_keys(cb_json_get(delegations, "keys"), tuf->accounts_role, &keys) != CB_OK)
		return false;
	for (unsigned i = 0; i < keys.n; i++)
		if (crypto_sign_verify_detached(sig, msg.p, msg.len, keys.at[i].public_key) == 0)
			return true;
	return false;
}

bool cb_tuf_is_revoked(const struct cb_tuf *tuf, const uint8_t locator[32])
{
	const struct cb_json *x = cb_json_get(tuf->files[CB_TUF_ACCOUNTS].body, "x-chunkboot");
	const struct cb_json *list = cb_json_get(x, "revoked");
	char prefix[17];

	if (list == NULL)
		return false;
	cb_hex_encode(locator, 8, prefix);
	for (const struct cb_json *node = list->first; node != NULL; node = node->next)
		if (cb_bytes_is(node->text, prefix))
			return true;
	return false;
}

enum cb_err cb_tuf_realm_id(const struct cb_mem *mem, struct cb_bytes root_v1, uint8_t ret_id[32])
{
	struct cb_tuf *tuf;
	enum cb_err err = cb_tuf_new(mem, CB_TUF_LOADER, root_v1, 0, NULL, &tuf);

	if (err != CB_OK)
		return err;
	if (tuf->files[CB_TUF_ROOT].version == 1)
		err = cb_tuf_digest(mem, tuf->files[CB_TUF_ROOT].body, ret_id);
	else
		err = CB_META_FORMAT;
	cb_tuf_free(tuf);
	return err;
}
