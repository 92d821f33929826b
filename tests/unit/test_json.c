/* SPDX-License-Identifier: MIT */
/* JSON parser and canonical form: syntax, limits, JSONTestSuite. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "testport.h"

#define SUITE_N_FILES 318

static struct testport tp;
static struct cb_mem mem;

static int set_up(void **state)
{
	(void)state;
	tp = (struct testport){ 0 };
	mem = testport_mem(&tp);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	testport_assert_no_leak(&tp);
	return 0;
}

/* Parses a copy of exactly that size, so that a read past the end is seen. */
static enum cb_err parse(const void *text, size_t len, enum cb_json_rules rules,
			 struct cb_json_doc *ret)
{
	uint8_t *copy = malloc(len + (len == 0));
	enum cb_err err;

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, text, len);
	err = cb_json_parse(&mem, (struct cb_bytes){ copy, len }, rules, ret);
	free(copy);
	return err;
}

static enum cb_err try_parse(const void *text, size_t len, enum cb_json_rules rules)
{
	struct cb_json_doc doc = { 0 };
	enum cb_err err = parse(text, len, rules, &doc);

	if (err != CB_OK)
		assert_null(doc.root);
	cb_json_done(&doc);
	return err;
}

struct syntax_case {
	const char *text;
	enum cb_err strict, standard;
};

static void test_syntax(void **state)
{
	static const struct syntax_case cases[] = {
		{ "", CB_META_FORMAT, CB_META_FORMAT },
		{ " ", CB_META_FORMAT, CB_META_FORMAT },
		{ "0", CB_OK, CB_OK },
		{ " \t\r\n{ \"a\" : [ ] } ", CB_OK, CB_OK },
		{ "{}", CB_OK, CB_OK },
		{ "[]", CB_OK, CB_OK },
		{ "[1,2]", CB_OK, CB_OK },
		{ "[1,]", CB_META_FORMAT, CB_META_FORMAT },
		{ "[,1]", CB_META_FORMAT, CB_META_FORMAT },
		{ "[1 2]", CB_META_FORMAT, CB_META_FORMAT },
		{ "[1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"a\":1,}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"a\" 1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{a:1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"a\":}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{1:1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "1 2", CB_META_FORMAT, CB_META_FORMAT },
		{ "[]]", CB_META_FORMAT, CB_META_FORMAT },
		{ "truefalse", CB_META_FORMAT, CB_META_FORMAT },
		{ "[true,false,null]", CB_OK, CB_OK },
		{ "True", CB_META_FORMAT, CB_META_FORMAT },
		{ "nul", CB_META_FORMAT, CB_META_FORMAT },
		/* numbers */
		{ "9007199254740991", CB_OK, CB_OK },
		{ "9007199254740992", CB_META_FORMAT, CB_OK },
		{ "99999999999999999999999999", CB_META_FORMAT, CB_OK },
		{ "18446744073709551617", CB_META_FORMAT, CB_OK },
		{ "01", CB_META_FORMAT, CB_META_FORMAT },
		{ "-1", CB_META_FORMAT, CB_OK },
		{ "-0", CB_META_FORMAT, CB_OK },
		{ "-", CB_META_FORMAT, CB_META_FORMAT },
		{ "+1", CB_META_FORMAT, CB_META_FORMAT },
		{ "1.0", CB_META_FORMAT, CB_OK },
		{ "1.", CB_META_FORMAT, CB_META_FORMAT },
		{ ".5", CB_META_FORMAT, CB_META_FORMAT },
		{ "1e3", CB_META_FORMAT, CB_OK },
		{ "1E+3", CB_META_FORMAT, CB_OK },
		{ "1e-3", CB_META_FORMAT, CB_OK },
		{ "1e+-3", CB_META_FORMAT, CB_META_FORMAT },
		{ "1e", CB_META_FORMAT, CB_META_FORMAT },
		/* strings */
		{ "\"\"", CB_OK, CB_OK },
		{ "\"a", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\/\\\\\\\"\"", CB_OK, CB_OK },
		{ "\"\\n\"", CB_META_FORMAT, CB_OK },
		{ "\"\\u000a\"", CB_META_FORMAT, CB_OK },
		{ "\"\\u0000\"", CB_META_FORMAT, CB_OK },
		{ "\"\n\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\\t\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\a\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\x7f\"", CB_META_FORMAT, CB_OK },
		{ "\"\xc2\x80\"", CB_META_FORMAT, CB_OK }, /* U+0080, C1 */
		{ "\"\xc2\x9f\"", CB_META_FORMAT, CB_OK },
		{ "\"\xc2\xa0\"", CB_OK, CB_OK },
		{ "\"\\u00e4\"", CB_OK, CB_OK },
		{ "\"\\uD83D\\uDE00\"", CB_OK, CB_OK },
		{ "\"\\uD83D\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\uD83D\\u0041\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\uDE00\\uD83D\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\\u12g4\"", CB_META_FORMAT, CB_META_FORMAT },
		/* UTF-8 */
		{ "\"\xf0\x9f\x98\x80\"", CB_OK, CB_OK },
		{ "\"\xef\xbf\xbf\"", CB_OK, CB_OK },
		{ "\"\xf4\x8f\xbf\xbf\"", CB_OK, CB_OK },
		{ "\"\xf4\x90\x80\x80\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xed\xa0\x80\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xc0\x80\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xc1\xbf\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xe0\x9f\xbf\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xf0\x8f\xbf\xbf\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\x80\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xff\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xc3\"", CB_META_FORMAT, CB_META_FORMAT },
		{ "\"\xc3", CB_META_FORMAT, CB_META_FORMAT },
		{ "\xef\xbb\xbf{}", CB_META_FORMAT, CB_META_FORMAT }, /* byte order mark */
		/* members */
		{ "{\"a\":1,\"b\":2,\"a\":3}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"a\":1,\"\\u0061\":1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"\":1,\"\":1}", CB_META_FORMAT, CB_META_FORMAT },
		{ "{\"a\":{\"a\":1}}", CB_OK, CB_OK },
		{ "{\"\xc3\xa4\":1}", CB_META_FORMAT, CB_OK },
		{ "[[],[1],{}]", CB_OK, CB_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct syntax_case *c = &cases[i];
		enum cb_err strict = try_parse(c->text, strlen(c->text), CB_JSON_STRICT);
		enum cb_err standard = try_parse(c->text, strlen(c->text), CB_JSON_STANDARD);

		if (strict != c->strict || standard != c->standard)
			fail_msg("%s: strict %d, standard %d", c->text, (int)strict, (int)standard);
	}
}

static void test_values(void **state)
{
	static const char text[] =
		"{\"s\":\"\\u00e4\\ud83d\\ude00\\\"\\\\\\/\",\"n\":42,\"z\":0,\"a\":[1,\"x\",null],\"o\":{}}";
	struct cb_json_doc doc;
	struct cb_bytes s = { NULL, 0 };
	uint64_t n = 0;

	(void)state;
	assert_int_equal(parse(text, strlen(text), CB_JSON_STRICT, &doc), CB_OK);
	assert_int_equal(cb_json_string(cb_json_get(doc.root, "s"), &s), CB_OK);
	testport_assert_bytes(s, cb_bytes_of("\xc3\xa4\xf0\x9f\x98\x80\"\\/"));
	assert_int_equal(cb_json_integer(cb_json_get(doc.root, "n"), &n), CB_OK);
	assert_int_equal(n, 42);
	assert_int_equal(cb_json_integer(cb_json_get(doc.root, "s"), &n), CB_META_FORMAT);
	assert_int_equal(cb_json_string(cb_json_get(doc.root, "n"), &s), CB_META_FORMAT);
	assert_int_equal(cb_json_integer(NULL, &n), CB_META_FORMAT);
	assert_int_equal(cb_json_string(NULL, &s), CB_META_FORMAT);
	assert_null(cb_json_get(doc.root, "missing"));
	assert_null(cb_json_get(doc.root, ""));
	assert_null(cb_json_get(cb_json_get(doc.root, "n"), "x"));
	assert_null(cb_json_get(NULL, "x"));
	assert_int_equal(cb_json_get(doc.root, "a")->n_children, 3);
	assert_true(cb_json_is(cb_json_get(doc.root, "a")->first->next->next, CB_JSON_NULL));
	assert_null(cb_json_get(doc.root, "a")->first->next->next->next);
	assert_int_equal(cb_json_get(doc.root, "o")->n_children, 0);
	assert_null(cb_json_get(doc.root, "o")->first);
	assert_false(cb_json_is(NULL, CB_JSON_NULL));
	cb_json_done(&doc);
	cb_json_done(&doc); /* a done document is a zeroed one */
}

static void test_truncated_everywhere(void **state)
{
	static const char text[] =
		"{\"a\":[1,true,false,null,{\"b\\u00e4\\\\\":\"\xc3\xa4\\ud83d\\ude00\"}],\"c\":-1.5e+3}";

	(void)state;
	assert_int_equal(try_parse(text, strlen(text), CB_JSON_STANDARD), CB_OK);
	for (size_t len = 0; len < strlen(text); len++)
		assert_int_equal(try_parse(text, len, CB_JSON_STANDARD), CB_META_FORMAT);
}

static void test_limits(void **state)
{
	size_t n = CB_JSON_MAX_NODES;
	char deep[2 * (CB_JSON_MAX_DEPTH + 1) + 1], *wide = malloc(2 * n + 3);
	uint8_t *huge = malloc(CB_JSON_MAX_LEN + 1);

	(void)state;
	assert_non_null(wide);
	assert_non_null(huge);
	for (size_t depth = CB_JSON_MAX_DEPTH; depth <= CB_JSON_MAX_DEPTH + 1; depth++) {
		memset(deep, '[', depth);
		memset(deep + depth, ']', depth);
		assert_int_equal(try_parse(deep, 2 * depth, CB_JSON_STANDARD),
				 depth == CB_JSON_MAX_DEPTH ? CB_OK : CB_META_LIMIT);
	}
	/* an array of n - 1 numbers has n values */
	for (size_t i = 0; i < n; i++)
		memcpy(wide + 2 * i, i == 0 ? "[1" : ",1", 2);
	wide[2 * (n - 1)] = ']';
	assert_int_equal(try_parse(wide, 2 * (n - 1) + 1, CB_JSON_STRICT), CB_OK);
	memcpy(wide + 2 * (n - 1), ",1]", 3);
	assert_int_equal(try_parse(wide, 2 * n + 1, CB_JSON_STRICT), CB_META_LIMIT);
	/* white space counts */
	memset(huge, ' ', CB_JSON_MAX_LEN + 1);
	huge[0] = '1';
	assert_int_equal(try_parse(huge, CB_JSON_MAX_LEN, CB_JSON_STRICT), CB_OK);
	assert_int_equal(try_parse(huge, CB_JSON_MAX_LEN + 1, CB_JSON_STRICT), CB_META_LIMIT);
	free(huge);
	free(wide);
}

static void test_no_memory(void **state)
{
	struct cb_json_doc doc = { 0 };

	(void)state;
	testport_fail_at(&tp, 1);
	assert_int_equal(parse("{}", 2, CB_JSON_STRICT, &doc), CB_NO_MEMORY);
	assert_null(doc.root);
}

/* ---- Canonical form ---- */

struct canonical_case {
	const char *text, *canonical; /* NULL: has none */
};

static void test_canonical(void **state)
{
	static const struct canonical_case cases[] = {
		{ "{}", "{}" },
		{ "{} ", "{}" },
		{ " [ ] ", "[]" },
		{ "{\"b\":1, \"a\":[ {\"d\":null,\"c\":true} , false ]}",
		  "{\"a\":[{\"c\":true,\"d\":null},false],\"b\":1}" },
		{ "\"\\u0041\\/\\u00e4\"", "\"A/\xc3\xa4\"" },
		{ "\"\\\\ \\\"\"", "\"\\\\ \\\"\"" },
		{ "\"\\n\\u0001\"", "\"\n\001\"" }, /* only quote and backslash are escaped */
		{ "{\"a\":1,\"\":2,\"aa\":3,\"B\":4}", "{\"\":2,\"B\":4,\"a\":1,\"aa\":3}" },
		{ "-0", "0" },
		{ "-17", "-17" },
		{ "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "1.5", NULL },
		{ "[1e2]", NULL },
		{ "[[],{},[[]],[{}],{\"a\":{}}]", "[[],{},[[]],[{}],{\"a\":{}}]" },
		{ "{\"\\\"\":1}", "{\"\\\"\":1}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct canonical_case *c = &cases[i];
		struct cb_bytes want = cb_bytes_of(c->canonical != NULL ? c->canonical : "");
		struct cb_json_doc doc;
		uint8_t out[128];
		size_t len = 0;

		assert_int_equal(parse(c->text, strlen(c->text), CB_JSON_STANDARD, &doc), CB_OK);
		assert_int_equal(cb_json_canonical_len(doc.root, &len),
				 c->canonical != NULL ? CB_OK : CB_META_FORMAT);
		assert_int_equal(len, want.len);
		assert_true(len <= sizeof(out));
		assert_int_equal(cb_json_canonical_write(doc.root, out, len),
				 c->canonical != NULL ? CB_OK : CB_META_FORMAT);
		testport_assert_bytes((struct cb_bytes){ out, len }, want);
		assert_int_equal(cb_json_is_canonical(doc.root, cb_bytes_of(c->text)),
				 c->canonical != NULL && strcmp(c->text, c->canonical) == 0);
		if (c->canonical != NULL && len > 0) {
			assert_int_equal(cb_json_canonical_write(doc.root, out, len - 1),
					 CB_META_FORMAT);
			assert_true(cb_json_is_canonical(doc.root, want));
			want.len--;
			assert_false(cb_json_is_canonical(doc.root, want));
		}
		cb_json_done(&doc);
	}
}

/* The canonical form of a member is that of its value, without its name and siblings. */
static void test_canonical_of_member(void **state)
{
	static const char text[] = "{\"signatures\":[1],\"signed\":{\"a\":[2,3]},\"z\":4}";
	struct cb_json_doc doc;

	(void)state;
	assert_int_equal(parse(text, strlen(text), CB_JSON_STRICT, &doc), CB_OK);
	assert_true(cb_json_is_canonical(doc.root, cb_bytes_of(text)));
	assert_true(cb_json_is_canonical(cb_json_get(doc.root, "signed"),
					 cb_bytes_of("{\"a\":[2,3]}")));
	assert_true(cb_json_is_canonical(cb_json_get(doc.root, "signatures"), cb_bytes_of("[1]")));
	cb_json_done(&doc);
}

/* Members in any order come out sorted; one name twice, wherever, is found. */
static void test_many_members(void **state)
{
	struct testport_rng rng = { 1 };

	(void)state;
	for (unsigned n = 2; n <= 130; n++) {
		unsigned order[131], at;
		char text[131 * 12 + 3];

		for (unsigned i = 0; i < n; i++) {
			unsigned j = (unsigned)testport_below(&rng, i + 1);

			order[i] = order[j];
			order[j] = i;
		}
		for (int twice = 0; twice < 2; twice++) {
			struct cb_json_doc doc;
			enum cb_err err;

			if (twice)
				order[testport_below(&rng, n - 1)] = order[n - 1];
			at = 0;
			for (unsigned i = 0; i < n; i++)
				at += (unsigned)sprintf(text + at, "%c\"k%03u\":%u",
							i == 0 ? '{' : ',', order[i], order[i]);
			text[at++] = '}';
			err = parse(text, at, CB_JSON_STRICT, &doc);
			assert_int_equal(err, twice ? CB_META_FORMAT : CB_OK);
			if (err != CB_OK)
				continue;
			at = 0;
			for (const struct cb_json *m = doc.root->first; m != NULL; m = m->next)
				assert_int_equal(m->integer, at++);
			assert_int_equal(at, n);
			cb_json_done(&doc);
		}
	}
}

/* ---- JSONTestSuite ---- */

/* What RFC 8259 allows and we refuse in either profile: a name that comes twice. */
static const char *const refused_by_both[] = {
	"y_object_duplicated_key.json",
	"y_object_duplicated_key_and_value.json",
	NULL,
};

/* What the strict profile refuses besides: fractions, signs, control characters, such names. */
static const char *const refused_by_strict[] = {
	"y_number.json",
	"y_number_0e+1.json",
	"y_number_0e1.json",
	"y_number_double_close_to_zero.json",
	"y_number_int_with_exp.json",
	"y_number_minus_zero.json",
	"y_number_negative_int.json",
	"y_number_negative_one.json",
	"y_number_negative_zero.json",
	"y_number_real_capital_e.json",
	"y_number_real_capital_e_neg_exp.json",
	"y_number_real_capital_e_pos_exp.json",
	"y_number_real_exponent.json",
	"y_number_real_fraction_exponent.json",
	"y_number_real_neg_exp.json",
	"y_number_real_pos_exponent.json",
	"y_number_simple_real.json",
	"y_object_escaped_null_in_key.json",
	"y_object_extreme_numbers.json",
	"y_string_allowed_escapes.json",
	"y_string_escaped_control_character.json",
	"y_string_null_escape.json",
	"y_string_uescaped_newline.json",
	"y_string_unescaped_char_delete.json",
	"y_string_with_del_character.json",
	"y_structure_lonely_negative_real.json",
	NULL,
};

/* What the RFC leaves to the implementation and the standard profile takes: any number. */
static const char *const accepted_by_standard[] = {
	"i_number_double_huge_neg_exp.json",
	"i_number_huge_exp.json",
	"i_number_neg_int_huge_exp.json",
	"i_number_pos_double_huge_exp.json",
	"i_number_real_neg_overflow.json",
	"i_number_real_pos_overflow.json",
	"i_number_real_underflow.json",
	"i_number_too_big_neg_int.json",
	"i_number_too_big_pos_int.json",
	"i_number_very_big_negative_int.json",
	NULL,
};

static bool is_listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static size_t count(const char *const *list)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	return n;
}

static size_t read_file(const char *dir, const char *name, uint8_t *out, size_t max)
{
	char path[1024];
	FILE *f;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(out, 1, max, f);
	assert_true(len < max);
	fclose(f);
	return len;
}

static void judge(const char *name, const uint8_t *text, size_t len, size_t *n_excused)
{
	bool standard = try_parse(text, len, CB_JSON_STANDARD) == CB_OK;
	bool strict = try_parse(text, len, CB_JSON_STRICT) == CB_OK;
	bool want_standard = name[0] == 'y', want_strict;

	if (is_listed(refused_by_both, name)) {
		want_standard = false;
		++*n_excused;
	}
	if (is_listed(accepted_by_standard, name)) {
		want_standard = true;
		++*n_excused;
	}
	want_strict = want_standard && name[0] != 'i';
	if (is_listed(refused_by_strict, name)) {
		want_strict = false;
		++*n_excused;
	}
	if (standard != want_standard || strict != want_strict)
		fail_msg("%s: standard %d, strict %d", name, standard, strict);
}

static void test_suite(void **state)
{
	const char *vectors = getenv("CB_VECTORS");
	static uint8_t text[CB_JSON_MAX_LEN];
	size_t n = 0, n_excused = 0;
	char path[1024];
	struct dirent *entry;
	DIR *dir;

	(void)state;
	snprintf(path, sizeof(path), "%s/json/test_parsing",
		 vectors != NULL ? vectors : "../shared/vectors");
	dir = opendir(path);
	if (dir == NULL) {
		print_message("%s is not there\n", path);
		skip();
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		judge(entry->d_name, text, read_file(path, entry->d_name, text, sizeof(text)),
		      &n_excused);
		n++;
	}
	closedir(dir);
	assert_int_equal(n, SUITE_N_FILES);
	/* no exception without its file */
	assert_int_equal(n_excused,
			 count(refused_by_both) + count(refused_by_strict) +
				 count(accepted_by_standard));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_syntax, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_truncated_everywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_canonical, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_canonical_of_member, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_suite, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
