/* SPDX-License-Identifier: MIT */
/* Writes account records: seals, re-seals with the record key, renews with the online key alone. */
#ifndef CB_HOST_RECORD_SEAL_H
#define CB_HOST_RECORD_SEAL_H

#include "core/record.h"
#include "host/error.h"
#include "host/keys.h"

#define CB_RECORD_KEY_LEN 32

struct cb_record_seal {
	/* epoch, body_seq, dates, uid, display name, environments, credentials, policy. Entries of
	 * content->body that this version does not write itself are carried over. */
	const struct cb_record *content;
	const uint8_t *record_key; /* RK, CB_RECORD_KEY_LEN bytes */
	const struct cb_login_keys *login; /* for whom RK is wrapped; NULL: as in `previous` */
	struct cb_bytes previous; /* the record file that is replaced; only without login */
	const struct cb_key *accounts_key;
};

/*
 * Writes the file to out; its length is the smallest of 4, 16 and 64 KiB that fits. RECORD_FORMAT
 * when the content breaks a limit or does not fit, or `previous` is no record; NO_MEMORY.
 */
enum cb_err cb_record_seal(const struct cb_record_seal *params, uint8_t out[CB_RECORD_MAX_LEN],
			   size_t *ret_len);

struct cb_record_dates {
	uint64_t epoch;
	int64_t issued_s, expires_s;
};

/* The dates of a record file, unverified. RECORD_FORMAT. */
enum cb_err cb_record_read_dates(struct cb_bytes file, struct cb_record_dates *ret);
/* Signs file[len] again, in place, with new dates; needs neither RK nor passphrase. */
enum cb_err cb_record_renew(uint8_t *file, size_t len, const struct cb_record_dates *dates,
			    const struct cb_key *accounts_key);

#endif
