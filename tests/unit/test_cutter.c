/* SPDX-License-Identifier: MIT */
/* Unit tests of the chunker: against a slow one that follows the definition byte by byte. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "host/cutter.h"

#define DATA_LEN (3u << 20)
#define TABLE_SHA256 "5b52080d38287da9d2e278466e3e0db7ec98e5e8b226f50612a56fa012b1f660"

/* The definition: roll through every byte, test by remainder. */
static size_t slow_next(const struct cb_cutter *c, struct cb_bytes rest, const uint32_t *table)
{
	uint32_t h = 0;
	for (size_t len = 1; len <= rest.len; len++) {
		h = h << 1 | h >> 31;
		h ^= table[rest.p[len - 1]];
		if (len > CB_CUTTER_WINDOW) {
			uint32_t out = table[rest.p[len - 1 - CB_CUTTER_WINDOW]];
			h ^= out << (CB_CUTTER_WINDOW % 32) | out >> (32 - CB_CUTTER_WINDOW % 32);
		}
		if (c->size.min == c->size.avg && c->size.avg == c->size.max) {
			if (len == c->size.max)
				return len;
			continue;
		}
		if (len < CB_CUTTER_WINDOW)
			continue;
		if (len >= c->size.max)
			return len;
		if (len >= c->size.min && h % c->divisor == c->divisor - 1)
			return len;
	}
	return rest.len;
}

static void test_table(void **state)
{
	uint8_t bytes[1024], digest[CB_DIGEST_LEN];
	char hex[2 * CB_DIGEST_LEN + 1];
	(void)state;
	for (unsigned i = 0; i < 256; i++)
		cb_put_le32(bytes + 4 * i, cb_cutter_table[i]);
	cb_sha256((struct cb_bytes){ bytes, sizeof(bytes) }, digest);
	cb_hex_encode(digest, sizeof(digest), hex);
	assert_int_equal(cb_cutter_table[0], 0x458be752);
	assert_int_equal(cb_cutter_table[255], 0xd95ddf11);
	assert_string_equal(hex, TABLE_SHA256);
}

/* Every 64 KiB another kind of data: random, text-like, zero, one repeated byte, a short period. */
static uint8_t *make_data(void)
{
	struct testport_rng rng = { 20 };
	uint8_t *data = malloc(DATA_LEN);
	assert_non_null(data);
	testport_fill(&rng, data, DATA_LEN);
	for (size_t at = 0; at < DATA_LEN; at++) {
		switch (at >> 16 & 7) {
		case 1:
			data[at] = (uint8_t)(data[at] % 7 + 'a');
			break;
		case 2:
			data[at] = 0;
			break;
		case 3:
			data[at] = 0xff;
			break;
		case 4:
			data[at] = (uint8_t)(at % 37);
			break;
		default:
			break;
		}
	}
	return data;
}

static void test_cuts(void **state)
{
	static const struct cb_chunk_size sizes[] = {
		{ 65536, 262144, 1048576 },
		{ 16384, 65536, 262144 },
		{ 1024, 4096, 16384 },
		{ 48, 192, 768 },
		{ 47, 188, 752 },
		{ 1, 4, 16 },
		{ 1, 1, 2 },
		{ 10, 100, 1000 },
		{ 64, 64, 64 },
		{ 7, 7, 7 },
		{ 100, 100, 101 },
		{ 4096, 4096, 65536 },
		{ 2048, 8192, 8192 },
		{ 1, 8388608, 16777216 },
		{ 1, 16777216, 16777216 },
	};
	uint8_t *data = make_data();
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct cb_cutter c = cb_cutter_of(sizes[i]);
		/* the smallest chunks need no megabytes */
		struct cb_bytes rest = { data, sizes[i].avg < 64 ? 1u << 19 : DATA_LEN };
		while (rest.len > 0) {
			size_t len = cb_cutter_next(&c, rest);
			assert_int_equal(len, slow_next(&c, rest, cb_cutter_table));
			assert_in_range(len, 1, rest.len);
			rest = (struct cb_bytes){ rest.p + len, rest.len - len };
		}
	}
	free(data);
}

/* The multiplication that stands for the remainder, at the ends of its range. */
static void test_divisors(void **state)
{
	struct testport_rng rng = { 5 };
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint32_t avg = (uint32_t)testport_below(&rng, 1u << (i % 24 + 1)) + 1;
		struct cb_cutter c =
			cb_cutter_of((struct cb_chunk_size){ 1, avg, CB_CHUNK_MAX_RAW });
		uint32_t d = c.divisor;
		const uint64_t values[] = { 0,
					    1,
					    d - 1,
					    d,
					    2ull * d - 1,
					    0xfffffffe,
					    0xffffffff,
					    0x100000000ull / d * d - 1,
					    testport_u64(&rng) };
		for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
			uint32_t h = (uint32_t)values[k];
			bool is_cut = ((uint64_t)h + 1) * c.reciprocal <= c.reciprocal - 1;
			assert_int_equal(is_cut, h % d == d - 1);
		}
	}
}

static void test_short_inputs(void **state)
{
	struct cb_cutter c = cb_cutter_of(CB_CHUNK_SIZE_DEFAULT);
	uint8_t data[CB_CUTTER_WINDOW + 2] = { 0 };
	(void)state;
	assert_int_equal(cb_cutter_next(&c, (struct cb_bytes){ NULL, 0 }), 0);
	for (size_t len = 1; len <= sizeof(data); len++) {
		uint8_t *exact = malloc(len); /* so that reading on is noticed */
		memcpy(exact, data, len);
		assert_int_equal(cb_cutter_next(&c, (struct cb_bytes){ exact, len }), len);
		free(exact);
	}
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		struct cb_chunk_size want; /* max 0: refused */
	} cases[] = {
		{ "64K:256K:1M", { 65536, 262144, 1048576 } },
		{ "65536:262144:1048576", { 65536, 262144, 1048576 } },
		{ "256k", { 65536, 262144, 1048576 } },
		{ "1", { 1, 1, 4 } },
		{ "1:1:1", { 1, 1, 1 } },
		{ "16M", { 4u << 20, 16u << 20, 16u << 20 } },
		{ "16M:16M:16M", { 16u << 20, 16u << 20, 16u << 20 } },
		{ "", { 0 } },
		{ "0", { 0 } },
		{ "K", { 0 } },
		{ "64KB", { 0 } },
		{ "-1", { 0 } },
		{ " 1", { 0 } },
		{ "1 ", { 0 } },
		{ "17M", { 0 } },
		{ "16777217", { 0 } },
		{ "18446744073709551617", { 0 } },
		{ "1:2", { 0 } },
		{ "1:2:", { 0 } },
		{ ":1:2", { 0 } },
		{ "1:2:3:4", { 0 } },
		{ "2:1:3", { 0 } },
		{ "1:3:2", { 0 } },
		{ "0:1:2", { 0 } },
		{ "1:2:32M", { 0 } },
		{ "1G", { 0 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_chunk_size got = { 9, 9, 9 };
		struct cb_error e = { 0 };
		enum cb_err err = cb_chunk_size_parse(cases[i].text, &got, &e);
		if (cases[i].want.max == 0) {
			assert_int_equal(err, CB_USAGE);
			assert_int_equal(got.max, 9);
			continue;
		}
		assert_int_equal(err, CB_OK);
		assert_memory_equal(&got, &cases[i].want, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	 cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_divisors), cmocka_unit_test(test_short_inputs),
		cmocka_unit_test(test_parse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
