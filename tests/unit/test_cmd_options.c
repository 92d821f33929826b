/* SPDX-License-Identifier: MIT */
/* Unit tests of the option table in cmd/cmd.h. */
#include "testport.h"

#include <string.h>

#include "cmd/cmd.h"

static bool is_on;
static const char *text;
static struct cb_texts texts;
static uint64_t number;

static const struct cb_option options[] = {
	{ .name = "on", .letter = 'o', .help = "switch", .flag = &is_on },
	{ .name = "text", .letter = 't', .value = "T", .help = "text", .text = &text },
	{ .name = "each", .value = "E", .help = "list", .texts = &texts },
	{ .name = "number",
	  .value = "N",
	  .help = "number",
	  .number = &number,
	  .min = 5,
	  .max = 90 },
	{ 0 },
};

static const struct cb_verb verb = {
	.name = "verb",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
};

static struct cb_error failure;
static int n_operands;
static char **operands;

/* Words are separated by '|'. */
static enum cb_err parse(const struct cb_verb *v, const char *line)
{
	static char copy[256];
	static char *argv[40];
	int argc = 0;

	is_on = arg_help = arg_json = arg_quiet = arg_dry_run = arg_no_color = false;
	text = NULL;
	texts = (struct cb_texts){ 0 };
	number = 7;
	n_operands = -1;
	operands = NULL;
	failure = (struct cb_error){ 0 };
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *p = strtok(copy, "|"); p != NULL; p = strtok(NULL, "|"))
		argv[argc++] = p;
	argv[argc] = NULL;
	return cb_options_parse(v, argc, argv, &n_operands, &operands, &failure);
}

static void good_lines(void **state)
{
	(void)state;
	assert_int_equal(parse(&verb, "verb|A"), CB_OK);
	assert_int_equal(n_operands, 1);
	assert_string_equal(operands[0], "A");
	assert_int_equal(number, 7);
	assert_null(text);

	assert_int_equal(parse(&verb, "verb|A|--on|B|--text|T|--number=90"), CB_OK);
	assert_int_equal(n_operands, 2);
	assert_string_equal(operands[1], "B");
	assert_true(is_on);
	assert_string_equal(text, "T");
	assert_int_equal(number, 90);

	assert_int_equal(parse(&verb, "verb|-ot|x|--|--on"), CB_OK);
	assert_int_equal(n_operands, 1);
	assert_string_equal(operands[0], "--on");
	assert_string_equal(text, "x");

	assert_int_equal(parse(&verb, "verb|-|--each|1|--each=2|--each|--on"), CB_OK);
	assert_int_equal(texts.n, 3);
	assert_string_equal(texts.at[1], "2");
	assert_string_equal(texts.at[2], "--on");
	assert_false(is_on);
	assert_string_equal(operands[0], "-");

	assert_int_equal(parse(&verb, "verb|A|--on|--on|--text=|-q"), CB_OK);
	assert_true(arg_quiet);
	assert_string_equal(text, "");
}

static void common_options(void **state)
{
	static const struct cb_verb plain = { .name = "plain", .max_operands = -1 };

	(void)state;
	assert_int_equal(parse(&plain, "plain|--json|--dry-run|-q|--no-color|a|b|c|d"), CB_OK);
	assert_true(arg_json && arg_dry_run && arg_quiet && arg_no_color && !arg_help);
	assert_int_equal(n_operands, 4);
	assert_int_equal(parse(&plain, "plain"), CB_OK);
	assert_int_equal(n_operands, 0);
	/* help needs no operands */
	assert_int_equal(parse(&verb, "verb|-h"), CB_OK);
	assert_true(arg_help);
	assert_int_equal(parse(&verb, "verb|--help|a|b|c"), CB_OK);
}

static void bad_lines(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "verb", "verb: an operand is missing" },
		{ "verb|A|B|C", "verb: too many operands" },
		{ "verb|A|--what", "unknown option --what" },
		{ "verb|A|--what=x", "unknown option --what=x" },
		{ "verb|A|-x", "unknown option -x" },
		{ "verb|A|-ox", "unknown option -x" },
		{ "verb|A|--text", "--text needs a value" },
		{ "verb|A|-t", "-t needs a value" },
		{ "verb|A|--on=1", "--on=1 takes no value" },
		{ "verb|A|--text|1|--text|2", "--text given twice" },
		{ "verb|A|--number|6|--number|6", "--number given twice" },
		{ "verb|A|--number|4", "--number must be a number from 5 to 90, not '4'" },
		{ "verb|A|--number|91", "--number must be a number from 5 to 90, not '91'" },
		{ "verb|A|--number=", "--number must be a number from 5 to 90, not ''" },
		{ "verb|A|--number=-6", "--number must be a number from 5 to 90, not '-6'" },
		{ "verb|A|--number=+6", "--number must be a number from 5 to 90, not '+6'" },
		{ "verb|A|--number= 6", "--number must be a number from 5 to 90, not ' 6'" },
		{ "verb|A|--number=6x", "--number must be a number from 5 to 90, not '6x'" },
		{ "verb|A|--number=0x10", "--number must be a number from 5 to 90, not '0x10'" },
		{ "verb|A|--number=99999999999999999999",
		  "--number must be a number from 5 to 90, not '99999999999999999999'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char message[CB_ERROR_MESSAGE_MAX];
		enum cb_err err = parse(&verb, cases[i].line);

		assert_int_equal(err, CB_USAGE);
		cb_error_message(&failure, err, message);
		assert_string_equal(message, cases[i].message);
		assert_string_equal(cb_error_hint(&failure, err), "see 'chunkboot verb --help'");
		assert_int_equal(n_operands, -1);
	}
}

static void required_option(void **state)
{
	static const char *keys;
	static const struct cb_option table[] = {
		{ .name = "keys", .value = "K", .help = "h", .is_required = true, .text = &keys },
		{ 0 },
	};
	static const struct cb_verb needy = { .name = "needy",
					      .options = table,
					      .max_operands = -1 };
	char message[CB_ERROR_MESSAGE_MAX];

	(void)state;
	assert_int_equal(parse(&needy, "needy"), CB_USAGE);
	cb_error_message(&failure, CB_USAGE, message);
	assert_string_equal(message, "needy needs --keys");
	assert_int_equal(parse(&needy, "needy|--keys|k"), CB_OK);
	assert_string_equal(keys, "k");
	assert_int_equal(parse(&needy, "needy|--help"), CB_OK);
}

static void too_many_values(void **state)
{
	char *argv[2 * (CB_TEXTS_MAX + 1) + 3] = { (char *)(uintptr_t) "verb" };
	int argc = 1;

	(void)state;
	texts = (struct cb_texts){ 0 };
	for (unsigned i = 0; i <= CB_TEXTS_MAX; i++) {
		argv[argc++] = (char *)(uintptr_t) "--each";
		argv[argc++] = (char *)(uintptr_t) "x";
	}
	argv[argc++] = (char *)(uintptr_t) "A";
	assert_int_equal(cb_options_parse(&verb, argc, argv, &n_operands, &operands, &failure),
			 CB_USAGE);
	assert_int_equal(texts.n, CB_TEXTS_MAX);
	texts = (struct cb_texts){ 0 };
	argv[argc - 3] = argv[argc - 1];
	assert_int_equal(cb_options_parse(&verb, argc - 2, argv, &n_operands, &operands, &failure),
			 CB_OK);
	assert_int_equal(texts.n, CB_TEXTS_MAX);
}

static void size_texts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1048575, "1.0 MiB" },
		{ 1048576, "1.0 MiB" },
		{ 5ull << 30, "5.0 GiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	char out[CB_SIZE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(cb_size_text(cases[i].bytes, out), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lines),	   cmocka_unit_test(common_options),
		cmocka_unit_test(bad_lines),	   cmocka_unit_test(required_option),
		cmocka_unit_test(too_many_values), cmocka_unit_test(size_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
