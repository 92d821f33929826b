/* SPDX-License-Identifier: MIT */
/* Finding the configuration section in a loaded PE image, whole, damaged and cut. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "../../efi/cfgsection.c"

#define PE_AT 0x80u
#define OPTIONAL_LEN 240u
#define TABLE_AT (PE_AT + 24 + OPTIONAL_LEN)
#define SECTION_AT 0x2000u
#define IMAGE_LEN 0x3000u

static void put_section(uint8_t *image, unsigned i, const char *name, uint32_t virtual_len,
			uint32_t address, uint32_t raw_len)
{
	uint8_t *entry = image + TABLE_AT + SECTION_LEN * i;

	memcpy(entry, name, strlen(name));
	cb_put_le32(entry + 8, virtual_len);
	cb_put_le32(entry + 12, address);
	cb_put_le32(entry + 16, raw_len);
}

/* Two sections; .cbcfg is the second, of 100 bytes in a raw size of 512. */
static void make_image(uint8_t image[IMAGE_LEN])
{
	memset(image, 0, IMAGE_LEN);
	memcpy(image, "MZ", 2);
	cb_put_le32(image + PE_OFFSET_AT, PE_AT);
	memcpy(image + PE_AT, "PE\0\0", 4);
	cb_put_le16(image + PE_AT + 6, 2);
	cb_put_le16(image + PE_AT + 20, OPTIONAL_LEN);
	put_section(image, 0, ".text", 0x1000, 0x1000, 0x1000);
	put_section(image, 1, ".cbcfg", 100, SECTION_AT, 512);
}

static void test_found(void **state)
{
	static uint8_t image[IMAGE_LEN];
	struct cb_bytes got;

	(void)state;
	make_image(image);
	got = cb_cfgsection_find(image, IMAGE_LEN);
	assert_ptr_equal(got.p, image + SECTION_AT);
	assert_int_equal(got.len, 100);
	put_section(image, 1, ".cbcfg", 600, SECTION_AT, 512); /* the rest is not in the file */
	assert_int_equal(cb_cfgsection_find(image, IMAGE_LEN).len, 512);
}

static void test_not_found(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t n;
	} damages[] = {
		{ PE_OFFSET_AT, "\xff\xff\xff\xff", 4 }, /* header outside */
		{ PE_OFFSET_AT, "\0\0\0\0", 4 }, /* no signature there */
		{ PE_AT, "PF", 2 },
		{ PE_AT + 6, "\1", 1 }, /* one section only */
		{ PE_AT + 20, "\xff\xff", 2 }, /* table outside */
		{ TABLE_AT + SECTION_LEN, ".cbcfgx", 7 }, /* another name */
		{ TABLE_AT + SECTION_LEN + 12, "\xff\xff\xff\xff", 4 }, /* address outside */
		{ TABLE_AT + SECTION_LEN + 12, "\xa0\x2f\0\0", 4 }, /* reaches out */
	};
	static uint8_t image[IMAGE_LEN];

	(void)state;
	assert_int_equal(cb_cfgsection_find(NULL, 0).len, 0);
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		make_image(image);
		memcpy(image + damages[i].at, damages[i].bytes, damages[i].n);
		assert_int_equal(cb_cfgsection_find(image, IMAGE_LEN).len, 0);
	}
}

/* In a buffer of exactly that length, so that the sanitizer sees a read past it. */
static void test_truncated(void **state)
{
	static uint8_t image[IMAGE_LEN];

	(void)state;
	make_image(image);
	for (size_t len = 1; len < SECTION_AT + 100; len = len < 600 ? len + 1 : len + 97) {
		uint8_t *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, image, len);
		assert_int_equal(cb_cfgsection_find(copy, len).len, 0);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
