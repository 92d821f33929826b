/* SPDX-License-Identifier: MIT */
/*
 * Decompressors that say where a compressed stream ends. The libraries are used directly: libarchive
 * reads on behind the stream, and an initramfs may have another archive there.
 */
#include "host/unfilter.h"

#include <bzlib.h>
#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_STEP (4u << 20)
#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZ4_LEGACY_BLOCK (8u << 20)

static enum cb_err damaged(struct cb_error *e)
{
	return cb_fail(e, CB_ARCHIVE_FORMAT, "compressed archive");
}

/* Room for the next step of output; IO when the limit is reached. */
static enum cb_err room_for(struct cb_scratch *out, size_t *ret_n, struct cb_error *e)
{
	enum cb_err err = cb_scratch_reserve(out, OUT_STEP, ret_n, e);

	if (err == CB_OK && *ret_n == 0)
		return cb_scratch_full(out, e);
	return err;
}

static unsigned clamp_uint(size_t n)
{
	return n > UINT_MAX / 2 ? UINT_MAX / 2 : (unsigned)n;
}

/* ---- gzip ---- */

static enum cb_err gzip_loop(z_stream *z, struct cb_bytes in, struct cb_scratch *out,
			     size_t *ret_used, struct cb_error *e)
{
	size_t used = 0, n;
	int status = Z_OK;

	while (status != Z_STREAM_END) {
		enum cb_err err = room_for(out, &n, e);

		if (err != CB_OK)
			return err;
		unsigned in_n = clamp_uint(in.len - used), out_n = (unsigned)n;

		z->next_in = (Bytef *)(uintptr_t)(in.p + used);
		z->avail_in = in_n;
		z->next_out = out->p + out->len;
		z->avail_out = out_n;
		status = inflate(z, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END)
			return damaged(e);
		used += in_n - z->avail_in;
		out->len += out_n - z->avail_out;
	}
	*ret_used = used;
	return CB_OK;
}

static enum cb_err run_gzip(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			    struct cb_error *e)
{
	z_stream z = { 0 };

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return cb_fail(e, CB_NO_MEMORY, "gzip");
	enum cb_err err = gzip_loop(&z, in, out, ret_used, e);

	inflateEnd(&z);
	return err;
}

/* ---- bzip2 ---- */

static enum cb_err bzip2_loop(bz_stream *z, struct cb_bytes in, struct cb_scratch *out,
			      size_t *ret_used, struct cb_error *e)
{
	size_t used = 0, n;
	int status = BZ_OK;

	while (status != BZ_STREAM_END) {
		enum cb_err err = room_for(out, &n, e);

		if (err != CB_OK)
			return err;
		unsigned in_n = clamp_uint(in.len - used), out_n = (unsigned)n;

		z->next_in = (char *)(uintptr_t)(in.p + used);
		z->avail_in = in_n;
		z->next_out = (char *)out->p + out->len;
		z->avail_out = out_n;
		status = BZ2_bzDecompress(z);
		/* Unlike zlib it does not call a lack of input an error. */
		bool is_stuck = z->avail_in == in_n && z->avail_out == out_n;

		if (status != BZ_STREAM_END && (status != BZ_OK || is_stuck))
			return damaged(e);
		used += in_n - z->avail_in;
		out->len += out_n - z->avail_out;
	}
	*ret_used = used;
	return CB_OK;
}

static enum cb_err run_bzip2(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			     struct cb_error *e)
{
	bz_stream z = { 0 };

	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return cb_fail(e, CB_NO_MEMORY, "bzip2");
	enum cb_err err = bzip2_loop(&z, in, out, ret_used, e);

	BZ2_bzDecompressEnd(&z);
	return err;
}

/* ---- xz and lzma ---- */

static enum cb_err lzma_loop(lzma_stream *z, struct cb_bytes in, struct cb_scratch *out,
			     size_t *ret_used, struct cb_error *e)
{
	lzma_ret status = LZMA_OK;

	z->next_in = in.p;
	z->avail_in = in.len;
	while (status != LZMA_STREAM_END) {
		size_t n;
		enum cb_err err = room_for(out, &n, e);

		if (err != CB_OK)
			return err;
		z->next_out = out->p + out->len;
		z->avail_out = n;
		status = lzma_code(z, LZMA_RUN);
		if (status == LZMA_MEM_ERROR)
			return cb_fail(e, CB_NO_MEMORY, "xz");
		if (status != LZMA_OK && status != LZMA_STREAM_END)
			return damaged(e);
		out->len += n - z->avail_out;
	}
	*ret_used = in.len - z->avail_in;
	return CB_OK;
}

static enum cb_err run_xz(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			  struct cb_error *e)
{
	lzma_stream z = LZMA_STREAM_INIT;

	if (lzma_stream_decoder(&z, CB_UNFILTER_XZ_MEMORY, 0) != LZMA_OK)
		return cb_fail(e, CB_NO_MEMORY, "xz");
	enum cb_err err = lzma_loop(&z, in, out, ret_used, e);

	lzma_end(&z);
	return err;
}

static enum cb_err run_lzma(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			    struct cb_error *e)
{
	lzma_stream z = LZMA_STREAM_INIT;

	if (lzma_alone_decoder(&z, CB_UNFILTER_XZ_MEMORY) != LZMA_OK)
		return cb_fail(e, CB_NO_MEMORY, "lzma");
	enum cb_err err = lzma_loop(&z, in, out, ret_used, e);

	lzma_end(&z);
	return err;
}

/* ---- zstd ---- */

static enum cb_err zstd_loop(ZSTD_DStream *z, struct cb_bytes in, struct cb_scratch *out,
			     size_t *ret_used, struct cb_error *e)
{
	ZSTD_inBuffer from = { in.p, in.len, 0 };
	size_t left = 1;

	while (left != 0) {
		size_t n, at = from.pos;
		enum cb_err err = room_for(out, &n, e);

		if (err != CB_OK)
			return err;
		ZSTD_outBuffer to = { out->p + out->len, n, 0 };

		left = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(left) || (left != 0 && to.pos == 0 && from.pos == at))
			return damaged(e);
		out->len += to.pos;
	}
	*ret_used = from.pos;
	return CB_OK;
}

static enum cb_err run_zstd(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			    struct cb_error *e)
{
	ZSTD_DStream *z = ZSTD_createDStream();

	if (z == NULL ||
	    ZSTD_isError(
		    ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, CB_UNFILTER_ZSTD_WINDOW_LOG))) {
		ZSTD_freeDStream(z);
		return cb_fail(e, CB_NO_MEMORY, "zstd");
	}
	enum cb_err err = zstd_loop(z, in, out, ret_used, e);

	ZSTD_freeDStream(z);
	return err;
}

/* ---- lz4 ---- */

static enum cb_err lz4_loop(LZ4F_dctx *z, struct cb_bytes in, struct cb_scratch *out,
			    size_t *ret_used, struct cb_error *e)
{
	size_t used = 0, left = 1;

	while (left != 0) {
		size_t in_n = in.len - used, out_n;
		enum cb_err err = room_for(out, &out_n, e);

		if (err != CB_OK)
			return err;
		left = LZ4F_decompress(z, out->p + out->len, &out_n, in.p + used, &in_n, NULL);
		if (LZ4F_isError(left) || (left != 0 && in_n == 0 && out_n == 0))
			return damaged(e);
		used += in_n;
		out->len += out_n;
	}
	*ret_used = used;
	return CB_OK;
}

static enum cb_err run_lz4(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
			   struct cb_error *e)
{
	LZ4F_dctx *z;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
		return cb_fail(e, CB_NO_MEMORY, "lz4");
	enum cb_err err = lz4_loop(z, in, out, ret_used, e);

	LZ4F_freeDecompressionContext(z);
	return err;
}

/* One block: decoded in place at the end of out. */
static enum cb_err lz4_block(struct cb_bytes block, struct cb_scratch *out, struct cb_error *e)
{
	size_t n;
	enum cb_err err = cb_scratch_reserve(out, LZ4_LEGACY_BLOCK, &n, e);

	if (err != CB_OK)
		return err;
	int len = LZ4_decompress_safe((const char *)block.p, (char *)out->p + out->len,
				      (int)block.len, (int)n);

	if (len < 0)
		return n < LZ4_LEGACY_BLOCK ? cb_scratch_full(out, e) : damaged(e);
	out->len += (size_t)len;
	return CB_OK;
}

/*
 * What `lz4 -l` writes and the kernel reads: magic, then blocks of u32 length + data, each 8 MiB of
 * output but the last. Nothing marks the end. As in the kernel (lib/decompress_unlz4.c) a length of
 * 0 is one, the magic again starts over, and what cannot be a length is something else.
 */
static enum cb_err run_lz4_legacy(struct cb_bytes in, struct cb_scratch *out, size_t *ret_used,
				  struct cb_error *e)
{
	struct cb_reader r = cb_reader_of(in);

	cb_read_le32(&r);
	while (r.rest.len >= 4) {
		uint32_t len = cb_le32(r.rest.p);

		if (len == 0 ||
		    (len != LZ4_LEGACY_MAGIC && len > LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK)))
			break;
		cb_read_le32(&r);
		if (len == LZ4_LEGACY_MAGIC)
			continue;
		struct cb_bytes block = cb_read_bytes(&r, len);
		enum cb_err err = r.failed ? damaged(e) : lz4_block(block, out, e);

		if (err != CB_OK)
			return err;
	}
	*ret_used = in.len - r.rest.len;
	return CB_OK;
}

const struct cb_unfilter *cb_unfilter_find(struct cb_bytes in)
{
	static const struct cb_unfilter table[] = {
		{ "gzip", "\x1f\x8b", 2, run_gzip },
		{ "bzip2", "BZh", 3, run_bzip2 },
		{ "xz",
		  "\xfd"
		  "7zXZ",
		  6, run_xz },
		{ "lzma", "\x5d\0\0", 3, run_lzma },
		{ "zstd", "\x28\xb5\x2f\xfd", 4, run_zstd },
		{ "lz4", "\x04\x22\x4d\x18", 4, run_lz4 },
		{ "lz4 (legacy)", "\x02\x21\x4c\x18", 4, run_lz4_legacy },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (in.len >= table[i].magic_len &&
		    memcmp(in.p, table[i].magic, table[i].magic_len) == 0)
			return &table[i];
	return NULL;
}
