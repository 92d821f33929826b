/* SPDX-License-Identifier: MIT */
/* Static sign-in (DESIGN §5.4): names, passphrases and the keys derived from them. */
#ifndef CB_CORE_LOGIN_H
#define CB_CORE_LOGIN_H

#include "core/bytes.h"
#include "core/err.h"
#include "core/platform.h"

#define CB_ACCOUNT_MAX 64
#define CB_PASSPHRASE_MAX 256
#define CB_KDF_MIN_T 3u
#define CB_KDF_MAX_T 10u
#define CB_KDF_MIN_KIB (64u << 10)
#define CB_KDF_MAX_KIB (1024u << 10)
#define CB_LOGIN_KEY_LEN 64
#define CB_LOGIN_SALT_LEN 16

/* K and what follows from it. Secret; wipe after use. */
struct cb_login_keys {
	uint8_t k[CB_LOGIN_KEY_LEN];
	uint8_t locator[32]; /* names the record file; not secret */
	uint8_t kek[32];
};

struct cb_kdf_input {
	struct cb_bytes passphrase;
	const uint8_t *salt; /* CB_LOGIN_SALT_LEN bytes */
	uint32_t t, m_kib;
	uint8_t *arena; /* memory to work in; NULL: the function finds its own */
	size_t arena_len;
};

/*
 * The memory-hard function, as a seam: the simulator and unit tests put a fast one here. It may run
 * on another processor (struct cb_work): with an arena it takes nothing from the platform.
 */
typedef enum cb_err (*cb_kdf_fn)(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64]);
/* Argon2id v1.3, p=1, by libsodium, whose own memory it takes (ctx, arena unused). NO_MEMORY. */
enum cb_err cb_kdf_argon2id(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64]);

/* Lower-cases and checks; out gets a NUL. ACCOUNT_SYNTAX. */
enum cb_err cb_account_normalise(struct cb_bytes in, char out[CB_ACCOUNT_MAX + 1]);
/* Trims, folds runs of blanks, checks for printable ASCII; out gets a NUL. PASSPHRASE_SYNTAX. */
enum cb_err cb_passphrase_normalise(struct cb_bytes in, char out[CB_PASSPHRASE_MAX + 1]);

struct cb_login_params {
	cb_kdf_fn kdf;
	void *kdf_ctx;
	uint32_t t, m_kib; /* KDF_PARAMS when outside the limits above */
	const uint8_t *realm_id; /* 32 bytes */
	const char *account; /* normalised */
	const char *passphrase; /* normalised */
	struct cb_bytes factor; /* second factor's answer, may be empty */
	uint8_t *arena; /* for the function, see there */
	size_t arena_len;
};

/* A derivation that is somebody else's work; it must not move until finish. */
struct cb_derivation {
	struct cb_work work; /* to be run or submitted between begin and finish */
	cb_kdf_fn kdf;
	void *kdf_ctx;
	struct cb_kdf_input input;
	char passphrase[CB_PASSPHRASE_MAX + 1];
	uint8_t salt[CB_LOGIN_SALT_LEN];
	uint8_t k0[CB_LOGIN_KEY_LEN];
	enum cb_err err;
};

/* Copies what it needs, but for the arena. KDF_PARAMS, and then nothing is to be finished. */
enum cb_err cb_derivation_begin(struct cb_derivation *d, const struct cb_login_params *params);
/*
 * Once the work is done: the keys, or the function's error. The work has wiped the passphrase and
 * the arena, whatever came of it; this wipes the rest.
 */
enum cb_err cb_derivation_finish(struct cb_derivation *d, struct cb_bytes factor,
				 struct cb_login_keys *ret);

/* All of it at once, on this processor. */
enum cb_err cb_login_derive(const struct cb_login_params *params, struct cb_login_keys *ret);
/* locator and kek from a known K (kiosk key of the stamped configuration). */
void cb_login_from_key(const uint8_t k[CB_LOGIN_KEY_LEN], struct cb_login_keys *ret);

#define CB_RECORD_PATH_MAX 96
/* "accounts/ab/<64 hex digits>". */
void cb_record_path(const uint8_t locator[32], char out[CB_RECORD_PATH_MAX]);

#endif
