/* SPDX-License-Identifier: MIT */
/* TUF client (The Update Framework 1.0, §5): which file next, is it good, what does it say. */
#ifndef CB_CORE_TUF_H
#define CB_CORE_TUF_H

#include "core/digest.h"
#include "core/err.h"
#include "core/mem.h"

#define CB_TUF_ROOT_MAX 32768
#define CB_TUF_TIMESTAMP_MAX 4096
#define CB_TUF_SNAPSHOT_MAX 16384
#define CB_TUF_TARGETS_MAX 262144
#define CB_TUF_ACCOUNTS_MAX 65536
#define CB_TUF_MAX_ROOT_STEPS 64
#define CB_TUF_MAX_SIGNATURES 16
#define CB_TUF_MAX_MIRRORS 16
#define CB_TUF_MAX_REVOKED 1024
#define CB_NAME_MAX 64 /* characters of an image NAME or VERSION: [a-z0-9._-] */
#define CB_TARGET_PATH_MAX (2 * CB_NAME_MAX + 5) /* NAME/VERSION.cbm */
#define CB_TITLE_MAX 64
#define CB_TUF_KEYS_DIGEST_LEN 16

/* Loader: canonical files, mandatory hashes. Standard: what the TUF specification allows. */
enum cb_tuf_profile { CB_TUF_LOADER, CB_TUF_STANDARD };

enum cb_tuf_role {
	CB_TUF_ROOT,
	CB_TUF_TIMESTAMP,
	CB_TUF_SNAPSHOT,
	CB_TUF_TARGETS,
	CB_TUF_ACCOUNTS,
	CB_TUF_N_ROLES
};

struct cb_json; /* core/json.h */
struct cb_tuf; /* opaque; owns copies of all accepted metadata */

struct cb_tuf_versions {
	uint64_t version[CB_TUF_N_ROLES]; /* 0: unknown */
};

/* Rollback state: what was verified before and must not be undercut. All zero: nothing known. */
struct cb_tuf_floor {
	uint64_t version[CB_TUF_N_ROLES];
	uint8_t root_digest[CB_DIGEST_LEN]; /* of the "signed" part of the root of that version */
	uint8_t online_keys[CB_TUF_KEYS_DIGEST_LEN]; /* of the timestamp's and snapshot's keyids */
	int64_t time_s; /* Unix time: it is no earlier than this */
};

/* The file the workflow needs next. */
struct cb_tuf_want {
	enum cb_tuf_role role;
	char path[64]; /* relative to the repository, e.g. "metadata/2.root.json" */
	uint32_t max_len; /* exact length when has_len */
	bool has_len;
	bool has_sha256;
	uint8_t sha256[CB_DIGEST_LEN];
	bool may_be_absent; /* next root only: absence ends the root steps */
};

struct cb_tuf_target {
	char path[CB_TARGET_PATH_MAX + 1];
	char name[CB_NAME_MAX + 1], version[CB_NAME_MAX + 1]; /* empty without custom member */
	uint64_t serial;
	char kind[8], arch[12]; /* "linux" "efi" "disk"; "x86_64" "aarch64" */
	uint64_t len;
	uint8_t sha256[CB_DIGEST_LEN];
};

struct cb_tuf_kdf {
	uint32_t t, m_kib;
};

/* Facts from the signed x-chunkboot members. */
struct cb_tuf_info {
	char title[CB_TITLE_MAX + 1];
	bool is_clock_strict; /* clock_policy == "strict" */
	uint64_t min_loader;
	char default_image[CB_NAME_MAX + 1]; /* NAME, empty when none */
	unsigned n_mirrors;
	struct cb_bytes mirrors[CB_TUF_MAX_MIRRORS]; /* URLs, owned by the cb_tuf */
	unsigned n_login_servers;
	struct cb_bytes login_servers[CB_TUF_MAX_MIRRORS]; /* likewise */
	unsigned n_kdf; /* 0..2, newest first */
	struct cb_tuf_kdf kdf[2];
	int64_t issued_s; /* of the timestamp, Unix time; 0 when absent */
	int64_t timestamp_expires_s;
	uint64_t min_epoch; /* accounts */
	struct cb_tuf_versions versions;
	int64_t expires_s[CB_TUF_N_ROLES]; /* Unix time */
};

/*
 * trusted_root: the stamped root file (any version). now_s: Unix time that expiry is judged by,
 * unless the floor's is later. floor may be NULL. Errors: META_*, NO_MEMORY. The root's own expiry is
 * judged after the steps; other timestamp or snapshot keys than the floor's void all of the floor but
 * what it says of root.
 */
enum cb_err cb_tuf_new(const struct cb_mem *mem, enum cb_tuf_profile profile,
		       struct cb_bytes trusted_root, int64_t now_s,
		       const struct cb_tuf_floor *floor, struct cb_tuf **ret);
void cb_tuf_free(struct cb_tuf *tuf);
/* Before the first file: the timestamp may have expired. How old it is, issued_s tells: the caller
 * judges that. */
void cb_tuf_waive_expiry(struct cb_tuf *tuf);

/* The next wanted file; false when the metadata is complete. */
bool cb_tuf_next(const struct cb_tuf *tuf, struct cb_tuf_want *ret);
/* Verifies the wanted file and moves on. On an error nothing has changed: offer another copy. */
enum cb_err cb_tuf_accept(struct cb_tuf *tuf, struct cb_bytes file);
/* The wanted file is absent on every mirror: ends the root steps, or META_MISSING. */
enum cb_err cb_tuf_absent(struct cb_tuf *tuf);
/* Would this timestamp be accepted if there were no newer root? Of several the newest valid one is
 * to be accepted. INTERNAL when a timestamp has been. */
enum cb_err cb_tuf_check_timestamp(const struct cb_tuf *tuf, struct cb_bytes file,
				   uint64_t *ret_version);
/* Forgets timestamp and all that follows, so that another mirror's timestamp can be tried. */
void cb_tuf_restart_timestamp(struct cb_tuf *tuf);

/* Below: only when complete. */
const struct cb_tuf_info *cb_tuf_info(const struct cb_tuf *tuf);
/* The time that expiry was judged by. */
int64_t cb_tuf_now(const struct cb_tuf *tuf);
/* The floor for later clients: this metadata's versions and keys; time_s as far as it still holds. */
struct cb_tuf_floor cb_tuf_seen(const struct cb_tuf *tuf);
unsigned cb_tuf_n_targets(const struct cb_tuf *tuf);
/* i < n_targets, in order of path. */
void cb_tuf_target_at(const struct cb_tuf *tuf, unsigned i, struct cb_tuf_target *ret);
/* META_NO_IMAGE when not listed. */
enum cb_err cb_tuf_find(const struct cb_tuf *tuf, struct cb_bytes path, struct cb_tuf_target *ret);
/* The listed target of image NAME with the highest serial; arch NULL: any. */
enum cb_err cb_tuf_newest(const struct cb_tuf *tuf, struct cb_bytes name, const char *arch,
			  struct cb_tuf_target *ret);
/* True when an ed25519 key of the accounts delegation made sig over msg. */
bool cb_tuf_accounts_signed(const struct cb_tuf *tuf, struct cb_bytes msg, const uint8_t sig[64]);
/* True when the locator's first 8 bytes are on the accounts role's revocation list. */
bool cb_tuf_is_revoked(const struct cb_tuf *tuf, const uint8_t locator[32]);
/* An accepted file as it is served; loader profile only. *ret_len: its bytes, which out has room for, or
 * NULL. INTERNAL when there is none. */
enum cb_err cb_tuf_file(const struct cb_tuf *tuf, enum cb_tuf_role role, uint8_t *out,
			size_t *ret_len);
/* The verified "signed" part of an accepted file; NULL when there is none. For the host's writer. */
const struct cb_json *cb_tuf_body(const struct cb_tuf *tuf, enum cb_tuf_role role);
/* Realm id of a root of version 1: SHA-256 of its canonical signed part. */
enum cb_err cb_tuf_realm_id(const struct cb_mem *mem, struct cb_bytes root_v1, uint8_t ret_id[32]);

#endif
