/* SPDX-License-Identifier: MIT */
/* Unit tests of core/digest.h: published vectors, and libsodium's answer on random inputs. */
#include "testport.h"

#include <sodium.h>
#include <string.h>

#include "core/digest.h"

static void check(const uint8_t got[CB_DIGEST_LEN], const char *want_hex)
{
	uint8_t want[CB_DIGEST_LEN];
	testport_hex_exact(want_hex, want, sizeof(want));
	testport_assert_bytes((struct cb_bytes){ got, CB_DIGEST_LEN },
			      (struct cb_bytes){ want, CB_DIGEST_LEN });
}

static const char two_blocks[] = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
				 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

/* FIPS 180-4 and NIST's example values for the algorithm. */
static void sha2_vectors(void **state)
{
	(void)state;
	uint8_t got[CB_DIGEST_LEN];
	cb_sha256(cb_bytes_of("abc"), got);
	check(got, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cb_sha256((struct cb_bytes){ NULL, 0 }, got);
	check(got, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	cb_sha512_256(cb_bytes_of("abc"), got);
	check(got, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
	cb_sha512_256(cb_bytes_of(two_blocks), got);
	check(got, "3928e184fb8690f840da3988121d31be65cb9d3ef83ee6146feac861e19b563a");
	cb_sha512_256((struct cb_bytes){ NULL, 0 }, got);
	check(got, "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
}

/* RFC 7693 appendix A. */
static void blake2b_abc(void **state)
{
	(void)state;
	uint8_t got[64], want[64];
	struct cb_blake2b s;
	cb_blake2b_init(&s, 64, NULL, 0);
	cb_blake2b_update(&s, "abc", 3);
	cb_blake2b_final(&s, got);
	testport_hex_exact("ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
			   "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
			   want, 64);
	assert_memory_equal(got, want, 64);
	const struct cb_blake2b wiped = { 0 };
	assert_memory_equal(&s, &wiped, sizeof(s));
}

/* The deterministic sequence of RFC 7693 appendix E. */
static void fill_sequence(uint8_t *out, size_t len, uint32_t seed)
{
	uint32_t a = 0xdead4badu * seed, b = 1;
	for (size_t i = 0; i < len; i++) {
		uint32_t t = a + b;
		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

/* As cb_blake2b_init, in one of the two forms where the processor has both. */
static void begin(struct cb_blake2b *s, bool may_unroll, size_t out_len, const uint8_t *key,
		  size_t key_len)
{
	cb_blake2b_init(s, out_len, key, key_len);
	s->is_unrolled = s->is_unrolled && may_unroll;
}

/* RFC 7693 appendix E: a hash over the hashes of 24 lengths with and without a key. */
static void self_test(bool may_unroll)
{
	static const size_t out_lens[] = { 20, 32, 48, 64 };
	static const size_t in_lens[] = { 0, 3, 128, 129, 255, 1024 };
	uint8_t in[1024], md[64], key[64], got[32];
	struct cb_blake2b all, s;
	begin(&all, may_unroll, 32, NULL, 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 6; k++) {
			size_t out_len = out_lens[i], len = in_lens[k];
			fill_sequence(in, len, (uint32_t)len);
			begin(&s, may_unroll, out_len, NULL, 0);
			cb_blake2b_update(&s, in, len);
			cb_blake2b_final(&s, md);
			cb_blake2b_update(&all, md, out_len);
			fill_sequence(key, out_len, (uint32_t)out_len);
			begin(&s, may_unroll, out_len, key, out_len);
			cb_blake2b_update(&s, in, len);
			cb_blake2b_final(&s, md);
			cb_blake2b_update(&all, md, out_len);
		}
	cb_blake2b_final(&all, got);
	check(got, "c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475");
}

static void blake2b_self_test(void **state)
{
	(void)state;
	self_test(/*may_unroll=*/true);
	self_test(/*may_unroll=*/false);
}

static void one_random_blake2b(struct testport_rng *rng, const uint8_t *in, size_t len)
{
	uint8_t key[64], got[64], want[64];
	size_t out_len = 16 + testport_below(rng, 49); /* libsodium's least is 16 */
	size_t key_len = testport_below(rng, 3) ? 0 : testport_below(rng, 65);
	struct cb_blake2b s;
	testport_fill(rng, key, sizeof(key));
	begin(&s, testport_below(rng, 2), out_len, key_len ? key : NULL, key_len);
	for (size_t at = 0; at < len;) {
		size_t most = len - at < 300 ? len - at : 300;
		size_t n = testport_below(rng, most + 1);
		cb_blake2b_update(&s, in + at, n);
		at += n;
	}
	cb_blake2b_final(&s, got);
	assert_int_equal(crypto_generichash(want, out_len, in, len, key, key_len), 0);
	assert_memory_equal(got, want, out_len);
}

static void blake2b_against_libsodium(void **state)
{
	(void)state;
	struct testport_rng rng = { 1 };
	uint8_t in[2048], got[32], want[32];
	assert_true(sodium_init() >= 0);
	testport_fill(&rng, in, sizeof(in));
	for (size_t len = 0; len <= 520; len++) {
		cb_blake2b_256((struct cb_bytes){ in, len }, got);
		crypto_generichash(want, 32, in, len, NULL, 0);
		assert_memory_equal(got, want, 32);
	}
	for (unsigned i = 0; i < 3000; i++)
		one_random_blake2b(&rng, in, testport_below(&rng, sizeof(in) + 1));
}

/* SHA-512/256 is SHA-512 with another start (FIPS 180-4 §5.3.6.2), which libsodium's state takes. */
static void sodium_sha512_256(const uint8_t *in, size_t len, uint8_t out[CB_DIGEST_LEN])
{
	static const uint64_t start[8] = {
		0x22312194fc2bf72c, 0x9f555fa3c84c64c2, 0x2393b86b6f53b151, 0x963877195940eabd,
		0x96283ee2a88effe3, 0xbe5e1e2553863992, 0x2b0199fc2c85b8aa, 0x0eb72ddc81c52ca2,
	};
	crypto_hash_sha512_state s;
	uint8_t full[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_init(&s);
	memcpy(s.state, start, sizeof(start));
	crypto_hash_sha512_update(&s, in, len);
	crypto_hash_sha512_final(&s, full);
	memcpy(out, full, CB_DIGEST_LEN);
}

static void sha2_against_libsodium(void **state)
{
	(void)state;
	struct testport_rng rng = { 2 };
	uint8_t in[1024], got[CB_DIGEST_LEN], want[CB_DIGEST_LEN];
	testport_fill(&rng, in, sizeof(in));
	for (size_t len = 0; len <= sizeof(in); len++) {
		cb_sha256((struct cb_bytes){ in, len }, got);
		crypto_hash_sha256(want, in, len);
		assert_memory_equal(got, want, sizeof(got));
		cb_sha512_256((struct cb_bytes){ in, len }, got);
		sodium_sha512_256(in, len, want);
		assert_memory_equal(got, want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha2_vectors),
		cmocka_unit_test(blake2b_abc),
		cmocka_unit_test(blake2b_self_test),
		cmocka_unit_test(blake2b_against_libsodium),
		cmocka_unit_test(sha2_against_libsodium),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
