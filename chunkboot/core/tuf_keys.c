/* SPDX-License-Identifier: MIT */
/* Keys of TUF roles: thresholds over distinct ed25519 keys, keyids. */
#include <sodium.h>
#include <string.h>

#include "core/tuf_internal.h"

/* The public key of an ed25519 key object; META_FORMAT for anything else. */
static enum cb_err parse_key(const struct cb_json *key, uint8_t ret_public[32])
{
	const struct cb_json *value = cb_json_get(key, "keyval");
	struct cb_bytes type, scheme, hex;

	if (cb_json_string(cb_json_get(key, "keytype"), &type) != CB_OK ||
	    cb_json_string(cb_json_get(key, "scheme"), &scheme) != CB_OK ||
	    cb_json_string(cb_json_get(value, "public"), &hex) != CB_OK ||
	    !cb_bytes_is(type, "ed25519") || !cb_bytes_is(scheme, "ed25519") ||
	    !cb_hex_decode(hex, ret_public, 32))
		return CB_META_FORMAT;
	return CB_OK;
}

static struct cb_tuf_role_key *find_key(struct cb_tuf_role_keys *keys, struct cb_bytes id)
{
	for (unsigned i = 0; i < keys->n; i++)
		if (cb_bytes_equal(keys->at[i].id, id))
			return &keys->at[i];
	return NULL;
}

enum cb_err cb_tuf_role_keys(const struct cb_json *keys, const struct cb_json *role,
			     struct cb_tuf_role_keys *ret)
{
	const struct cb_json *ids = cb_json_get(role, "keyids");
	struct cb_tuf_role_keys found = { .n = 0 };
	uint64_t threshold;

	if (cb_json_integer(cb_json_get(role, "threshold"), &threshold) != CB_OK || threshold < 1 ||
	    !cb_json_is(ids, CB_JSON_ARRAY))
		return CB_META_FORMAT;
	if (threshold > CB_TUF_MAX_ROLE_KEYS || ids->n_children > CB_TUF_MAX_ROLE_KEYS)
		return CB_META_LIMIT;
	found.threshold = (unsigned)threshold;
	for (const struct cb_json *id = ids->first; id != NULL; id = id->next) {
		struct cb_tuf_role_key *key = &found.at[found.n];

		if (!cb_json_is(id, CB_JSON_STRING))
			return CB_META_FORMAT;
		/* A keyid without a key that we can use can't sign: it just doesn't count. */
		if (parse_key(cb_json_get_bytes(keys, id->text), key->public_key) != CB_OK)
			continue;
		key->id = id->text;
		found.n++;
	}
	*ret = found;
	return CB_OK;
}

/* Has the same public key signed already, be it under another keyid? */
static bool is_counted(const struct cb_tuf_role_keys *keys, const uint8_t public_key[32])
{
	for (unsigned i = 0; i < keys->n; i++)
		if (keys->at[i].has_signed && memcmp(keys->at[i].public_key, public_key, 32) == 0)
			return true;
	return false;
}

enum cb_err cb_tuf_verify_threshold(struct cb_tuf_role_keys *keys, const struct cb_json *signatures,
				    struct cb_bytes msg)
{
	unsigned n_valid = 0;

	if (signatures->n_children > CB_TUF_MAX_SIGNATURES)
		return CB_META_LIMIT;
	for (const struct cb_json *s = signatures->first; s != NULL; s = s->next) {
		struct cb_tuf_role_key *key;
		struct cb_bytes id, hex;
		uint8_t sig[64];

		if (cb_json_string(cb_json_get(s, "keyid"), &id) != CB_OK ||
		    cb_json_string(cb_json_get(s, "sig"), &hex) != CB_OK)
			return CB_META_FORMAT;
		key = find_key(keys, id);
		if (key == NULL || is_counted(keys, key->public_key) ||
		    !cb_hex_decode(hex, sig, sizeof(sig)))
			continue;
		if (crypto_sign_verify_detached(sig, msg.p, msg.len, key->public_key) != 0)
			continue;
		key->has_signed = true;
		n_valid++;
	}
	return n_valid >= keys->threshold ? CB_OK : CB_META_SIGNATURE;
}

enum cb_err cb_tuf_digest(const struct cb_mem *mem, const struct cb_json *node,
			  uint8_t ret[CB_DIGEST_LEN])
{
	uint8_t *text;
	size_t len;
	enum cb_err err = cb_json_canonical_len(node, &len);

	if (err != CB_OK)
		return err;
	text = cb_alloc(mem, len);
	if (text == NULL)
		return CB_NO_MEMORY;
	err = cb_json_canonical_write(node, text, len);
	if (err == CB_OK)
		cb_sha256((struct cb_bytes){ .p = text, .len = len }, ret);
	cb_free(mem, text);
	return err;
}

/* Is the key's name the digest of its canonical form? */
static enum cb_err check_keyid(const struct cb_mem *mem, const struct cb_json *key)
{
	uint8_t digest[CB_DIGEST_LEN], id[CB_DIGEST_LEN];
	enum cb_err err = cb_tuf_digest(mem, key, digest);

	if (err != CB_OK)
		return err;
	if (!cb_hex_decode(key->name, id, sizeof(id)) || memcmp(id, digest, sizeof(id)) != 0)
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_check_keys(const struct cb_mem *mem, const struct cb_json *keys)
{
	uint8_t public_key[32];

	if (!cb_json_is(keys, CB_JSON_OBJECT))
		return CB_META_FORMAT;
	for (const struct cb_json *key = keys->first; key != NULL; key = key->next) {
		enum cb_err err = parse_key(key, public_key);

		if (err == CB_OK)
			err = check_keyid(mem, key);
		if (err != CB_OK)
			return err;
	}
	return CB_OK;
}

/* Is every keyid of a among those of b? */
static bool is_subset(const struct cb_json *a, const struct cb_json *b)
{
	for (const struct cb_json *id = a->first; id != NULL; id = id->next) {
		const struct cb_json *other = b->first;

		while (other != NULL && !cb_bytes_equal(other->text, id->text))
			other = other->next;
		if (other == NULL)
			return false;
	}
	return true;
}

bool cb_tuf_same_keyids(const struct cb_json *a, const struct cb_json *b)
{
	const struct cb_json *ids_a = cb_json_get(a, "keyids"), *ids_b = cb_json_get(b, "keyids");

	if (ids_a == NULL || ids_b == NULL)
		return false;
	return is_subset(ids_a, ids_b) && is_subset(ids_b, ids_a);
}
