/* SPDX-License-Identifier: MIT */
/* Unit tests of casync blob indexes: files that casync wrote, round trip, refusal of damage. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "host/caibx.h"

/* casync make --chunk-size=4:4:4 of the nine bytes "chunkboot". */
#define NINE                                                                                       \
	"3000000000000000f99f127b9c4d829600000000000000b004000000000000000400000000000000"         \
	"0400000000000000ffffffffffffffff7d41172f119e5be70400000000000000e47f35f20a4b0bf8"         \
	"7bf7e21bede936f3068ce44ee7687688cfdbf9b73590634e0800000000000000e18346e50b9ebb57"         \
	"d646604601bc798053adc41aaebd61a6f6e6bc6edc2504b3090000000000000091c9cb62865a010e"         \
	"804e1ebc896a753939decc6a0baaf00951e79aa9f2ad8c8700000000000000000000000000000000"         \
	"3000000000000000b000000000000000d1ec49550e054f4b"
/* casync make of an empty file with the default chunk size. */
#define EMPTY                                                                                      \
	"3000000000000000f99f127b9c4d829600000000000000b000400000000000000000010000000000"         \
	"0000040000000000ffffffffffffffff7d41172f119e5be700000000000000000000000000000000"         \
	"30000000000000003800000000000000d1ec49550e054f4b"

struct index {
	uint8_t bytes[512];
	size_t len;
};

static struct index from_hex(const char *hex)
{
	struct index x = { .len = 0 };
	x.len = testport_hex(hex, x.bytes, sizeof(x.bytes));
	return x;
}

static enum cb_err parse(const struct index *x, struct cb_caibx *ret)
{
	/* exactly as long as the file, so that a read past its end is noticed */
	uint8_t *copy = malloc(x->len + 1);
	memcpy(copy, x->bytes, x->len);
	copy = realloc(copy, x->len == 0 ? 1 : x->len);
	enum cb_err err = cb_caibx_parse((struct cb_bytes){ copy, x->len }, ret);
	struct cb_caibx_item item;
	for (uint32_t i = 0; err == CB_OK && i < ret->n_chunks; i++)
		cb_caibx_item(ret, i, &item);
	free(copy);
	return err;
}

static void test_writes_what_casync_writes(void **state)
{
	struct index want = from_hex(NINE), want_empty = from_hex(EMPTY);
	struct cb_chunk chunks[3] = { 0 };
	const char *parts[] = { "chun", "kboo", "t" };
	uint8_t out[512];
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct cb_bytes part = cb_bytes_of(parts[i]);
		cb_sha512_256(part, chunks[i].id);
		chunks[i].raw_len = (uint32_t)part.len;
	}
	assert_int_equal(cb_caibx_len(3), want.len);
	cb_caibx_write((struct cb_chunk_size){ 4, 4, 4 }, chunks, 3, out);
	testport_assert_bytes((struct cb_bytes){ out, want.len },
			      (struct cb_bytes){ want.bytes, want.len });
	assert_int_equal(cb_caibx_len(0), want_empty.len);
	cb_caibx_write((struct cb_chunk_size){ 16384, 65536, 262144 }, NULL, 0, out);
	testport_assert_bytes((struct cb_bytes){ out, want_empty.len },
			      (struct cb_bytes){ want_empty.bytes, want_empty.len });
}

static void test_reads_what_casync_writes(void **state)
{
	struct index nine = from_hex(NINE), empty = from_hex(EMPTY);
	struct cb_caibx x;
	struct cb_caibx_item item;
	uint8_t id[CB_DIGEST_LEN];
	(void)state;
	assert_int_equal(cb_caibx_parse((struct cb_bytes){ nine.bytes, nine.len }, &x), CB_OK);
	assert_int_equal(x.n_chunks, 3);
	assert_int_equal(x.size.min, 4);
	cb_caibx_item(&x, 2, &item);
	cb_sha512_256(cb_bytes_of("t"), id);
	assert_int_equal(item.end, 9);
	assert_memory_equal(item.id, id, CB_DIGEST_LEN);
	assert_int_equal(parse(&empty, &x), CB_OK);
	assert_int_equal(x.n_chunks, 0);
	assert_int_equal(x.size.max, 262144);
}

static void test_truncated_and_longer(void **state)
{
	struct index nine = from_hex(NINE);
	struct cb_caibx x;
	(void)state;
	for (size_t len = 0; len < nine.len; len++) {
		struct index cut = nine;
		cut.len = len;
		memset(&x, 0x77, sizeof(x));
		assert_int_equal(parse(&cut, &x), CB_MANIFEST_FORMAT);
		assert_int_equal(x.n_chunks, 0x77777777);
	}
	for (unsigned more = 1; more <= 80; more++) {
		struct index longer = nine;
		longer.len += more;
		assert_int_equal(parse(&longer, &x), CB_MANIFEST_FORMAT);
	}
}

static void test_fields(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		enum cb_err want;
	} cases[] = {
		{ 0, 47, CB_MANIFEST_FORMAT }, /* header length */
		{ 8, 0x96824d9c7b129ff8, CB_MANIFEST_FORMAT }, /* not an index */
		{ 16, 0x9000000000000000, CB_MANIFEST_FORMAT }, /* SHA-256 ids */
		{ 16, 0x2000000000000000, CB_OK }, /* other features do not concern a blob */
		{ 24, 0, CB_MANIFEST_FORMAT }, /* sizes */
		{ 24, 5, CB_MANIFEST_FORMAT },
		{ 24, 1, CB_OK },
		{ 32, 3, CB_MANIFEST_FORMAT },
		{ 40, 3, CB_MANIFEST_FORMAT },
		{ 40, CB_CAIBX_MAX_CHUNK, CB_OK },
		{ 40, CB_CAIBX_MAX_CHUNK + 1, CB_MANIFEST_FORMAT },
		{ 40, 0x100000004, CB_MANIFEST_FORMAT },
		{ 48, 0, CB_MANIFEST_FORMAT }, /* table head */
		{ 56, 0, CB_MANIFEST_FORMAT },
		{ 64, 0, CB_MANIFEST_FORMAT }, /* first chunk ends */
		{ 64, 8, CB_MANIFEST_FORMAT }, /* an empty second chunk */
		{ 64, 9, CB_MANIFEST_FORMAT },
		{ 64, 7, CB_OK },
		{ 144, 8, CB_MANIFEST_FORMAT }, /* last chunk ends */
		{ 144, 8 + 48, CB_OK }, /* the window may be longer than the largest chunk */
		{ 144, 8 + 49, CB_MANIFEST_FORMAT },
		{ 144, UINT64_MAX, CB_MANIFEST_FORMAT },
		{ 184, 1, CB_MANIFEST_FORMAT }, /* tail: two zeroes */
		{ 192, 1, CB_MANIFEST_FORMAT },
		{ 200, 47, CB_MANIFEST_FORMAT }, /* where the index starts */
		{ 208, 175, CB_MANIFEST_FORMAT }, /* length of the table */
		{ 216, 0, CB_MANIFEST_FORMAT }, /* end mark */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct index x = from_hex(NINE);
		struct cb_caibx parsed;
		cb_put_le64(x.bytes + cases[i].at, cases[i].value);
		assert_int_equal(parse(&x, &parsed), cases[i].want);
	}
}

static void test_too_many_chunks(void **state)
{
	const uint32_t n = CB_MANIFEST_MAX_CHUNKS + 1;
	struct cb_chunk *chunks = calloc(n, sizeof(*chunks));
	uint8_t *out = malloc(cb_caibx_len(n));
	struct cb_caibx x;
	(void)state;
	assert_non_null(chunks);
	assert_non_null(out);
	for (uint32_t i = 0; i < n; i++)
		chunks[i].raw_len = 1;
	for (uint32_t k = n - 1; k <= n; k++) {
		struct cb_bytes file = { out, cb_caibx_len(k) };
		cb_caibx_write((struct cb_chunk_size){ 1, 1, 1 }, chunks, k, out);
		assert_int_equal(cb_caibx_parse(file, &x), k < n ? CB_OK : CB_MANIFEST_FORMAT);
	}
	free(chunks);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_what_casync_writes),
		cmocka_unit_test(test_reads_what_casync_writes),
		cmocka_unit_test(test_truncated_and_longer),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_too_many_chunks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
