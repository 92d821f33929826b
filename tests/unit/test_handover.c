/* SPDX-License-Identifier: MIT */
/* Unit tests of the hand-over initrd: read back with our own reader. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/handover.h"
#include "core/newc.h"

#define MAX_ENTRIES 32

struct unpacked {
	struct cb_newc_entry entries[MAX_ENTRIES];
	unsigned n;
};

static void unpack(const uint8_t *archive, size_t len, struct unpacked *u)
{
	struct cb_newc_reader r = { .archive = { archive, len } };
	u->n = 0;
	for (;;) {
		bool is_end;
		struct cb_newc_entry e;
		assert_int_equal(cb_newc_next(&r, &e, &is_end), CB_OK);
		if (is_end)
			return;
		assert_true(u->n < MAX_ENTRIES);
		u->entries[u->n++] = e;
	}
}

static void assert_entry(const struct cb_newc_entry *e, const char *name, uint32_t mode,
			 struct cb_bytes data)
{
	assert_true(cb_bytes_is(e->name, name));
	assert_int_equal(e->mode, mode);
	assert_true(e->uid == 0 && e->gid == 0 && e->mtime == 0 && e->nlink == 1);
	testport_assert_bytes(e->data, data);
}

static const struct cb_bytes nothing = { NULL, 0 };

static void full(void **state)
{
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	const struct cb_credential credentials[2] = {
		{ cb_bytes_of("wifi"), cb_bytes_of("secret") },
		{ cb_bytes_of("..A-z_0.9"), nothing },
	};
	struct cb_handover h = { .credentials = credentials, .n_credentials = 2 };
	struct unpacked u;
	uint8_t *archive = NULL;
	size_t len = 0;
	memset(h.salt, 0x3c, sizeof(h.salt));
	h.boot_json = cb_bytes_of("{\"image\":\"a\"}");
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_OK);
	assert_int_equal(len % 4, 0);
	unpack(archive, len, &u);
	assert_int_equal(u.n, 8);
	assert_entry(&u.entries[0], ".extra", 0040755, nothing);
	assert_entry(&u.entries[1], ".extra/chunkboot", 0040500, nothing);
	assert_entry(&u.entries[2], ".extra/chunkboot/credentials", 0040500, nothing);
	assert_entry(&u.entries[3], ".extra/chunkboot/credentials/wifi.cred", 0100400,
		     cb_bytes_of("secret"));
	assert_entry(&u.entries[4], ".extra/chunkboot/credentials/..A-z_0.9.cred", 0100400,
		     nothing);
	assert_entry(&u.entries[5], ".extra/chunkboot/salt", 0100400,
		     (struct cb_bytes){ h.salt, sizeof(h.salt) });
	assert_entry(&u.entries[6], ".extra/chunkboot/boot.json", 0100400, h.boot_json);
	assert_true(cb_bytes_is(u.entries[7].name, CB_NEWC_TRAILER));
	cb_free_secret(&mem, archive, len);
	assert_int_equal(tp.n_allocs, 1);
	testport_assert_no_leak(&tp);
}

/* As many, as long and as longly named credentials as there can be. */
static void largest(void **state)
{
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	static uint8_t value[CB_RECORD_MAX_CREDENTIAL_LEN], json[CB_HANDOVER_MAX_BOOT_JSON];
	char names[CB_RECORD_MAX_CREDENTIALS][64];
	struct cb_credential credentials[CB_RECORD_MAX_CREDENTIALS];
	struct cb_handover h = { .credentials = credentials,
				 .n_credentials = CB_RECORD_MAX_CREDENTIALS,
				 .boot_json = { json, sizeof(json) } };
	struct unpacked u;
	uint8_t *archive = NULL;
	size_t len = 0;
	for (unsigned i = 0; i < CB_RECORD_MAX_CREDENTIALS; i++) {
		memset(names[i], 'n', 64);
		names[i][63] = (char)('a' + i);
		credentials[i].name = (struct cb_bytes){ (uint8_t *)names[i], 64 };
		credentials[i].value = (struct cb_bytes){ value, sizeof(value) };
	}
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_OK);
	unpack(archive, len, &u);
	assert_int_equal(u.n, 6 + CB_RECORD_MAX_CREDENTIALS);
	cb_free_secret(&mem, archive, len);
	h.boot_json.len++;
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
	h.boot_json.len = 0;
	h.n_credentials++;
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
	h.n_credentials--;
	credentials[3].value.len++;
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
	credentials[3].value.len--;
	credentials[3].name = credentials[9].name;
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
	testport_assert_no_leak(&tp);
}

static void names(void **state)
{
	static char too_long[66];
	const char *const bad[] = {
		"", "a/b", "/", "a b", "a\n", "\xc3\xa4", "a\x7f", too_long,
	};
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	memset(too_long, 'n', 65);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cb_credential c = { cb_bytes_of(bad[i]), cb_bytes_of("v") };
		struct cb_handover h = { .credentials = &c, .n_credentials = 1 };
		uint8_t *archive = (uint8_t *)&tp;
		size_t len = 77;
		assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
		assert_true(archive == (uint8_t *)&tp && len == 77);
	}
	struct cb_credential nul = { { (const uint8_t *)"a\0b", 3 }, nothing };
	struct cb_handover h = { .credentials = &nul, .n_credentials = 1 };
	uint8_t *archive;
	size_t len;
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_RECORD_FORMAT);
	testport_assert_no_leak(&tp);
}

static void empty_and_out_of_memory(void **state)
{
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	const struct cb_handover h = { .n_credentials = 0 };
	struct unpacked u;
	uint8_t *archive = NULL;
	size_t len = 77;
	testport_fail_at(&tp, 1);
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_NO_MEMORY);
	assert_true(!archive && len == 77);
	assert_int_equal(cb_handover_build(&mem, &h, &archive, &len), CB_OK);
	unpack(archive, len, &u);
	assert_int_equal(u.n, 6);
	cb_free_secret(&mem, archive, len);
	testport_assert_no_leak(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full),
		cmocka_unit_test(largest),
		cmocka_unit_test(names),
		cmocka_unit_test(empty_and_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
