/* SPDX-License-Identifier: MIT */
/* XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha §2): opening what libsodium's counterpart has sealed. */
#ifndef CB_CORE_AEAD_H
#define CB_CORE_AEAD_H

#include "core/bytes.h"

#define CB_AEAD_KEY_LEN 32
#define CB_AEAD_NONCE_LEN 24
#define CB_AEAD_TAG_LEN 16

/*
 * sealed: ciphertext and tag. True: out has sealed.len - CB_AEAD_TAG_LEN bytes of plain text. False: it
 * was not sealed with these; out is wiped. out and sealed do not overlap.
 */
bool cb_aead_open(const uint8_t key[CB_AEAD_KEY_LEN], const uint8_t nonce[CB_AEAD_NONCE_LEN],
		  struct cb_bytes aad, struct cb_bytes sealed, uint8_t *out);

#endif
