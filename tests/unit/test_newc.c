/* SPDX-License-Identifier: MIT */
/* Unit tests of newc archives; as "test_newc --normalise" a filter for tests/interop/newc.sh. */
#include "testport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/newc.h"

#define FILE_MODE 0100644u
#define DIR_MODE 0040755u
#define LINK_MODE 0120777u
#define MAX_LEN 65536

/* An entry as a foreign writer might make it. */
struct foreign {
	const char *name;
	uint32_t ino, mode, nlink, dev_minor;
	const char *data;
	const char *magic; /* NULL: 070701 */
	size_t more_nuls; /* behind the name, counted in its length */
	bool is_lower_case;
};

struct builder {
	uint8_t out[MAX_LEN];
	size_t len, base;
};

static void pad(struct builder *b)
{
	while ((b->len - b->base) % 4 != 0)
		b->out[b->len++] = 0;
}

static void add(struct builder *b, struct foreign e)
{
	size_t name_len = strlen(e.name), data_len = e.data ? strlen(e.data) : 0;
	assert_true(b->len + 200 + name_len + e.more_nuls + data_len < MAX_LEN);
	const char *format = e.is_lower_case ?
		"%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x" :
		"%s%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X";
	char head[CB_NEWC_HEADER_LEN + 1];
	int n = snprintf(head, sizeof(head), format, e.magic ? e.magic : "070701", e.ino, e.mode,
			 1000u, 100u, e.nlink, 0x5eadbeefu, (unsigned)data_len, 8u, e.dev_minor, 5u,
			 6u, (unsigned)(name_len + 1 + e.more_nuls), 0xabcu);
	assert_int_equal(n, CB_NEWC_HEADER_LEN);
	memcpy(b->out + b->len, head, CB_NEWC_HEADER_LEN);
	b->len += CB_NEWC_HEADER_LEN;
	memcpy(b->out + b->len, e.name, name_len);
	memset(b->out + b->len + name_len, 0, 1 + e.more_nuls);
	b->len += name_len + 1 + e.more_nuls;
	pad(b);
	if (data_len)
		memcpy(b->out + b->len, e.data, data_len);
	b->len += data_len;
	pad(b);
}

static void end(struct builder *b)
{
	add(b, (struct foreign){ .name = CB_NEWC_TRAILER, .nlink = 1 });
	b->base = b->len;
}

static void zeros(struct builder *b, size_t n)
{
	memset(b->out + b->len, 0, n);
	b->len += n;
	b->base = b->len;
}

static enum cb_err next(struct cb_newc_reader *r, struct cb_newc_entry *e, bool *is_end)
{
	return cb_newc_next(r, e, is_end);
}

/* Number of entries, trailers included; fails the test on an error. */
static unsigned read_all(const struct builder *b, struct cb_newc_entry *out, unsigned max)
{
	struct cb_newc_reader r = { .archive = { b->out, b->len } };
	for (unsigned n = 0;; n++) {
		struct cb_newc_entry e;
		bool is_end;
		assert_int_equal(next(&r, &e, &is_end), CB_OK);
		if (is_end)
			return n;
		assert_true(n < max);
		out[n] = e;
	}
}

static enum cb_err normalise(struct builder *b)
{
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	enum cb_err err = cb_newc_normalise(&mem, b->out, b->len);
	testport_assert_no_leak(&tp);
	return err;
}

static void reads_fields(void **state)
{
	(void)state;
	static struct builder b;
	struct cb_newc_entry e[4];
	memset(&b, 0, sizeof(b));
	add(&b, (struct foreign){ "bin/sh", 0xfedcba98, FILE_MODE, 2, 9, "data", NULL, 0, false });
	add(&b, (struct foreign){ "low", 0xfedcba98, FILE_MODE, 1, 9, "x", "070702", 7, true });
	add(&b, (struct foreign){ .name = "", .mode = DIR_MODE });
	end(&b);
	assert_int_equal(read_all(&b, e, 4), 4);
	assert_true(cb_bytes_is(e[0].name, "bin/sh") && cb_bytes_is(e[0].data, "data"));
	assert_true(e[0].ino == 0xfedcba98 && e[0].mode == FILE_MODE && e[0].nlink == 2);
	assert_true(e[0].uid == 1000 && e[0].gid == 100 && e[0].mtime == 0x5eadbeef);
	assert_true(e[0].dev_major == 8 && e[0].dev_minor == 9);
	assert_true(e[0].rdev_major == 5 && e[0].rdev_minor == 6);
	assert_true(cb_bytes_is(e[1].name, "low") && cb_bytes_is(e[1].data, "x"));
	assert_true(e[1].ino == 0xfedcba98);
	assert_int_equal(e[2].name.len, 0);
	assert_true(cb_bytes_is(e[3].name, CB_NEWC_TRAILER));
}

static void concatenated(void **state)
{
	(void)state;
	static const size_t gaps[] = { 0, 1, 2, 3, 4, 5, 511, 4096 };
	for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
		static struct builder b;
		struct cb_newc_entry e[8];
		memset(&b, 0, sizeof(b));
		add(&b, (struct foreign){ .name = "early", .mode = FILE_MODE, .data = "12345" });
		end(&b);
		zeros(&b, gaps[i]);
		add(&b, (struct foreign){ .name = "late", .mode = FILE_MODE, .data = "6" });
		add(&b, (struct foreign){ .name = "later", .mode = FILE_MODE, .data = "789" });
		end(&b);
		zeros(&b, gaps[i]);
		assert_int_equal(read_all(&b, e, 8), 5);
		assert_true(cb_bytes_is(e[3].name, "later") && cb_bytes_is(e[3].data, "789"));
		assert_int_equal(normalise(&b), CB_OK);
		assert_int_equal(read_all(&b, e, 8), 5);
	}
}

/* Some writers stop right after the trailer's name; some leave the trailer out. */
static void odd_ends(void **state)
{
	(void)state;
	static struct builder b;
	struct cb_newc_entry e[4];
	memset(&b, 0, sizeof(b));
	assert_int_equal(read_all(&b, e, 0), 0);
	assert_int_equal(normalise(&b), CB_OK);
	zeros(&b, 513);
	assert_int_equal(read_all(&b, e, 0), 0);
	b.len = b.base = 0;
	add(&b, (struct foreign){ .name = "a", .mode = FILE_MODE, .data = "12345" });
	assert_int_equal(read_all(&b, e, 4), 1);
	b.len -= 3;
	assert_int_equal(read_all(&b, e, 4), 1);
	b.len += 3;
	end(&b);
	b.len -= 3;
	b.base = b.len;
	assert_int_equal(read_all(&b, e, 4), 2);
	add(&b, (struct foreign){ .name = "b", .mode = FILE_MODE, .data = "6" });
	end(&b);
	assert_int_equal(read_all(&b, e, 4), 4);
	assert_true(cb_bytes_is(e[2].name, "b") && cb_bytes_is(e[2].data, "6"));
}

static void sample(struct builder *b)
{
	b->len = b->base = 0;
	add(b, (struct foreign){ "dir", 11, DIR_MODE, 3, 1, NULL, NULL, 0, false });
	add(b, (struct foreign){ "dir/one", 12, FILE_MODE, 1, 1, "one", NULL, 0, false });
	add(b, (struct foreign){ "dir/link-a", 13, FILE_MODE, 2, 1, NULL, NULL, 0, false });
	add(b, (struct foreign){ "dir/other", 13, FILE_MODE, 2, 2, "other device", NULL, 0, true });
	add(b, (struct foreign){ "dir/link-b", 13, FILE_MODE, 2, 1, "both", "070702", 0, false });
	add(b, (struct foreign){ "soft", 14, LINK_MODE, 2, 1, "dir/one", NULL, 0, false });
	end(b);
}

static void truncated_at_every_byte(void **state)
{
	(void)state;
	static struct builder b;
	sample(&b);
	const size_t len = b.len;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1), *before = malloc(cut ? cut : 1);
		struct testport tp = { 0 };
		struct cb_mem mem = testport_mem(&tp);
		memcpy(copy, b.out, cut);
		memcpy(before, b.out, cut);
		/* Good at the ends of entries (final padding may be missing), else untouched. */
		if (cb_newc_normalise(&mem, copy, cut) != CB_OK) {
			assert_memory_equal(copy, before, cut);
			assert_int_equal(tp.n_allocs, 0);
		}
		testport_assert_no_leak(&tp);
		free(copy);
		free(before);
	}
}

static void directory_times_cleared(void **state)
{
	(void)state;
	static struct builder before, b;
	struct cb_newc_entry was[16], is[16];
	sample(&before);
	add(&before, (struct foreign){ "second", 1, DIR_MODE, 2, 1, NULL, NULL, 0, true });
	end(&before);
	b = before;
	assert_int_equal(cb_newc_clear_directory_times(b.out, b.len), CB_OK);
	unsigned n = read_all(&b, is, 16), n_dirs = 0, n_others = 0;
	assert_int_equal(read_all(&before, was, 16), n);
	for (unsigned i = 0; i < n; i++) {
		bool is_dir = is[i].mode == DIR_MODE;
		assert_int_equal(is[i].mtime, is_dir ? 0 : 0x5eadbeef);
		n_dirs += is_dir;
		n_others += !is_dir;
		/* nothing but that field is another */
		memcpy(b.out + is[i].header_at + 46, before.out + was[i].header_at + 46, 8);
	}
	assert_true(n_dirs == 2 && n_others > 2);
	assert_memory_equal(b.out, before.out, before.len);
}

static void directory_times_of_malformed_stay(void **state)
{
	(void)state;
	static struct builder before, b;
	sample(&before);
	memcpy(before.out + before.len, "070701?", 7);
	before.len += 7;
	b = before;
	assert_int_equal(cb_newc_clear_directory_times(b.out, b.len), CB_ARCHIVE_FORMAT);
	assert_memory_equal(b.out, before.out, before.len);
}

static void malformed(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		const char *text;
	} cases[] = {
		{ 0, "070703" },    { 0, "070707" },	{ 0, "0" },	     { 6, "0000000g" },
		{ 6, "0000 000" },  { 6, "-0000001" },	{ 6, "0x000001" },   { 94, "00000000" },
		{ 94, "00000003" }, { 94, "00001001" }, { 94, "FFFFFFFF" },  { 54, "00010000" },
		{ 54, "FFFFFFFF" }, { 54, "0000000/" }, { 102, "0000000:" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct builder b, before;
		sample(&b);
		memcpy(b.out + cases[i].at, cases[i].text, strlen(cases[i].text));
		if (i == 2)
			b.out[1] = 0;
		before = b;
		if (normalise(&b) != CB_ARCHIVE_FORMAT)
			fail_msg("case %zu was accepted", i);
		assert_memory_equal(b.out, before.out, b.len);
	}
}

static void longest_name(void **state)
{
	(void)state;
	static struct builder b;
	static char name[CB_NEWC_MAX_NAME + 1];
	struct cb_newc_entry e[2];
	memset(name, 'n', sizeof(name));
	name[CB_NEWC_MAX_NAME - 1] = '\0';
	memset(&b, 0, sizeof(b));
	add(&b, (struct foreign){ .name = name, .mode = FILE_MODE, .data = "x" });
	assert_int_equal(read_all(&b, e, 1), 1);
	assert_int_equal(e[0].name.len, CB_NEWC_MAX_NAME - 1);
	name[CB_NEWC_MAX_NAME - 1] = 'n';
	name[CB_NEWC_MAX_NAME] = '\0';
	memset(&b, 0, sizeof(b));
	add(&b, (struct foreign){ .name = name, .mode = FILE_MODE, .data = "x" });
	assert_int_equal(normalise(&b), CB_ARCHIVE_FORMAT);
}

static uint32_t ino_of_path(const char *path)
{
	uint8_t digest[CB_DIGEST_LEN];
	cb_blake2b_256(cb_bytes_of(path), digest);
	return cb_le32(digest);
}

static void normalised(void **state)
{
	(void)state;
	static struct builder b, before, again;
	struct cb_newc_entry e[7], o[7];
	sample(&b);
	before = b;
	assert_int_equal(normalise(&b), CB_OK);
	assert_int_equal(read_all(&b, e, 7), 7);
	assert_int_equal(read_all(&before, o, 7), 7);
	const uint32_t want[7] = {
		0,
		0,
		ino_of_path("dir/link-a"),
		ino_of_path("dir/other"),
		ino_of_path("dir/link-a"),
		ino_of_path("soft"),
		0,
	};
	for (unsigned i = 0; i < 7; i++) {
		assert_true(e[i].ino == want[i]);
		assert_true(e[i].dev_major == 0 && e[i].dev_minor == 0);
		assert_true(e[i].mode == o[i].mode);
		assert_true(e[i].nlink == (o[i].mode == DIR_MODE ? 1 : o[i].nlink));
		assert_true(e[i].uid == o[i].uid && e[i].gid == o[i].gid);
		assert_true(e[i].mtime == o[i].mtime && e[i].rdev_major == o[i].rdev_major);
		assert_true(cb_bytes_equal(e[i].name, o[i].name));
		assert_true(cb_bytes_equal(e[i].data, o[i].data));
	}
	/* The check field of a 070702 header stays. */
	assert_memory_equal(b.out + e[4].header_at + 102, "00000ABC", 8);
	again = b;
	assert_int_equal(normalise(&again), CB_OK);
	assert_memory_equal(again.out, b.out, b.len);
}

/* The whole point: a file more, so other inode numbers, and still the same headers. */
static void shifted_inodes_vanish(void **state)
{
	(void)state;
	static struct builder a, b;
	for (uint32_t shift = 0; shift < 2; shift++) {
		struct builder *x = shift ? &b : &a;
		memset(x, 0, sizeof(*x));
		for (uint32_t i = 0; i < 20; i++) {
			char name[8] = { 'f', (char)('a' + i), 0 };
			add(x,
			    (struct foreign){ name, 500 + i / 2 + 77 * shift, FILE_MODE, 1 + i % 3,
					      3 + shift, "data", NULL, 0, false });
		}
		end(x);
		assert_int_equal(normalise(x), CB_OK);
	}
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.out, b.out, a.len);
}

/* The same inode number in the next archive is another file. */
static void groups_end_with_their_archive(void **state)
{
	(void)state;
	static struct builder b;
	struct cb_newc_entry e[8];
	memset(&b, 0, sizeof(b));
	add(&b, (struct foreign){ "a", 5, FILE_MODE, 2, 1, NULL, NULL, 0, false });
	add(&b, (struct foreign){ "b", 5, FILE_MODE, 2, 1, "x", NULL, 0, false });
	end(&b);
	zeros(&b, 8);
	add(&b, (struct foreign){ "c", 5, FILE_MODE, 2, 1, NULL, NULL, 0, false });
	add(&b, (struct foreign){ "a", 5, FILE_MODE, 2, 1, "y", NULL, 0, false });
	end(&b);
	assert_int_equal(normalise(&b), CB_OK);
	assert_int_equal(read_all(&b, e, 8), 6);
	assert_true(e[0].ino == ino_of_path("a") && e[1].ino == e[0].ino);
	assert_true(e[3].ino == ino_of_path("c") && e[4].ino == e[3].ino);
}

/* Two groups whose first paths have the same name can't be told apart by it: the second moves up. */
static void taken_numbers_move_up(void **state)
{
	(void)state;
	static struct builder b;
	struct cb_newc_entry e[8];
	memset(&b, 0, sizeof(b));
	for (uint32_t i = 0; i < 4; i++)
		add(&b, (struct foreign){ "same", 5 + i, FILE_MODE, 2, 1, "x", NULL, 0, false });
	add(&b, (struct foreign){ "more", 6, FILE_MODE, 2, 1, "x", NULL, 0, false });
	end(&b);
	assert_int_equal(normalise(&b), CB_OK);
	assert_int_equal(read_all(&b, e, 8), 6);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(e[i].ino == ino_of_path("same") + i);
	assert_true(e[4].ino == e[1].ino);
}

static void allocation_fails(void **state)
{
	(void)state;
	static struct builder b, before;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	sample(&b);
	before = b;
	testport_fail_at(&tp, 1);
	assert_int_equal(cb_newc_normalise(&mem, b.out, b.len), CB_NO_MEMORY);
	assert_memory_equal(b.out, before.out, b.len);
	assert_int_equal(cb_newc_normalise(&mem, b.out, b.len), CB_OK);
	assert_int_equal(tp.n_allocs, 2);
	testport_assert_no_leak(&tp);
}

static void writes(void **state)
{
	(void)state;
	static uint8_t out[1024];
	struct cb_newc_writer w = { .out = out, .max = sizeof(out) };
	static struct builder b;
	struct cb_newc_entry e[4];
	size_t len = 0,
	       expect = cb_newc_entry_len(3, 0) + cb_newc_entry_len(6, 5) +
		cb_newc_entry_len(6, 4) + cb_newc_entry_len(10, 0);
	memset(out, 0xee, sizeof(out));
	cb_newc_add(&w, "etc", DIR_MODE, (struct cb_bytes){ NULL, 0 });
	cb_newc_add(&w, "etc/me", 0100400, cb_bytes_of("12345"));
	cb_newc_add(&w, "etc/it", 0100400, cb_bytes_of("1234"));
	assert_int_equal(cb_newc_finish(&w, &len), CB_OK);
	assert_int_equal(len, expect);
	assert_int_equal(len % 4, 0);
	assert_int_equal(out[len], 0xee);
	memcpy(b.out, out, len);
	b.len = len;
	assert_int_equal(read_all(&b, e, 4), 4);
	assert_true(cb_bytes_is(e[1].name, "etc/me") && cb_bytes_is(e[1].data, "12345"));
	assert_true(e[1].mode == 0100400 && e[1].nlink == 1 && e[1].ino == 0);
	assert_true(e[1].uid == 0 && e[1].gid == 0 && e[1].mtime == 0 && e[1].dev_minor == 0);
	assert_true(cb_bytes_is(e[3].name, CB_NEWC_TRAILER));
	/* What we write is what normalising would make of it. */
	assert_int_equal(normalise(&b), CB_OK);
	assert_memory_equal(b.out, out, len);
}

static void writer_without_room(void **state)
{
	(void)state;
	size_t full = cb_newc_entry_len(1, 3) + cb_newc_entry_len(10, 0);
	for (size_t max = 0; max <= full; max++) {
		uint8_t *room = malloc(max ? max : 1);
		struct cb_newc_writer w = { .out = room, .max = max };
		size_t len = 77;
		cb_newc_add(&w, "f", FILE_MODE, cb_bytes_of("abc"));
		enum cb_err err = cb_newc_finish(&w, &len);
		assert_int_equal(err, max == full ? CB_OK : CB_NO_MEMORY);
		assert_int_equal(len, max == full ? full : 77);
		free(room);
	}
	static char name[CB_NEWC_MAX_NAME + 1];
	static uint8_t room[3 * CB_NEWC_MAX_NAME];
	struct cb_newc_writer w = { .out = room, .max = sizeof(room) };
	size_t len;
	memset(name, 'n', CB_NEWC_MAX_NAME);
	cb_newc_add(&w, name + 1, FILE_MODE, cb_bytes_of("abc"));
	assert_false(w.overflowed);
	cb_newc_add(&w, name, FILE_MODE, cb_bytes_of("abc"));
	assert_int_equal(cb_newc_finish(&w, &len), CB_NO_MEMORY);
}

static void *filter_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void filter_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* An archive from standard input, normalised, to standard output. */
static int filter(void)
{
	const size_t max = 256u << 20;
	struct cb_mem mem = { .alloc = filter_alloc, .free = filter_free };
	uint8_t *archive = malloc(max);
	size_t len = archive ? fread(archive, 1, max, stdin) : 0;
	bool is_good = archive && len < max && cb_newc_normalise(&mem, archive, len) == CB_OK &&
		fwrite(archive, 1, len, stdout) == len && fflush(stdout) == 0;
	free(archive);
	return is_good ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--normalise") == 0)
		return filter();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_fields),
		cmocka_unit_test(concatenated),
		cmocka_unit_test(odd_ends),
		cmocka_unit_test(truncated_at_every_byte),
		cmocka_unit_test(malformed),
		cmocka_unit_test(directory_times_cleared),
		cmocka_unit_test(directory_times_of_malformed_stay),
		cmocka_unit_test(longest_name),
		cmocka_unit_test(normalised),
		cmocka_unit_test(shifted_inodes_vanish),
		cmocka_unit_test(groups_end_with_their_archive),
		cmocka_unit_test(taken_numbers_move_up),
		cmocka_unit_test(allocation_fails),
		cmocka_unit_test(writes),
		cmocka_unit_test(writer_without_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
