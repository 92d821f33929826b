/* SPDX-License-Identifier: MIT */
/* Tests of the EFI target's memory and string functions, under other names so that they run on the host. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *shim_memcpy(void *restrict dst, const void *restrict src, size_t len);
void *shim_memmove(void *dst, const void *src, size_t len);
void *shim_memset(void *dst, int byte, size_t len);
int shim_memcmp(const void *a, const void *b, size_t len);
void *shim_memchr(const void *s, int byte, size_t len);
size_t shim_strlen(const char *s);
size_t shim_strnlen(const char *s, size_t max);
int shim_strcmp(const char *a, const char *b);
int shim_strncmp(const char *a, const char *b, size_t max);
char *shim_strchr(const char *s, int c);
char *shim_strrchr(const char *s, int c);
int shim_atoi(const char *s);
void shim_abort(void);

#define memcpy shim_memcpy
#define memmove shim_memmove
#define memset shim_memset
#define memcmp shim_memcmp
#define memchr shim_memchr
#define strlen shim_strlen
#define strnlen shim_strnlen
#define strcmp shim_strcmp
#define strncmp shim_strncmp
#define strchr shim_strchr
#define strrchr shim_strrchr
#define atoi shim_atoi
#define abort shim_abort
extern int cb_libc_errno;
#include "../../efi/libc/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef atoi
#undef abort

enum { AREA_LEN = 300, MAX_LEN = 210 };

static void fill(uint8_t *area)
{
	for (size_t i = 0; i < AREA_LEN; i++)
		area[i] = (uint8_t)(i * 7 + 3);
}

static void test_memcpy_at_every_length_and_offset(void **state)
{
	(void)state;
	for (size_t len = 0; len <= MAX_LEN; len++) {
		for (size_t at = 0; at < 9; at++) {
			uint8_t src[AREA_LEN];
			uint8_t got[AREA_LEN] = { 0 };
			uint8_t want[AREA_LEN] = { 0 };

			fill(src);
			memcpy(want + at, src + 8 - at, len);
			assert_ptr_equal(shim_memcpy(got + at, src + 8 - at, len), got + at);
			assert_memory_equal(got, want, AREA_LEN);
		}
	}
}

static void test_memmove_with_every_overlap(void **state)
{
	(void)state;
	for (size_t len = 0; len <= MAX_LEN; len++) {
		for (size_t from = 0; from < 20; from++) {
			for (size_t to = 0; to < 20; to++) {
				uint8_t got[AREA_LEN];
				uint8_t want[AREA_LEN];

				fill(got);
				fill(want);
				memmove(want + to, want + from, len);
				shim_memmove(got + to, got + from, len);
				assert_memory_equal(got, want, AREA_LEN);
			}
		}
	}
}

static void test_memset_stays_inside(void **state)
{
	(void)state;
	for (size_t len = 0; len <= MAX_LEN; len++) {
		uint8_t got[AREA_LEN] = { 0 };
		uint8_t want[AREA_LEN] = { 0 };

		memset(want + 5, 0xa5, len);
		shim_memset(got + 5, -91, len);
		assert_memory_equal(got, want, AREA_LEN);
	}
}

static void test_memcmp_finds_the_first_difference(void **state)
{
	uint8_t a[MAX_LEN];
	uint8_t b[MAX_LEN] = { 0 };

	(void)state;
	memset(a, 0, sizeof(a));
	assert_int_equal(shim_memcmp(a, b, MAX_LEN), 0);
	assert_int_equal(shim_memcmp(a, b, 0), 0);
	for (size_t at = 0; at < MAX_LEN; at++) {
		b[at] = 0x80;
		if (at + 1 < MAX_LEN)
			a[at + 1] = 0xff;
		assert_true(shim_memcmp(a, b, MAX_LEN) < 0);
		assert_true(shim_memcmp(b, a, MAX_LEN) > 0);
		assert_int_equal(shim_memcmp(a, b, at), 0);
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
	}
}

static void test_lengths_and_searches(void **state)
{
	static const char text[] = "chunk/boot/x";

	(void)state;
	assert_int_equal(shim_strlen(""), 0);
	assert_int_equal(shim_strlen(text), sizeof(text) - 1);
	assert_int_equal(shim_strnlen(text, 5), 5);
	assert_int_equal(shim_strnlen(text, 99), sizeof(text) - 1);
	assert_int_equal(shim_strnlen(text, 0), 0);
	assert_ptr_equal(shim_strchr(text, '/'), text + 5);
	assert_ptr_equal(shim_strrchr(text, '/'), text + 10);
	assert_ptr_equal(shim_strchr(text, '\0'), text + sizeof(text) - 1);
	assert_ptr_equal(shim_strrchr(text, '\0'), text + sizeof(text) - 1);
	assert_null(shim_strchr(text, 'q'));
	assert_null(shim_strrchr(text, 'q'));
	assert_ptr_equal(shim_memchr(text, 'b', sizeof(text)), text + 6);
	assert_null(shim_memchr(text, 'b', 6));
	assert_ptr_equal(shim_memchr("\x80", 0x180, 1) != NULL ? text : NULL, text);
}

static void test_string_order(void **state)
{
	(void)state;
	assert_int_equal(shim_strcmp("", ""), 0);
	assert_true(shim_strcmp("a", "b") < 0);
	assert_true(shim_strcmp("b", "a") > 0);
	assert_true(shim_strcmp("a", "ab") < 0);
	assert_true(shim_strcmp("\x7f", "\x80") < 0);
	assert_int_equal(shim_strncmp("abc", "abd", 2), 0);
	assert_true(shim_strncmp("abc", "abd", 3) < 0);
	assert_int_equal(shim_strncmp("abc", "xyz", 0), 0);
	assert_int_equal(shim_strncmp("ab", "ab", 99), 0);
}

static void test_atoi(void **state)
{
	(void)state;
	assert_int_equal(shim_atoi("0"), 0);
	assert_int_equal(shim_atoi("1500x"), 1500);
	assert_int_equal(shim_atoi("-42"), -42);
	assert_int_equal(shim_atoi("+7"), 7);
	assert_int_equal(shim_atoi(""), 0);
	assert_true(shim_atoi("99999999999999999999") > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memcpy_at_every_length_and_offset),
		cmocka_unit_test(test_memmove_with_every_overlap),
		cmocka_unit_test(test_memset_stays_inside),
		cmocka_unit_test(test_memcmp_finds_the_first_difference),
		cmocka_unit_test(test_lengths_and_searches),
		cmocka_unit_test(test_string_order),
		cmocka_unit_test(test_atoi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
