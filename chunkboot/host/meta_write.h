/* SPDX-License-Identifier: MIT */
/* A repository's metadata for its writer: load and verify, edit, sign, write (DESIGN §5.1, §5.3). */
#ifndef CB_HOST_META_WRITE_H
#define CB_HOST_META_WRITE_H

#include "core/tuf.h"
#include "host/error.h"

#define CB_META_DAY_S 86400
/* Lifetimes of what is signed, in days. */
#define CB_META_ROOT_DAYS 365
#define CB_META_TARGETS_DAYS 90
#define CB_META_ACCOUNTS_DAYS 30 /* as snapshot: refresh re-signs it at half of that */
#define CB_META_SNAPSHOT_DAYS 30
#define CB_META_TIMESTAMP_DAYS 7
#define CB_META_MAX_TARGETS 1000 /* more do not fit CB_TUF_TARGETS_MAX in any case */

/* Where the repository and its keys are, and what time it is. The strings outlive the metadata. */
struct cb_meta_place {
	const char *repo;
	const char *keys; /* the KEYS directory */
	int64_t now_s; /* Unix time: dates are counted from it, and expiry judged by it */
	bool is_dry_run; /* sign and verify, but write nothing */
};

struct cb_meta_revoked {
	uint8_t prefix[8]; /* of a locator */
};

/* What the metadata says; everything but `place`, `info` and `internal` is for editing. */
struct cb_repo_meta {
	struct cb_meta_place place;
	/* Title, versions, dates as loaded or committed, after a dry run as they would be; without mirrors. */
	struct cb_tuf_info info;

	size_t n_targets;
	struct cb_tuf_target *targets; /* in order of path */

	uint64_t min_loader;
	char default_image[CB_NAME_MAX + 1];
	unsigned n_mirrors;
	char *mirrors[CB_TUF_MAX_MIRRORS]; /* malloc'ed base URLs */
	unsigned n_login_servers;
	char *login_servers[CB_TUF_MAX_MIRRORS]; /* malloc'ed base URLs */
	unsigned n_kdf; /* 1 or 2, newest first */
	struct cb_tuf_kdf kdf[2];

	uint64_t min_epoch;
	size_t n_revoked;
	struct cb_meta_revoked revoked[CB_TUF_MAX_REVOKED];

	bool has_written; /* a commit has begun to write: what its files name has to stay */
	struct cb_repo_meta_internal *internal;
};

/*
 * Reads and verifies (through core/tuf, loader profile) the repository's metadata. Dates are not
 * judged here: an expired repository can be brought back. The realm must be the one that the key
 * directory belongs to (META_SIGNATURE). NOT_REPOSITORY, NOT_FOUND, KEY_FORMAT, META_*, IO, NO_MEMORY.
 * *meta needs no initialisation; call cb_repo_meta_done in every case. The caller holds the lock
 * (host/repo_lock.h) from before the load until after the commit.
 */
enum cb_err cb_repo_meta_load(const struct cb_meta_place *place, struct cb_repo_meta *meta,
			      struct cb_error *e);
void cb_repo_meta_done(struct cb_repo_meta *meta);

/* The target of this path; NULL when not listed. Valid until the next add or remove. */
const struct cb_tuf_target *cb_repo_meta_find(const struct cb_repo_meta *meta, const char *path);
/* Highest serial of image NAME, any arch; NULL when not listed. Valid until the next change. */
const struct cb_tuf_target *cb_repo_meta_newest(const struct cb_repo_meta *meta, const char *name);
/* Adds or replaces by path. META_LIMIT, META_FORMAT (path is not NAME/VERSION.cbm), NO_MEMORY. */
enum cb_err cb_repo_meta_add(struct cb_repo_meta *meta, const struct cb_tuf_target *target,
			     struct cb_error *e);
/* META_NO_IMAGE when not listed. */
enum cb_err cb_repo_meta_remove(struct cb_repo_meta *meta, const char *path, struct cb_error *e);
/* The image that is offered by default; "" for none. META_NO_IMAGE when no target has that name. */
enum cb_err cb_repo_meta_set_default(struct cb_repo_meta *meta, const char *name,
				     struct cb_error *e);

/*
 * Signs a new version of what the editing touched and writes it, each file by rename, in the order
 * targets, accounts, snapshot, timestamp, bundle; everything is signed and checked by core/tuf
 * before the first file is written. The next load sees the new versions.
 *   commit          targets + snapshot + timestamp: needs offline/targets and online/
 *   commit_accounts accounts + snapshot + timestamp: needs online/ only
 *   refresh         snapshot + timestamp, and accounts past half of its life: online/ only;
 *                   META_EXPIRED when root or targets are expired, which online keys cannot cure
 * META_LIMIT when a file would exceed its maximum, NOT_FOUND, KEY_FORMAT, META_SIGNATURE (a key that is not
 * the role's), IO, NO_MEMORY.
 */
enum cb_err cb_repo_meta_commit(struct cb_repo_meta *meta, struct cb_error *e);
/* Would that work, with these keys and at this time? The same errors; writes nothing. */
enum cb_err cb_repo_meta_check(struct cb_repo_meta *meta, struct cb_error *e);
enum cb_err cb_repo_meta_commit_accounts(struct cb_repo_meta *meta, struct cb_error *e);
enum cb_err cb_repo_meta_refresh(struct cb_repo_meta *meta, struct cb_error *e);

struct cb_repo_init_params {
	struct cb_meta_place place;
	const char *title; /* UTF-8 without control characters, 1..CB_TITLE_MAX bytes */
	struct cb_tuf_kdf kdf;
};

/*
 * Creates repo (the directory may exist, without metadata) and the keys that are missing, and signs
 * version 1 of everything. EXISTS when it is a repository or the keys belong to another realm, then
 * with nothing changed. KEY_FORMAT, IO, USAGE for a bad title.
 */
enum cb_err cb_repo_init(const struct cb_repo_init_params *params, struct cb_error *e);

/* Reads the realm id that a key directory belongs to (KEYS/online/realm). NOT_FOUND, KEY_FORMAT, IO. */
enum cb_err cb_keys_realm(const char *keys_dir, uint8_t ret_id[32], struct cb_error *e);

#endif
