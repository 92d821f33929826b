/* SPDX-License-Identifier: MIT */
/* Unit tests of chunk verification and decoding; the decoder itself is watched through --wrap. */
/* LINK: -Wl,--wrap=ZSTD_decompressDCtx -Wl,--wrap=ZSTD_getFrameHeader */
/* LINK: -Wl,--wrap=ZSTD_findFrameCompressedSize */
#define ZSTD_STATIC_LINKING_ONLY
#include "testport.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "core/chunk.h"

/* Calls of anything in zstd that looks at stored bytes. */
static unsigned n_decoder_calls;

size_t __real_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *dst, size_t cap, const void *src,
				  size_t len);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *dst, size_t cap, const void *src,
				  size_t len);
size_t __real_ZSTD_getFrameHeader(ZSTD_frameHeader *h, const void *src, size_t len);
size_t __wrap_ZSTD_getFrameHeader(ZSTD_frameHeader *h, const void *src, size_t len);
size_t __real_ZSTD_findFrameCompressedSize(const void *src, size_t len);
size_t __wrap_ZSTD_findFrameCompressedSize(const void *src, size_t len);

size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *ctx, void *dst, size_t cap, const void *src,
				  size_t len)
{
	n_decoder_calls++;
	return __real_ZSTD_decompressDCtx(ctx, dst, cap, src, len);
}

size_t __wrap_ZSTD_getFrameHeader(ZSTD_frameHeader *h, const void *src, size_t len)
{
	n_decoder_calls++;
	return __real_ZSTD_getFrameHeader(h, src, len);
}

size_t __wrap_ZSTD_findFrameCompressedSize(const void *src, size_t len)
{
	n_decoder_calls++;
	return __real_ZSTD_findFrameCompressedSize(src, len);
}

#define RAW_LEN 100000u

struct fixture {
	struct testport tp;
	struct cb_decoder *d;
	uint8_t raw[RAW_LEN];
	uint8_t out[RAW_LEN];
	uint8_t stored[3 * RAW_LEN];
	size_t stored_len;
};

/* Half noise, half pattern, so that all block types occur. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct cb_mem mem = testport_mem(&f->tp);
	struct testport_rng rng = { 4 };
	static const char pattern[] = "chunk of text";
	testport_fill(&rng, f->raw, RAW_LEN / 2);
	for (size_t i = RAW_LEN / 2; i < RAW_LEN; i++)
		f->raw[i] = (uint8_t)((unsigned)pattern[i % 13] + i / 4096);
	if (cb_decoder_new(&mem, &f->d) != CB_OK)
		return -1;
	n_decoder_calls = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cb_decoder_free(f->d);
	testport_assert_no_leak(&f->tp);
	free(f);
	return 0;
}

struct frame_params {
	int level;
	bool no_size, no_check;
};

static void compress(struct fixture *f, size_t raw_len, struct frame_params p)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, p.level);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, p.no_size ? 0 : 1);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, p.no_check ? 0 : 1);
	f->stored_len = ZSTD_compress2(ctx, f->stored, sizeof(f->stored), f->raw, raw_len);
	assert_false(ZSTD_isError(f->stored_len));
	ZSTD_freeCCtx(ctx);
}

/* A signed entry for what is stored now, whatever that is. */
static struct cb_chunk sign(const struct fixture *f, size_t raw_len)
{
	struct cb_chunk c = { .stored_len = (uint32_t)f->stored_len, .raw_len = (uint32_t)raw_len };
	cb_blake2b_256((struct cb_bytes){ f->stored, f->stored_len }, c.digest);
	return c;
}

static enum cb_err open_chunk(struct fixture *f, const struct cb_chunk *c)
{
	return cb_chunk_open(f->d, c, (struct cb_bytes){ f->stored, f->stored_len }, f->out);
}

static void good_chunks(void **state)
{
	static const struct frame_params params[] = {
		{ .level = 1 },
		{ .level = 9 },
		{ .level = 19 },
		{ .level = 3, .no_check = true },
		{ .level = 3, .no_size = true },
	};
	static const size_t lens[] = { 1, 2, 255, 256, 257, 65536, RAW_LEN };
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		for (size_t k = 0; k < sizeof(lens) / sizeof(lens[0]); k++) {
			compress(f, lens[k], params[i]);
			struct cb_chunk c = sign(f, lens[k]);
			memset(f->out, 0xee, RAW_LEN);
			assert_int_equal(open_chunk(f, &c), CB_OK);
			assert_memory_equal(f->out, f->raw, lens[k]);
			if (lens[k] < RAW_LEN)
				assert_int_equal(f->out[lens[k]], 0xee);
		}
}

/* The test the trust chain hangs on: a good frame with other content never reaches zstd. */
static void valid_frame_of_wrong_content(void **state)
{
	struct fixture *f = *state;
	compress(f, RAW_LEN, (struct frame_params){ .level = 9 });
	struct cb_chunk c = sign(f, RAW_LEN);
	assert_int_equal(open_chunk(f, &c), CB_OK);
	assert_true(n_decoder_calls > 0);

	n_decoder_calls = 0;
	f->raw[12345] ^= 1;
	compress(f, RAW_LEN, (struct frame_params){ .level = 9 });
	c.stored_len = (uint32_t)f->stored_len; /* even with the right length */
	memset(f->out, 0xee, RAW_LEN);
	assert_int_equal(open_chunk(f, &c), CB_CHUNK_HASH);
	assert_int_equal(n_decoder_calls, 0);
	for (size_t i = 0; i < RAW_LEN; i++)
		assert_int_equal(f->out[i], 0xee);
}

static void every_flipped_bit_stays_outside(void **state)
{
	struct fixture *f = *state;
	compress(f, 600, (struct frame_params){ .level = 9 });
	struct cb_chunk c = sign(f, 600);
	n_decoder_calls = 0;
	for (size_t bit = 0; bit < 8 * f->stored_len; bit++) {
		f->stored[bit / 8] = (uint8_t)(f->stored[bit / 8] ^ (1u << bit % 8));
		assert_int_equal(open_chunk(f, &c), CB_CHUNK_HASH);
		f->stored[bit / 8] = (uint8_t)(f->stored[bit / 8] ^ (1u << bit % 8));
	}
	for (size_t len = 0; len <= f->stored_len + 1; len++) {
		struct cb_bytes cut = { f->stored, len };
		enum cb_err err = cb_chunk_verify(&c, cut);
		assert_int_equal(err, len == f->stored_len ? CB_OK : CB_CHUNK_HASH);
	}
	for (unsigned bit = 0; bit < 256; bit++) {
		c.digest[bit / 8] = (uint8_t)(c.digest[bit / 8] ^ (1u << bit % 8));
		assert_int_equal(open_chunk(f, &c), CB_CHUNK_HASH);
		c.digest[bit / 8] = (uint8_t)(c.digest[bit / 8] ^ (1u << bit % 8));
	}
	assert_int_equal(cb_chunk_verify(&c, (struct cb_bytes){ NULL, 0 }), CB_CHUNK_HASH);
	c.stored_len++; /* of another length than it was signed with */
	assert_int_equal(open_chunk(f, &c), CB_CHUNK_HASH);
	c.stored_len--;
	assert_int_equal(n_decoder_calls, 0);
	assert_int_equal(open_chunk(f, &c), CB_OK);
}

/* From here on: bytes that are signed as they are, but are not what a chunk may be. */
static void assert_undecodable(struct fixture *f, size_t raw_len)
{
	struct cb_chunk c = sign(f, raw_len);
	/* The last byte of the room, one further would be seen by the sanitizer. */
	uint8_t *room = malloc(raw_len ? raw_len : 1);
	struct cb_bytes stored = { f->stored, f->stored_len };
	assert_int_equal(cb_chunk_open(f->d, &c, stored, room), CB_CHUNK_DECODE);
	free(room);
}

static void wrong_length(void **state)
{
	struct fixture *f = *state;
	static const struct frame_params params[] = { { .level = 3 },
						      { .level = 3, .no_size = true } };
	for (size_t i = 0; i < 2; i++) {
		compress(f, 5000, params[i]);
		assert_undecodable(f, 4999);
		assert_undecodable(f, 5001);
		assert_undecodable(f, 1);
		assert_undecodable(f, 0);
	}
}

static void bomb(void **state)
{
	struct fixture *f = *state;
	const size_t len = 64u << 20;
	uint8_t *zeros = calloc(1, len);
	f->stored_len = ZSTD_compress(f->stored, sizeof(f->stored), zeros, len, 19);
	free(zeros);
	assert_false(ZSTD_isError(f->stored_len));
	assert_undecodable(f, 4096);
}

static void frames_around(void **state)
{
	struct fixture *f = *state;
	const uint8_t skippable[12] = { 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4 };
	compress(f, 3000, (struct frame_params){ .level = 3 });
	size_t one = f->stored_len;
	/* trailing byte */
	f->stored[one] = 0;
	f->stored_len = one + 1;
	assert_undecodable(f, 3000);
	/* two frames */
	memmove(f->stored + one, f->stored, one);
	f->stored_len = 2 * one;
	assert_undecodable(f, 3000);
	assert_undecodable(f, 6000);
	/* skippable frame behind, in front, alone */
	memcpy(f->stored + one, skippable, sizeof(skippable));
	f->stored_len = one + sizeof(skippable);
	assert_undecodable(f, 3000);
	memmove(f->stored + sizeof(skippable), f->stored, one);
	memcpy(f->stored, skippable, sizeof(skippable));
	assert_undecodable(f, 3000);
	f->stored_len = sizeof(skippable);
	assert_undecodable(f, 4);
	assert_undecodable(f, 0);
	/* nothing, and rubbish */
	f->stored_len = 0;
	assert_undecodable(f, 1);
	memset(f->stored, 0x55, 100);
	f->stored_len = 100;
	assert_undecodable(f, 100);
}

static void every_truncated_frame(void **state)
{
	struct fixture *f = *state;
	compress(f, 2000, (struct frame_params){ .level = 9 });
	for (size_t len = f->stored_len; len-- > 0;) {
		f->stored_len = len;
		assert_undecodable(f, 2000);
	}
}

static void window_too_large(void **state)
{
	struct fixture *f = *state;
	/* RFC 8878 §3.1.1.1.2: without a content size byte 5 says the window, as exponent << 3 and eighths. */
	compress(f, 2000, (struct frame_params){ .level = 3, .no_size = true });
	f->stored[5] = (23 - 10) << 3;
	struct cb_chunk c = sign(f, 2000);
	assert_int_equal(open_chunk(f, &c), CB_OK);
	f->stored[5] = (24 - 10) << 3;
	assert_undecodable(f, 2000);
	f->stored[5] = (23 - 10) << 3 | 1;
	assert_undecodable(f, 2000);
}

static void dictionary(void **state)
{
	struct fixture *f = *state;
	compress(f, 2000, (struct frame_params){ .level = 3 });
	/* Set the dictionary flag and put an id of one byte behind the header's first bytes. */
	size_t at = (f->stored[4] & 0x20) ? 5 : 6;
	memmove(f->stored + at + 1, f->stored + at, f->stored_len - at);
	f->stored[4] |= 1;
	f->stored[at] = 7;
	f->stored_len++;
	assert_undecodable(f, 2000);
}

static void damaged_but_signed(void **state)
{
	struct fixture *f = *state;
	compress(f, 3000, (struct frame_params){ .level = 3 });
	/* The frame's own check sum catches what the block format does not. */
	f->stored[f->stored_len - 1] ^= 1;
	assert_undecodable(f, 3000);
	/* The decoder works on after a failure. */
	f->stored[f->stored_len - 1] ^= 1;
	struct cb_chunk c = sign(f, 3000);
	assert_int_equal(open_chunk(f, &c), CB_OK);
}

static void allocation(void **state)
{
	(void)state;
	struct testport tp = { 0 };
	struct cb_mem mem = testport_mem(&tp);
	struct cb_decoder *d = NULL;
	testport_fail_at(&tp, 1);
	assert_int_equal(cb_decoder_new(&mem, &d), CB_NO_MEMORY);
	assert_null(d);
	assert_int_equal(cb_decoder_new(&mem, &d), CB_OK);
	assert_int_equal(tp.n_allocs, 2); /* a single block */
	cb_decoder_free(d);
	cb_decoder_free(NULL);
	testport_assert_no_leak(&tp);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fixture(good_chunks),
		with_fixture(valid_frame_of_wrong_content),
		with_fixture(every_flipped_bit_stays_outside),
		with_fixture(wrong_length),
		with_fixture(bomb),
		with_fixture(frames_around),
		with_fixture(every_truncated_frame),
		with_fixture(window_too_large),
		with_fixture(dictionary),
		with_fixture(damaged_but_signed),
		cmocka_unit_test(allocation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
