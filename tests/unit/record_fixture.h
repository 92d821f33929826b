/* SPDX-License-Identifier: MIT */
/* An account record to take apart, for the tests of its reader and its writer. */
#ifndef CB_TESTS_UNIT_RECORD_FIXTURE_H
#define CB_TESTS_UNIT_RECORD_FIXTURE_H

#include "core/record.h"
#include "host/record_seal.h"

#define RECORD_NOW 1800000000 /* 2027-01-15 */

struct record_fixture {
	struct cb_key key; /* of the accounts role */
	struct cb_login_keys login;
	uint8_t record_key[CB_RECORD_KEY_LEN];
	uint8_t uid[16];
	struct cb_record content;
	bool is_revoked; /* what the check says of every locator */
	struct cb_record_check check;
};

/* Deterministic keys; content: two environments, two credentials, a policy; valid from now on. */
void record_fixture_init(struct record_fixture *f);
/* Seals f->content; the length is checked to be a stored size. */
size_t record_fixture_seal(const struct record_fixture *f, uint8_t out[CB_RECORD_MAX_LEN]);
/* Puts the accounts key's signature on changed bytes. */
void record_fixture_sign(const struct record_fixture *f, uint8_t *file, size_t len);

#endif
