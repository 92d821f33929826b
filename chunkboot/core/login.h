/* SPDX-License-Identifier: MIT */
/* Static sign-in (DESIGN §5.4): names, passphrases and the keys derived from them. */
#ifndef CB_CORE_LOGIN_H
#define CB_CORE_LOGIN_H

#include "core/bytes.h"
#include "core/err.h"

#define CB_ACCOUNT_MAX 64
#define CB_PASSPHRASE_MAX 256
#define CB_KDF_MIN_T 3u
#define CB_KDF_MAX_T 10u
#define CB_KDF_MIN_KIB (64u << 10)
#define CB_KDF_MAX_KIB (1024u << 10)
#define CB_LOGIN_KEY_LEN 64

/* K and what follows from it. Secret; wipe after use. */
struct cb_login_keys {
	uint8_t k[CB_LOGIN_KEY_LEN];
	uint8_t locator[32]; /* names the record file; not secret */
	uint8_t kek[32];
};

/* The memory-hard function, as a seam: the simulator and unit tests put a fast one here. */
typedef enum cb_err (*cb_kdf_fn)(void *ctx, struct cb_bytes passphrase, const uint8_t salt[16],
				 uint32_t t, uint32_t m_kib, uint8_t ret_k0[64]);
/* Argon2id v1.3, p=1, by libsodium (ctx unused). NO_MEMORY when the arena is not to be had. */
enum cb_err cb_kdf_argon2id(void *ctx, struct cb_bytes passphrase, const uint8_t salt[16],
			    uint32_t t, uint32_t m_kib, uint8_t ret_k0[64]);

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
};

enum cb_err cb_login_derive(const struct cb_login_params *params, struct cb_login_keys *ret);
/* locator and kek from a known K (kiosk key of the stamped configuration). */
void cb_login_from_key(const uint8_t k[CB_LOGIN_KEY_LEN], struct cb_login_keys *ret);

#define CB_RECORD_PATH_MAX 96
/* "accounts/ab/<64 hex digits>". */
void cb_record_path(const uint8_t locator[32], char out[CB_RECORD_PATH_MAX]);

#endif
