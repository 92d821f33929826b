/* SPDX-License-Identifier: MIT */
/* Unit tests of the image manifest: round trip, and refusal of everything that is not consistent. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/manifest.h"

#define N_CHUNKS 4

/* A linux image: a kernel of two chunks, an initrd of two, an empty initrd. */
struct sample {
	struct cb_manifest m;
	struct cb_chunk chunks[N_CHUNKS];
	uint8_t file[4096];
	size_t len;
};

static void rewrite(struct sample *s)
{
	s->len = cb_manifest_len(&s->m);
	assert_true(s->len <= sizeof(s->file));
	cb_manifest_write(&s->m, s->chunks, s->file);
}

static void make_sample(struct sample *s)
{
	struct testport_rng rng = { 3 };
	memset(s, 0, sizeof(*s));
	s->m.kind = CB_KIND_LINUX;
	s->m.arch = CB_ARCH_X86_64;
	s->m.n_segments = 3;
	s->m.n_chunks = N_CHUNKS;
	s->m.ram_need = 1u << 30;
	for (uint32_t i = 0; i < N_CHUNKS; i++) {
		testport_fill(&rng, s->chunks[i].id, CB_DIGEST_LEN);
		testport_fill(&rng, s->chunks[i].digest, CB_DIGEST_LEN);
		s->chunks[i].raw_len = 1000 * (i + 1);
		s->chunks[i].stored_len = 300 * (i + 1);
		s->m.raw_total += s->chunks[i].raw_len;
		s->m.stored_total += s->chunks[i].stored_len;
	}
	s->m.segments[0] = (struct cb_segment){
		.role = CB_ROLE_KERNEL, .first_chunk = 0, .n_chunks = 2, .raw_len = 3000
	};
	s->m.segments[1] = (struct cb_segment){ .role = CB_ROLE_INITRD,
						.flags = CB_SEGMENT_NORMALISED,
						.first_chunk = 2,
						.n_chunks = 2,
						.raw_len = 7000 };
	s->m.segments[2] = (struct cb_segment){ .role = CB_ROLE_INITRD, .first_chunk = 4 };
	for (unsigned i = 0; i < 3; i++)
		testport_fill(&rng, s->m.segments[i].sha256, CB_DIGEST_LEN);
	s->m.cmdline = cb_bytes_of("console=ttyS0 quiet");
	s->m.title = cb_bytes_of("B\xc3\xbcro");
	s->m.n_allow = 2;
	s->m.allow[0] = cb_bytes_of("debug");
	s->m.allow[1] = cb_bytes_of("desk=");
	rewrite(s);
}

static enum cb_err parse(const struct sample *s, struct cb_manifest *ret)
{
	return cb_manifest_parse((struct cb_bytes){ s->file, s->len }, ret);
}

static void assert_refused(const struct sample *s)
{
	struct cb_manifest m;
	memset(&m, 0x77, sizeof(m));
	struct cb_manifest before = m;
	assert_int_equal(parse(s, &m), CB_MANIFEST_FORMAT);
	assert_memory_equal(&m, &before, sizeof(m));
}

static void round_trip(void **state)
{
	(void)state;
	struct sample s;
	struct cb_manifest m;
	make_sample(&s);
	assert_int_equal(s.len, 64 + 3 * 64 + 4 * 72 + (2 + 19) + (2 + 5) + (2 + 5) + (2 + 5));
	assert_int_equal(parse(&s, &m), CB_OK);
	assert_int_equal(m.kind, CB_KIND_LINUX);
	assert_int_equal(m.arch, CB_ARCH_X86_64);
	assert_int_equal(m.n_segments, 3);
	assert_true(m.raw_total == 10000 && m.stored_total == 3000 && m.ram_need == 1u << 30);
	assert_int_equal(m.segments[1].flags, CB_SEGMENT_NORMALISED);
	assert_memory_equal(m.segments[2].sha256, s.m.segments[2].sha256, CB_DIGEST_LEN);
	assert_true(cb_bytes_is(m.cmdline, "console=ttyS0 quiet"));
	assert_true(cb_bytes_is(m.title, "B\xc3\xbcro"));
	assert_int_equal(m.n_allow, 2);
	assert_true(cb_bytes_is(m.allow[1], "desk="));
	for (uint32_t i = 0; i < N_CHUNKS; i++) {
		struct cb_chunk c;
		cb_manifest_chunk(&m, i, &c);
		assert_memory_equal(c.id, s.chunks[i].id, CB_DIGEST_LEN);
		assert_memory_equal(c.digest, s.chunks[i].digest, CB_DIGEST_LEN);
		assert_int_equal(c.raw_len, s.chunks[i].raw_len);
		assert_int_equal(c.stored_len, s.chunks[i].stored_len);
	}
	assert_memory_equal(s.file, "CBMANIF1\1\0\1\0\1\0\3\0\4\0\0\0\0\0\0\0\x10\x27\0\0", 28);
}

/* What a user of a parsed manifest relies on, computed anew. */
static void assert_consistent(const struct cb_manifest *m)
{
	uint64_t raw_total = 0, stored_total = 0;
	uint32_t at = 0;
	assert_true(m->n_segments >= 1 && m->n_segments <= CB_MANIFEST_MAX_SEGMENTS);
	for (unsigned i = 0; i < m->n_segments; i++) {
		const struct cb_segment *s = &m->segments[i];
		uint64_t raw = 0;
		assert_int_equal(s->first_chunk, at);
		for (uint32_t k = 0; k < s->n_chunks; k++) {
			struct cb_chunk c;
			cb_manifest_chunk(m, at++, &c);
			assert_true(c.raw_len >= 1 && c.raw_len <= CB_CHUNK_MAX_RAW);
			assert_true(c.stored_len >= 1 && c.stored_len <= CB_CHUNK_MAX_STORED);
			raw += c.raw_len;
			stored_total += c.stored_len;
		}
		assert_true(raw == s->raw_len);
		raw_total += raw;
	}
	assert_int_equal(at, m->n_chunks);
	assert_true(raw_total == m->raw_total && stored_total == m->stored_total);
	assert_true(m->cmdline.len <= CB_CMDLINE_MAX && cb_bytes_is_ascii(m->cmdline));
	assert_true(cb_bytes_is_text(m->title));
	assert_true(m->n_allow <= CB_MANIFEST_MAX_ALLOW);
}

static void truncation_at_every_byte(void **state)
{
	(void)state;
	struct sample s;
	make_sample(&s);
	const size_t len = s.len;
	/* Complete with no allow entry, with one, and with both. */
	const size_t complete[3] = { len - 14, len - 7, len };
	unsigned n_accepted = 0;
	for (size_t cut = 0; cut <= len; cut++) {
		struct cb_manifest m;
		/* In an allocation of its own, so that an overread is seen. */
		uint8_t *copy = malloc(cut ? cut : 1);
		memcpy(copy, s.file, cut);
		enum cb_err err = cb_manifest_parse((struct cb_bytes){ copy, cut }, &m);
		bool is_complete = cut == complete[0] || cut == complete[1] || cut == complete[2];
		assert_int_equal(err, is_complete ? CB_OK : CB_MANIFEST_FORMAT);
		if (err == CB_OK) {
			assert_consistent(&m);
			assert_int_equal(m.n_allow, n_accepted++);
		}
		free(copy);
	}
	assert_int_equal(n_accepted, 3);
}

static void every_bit_flip(void **state)
{
	(void)state;
	struct sample s;
	make_sample(&s);
	for (size_t bit = 0; bit < 8 * s.len; bit++) {
		struct cb_manifest m;
		s.file[bit / 8] = (uint8_t)(s.file[bit / 8] ^ (1u << bit % 8));
		if (parse(&s, &m) == CB_OK)
			assert_consistent(&m);
		else
			assert_refused(&s);
		s.file[bit / 8] = (uint8_t)(s.file[bit / 8] ^ (1u << bit % 8));
	}
}

/* Each changes the file at an offset, where a 64-bit little-endian number is put (len bytes). */
static void wrong_fields(void **state)
{
	static const struct {
		size_t at, len;
		uint64_t v;
		const char *what;
	} cases[] = {
		{ 0, 1, 'c', "magic" },
		{ 8, 2, 0, "version 0" },
		{ 8, 2, 2, "version 2" },
		{ 10, 2, 0, "kind 0" },
		{ 10, 2, CB_KIND_EFI, "kind efi with a kernel" },
		{ 10, 2, CB_KIND_DISK, "kind disk with a kernel" },
		{ 10, 2, 4, "kind 4" },
		{ 12, 2, 0, "arch 0" },
		{ 12, 2, 3, "arch 3" },
		{ 14, 2, 0, "no segments" },
		{ 14, 2, 2, "a segment too few" },
		{ 14, 2, 4, "a segment too many" },
		{ 14, 2, 17, "more segments than allowed" },
		{ 14, 2, 65535, "most segments" },
		{ 16, 4, 3, "a chunk too few" },
		{ 16, 4, 5, "a chunk too many" },
		{ 16, 4, CB_MANIFEST_MAX_CHUNKS + 1, "more chunks than allowed" },
		{ 16, 4, UINT32_MAX, "most chunks" },
		{ 20, 4, 1, "head not zero" },
		{ 24, 8, 9999, "raw total" },
		{ 24, 8, CB_RAW_TOTAL_MAX + 1, "raw total above the limit" },
		{ 32, 8, 3001, "stored total" },
		{ 48, 8, 1, "zero fill" },
		{ 56, 8, 1ull << 63, "zero fill, last byte" },
		{ 64, 2, CB_ROLE_INITRD, "no kernel" },
		{ 64, 2, CB_ROLE_DISK, "disk in a linux image" },
		{ 64, 2, 0, "role 0" },
		{ 128, 2, CB_ROLE_KERNEL, "two kernels" },
		{ 66, 2, 2, "unknown flag" },
		{ 66, 2, 0x8000, "unknown flag" },
		{ 68, 4, 1, "gap at the start" },
		{ 132, 4, 3, "gap" },
		{ 132, 4, 1, "overlap" },
		{ 72, 4, 0, "empty kernel" },
		{ 72, 4, 3, "too long" },
		{ 72, 4, UINT32_MAX, "chunk count overflows" },
		{ 136, 4, 1, "chunks left over" },
		{ 76, 4, 1, "segment not zero" },
		{ 80, 8, 2999, "segment length" },
		{ 80, 8, UINT64_MAX, "segment length" },
		{ 120, 8, 1, "segment's fill" },
		{ 64 + 3 * 64 + 64, 4, 0, "nothing stored" },
		{ 64 + 3 * 64 + 64, 4, CB_CHUNK_MAX_STORED + 1, "too much stored" },
		{ 64 + 3 * 64 + 68, 4, 0, "empty chunk" },
		{ 64 + 3 * 64 + 68, 4, CB_CHUNK_MAX_RAW + 1, "too long a chunk" },
		{ 64 + 3 * 64 + 68, 4, 999, "a chunk's length does not add up" },
		{ 544, 2, 65535, "command line longer than the file" },
		{ 546, 1, '\n', "control character" },
		{ 546, 1, 0x7f, "delete" },
		{ 546, 1, 0xc3, "not UTF-8" },
		{ 568, 1, 0, "NUL in the title" },
		{ 569, 1, 0xff, "title is not UTF-8" },
		{ 574, 2, 6, "allow entry longer than the file" },
		{ 581, 2, 0, "empty allow entry" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample s;
		uint8_t number[8];
		struct cb_manifest m;
		make_sample(&s);
		cb_put_le64(number, cases[i].v);
		memcpy(s.file + cases[i].at, number, cases[i].len);
		if (parse(&s, &m) == CB_OK)
			fail_msg("accepted: %s", cases[i].what);
	}
}

static void trailing_bytes(void **state)
{
	(void)state;
	struct sample s;
	make_sample(&s);
	for (unsigned n = 1; n <= 4; n++) {
		s.len++;
		s.file[s.len - 1] = 0;
		assert_refused(&s);
	}
}

static void string_limits(void **state)
{
	(void)state;
	static char line[CB_CMDLINE_MAX + 2];
	struct sample s;
	struct cb_manifest m;
	memset(line, 'a', sizeof(line));
	make_sample(&s);
	s.m.cmdline = (struct cb_bytes){ (uint8_t *)line, CB_CMDLINE_MAX };
	rewrite(&s);
	assert_int_equal(parse(&s, &m), CB_OK);
	s.m.cmdline.len++;
	rewrite(&s);
	assert_refused(&s);
	make_sample(&s);
	s.m.title = (struct cb_bytes){ (uint8_t *)line, CB_MANIFEST_MAX_TITLE };
	rewrite(&s);
	assert_int_equal(parse(&s, &m), CB_OK);
	s.m.title.len++;
	rewrite(&s);
	assert_refused(&s);
	make_sample(&s);
	s.m.cmdline = s.m.title = (struct cb_bytes){ NULL, 0 };
	s.m.n_allow = CB_MANIFEST_MAX_ALLOW;
	for (unsigned i = 0; i < CB_MANIFEST_MAX_ALLOW; i++)
		s.m.allow[i] = cb_bytes_of("x");
	rewrite(&s);
	assert_int_equal(parse(&s, &m), CB_OK);
	assert_int_equal(m.n_allow, CB_MANIFEST_MAX_ALLOW);
	memcpy(s.file + s.len, "\1\0x", 3);
	s.len += 3;
	assert_refused(&s);
}

static void make_single(struct sample *s, enum cb_image_kind kind, enum cb_segment_role role)
{
	make_sample(s);
	s->m.kind = kind;
	s->m.arch = CB_ARCH_AARCH64;
	s->m.n_segments = 1;
	s->m.segments[0].role = role;
	s->m.segments[0].n_chunks = N_CHUNKS;
	s->m.segments[0].raw_len = 10000;
	rewrite(s);
}

static void other_kinds(void **state)
{
	(void)state;
	struct sample s;
	struct cb_manifest m;
	char name[16];
	make_single(&s, CB_KIND_EFI, CB_ROLE_APPLICATION);
	assert_int_equal(parse(&s, &m), CB_OK);
	cb_segment_name(&m, 0, name);
	assert_string_equal(name, "application");
	make_single(&s, CB_KIND_DISK, CB_ROLE_DISK);
	assert_int_equal(parse(&s, &m), CB_OK);
	cb_segment_name(&m, 0, name);
	assert_string_equal(name, "disk");
	make_single(&s, CB_KIND_EFI, CB_ROLE_DISK);
	assert_refused(&s);
	make_single(&s, CB_KIND_LINUX, CB_ROLE_KERNEL);
	assert_int_equal(parse(&s, &m), CB_OK);
	make_sample(&s);
	s.m.kind = CB_KIND_EFI;
	s.m.segments[0].role = s.m.segments[1].role = s.m.segments[2].role = CB_ROLE_APPLICATION;
	rewrite(&s);
	assert_refused(&s);
}

/* Wrong only in this one way: all sums and positions agree. */
static void chunk_and_segment_sizes(void **state)
{
	(void)state;
	struct sample s;
	struct cb_manifest m;
	make_single(&s, CB_KIND_DISK, CB_ROLE_DISK);
	s.m.raw_total += CB_CHUNK_MAX_RAW - s.chunks[0].raw_len;
	s.m.stored_total += CB_CHUNK_MAX_STORED - s.chunks[0].stored_len;
	s.m.segments[0].raw_len = s.m.raw_total;
	s.chunks[0].raw_len = CB_CHUNK_MAX_RAW;
	s.chunks[0].stored_len = CB_CHUNK_MAX_STORED;
	rewrite(&s);
	assert_int_equal(parse(&s, &m), CB_OK);
	s.chunks[0].stored_len++;
	s.m.stored_total++;
	rewrite(&s);
	assert_refused(&s);
	s.chunks[0].stored_len--;
	s.m.stored_total--;
	s.chunks[0].raw_len++;
	s.m.segments[0].raw_len = ++s.m.raw_total;
	rewrite(&s);
	assert_refused(&s);
	/* An empty disk. */
	make_single(&s, CB_KIND_DISK, CB_ROLE_DISK);
	s.m.n_chunks = s.m.segments[0].n_chunks = 0;
	s.m.raw_total = s.m.stored_total = s.m.segments[0].raw_len = 0;
	rewrite(&s);
	assert_refused(&s);
	/* A chunk count that wraps around, so that the positions seem to agree. */
	make_sample(&s);
	s.m.segments[1].n_chunks = UINT32_MAX;
	s.m.segments[2].first_chunk = 1;
	s.m.segments[2].n_chunks = 3;
	rewrite(&s);
	assert_refused(&s);
}

static void most_segments(void **state)
{
	(void)state;
	struct sample s;
	struct cb_manifest m;
	char name[16];
	make_sample(&s);
	s.m.n_segments = CB_MANIFEST_MAX_SEGMENTS;
	for (unsigned i = 3; i < CB_MANIFEST_MAX_SEGMENTS; i++)
		s.m.segments[i] = s.m.segments[2];
	rewrite(&s);
	assert_int_equal(parse(&s, &m), CB_OK);
	cb_segment_name(&m, 0, name);
	assert_string_equal(name, "kernel");
	cb_segment_name(&m, 1, name);
	assert_string_equal(name, "initrd-0");
	cb_segment_name(&m, 15, name);
	assert_string_equal(name, "initrd-14");
}

static void paths(void **state)
{
	(void)state;
	struct cb_chunk c = { .stored_len = 1, .raw_len = 1 };
	char path[CB_CHUNK_PATH_MAX], mpath[CB_MANIFEST_PATH_MAX];
	for (unsigned i = 0; i < CB_DIGEST_LEN; i++) {
		c.id[i] = (uint8_t)(0xa0 + i);
		c.digest[i] = (uint8_t)i;
	}
	cb_chunk_path(&c, path);
	assert_string_equal(path,
			    "store.castr/a0a1/a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6"
			    "b7b8b9babbbcbdbebf.cacnk?0001020304050607");
	cb_manifest_path("office/1.2-3.cbm", c.digest, mpath);
	assert_string_equal(mpath,
			    "manifests/office/000102030405060708090a0b0c0d0e0f1011121314151"
			    "61718191a1b1c1d1e1f.1.2-3.cbm");
	/* The longest target path there can be: 64 + 1 + 64 + 4 characters. */
	char longest[64 + 1 + 64 + 4 + 1];
	memset(longest, 'n', sizeof(longest));
	longest[64] = '/';
	memcpy(longest + 129, ".cbm", 5);
	cb_manifest_path(longest, c.digest, mpath);
	assert_int_equal(strlen(mpath), 10 + 65 + 64 + 1 + 68);
}

/* A table that is as long as allowed is read to its end; one chunk more is refused by its count. */
static void most_chunks(void **state)
{
	(void)state;
	struct cb_manifest m = { .kind = CB_KIND_DISK, .arch = CB_ARCH_X86_64, .n_segments = 1 };
	struct cb_chunk *chunks = calloc(CB_MANIFEST_MAX_CHUNKS, sizeof(*chunks));
	for (uint32_t i = 0; i < CB_MANIFEST_MAX_CHUNKS; i++)
		chunks[i].raw_len = chunks[i].stored_len = 1;
	m.n_chunks = CB_MANIFEST_MAX_CHUNKS;
	m.raw_total = m.stored_total = CB_MANIFEST_MAX_CHUNKS;
	m.segments[0] = (struct cb_segment){ .role = CB_ROLE_DISK,
					     .n_chunks = CB_MANIFEST_MAX_CHUNKS,
					     .raw_len = CB_MANIFEST_MAX_CHUNKS };
	size_t len = cb_manifest_len(&m);
	assert_true(len <= CB_MANIFEST_MAX_LEN);
	uint8_t *file = malloc(len);
	cb_manifest_write(&m, chunks, file);
	struct cb_manifest back;
	assert_int_equal(cb_manifest_parse((struct cb_bytes){ file, len }, &back), CB_OK);
	free(file);
	free(chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(truncation_at_every_byte),
		cmocka_unit_test(every_bit_flip),
		cmocka_unit_test(wrong_fields),
		cmocka_unit_test(trailing_bytes),
		cmocka_unit_test(string_limits),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(most_segments),
		cmocka_unit_test(chunk_and_segment_sizes),
		cmocka_unit_test(paths),
		cmocka_unit_test(most_chunks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
