/* SPDX-License-Identifier: MIT */
/* The JSON of each metadata role, and how it becomes a signed canonical file. */
#include "host/meta_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json.h"
#include "host/heap.h"

#define EXTENSION "x-chunkboot"
#define SPEC_VERSION "1.0.31"

void cb_json_decref(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

void cb_meta_set_done(struct cb_meta_set *set)
{
	for (int role = 0; role < CB_TUF_N_ROLES; role++)
		free(set->files[role].bytes);
	*set = (struct cb_meta_set){ 0 };
}

/* ---- Members ---- */

static json_t *hex_json(const uint8_t *p, size_t len)
{
	char hex[2 * 64 + 1];

	cb_hex_encode(p, len, hex);
	return json_string(hex);
}

static json_t *time_json(int64_t unix_s)
{
	char text[32];
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) != 20)
		return NULL;
	return json_string(text);
}

json_t *cb_meta_key_json(const struct cb_key *key)
{
	return json_pack("{s:s, s:{s:o}, s:s}", "keytype", "ed25519", "keyval", "public",
			 hex_json(key->public_key, sizeof(key->public_key)), "scheme", "ed25519");
}

json_t *cb_meta_role_json(const struct cb_key *keys, unsigned n)
{
	json_t *ids = json_array();

	for (unsigned i = 0; i < n; i++)
		if (json_array_append_new(ids, hex_json(keys[i].id, sizeof(keys[i].id))) != 0) {
			json_decref(ids);
			return NULL;
		}
	return json_pack("{s:o, s:i}", "keyids", ids, "threshold", 1);
}

json_t *cb_meta_new_body(const char *type)
{
	return json_pack("{s:s, s:s, s:{}}", "_type", type, "spec_version", SPEC_VERSION,
			 EXTENSION);
}

json_t *cb_meta_copy_body(const struct cb_json *body)
{
	json_t *copy = NULL;
	uint8_t *text;
	size_t len;

	if (cb_json_canonical_len(body, &len) != CB_OK)
		return NULL;
	text = malloc(len);
	/* Canonical JSON without control characters is JSON. */
	if (text != NULL && cb_json_canonical_write(body, text, len) == CB_OK)
		copy = json_loadb((const char *)text, len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return copy;
}

bool cb_meta_set_head(json_t *body, uint64_t version, int64_t now_s, int days)
{
	return json_object_set_new(body, "version", json_integer((json_int_t)version)) == 0 &&
		json_object_set_new(body, "expires",
				    time_json(now_s + (int64_t)days * CB_META_DAY_S)) == 0;
}

/* The extension member, made when it is missing; borrowed. */
static json_t *extension(json_t *body)
{
	json_t *x = json_object_get(body, EXTENSION);

	if (!json_is_object(x) && json_object_set_new(body, EXTENSION, json_object()) == 0)
		x = json_object_get(body, EXTENSION);
	return x;
}

bool cb_meta_set_issued(json_t *body, int64_t now_s)
{
	return json_object_set_new(extension(body), "issued", time_json(now_s)) == 0;
}

bool cb_meta_set_entry(json_t *body, const char *name, const struct cb_meta_file *file)
{
	uint8_t sha256[CB_DIGEST_LEN];
	json_t *meta = json_object_get(body, "meta"), *entry;

	if (meta == NULL) {
		meta = json_object();
		if (json_object_set_new(body, "meta", meta) != 0)
			return false;
	}
	cb_sha256((struct cb_bytes){ file->bytes, file->len }, sha256);
	entry = json_pack("{s:{s:o}, s:I, s:I}", "hashes", "sha256",
			  hex_json(sha256, sizeof(sha256)), "length", (json_int_t)file->len,
			  "version", (json_int_t)file->version);
	return json_object_set_new(meta, name, entry) == 0;
}

/* ---- Targets and accounts ---- */

static json_t *target_json(const struct cb_tuf_target *t)
{
	json_t *json =
		json_pack("{s:{s:o}, s:I}", "hashes", "sha256",
			  hex_json(t->sha256, sizeof(t->sha256)), "length", (json_int_t)t->len);
	json_t *custom;

	if (t->name[0] == '\0' || json == NULL)
		return json;
	custom = json_pack("{s:s, s:s, s:s, s:s, s:I}", "arch", t->arch, "kind", t->kind, "name",
			   t->name, "version", t->version, "serial", (json_int_t)t->serial);
	if (json_object_set_new(json, "custom", custom) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *strings_json(char *const *strings, unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		if (json_array_append_new(list, json_string(strings[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *kdf_json(const struct cb_repo_meta *meta)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < meta->n_kdf; i++)
		if (json_array_append_new(list,
					  json_pack("{s:I, s:I}", "m_kib",
						    (json_int_t)meta->kdf[i].m_kib, "t",
						    (json_int_t)meta->kdf[i].t)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

bool cb_meta_set_targets(json_t *body, const struct cb_repo_meta *meta)
{
	json_t *targets = json_object(), *x = extension(body);

	if (json_object_set_new(body, "targets", targets) != 0)
		return false;
	for (size_t i = 0; i < meta->n_targets; i++)
		if (json_object_set_new(targets, meta->targets[i].path,
					target_json(&meta->targets[i])) != 0)
			return false;
	return json_object_set_new(x, "min_loader", json_integer((json_int_t)meta->min_loader)) ==
		0 &&
		json_object_set_new(x, "default_image", json_string(meta->default_image)) == 0 &&
		json_object_set_new(x, "mirrors", strings_json(meta->mirrors, meta->n_mirrors)) ==
		0 &&
		json_object_set_new(x, "login_servers",
				    strings_json(meta->login_servers, meta->n_login_servers)) ==
		0 &&
		json_object_set_new(x, "kdf", kdf_json(meta)) == 0;
}

bool cb_meta_set_accounts(json_t *body, const struct cb_repo_meta *meta)
{
	json_t *revoked = json_array(), *x = extension(body);

	if (json_object_set_new(body, "targets", json_object()) != 0 ||
	    json_object_set_new(x, "revoked", revoked) != 0)
		return false;
	for (size_t i = 0; i < meta->n_revoked; i++)
		if (json_array_append_new(revoked, hex_json(meta->revoked[i].prefix, 8)) != 0)
			return false;
	return json_object_set_new(x, "min_epoch", json_integer((json_int_t)meta->min_epoch)) == 0;
}

/* ---- Signing ---- */

/* The canonical form of what jansson holds; strict, so that the loader will take it. */
static enum cb_err canonical_text(const json_t *body, uint8_t **ret, size_t *ret_len)
{
	struct cb_json_doc doc = { 0 };
	char *text = json_dumps(body, JSON_COMPACT);
	uint8_t *out = NULL;
	size_t len = 0;
	enum cb_err err;

	if (text == NULL)
		return CB_NO_MEMORY;
	err = cb_json_parse(&cb_heap, cb_bytes_of(text), CB_JSON_STRICT, &doc);
	free(text);
	if (err == CB_OK)
		err = cb_json_canonical_len(doc.root, &len);
	if (err == CB_OK && (out = malloc(len)) == NULL)
		err = CB_NO_MEMORY;
	if (err == CB_OK)
		err = cb_json_canonical_write(doc.root, out, len);
	cb_json_done(&doc);
	if (err != CB_OK) {
		free(out);
		return err;
	}
	*ret = out;
	*ret_len = len;
	return CB_OK;
}

static void put_signature(FILE *f, const struct cb_key *key, struct cb_bytes msg)
{
	char id[2 * CB_DIGEST_LEN + 1], hex[2 * 64 + 1];
	uint8_t sig[64];

	cb_key_sign(key, msg, sig);
	cb_hex_encode(sig, sizeof(sig), hex);
	cb_hex_encode(key->id, sizeof(key->id), id);
	fprintf(f, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", id, hex);
}

enum cb_err cb_meta_sign(const json_t *body, const struct cb_key *keys, unsigned n,
			 struct cb_meta_file *ret)
{
	uint8_t *msg;
	char *text = NULL;
	size_t msg_len, len = 0;
	enum cb_err err = canonical_text(body, &msg, &msg_len);
	bool is_written;
	FILE *f;

	if (err != CB_OK)
		return err;
	f = open_memstream(&text, &len);
	if (f == NULL) {
		free(msg);
		return CB_NO_MEMORY;
	}
	fputs("{\"signatures\":[", f);
	for (unsigned i = 0; i < n; i++) {
		if (i > 0)
			fputc(',', f);
		put_signature(f, &keys[i], (struct cb_bytes){ msg, msg_len });
	}
	fputs("],\"signed\":", f);
	fwrite(msg, 1, msg_len, f);
	fputc('}', f);
	is_written = ferror(f) == 0;
	is_written = fclose(f) == 0 && is_written;
	free(msg);
	if (!is_written) {
		free(text);
		return CB_NO_MEMORY;
	}
	free(ret->bytes);
	ret->bytes = (uint8_t *)text;
	ret->len = len;
	ret->version = (uint64_t)json_integer_value(json_object_get(body, "version"));
	return CB_OK;
}
