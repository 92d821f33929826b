/* SPDX-License-Identifier: MIT */
/* Unit tests of the chunk store and of the pipeline that fills it. */
#include "testport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "host/hash.h"
#include "host/pipeline.h"
#include "host/segment_check.h"
#include "tempdir.h"

#define SIZE ((struct cb_chunk_size){ 256, 1024, 4096 })
#define DATA_LEN 60000u

struct fixture {
	char dir[TEMPDIR_PATH_MAX];
	struct cb_store store;
	uint8_t data[DATA_LEN];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct testport_rng rng = { 8 };
	struct cb_error e = { 0 };
	assert_non_null(f);
	tempdir_make(f->dir);
	assert_int_equal(cb_store_open(f->dir, /*create=*/true, &f->store, &e), CB_OK);
	for (size_t i = 0; i < DATA_LEN; i++)
		f->data[i] = (uint8_t)testport_below(&rng, 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cb_store_done(&f->store);
	tempdir_remove(f->dir);
	free(f);
	return 0;
}

static struct cb_bytes data_of(const struct fixture *f)
{
	return (struct cb_bytes){ f->data, DATA_LEN };
}

static void chunk_path(const struct fixture *f, const uint8_t id[32], const char *suffix, char *out,
		       size_t max)
{
	char hex[65];
	cb_hex_encode(id, 32, hex);
	snprintf(out, max, "%s/store.castr/%.4s/%s.cacnk%s", f->dir, hex, hex, suffix);
}

/* ---- Store ---- */

static void test_write_then_read(void **state)
{
	struct fixture *f = *state;
	uint8_t id[32] = { 0xab, 0xcd, 0xef }, buf[64];
	struct cb_bytes one = cb_bytes_of("one"), other = cb_bytes_of("the other");
	struct cb_error e = { 0 };
	char path[1024];
	struct stat st;
	size_t len = 77;

	assert_int_equal(cb_store_read(&f->store, id, buf, sizeof(buf), &len, &e), CB_NOT_FOUND);
	assert_int_equal(len, 77);
	assert_int_equal(e.err, CB_OK);
	assert_int_equal(cb_store_write(&f->store, id, one, &e), CB_OK);
	assert_int_equal(cb_store_write(&f->store, id, other, &e), CB_OK);
	assert_int_equal(cb_store_sync(&f->store, &e), CB_OK);
	assert_int_equal(cb_store_read(&f->store, id, buf, sizeof(buf), &len, &e), CB_OK);
	testport_assert_bytes((struct cb_bytes){ buf, len }, other);
	chunk_path(f, id, "", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644 & ~umask(022));
	chunk_path(f, id, ".tmp", path, sizeof(path));
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_limits(void **state)
{
	struct fixture *f = *state;
	uint8_t id[32] = { 1 }, buf[16];
	struct cb_error e = { 0 };
	size_t len;

	assert_int_equal(cb_store_write(&f->store, id, cb_bytes_of("0123456789"), &e), CB_OK);
	assert_int_equal(cb_store_read(&f->store, id, buf, 10, &len, &e), CB_OK);
	assert_int_equal(len, 10);
	assert_int_equal(cb_store_read(&f->store, id, buf, 9, &len, &e), CB_CHUNK_HASH);
	assert_int_equal(cb_store_write(&f->store, id, (struct cb_bytes){ NULL, 0 }, &e), CB_OK);
	assert_int_equal(cb_store_read(&f->store, id, buf, 0, &len, &e), CB_OK);
	assert_int_equal(len, 0);
}

/* What a killed publish left is taken over. */
static void test_stale_temporary(void **state)
{
	struct fixture *f = *state;
	uint8_t id[32] = { 2 }, buf[16];
	char path[1024];
	struct cb_error e = { 0 };
	size_t len;

	assert_int_equal(cb_store_write(&f->store, id, cb_bytes_of("x"), &e), CB_OK);
	chunk_path(f, id, ".tmp", path, sizeof(path));
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs("a longer left-over", file);
	fclose(file);
	assert_int_equal(cb_store_write(&f->store, id, cb_bytes_of("y"), &e), CB_OK);
	assert_int_equal(cb_store_read(&f->store, id, buf, sizeof(buf), &len, &e), CB_OK);
	assert_int_equal(len, 1);
	assert_int_equal(buf[0], 'y');
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_absent_store(void **state)
{
	struct fixture *f = *state;
	char sub[TEMPDIR_PATH_MAX + 16];
	struct cb_store store;
	struct cb_error e = { 0 };
	uint8_t id[32] = { 0 }, buf[1];
	size_t len;

	snprintf(sub, sizeof(sub), "%s/none", f->dir);
	assert_int_equal(cb_store_open(sub, /*create=*/false, &store, &e), CB_OK);
	assert_int_equal(cb_store_read(&store, id, buf, 1, &len, &e), CB_NOT_FOUND);
	cb_store_done(&store);
	assert_int_not_equal(access(sub, F_OK), 0);
	tempdir_write(f->dir, "file", cb_bytes_of("x"));
	snprintf(sub, sizeof(sub), "%s/file", f->dir);
	assert_int_not_equal(cb_store_open(sub, /*create=*/true, &store, &e), CB_OK);
}

/* ---- Pipeline ---- */

static struct cb_pipeline_result run(struct fixture *f, const struct cb_bytes *segments, unsigned n,
				     unsigned n_threads, bool is_dry_run)
{
	struct cb_pipeline_params p = {
		.store = &f->store,
		.size = SIZE,
		.level = 3,
		.n_threads = n_threads,
		.is_dry_run = is_dry_run,
	};
	struct cb_pipeline_result r;
	struct cb_error e = { 0 };
	assert_int_equal(cb_pipeline_run(&p, segments, n, &r, &e), CB_OK);
	return r;
}

/* A manifest of these chunks, enough for cb_segment_check; the caller frees it. */
static uint8_t *manifest_of(const struct cb_pipeline_result *r, const struct cb_bytes *segments,
			    unsigned n, struct cb_manifest *ret)
{
	struct cb_manifest m = {
		.kind = CB_KIND_LINUX,
		.arch = CB_ARCH_X86_64,
		.n_segments = (uint16_t)n,
		.n_chunks = r->n_chunks,
		.stored_total = r->stored_total,
	};
	for (unsigned i = 0; i < n; i++) {
		m.segments[i] = (struct cb_segment){
			.role = i == 0 ? CB_ROLE_KERNEL : CB_ROLE_INITRD,
			.first_chunk = r->segments[i].first_chunk,
			.n_chunks = r->segments[i].n_chunks,
			.raw_len = segments[i].len,
		};
		memcpy(m.segments[i].sha256, r->segments[i].sha256, 32);
		m.raw_total += segments[i].len;
	}
	size_t len = cb_manifest_len(&m);
	uint8_t *bytes = malloc(len);
	assert_non_null(bytes);
	cb_manifest_write(&m, r->chunks, bytes);
	assert_int_equal(cb_manifest_parse((struct cb_bytes){ bytes, len }, ret), CB_OK);
	return bytes;
}

struct seen {
	unsigned n_bad, n_chunks;
	enum cb_err last;
	struct cb_chunk chunk;
};

static void on_bad(void *ctx, enum cb_err err, const struct cb_chunk *chunk)
{
	struct seen *seen = ctx;
	seen->n_bad++;
	seen->last = err;
	seen->chunk = *chunk;
}

static void on_chunk(void *ctx, const struct cb_chunk *chunk)
{
	(void)chunk;
	((struct seen *)ctx)->n_chunks++;
}

static enum cb_err check(struct fixture *f, const struct cb_manifest *m, unsigned segment,
			 unsigned n_threads, struct seen *seen)
{
	struct cb_segment_check c = {
		.store = &f->store,
		.manifest = m,
		.segment = segment,
		.n_threads = n_threads,
		.on_bad = on_bad,
		.on_chunk = on_chunk,
		.ctx = seen,
	};
	*seen = (struct seen){ 0 };
	return cb_segment_check(&c);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segments[3] = { { f->data, 20000 },
					{ f->data + 20000, 40000 },
					{ NULL, 0 } };
	struct cb_pipeline_result r = run(f, segments, 3, 3, false);
	struct cb_manifest m;
	uint8_t *bytes = manifest_of(&r, segments, 3, &m);
	uint8_t id[32];

	assert_int_equal(r.segments[2].n_chunks, 0);
	assert_int_equal(r.segments[1].first_chunk, r.segments[0].n_chunks);
	cb_sha512_256((struct cb_bytes){ f->data, r.chunks[0].raw_len }, id);
	assert_memory_equal(id, r.chunks[0].id, 32);
	for (unsigned threads = 1; threads <= 5; threads += 2) {
		for (unsigned i = 0; i < 3; i++) {
			struct seen seen;
			assert_int_equal(check(f, &m, i, threads, &seen), CB_OK);
			assert_int_equal(seen.n_chunks, r.segments[i].n_chunks);
			assert_int_equal(seen.n_bad, 0);
		}
	}
	free(bytes);
	cb_pipeline_result_done(&r);
}

static void test_result_does_not_depend_on_threads(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_result first = run(f, &segment, 1, 1, true);
	assert_int_equal(first.reused_bytes, 0);
	for (unsigned n = 2; n <= 9; n += 7) {
		struct cb_pipeline_result r = run(f, &segment, 1, n, n == 2);
		assert_int_equal(r.n_chunks, first.n_chunks);
		assert_memory_equal(r.chunks, first.chunks, r.n_chunks * sizeof(*r.chunks));
		assert_memory_equal(r.segments, first.segments, sizeof(r.segments));
		assert_int_equal(r.new_bytes, first.new_bytes);
		cb_pipeline_result_done(&r);
	}
	cb_pipeline_result_done(&first);
}

static void test_dry_run_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_result r = run(f, &segment, 1, 2, true);
	struct stat st;
	assert_true(r.new_bytes > 0);
	assert_int_equal(stat(f->store.path, &st), 0);
	assert_int_equal(st.st_nlink, 2); /* no directory in it */
	cb_pipeline_result_done(&r);
}

static void test_equal_chunks_are_stored_once(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes twice[2] = { data_of(f), data_of(f) };
	struct cb_pipeline_result r = run(f, twice, 2, 4, false);
	struct cb_pipeline_result again = run(f, twice, 1, 4, false);
	assert_int_equal(r.n_chunks, 2 * again.n_chunks);
	assert_int_equal(r.new_bytes, again.reused_bytes);
	assert_int_equal(r.stored_total, 2 * again.stored_total);
	assert_int_equal(again.new_bytes, 0);
	assert_memory_equal(r.chunks, r.chunks + again.n_chunks,
			    again.n_chunks * sizeof(*r.chunks));
	cb_pipeline_result_done(&r);
	cb_pipeline_result_done(&again);
}

/* Written with another level or by another program: kept, and described as it is. */
static void test_existing_chunk_is_kept(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_result r = run(f, &segment, 1, 2, true);
	uint8_t other[8192], digest[32];
	struct cb_error e = { 0 };
	size_t len = ZSTD_compress(other, sizeof(other), f->data, r.chunks[0].raw_len, 1);

	assert_false(ZSTD_isError(len));
	assert_int_equal(
		cb_store_write(&f->store, r.chunks[0].id, (struct cb_bytes){ other, len }, &e),
		CB_OK);
	cb_pipeline_result_done(&r);
	r = run(f, &segment, 1, 2, false);
	cb_blake2b_256((struct cb_bytes){ other, len }, digest);
	assert_int_equal(r.chunks[0].stored_len, len);
	assert_memory_equal(r.chunks[0].digest, digest, 32);
	assert_int_equal(r.reused_bytes, len);
	assert_int_equal(r.n_replaced, 0);
	cb_pipeline_result_done(&r);
}

enum damage { FLIPPED, CUT, EMPTY, WRONG_CONTENT, TRAILING, TOO_LONG, N_DAMAGES };

static void damage(struct fixture *f, const struct cb_chunk *c, enum damage how)
{
	static uint8_t buf[20000], zeros[8192];
	struct cb_error e = { 0 };
	size_t len;
	assert_int_equal(cb_store_read(&f->store, c->id, buf, sizeof(buf), &len, &e), CB_OK);
	memset(buf + len, 0, sizeof(buf) - len);
	if (how == FLIPPED)
		buf[len / 2] ^= 1;
	else if (how == WRONG_CONTENT)
		len = ZSTD_compress(buf, sizeof(buf), zeros, c->raw_len, 3);
	else
		len = how == CUT	? len - 1 :
			how == EMPTY	? 0 :
			how == TRAILING ? len + 1 :
					  sizeof(buf);
	assert_int_equal(cb_store_write(&f->store, c->id, (struct cb_bytes){ buf, len }, &e),
			 CB_OK);
}

static void test_damaged_chunks(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_result good = run(f, &segment, 1, 2, false);
	struct cb_manifest m;
	uint8_t *bytes = manifest_of(&good, &segment, 1, &m);

	for (enum damage how = FLIPPED; how < N_DAMAGES; how++) {
		struct seen seen;
		damage(f, &good.chunks[how], how);
		/* found by the check, */
		assert_int_equal(check(f, &m, 0, 2, &seen), CB_CHUNK_HASH);
		assert_int_equal(seen.n_bad, 1);
		assert_memory_equal(seen.chunk.id, good.chunks[how].id, 32);
		assert_int_equal(seen.n_chunks, good.n_chunks);
		/* made again by the next publication. */
		struct cb_pipeline_result again = run(f, &segment, 1, 2, false);
		assert_int_equal(again.n_replaced, 1);
		assert_int_equal(again.new_bytes, good.chunks[how].stored_len);
		assert_memory_equal(again.chunks, good.chunks,
				    good.n_chunks * sizeof(*good.chunks));
		assert_int_equal(check(f, &m, 0, 2, &seen), CB_OK);
		cb_pipeline_result_done(&again);
	}
	free(bytes);
	cb_pipeline_result_done(&good);
}

/* Stored bytes as signed, but not what the id or the segment's hash says. */
static void test_lying_manifest(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_result r = run(f, &segment, 1, 2, false);
	struct cb_error e = { 0 };
	struct cb_manifest m;
	struct seen seen;
	char path[1024];
	uint8_t stored[8192];
	size_t len;

	r.segments[0].sha256[0] ^= 1;
	uint8_t *bytes = manifest_of(&r, &segment, 1, &m);
	assert_int_equal(check(f, &m, 0, 2, &seen), CB_SEGMENT_HASH);
	assert_int_equal(seen.n_bad, 0);
	free(bytes);
	r.segments[0].sha256[0] ^= 1;

	assert_int_equal(cb_store_read(&f->store, r.chunks[3].id, stored, sizeof(stored), &len, &e),
			 CB_OK);
	r.chunks[3].id[31] ^= 1;
	assert_int_equal(
		cb_store_write(&f->store, r.chunks[3].id, (struct cb_bytes){ stored, len }, &e),
		CB_OK);
	bytes = manifest_of(&r, &segment, 1, &m);
	assert_int_equal(check(f, &m, 0, 2, &seen), CB_CHUNK_HASH);
	chunk_path(f, r.chunks[3].id, "", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(check(f, &m, 0, 2, &seen), CB_CHUNK_MISSING);
	free(bytes);
	cb_pipeline_result_done(&r);
}

static void test_too_many_chunks(void **state)
{
	struct fixture *f = *state;
	size_t len = CB_MANIFEST_MAX_CHUNKS + 1;
	uint8_t *zeros = calloc(len, 1);
	struct cb_bytes segment = { zeros, len };
	struct cb_pipeline_params p = {
		.store = &f->store,
		.size = { 1, 1, 1 },
		.level = 1,
		.n_threads = 1,
		.is_dry_run = true,
	};
	struct cb_pipeline_result r = { .n_chunks = 5 };
	struct cb_error e = { 0 };
	assert_non_null(zeros);
	assert_int_equal(cb_pipeline_run(&p, &segment, 1, &r, &e), CB_MANIFEST_FORMAT);
	assert_int_equal(r.n_chunks, 5);
	free(zeros);
}

static void test_unwritable_store(void **state)
{
	struct fixture *f = *state;
	struct cb_bytes segment = data_of(f);
	struct cb_pipeline_params p = { .store = &f->store, .size = SIZE, .level = 1 };
	struct cb_pipeline_result r;
	struct cb_error e = { 0 };
	char path[1024];

	/* a file where the directories of chunks would be */
	struct cb_pipeline_result dry = run(f, &segment, 1, 1, true);
	char hex[65];
	cb_hex_encode(dry.chunks[0].id, 32, hex);
	snprintf(path, sizeof(path), "store.castr/%.4s", hex);
	tempdir_write(f->dir, path, cb_bytes_of("x"));
	assert_int_not_equal(cb_pipeline_run(&p, &segment, 1, &r, &e), CB_OK);
	assert_non_null(strstr(e.text, hex));
	cb_pipeline_result_done(&dry);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_then_read),
		TEST(test_limits),
		TEST(test_stale_temporary),
		TEST(test_absent_store),
		TEST(test_round_trip),
		TEST(test_result_does_not_depend_on_threads),
		TEST(test_dry_run_writes_nothing),
		TEST(test_equal_chunks_are_stored_once),
		TEST(test_existing_chunk_is_kept),
		TEST(test_damaged_chunks),
		TEST(test_lying_manifest),
		TEST(test_too_many_chunks),
		TEST(test_unwritable_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
