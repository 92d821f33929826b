/* SPDX-License-Identifier: MIT */
/* Unit tests of the kernel command line's composition. */
#include "testport.h"

#include <string.h>

#include "core/cmdline.h"

#define OUT_LEN (CB_CMDLINE_MAX + 1 + CB_CMDLINE_FACTS_MAX + 1)

static struct cb_manifest image(const char *cmdline)
{
	struct cb_manifest m;
	memset(&m, 0, sizeof(m));
	m.cmdline = cb_bytes_of(cmdline);
	m.n_allow = 4;
	m.allow[0] = cb_bytes_of("debug");
	m.allow[1] = cb_bytes_of("desk=");
	m.allow[2] = cb_bytes_of("i915.");
	m.allow[3] = cb_bytes_of("console=ttyS0,");
	return m;
}

static void composed(void **state)
{
	static const struct {
		const char *cmdline, *suffix, *facts, *want;
	} cases[] = {
		{ "quiet", "", "", "quiet" },
		{ "quiet", "debug", "", "quiet debug" },
		{ "quiet", "debug", "a.b=c", "quiet debug a.b=c" },
		{ "quiet", "", "a.b=c", "quiet a.b=c" },
		{ "", "", "", "" },
		{ "", "debug", "", "debug" },
		{ "", "", "x", "x" },
		{ "", "debug", "x", "debug x" },
		{ "quiet", "   ", "", "quiet" },
		{ "quiet", "  desk=7   debug ", "x", "quiet desk=7 debug x" },
		{ "a  b", "desk=", "", "a  b desk=" },
		{ "quiet", "i915.modeset=0 console=ttyS0,115200n8", "",
		  "quiet i915.modeset=0 console=ttyS0,115200n8" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_manifest m = image(cases[i].cmdline);
		char out[OUT_LEN];
		memset(out, 'Z', sizeof(out));
		assert_int_equal(cb_cmdline_compose(&m, cb_bytes_of(cases[i].suffix),
						    cb_bytes_of(cases[i].facts), out),
				 CB_OK);
		assert_string_equal(out, cases[i].want);
	}
}

static void assert_fails(const struct cb_manifest *m, struct cb_bytes suffix, struct cb_bytes facts,
			 enum cb_err want)
{
	char out[OUT_LEN];
	memset(out, 'Z', sizeof(out));
	assert_int_equal(cb_cmdline_compose(m, suffix, facts, out), want);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 'Z');
}

static void refused(void **state)
{
	static const char *const suffixes[] = {
		"init=/bin/sh",
		"debug init=/bin/sh",
		"init=/bin/sh debug",
		"debug2",
		"debu",
		"debug=1",
		"DEBUG",
		"desk",
		"xdesk=7",
		"i915",
		"i915_x.y=1",
		"console=ttyS0",
		"desk=\"a b\"",
		"desk='a'",
		"\"debug\"",
		"debug\tinit=x",
		"debug\ninit=x",
		"desk=\xc3\xa4",
		"desk=\x7f",
		"--",
	};
	(void)state;
	struct cb_manifest m = image("quiet");
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		assert_fails(&m, cb_bytes_of(suffixes[i]), cb_bytes_of(""), CB_CMDLINE_REFUSED);
	assert_fails(&m, (struct cb_bytes){ (const uint8_t *)"desk=\0", 6 }, cb_bytes_of(""),
		     CB_CMDLINE_REFUSED);
	assert_fails(&m, cb_bytes_of(""), cb_bytes_of("a\nb"), CB_CMDLINE_REFUSED);
	m.n_allow = 0;
	assert_fails(&m, cb_bytes_of("debug"), cb_bytes_of(""), CB_CMDLINE_REFUSED);
	/* An empty entry, if one came to be, allows nothing. */
	m.n_allow = 1;
	m.allow[0] = cb_bytes_of("");
	assert_fails(&m, cb_bytes_of("debug"), cb_bytes_of(""), CB_CMDLINE_REFUSED);
}

static void lengths(void **state)
{
	(void)state;
	static char line[CB_CMDLINE_MAX + 1], facts_text[CB_CMDLINE_FACTS_MAX + 2];
	static char suffix_text[CB_CMDLINE_MAX + 2] = "desk=";
	char out[OUT_LEN];
	const struct cb_bytes none = { NULL, 0 };
	memset(line, 'a', sizeof(line));
	memset(facts_text, 'f', sizeof(facts_text));
	memset(suffix_text + 5, 's', sizeof(suffix_text) - 5);
	struct cb_bytes facts = { (uint8_t *)facts_text, CB_CMDLINE_FACTS_MAX };
	struct cb_manifest m = image("");
	/* Line, blank and "debug" are exactly the limit; the facts do not count. */
	m.cmdline = (struct cb_bytes){ (uint8_t *)line, CB_CMDLINE_MAX - 6 };
	assert_int_equal(cb_cmdline_compose(&m, cb_bytes_of(" debug "), facts, out), CB_OK);
	assert_int_equal(strlen(out), OUT_LEN - 1);
	m.cmdline.len++;
	assert_fails(&m, cb_bytes_of("debug"), facts, CB_CMDLINE_TOO_LONG);
	assert_int_equal(cb_cmdline_compose(&m, none, facts, out), CB_OK);
	m.cmdline.len = CB_CMDLINE_MAX;
	assert_int_equal(cb_cmdline_compose(&m, none, facts, out), CB_OK);
	assert_int_equal(strlen(out), OUT_LEN - 1);
	facts.len++;
	assert_fails(&m, none, facts, CB_CMDLINE_TOO_LONG);
	m.cmdline.len = CB_CMDLINE_MAX + 1;
	assert_fails(&m, none, none, CB_CMDLINE_TOO_LONG);
	m.cmdline.len = 0;
	struct cb_bytes suffix = { (uint8_t *)suffix_text, CB_CMDLINE_MAX };
	assert_int_equal(cb_cmdline_compose(&m, suffix, none, out), CB_OK);
	assert_int_equal(strlen(out), CB_CMDLINE_MAX);
	suffix.len++;
	assert_fails(&m, suffix, none, CB_CMDLINE_TOO_LONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composed),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
