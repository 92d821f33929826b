/* SPDX-License-Identifier: MIT */
/* The account record CBA1 (docs/FORMATS-record.md): verified, unwrapped, decrypted, parsed. */
#ifndef CB_CORE_RECORD_H
#define CB_CORE_RECORD_H

#include "core/login.h"
#include "core/manifest.h"
#include "core/mem.h"
#include "core/tuf.h"

#define CB_RECORD_MAX_LEN 65536 /* stored sizes are 4,096, 16,384 or 65,536 */
#define CB_RECORD_MAX_ENVS 16
#define CB_RECORD_MAX_CREDENTIALS 16
#define CB_RECORD_MAX_CREDENTIAL_LEN 4096
#define CB_RECORD_MAX_CREDENTIALS_LEN 12288 /* together */
#define CB_RECORD_MAX_LABEL 64
#define CB_RECORD_MAX_LIFETIME_S (30 * 86400)

struct cb_environment {
	struct cb_bytes target; /* NAME (newest listed) or target path NAME/VERSION.cbm */
	struct cb_bytes label; /* may be empty: the image's title is shown */
	struct cb_bytes cmdline_suffix; /* tokens that cmdline_allow must permit */
	bool is_default;
};

struct cb_credential {
	struct cb_bytes name; /* [A-Za-z0-9._-], 1..64 */
	struct cb_bytes value; /* secret */
};

struct cb_record_policy {
	uint32_t offline_days; /* 0: never offline */
};

/* What an opened record says. Spans lead into `body`, which the record owns. */
struct cb_record {
	const struct cb_mem *mem;
	uint8_t *body; /* decrypted; secret; wiped by cb_record_done */
	size_t body_len;
	uint64_t epoch, body_seq;
	int64_t issued_s, expires_s;
	struct cb_bytes uid; /* 16 bytes, stable for the account */
	struct cb_bytes display_name;
	unsigned n_envs;
	struct cb_environment envs[CB_RECORD_MAX_ENVS];
	unsigned n_credentials;
	struct cb_credential credentials[CB_RECORD_MAX_CREDENTIALS];
	bool has_private_data;
	struct cb_record_policy policy;
};

/* What a record is judged by. */
struct cb_record_check {
	/* Was sig made over msg by a key of the accounts role? */
	bool (*is_signed)(const void *ctx, struct cb_bytes msg, const uint8_t sig[64]);
	bool (*is_revoked)(const void *ctx, const uint8_t locator[32]);
	const void *ctx;
	uint64_t min_epoch;
	int64_t now_s;
};

/* The check that verified metadata gives (epoch from the accounts role). */
struct cb_record_check cb_record_check_of(const struct cb_tuf *tuf, int64_t now_s);

/* Is the file of a record's size and signed by the accounts role? RECORD_FORMAT, RECORD_SIGNATURE. */
enum cb_err cb_record_verify(const struct cb_mem *mem, struct cb_bytes file,
			     const struct cb_record_check *check);
/*
 * Verifies in the order of SECURITY §3: size, signature, locator, revoked, epoch, dates, key
 * commitment, unwrap, decrypt; then parses the body. RECORD_* errors; *ret untouched on failure.
 * On success the caller owns *ret: cb_record_done.
 */
enum cb_err cb_record_open(const struct cb_mem *mem, struct cb_bytes file,
			   const struct cb_login_keys *keys, const struct cb_record_check *check,
			   struct cb_record *ret);
/* The same for the administrator, who holds the record key RK instead of a passphrase. */
enum cb_err cb_record_open_with_rk(const struct cb_mem *mem, struct cb_bytes file,
				   const uint8_t rk[32], struct cb_record *ret);
/* Wipes and frees; a zeroed record is fine. */
void cb_record_done(struct cb_record *r);

#endif
