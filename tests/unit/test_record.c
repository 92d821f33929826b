/* SPDX-License-Identifier: MIT */
/* Unit tests of core/record.h: what opens, and in which layer everything else is refused. */
#include "testport.h"

#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <string.h>

#include "core/record_body.h"
#include "core/record_format.h"
#include "record_fixture.h"

static uint8_t file[CB_RECORD_MAX_LEN];

static enum cb_err open_file(const struct record_fixture *f, size_t len)
{
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	struct cb_record r, before;

	memset(&r, 0x5a, sizeof(r));
	before = r;
	enum cb_err err =
		cb_record_open(&mem, (struct cb_bytes){ file, len }, &f->login, &f->check, &r);
	if (err == CB_OK)
		cb_record_done(&r);
	else
		assert_memory_equal(&r, &before, sizeof(r));
	testport_assert_no_leak(&tp);
	return err;
}

static void assert_is(struct cb_bytes got, const char *want)
{
	testport_assert_bytes(got, cb_bytes_of(want));
}

static void round_trip(void **state)
{
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	struct record_fixture f;
	struct cb_record r;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	assert_int_equal(len, 4096);
	assert_int_equal(
		cb_record_open(&mem, (struct cb_bytes){ file, len }, &f.login, &f.check, &r),
		CB_OK);
	assert_int_equal(r.epoch, 5);
	assert_int_equal(r.body_seq, 2);
	assert_int_equal(r.issued_s, RECORD_NOW);
	assert_int_equal(r.expires_s, RECORD_NOW + CB_RECORD_MAX_LIFETIME_S);
	testport_assert_bytes(r.uid, f.content.uid);
	assert_is(r.display_name, "Ada L\xc3\xb6velace");
	assert_int_equal(r.n_envs, 2);
	assert_is(r.envs[0].target, "debian");
	assert_is(r.envs[0].label, "Work");
	assert_is(r.envs[0].cmdline_suffix, "lang=de quiet");
	assert_true(r.envs[0].is_default);
	assert_is(r.envs[1].target, "rescue/2026.1.cbm");
	assert_is(r.envs[1].label, "");
	assert_false(r.envs[1].is_default);
	assert_int_equal(r.n_credentials, 2);
	assert_is(r.credentials[0].name, "ssh.key");
	assert_is(r.credentials[0].value, "hunter2");
	assert_is(r.credentials[1].value, "");
	assert_false(r.has_private_data);
	assert_int_equal(r.policy.offline_days, 14);
	cb_record_done(&r);
	cb_record_done(&r);
	testport_assert_no_leak(&tp);
}

static void open_with_record_key(void **state)
{
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	struct record_fixture f;
	struct cb_record r;
	uint8_t wrong[32] = { 0 };

	(void)state;
	record_fixture_init(&f);
	const struct cb_bytes bytes = { file, record_fixture_seal(&f, file) };
	assert_int_equal(cb_record_open_with_rk(&mem, bytes, wrong, &r), CB_RECORD_KEY);
	assert_int_equal(cb_record_open_with_rk(&mem, bytes, f.record_key, &r), CB_OK);
	assert_is(r.envs[0].target, "debian");
	cb_record_done(&r);
	testport_assert_no_leak(&tp);
}

/* Nothing of what a mirror sends matters before the signature was checked. */
static void every_flipped_bit(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	/* all of the header, the body's start and the signature; a sample of the padding */
	for (size_t bit = 0; bit < 8 * len;) {
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(open_file(&f, len), CB_RECORD_SIGNATURE);
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
		bit += bit < 300 * 8 || bit >= 8 * (len - 64) ? 1 : 37;
	}
	assert_int_equal(open_file(&f, len), CB_OK);
}

/* The same with a good signature: the thief of the accounts key meets the other layers. */
static void every_flipped_byte_signed_again(void **state)
{
	static const struct {
		size_t from, to; /* byte range */
		enum cb_err want;
	} layers[] = {
		{ CB_RECORD_AT_MAGIC, CB_RECORD_AT_LOCATOR, CB_RECORD_FORMAT },
		{ CB_RECORD_AT_LOCATOR, CB_RECORD_AT_BODY_LEN, CB_RECORD_KEY },
		{ CB_RECORD_AT_BODY, CB_RECORD_AT_BODY + 100, CB_RECORD_KEY },
		{ 2000, 2010, CB_RECORD_FORMAT }, /* padding */
		{ 4096 - 65, 4096 - 64, CB_RECORD_FORMAT },
	};
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		for (size_t at = layers[i].from; at < layers[i].to; at++) {
			file[at] ^= 0x10;
			record_fixture_sign(&f, file, len);
			assert_int_equal(open_file(&f, len), layers[i].want);
			file[at] ^= 0x10;
		}
	record_fixture_sign(&f, file, len);
	assert_int_equal(open_file(&f, len), CB_OK);
}

static void sizes(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(open_file(&f, n), CB_RECORD_FORMAT);
	assert_int_equal(open_file(&f, len + 1), CB_RECORD_FORMAT);
	assert_int_equal(open_file(&f, 16384), CB_RECORD_SIGNATURE);
	memset(file + 4096, 0, 16384 - 4096);
	memset(file + 4096 - 64, 0, 64);
	record_fixture_sign(&f, file, 16384); /* more padding than needed is fine */
	assert_int_equal(open_file(&f, 16384), CB_OK);
	assert_int_equal(open_file(&f, SIZE_MAX), CB_RECORD_FORMAT);
}

static void body_lengths(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	uint32_t good = cb_le32(file + CB_RECORD_AT_BODY_LEN);
	const uint32_t wrong[] = { 0, 15, (uint32_t)len, UINT32_MAX, (uint32_t)(len - 204 - 63) };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cb_put_le32(file + CB_RECORD_AT_BODY_LEN, wrong[i]);
		record_fixture_sign(&f, file, len);
		assert_int_equal(open_file(&f, len), CB_RECORD_FORMAT);
	}
	cb_put_le32(file + CB_RECORD_AT_BODY_LEN, good + 1); /* a zero of the padding */
	record_fixture_sign(&f, file, len);
	assert_int_equal(open_file(&f, len), CB_RECORD_KEY);
	cb_put_le32(file + CB_RECORD_AT_BODY_LEN, 16); /* a tag without text; rest is not zero */
	record_fixture_sign(&f, file, len);
	assert_int_equal(open_file(&f, len), CB_RECORD_FORMAT);
}

static void epoch_and_dates(void **state)
{
	const int64_t life = CB_RECORD_MAX_LIFETIME_S, now = RECORD_NOW;
	const struct {
		uint64_t epoch, min_epoch;
		int64_t issued, expires, now;
		enum cb_err want;
	} cases[] = {
		{ 5, 5, now, now + life, now, CB_OK },
		{ 4, 5, now, now + life, now, CB_RECORD_EPOCH },
		{ 0, 1, now, now + life, now, CB_RECORD_EPOCH },
		{ 6, 5, now, now + life, now, CB_OK },
		{ UINT64_MAX, UINT64_MAX, now, now + life, now, CB_OK },
		{ UINT64_MAX - 1, UINT64_MAX, now, now + life, now, CB_RECORD_EPOCH },
		{ 5, 5, now, now + life, now + life - 1, CB_OK },
		{ 5, 5, now, now + life, now + life, CB_RECORD_EXPIRED },
		{ 5, 5, now, now + life, INT64_MAX, CB_RECORD_EXPIRED },
		{ 5, 5, now, now, now, CB_RECORD_EXPIRED },
		{ 5, 5, now, now + life, now - 1000, CB_OK }, /* a clock that is late */
		{ 5, 5, now, now + life + 1, now, CB_RECORD_FORMAT },
		{ 5, 5, now, now - 1, now - 2, CB_RECORD_FORMAT },
		{ 5, 5, 0, INT64_MAX, now, CB_RECORD_FORMAT },
		{ 5, 5, INT64_MIN, INT64_MAX, now, CB_RECORD_FORMAT },
		{ 5, 5, -1, 1, 0, CB_RECORD_FORMAT },
		{ 4, 5, now, now + life, now + life, CB_RECORD_EPOCH }, /* in this order */
	};
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cb_put_le64(file + CB_RECORD_AT_EPOCH, cases[i].epoch);
		cb_put_le64(file + CB_RECORD_AT_ISSUED, (uint64_t)cases[i].issued);
		cb_put_le64(file + CB_RECORD_AT_EXPIRES, (uint64_t)cases[i].expires);
		record_fixture_sign(&f, file, len);
		f.check.min_epoch = cases[i].min_epoch;
		f.check.now_s = cases[i].now;
		if (open_file(&f, len) != cases[i].want)
			fail_msg("case %zu: not CB-E%d", i, (int)cases[i].want);
	}
}

static void revoked(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	f.is_revoked = true;
	assert_int_equal(open_file(&f, len), CB_RECORD_REVOKED);
	f.check.min_epoch = 6;
	assert_int_equal(open_file(&f, len), CB_RECORD_REVOKED);
}

/* A mirror answers with another account's good record. */
static void swapped(void **state)
{
	struct record_fixture f;
	uint8_t k[CB_LOGIN_KEY_LEN] = { 1 };

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	cb_login_from_key(k, &f.login);
	assert_int_equal(open_file(&f, len), CB_RECORD_KEY);
}

/* Both halves of the key matter: the commitment refuses before anything is decrypted. */
static void commitment(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, file);
	f.login.kek[31] ^= 1;
	assert_int_equal(open_file(&f, len), CB_RECORD_KEY);
	/* a commitment to the other key does not make the old wrapping open */
	cb_record_commit(f.login.kek, file + CB_RECORD_AT_COMMIT);
	record_fixture_sign(&f, file, len);
	assert_int_equal(open_file(&f, len), CB_RECORD_KEY);
	/* the right key under a foreign commitment is refused, too */
	f.login.kek[31] ^= 1;
	assert_int_equal(open_file(&f, len), CB_RECORD_KEY);
	cb_record_commit(f.login.kek, file + CB_RECORD_AT_COMMIT);
	record_fixture_sign(&f, file, len);
	assert_int_equal(open_file(&f, len), CB_OK);
}

static void failing_memory(void **state)
{
	struct record_fixture f;

	(void)state;
	record_fixture_init(&f);
	const struct cb_bytes bytes = { file, record_fixture_seal(&f, file) };
	for (unsigned n = 1;; n++) {
		struct testport tp = { 0 };
		struct cb_mem mem = testport_mem(&tp);
		struct cb_record r;

		testport_fail_at(&tp, n);
		enum cb_err err = cb_record_open(&mem, bytes, &f.login, &f.check, &r);
		if (err == CB_OK)
			cb_record_done(&r);
		testport_assert_no_leak(&tp);
		if (tp.n_failed == 0) {
			assert_int_equal(err, CB_OK);
			assert_true(n > 2);
			return;
		}
		assert_int_equal(err, CB_NO_MEMORY);
	}
}

/* ---- Bodies ---- */

/* Seals any bytes as a body, as a careless or hostile administrator might. */
static enum cb_err open_body(const struct record_fixture *f, const uint8_t *body, size_t len)
{
	uint8_t *nonce = file + CB_RECORD_AT_BODY_NONCE;

	record_fixture_seal(f, file);
	memset(file + CB_RECORD_AT_BODY, 0, sizeof(file) - CB_RECORD_AT_BODY);
	cb_put_le32(file + CB_RECORD_AT_BODY_LEN, (uint32_t)len + 16);
	crypto_aead_xchacha20poly1305_ietf_encrypt(file + CB_RECORD_AT_BODY, NULL, body, len, file,
						   CB_RECORD_AAD_LEN, NULL, nonce, f->record_key);
	record_fixture_sign(f, file, CB_RECORD_MAX_LEN);
	return open_file(f, CB_RECORD_MAX_LEN);
}

#define UID "0100 10000000 000102030405060708090a0b0c0d0e0f"
#define ENV_A "0300 07000000 0100 01000000 61" /* target "a" */
#define CREDENTIAL_A "0600 0d000000 0100 01000000 61 0200 00000000" /* "a", empty */

static void bodies(void **state)
{
	static const struct {
		const char *hex;
		bool is_good;
	} cases[] = {
		{ UID, true },
		{ "", false }, /* no uid */
		{ ENV_A, false },
		{ UID UID, false },
		{ "0100 0f000000 000102030405060708090a0b0c0d0e", false },
		{ "0100 11000000 000102030405060708090a0b0c0d0e0f10", false },
		{ UID ENV_A, true },
		{ ENV_A UID ENV_A, true }, /* any order; the same image twice is fine */
		{ UID "0000 00000000", true }, /* unknown, not critical */
		{ UID "ff7f 01000000 00", true },
		{ UID "0080 00000000", false }, /* unknown and critical */
		{ UID "0180 00000000", false },
		{ UID "ffff 00000000", false },
		{ UID "0500 00000000", true }, /* not defined yet */
		{ UID "00", false }, /* truncated heads and values */
		{ UID "0000 000000", false },
		{ UID "0000 01000000", false },
		{ UID "0000 ffffffff", false },
		{ UID "0200 03000000 414243", true }, /* display name */
		{ UID "0200 00000000", true },
		{ UID "0200 01000000 0a", false }, /* control character */
		{ UID "0200 01000000 ff", false }, /* not UTF-8 */
		{ UID "0200 00000000 0200 00000000", false },
		{ UID "0400 00000000", true }, /* private data */
		{ UID "0300 00000000", false }, /* environment without target */
		{ UID "0300 06000000 0100 00000000", false }, /* empty target */
		{ UID "0300 07000000 0100 01000000 41", false }, /* upper case */
		{ UID "0300 07000000 0100 01000000 2f", false }, /* "/" */
		{ UID "0300 0c000000 0100 06000000 612f2e63626d", false }, /* "a/.cbm" */
		{ UID "0300 0d000000 0100 07000000 612f622e63626d", true }, /* "a/b.cbm" */
		{ UID "0300 0f000000 0100 09000000 612f622f632e63626d", false }, /* a/b/c.cbm */
		{ UID "0300 09000000 0100 03000000 612f62", false }, /* "a/b" */
		{ UID "0300 0e000000 0100 01000000 61 0100 01000000 61", false }, /* twice */
		{ UID "0300 0d000000 0100 01000000 61 0300 00000000", true }, /* default */
		{ UID "0300 0e000000 0100 01000000 61 0300 01000000 01", false },
		{ UID "0300 0d000000 0100 01000000 61 0300 00000000"
		      "0300 0d000000 0100 01000000 61 0300 00000000",
		  false }, /* two defaults */
		{ UID "0300 0e000000 0100 01000000 61 0400 01000000 09", false }, /* suffix: tab */
		{ UID "0300 0d000000 0100 01000000 61 7f00 00000000", true },
		{ UID "0300 0d000000 0100 01000000 61 7f80 00000000", false }, /* critical */
		{ UID "0300 08000000 0100 01000000 61 00", false }, /* torn inside */
		{ UID CREDENTIAL_A, true },
		{ UID CREDENTIAL_A CREDENTIAL_A, false }, /* the same name */
		{ UID "0600 07000000 0100 01000000 61", false }, /* no value */
		{ UID "0600 06000000 0200 00000000", false }, /* no name */
		{ UID "0600 0d000000 0100 01000000 2f 0200 00000000", false }, /* "/" */
		{ UID "0600 0d000000 0100 01000000 2e 0200 00000000", false }, /* "." */
		{ UID "0600 0e000000 0100 02000000 2e2e 0200 00000000", false }, /* ".." */
		{ UID "0600 0c000000 0100 00000000 0200 00000000", false },
		{ UID "0700 00000000", true }, /* policy */
		{ UID "0700 0a000000 0100 04000000 0e000000", true },
		{ UID "0700 09000000 0100 03000000 0e0000", false },
		{ UID "0700 06000000 0280 00000000", false }, /* a restriction it cannot hold */
		{ UID "0700 06000000 0200 00000000", true },
		{ UID "0700 00000000 0700 00000000", false },
	};
	struct record_fixture f;
	uint8_t body[256];

	(void)state;
	record_fixture_init(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = testport_hex(cases[i].hex, body, sizeof(body));

		if (open_body(&f, body, len) != (cases[i].is_good ? CB_OK : CB_RECORD_FORMAT))
			fail_msg("body %zu: %s", i, cases[i].hex);
	}
}

/* A good body cut anywhere is refused, except between two entries. */
static void truncated_bodies(void **state)
{
	uint8_t body[256];
	size_t len = testport_hex(UID ENV_A CREDENTIAL_A, body, sizeof(body));

	(void)state;
	for (size_t n = 0; n <= len; n++) {
		struct cb_record r = { 0 };
		bool is_edge = n == 22 || n == 22 + 13 || n == len;
		/* a copy of exactly n bytes, so that the sanitizer sees a read past it */
		uint8_t *copy = test_malloc(n + 1);

		memcpy(copy + 1, body, n);
		assert_int_equal(cb_record_parse_body((struct cb_bytes){ copy + 1, n }, &r),
				 is_edge ? CB_OK : CB_RECORD_FORMAT);
		test_free(copy);
	}
}

static void limits(void **state)
{
	static char text[CB_CMDLINE_MAX + 1];
	static uint8_t value[CB_RECORD_MAX_CREDENTIAL_LEN + 1];
	char names[CB_RECORD_MAX_CREDENTIALS][2];
	struct record_fixture f;

	(void)state;
	memset(text, 'x', sizeof(text));
	memset(value, 'v', sizeof(value));
	record_fixture_init(&f);
	f.content.n_envs = CB_RECORD_MAX_ENVS;
	for (unsigned i = 0; i < CB_RECORD_MAX_ENVS; i++)
		f.content.envs[i] = (struct cb_environment){
			.target = { (const uint8_t *)text, CB_NAME_MAX },
			.label = { (const uint8_t *)text, CB_RECORD_MAX_LABEL },
			.cmdline_suffix = { (const uint8_t *)text, CB_CMDLINE_MAX },
		};
	f.content.n_credentials = CB_RECORD_MAX_CREDENTIALS;
	for (unsigned i = 0; i < CB_RECORD_MAX_CREDENTIALS; i++) {
		names[i][0] = (char)('a' + i);
		f.content.credentials[i] = (struct cb_credential){
			{ (const uint8_t *)names[i], 1 },
			{ value, CB_RECORD_MAX_CREDENTIALS_LEN / CB_RECORD_MAX_CREDENTIALS }
		};
	}
	assert_int_equal(record_fixture_seal(&f, file), CB_RECORD_MAX_LEN);
	assert_int_equal(open_file(&f, CB_RECORD_MAX_LEN), CB_OK);
}

/* n entries of this tag, each "nested 1: one letter of its own" and for credentials a value. */
static size_t many(uint16_t tag, unsigned n, size_t value_len, uint8_t *out)
{
	size_t len = testport_hex(UID, out, 64);

	for (unsigned i = 0; i < n; i++) {
		bool has_value = tag == CB_RECORD_TAG_CREDENTIAL;
		size_t nested_len = 7 + (has_value ? 6 + value_len : 0);

		cb_put_le16(out + len, tag);
		cb_put_le32(out + len + 2, (uint32_t)nested_len);
		cb_put_le16(out + len + 6, 1);
		cb_put_le32(out + len + 8, 1);
		out[len + 12] = (uint8_t)('a' + i);
		if (has_value) {
			cb_put_le16(out + len + 13, 2);
			cb_put_le32(out + len + 15, (uint32_t)value_len);
			memset(out + len + 19, 'v', value_len);
		}
		len += 6 + nested_len;
	}
	return len;
}

static void over_limits(void **state)
{
	static const struct {
		uint16_t tag;
		unsigned n;
		size_t value_len;
		enum cb_err want;
	} cases[] = {
		{ CB_RECORD_TAG_ENVIRONMENT, CB_RECORD_MAX_ENVS, 0, CB_OK },
		{ CB_RECORD_TAG_ENVIRONMENT, CB_RECORD_MAX_ENVS + 1, 0, CB_RECORD_FORMAT },
		{ CB_RECORD_TAG_CREDENTIAL, CB_RECORD_MAX_CREDENTIALS, 768, CB_OK },
		{ CB_RECORD_TAG_CREDENTIAL, CB_RECORD_MAX_CREDENTIALS, 769, CB_RECORD_FORMAT },
		{ CB_RECORD_TAG_CREDENTIAL, CB_RECORD_MAX_CREDENTIALS + 1, 1, CB_RECORD_FORMAT },
		{ CB_RECORD_TAG_CREDENTIAL, 3, CB_RECORD_MAX_CREDENTIAL_LEN, CB_OK },
		{ CB_RECORD_TAG_CREDENTIAL, 1, CB_RECORD_MAX_CREDENTIAL_LEN + 1, CB_RECORD_FORMAT },
	};
	static uint8_t body[20000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_record r = { 0 };
		size_t len = many(cases[i].tag, cases[i].n, cases[i].value_len, body);

		if (cb_record_parse_body((struct cb_bytes){ body, len }, &r) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void targets(void **state)
{
	char name[CB_TARGET_PATH_MAX + 8];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[CB_NAME_MAX] = '/';
	memcpy(name + 2 * CB_NAME_MAX + 1, ".cbm", 4);
	const struct cb_bytes longest = { (const uint8_t *)name, CB_TARGET_PATH_MAX };
	assert_true(cb_record_is_target(longest));
	assert_true(cb_record_is_target((struct cb_bytes){ longest.p, CB_NAME_MAX }));
	name[CB_NAME_MAX] = 'n';
	assert_false(cb_record_is_target((struct cb_bytes){ longest.p, CB_NAME_MAX + 1 }));
	assert_false(cb_record_is_target((struct cb_bytes){ 0 }));
	assert_false(cb_record_is_target(cb_bytes_of("/a.cbm")));
	assert_false(cb_record_is_target(cb_bytes_of("a/b.cbmx")));
	assert_true(cb_record_is_target(cb_bytes_of("a/b.cbm.cbm")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(open_with_record_key),
		cmocka_unit_test(every_flipped_bit),
		cmocka_unit_test(every_flipped_byte_signed_again),
		cmocka_unit_test(sizes),
		cmocka_unit_test(body_lengths),
		cmocka_unit_test(epoch_and_dates),
		cmocka_unit_test(revoked),
		cmocka_unit_test(swapped),
		cmocka_unit_test(commitment),
		cmocka_unit_test(failing_memory),
		cmocka_unit_test(bodies),
		cmocka_unit_test(truncated_bodies),
		cmocka_unit_test(limits),
		cmocka_unit_test(over_limits),
		cmocka_unit_test(targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
