/* SPDX-License-Identifier: MIT */
/* ed25519 keys in PKCS#8 PEM (RFC 8410 §7): read, written, made, used. */
#include "host/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PEM_MAX 4096 /* bytes of a key file */
#define SEED_LEN 32

static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----";
static const char pem_end[] = "-----END PRIVATE KEY-----";

/* Everything before the seed: version 0, algorithm 1.3.101.112, octet string in octet string. */
static const uint8_t der_head[] = { 0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
				    0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20 };
#define DER_LEN (sizeof(der_head) + SEED_LEN)

enum cb_err cb_key_path(const char *keys_dir, enum cb_key_role role, unsigned index,
			char out[CB_PATH_MAX], struct cb_error *e)
{
	static const char *const places[CB_KEY_N_ROLES] = {
		[CB_KEY_ROOT] = "offline/root",	       [CB_KEY_TARGETS] = "offline/targets",
		[CB_KEY_SNAPSHOT] = "online/snapshot", [CB_KEY_TIMESTAMP] = "online/timestamp",
		[CB_KEY_ACCOUNTS] = "online/accounts",
	};

	if (index > 1)
		return cb_path(out, e, "%s/%s-%u.pem", keys_dir, places[role], index);
	return cb_path(out, e, "%s/%s.pem", keys_dir, places[role]);
}

/* ---- Keys ---- */

static void set_id(struct cb_key *key)
{
	char hex[2 * 32 + 1], object[160];
	int len;

	cb_hex_encode(key->public_key, sizeof(key->public_key), hex);
	len = snprintf(object, sizeof(object),
		       "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},"
		       "\"scheme\":\"ed25519\"}",
		       hex);
	cb_sha256((struct cb_bytes){ (const uint8_t *)object, (size_t)len }, key->id);
}

void cb_key_from_seed(const uint8_t seed[SEED_LEN], struct cb_key *ret)
{
	crypto_sign_seed_keypair(ret->public_key, ret->secret_key, seed);
	set_id(ret);
}

enum cb_err cb_key_generate(struct cb_key *ret, struct cb_error *e)
{
	uint8_t seed[SEED_LEN];

	if (sodium_init() < 0)
		return cb_fail(e, CB_ENTROPY, "key generation");
	randombytes_buf(seed, sizeof(seed));
	cb_key_from_seed(seed, ret);
	cb_wipe(seed, sizeof(seed));
	return CB_OK;
}

void cb_key_sign(const struct cb_key *key, struct cb_bytes msg, uint8_t ret_sig[64])
{
	crypto_sign_detached(ret_sig, NULL, msg.p, msg.len, key->secret_key);
}

void cb_key_done(struct cb_key *key)
{
	cb_wipe(key, sizeof(*key));
}

/* ---- PEM ---- */

enum cb_err cb_key_parse_pem(struct cb_bytes text, struct cb_key *ret)
{
	const char *begin = memmem(text.p, text.len, pem_begin, sizeof(pem_begin) - 1);
	uint8_t der[DER_LEN];
	const char *end;
	size_t rest, len;
	bool is_good;

	if (begin == NULL)
		return CB_KEY_FORMAT;
	begin += sizeof(pem_begin) - 1;
	rest = text.len - (size_t)(begin - (const char *)text.p);
	end = memmem(begin, rest, pem_end, sizeof(pem_end) - 1);
	if (end == NULL)
		return CB_KEY_FORMAT;
	is_good = sodium_base642bin(der, sizeof(der), begin, (size_t)(end - begin), "\r\n", &len,
				    NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		len == sizeof(der) && memcmp(der, der_head, sizeof(der_head)) == 0;
	if (is_good)
		cb_key_from_seed(der + sizeof(der_head), ret);
	cb_wipe(der, sizeof(der));
	return is_good ? CB_OK : CB_KEY_FORMAT;
}

enum cb_err cb_key_load(const char *path, struct cb_key *ret, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	enum cb_err err = cb_file_read(path, PEM_MAX, &file, e);

	if (err == CB_NOT_FOUND)
		cb_fail_hint(e, CB_KEYS_HINT);
	if (err != CB_OK)
		return err;
	err = cb_key_parse_pem(cb_file_bytes(&file), ret);
	return err == CB_OK ? CB_OK : cb_fail(e, err, "%s", path);
}

enum cb_err cb_key_load_role(const char *keys_dir, enum cb_key_role role, unsigned index,
			     struct cb_key *ret, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_key_path(keys_dir, role, index, path, e);

	return err != CB_OK ? err : cb_key_load(path, ret, e);
}

/* A directory is exposed when its files could be. */
static bool is_exposed(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

bool cb_keys_are_exposed(const char *keys_dir, char ret_path[CB_PATH_MAX])
{
	char path[CB_PATH_MAX];

	for (int role = 0; role < CB_KEY_N_ROLES; role++)
		for (unsigned i = 1; i <= (role == CB_KEY_ROOT ? CB_KEYS_MAX_ROOT : 1); i++)
			if (cb_key_path(keys_dir, (enum cb_key_role)role, i, path, NULL) == CB_OK &&
			    is_exposed(path)) {
				memcpy(ret_path, path, sizeof(path));
				return true;
			}
	if (cb_path(path, NULL, "%s/offline/records", keys_dir) != CB_OK || !is_exposed(path))
		return false;
	memcpy(ret_path, path, sizeof(path));
	return true;
}

enum cb_err cb_key_save(const char *path, const struct cb_key *key, struct cb_error *e)
{
	uint8_t der[DER_LEN];
	char base64[sodium_base64_ENCODED_LEN(DER_LEN, sodium_base64_VARIANT_ORIGINAL)];
	char pem[sizeof(base64) + sizeof(pem_begin) + sizeof(pem_end) + 8];
	enum cb_err err;
	int len;

	memcpy(der, der_head, sizeof(der_head));
	memcpy(der + sizeof(der_head), key->secret_key, SEED_LEN);
	sodium_bin2base64(base64, sizeof(base64), der, sizeof(der), sodium_base64_VARIANT_ORIGINAL);
	len = snprintf(pem, sizeof(pem), "%s\n%s\n%s\n", pem_begin, base64, pem_end);
	err = cb_file_write_new(path, (struct cb_bytes){ (const uint8_t *)pem, (size_t)len }, 0600,
				e);
	cb_wipe(der, sizeof(der));
	cb_wipe(base64, sizeof(base64));
	cb_wipe(pem, sizeof(pem));
	return err;
}
