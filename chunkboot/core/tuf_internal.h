/* SPDX-License-Identifier: MIT */
/* Inside the TUF client: what tuf*.c share. */
#ifndef CB_CORE_TUF_INTERNAL_H
#define CB_CORE_TUF_INTERNAL_H

#include "core/json.h"
#include "core/tuf.h"

#define CB_TUF_MAX_ROLE_KEYS 16 /* keyids of a role */
#define CB_TUF_MAX_URL 512 /* characters of a mirror's or login server's URL */
#define CB_TUF_TIMESTAMP_MAX_LIFE_S (30 * 86400) /* from issued to expires */

/* A metadata file: verified as far as the function that hands it out says. */
struct cb_tuf_file {
	struct cb_json_doc doc;
	const struct cb_json *body; /* "signed" */
	const struct cb_json *signatures;
	uint64_t version;
	int64_t expires_s;
};

/* What one file says about another. */
struct cb_tuf_meta {
	uint64_t version;
	bool has_len, has_sha256;
	uint32_t len;
	uint8_t sha256[CB_DIGEST_LEN];
};

struct cb_tuf {
	const struct cb_mem *mem;
	enum cb_tuf_profile profile;
	int64_t now_s;
	struct cb_tuf_floor floor;
	/* Of the newest root, known when the root steps are over. */
	uint8_t root_digest[CB_DIGEST_LEN], online_keys[CB_TUF_KEYS_DIGEST_LEN];
	unsigned n_root_steps;
	enum cb_tuf_role wanted; /* CB_TUF_N_ROLES: complete */
	bool is_consistent; /* file names carry versions */
	bool waives_expiry; /* of the timestamp */
	const struct cb_json *accounts_role; /* the delegation; NULL when there is none */
	struct cb_tuf_file files[CB_TUF_N_ROLES];
	struct cb_tuf_meta meta[CB_TUF_N_ROLES]; /* of snapshot, targets, accounts */
	struct cb_tuf_info info;
};

/* ---- tuf_roles.c ---- */

/* "targets.json" of a role, and the length it may have at most. */
const char *cb_tuf_file_name(enum cb_tuf_role role);
uint32_t cb_tuf_max_len(enum cb_tuf_role role);
/*
 * Judges next->files[role], an opened file, and changes *next to what holds after it; *next is
 * worthless on an error. old: the root before, for role root.
 */
enum cb_err cb_tuf_take(struct cb_tuf *next, enum cb_tuf_role role, const struct cb_tuf_file *old);
/* Judges the root that all trust starts from: it must at least be signed by itself. */
enum cb_err cb_tuf_take_trusted_root(struct cb_tuf *tuf);
enum cb_err cb_tuf_check_expiry(const struct cb_tuf *next, enum cb_tuf_role role);
/*
 * The root steps are over: *next gets the newest root's digests, and its floor is checked against
 * them, or reset. META_ROLLBACK, NO_MEMORY; *next is worthless then.
 */
enum cb_err cb_tuf_settle_root(struct cb_tuf *next);

/* ---- tuf_file.c ---- */

/* Parses, checks the canonical form (loader profile) and the envelope; trusts nothing yet. */
enum cb_err cb_tuf_file_open(const struct cb_mem *mem, enum cb_tuf_profile profile,
			     struct cb_bytes bytes, struct cb_tuf_file *ret);
void cb_tuf_file_done(struct cb_tuf_file *file);
/* Signatures by the keys of role ({keyids, threshold}) out of keys ({keyid: key}). */
enum cb_err cb_tuf_file_verify(const struct cb_tuf_file *file, const struct cb_json *keys,
			       const struct cb_json *role);
/* Type, specification version, version and expiry; only after the signatures. */
enum cb_err cb_tuf_file_head(struct cb_tuf_file *file, enum cb_tuf_role role);

/* ---- tuf_keys.c ---- */

struct cb_tuf_role_key {
	struct cb_bytes id;
	uint8_t public_key[32];
	bool has_signed;
};

/* The usable keys of a role. */
struct cb_tuf_role_keys {
	unsigned threshold, n;
	struct cb_tuf_role_key at[CB_TUF_MAX_ROLE_KEYS];
};

enum cb_err cb_tuf_role_keys(const struct cb_json *keys, const struct cb_json *role,
			     struct cb_tuf_role_keys *ret);
/* Did at least `threshold` distinct keys sign msg? META_SIGNATURE. Consumes `keys`. */
enum cb_err cb_tuf_verify_threshold(struct cb_tuf_role_keys *keys, const struct cb_json *signatures,
				    struct cb_bytes msg);
/* SHA-256 of the canonical form. */
enum cb_err cb_tuf_digest(const struct cb_mem *mem, const struct cb_json *node,
			  uint8_t ret[CB_DIGEST_LEN]);
/* Loader profile: every key is ed25519 and its id the digest of its canonical form. */
enum cb_err cb_tuf_check_keys(const struct cb_mem *mem, const struct cb_json *keys);
/* Do the two roles name the same set of keyids? */
bool cb_tuf_same_keyids(const struct cb_json *a, const struct cb_json *b);

/* ---- tuf_parse.c ---- */

/* "YYYY-MM-DDTHH:MM:SSZ" as Unix time. */
enum cb_err cb_tuf_parse_time(const struct cb_json *node, int64_t *ret_s);
/* An entry of "meta"; in the loader profile length and sha256 must be there. */
enum cb_err cb_tuf_parse_meta(const struct cb_json *body, const char *file_name, uint32_t max_len,
			      enum cb_tuf_profile profile, struct cb_tuf_meta *ret);
/* An entry of "targets". */
enum cb_err cb_tuf_parse_target(const struct cb_json *node, enum cb_tuf_profile profile,
				struct cb_tuf_target *ret);
/* NAME and VERSION: 1..64 of [a-z0-9._-], not "." or "..". */
bool cb_tuf_is_name(struct cb_bytes s);
/* Loader profile: root's four roles are there, and consistent_snapshot is true. */
enum cb_err cb_tuf_check_root(const struct cb_json *body, enum cb_tuf_profile profile,
			      bool *ret_consistent);
/* Checks "delegations"; the role accounts, NULL when there is none (standard profile only). */
enum cb_err cb_tuf_check_delegations(const struct cb_mem *mem, const struct cb_json *body,
				     enum cb_tuf_profile profile, const struct cb_json **ret_role);

/* ---- tuf_extension.c: the members x-chunkboot ---- */

enum cb_err cb_tuf_extend_root(const struct cb_json *body, struct cb_tuf_info *info);
enum cb_err cb_tuf_extend_timestamp(const struct cb_json *body, int64_t expires_s,
				    struct cb_tuf_info *info);
enum cb_err cb_tuf_extend_targets(const struct cb_json *body, struct cb_tuf_info *info);
/* Must be there in the loader profile. */
enum cb_err cb_tuf_extend_accounts(const struct cb_json *body, enum cb_tuf_profile profile,
				   struct cb_tuf_info *info);

#endif
