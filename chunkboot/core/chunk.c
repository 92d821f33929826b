/* SPDX-License-Identifier: MIT */
/* Chunk verification and bounded decompression. */
#define ZSTD_STATIC_LINKING_ONLY
#include "core/chunk.h"

#include <zstd.h>

/* The zstd context lies in the same allocation, behind this head. */
struct cb_decoder {
	struct cb_mem mem;
	ZSTD_DCtx *ctx;
};

#define HEAD_LEN ((sizeof(struct cb_decoder) + 15) & ~(size_t)15)

enum cb_err cb_decoder_new(const struct cb_mem *mem, struct cb_decoder **ret)
{
	size_t ctx_len = ZSTD_estimateDCtxSize(), len;
	if (!cb_add(HEAD_LEN, ctx_len, &len))
		return CB_NO_MEMORY;
	struct cb_decoder *d = cb_alloc(mem, len);
	if (!d)
		return CB_NO_MEMORY;
	d->mem = *mem;
	d->ctx = ZSTD_initStaticDCtx((uint8_t *)d + HEAD_LEN, ctx_len);
	if (!d->ctx) {
		cb_free(mem, d);
		return CB_INTERNAL;
	}
	*ret = d;
	return CB_OK;
}

void cb_decoder_free(struct cb_decoder *d)
{
	if (!d)
		return;
	struct cb_mem mem = d->mem;
	cb_free(&mem, d);
}

enum cb_err cb_chunk_verify(const struct cb_chunk *c, struct cb_bytes stored)
{
	uint8_t digest[CB_DIGEST_LEN];
	if (stored.len != c->stored_len)
		return CB_CHUNK_HASH;
	cb_blake2b_256(stored, digest);
	return cb_equal_ct(digest, c->digest, sizeof(digest)) ? CB_OK : CB_CHUNK_HASH;
}

/* Is this the one kind of frame that is accepted? See the header. */
static bool is_plain_frame(const struct cb_chunk *c, struct cb_bytes stored)
{
	ZSTD_frameHeader h;
	if (ZSTD_getFrameHeader(&h, stored.p, stored.len) != 0)
		return false;
	if (h.frameType != ZSTD_frame || h.dictID != 0)
		return false;
	/* casync's streaming encoder leaves the size out; decoding is bounded by raw_len anyway. */
	if (h.frameContentSize != ZSTD_CONTENTSIZE_UNKNOWN && h.frameContentSize != c->raw_len)
		return false;
	if (h.windowSize > (1ull << CB_CHUNK_MAX_WINDOW_LOG))
		return false;
	return ZSTD_findFrameCompressedSize(stored.p, stored.len) == stored.len;
}

enum cb_err cb_chunk_open(struct cb_decoder *d, const struct cb_chunk *c, struct cb_bytes stored,
			  uint8_t *out)
{
	enum cb_err err = cb_chunk_verify(c, stored);
	return err == CB_OK ? cb_chunk_open_kept(d, c, stored, out) : err;
}

enum cb_err cb_chunk_open_kept(struct cb_decoder *d, const struct cb_chunk *c, struct cb_bytes kept,
			       uint8_t *out)
{
	if (!is_plain_frame(c, kept))
		return CB_CHUNK_DECODE;
	size_t n = ZSTD_decompressDCtx(d->ctx, out, c->raw_len, kept.p, kept.len);
	return n == c->raw_len ? CB_OK : CB_CHUNK_DECODE;
}
