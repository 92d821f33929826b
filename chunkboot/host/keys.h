/* SPDX-License-Identifier: MIT */
/* Signing keys: ed25519 in PKCS#8 PEM files, as "openssl genpkey -algorithm ed25519" writes them. */
#ifndef CB_HOST_KEYS_H
#define CB_HOST_KEYS_H

#include "core/digest.h"
#include "host/files.h"

#define CB_KEYS_MAX_ROOT 16 /* offline/root.pem, offline/root-2.pem … offline/root-16.pem */

/* What to do about a key file that is not there. */
#define CB_KEYS_HINT                                                                               \
	"KEYS is what 'chunkboot init' made, offline/ and online/; is a part kept elsewhere?"

/* An ed25519 key pair. Secret; cb_key_done wipes it. */
struct cb_key {
	uint8_t public_key[32];
	uint8_t secret_key[64]; /* libsodium's form: seed ‖ public key */
	uint8_t id[CB_DIGEST_LEN]; /* TUF keyid: SHA-256 of the canonical key object */
};

/* The keys that the tool knows, by their place below KEYS. */
enum cb_key_role {
	CB_KEY_ROOT, /* offline/root.pem, the first of up to CB_KEYS_MAX_ROOT */
	CB_KEY_TARGETS, /* offline/targets.pem */
	CB_KEY_SNAPSHOT, /* online/snapshot.pem */
	CB_KEY_TIMESTAMP, /* online/timestamp.pem */
	CB_KEY_ACCOUNTS, /* online/accounts.pem: signs account records and N.accounts.json */
	CB_KEY_N_ROLES
};

/* KEYS/<place of role>.pem; index > 1 only for root ("root-2.pem"). IO when it is too long. */
enum cb_err cb_key_path(const char *keys_dir, enum cb_key_role role, unsigned index,
			char out[CB_PATH_MAX], struct cb_error *e);

/* A new random key. ENTROPY. */
enum cb_err cb_key_generate(struct cb_key *ret, struct cb_error *e);
/* The key of a 32-byte seed (RFC 8032's private key). */
void cb_key_from_seed(const uint8_t seed[32], struct cb_key *ret);
/* Reads a PEM file. NOT_FOUND, KEY_FORMAT, IO. */
enum cb_err cb_key_load(const char *path, struct cb_key *ret, struct cb_error *e);
/* cb_key_path and cb_key_load in one; index 1 is the first. */
enum cb_err cb_key_load_role(const char *keys_dir, enum cb_key_role role, unsigned index,
			     struct cb_key *ret, struct cb_error *e);
/* Writes a new PEM file, mode 0600, atomically. EXISTS when there is a file already, IO. */
enum cb_err cb_key_save(const char *path, const struct cb_key *key, struct cb_error *e);
/*
 * Has group or others any right to a key file or to offline/records? *ret_path is the first such.
 * Not an error: file systems of memory sticks have no owners.
 */
bool cb_keys_are_exposed(const char *keys_dir, char ret_path[CB_PATH_MAX]);
/* Parses PEM text; KEY_FORMAT. Text before and after the block is ignored, as openssl does. */
enum cb_err cb_key_parse_pem(struct cb_bytes text, struct cb_key *ret);

/* ed25519 signature of msg. */
void cb_key_sign(const struct cb_key *key, struct cb_bytes msg, uint8_t ret_sig[64]);
/* Wipes the key. */
void cb_key_done(struct cb_key *key);

#endif
