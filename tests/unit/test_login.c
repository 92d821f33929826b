/* SPDX-License-Identifier: MIT */
/* Unit tests of core/login.h. The expected keys were computed with Python's hashlib and argon2. */
#include "testport.h"

#include <string.h>

#include "core/login.h"
#include "core/record_body.h"

static struct cb_bytes text(const char *s)
{
	return cb_bytes_of(s);
}

static void argon2id(void **state)
{
	uint8_t salt[16], k0[64], want[64];

	(void)state;
	memcpy(salt, "somesaltsomesalt", 16);
	testport_hex_exact("de0277c5b53bd9aabde82dbb19d134696fa7c9596aadb0938c9e8518985a14e4"
			   "5f21e5b1eb0072d38040c74637503fd20746104c8ed937b083f6d41b9e81bee7",
			   want, sizeof(want));
	assert_int_equal(cb_kdf_argon2id(NULL,
					 &(struct cb_kdf_input){ .passphrase = text("password"),
								 .salt = salt,
								 .t = 3,
								 .m_kib = 65536 },
					 k0),
			 CB_OK);
	assert_memory_equal(k0, want, sizeof(want));
}

static void argon2id_without_memory(void **state)
{
	uint8_t salt[16] = { 0 }, k0[64];

	(void)state;
	memset(k0, 0x5a, sizeof(k0));
	/* more than crypto_pwhash takes stands for an arena that is not to be had */
	assert_int_equal(
		cb_kdf_argon2id(NULL,
				&(struct cb_kdf_input){
					.passphrase = text("p"), .salt = salt, .t = 3, .m_kib = 4 },
				k0),
		CB_NO_MEMORY);
	for (size_t i = 0; i < sizeof(k0); i++)
		assert_int_equal(k0[i], 0x5a);
}

static void account_names(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} cases[] = {
		{ "ada", "ada" },
		{ "Ada.Lovelace@Example-ORG_1", "ada.lovelace@example-org_1" },
		{ "a", "a" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
		{ "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", NULL },
		{ "", NULL },
		{ "ada lovelace", NULL },
		{ " ada", NULL },
		{ "ada\n", NULL },
		{ "ad\xc3\xa4", NULL },
		{ "a/b", NULL },
		{ "a\\b", NULL },
		{ "\x7f", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[CB_ACCOUNT_MAX + 1] = "untouched";
		enum cb_err err = cb_account_normalise(text(cases[i].in), out);

		assert_int_equal(err, cases[i].want ? CB_OK : CB_ACCOUNT_SYNTAX);
		assert_string_equal(out, cases[i].want ? cases[i].want : "untouched");
	}
	char out[CB_ACCOUNT_MAX + 1] = "untouched";
	const struct cb_bytes with_nul = { (const uint8_t *)"a\0b", 3 };
	assert_int_equal(cb_account_normalise(with_nul, out), CB_ACCOUNT_SYNTAX);
	assert_int_equal(cb_account_normalise((struct cb_bytes){ 0 }, out), CB_ACCOUNT_SYNTAX);
}

static void passphrases(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "a", "a" },
		{ "one two", "one two" },
		{ "  one   two  ", "one two" },
		{ "~!\"", "~!\"" },
		{ "", NULL },
		{ " ", NULL },
		{ "    ", NULL },
		{ "tab\there", NULL },
		{ "line\n", NULL },
		{ "\x7f", NULL },
		{ "gr\xc3\xbc\xc3\x9f", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[CB_PASSPHRASE_MAX + 1] = "untouched";
		enum cb_err err = cb_passphrase_normalise(text(cases[i].in), out);

		assert_int_equal(err, cases[i].want ? CB_OK : CB_PASSPHRASE_SYNTAX);
		assert_string_equal(out, cases[i].want ? cases[i].want : "untouched");
	}
}

/* The limit counts after blanks were folded and trimmed. */
static void passphrase_lengths(void **state)
{
	char in[2 * CB_PASSPHRASE_MAX], out[CB_PASSPHRASE_MAX + 1];

	(void)state;
	memset(in, 'x', sizeof(in));
	for (size_t n = CB_PASSPHRASE_MAX - 2; n <= CB_PASSPHRASE_MAX + 2; n++) {
		bool fits = n <= CB_PASSPHRASE_MAX;
		struct cb_bytes span = { (const uint8_t *)in, n };

		assert_int_equal(cb_passphrase_normalise(span, out),
				 fits ? CB_OK : CB_PASSPHRASE_SYNTAX);
		in[n] = in[n + 1] = ' ';
		span.len = n + 2;
		assert_int_equal(cb_passphrase_normalise(span, out),
				 fits ? CB_OK : CB_PASSPHRASE_SYNTAX);
		if (fits)
			assert_int_equal(strlen(out), n);
		in[n + 2] = 'y'; /* a blank and one more */
		span.len = n + 3;
		assert_int_equal(cb_passphrase_normalise(span, out),
				 n + 2 <= CB_PASSPHRASE_MAX ? CB_OK : CB_PASSPHRASE_SYNTAX);
		in[n] = in[n + 1] = in[n + 2] = 'x';
	}
}

struct derivation {
	const char *account, *passphrase, *factor;
	uint8_t realm_first, realm_step;
	uint32_t t;
	const char *k, *locator, *kek, *commit;
};

static const struct derivation derivations[] = {
	{
		.account = "ada",
		.passphrase = "stone print filter orchid copper bridge tunnel",
		.factor = "",
		.realm_first = 0,
		.realm_step = 1,
		.t = 3,
		.k = "e2d647f01ed796f7c35cad28d569aed6814aed1378a1f398fa9ccee3a2a50ca9"
		     "b79bc77d0dc2e6476137dc6e42a9bbe3fc63d6ae04d0beb27678ea91bcb1f3e1",
		.locator = "c80335837236708b66e25adca290191a4a8bbe46d4f57fc481503cc071ceaf68",
		.kek = "1a767ce33c3f77f0a911cd784a216475f8299982f6483812c060b6a66501cab0",
		.commit = "3448c470d4dd827f0f7352b4c02bc9ec52395e8fce12709912a348976f063b19",
	},
	{
		.account = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		.passphrase = "P",
		.factor = "factor",
		.realm_first = 0xff,
		.realm_step = 0,
		.t = 4,
		.k = "f01a46debd770a406aa15bc2f4742c8d0b0c6968c5de7636c6ed4992e517e506"
		     "c2e242aa803c7f2888b482fbbf4ba38aa7bc8d30d2a9e0c3a235f00819d2317c",
		.locator = "31bd2f007ca7d0302436db854c02bb5c360cc440be09dbee37f871366bac0897",
		.kek = "f2c195220fb0b0c67af35eecad199bae18caa7175d03b9bc334fc397fafea893",
		.commit = "9538ceb385cfb0d6609da7298295be03099e201b81b7b463949334e0476c16cb",
	},
};

static void known_derivations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(derivations) / sizeof(derivations[0]); i++) {
		const struct derivation *d = &derivations[i];
		uint8_t realm[32], want[64], commit[32];
		struct cb_login_keys keys, again;

		for (size_t j = 0; j < sizeof(realm); j++)
			realm[j] = (uint8_t)(d->realm_first + j * d->realm_step);
		const struct cb_login_params params = {
			.kdf = cb_kdf_argon2id,
			.t = d->t,
			.m_kib = 65536,
			.realm_id = realm,
			.account = d->account,
			.passphrase = d->passphrase,
			.factor = text(d->factor),
		};
		assert_int_equal(cb_login_derive(&params, &keys), CB_OK);
		testport_hex_exact(d->k, want, 64);
		assert_memory_equal(keys.k, want, 64);
		testport_hex_exact(d->locator, want, 32);
		assert_memory_equal(keys.locator, want, 32);
		testport_hex_exact(d->kek, want, 32);
		assert_memory_equal(keys.kek, want, 32);
		testport_hex_exact(d->commit, want, 32);
		cb_record_commit(keys.kek, commit);
		assert_memory_equal(commit, want, 32);
		cb_login_from_key(keys.k, &again);
		assert_memory_equal(&again, &keys, sizeof(keys));
	}
}

/* A fast stand-in that writes down what it was given. */
struct seen {
	char passphrase[CB_PASSPHRASE_MAX];
	size_t passphrase_len;
	uint8_t salt[CB_LOGIN_SALT_LEN];
	uint32_t t, m_kib;
	unsigned n_calls;
	enum cb_err answer;
};

static enum cb_err stub_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	struct seen *seen = ctx;

	seen->passphrase_len = in->passphrase.len;
	memcpy(seen->passphrase, in->passphrase.p, in->passphrase.len);
	memcpy(seen->salt, in->salt, sizeof(seen->salt));
	seen->t = in->t;
	seen->m_kib = in->m_kib;
	if (in->arena)
		memset(in->arena, 0x77, in->arena_len);
	seen->n_calls++;
	for (unsigned i = 0; i < 64; i++)
		ret_k0[i] = (uint8_t)(i * 7 + 1);
	return seen->answer;
}

static void seam(void **state)
{
	uint8_t realm[32], want[64];
	struct seen seen = { 0 };
	struct cb_login_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(realm); i++)
		realm[i] = (uint8_t)i;
	const struct cb_login_params params = {
		.kdf = stub_kdf,
		.kdf_ctx = &seen,
		.t = 3,
		.m_kib = 65536,
		.realm_id = realm,
		.account = "ada",
		.passphrase = "p",
	};
	assert_int_equal(cb_login_derive(&params, &keys), CB_OK);
	assert_int_equal(seen.passphrase_len, 1);
	assert_int_equal(seen.passphrase[0], 'p');
	testport_hex_exact("ff26b1db73ea163e80840b29b8a215f0", want, 16);
	assert_memory_equal(seen.salt, want, 16);
	testport_hex_exact("b20fd39efb6bb662a10c99bd662bfeb108527b9790e75a0948b161c7f9ca4314", want,
			   32);
	assert_memory_equal(keys.kek, want, 32);

	memset(&keys, 0x5a, sizeof(keys));
	memset(want, 0x5a, sizeof(want));
	seen.answer = CB_NO_MEMORY;
	assert_int_equal(cb_login_derive(&params, &keys), CB_NO_MEMORY);
	assert_memory_equal(keys.k, want, sizeof(keys.k));
}

static bool is_zero(const void *p, size_t len)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Somebody else's work: the same keys as at once, and nothing secret stays behind, on success or not. */
static void derivation_as_work(void **state)
{
	const uint8_t realm[32] = { 3 };
	uint8_t arena[100];
	struct seen seen = { 0 };
	struct cb_login_params params = {
		.kdf = stub_kdf,
		.kdf_ctx = &seen,
		.t = 3,
		.m_kib = 65536,
		.realm_id = realm,
		.account = "ada",
		.passphrase = "open sesame",
		.factor = text("f"),
		.arena = arena,
		.arena_len = sizeof(arena),
	};
	struct cb_login_keys keys, at_once;
	struct cb_derivation d;

	(void)state;
	assert_int_equal(cb_login_derive(&params, &at_once), CB_OK);
	for (unsigned i = 0; i < 2; i++) {
		char passphrase[] = "open sesame";

		seen.answer = i == 0 ? CB_OK : CB_NO_MEMORY;
		params.passphrase = passphrase;
		assert_int_equal(cb_derivation_begin(&d, &params), CB_OK);
		/* it has its own copy */
		memset(passphrase, 'x', sizeof(passphrase) - 1);
		assert_true(d.work.is_long);
		cb_work_run(&d.work, 7);
		assert_int_equal(d.work.processor, 7);
		assert_int_equal(seen.passphrase_len, 11);
		assert_memory_equal(seen.passphrase, "open sesame", 11);
		assert_true(is_zero(d.passphrase, sizeof(d.passphrase)));
		assert_true(is_zero(arena, sizeof(arena)));
		assert_int_equal(cb_derivation_finish(&d, params.factor, &keys), seen.answer);
		assert_true(is_zero(&d, sizeof(d)));
		assert_memory_equal(&keys, &at_once, sizeof(keys));
	}
}

static void parameter_limits(void **state)
{
	static const struct {
		uint32_t t, m_kib;
		bool is_good;
	} cases[] = {
		{ 3, 65536, true },	  { 10, 1048576, true }, { 2, 65536, false },
		{ 11, 65536, false },	  { 3, 65535, false },	 { 3, 1048577, false },
		{ 0, 0, false },	  { 3, 0, false },	 { UINT32_MAX, 65536, false },
		{ 3, UINT32_MAX, false },
	};
	const uint8_t realm[32] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = { 0 };
		struct cb_login_keys keys;
		const struct cb_login_params params = {
			.kdf = stub_kdf,
			.kdf_ctx = &seen,
			.t = cases[i].t,
			.m_kib = cases[i].m_kib,
			.realm_id = realm,
			.account = "ada",
			.passphrase = "p",
		};

		assert_int_equal(cb_login_derive(&params, &keys),
				 cases[i].is_good ? CB_OK : CB_KDF_PARAMS);
		assert_int_equal(seen.n_calls, cases[i].is_good ? 1 : 0);
	}
}

/* Account, passphrase, realm and factor each change everything. */
static void inputs_matter(void **state)
{
	const uint8_t realm[2][32] = { { 0 }, { 1 } };
	uint8_t salts[3][16];
	struct cb_login_keys keys[2];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct seen seen = { 0 };
		const struct cb_login_params params = {
			.kdf = stub_kdf,
			.kdf_ctx = &seen,
			.t = 3,
			.m_kib = 65536,
			.realm_id = realm[i == 1],
			.account = i == 2 ? "adb" : "ada",
			.passphrase = "p",
			.factor = text(i == 1 ? "f" : ""),
		};
		assert_int_equal(cb_login_derive(&params, &keys[i % 2]), CB_OK);
		memcpy(salts[i], seen.salt, 16);
	}
	assert_memory_not_equal(salts[0], salts[1], 16);
	assert_memory_not_equal(salts[0], salts[2], 16);
	assert_memory_not_equal(keys[0].locator, keys[1].locator, 32);
	assert_memory_not_equal(keys[0].kek, keys[1].kek, 32);
}

static void record_path(void **state)
{
	uint8_t locator[32] = { 0xab, 0xcd };
	char path[CB_RECORD_PATH_MAX];

	(void)state;
	cb_record_path(locator, path);
	assert_string_equal(path,
			    "accounts/ab/abcd0000000000000000000000000000000000000000000000000000"
			    "00000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(argon2id),
		cmocka_unit_test(argon2id_without_memory),
		cmocka_unit_test(account_names),
		cmocka_unit_test(passphrases),
		cmocka_unit_test(passphrase_lengths),
		cmocka_unit_test(known_derivations),
		cmocka_unit_test(seam),
		cmocka_unit_test(derivation_as_work),
		cmocka_unit_test(parameter_limits),
		cmocka_unit_test(inputs_matter),
		cmocka_unit_test(record_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
