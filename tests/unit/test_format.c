/* SPDX-License-Identifier: MIT */
/* The loader's texts: sizes, durations, cutting, what is let through to the console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../efi/format.c"

static void test_sizes(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 999, "999 B" },
		{ 1000, "1.00 kB" },
		{ 9999, "9.99 kB" },
		{ 10000, "10.0 kB" },
		{ 123456, "123 kB" },
		{ 999999, "999 kB" },
		{ 1000000, "1.00 MB" },
		{ 45540000, "45.5 MB" },
		{ 1020000000, "1.02 GB" },
		{ 5000000000000, "5.00 TB" },
		{ UINT64_MAX, "18446744 TB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_size(&t, cases[i].n);
		assert_string_equal(cb_fmt_done(&t), cases[i].text);
	}
}

static void test_sizes_of(void **state)
{
	struct cb_fmt t = { 0 };

	(void)state;
	cb_fmt_size_of(&t, 400000, 45540000);
	assert_string_equal(cb_fmt_done(&t), "0.40 of 45.5 MB");
	t.len = 0;
	cb_fmt_size_of(&t, 0, 0);
	assert_string_equal(cb_fmt_done(&t), "0 of 0 B");
}

static void test_durations(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} cases[] = {
		{ 0, "0 s" },		{ 59, "59 s" },		 { 60, "1 min 00 s" },
		{ 125, "2 min 05 s" },	{ 3599, "59 min 59 s" }, { 3600, "1 h 00 min" },
		{ 7325, "2 h 02 min" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_duration(&t, cases[i].s);
		assert_string_equal(cb_fmt_done(&t), cases[i].text);
	}
}

static void test_only_harmless_text_passes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "a\x1b[2Jb\r\n\x7f", "a?[2Jb???" },
		{ "J\xc3\xbcrgen \xe2\x82\xac", "J\xc3\xbcrgen \xe2\x82\xac" },
		{ "\xc2\x9b", "??" }, /* CSI as one character */
		{ "\xc0\xaf", "??" }, /* overlong */
		{ "\xe0\x80\xaf", "???" },
		{ "\xed\xa0\x80", "???" }, /* surrogate */
		{ "\xf0\x9f\x98\x80", "????" }, /* the console has 16 bits */
		{ "\xe2\x82", "??" }, /* truncated */
		{ "\xc3", "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_str(&t, cases[i].in);
		assert_string_equal(cb_fmt_done(&t), cases[i].out);
	}
}

static void test_cut(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		const char *out;
	} cases[] = {
		{ "abcdef", 6, "abcdef" },
		{ "abcdef", 5, "ab..." },
		{ "abcdef", 4, "a..." },
		{ "abcdef", 3, "abc" },
		{ "abcdef", 0, "" },
		{ "", 0, "" },
		{ "\xc3\xa4\xc3\xb6", 2, "\xc3\xa4\xc3\xb6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_cut(&t, cb_bytes_of(cases[i].in), cases[i].max);
		assert_string_equal(cb_fmt_done(&t), cases[i].out);
	}
}

static void test_buffer_is_never_overrun(void **state)
{
	struct cb_fmt t = { 0 };

	(void)state;
	for (unsigned i = 0; i < CB_FMT_MAX; i++)
		cb_fmt_str(&t, "\xe2\x82\xac");
	assert_true(t.len < CB_FMT_MAX);
	assert_int_equal(t.len % 3, 0); /* no character is torn */
	assert_int_equal(strlen(cb_fmt_done(&t)), t.len);
}

static void test_codes(void **state)
{
	struct cb_fmt t = { 0 };

	(void)state;
	cb_fmt_code(&t, CB_CHUNK_HASH);
	assert_string_equal(cb_fmt_done(&t), "CB-E303 ");
}

static void test_progress_line(void **state)
{
	struct cb_event e = {
		.kind = CB_EVENT_PROGRESS,
		.progress = {
			.done_bytes = 20400000,
			.total_bytes = 45500000,
			.rate_bytes_s = 10200000,
			.remaining_s = 3,
			.n_mirrors = 3,
			.n_mirrors_up = 2,
			.image = "debian/12.5",
		},
	};
	struct cb_fmt t = { 0 };

	(void)state;
	cb_format_progress(&t, &e, 79);
	assert_string_equal(cb_fmt_done(&t),
			    "debian/12.5  20.4 of 45.5 MB  10.2 MB/s  3 s left  2 of 3 mirrors");
	e.progress.n_mirrors = 1;
	e.progress.remaining_s = UINT32_MAX;
	t.len = 0;
	cb_format_progress(&t, &e, 79);
	assert_string_equal(cb_fmt_done(&t), "debian/12.5  20.4 of 45.5 MB  10.2 MB/s");
	e.progress.cache_bytes = 19900000;
	t.len = 0;
	cb_format_progress(&t, &e, 79);
	assert_string_equal(cb_fmt_done(&t),
			    "debian/12.5  20.4 of 45.5 MB  10.2 MB/s  19.9 MB were here");
	/* nothing has come from the network: no rate */
	e.progress.cache_bytes = 20400000;
	e.progress.rate_bytes_s = 0;
	t.len = 0;
	cb_format_progress(&t, &e, 79);
	assert_string_equal(cb_fmt_done(&t), "debian/12.5  20.4 of 45.5 MB  20.4 MB were here");
	e.progress.image = NULL;
	for (size_t columns = 0; columns < 100; columns++) {
		t.len = 0;
		cb_format_progress(&t, &e, columns);
		assert_true(t.len <= columns);
	}
}

static void test_ipv6(void **state)
{
	static const struct {
		uint8_t address[16];
		const char *text;
	} cases[] = {
		{ { 0 }, "::" },
		{ { [15] = 1 }, "::1" },
		{ { 0x20, 1, 0x0d, 0xb8 }, "2001:db8::" },
		{ { 0x20, 1, 0x0d, 0xb8, [15] = 0x10 }, "2001:db8::10" },
		{ { 0xfe, 0x80, [8] = 0x50, 0x54, 0, 0xff, 0xfe, 0x12, 0x34, 0x56 },
		  "fe80::5054:ff:fe12:3456" },
		/* A single zero group stays; of two equal runs the first is left out. */
		{ { 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 }, "1:0:1:1:1:1:1:1" },
		{ { 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1 }, "1::1:0:0:1:1" },
		{ { 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 }, "1:0:0:1::1" },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff },
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_ipv6(&t, cases[i].address);
		assert_string_equal(cb_fmt_done(&t), cases[i].text);
	}
}

static void test_times(void **state)
{
	static const struct {
		int64_t unix_s;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01 00:00 UTC" },		{ -1, "1970-01-01 00:00 UTC" },
		{ 951782399, "2000-02-28 23:59 UTC" },	{ 951782400, "2000-02-29 00:00 UTC" },
		{ 951868800, "2000-03-01 00:00 UTC" },	{ 1782864000, "2026-07-01 00:00 UTC" },
		{ 1798761599, "2026-12-31 23:59 UTC" }, { 4107542400, "2100-03-01 00:00 UTC" },
		{ 4107456000, "2100-02-28 00:00 UTC" }, { 253402300799, "9999-12-31 23:59 UTC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_fmt t = { 0 };

		cb_fmt_time(&t, cases[i].unix_s);
		assert_string_equal(cb_fmt_done(&t), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv6),	  cmocka_unit_test(test_times),
		cmocka_unit_test(test_sizes),	  cmocka_unit_test(test_sizes_of),
		cmocka_unit_test(test_durations), cmocka_unit_test(test_only_harmless_text_passes),
		cmocka_unit_test(test_cut),	  cmocka_unit_test(test_buffer_is_never_overrun),
		cmocka_unit_test(test_codes),	  cmocka_unit_test(test_progress_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
