/* SPDX-License-Identifier: MIT */
/* Unit tests of core/text.h: text in a fixed buffer, at every length of the buffer. */
#include "testport.h"

#include <string.h>

#include "core/text.h"

static const char all[] = "ab0 18446744073709551615 00ff\"q\\\"s\\\\ \\u0001\\u001f~\xc3\xa4\"";

static void put_all(struct cb_text *t)
{
	static const uint8_t bytes[] = { 0x00, 0xff };

	cb_text_put(t, "a");
	cb_text_put_bytes(t, cb_bytes_of("b"));
	cb_text_put_bytes(t, (struct cb_bytes){ NULL, 0 });
	cb_text_put_u64(t, 0);
	cb_text_put(t, " ");
	cb_text_put_u64(t, UINT64_MAX);
	cb_text_put(t, " ");
	cb_text_put_hex(t, bytes, sizeof(bytes));
	cb_text_put_json(t, cb_bytes_of("q\"s\\ \x01\x1f~\xc3\xa4"));
}

static void what_is_put(void **state)
{
	char out[128];
	struct cb_text t = cb_text_of(out, sizeof(out));

	(void)state;
	assert_string_equal(out, "");
	put_all(&t);
	assert_string_equal(out, all);
	assert_int_equal(t.len, strlen(all));
	assert_false(t.overflowed);
}

/* In a buffer that is too short, what was put is a piece of the whole, terminated, and remembered. */
static void every_buffer(void **state)
{
	(void)state;
	for (size_t max = 1; max <= sizeof(all); max++) {
		char out[sizeof(all) + 8];
		struct cb_text t = cb_text_of(out, max);

		memset(out + max, 0x5a, sizeof(out) - max);
		put_all(&t);
		assert_int_equal(t.overflowed, max < sizeof(all));
		assert_true(t.len < max);
		assert_int_equal(strlen(out), t.len);
		assert_memory_equal(out, all, t.len);
		for (size_t i = max; i < sizeof(out); i++)
			assert_int_equal((uint8_t)out[i], 0x5a);
	}
}

static void json_strings(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "\"\"" },		{ "plain", "\"plain\"" }, { "\"", "\"\\\"\"" },
		{ "\\", "\"\\\\\"" },	{ "\n", "\"\\u000a\"" },  { "\x1f ", "\"\\u001f \"" },
		{ "\x7f", "\"\x7f\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[32];
		struct cb_text t = cb_text_of(out, sizeof(out));

		cb_text_put_json(&t, cb_bytes_of(cases[i].in));
		assert_string_equal(out, cases[i].want);
		assert_false(t.overflowed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put),
		cmocka_unit_test(every_buffer),
		cmocka_unit_test(json_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
