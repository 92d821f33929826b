/* SPDX-License-Identifier: MIT */
/* TUF client: what it says of good metadata. */
#include "forge_fixture.h"

static void test_good(void **state)
{
	static const char *const paths[] = { "metadata/2.root.json", "metadata/timestamp.json",
					     "metadata/1.snapshot.json", "metadata/1.targets.json",
					     "metadata/1.accounts.json" };
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	struct cb_tuf_want want;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_true(cb_tuf_next(tuf, &want));
		assert_string_equal(want.path, paths[i]);
		assert_int_equal(want.role, i);
		assert_int_equal(want.may_be_absent, i == 0);
		assert_int_equal(want.has_len, i > 1);
		assert_int_equal(want.has_sha256, i > 1);
		assert_int_equal(want.max_len,
				 i == 0		? CB_TUF_ROOT_MAX :
					 i == 1 ? CB_TUF_TIMESTAMP_MAX :
						  forge.files[i].len);
		assert_int_equal(forge_offer(tuf, &forge), CB_OK);
	}
	assert_false(cb_tuf_next(tuf, &want));
	assert_int_equal(cb_tuf_accept(tuf, forge_bytes(&forge.files[CB_TUF_TARGETS])),
			 CB_INTERNAL);
	assert_int_equal(cb_tuf_absent(tuf), CB_META_MISSING);
	cb_tuf_free(tuf);
	cb_tuf_free(NULL);
}

static void test_info(void **state)
{
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	const struct cb_tuf_info *info = cb_tuf_info(tuf);

	(void)state;
	forge_assert_complete(tuf, &forge);
	assert_string_equal(info->title, "Test realm");
	assert_false(info->is_clock_strict);
	assert_int_equal(info->min_loader, 1);
	assert_string_equal(info->default_image, "debian");
	assert_int_equal(info->n_mirrors, 2);
	testport_assert_bytes(info->mirrors[1], cb_bytes_of("https://boot.example/r/"));
	assert_int_equal(info->n_login_servers, 1);
	assert_int_equal(info->n_kdf, 1);
	assert_int_equal(info->kdf[0].m_kib, 65536);
	assert_int_equal(info->issued_s, FORGE_NOW - 8 * 3600);
	assert_int_equal(info->timestamp_expires_s, 1800403200);
	assert_int_equal(info->min_epoch, 7);
	for (int i = 0; i < CB_TUF_N_ROLES; i++)
		assert_int_equal(info->versions.version[i], 1);
	assert_int_equal(info->expires_s[CB_TUF_ROOT], 1811808000);
	cb_tuf_free(tuf);
}

static void test_targets(void **state)
{
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	struct cb_tuf_target t;

	(void)state;
	assert_int_equal(cb_tuf_n_targets(tuf), 0);
	assert_int_equal(cb_tuf_newest(tuf, cb_bytes_of("debian"), NULL, &t), CB_META_NO_IMAGE);
	forge_assert_complete(tuf, &forge);
	assert_int_equal(cb_tuf_n_targets(tuf), 2);
	cb_tuf_target_at(tuf, 1, &t);
	assert_string_equal(t.path, "debian/2.cbm");
	assert_string_equal(t.name, "debian");
	assert_string_equal(t.version, "2");
	assert_string_equal(t.kind, "linux");
	assert_string_equal(t.arch, "x86_64");
	assert_int_equal(t.serial, 2);
	assert_int_equal(t.len, 1002);
	assert_int_equal(t.sha256[31], 2);
	assert_int_equal(cb_tuf_find(tuf, cb_bytes_of("debian/1.cbm"), &t), CB_OK);
	assert_int_equal(t.serial, 1);
	assert_int_equal(cb_tuf_find(tuf, cb_bytes_of("debian/3.cbm"), &t), CB_META_NO_IMAGE);
	assert_int_equal(cb_tuf_newest(tuf, cb_bytes_of("debian"), "x86_64", &t), CB_OK);
	assert_int_equal(t.serial, 2);
	assert_int_equal(cb_tuf_newest(tuf, cb_bytes_of("debian"), "aarch64", &t),
			 CB_META_NO_IMAGE);
	assert_int_equal(cb_tuf_newest(tuf, cb_bytes_of("debian-"), NULL, &t), CB_META_NO_IMAGE);
	assert_int_equal(cb_tuf_newest(tuf, cb_bytes_of(""), NULL, &t), CB_META_NO_IMAGE);
	cb_tuf_free(tuf);
}

static void test_accounts(void **state)
{
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, NULL);
	struct cb_bytes msg = cb_bytes_of("record");
	uint8_t locator[32] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x55 }, sig[64];

	(void)state;
	cb_key_sign(&forge.keys[FORGE_ACCOUNTS], msg, sig);
	assert_false(cb_tuf_accounts_signed(tuf, msg, sig));
	forge_assert_complete(tuf, &forge);
	assert_true(cb_tuf_accounts_signed(tuf, msg, sig));
	assert_false(cb_tuf_accounts_signed(tuf, cb_bytes_of("recorD"), sig));
	cb_key_sign(&forge.keys[FORGE_TIMESTAMP], msg, sig);
	assert_false(cb_tuf_accounts_signed(tuf, msg, sig));
	assert_true(cb_tuf_is_revoked(tuf, locator));
	locator[7] ^= 1;
	assert_false(cb_tuf_is_revoked(tuf, locator));
	cb_tuf_free(tuf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORGED_SIGNED(test_good),
		FORGED_SIGNED(test_info),
		FORGED_SIGNED(test_targets),
		FORGED_SIGNED(test_accounts),
	};

	return cmocka_run_group_tests_name("tuf", tests, NULL, NULL);
}
