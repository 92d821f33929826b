/* SPDX-License-Identifier: MIT */
/* Unit tests of host/chunk_set.h: each chunk once, sums with and without repetition. */
#include "testport.h"

#include <string.h>

#include "host/chunk_set.h"

#define MAX_CHUNKS 16

/* A manifest in memory whose chunks have the ids of `letters`; lengths follow from the letter. */
struct sample {
	uint8_t file[4096];
	struct cb_manifest m;
};

static void make_sample(const char *letters, struct sample *s)
{
	struct cb_chunk chunks[MAX_CHUNKS] = { 0 };
	struct cb_manifest m = {
		.kind = CB_KIND_EFI,
		.arch = CB_ARCH_X86_64,
		.n_segments = 1,
		.n_chunks = (uint32_t)strlen(letters),
	};

	for (uint32_t i = 0; i < m.n_chunks; i++) {
		memset(chunks[i].id, letters[i], CB_DIGEST_LEN);
		chunks[i].raw_len = 100u * (uint32_t)letters[i];
		chunks[i].stored_len = (uint32_t)letters[i];
		m.raw_total += chunks[i].raw_len;
		m.stored_total += chunks[i].stored_len;
	}
	m.segments[0] = (struct cb_segment){ .role = CB_ROLE_APPLICATION,
					     .n_chunks = m.n_chunks,
					     .raw_len = m.raw_total };
	assert_true(cb_manifest_len(&m) <= sizeof(s->file));
	cb_manifest_write(&m, chunks, s->file);
	assert_int_equal(
		cb_manifest_parse((struct cb_bytes){ s->file, cb_manifest_len(&m) }, &s->m), CB_OK);
}

static bool has(const struct cb_chunk_set *set, char letter)
{
	uint8_t id[CB_DIGEST_LEN];

	memset(id, letter, sizeof(id));
	return cb_chunk_set_has(set, id);
}

static void test_empty(void **state)
{
	struct cb_chunk_set set = { 0 };

	(void)state;
	assert_false(has(&set, 'a'));
	assert_int_equal(cb_chunk_set_raw_bytes(&set), 0);
	assert_int_equal(cb_chunk_set_stored_bytes(&set), 0);
	cb_chunk_set_done(&set);
}

static void test_tables(void **state)
{
	static const struct {
		const char *images[3], *expected;
		unsigned n_used;
	} cases[] = {
		{ { "a" }, "a", 1 },
		{ { "cab" }, "abc", 3 },
		{ { "aaa" }, "a", 3 },
		{ { "ab", "ab" }, "ab", 4 },
		{ { "xyz", "abc", "byb" }, "abcxyz", 9 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_chunk_set set = { 0 };
		const char *expected = cases[i].expected;
		uint64_t used = 0, different = 0;

		for (size_t k = 0; k < 3 && cases[i].images[k] != NULL; k++) {
			struct sample s;

			make_sample(cases[i].images[k], &s);
			assert_int_equal(cb_chunk_set_add(&set, &s.m, NULL), CB_OK);
			used += s.m.raw_total;
		}
		assert_int_equal(set.n, strlen(expected));
		for (size_t k = 0; k < set.n; k++) {
			assert_int_equal(set.at[k].id[0], expected[k]);
			assert_true(has(&set, expected[k]));
			different += (uint64_t)expected[k];
		}
		assert_false(has(&set, 'm'));
		assert_int_equal(set.n_used, cases[i].n_used);
		assert_int_equal(set.used_raw_bytes, used);
		assert_int_equal(cb_chunk_set_stored_bytes(&set), different);
		assert_int_equal(cb_chunk_set_raw_bytes(&set), 100 * different);
		cb_chunk_set_done(&set);
		assert_null(set.at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
