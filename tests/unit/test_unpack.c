/* SPDX-License-Identifier: MIT */
/* Unit tests of initramfs unpacking: every compression, every order, damage and limits. */
#include "testport.h"

#include <bzlib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "core/newc.h"
#include "host/unpack.h"
#include "tempdir.h"

#define ARCHIVE_MAX (1u << 20)
#define OUT_MAX (64u << 20)

struct archive {
	size_t len;
	uint8_t p[ARCHIVE_MAX];
};

static char dir[TEMPDIR_PATH_MAX];

/* ---- Makers ---- */

static struct archive *new_archive(void)
{
	struct archive *a = calloc(1, sizeof(*a));
	assert_non_null(a);
	return a;
}

/* One file, its inode and device numbers as a file system would have them. */
static struct archive *newc(const char *name, const char *content, size_t repeat)
{
	struct archive *a = new_archive();
	struct cb_newc_writer w = { .out = a->p, .max = sizeof(a->p) };
	size_t len = strlen(content);
	char *data = malloc(len * repeat + 1);
	assert_non_null(data);
	for (size_t i = 0; i < repeat; i++)
		memcpy(data + i * len, content, len);
	cb_newc_add(&w, name, 0100644, (struct cb_bytes){ (uint8_t *)data, len * repeat });
	assert_int_equal(cb_newc_finish(&w, &a->len), CB_OK);
	free(data);
	return a;
}

static void set_ino(struct archive *a)
{
	memcpy(a->p + 6, "0000BEEF", 8);
	memcpy(a->p + 62, "00000008", 8);
}

typedef size_t (*compressor)(uint8_t *out, size_t max, const struct archive *in);

static size_t by_gzip(uint8_t *out, size_t max, const struct archive *in)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in->p,
		       .avail_in = (uInt)in->len,
		       .next_out = out,
		       .avail_out = (uInt)max };
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t by_bzip2(uint8_t *out, size_t max, const struct archive *in)
{
	unsigned len = (unsigned)max;
	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out, &len, (char *)(uintptr_t)in->p,
						  (unsigned)in->len, 9, 0, 0),
			 BZ_OK);
	return len;
}

static size_t by_xz(uint8_t *out, size_t max, const struct archive *in)
{
	size_t len = 0;
	assert_int_equal(
		lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in->p, in->len, out, &len, max),
		LZMA_OK);
	return len;
}

static size_t by_lzma(uint8_t *out, size_t max, const struct archive *in)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	assert_false(lzma_lzma_preset(&options, 6));
	assert_int_equal(lzma_alone_encoder(&z, &options), LZMA_OK);
	z.next_in = in->p;
	z.avail_in = in->len;
	z.next_out = out;
	z.avail_out = max;
	assert_int_equal(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
	lzma_end(&z);
	return (size_t)z.total_out;
}

static size_t by_zstd(uint8_t *out, size_t max, const struct archive *in)
{
	size_t len = ZSTD_compress(out, max, in->p, in->len, 3);
	assert_false(ZSTD_isError(len));
	return len;
}

static size_t by_lz4(uint8_t *out, size_t max, const struct archive *in)
{
	size_t len = LZ4F_compressFrame(out, max, in->p, in->len, NULL);
	assert_false(LZ4F_isError(len));
	return len;
}

static size_t by_lz4_legacy(uint8_t *out, size_t max, const struct archive *in)
{
	int len = LZ4_compress_default((const char *)in->p, (char *)out + 8, (int)in->len,
				       (int)max - 8);
	assert_true(len > 0);
	cb_put_le32(out, 0x184c2102);
	cb_put_le32(out + 4, (uint32_t)len);
	return 8 + (size_t)len;
}

static size_t by_nothing(uint8_t *out, size_t max, const struct archive *in)
{
	assert_true(in->len <= max);
	memcpy(out, in->p, in->len);
	return in->len;
}

static const struct {
	const char *name;
	compressor run;
} compressors[] = {
	{ "gzip", by_gzip },
	{ "bzip2", by_bzip2 },
	{ "xz", by_xz },
	{ "lzma", by_lzma },
	{ "zstd", by_zstd },
	{ "lz4", by_lz4 },
	{ "lz4 legacy", by_lz4_legacy },
	{ "plain", by_nothing },
};
#define N_COMPRESSORS (sizeof(compressors) / sizeof(compressors[0]))
#define PLAIN (N_COMPRESSORS - 1)

static void append(struct archive *to, const struct archive *from, compressor run, size_t n_zeros)
{
	to->len += run(to->p + to->len, sizeof(to->p) - to->len, from);
	memset(to->p + to->len, 0, n_zeros);
	to->len += n_zeros;
}

/* ---- The unit under test ---- */

static enum cb_err unpack(const uint8_t *p, size_t len, size_t max, struct cb_scratch *out,
			  struct cb_error *e)
{
	/* exactly as long as the input, so that a read past its end is noticed */
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	assert_non_null(copy);
	memcpy(copy, p, len);
	*e = (struct cb_error){ 0 };
	assert_int_equal(cb_scratch_open(dir, max, out, e), CB_OK);
	enum cb_err err = cb_unpack_initrd("initrd.img", (struct cb_bytes){ copy, len }, out, e);
	free(copy);
	return err;
}

/* Unpacks; the files must be these, in this order, in archives that start at multiples of 4. */
static void expect_files(const struct archive *in, const char *const *names, unsigned n)
{
	struct cb_scratch out;
	struct cb_error e;
	unsigned seen = 0;
	bool is_end = false;
	enum cb_err err = unpack(in->p, in->len, OUT_MAX, &out, &e);
	if (err != CB_OK)
		print_error("%s\n", e.text);
	assert_int_equal(err, CB_OK);
	assert_int_equal(out.len % 4, 0);
	struct cb_newc_reader r = { .archive = { out.p, out.len } };
	for (;;) {
		struct cb_newc_entry entry;
		assert_int_equal(cb_newc_next(&r, &entry, &is_end), CB_OK);
		if (is_end)
			break;
		assert_int_equal(entry.header_at % 4, 0);
		assert_int_equal(entry.ino, 0);
		if (cb_bytes_is(entry.name, CB_NEWC_TRAILER))
			continue;
		assert_true(seen < n);
		assert_true(cb_bytes_is(entry.name, names[seen]));
		seen++;
	}
	assert_int_equal(seen, n);
	cb_scratch_done(&out);
}

static void test_each_compression(void **state)
{
	struct archive *a = newc("etc/motd", "chunkboot ", 5000);
	(void)state;
	set_ino(a);
	for (size_t i = 0; i < N_COMPRESSORS; i++) {
		const char *names[] = { "etc/motd" };
		struct archive *in = new_archive();
		append(in, a, compressors[i].run, 0);
		expect_files(in, names, 1);
		free(in);
	}
	free(a);
}

/* Microcode first and plain, then each compression after each other, with and without zeroes. */
static void test_each_pair(void **state)
{
	struct archive *micro = newc("kernel/x86/microcode/GenuineIntel.bin", "code", 77);
	struct archive *one = newc("one", "1", 4001), *two = newc("two", "2", 1);
	(void)state;
	set_ino(two);
	for (size_t i = 0; i < N_COMPRESSORS; i++) {
		for (size_t k = 0; k < N_COMPRESSORS; k++) {
			const char *names[] = { "kernel/x86/microcode/GenuineIntel.bin", "one",
						"two" };
			struct archive *in = new_archive();
			/* nothing marks the end of a legacy stream but zeroes or its magic */
			bool needs_zeros = compressors[i].run == by_lz4_legacy && k != i;
			append(in, micro, by_nothing, (i * 5 + k) % 4 * 4);
			append(in, one, compressors[i].run, needs_zeros || k % 2 != 0 ? 512 : 0);
			append(in, two, compressors[k].run, i % 3);
			expect_files(in, names, 3);
			free(in);
		}
	}
	free(micro);
	free(one);
	free(two);
}

static void test_content_is_kept(void **state)
{
	struct archive *micro = newc("micro", "m", 10), *main_one = newc("main", "abc", 1000);
	struct archive *in = new_archive();
	struct cb_scratch out;
	struct cb_error e;
	(void)state;
	append(in, micro, by_nothing, 4);
	/* zeroes behind an archive, as cpio and dd leave them, are not part of it */
	memset(main_one->p + main_one->len, 0, 512);
	main_one->len += 512;
	append(in, main_one, by_zstd, 0);
	main_one->len -= 512;
	assert_int_equal(unpack(in->p, in->len, OUT_MAX, &out, &e), CB_OK);
	/* what was normal before comes out unchanged, padded; the early archive is in front */
	assert_int_equal(out.len, micro->len + main_one->len);
	assert_memory_equal(out.p, micro->p, micro->len);
	assert_memory_equal(out.p + micro->len, main_one->p, main_one->len);
	cb_scratch_done(&out);
	free(micro);
	free(main_one);
	free(in);
}

static void test_truncated(void **state)
{
	struct archive *a = newc("file", "content ", 40);
	(void)state;
	for (size_t i = 0; i < N_COMPRESSORS; i++) {
		struct archive *in = new_archive();
		append(in, a, compressors[i].run, 0);
		/* a plain archive can do without its trailer, as far as the kernel is concerned */
		size_t trailer_at = a->len - cb_newc_entry_len(strlen(CB_NEWC_TRAILER), 0);
		size_t last = i == PLAIN ? in->len - 4 : in->len - 1;
		for (size_t len = 0; len <= last; len++) {
			if (i == PLAIN && len == trailer_at)
				continue;
			struct cb_scratch out;
			struct cb_error e;
			enum cb_err err = unpack(in->p, len, OUT_MAX, &out, &e);
			if (err != CB_ARCHIVE_FORMAT)
				print_error("%s cut to %zu bytes: %d\n", compressors[i].name, len,
					    err);
			assert_int_equal(err, CB_ARCHIVE_FORMAT);
			assert_non_null(strstr(e.text, "initrd.img"));
			assert_non_null(strstr(e.hint, "--exact"));
			cb_scratch_done(&out);
		}
		free(in);
	}
	free(a);
}

static void test_not_an_initramfs(void **state)
{
	static const char *const contents[] = {
		"",
		"\0\0\0\0",
		"hello",
		"070701",
		"070707000000",
		"\x1f\x8b",
		"BZh9",
		"\3757zXZ\0",
		"\x28\xb5\x2f\xfd",
		"\x04\x22\x4d\x18",
		"\x02\x21\x4c\x18",
		"\x89LZO\0",
		"#!/bin/sh\n",
	};
	static const uint8_t lens[] = { 0, 4, 5, 6, 12, 2, 4, 6, 4, 4, 4, 5, 10 };
	struct cb_scratch out;
	struct cb_error e;
	(void)state;
	for (size_t i = 0; i < sizeof(lens); i++) {
		enum cb_err err = unpack((const uint8_t *)contents[i], lens[i], OUT_MAX, &out, &e);
		assert_int_equal(err, CB_ARCHIVE_FORMAT);
		cb_scratch_done(&out);
	}
	/* no archive after decompression, and rubbish behind a good one */
	struct archive *text = new_archive(), *good = newc("a", "b", 1);
	text->len = 100;
	memset(text->p, 'x', text->len);
	for (size_t i = 0; i < N_COMPRESSORS; i++) {
		struct archive *in = new_archive();
		append(in, text, compressors[i].run, 0);
		assert_int_equal(unpack(in->p, in->len, OUT_MAX, &out, &e), CB_ARCHIVE_FORMAT);
		cb_scratch_done(&out);
		in->len = 0;
		append(in, good, compressors[i].run, 4);
		append(in, text, by_nothing, 0);
		assert_int_equal(unpack(in->p, in->len, OUT_MAX, &out, &e), CB_ARCHIVE_FORMAT);
		cb_scratch_done(&out);
		free(in);
	}
	free(text);
	free(good);
}

static void test_limit(void **state)
{
	struct archive *a = newc("file", "0123456789", 60000);
	(void)state;
	for (size_t i = 0; i < N_COMPRESSORS; i++) {
		struct archive *in = new_archive();
		struct cb_scratch out;
		struct cb_error e;
		append(in, a, compressors[i].run, 0);
		assert_int_equal(unpack(in->p, in->len, a->len - 4, &out, &e), CB_IO);
		assert_non_null(strstr(e.hint, "--budget"));
		cb_scratch_done(&out);
		assert_int_equal(unpack(in->p, in->len, a->len + 4, &out, &e), CB_OK);
		cb_scratch_done(&out);
		free(in);
	}
	free(a);
}

static void test_scratch(void **state)
{
	struct cb_scratch s;
	struct cb_error e = { 0 };
	uint8_t block[1000];
	size_t n;
	(void)state;
	memset(block, 7, sizeof(block));
	assert_int_equal(cb_scratch_open(dir, 40000000, &s, &e), CB_OK);
	for (unsigned i = 0; i < 40000; i++)
		assert_int_equal(cb_scratch_add(&s, (struct cb_bytes){ block, 1000 }, &e), CB_OK);
	assert_int_equal(cb_scratch_reserve(&s, 1, &n, &e), CB_OK);
	assert_int_equal(n, 0);
	assert_int_equal(cb_scratch_add(&s, (struct cb_bytes){ block, 1 }, &e), CB_IO);
	assert_int_equal(s.len, 40000000);
	for (size_t i = 0; i < s.len; i += 4096)
		assert_int_equal(s.p[i], 7);
	cb_scratch_done(&s);
	cb_scratch_done(&s);
	assert_int_not_equal(cb_scratch_open("/nonexistent/dir", 10, &s, &e), CB_OK);
}

static int make_dir(void **state)
{
	(void)state;
	tempdir_make(dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_compression), cmocka_unit_test(test_each_pair),
		cmocka_unit_test(test_content_is_kept),	 cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_not_an_initramfs), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_scratch),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
