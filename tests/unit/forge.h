/* SPDX-License-Identifier: MIT */
/* A workshop for TUF metadata, good and bad: bodies as JSON to edit, then signed and linked. */
#ifndef CB_TESTS_UNIT_FORGE_H
#define CB_TESTS_UNIT_FORGE_H

#include "host/meta_json.h"

#define FORGE_NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define FORGE_MAX_ROOTS 70

/* Who signs what; `stranger` is in no role. */
enum forge_signer {
	FORGE_ROOT1,
	FORGE_ROOT2,
	FORGE_ROOT3,
	FORGE_TIMESTAMP,
	FORGE_SNAPSHOT,
	FORGE_TARGETS,
	FORGE_ACCOUNTS,
	FORGE_TIMESTAMP_NEW,
	FORGE_SNAPSHOT_NEW,
	FORGE_STRANGER,
	FORGE_N_SIGNERS
};

struct forge;
typedef void (*forge_edit_fn)(struct forge *f, json_t *body); /* before signing */
typedef void (*forge_tamper_fn)(struct forge *f, struct cb_meta_file *file); /* after it */

struct forge {
	struct cb_key keys[FORGE_N_SIGNERS];
	struct cb_key signers[CB_TUF_N_ROLES][4];
	unsigned n_signers[CB_TUF_N_ROLES];
	json_t *bodies[CB_TUF_N_ROLES];
	/* Applied to one role's file. Those that depend on it are linked to what comes out. */
	enum cb_tuf_role role;
	forge_edit_fn edit;
	forge_tamper_fn tamper;

	struct cb_meta_file files[CB_TUF_N_ROLES]; /* ROOT: version 1 */
	struct cb_meta_file roots[FORGE_MAX_ROOTS]; /* [i]: version i + 2; made by forge_root */
	unsigned n_roots;
};

/* A good realm: version 1 of everything, two targets, root 2 of 3, nothing signed yet. */
void forge_init(struct forge *f);
void forge_done(struct forge *f);
void forge_set_signers(struct forge *f, enum cb_tuf_role role, unsigned n,
		       const enum forge_signer *signers);
/* Signs the four roles (and root 1), each linked to the ones before. */
void forge_sign(struct forge *f);
/* Signs bodies[ROOT], with its version set, by `signers`; the next of roots[]. */
void forge_root(struct forge *f, uint64_t version, unsigned n, const enum forge_signer *signers);

/* Makes the role's keys (of root) those of the signers, with this threshold. */
void forge_set_role(struct forge *f, const char *role, unsigned n, const enum forge_signer *signers,
		    int threshold);
/* The file as JSON, and back: canonical, signatures untouched. */
json_t *forge_load(const struct cb_meta_file *file);
void forge_store(struct cb_meta_file *file, json_t *json);
struct cb_bytes forge_bytes(const struct cb_meta_file *file);
/* Hex of a key's id or public key; static storage, used up by the next call. */
const char *forge_hex(const uint8_t *p, size_t len);

/* A client that trusts root version 1; the clock stands at FORGE_NOW. */
struct cb_tuf *forge_client(const struct forge *f, const struct cb_mem *mem,
			    enum cb_tuf_profile profile, const struct cb_tuf_floor *floor);
/* Offers the wanted file of f, or its absence. */
enum cb_err forge_offer(struct cb_tuf *tuf, const struct forge *f);
/* Goes on until the end or the first refusal; *ret_role is what was wanted then, or N_ROLES. */
enum cb_err forge_walk(struct cb_tuf *tuf, const struct forge *f, enum cb_tuf_role *ret_role);
void forge_assert_walk(struct cb_tuf *tuf, const struct forge *f, enum cb_tuf_role role,
		       enum cb_err err);
void forge_assert_complete(struct cb_tuf *tuf, const struct forge *f);

#endif
