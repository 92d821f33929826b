/* SPDX-License-Identifier: MIT */
/* Unit tests of core/bytes.h and core/mem.h. */
#include "testport.h"

#include <string.h>

#define SPAN(literal)                                                                              \
	((struct cb_bytes){ .p = (const uint8_t *)(literal), .len = sizeof(literal) - 1 })

static const struct cb_bytes nothing = { .p = NULL, .len = 0 };

static void equal_spans(void **state)
{
	(void)state;
	assert_true(cb_bytes_equal(nothing, nothing));
	assert_true(cb_bytes_equal(nothing, cb_bytes_of("")));
	assert_true(cb_bytes_is(nothing, ""));
	assert_true(cb_bytes_is(SPAN("abc"), "abc"));
	assert_false(cb_bytes_is(SPAN("abc"), "ab"));
	assert_false(cb_bytes_is(SPAN("abc"), "abcd"));
	assert_false(cb_bytes_is(SPAN("abc"), "abd"));
	assert_false(cb_bytes_is(SPAN("ab\0c"), "ab"));
}

static void checked_arithmetic(void **state)
{
	(void)state;
	size_t r = 7;
	assert_false(cb_add(SIZE_MAX, 1, &r));
	assert_false(cb_mul(SIZE_MAX / 2 + 1, 2, &r));
	assert_int_equal(r, 7);
	assert_true(cb_add(SIZE_MAX, 0, &r));
	assert_true(r == SIZE_MAX);
	assert_true(cb_mul(SIZE_MAX / 2, 2, &r));
	assert_true(r == SIZE_MAX - 1);
	assert_true(cb_mul(0, SIZE_MAX, &r));
	assert_int_equal(r, 0);
}

static void little_endian(void **state)
{
	(void)state;
	const uint8_t in[9] = { 0xff, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xf1 };
	uint8_t out[9] = { 0 };
	assert_int_equal(cb_le16(in + 1), 0x9988);
	assert_true(cb_le32(in + 1) == 0xbbaa9988u);
	assert_true(cb_le64(in + 1) == 0xf1eeddccbbaa9988u);
	cb_put_le16(out + 1, 0x9988);
	assert_memory_equal(out + 1, in + 1, 2);
	cb_put_le32(out + 1, 0xbbaa9988u);
	assert_memory_equal(out + 1, in + 1, 4);
	cb_put_le64(out + 1, 0xf1eeddccbbaa9988u);
	assert_memory_equal(out + 1, in + 1, 8);
	assert_int_equal(out[0], 0);
}

static void text(void **state)
{
	static const struct {
		struct cb_bytes in;
		bool is_text;
	} cases[] = {
		{ { NULL, 0 }, true },
		{ SPAN("a z~"), true },
		{ SPAN("\x7f"), false },
		{ SPAN("\x1f"), false },
		{ SPAN("a\0b"), false },
		{ SPAN("a\n"), false },
		{ SPAN("\x80"), false },
		{ SPAN("\xc2\x9f"), false }, /* U+009F, a control character */
		{ SPAN("\xc2\xa0"), true },
		{ SPAN("\xc1\xbf"), false }, /* overlong */
		{ SPAN("\xdf\xbf"), true },
		{ SPAN("\xdf"), false },
		{ SPAN("\xdf\x41"), false },
		{ SPAN("\xe0\x9f\xbf"), false }, /* overlong */
		{ SPAN("\xe0\xa0\x80"), true },
		{ SPAN("\xed\x9f\xbf"), true },
		{ SPAN("\xed\xa0\x80"), false }, /* surrogate */
		{ SPAN("\xef\xbf\xbf"), true },
		{ SPAN("\xef\xbf"), false },
		{ SPAN("\xf0\x8f\xbf\xbf"), false }, /* overlong */
		{ SPAN("\xf0\x90\x80\x80"), true },
		{ SPAN("\xf4\x8f\xbf\xbf"), true },
		{ SPAN("\xf4\x90\x80\x80"), false }, /* past U+10FFFF */
		{ SPAN("\xf5\x80\x80\x80"), false },
		{ SPAN("\xf0\x90\x80"), false },
		{ SPAN("\xff"), false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cb_bytes_is_text(cases[i].in) != cases[i].is_text)
			fail_msg("case %zu", i);
	assert_true(cb_bytes_is_ascii(SPAN(" ~")));
	assert_true(cb_bytes_is_ascii(nothing));
	assert_false(cb_bytes_is_ascii(SPAN("\x7f")));
	assert_false(cb_bytes_is_ascii(SPAN("\xc2\xa0")));
	assert_false(cb_bytes_is_ascii(SPAN("\t")));
}

/* Reads 1 + 2 + 4 + 8 + 3 + 4 + 2 zeroes = 24 bytes and checks once at the end. */
static bool read_all(struct cb_bytes in)
{
	struct cb_reader r = cb_reader_of(in);
	uint8_t copy[4] = { 9, 9, 9, 9 };
	uint8_t a = cb_read_u8(&r);
	uint16_t b = cb_read_le16(&r);
	uint32_t c = cb_read_le32(&r);
	uint64_t d = cb_read_le64(&r);
	struct cb_bytes e = cb_read_bytes(&r, 3);
	cb_read_copy(&r, copy, 4);
	cb_read_zeros(&r, 2);
	if (!cb_reader_is_done(&r))
		return false;
	assert_int_equal(a, 1);
	assert_int_equal(b, 0x0302);
	assert_int_equal(c, 0x07060504);
	assert_true(d == 0x0f0e0d0c0b0a0908u);
	assert_true(e.len == 3 && e.p == in.p + 15);
	assert_memory_equal(copy, in.p + 18, 4);
	return true;
}

static void reader_at_every_length(void **state)
{
	(void)state;
	uint8_t in[25];
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i + 1);
	in[22] = in[23] = 0;
	for (size_t len = 0; len <= sizeof(in); len++)
		assert_int_equal(read_all((struct cb_bytes){ in, len }), len == 24);
	in[22] = 1;
	assert_false(read_all((struct cb_bytes){ in, 24 }));
	assert_false(read_all(nothing));
}

static void reader_of_network_order(void **state)
{
	(void)state;
	const uint8_t in[6] = { 1, 2, 3, 4, 5, 6 };
	for (size_t len = 0; len <= sizeof(in); len++) {
		struct cb_reader r = cb_reader_of((struct cb_bytes){ in, len });
		assert_int_equal(cb_read_be16(&r), len < 2 ? 0 : 0x0102);
		assert_int_equal(cb_read_be32(&r), len < 6 ? 0 : 0x03040506);
		assert_int_equal(r.failed, len < 6);
	}
}

static void reader_stays_failed(void **state)
{
	(void)state;
	const uint8_t in[4] = { 1, 2, 3, 4 };
	uint8_t copy[2] = { 9, 9 };
	struct cb_reader r = cb_reader_of((struct cb_bytes){ in, 4 });
	assert_true(cb_read_le64(&r) == 0);
	assert_true(r.failed);
	assert_int_equal(cb_read_u8(&r), 0);
	assert_int_equal(cb_read_le16(&r), 0);
	cb_read_copy(&r, copy, 2);
	assert_true(copy[0] == 0 && copy[1] == 0);
	assert_int_equal(cb_read_bytes(&r, 1).len, 0);
	assert_false(cb_reader_is_done(&r));
	r = cb_reader_of((struct cb_bytes){ in, 4 });
	assert_int_equal(cb_read_bytes(&r, SIZE_MAX).len, 0);
	assert_true(r.failed);
	r = cb_reader_of(nothing);
	assert_int_equal(cb_read_bytes(&r, 0).len, 0);
	cb_read_zeros(&r, 0);
	assert_true(cb_reader_is_done(&r));
}

static void hex(void **state)
{
	(void)state;
	const uint8_t in[4] = { 0x00, 0x9a, 0xbf, 0xff };
	char text_out[9];
	uint8_t back[4] = { 7, 7, 7, 7 };
	cb_hex_encode(in, 4, text_out);
	assert_string_equal(text_out, "009abfff");
	assert_true(cb_hex_decode(cb_bytes_of(text_out), back, 4));
	assert_memory_equal(back, in, 4);
	cb_hex_encode(in, 0, text_out);
	assert_string_equal(text_out, "");
	assert_true(cb_hex_decode(nothing, back, 0));
	static const char *const bad[] = { "009abff",  "009abfff0", "009abfff00", "009ABFFF",
					   "009abffg", "009abff ",  "0x9abfff",	  "" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(back, 7, 4);
		assert_false(cb_hex_decode(cb_bytes_of(bad[i]), back, 4));
		assert_true(back[0] == 7 && back[3] == 7);
	}
}

static void secrets(void **state)
{
	(void)state;
	uint8_t a[33], b[33];
	memset(a, 0x11, sizeof(a));
	memcpy(b, a, sizeof(a));
	assert_true(cb_equal_ct(a, b, 33));
	assert_true(cb_equal_ct(NULL, NULL, 0));
	for (unsigned i = 0; i < 33; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			b[i] = (uint8_t)(b[i] ^ (1u << bit));
			assert_false(cb_equal_ct(a, b, 33));
			b[i] = a[i];
		}
	cb_wipe(a, 32);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(a[i], 0);
	assert_int_equal(a[32], 0x11);
	cb_wipe(NULL, 0);
}

static bool was_wiped;

static void watch_free(void *ctx, void *p)
{
	const uint8_t *bytes = p;
	was_wiped = true;
	for (unsigned i = 0; i < 24; i++)
		if (bytes[i] != 0)
			was_wiped = false;
	struct cb_mem real = testport_mem(ctx);
	real.free(real.ctx, p);
}

static void memory(void **state)
{
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	uint8_t *p = cb_alloc_zeroed(&mem, 24);
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(p[i], 0);
	memset(p, 3, 24);
	mem.free = watch_free;
	cb_free_secret(&mem, p, 24);
	assert_true(was_wiped);
	mem = testport_mem(&tp);
	p = cb_alloc(&mem, 0);
	assert_non_null(p);
	cb_free(&mem, p);
	p = cb_alloc(&mem, 65536);
	assert_int_equal((uintptr_t)p % 4096, 0);
	cb_free(&mem, p);
	cb_free(&mem, NULL);
	cb_free_secret(&mem, NULL, 10);
	testport_fail_at(&tp, 2);
	p = cb_alloc(&mem, 1);
	assert_non_null(p);
	assert_null(cb_alloc(&mem, 1));
	assert_null((testport_fail_at(&tp, 1), cb_alloc_zeroed(&mem, 1)));
	cb_free(&mem, p);
	assert_int_equal(tp.n_failed, 2);
	testport_assert_no_leak(&tp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_spans),
		cmocka_unit_test(checked_arithmetic),
		cmocka_unit_test(little_endian),
		cmocka_unit_test(text),
		cmocka_unit_test(reader_at_every_length),
		cmocka_unit_test(reader_of_network_order),
		cmocka_unit_test(reader_stays_failed),
		cmocka_unit_test(hex),
		cmocka_unit_test(secrets),
		cmocka_unit_test(memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
