/* SPDX-License-Identifier: MIT */
/* The decrypted body of an account record. */
#ifndef CB_CORE_RECORD_BODY_H
#define CB_CORE_RECORD_BODY_H

#include "core/record.h"

/*
 * Fills the fields of *r that come from the body; spans lead into it. The bytes were sealed by the
 * realm's administrator, but nothing is taken on trust: RECORD_FORMAT, *r untouched.
 */
enum cb_err cb_record_parse_body(struct cb_bytes body, struct cb_record *r);

/* Also for the writer. */
bool cb_record_is_target(struct cb_bytes target);
bool cb_record_is_credential_name(struct cb_bytes name);
bool cb_record_is_suffix(struct cb_bytes suffix);
bool cb_record_is_label(struct cb_bytes label);

/* BLAKE2b-256(key = KEK, "cb1/commit"): binds a record to one key, which XChaCha20-Poly1305 alone
 * does not. */
void cb_record_commit(const uint8_t kek[32], uint8_t out[32]);

#endif
