/* SPDX-License-Identifier: MIT */
/* Unit tests of host/pe: stamping, stamping again, reading back, malformed files. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "host/pe.h"

/* A small EFI application: headers of one sector, .text and .data of one sector each. */
#define PE_LEN 1536u
#define LFANEW 64u
#define OPT (LFANEW + 24u)
#define TABLE (OPT + 240u)
#define SECTION(i) (TABLE + 40u * (i))

static void put_section(uint8_t *p, const char *name, uint32_t virtual_at, uint32_t raw_at)
{
	memcpy(p, name, strlen(name));
	cb_put_le32(p + 8, 100);
	cb_put_le32(p + 12, virtual_at);
	cb_put_le32(p + 16, 512);
	cb_put_le32(p + 20, raw_at);
	cb_put_le32(p + 36, 0x40000040);
}

static void make_pe(uint8_t pe[PE_LEN])
{
	memset(pe, 0, PE_LEN);
	memcpy(pe, "MZ", 2);
	cb_put_le32(pe + 0x3c, LFANEW);
	memcpy(pe + LFANEW, "PE\0\0", 4);
	cb_put_le16(pe + LFANEW + 4, CB_PE_X86_64);
	cb_put_le16(pe + LFANEW + 6, 2);
	cb_put_le16(pe + LFANEW + 20, 240);
	cb_put_le16(pe + OPT, 0x20b);
	cb_put_le32(pe + OPT + 8, 512); /* SizeOfInitializedData */
	cb_put_le32(pe + OPT + 32, 4096); /* SectionAlignment */
	cb_put_le32(pe + OPT + 36, 512); /* FileAlignment */
	cb_put_le32(pe + OPT + 56, 3 * 4096); /* SizeOfImage */
	cb_put_le32(pe + OPT + 60, 512); /* SizeOfHeaders */
	cb_put_le32(pe + OPT + 64, 0x1234); /* CheckSum */
	cb_put_le16(pe + OPT + 68, 10); /* Subsystem */
	cb_put_le32(pe + OPT + 108, 16); /* NumberOfRvaAndSizes */
	put_section(pe + SECTION(0), ".text", 4096, 512);
	put_section(pe + SECTION(1), ".data", 8192, 1024);
	memset(pe + 512, 0xc3, 100);
	memset(pe + 1024, 0xda, 100);
}

/* The bytes in memory of their own, so that the sanitizer sees any read past the end. */
static struct cb_bytes copy_of(const uint8_t *p, size_t len, uint8_t **ret)
{
	*ret = malloc(len != 0 ? len : 1);
	assert_non_null(*ret);
	memcpy(*ret, p, len);
	return (struct cb_bytes){ *ret, len };
}

static void assert_section(struct cb_bytes file, struct cb_bytes want)
{
	struct cb_bytes got;
	assert_int_equal(cb_pe_find(file, CB_PE_CONFIG_SECTION, &got), CB_OK);
	testport_assert_bytes(got, want);
}

static void test_stamp(void **state)
{
	uint8_t pe[PE_LEN], *out = NULL;
	size_t len = 0;
	(void)state;
	make_pe(pe);
	struct cb_bytes content = cb_bytes_of("configuration");
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, content, &out, &len), CB_OK);
	assert_int_equal(len, PE_LEN + 512);
	assert_section((struct cb_bytes){ out, len }, content);

	assert_int_equal(cb_le16(out + LFANEW + 6), 3);
	assert_int_equal(cb_le32(out + OPT + 8), 1024);
	assert_int_equal(cb_le32(out + OPT + 56), 4 * 4096);
	assert_int_equal(cb_le32(out + OPT + 64), 0);
	const uint8_t *section = out + SECTION(2);
	assert_memory_equal(section, ".cbcfg\0\0", 8);
	assert_int_equal(cb_le32(section + 8), content.len);
	assert_int_equal(cb_le32(section + 12), 3 * 4096);
	assert_int_equal(cb_le32(section + 16), 512);
	assert_int_equal(cb_le32(section + 20), PE_LEN);
	assert_int_equal(cb_le32(section + 36), 0x40000040);
	/* nothing else has changed */
	assert_memory_equal(out + 512, pe + 512, PE_LEN - 512);
	free(out);
}

static void test_stamp_again_replaces(void **state)
{
	static uint8_t large[CB_CONFIG_MAX_LEN];
	uint8_t pe[PE_LEN], *first, *second, *third;
	size_t first_len, second_len, third_len;
	(void)state;
	make_pe(pe);
	memset(large, 0x5a, sizeof(large));
	struct cb_bytes small = cb_bytes_of("small"), big = { large, sizeof(large) };
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, small, &first, &first_len),
			 CB_OK);
	assert_int_equal(
		cb_pe_stamp((struct cb_bytes){ first, first_len }, big, &second, &second_len),
		CB_OK);
	assert_section((struct cb_bytes){ second, second_len }, big);
	assert_int_equal(cb_le16(second + LFANEW + 6), 3);
	assert_int_equal(cb_le32(second + OPT + 8), 512 + CB_CONFIG_MAX_LEN);
	assert_int_equal(cb_le32(second + OPT + 56), 3 * 4096 + CB_CONFIG_MAX_LEN);
	/* and back to the very same bytes */
	assert_int_equal(
		cb_pe_stamp((struct cb_bytes){ second, second_len }, small, &third, &third_len),
		CB_OK);
	testport_assert_bytes((struct cb_bytes){ third, third_len },
			      (struct cb_bytes){ first, first_len });
	free(first);
	free(second);
	free(third);
}

static void test_content_limits(void **state)
{
	static const uint8_t large[CB_CONFIG_MAX_LEN + 1];
	uint8_t pe[PE_LEN], *out = NULL;
	size_t len = 77;
	(void)state;
	make_pe(pe);
	struct cb_bytes file = { pe, PE_LEN };
	assert_int_equal(cb_pe_stamp(file, (struct cb_bytes){ NULL, 0 }, &out, &len),
			 CB_LOADER_FORMAT);
	assert_int_equal(cb_pe_stamp(file, (struct cb_bytes){ large, sizeof(large) }, &out, &len),
			 CB_LOADER_FORMAT);
	assert_null(out);
	assert_int_equal(len, 77);
}

static void test_find(void **state)
{
	uint8_t pe[PE_LEN];
	struct cb_bytes got, file = { pe, PE_LEN };
	enum cb_pe_machine machine;
	(void)state;
	make_pe(pe);
	assert_int_equal(cb_pe_machine(file, &machine), CB_OK);
	assert_int_equal(machine, CB_PE_X86_64);
	assert_int_equal(cb_pe_find(file, ".data", &got), CB_OK);
	testport_assert_bytes(got, (struct cb_bytes){ pe + 1024, 100 });
	assert_int_equal(cb_pe_find(file, CB_PE_CONFIG_SECTION, &got), CB_NOT_FOUND);
	assert_int_equal(cb_pe_find(file, ".dat", &got), CB_NOT_FOUND);
}

/* Each row breaks the good file in one place. */
static void test_malformed(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint32_t value;
		unsigned len; /* bytes to write */
		bool is_readable; /* other linkers do this: not stamped, yet sections are found */
	} rows[] = {
		{ "no MZ", 0, 0, 2, false },
		{ "PE header outside", 0x3c, PE_LEN, 4, false },
		{ "PE header far outside", 0x3c, 0xffffffff, 4, false },
		{ "no PE", LFANEW, 0, 4, false },
		{ "no sections", LFANEW + 6, 0, 2, false },
		{ "too many sections", LFANEW + 6, 97, 2, false },
		{ "section table behind the headers", LFANEW + 6, 5, 2, false },
		{ "optional header too short", LFANEW + 20, 111, 2, false },
		{ "optional header too long", LFANEW + 20, 0xffff, 2, false },
		{ "PE32", OPT, 0x10b, 2, false },
		{ "section alignment 0", OPT + 32, 0, 4, false },
		{ "section alignment odd", OPT + 32, 4097, 4, false },
		{ "section alignment huge", OPT + 32, 0x80000000, 4, false },
		{ "file alignment 0", OPT + 36, 0, 4, false },
		{ "file alignment above section alignment", OPT + 36, 8192, 4, false },
		{ "image length", OPT + 56, 2 * 4096, 4, true },
		{ "headers longer than the file", OPT + 60, PE_LEN + 1, 4, false },
		{ "headers shorter than the table", OPT + 60, TABLE, 4, false },
		{ "other subsystem", OPT + 68, 3, 2, false },
		{ "section inside the headers", SECTION(0) + 12, 0, 4, true },
		{ "section not aligned", SECTION(1) + 12, 8193, 4, true },
		{ "sections overlap in memory", SECTION(0) + 8, 8192, 4, true },
		{ "virtual length huge", SECTION(1) + 8, 0xffffffff, 4, true },
		{ "section behind the file", SECTION(1) + 20, PE_LEN, 4, false },
		{ "section far behind the file", SECTION(1) + 20, 0xfffffe00, 4, false },
		{ "section longer than the file", SECTION(1) + 16, 0xffffffff, 4, false },
		{ "sections overlap in the file", SECTION(1) + 20, 512, 4, true },
	};
	uint8_t pe[PE_LEN], *out = NULL;
	size_t len = 0;
	struct cb_bytes got, file = { pe, PE_LEN };
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t value[4];
		make_pe(pe);
		cb_put_le32(value, rows[i].value);
		memcpy(pe + rows[i].at, value, rows[i].len);
		if (cb_pe_stamp(file, cb_bytes_of("x"), &out, &len) != CB_LOADER_FORMAT ||
		    cb_pe_find(file, ".data", &got) !=
			    (rows[i].is_readable ? CB_OK : CB_LOADER_FORMAT))
			fail_msg("accepted: %s", rows[i].what);
	}
	assert_null(out);
}

/* Files that can be read and yet not stamped. */
static void test_not_stampable(void **state)
{
	uint8_t pe[PE_LEN + 1], *out = NULL;
	size_t len = 0;
	struct cb_bytes x = cb_bytes_of("x");
	(void)state;

	make_pe(pe);
	pe[PE_LEN] = 0;
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN + 1 }, x, &out, &len),
			 CB_LOADER_FORMAT); /* data behind the last section */
	make_pe(pe);
	cb_put_le32(pe + OPT + 112 + 8 * 4, PE_LEN - 8);
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, x, &out, &len),
			 CB_LOADER_FORMAT); /* signed */
	make_pe(pe);
	pe[SECTION(2) + 39] = 1;
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, x, &out, &len),
			 CB_LOADER_FORMAT); /* something where the new header goes */
	make_pe(pe);
	cb_put_le32(pe + OPT + 60, SECTION(2) + 39);
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, x, &out, &len),
			 CB_LOADER_FORMAT); /* no room for it */
	make_pe(pe);
	memcpy(pe + SECTION(0), ".cbcfg\0", 7);
	assert_int_equal(cb_pe_stamp((struct cb_bytes){ pe, PE_LEN }, x, &out, &len),
			 CB_LOADER_FORMAT); /* a configuration that is not the last section */
	assert_null(out);
}

static void test_truncated_everywhere(void **state)
{
	uint8_t pe[PE_LEN], *part, *out = NULL;
	size_t len = 0;
	struct cb_bytes got;
	(void)state;
	make_pe(pe);
	for (size_t n = 0; n < PE_LEN; n++) {
		struct cb_bytes file = copy_of(pe, n, &part);
		assert_int_equal(cb_pe_stamp(file, cb_bytes_of("x"), &out, &len), CB_LOADER_FORMAT);
		assert_int_equal(cb_pe_find(file, ".data", &got), CB_LOADER_FORMAT);
		free(part);
	}
	assert_null(out);
}

/* Any header byte may have any value: an answer, and no access outside. */
static void test_header_bytes_at_random(void **state)
{
	struct testport_rng rng = { 1 };
	uint8_t pe[PE_LEN], *copy;
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *out = NULL;
		size_t len;
		struct cb_bytes got;
		make_pe(pe);
		for (unsigned n = 0; n < 3; n++)
			pe[testport_below(&rng, SECTION(3))] = (uint8_t)testport_u64(&rng);
		struct cb_bytes file = copy_of(pe, PE_LEN, &copy);
		if (cb_pe_stamp(file, cb_bytes_of("x"), &out, &len) == CB_OK)
			assert_int_equal(cb_pe_find((struct cb_bytes){ out, len },
						    CB_PE_CONFIG_SECTION, &got),
					 CB_OK);
		free(out);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_stamp_again_replaces),
		cmocka_unit_test(test_content_limits),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_not_stampable),
		cmocka_unit_test(test_truncated_everywhere),
		cmocka_unit_test(test_header_bytes_at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
