/* SPDX-License-Identifier: MIT */
/* XChaCha20-Poly1305 by BearSSL's ChaCha20 and Poly1305, which TLS has brought along already. */
#include "core/aead.h"

#include <bearssl.h>
#include <sodium/crypto_core_hchacha20.h>
#include <string.h>

/* Everything in place: the tag is of the ciphertext, so both are done in one pass. */
bool cb_aead_open(const uint8_t key[CB_AEAD_KEY_LEN], const uint8_t nonce[CB_AEAD_NONCE_LEN],
		  struct cb_bytes aad, struct cb_bytes sealed, uint8_t *out)
{
	uint8_t subkey[CB_AEAD_KEY_LEN], tag[CB_AEAD_TAG_LEN];
	uint8_t rest[12] = {
		0
	}; /* the nonce of RFC 8439: 4 zeros, and what HChaCha20 leaves over */
	size_t len;
	bool is_good;

	if (sealed.len < CB_AEAD_TAG_LEN)
		return false;
	len = sealed.len - CB_AEAD_TAG_LEN;
	crypto_core_hchacha20(subkey, nonce, key, NULL);
	memcpy(rest + 4, nonce + crypto_core_hchacha20_INPUTBYTES, 8);
	if (len > 0)
		memcpy(out, sealed.p, len);
	br_poly1305_ctmulq_run(subkey, rest, out, len, aad.p, aad.len, tag, br_chacha20_ct_run,
			       /*encrypt=*/0);
	is_good = cb_equal_ct(tag, sealed.p + len, sizeof(tag));
	if (!is_good && len > 0)
		cb_wipe(out, len);
	cb_wipe(subkey, sizeof(subkey));
	return is_good;
}
