/* SPDX-License-Identifier: MIT */
/* Key files: PKCS#8 PEM as openssl reads and writes it, keyids, signatures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/keys.h"
#include "testport.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_keys-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* RFC 8410 §10.3, the first example; its public key is in §10.1. */
static const char rfc_pem[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
			      "-----END PRIVATE KEY-----\n";
static const char rfc_public[] = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

static void test_rfc8410(void **state)
{
	struct cb_key key;
	uint8_t want[32];

	(void)state;
	assert_int_equal(cb_key_parse_pem(cb_bytes_of(rfc_pem), &key), CB_OK);
	testport_hex_exact(rfc_public, want, sizeof(want));
	assert_memory_equal(key.public_key, want, sizeof(want));
}

struct pem_case {
	const char *text;
	bool is_good;
};

#define BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define END "-----END PRIVATE KEY-----\n"
#define BODY "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"

static void test_pem_forms(void **state)
{
	static const struct pem_case cases[] = {
		{ "Key of somebody\n" BEGIN BODY "\n" END "more\n", true },
		{ BEGIN
		  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp\r\n+K06/nwoy/HU++CXqI9EdVhC\r\n" END,
		  true },
		{ BEGIN BODY END, true },
		{ "", false },
		{ BODY, false },
		{ BEGIN BODY "\n", false },
		{ END BEGIN BODY, false },
		{ BEGIN END, false },
		{ BEGIN BODY "AAAA\n" END, false },
		{ BEGIN "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdV\n" END,
		  false },
		{ BEGIN "!" BODY "\n" END, false },
		/* another algorithm: X25519 */
		{ BEGIN "MC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n" END,
		  false },
		{ "-----BEGIN PUBLIC KEY-----\n" BODY "\n-----END PUBLIC KEY-----\n", false },
		{ "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" BODY
		  "\n-----END ENCRYPTED PRIVATE KEY-----\n",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_key key = { .id = { 1 } };
		enum cb_err err = cb_key_parse_pem(cb_bytes_of(cases[i].text), &key);

		if (err != (cases[i].is_good ? CB_OK : CB_KEY_FORMAT))
			fail_msg("case %zu: error %d", i, (int)err);
		if (err != CB_OK)
			assert_int_equal(key.id[0], 1);
	}
	for (size_t len = 0; len < sizeof(rfc_pem) - 2; len++) {
		struct cb_key key;

		assert_int_equal(
			cb_key_parse_pem((struct cb_bytes){ (const uint8_t *)rfc_pem, len }, &key),
			CB_KEY_FORMAT);
	}
}

static void test_save_and_load(void **state)
{
	char path[128];
	struct cb_key key, copy;
	struct cb_error e = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(cb_key_generate(&key, &e), CB_OK);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	assert_int_equal(cb_key_load(path, &copy, &e), CB_NOT_FOUND);
	assert_int_equal(cb_key_save(path, &key, &e), CB_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(cb_key_save(path, &key, &e), CB_EXISTS);
	assert_int_equal(cb_key_load(path, &copy, &e), CB_OK);
	assert_memory_equal(&key, &copy, sizeof(key));
	assert_int_equal(cb_key_load(path, &copy, NULL), CB_OK);
	cb_key_done(&copy);
	assert_int_equal(copy.secret_key[0] | copy.secret_key[31] | copy.id[0], 0);
}

static void test_exposed(void **state)
{
	static const struct {
		const char *change;
		bool is_exposed;
	} cases[] = {
		{ "mkdir -p k/offline/records k/online && chmod 700 k/offline/records", false },
		{ "touch k/online/accounts.pem && chmod 600 k/online/accounts.pem", false },
		{ "chmod 640 k/online/accounts.pem", true },
		{ "chmod 601 k/online/accounts.pem", true },
		{ "chmod 400 k/online/accounts.pem; touch k/offline/root-16.pem;"
		  "chmod 604 k/offline/root-16.pem",
		  true },
		{ "chmod 700 k/offline/root-16.pem", false },
		{ "chmod 755 k/offline/records", true },
	};
	char keys[128], command[400], path[CB_PATH_MAX];

	(void)state;
	snprintf(keys, sizeof(keys), "%s/k", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(command, sizeof(command), "cd %s && %s", dir, cases[i].change);
		assert_int_equal(system(command), 0);
		if (cb_keys_are_exposed(keys, path) != cases[i].is_exposed)
			fail_msg("after %s", cases[i].change);
	}
	assert_non_null(strstr(path, "/k/offline/records"));
}

/* What we write is what openssl writes: byte for byte. */
static void test_written_form(void **state)
{
	struct cb_key key;
	char path[128];
	struct cb_file file;

	(void)state;
	assert_int_equal(cb_key_parse_pem(cb_bytes_of(rfc_pem), &key), CB_OK);
	snprintf(path, sizeof(path), "%s/rfc.pem", dir);
	assert_int_equal(cb_key_save(path, &key, NULL), CB_OK);
	assert_int_equal(cb_file_read(path, 4096, &file, NULL), CB_OK);
	testport_assert_bytes(cb_file_bytes(&file), cb_bytes_of(rfc_pem));
	cb_file_done(&file);
}

static void test_paths(void **state)
{
	char path[CB_PATH_MAX];

	(void)state;
	assert_int_equal(cb_key_path("k", CB_KEY_ROOT, 1, path, NULL), CB_OK);
	assert_string_equal(path, "k/offline/root.pem");
	assert_int_equal(cb_key_path("k", CB_KEY_ROOT, 2, path, NULL), CB_OK);
	assert_string_equal(path, "k/offline/root-2.pem");
	assert_int_equal(cb_key_path("k", CB_KEY_TARGETS, 1, path, NULL), CB_OK);
	assert_string_equal(path, "k/offline/targets.pem");
	assert_int_equal(cb_key_path("k", CB_KEY_SNAPSHOT, 1, path, NULL), CB_OK);
	assert_string_equal(path, "k/online/snapshot.pem");
	assert_int_equal(cb_key_path("k", CB_KEY_TIMESTAMP, 1, path, NULL), CB_OK);
	assert_string_equal(path, "k/online/timestamp.pem");
	assert_int_equal(cb_key_path("k", CB_KEY_ACCOUNTS, 1, path, NULL), CB_OK);
	assert_string_equal(path, "k/online/accounts.pem");
}

/* RFC 8032 §7.1, test 2, and the keyid that securesystemslib computes for such a key. */
static void test_signature(void **state)
{
	uint8_t seed[32], want[64], sig[64];
	const uint8_t msg = 0x72;
	struct cb_key key;
	char hex[65], object[160];
	uint8_t id[32];

	(void)state;
	testport_hex_exact("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed,
			   32);
	testport_hex_exact("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
			   "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
			   want, 64);
	cb_key_from_seed(seed, &key);
	cb_key_sign(&key, (struct cb_bytes){ &msg, 1 }, sig);
	assert_memory_equal(sig, want, 64);
	cb_hex_encode(key.public_key, 32, hex);
	snprintf(object, sizeof(object),
		 "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},\"scheme\":\"ed25519\"}",
		 hex);
	cb_sha256(cb_bytes_of(object), id);
	assert_memory_equal(key.id, id, 32);
}

static void test_with_openssl(void **state)
{
	char command[512], path[128];
	struct cb_key key;

	(void)state;
	if (system("command -v openssl >/dev/null") != 0) {
		print_message("openssl is not installed\n");
		skip();
	}
	snprintf(command, sizeof(command), "openssl genpkey -algorithm ed25519 -out '%s/o.pem'",
		 dir);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/o.pem", dir);
	assert_int_equal(cb_key_load(path, &key, NULL), CB_OK);
	snprintf(path, sizeof(path), "%s/ours.pem", dir);
	assert_int_equal(cb_key_save(path, &key, NULL), CB_OK);
	snprintf(command, sizeof(command),
		 "cmp '%s/o.pem' '%s/ours.pem' && openssl pkey -in '%s/ours.pem' -noout", dir, dir,
		 dir);
	assert_int_equal(system(command), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8410),	  cmocka_unit_test(test_pem_forms),
		TEST(test_save_and_load),	  TEST(test_exposed),
		TEST(test_written_form),	  cmocka_unit_test(test_paths),
		cmocka_unit_test(test_signature), TEST(test_with_openssl),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
