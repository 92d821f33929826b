/* SPDX-License-Identifier: MIT */
/* TUF client: every file, spoilt in one way, is refused with the right code, and does no harm. */
#include <stdlib.h>
#include <string.h>

#include "forge_fixture.h"

/* ---- One thing wrong ---- */

static json_t *extension(json_t *body)
{
	return json_object_get(body, "x-chunkboot");
}

static json_t *target(json_t *body)
{
	return json_object_get(json_object_get(body, "targets"), "debian/1.cbm");
}

static json_t *delegation(json_t *body)
{
	json_t *delegations = json_object_get(body, "delegations");

	return json_array_get(json_object_get(delegations, "roles"), 0);
}

#define EDIT(name, statement)                                                                      \
	static void name(struct forge *f, json_t *body)                                            \
	{                                                                                          \
		(void)f;                                                                           \
		statement;                                                                         \
	}

EDIT(edit_expired, json_object_set_new(body, "expires", json_string("2027-01-15T08:00:00Z")))
EDIT(edit_not_yet, json_object_set_new(body, "expires", json_string("2027-01-15T08:00:01Z")))
EDIT(edit_bad_date, json_object_set_new(body, "expires", json_string("2027-02-29T00:00:00Z")))
EDIT(edit_no_expires, json_object_del(body, "expires"))
EDIT(edit_version_0, json_object_set_new(body, "version", json_integer(0)))
EDIT(edit_version_text, json_object_set_new(body, "version", json_string("1")))
EDIT(edit_no_version, json_object_del(body, "version"))
EDIT(edit_type, json_object_set_new(body, "_type", json_string("mirrors")))
EDIT(edit_type_root, json_object_set_new(body, "_type", json_string("root")))
EDIT(edit_spec_2, json_object_set_new(body, "spec_version", json_string("2.0.0")))
EDIT(edit_no_spec, json_object_del(body, "spec_version"))
EDIT(edit_no_meta, json_object_del(body, "meta"))
EDIT(edit_unknown_member, json_object_set_new(body, "unknown", json_pack("[i]", 1)))
EDIT(edit_issued_late,
     json_object_set_new(extension(body), "issued", json_string("2027-01-20T00:00:01Z")))
EDIT(edit_issued_30d,
     json_object_set_new(extension(body), "issued", json_string("2026-12-21T00:00:00Z")))
EDIT(edit_issued_31d,
     json_object_set_new(extension(body), "issued", json_string("2026-12-20T23:59:59Z")))
EDIT(edit_issued_text, json_object_set_new(extension(body), "issued", json_string("now")))
EDIT(edit_no_extension, json_object_del(body, "x-chunkboot"))

static json_t *meta_of(json_t *body, const char *name)
{
	return json_object_get(json_object_get(body, "meta"), name);
}

EDIT(edit_meta_no_hashes, json_object_del(meta_of(body, "snapshot.json"), "hashes"))
EDIT(edit_meta_no_length, json_object_del(meta_of(body, "snapshot.json"), "length"))
EDIT(edit_meta_no_version, json_object_del(meta_of(body, "snapshot.json"), "version"))
EDIT(edit_meta_huge,
     json_object_set_new(meta_of(body, "snapshot.json"), "length",
			 json_integer(CB_TUF_SNAPSHOT_MAX + 1)))
EDIT(edit_meta_length,
     json_object_set_new(meta_of(body, "snapshot.json"), "length", json_integer(5)))
EDIT(edit_meta_version_2,
     json_object_set_new(meta_of(body, "snapshot.json"), "version", json_integer(2)))
EDIT(edit_meta_other_hash,
     json_object_set_new(json_object_get(meta_of(body, "snapshot.json"), "hashes"), "sha256",
			 json_string(forge_hex(f->keys[0].id, 32))))
EDIT(edit_meta_short_hash,
     json_object_set_new(json_object_get(meta_of(body, "snapshot.json"), "hashes"), "sha256",
			 json_string("00")))
EDIT(edit_no_targets_meta, json_object_del(json_object_get(body, "meta"), "targets.json"))
EDIT(edit_no_accounts_meta, json_object_del(json_object_get(body, "meta"), "accounts.json"))
EDIT(edit_targets_meta_2,
     json_object_set_new(meta_of(body, "targets.json"), "version", json_integer(2)))
EDIT(edit_targets_no_hash, json_object_del(meta_of(body, "targets.json"), "hashes"))
EDIT(edit_accounts_no_hash, json_object_del(meta_of(body, "accounts.json"), "hashes"))
EDIT(edit_accounts_huge,
     json_object_set_new(meta_of(body, "accounts.json"), "length",
			 json_integer(CB_TUF_ACCOUNTS_MAX + 1)))

EDIT(edit_target_no_hash, json_object_del(target(body), "hashes"))
EDIT(edit_target_no_length, json_object_del(target(body), "length"))
EDIT(edit_target_path,
     json_object_set_new(json_object_get(body, "targets"), "debian/9.cbm", json_copy(target(body))))
EDIT(edit_target_dots,
     json_object_set_new(json_object_get(body, "targets"), "../1.cbm", json_copy(target(body))))
EDIT(edit_target_upper,
     json_object_set_new(json_object_get(target(body), "custom"), "name", json_string("Debian")))
EDIT(edit_target_kind,
     json_object_set_new(json_object_get(target(body), "custom"), "kind", json_string("bsd")))
EDIT(edit_target_no_custom, json_object_del(target(body), "custom"))
EDIT(edit_no_targets, json_object_del(body, "targets"))

static void edit_target_long_path(struct forge *f, json_t *body)
{
	char path[CB_TARGET_PATH_MAX + 2];

	(void)f;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	json_object_set_new(json_object_get(body, "targets"), path, json_copy(target(body)));
}

EDIT(edit_no_delegations, json_object_del(body, "delegations"))
EDIT(edit_delegation_name, json_object_set_new(delegation(body), "name", json_string("account")))
EDIT(edit_delegation_open, json_object_set_new(delegation(body), "terminating", json_false()))
EDIT(edit_delegation_paths,
     json_array_append_new(json_object_get(delegation(body), "paths"), json_string("*")))
EDIT(edit_delegation_path,
     json_array_set_new(json_object_get(delegation(body), "paths"), 0, json_string("*/*")))
EDIT(edit_two_delegations,
     json_array_append_new(json_object_get(json_object_get(body, "delegations"), "roles"),
			   json_deep_copy(delegation(body))))
EDIT(edit_delegation_threshold_0,
     json_object_set_new(delegation(body), "threshold", json_integer(0)))
EDIT(edit_delegation_threshold_2,
     json_object_set_new(delegation(body), "threshold", json_integer(2)))
EDIT(edit_kdf_weak,
     json_object_set_new(extension(body), "kdf", json_pack("[{s:i, s:i}]", "t", 3, "m_kib", 65535)))
EDIT(edit_kdf_huge,
     json_object_set_new(extension(body), "kdf",
			 json_pack("[{s:i, s:i}]", "t", 3, "m_kib", 1048577)))
EDIT(edit_kdf_t_2,
     json_object_set_new(extension(body), "kdf", json_pack("[{s:i, s:i}]", "t", 2, "m_kib", 65536)))
EDIT(edit_kdf_t_11,
     json_object_set_new(extension(body), "kdf",
			 json_pack("[{s:i, s:i}]", "t", 11, "m_kib", 65536)))
EDIT(edit_kdf_3,
     json_object_set_new(extension(body), "kdf",
			 json_pack("[{s:i,s:i},{s:i,s:i},{s:i,s:i}]", "t", 3, "m_kib", 65536, "t",
				   3, "m_kib", 65536, "t", 3, "m_kib", 65536)))
EDIT(edit_kdf_text, json_object_set_new(extension(body), "kdf", json_string("default")))
EDIT(edit_mirror_ftp,
     json_object_set_new(extension(body), "mirrors", json_pack("[s]", "ftp://192.0.2.1/")))
EDIT(edit_mirror_blank,
     json_object_set_new(extension(body), "mirrors", json_pack("[s]", "http://a b/")))
EDIT(edit_mirror_number, json_object_set_new(extension(body), "mirrors", json_pack("[i]", 1)))
EDIT(edit_default_slash,
     json_object_set_new(extension(body), "default_image", json_string("debian/1")))
EDIT(edit_default_number, json_object_set_new(extension(body), "default_image", json_integer(1)))
EDIT(edit_min_loader_text, json_object_set_new(extension(body), "min_loader", json_string("1")))

static void edit_mirrors_17(struct forge *f, json_t *body)
{
	(void)f;
	for (int i = 0; i < 15; i++)
		json_array_append_new(json_object_get(extension(body), "mirrors"),
				      json_string("http://192.0.2.1/"));
}

EDIT(edit_accounts_target,
     json_object_set_new(json_object_get(body, "targets"), "debian/1.cbm",
			 json_deep_copy(target(f->bodies[CB_TUF_TARGETS]))))
EDIT(edit_accounts_delegates,
     json_object_set_new(body, "delegations",
			 json_deep_copy(json_object_get(f->bodies[CB_TUF_TARGETS], "delegations"))))
EDIT(edit_revoked_short,
     json_object_set_new(extension(body), "revoked", json_pack("[s]", "0123456789abcde")))
EDIT(edit_revoked_upper,
     json_object_set_new(extension(body), "revoked", json_pack("[s]", "0123456789ABCDEF")))
EDIT(edit_no_revoked, json_object_del(extension(body), "revoked"))
EDIT(edit_no_min_epoch, json_object_del(extension(body), "min_epoch"))

static void revoke_many(json_t *body, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_sprintf("%016zx", i));
	json_object_set_new(extension(body), "revoked", list);
}

EDIT(edit_revoked_1024, revoke_many(body, CB_TUF_MAX_REVOKED))
EDIT(edit_revoked_1025, revoke_many(body, CB_TUF_MAX_REVOKED + 1))

/* ---- Files spoilt after signing ---- */

static void append(struct cb_meta_file *file, const char *text)
{
	file->bytes = realloc(file->bytes, file->len + strlen(text));
	assert_non_null(file->bytes);
	memcpy(file->bytes + file->len, text, strlen(text));
	file->len += strlen(text);
}

static void tamper_newline(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	append(file, "\n");
}

static void tamper_truncated(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	file->len /= 2;
}

static void tamper_empty(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	file->len = 0;
}

static void tamper_huge(struct forge *f, struct cb_meta_file *file)
{
	static const uint32_t max[] = { CB_TUF_ROOT_MAX, CB_TUF_TIMESTAMP_MAX, CB_TUF_SNAPSHOT_MAX,
					CB_TUF_TARGETS_MAX, CB_TUF_ACCOUNTS_MAX };
	uint32_t want = max[f->role] + 1;

	file->bytes = realloc(file->bytes, want);
	assert_non_null(file->bytes);
	memset(file->bytes + file->len, ' ', want - file->len);
	file->len = want;
}

/* Puts text in place of the first `old`. */
static void replace(struct cb_meta_file *file, const char *old, const char *text)
{
	const uint8_t *at = memmem(file->bytes, file->len, old, strlen(old));
	size_t before, rest;
	uint8_t *bytes;

	assert_non_null(at);
	before = (size_t)(at - file->bytes);
	rest = file->len - before - strlen(old);
	bytes = malloc(before + strlen(text) + rest);
	assert_non_null(bytes);
	memcpy(bytes, file->bytes, before);
	memcpy(bytes + before, text, strlen(text));
	memcpy(bytes + before + strlen(text), at + strlen(old), rest);
	free(file->bytes);
	file->bytes = bytes;
	file->len = before + strlen(text) + rest;
}

static void tamper_space(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	replace(file, "\"signed\":", "\"signed\": ");
}

static void tamper_escape(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	replace(file, "\"_type\"", "\"\\u005ftype\"");
}

static void tamper_duplicate(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	replace(file, "\"spec_version\":", "\"_type\":\"root\",\"spec_version\":");
}

static void tamper_content(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	replace(file, "\"1.0.31\"", "\"1.0.32\"");
}

static void tamper_array(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	free(file->bytes);
	file->bytes = (uint8_t *)strdup("[]");
	file->len = 2;
}

static void tamper_no_signed(struct forge *f, struct cb_meta_file *file)
{
	json_t *json = forge_load(file);

	(void)f;
	json_object_del(json, "signed");
	forge_store(file, json);
}

static json_t *signatures(json_t *file)
{
	return json_object_get(file, "signatures");
}

/* The first signature n times in all. */
static void repeat_signature(struct cb_meta_file *file, size_t n)
{
	json_t *json = forge_load(file), *list = signatures(json);
	json_t *first = json_array_get(list, 0);

	while (json_array_size(list) < n)
		json_array_append_new(list, json_deep_copy(first));
	forge_store(file, json);
}

static void tamper_16_signatures(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	repeat_signature(file, CB_TUF_MAX_SIGNATURES);
}

static void tamper_17_signatures(struct forge *f, struct cb_meta_file *file)
{
	(void)f;
	repeat_signature(file, CB_TUF_MAX_SIGNATURES + 1);
}

static void tamper_no_signatures(struct forge *f, struct cb_meta_file *file)
{
	json_t *json = forge_load(file);

	(void)f;
	json_array_clear(signatures(json));
	forge_store(file, json);
}

static void tamper_short_sig(struct forge *f, struct cb_meta_file *file)
{
	json_t *json = forge_load(file);

	(void)f;
	json_object_set_new(json_array_get(signatures(json), 0), "sig", json_string("00"));
	forge_store(file, json);
}

static void tamper_sig_number(struct forge *f, struct cb_meta_file *file)
{
	json_t *json = forge_load(file);

	(void)f;
	json_object_set_new(json_array_get(signatures(json), 0), "sig", json_integer(1));
	forge_store(file, json);
}

/* A stranger's signature under the right key's id. */
static void tamper_stranger(struct forge *f, struct cb_meta_file *file)
{
	struct cb_meta_file other = { 0 };
	json_t *json = forge_load(file), *theirs;

	assert_int_equal(cb_meta_sign(f->bodies[f->role], &f->keys[FORGE_STRANGER], 1, &other),
			 CB_OK);
	theirs = forge_load(&other);
	json_object_set(json_array_get(signatures(json), 0), "sig",
			json_object_get(json_array_get(signatures(theirs), 0), "sig"));
	forge_store(file, json);
	json_decref(theirs);
	free(other.bytes);
}

struct spoilt_case {
	const char *name;
	enum cb_tuf_role role; /* that is spoilt */
	forge_edit_fn edit;
	forge_tamper_fn tamper;
	enum cb_tuf_role at; /* that is refused; N_ROLES: none */
	enum cb_err loader, standard;
};

#define ALL CB_TUF_N_ROLES
/* parent: the role that says what version r has */
#define ROLE_CASES(r, parent)                                                                           \
	{ "expired", r, edit_expired, NULL, r, CB_META_EXPIRED, CB_META_EXPIRED },                      \
		{ "not yet expired", r, edit_not_yet, NULL, ALL, CB_OK, CB_OK },                        \
		{ "bad date", r, edit_bad_date, NULL, r, CB_META_FORMAT, CB_META_FORMAT },              \
		{ "no expires", r, edit_no_expires, NULL, r, CB_META_FORMAT, CB_META_FORMAT },          \
		{ "version 0", r, edit_version_0, NULL, parent, CB_META_FORMAT, CB_META_FORMAT },       \
		{ "version text", r, edit_version_text, NULL, parent, CB_META_FORMAT, CB_META_FORMAT }, \
		{ "no version", r, edit_no_version, NULL, parent, CB_META_FORMAT, CB_META_FORMAT },     \
		{ "type", r, edit_type, NULL, r, CB_META_FORMAT, CB_META_FORMAT },                      \
		{ "type root", r, edit_type_root, NULL, r, CB_META_FORMAT, CB_META_FORMAT },            \
		{ "spec 2", r, edit_spec_2, NULL, r, CB_META_FORMAT, CB_META_FORMAT },                  \
		{ "no spec", r, edit_no_spec, NULL, r, CB_META_FORMAT, CB_META_FORMAT },                \
		{ "unknown member", r, edit_unknown_member, NULL, ALL, CB_OK, CB_OK },                  \
		{ "newline", r, NULL, tamper_newline, r, CB_META_FORMAT, CB_OK },                       \
		{ "space", r, NULL, tamper_space, r, CB_META_FORMAT, CB_OK },                           \
		{ "escape", r, NULL, tamper_escape, r, CB_META_FORMAT, CB_OK },                         \
		{ "truncated", r, NULL, tamper_truncated, r, CB_META_FORMAT, CB_META_FORMAT },          \
		{ "empty", r, NULL, tamper_empty, r, CB_META_FORMAT, CB_META_FORMAT },                  \
		{ "duplicate", r, NULL, tamper_duplicate, r, CB_META_FORMAT, CB_META_FORMAT },          \
		{ "content", r, NULL, tamper_content, r, CB_META_SIGNATURE, CB_META_SIGNATURE },        \
		{ "array", r, NULL, tamper_array, r, CB_META_FORMAT, CB_META_FORMAT },                  \
		{ "no signed", r, NULL, tamper_no_signed, r, CB_META_FORMAT, CB_META_FORMAT },          \
		{ "16 signatures", r, NULL, tamper_16_signatures, ALL, CB_OK, CB_OK },                  \
		{ "17 signatures", r, NULL, tamper_17_signatures, r, CB_META_LIMIT, CB_META_LIMIT },    \
		{ "no signatures",  r, NULL, tamper_no_signatures, r, CB_META_SIGNATURE,                \
		  CB_META_SIGNATURE },                                                                  \
		{ "short signature", r, NULL, tamper_short_sig, r, CB_META_SIGNATURE,                   \
		  CB_META_SIGNATURE },                                                                  \
		{ "signature number", r, NULL, tamper_sig_number, r, CB_META_FORMAT, CB_META_FORMAT },  \
	{                                                                                               \
		"stranger", r, NULL, tamper_stranger, r, CB_META_SIGNATURE, CB_META_SIGNATURE           \
	}

/* A good client must be able to go on after the refusal: nothing has changed. */
static void check_spoilt(const struct spoilt_case *c, enum cb_tuf_profile profile)
{
	enum cb_err want = profile == CB_TUF_LOADER ? c->loader : c->standard;
	struct cb_tuf_want before, after;
	enum cb_tuf_role at;
	struct cb_tuf *tuf;
	struct forge f;
	enum cb_err err;

	forge_init(&f);
	f.role = c->role;
	f.edit = c->edit;
	f.tamper = c->tamper;
	forge_sign(&f);
	tuf = forge_client(&f, &forge_mem, profile, NULL);
	err = forge_walk(tuf, &f, &at);
	if (err != want || at != (want == CB_OK ? CB_TUF_N_ROLES : c->at))
		fail_msg("%s of role %d, profile %d: role %d: error %d", c->name, (int)c->role,
			 (int)profile, (int)at, (int)err);
	if (err != CB_OK) {
		assert_true(cb_tuf_next(tuf, &before));
		assert_int_equal(forge_offer(tuf, &f), err);
		assert_true(cb_tuf_next(tuf, &after));
		assert_memory_equal(&before, &after, sizeof(before));
	}
	cb_tuf_restart_timestamp(tuf);
	if (at != CB_TUF_ROOT)
		forge_assert_complete(tuf, &forge);
	cb_tuf_free(tuf);
	forge_done(&f);
}

static void check_all(const struct spoilt_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		check_spoilt(&cases[i], CB_TUF_LOADER);
		check_spoilt(&cases[i], CB_TUF_STANDARD);
	}
}

#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))
#define FORMAT CB_META_FORMAT, CB_META_FORMAT
#define LIMIT CB_META_LIMIT, CB_META_LIMIT

static void test_spoilt_timestamp(void **state)
{
	static const struct spoilt_case cases[] = {
		ROLE_CASES(CB_TUF_TIMESTAMP, CB_TUF_TIMESTAMP),
		{ "huge", CB_TUF_TIMESTAMP, NULL, tamper_huge, CB_TUF_TIMESTAMP, LIMIT },
		{ "no meta", CB_TUF_TIMESTAMP, edit_no_meta, NULL, CB_TUF_TIMESTAMP, FORMAT },
		{ "late", CB_TUF_TIMESTAMP, edit_issued_late, NULL, CB_TUF_TIMESTAMP, FORMAT },
		{ "30 days", CB_TUF_TIMESTAMP, edit_issued_30d, NULL, ALL, CB_OK, CB_OK },
		{ "31 days", CB_TUF_TIMESTAMP, edit_issued_31d, NULL, CB_TUF_TIMESTAMP, FORMAT },
		{ "issued", CB_TUF_TIMESTAMP, edit_issued_text, NULL, CB_TUF_TIMESTAMP, FORMAT },
		{ "no ext", CB_TUF_TIMESTAMP, edit_no_extension, NULL, ALL, CB_OK, CB_OK },
		{ "no hashes", CB_TUF_TIMESTAMP, edit_meta_no_hashes, NULL, CB_TUF_TIMESTAMP,
		  CB_META_FORMAT, CB_OK },
		{ "no length", CB_TUF_TIMESTAMP, edit_meta_no_length, NULL, CB_TUF_TIMESTAMP,
		  CB_META_FORMAT, CB_OK },
		{ "no v", CB_TUF_TIMESTAMP, edit_meta_no_version, NULL, CB_TUF_TIMESTAMP, FORMAT },
		{ "huge meta", CB_TUF_TIMESTAMP, edit_meta_huge, NULL, CB_TUF_TIMESTAMP, LIMIT },
		{ "length", CB_TUF_TIMESTAMP, edit_meta_length, NULL, CB_TUF_SNAPSHOT, CB_META_HASH,
		  CB_META_HASH },
		{ "other hash", CB_TUF_TIMESTAMP, edit_meta_other_hash, NULL, CB_TUF_SNAPSHOT,
		  CB_META_HASH, CB_META_HASH },
		{ "short hash", CB_TUF_TIMESTAMP, edit_meta_short_hash, NULL, CB_TUF_TIMESTAMP,
		  FORMAT },
		{ "snapshot 2", CB_TUF_TIMESTAMP, edit_meta_version_2, NULL, CB_TUF_SNAPSHOT,
		  CB_META_ROLLBACK, CB_META_ROLLBACK },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void test_spoilt_snapshot(void **state)
{
	static const struct spoilt_case cases[] = {
		ROLE_CASES(CB_TUF_SNAPSHOT, CB_TUF_TIMESTAMP),
		{ "huge", CB_TUF_SNAPSHOT, NULL, tamper_huge, CB_TUF_TIMESTAMP, LIMIT },
		{ "no meta", CB_TUF_SNAPSHOT, edit_no_meta, NULL, CB_TUF_SNAPSHOT, FORMAT },
		{ "no targets", CB_TUF_SNAPSHOT, edit_no_targets_meta, NULL, CB_TUF_SNAPSHOT,
		  FORMAT },
		{ "no accounts", CB_TUF_SNAPSHOT, edit_no_accounts_meta, NULL, CB_TUF_SNAPSHOT,
		  CB_META_FORMAT, CB_OK },
		{ "targets 2", CB_TUF_SNAPSHOT, edit_targets_meta_2, NULL, CB_TUF_TARGETS,
		  CB_META_ROLLBACK, CB_META_ROLLBACK },
		{ "no hash", CB_TUF_SNAPSHOT, edit_targets_no_hash, NULL, CB_TUF_SNAPSHOT,
		  CB_META_FORMAT, CB_OK },
		{ "accounts no hash", CB_TUF_SNAPSHOT, edit_accounts_no_hash, NULL, CB_TUF_SNAPSHOT,
		  CB_META_FORMAT, CB_OK },
		{ "huge accounts", CB_TUF_SNAPSHOT, edit_accounts_huge, NULL, CB_TUF_SNAPSHOT,
		  LIMIT },
	};

	(void)state;
	CHECK_ALL(cases);
}

#define TARGETS(name, edit, loader, standard)                                                      \
	{                                                                                          \
		name, CB_TUF_TARGETS, edit, NULL, CB_TUF_TARGETS, loader, standard                 \
	}

static void test_spoilt_targets(void **state)
{
	static const struct spoilt_case cases[] = {
		ROLE_CASES(CB_TUF_TARGETS, CB_TUF_SNAPSHOT),
		{ "huge", CB_TUF_TARGETS, NULL, tamper_huge, CB_TUF_SNAPSHOT, LIMIT },
		TARGETS("no targets", edit_no_targets, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("no hash", edit_target_no_hash, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("no length", edit_target_no_length, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("path", edit_target_path, CB_META_FORMAT, CB_OK),
		TARGETS("dots", edit_target_dots, CB_META_FORMAT, CB_OK),
		TARGETS("upper case", edit_target_upper, CB_META_FORMAT, CB_OK),
		TARGETS("kind", edit_target_kind, CB_META_FORMAT, CB_OK),
		TARGETS("no custom", edit_target_no_custom, CB_OK, CB_OK),
		TARGETS("long path", edit_target_long_path, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("no delegations", edit_no_delegations, CB_META_FORMAT, CB_OK),
		TARGETS("other role", edit_delegation_name, CB_META_FORMAT, CB_OK),
		TARGETS("not terminating", edit_delegation_open, CB_META_FORMAT, CB_OK),
		TARGETS("more paths", edit_delegation_paths, CB_META_FORMAT, CB_OK),
		TARGETS("other path", edit_delegation_path, CB_META_FORMAT, CB_OK),
		TARGETS("two roles", edit_two_delegations, CB_META_FORMAT, CB_OK),
		TARGETS("threshold 0", edit_delegation_threshold_0, CB_META_FORMAT, CB_META_FORMAT),
		{ "threshold 2", CB_TUF_TARGETS, edit_delegation_threshold_2, NULL, CB_TUF_ACCOUNTS,
		  CB_META_SIGNATURE, CB_META_SIGNATURE },
		TARGETS("weak kdf", edit_kdf_weak, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("huge kdf", edit_kdf_huge, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("kdf t 2", edit_kdf_t_2, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("kdf t 11", edit_kdf_t_11, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("3 kdf", edit_kdf_3, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("kdf text", edit_kdf_text, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("ftp", edit_mirror_ftp, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("blank", edit_mirror_blank, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("no url", edit_mirror_number, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("17 mirrors", edit_mirrors_17, CB_META_LIMIT, CB_META_LIMIT),
		TARGETS("default path", edit_default_slash, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("default number", edit_default_number, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("min_loader", edit_min_loader_text, CB_META_FORMAT, CB_META_FORMAT),
		TARGETS("no extension", edit_no_extension, CB_OK, CB_OK),
	};

	(void)state;
	CHECK_ALL(cases);
}

#define ACCOUNTS(name, edit, loader, standard)                                                     \
	{                                                                                          \
		name, CB_TUF_ACCOUNTS, edit, NULL, CB_TUF_ACCOUNTS, loader, standard               \
	}

static void test_spoilt_accounts(void **state)
{
	static const struct spoilt_case cases[] = {
		ROLE_CASES(CB_TUF_ACCOUNTS, CB_TUF_SNAPSHOT),
		{ "huge", CB_TUF_ACCOUNTS, NULL, tamper_huge, CB_TUF_SNAPSHOT, LIMIT },
		ACCOUNTS("lists a target", edit_accounts_target, CB_META_FORMAT, CB_OK),
		ACCOUNTS("delegates", edit_accounts_delegates, CB_META_FORMAT, CB_OK),
		ACCOUNTS("short locator", edit_revoked_short, CB_META_FORMAT, CB_META_FORMAT),
		ACCOUNTS("upper case", edit_revoked_upper, CB_META_FORMAT, CB_META_FORMAT),
		ACCOUNTS("no revoked", edit_no_revoked, CB_META_FORMAT, CB_META_FORMAT),
		ACCOUNTS("no epoch", edit_no_min_epoch, CB_META_FORMAT, CB_META_FORMAT),
		ACCOUNTS("no extension", edit_no_extension, CB_META_FORMAT, CB_OK),
		ACCOUNTS("1024 revoked", edit_revoked_1024, CB_OK, CB_OK),
		ACCOUNTS("1025 revoked", edit_revoked_1025, CB_META_LIMIT, CB_META_LIMIT),
	};

	(void)state;
	CHECK_ALL(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORGED_SIGNED(test_spoilt_timestamp),
		FORGED_SIGNED(test_spoilt_snapshot),
		FORGED_SIGNED(test_spoilt_targets),
		FORGED_SIGNED(test_spoilt_accounts),
	};

	return cmocka_run_group_tests_name("tuf_spoilt", tests, NULL, NULL);
}
