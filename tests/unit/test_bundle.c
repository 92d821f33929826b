/* SPDX-License-Identifier: MIT */
/* Unit tests of the metadata bundle's reader. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"

static uint8_t *out;
static size_t len;

static int set_up(void **state)
{
	(void)state;
	out = malloc(CB_BUNDLE_MAX_LEN + 1);
	len = 0;
	return out ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	free(out);
	return 0;
}

static void head(uint32_t n)
{
	memcpy(out, CB_BUNDLE_MAGIC, 8);
	cb_put_le32(out + 8, n);
	len = 12;
}

static void add(const char *name, const void *bytes, size_t n)
{
	out[len] = (uint8_t)strlen(name);
	memcpy(out + len + 1, name, strlen(name));
	len += 1 + strlen(name);
	cb_put_le32(out + len, (uint32_t)n);
	memset(out + len + 4, 'x', n);
	if (bytes)
		memcpy(out + len + 4, bytes, n);
	len += 4 + n;
}

/* Three files, the last one empty, one name twice. */
static void good(void)
{
	head(4);
	add("2.root.json", "root", 4);
	add("timestamp.json", "time", 4);
	add("timestamp.json", "late", 4);
	add("1.targets.json", NULL, 0);
}

/* In a block of its own, so that a sanitizer sees every byte read too far. */
static enum cb_err parse(size_t n, struct cb_bundle *ret)
{
	uint8_t *copy = malloc(n ? n : 1);
	enum cb_err err;

	memcpy(copy, out, n);
	err = cb_bundle_parse((struct cb_bytes){ copy, n }, ret);
	free(copy);
	return err;
}

static void assert_refused(size_t n, enum cb_err err)
{
	struct cb_bundle b, before;

	memset(&b, 0x77, sizeof(b));
	before = b;
	assert_int_equal(parse(n, &b), err);
	assert_memory_equal(&b, &before, sizeof(b));
}

static void test_find(void **state)
{
	static const struct {
		const char *path;
		const char *want; /* NULL: absent */
	} cases[] = {
		{ "metadata/2.root.json", "root" },
		{ "metadata/timestamp.json", "time" },
		{ "metadata/1.targets.json", "" },
		{ "metadata/3.root.json", NULL },
		{ "metadata/2.root.jso", NULL },
		{ "metadata/2.root.json2", NULL },
		{ "metadata/", NULL },
		{ "2.root.json", NULL },
		{ "manifests/timestamp.json", NULL },
		{ "", NULL },
		{ "metadata/metadata/2.root.json", NULL },
	};
	struct cb_bundle b;

	(void)state;
	good();
	assert_int_equal(cb_bundle_parse((struct cb_bytes){ out, len }, &b), CB_OK);
	assert_int_equal(b.n, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_bytes got = { NULL, 77 };

		assert_int_equal(cb_bundle_find(&b, cases[i].path, &got), cases[i].want != NULL);
		if (cases[i].want)
			assert_true(cb_bytes_is(got, cases[i].want));
		else
			assert_int_equal(got.len, 77);
	}
}

static void test_empty(void **state)
{
	struct cb_bundle b = { .n = 9 };
	struct cb_bytes file;

	(void)state;
	assert_int_equal(cb_bundle_parse((struct cb_bytes){ NULL, 0 }, &b), CB_META_FORMAT);
	head(0);
	assert_int_equal(cb_bundle_parse((struct cb_bytes){ out, len }, &b), CB_OK);
	assert_int_equal(b.n, 0);
	assert_false(cb_bundle_find(&b, "metadata/timestamp.json", &file));
}

static void test_truncated_and_longer(void **state)
{
	(void)state;
	good();
	for (size_t n = 0; n < len; n++)
		assert_refused(n, CB_META_FORMAT);
	out[len] = 0;
	assert_refused(len + 1, CB_META_FORMAT);
}

static void test_lengths_that_lie(void **state)
{
	static const uint32_t lies[] = { 3, 5, 0x7fffffff, 0xffffffff, 0xfffffffc };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		good();
		cb_put_le32(out + 12 + 1 + strlen("2.root.json"), lies[i]);
		assert_refused(len, CB_META_FORMAT);
	}
	for (unsigned n = 0; n < 256; n++) {
		good();
		out[12] = (uint8_t)n;
		if (n != strlen("2.root.json"))
			assert_refused(len, CB_META_FORMAT);
	}
	good();
	cb_put_le32(out + 8, 3);
	assert_refused(len, CB_META_FORMAT);
	cb_put_le32(out + 8, 5);
	assert_refused(len, CB_META_FORMAT);
	out[7] ^= 1;
	assert_refused(len, CB_META_FORMAT);
}

static void test_limits(void **state)
{
	struct cb_bundle b;

	(void)state;
	head(CB_BUNDLE_MAX_FILES);
	for (unsigned i = 0; i < CB_BUNDLE_MAX_FILES; i++)
		add("", NULL, 0);
	assert_int_equal(parse(len, &b), CB_OK);
	assert_int_equal(b.n, CB_BUNDLE_MAX_FILES);
	cb_put_le32(out + 8, CB_BUNDLE_MAX_FILES + 1);
	add("", NULL, 0);
	assert_refused(len, CB_META_LIMIT);
	cb_put_le32(out + 8, 0xffffffff);
	assert_refused(len, CB_META_LIMIT);

	head(1);
	add("a", NULL, CB_BUNDLE_MAX_LEN - 12 - 6);
	assert_int_equal(len, CB_BUNDLE_MAX_LEN);
	assert_int_equal(parse(len, &b), CB_OK);
	head(1);
	add("a", NULL, CB_BUNDLE_MAX_LEN - 12 - 5);
	assert_refused(len, CB_META_LIMIT);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find),
		TEST(test_empty),
		TEST(test_truncated_and_longer),
		TEST(test_lengths_that_lie),
		TEST(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
