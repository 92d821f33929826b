/* SPDX-License-Identifier: MIT */
/* Unit tests of host/webpath: paths, ranges and entity tags as clients and attackers send them. */
#include "testport.h"

#include <string.h>

#include "host/webpath.h"

static void test_decode(void **state)
{
	static const struct {
		const char *raw;
		enum cb_webpath result;
		const char *path;
	} rows[] = {
		{ "/metadata/root.json", CB_WEBPATH_OK, "metadata/root.json" },
		{ "/a", CB_WEBPATH_OK, "a" },
		{ "/a%20b%7Ec%c3%a4", CB_WEBPATH_OK, "a b~c\xc3\xa4" },
		{ "/a/b..c/d.", CB_WEBPATH_OK, "a/b..c/d." },
		{ "/a+b", CB_WEBPATH_OK, "a+b" },
		{ "/%2561", CB_WEBPATH_OK, "%61" }, /* decoded once, not twice */
		{ "", CB_WEBPATH_MALFORMED, NULL },
		{ "*", CB_WEBPATH_MALFORMED, NULL },
		{ "http://h/a", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%2", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%2x", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%x2", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%00b", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%0ab", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%7fb", CB_WEBPATH_MALFORMED, NULL },
		{ "/a\tb", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%2fb", CB_WEBPATH_MALFORMED, NULL },
		{ "/..%2fb", CB_WEBPATH_MALFORMED, NULL },
		{ "/a%5cb", CB_WEBPATH_MALFORMED, NULL },
		{ "/..\\b", CB_WEBPATH_MALFORMED, NULL },
		{ "/", CB_WEBPATH_HIDDEN, NULL },
		{ "//a", CB_WEBPATH_HIDDEN, NULL },
		{ "/a//b", CB_WEBPATH_HIDDEN, NULL },
		{ "/a/", CB_WEBPATH_HIDDEN, NULL },
		{ "/.", CB_WEBPATH_HIDDEN, NULL },
		{ "/..", CB_WEBPATH_HIDDEN, NULL },
		{ "/../a", CB_WEBPATH_HIDDEN, NULL },
		{ "/a/../../b", CB_WEBPATH_HIDDEN, NULL },
		{ "/%2e%2e/a", CB_WEBPATH_HIDDEN, NULL },
		{ "/a/%2E./b", CB_WEBPATH_HIDDEN, NULL },
		{ "/.lock", CB_WEBPATH_HIDDEN, NULL },
		{ "/%2elock", CB_WEBPATH_HIDDEN, NULL },
		{ "/metadata/.hidden", CB_WEBPATH_HIDDEN, NULL },
		{ "/metadata/root.json.tmp-Ab3dEf", CB_WEBPATH_HIDDEN, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[CB_WEBPATH_MAX + 1] = "untouched";
		if (cb_webpath_decode(rows[i].raw, out) != rows[i].result)
			fail_msg("'%s' has another result", rows[i].raw);
		assert_string_equal(out, rows[i].path != NULL ? rows[i].path : "untouched");
	}
}

static void test_decode_length(void **state)
{
	char raw[CB_WEBPATH_MAX + 3], out[CB_WEBPATH_MAX + 1] = "untouched";
	(void)state;
	memset(raw, 'a', sizeof(raw));
	raw[0] = '/';
	raw[CB_WEBPATH_MAX + 2] = '\0';
	assert_int_equal(cb_webpath_decode(raw, out), CB_WEBPATH_MALFORMED);
	assert_string_equal(out, "untouched");
	raw[CB_WEBPATH_MAX + 1] = '\0';
	assert_int_equal(cb_webpath_decode(raw, out), CB_WEBPATH_OK);
	assert_int_equal(strlen(out), CB_WEBPATH_MAX);
}

static void test_immutable(void **state)
{
	static const struct {
		const char *path;
		bool is_immutable;
	} rows[] = {
		{ "metadata/1.root.json", true },
		{ "metadata/12.snapshot.json", true },
		{ "metadata/root.json", false },
		{ "metadata/timestamp.json", false },
		{ "metadata/bundle.cbb", false },
		{ "manifests/a/00.1.cbm", true },
		{ "store.castr/abcd/abcd.cacnk", true },
		{ "sealed/ab/abcd", true },
		{ "indexes/a/1.kernel.caibx", true },
		{ "accounts/ab/abcd", false },
		{ "index.html", false },
		{ "store.castrate", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cb_webpath_is_immutable(rows[i].path) != rows[i].is_immutable)
			fail_msg("%s", rows[i].path);
}

static void test_range(void **state)
{
	static const struct {
		const char *value;
		uint64_t len;
		enum cb_webrange result;
		uint64_t first, n;
	} rows[] = {
		{ NULL, 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=0-0", 10, CB_WEBRANGE_PART, 0, 1 },
		{ "bytes=0-9", 10, CB_WEBRANGE_PART, 0, 10 },
		{ "bytes=0-", 10, CB_WEBRANGE_PART, 0, 10 },
		{ "bytes=9-", 10, CB_WEBRANGE_PART, 9, 1 },
		{ "bytes=3-100", 10, CB_WEBRANGE_PART, 3, 7 },
		{ "bytes=3-9999999999999999999", 10, CB_WEBRANGE_PART, 3, 7 },
		{ "bytes=-1", 10, CB_WEBRANGE_PART, 9, 1 },
		{ "bytes=-10", 10, CB_WEBRANGE_PART, 0, 10 },
		{ "bytes=-11", 10, CB_WEBRANGE_PART, 0, 10 },
		{ "bytes=10-", 10, CB_WEBRANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=9999999999999999999-", 10, CB_WEBRANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-0", 10, CB_WEBRANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-", 0, CB_WEBRANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-5", 0, CB_WEBRANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=5-4", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=-", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=5", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=a-b", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,3-4", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=0-1 ", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=+1-2", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "bytes=99999999999999999999-", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "items=0-1", 10, CB_WEBRANGE_WHOLE, 0, 0 },
		{ "", 10, CB_WEBRANGE_WHOLE, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t first = 0, n = 0;
		enum cb_webrange got = cb_webrange_parse(rows[i].value, rows[i].len, &first, &n);
		if (got != rows[i].result || first != rows[i].first || n != rows[i].n)
			fail_msg("%s of %ju", rows[i].value, (uintmax_t)rows[i].len);
	}
}

static void test_etag(void **state)
{
	static const struct {
		const char *value;
		bool matches;
	} rows[] = {
		{ NULL, false },
		{ "", false },
		{ "*", true },
		{ "\"ab\"", true },
		{ "W/\"ab\"", true },
		{ "\"x\", \"ab\"", true },
		{ "\"x\",W/\"ab\",\"y\"", true },
		{ "\"ab\" ", true },
		{ "\"abc\"", false },
		{ "ab", false },
		{ "\"ab\"x", false },
		{ "\"x\", \"y\"", false },
		{ ",,,", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cb_webetag_matches(rows[i].value, "\"ab\"") != rows[i].matches)
			fail_msg("%s", rows[i].value != NULL ? rows[i].value : "NULL");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),	  cmocka_unit_test(test_decode_length),
		cmocka_unit_test(test_immutable), cmocka_unit_test(test_range),
		cmocka_unit_test(test_etag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
