/* SPDX-License-Identifier: MIT */
/* XChaCha20-Poly1305: what libsodium seals opens, and nothing else does. (Wycheproof's cases: test_vectors.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "core/aead.h"
#include "testport.h"

#define LEN_MAX 400u

static struct sealed {
	uint8_t key[CB_AEAD_KEY_LEN], nonce[CB_AEAD_NONCE_LEN], aad[64];
	size_t aad_len, len;
	uint8_t plain[LEN_MAX], bytes[LEN_MAX + CB_AEAD_TAG_LEN];
} s;

static void seal(struct testport_rng *rng, size_t len, size_t aad_len)
{
	s.len = len;
	s.aad_len = aad_len;
	testport_fill(rng, s.key, sizeof(s.key));
	testport_fill(rng, s.nonce, sizeof(s.nonce));
	testport_fill(rng, s.aad, sizeof(s.aad));
	testport_fill(rng, s.plain, len);
	assert_int_equal(crypto_aead_xchacha20poly1305_ietf_encrypt(
				 s.bytes, NULL, s.plain, len, s.aad, aad_len, NULL, s.nonce, s.key),
			 0);
}

static bool opens(uint8_t out[LEN_MAX])
{
	return cb_aead_open(s.key, s.nonce, (struct cb_bytes){ s.aad, s.aad_len },
			    (struct cb_bytes){ s.bytes, s.len + CB_AEAD_TAG_LEN }, out);
}

static void opens_what_libsodium_seals(void **state)
{
	struct testport_rng rng = { 3 };
	uint8_t out[LEN_MAX];

	(void)state;
	for (size_t len = 0; len <= LEN_MAX; len++) {
		seal(&rng, len, len % (sizeof(s.aad) + 1));
		assert_true(opens(out));
		assert_memory_equal(out, s.plain, len);
	}
}

static void refuses_every_flipped_bit(void **state)
{
	struct testport_rng rng = { 4 };
	struct {
		uint8_t *p;
		size_t len;
	} parts[4];
	uint8_t out[LEN_MAX];

	(void)state;
	seal(&rng, 100, 20);
	parts[0].p = s.key, parts[0].len = sizeof(s.key);
	parts[1].p = s.nonce, parts[1].len = sizeof(s.nonce);
	parts[2].p = s.aad, parts[2].len = s.aad_len;
	parts[3].p = s.bytes, parts[3].len = s.len + CB_AEAD_TAG_LEN;
	for (unsigned i = 0; i < 4; i++)
		for (size_t bit = 0; bit < 8 * parts[i].len; bit++) {
			memset(out, 1, sizeof(out));
			parts[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_false(opens(out));
			assert_true(sodium_is_zero(out, s.len));
			parts[i].p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	assert_true(opens(out));
}

static void refuses_what_is_shorter_than_a_tag(void **state)
{
	struct testport_rng rng = { 5 };
	uint8_t out[1];

	(void)state;
	seal(&rng, 0, 0);
	for (size_t len = 0; len < CB_AEAD_TAG_LEN; len++)
		assert_false(cb_aead_open(s.key, s.nonce, (struct cb_bytes){ NULL, 0 },
					  (struct cb_bytes){ s.bytes, len }, out));
	assert_true(opens(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_libsodium_seals),
		cmocka_unit_test(refuses_every_flipped_bit),
		cmocka_unit_test(refuses_what_is_shorter_than_a_tag),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
