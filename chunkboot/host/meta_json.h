/* SPDX-License-Identifier: MIT */
/* Inside the metadata writer: JSON of each role, made canonical, signed, checked, written. */
#ifndef CB_HOST_META_JSON_H
#define CB_HOST_META_JSON_H

#include <jansson.h>

#include "host/keys.h"
#include "host/meta_write.h"

/* One signed metadata file. */
struct cb_meta_file {
	uint8_t *bytes; /* malloc'ed; NULL: this role stays as it is */
	size_t len;
	uint64_t version;
};

/* The files that one change replaces. Zero it first. */
struct cb_meta_set {
	struct cb_meta_file files[CB_TUF_N_ROLES];
};

void cb_meta_set_done(struct cb_meta_set *set);

/* What runs when a json_t * goes out of scope. */
void cb_json_decref(json_t **json);

/* ---- meta_json.c: "signed" objects; NULL when out of memory ---- */

/* {"keytype":"ed25519",...} */
json_t *cb_meta_key_json(const struct cb_key *key);
/* A role: {"keyids":[...],"threshold":1}. */
json_t *cb_meta_role_json(const struct cb_key *keys, unsigned n);
/* _type, spec_version, version 0, expires 1970: the start of a role's first "signed". */
json_t *cb_meta_new_body(const char *type);
/* A copy of what a verified file says. */
json_t *cb_meta_copy_body(const struct cb_json *body);
/* Sets version and expiry (days from now_s). False when out of memory. */
bool cb_meta_set_head(json_t *body, uint64_t version, int64_t now_s, int days);
/* Replaces "targets" and what is edited of x-chunkboot. */
bool cb_meta_set_targets(json_t *body, const struct cb_repo_meta *meta);
bool cb_meta_set_accounts(json_t *body, const struct cb_repo_meta *meta);
/* Sets the entry of "meta" that describes file. */
bool cb_meta_set_entry(json_t *body, const char *name, const struct cb_meta_file *file);
bool cb_meta_set_issued(json_t *body, int64_t now_s);

/* Makes body canonical, signs it with n keys, puts the file into *ret. NO_MEMORY, META_LIMIT. */
enum cb_err cb_meta_sign(const json_t *body, const struct cb_key *keys, unsigned n,
			 struct cb_meta_file *ret);

/* ---- meta_files.c ---- */

/*
 * Verifies the set through core/tuf from the trusted root on; roles that the set lacks are read
 * from the repository. On success *ret is the complete client.
 */
enum cb_err cb_meta_set_verify(const struct cb_meta_set *set, const struct cb_meta_place *place,
			       struct cb_bytes root, struct cb_tuf **ret, struct cb_error *e);
/* Writes targets, accounts, snapshot, timestamp, in this order, as far as the set has them. */
enum cb_err cb_meta_set_write(const struct cb_meta_set *set, const char *repo, struct cb_error *e);
/* Writes metadata/bundle.cbb from the files that tuf accepted (docs/FORMATS-metadata.md). */
enum cb_err cb_meta_bundle_write(const char *repo, const struct cb_tuf *tuf, struct cb_error *e);

#endif
