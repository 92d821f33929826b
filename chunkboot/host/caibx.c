/* SPDX-License-Identifier: MIT */
/* casync blob index: index header (48 bytes), table head (16), items (40 each), tail (40). */
#include "host/caibx.h"

#include <string.h>

/* Names of things in casync's format, data for interoperability (casync 2, src/caformat.h). */
#define FORMAT_INDEX 0x96824d9c7b129ff9u
#define FORMAT_TABLE 0xe75b9e112f17417du
#define FORMAT_TABLE_TAIL 0x4b4f050e5549ecd1u
#define FLAG_SHA512_256 0x2000000000000000u
#define FLAGS_DEFAULT 0xb000000000000000u /* what `casync make` writes for a blob */

#define INDEX_LEN 48

static bool read_size(struct cb_reader *r, uint32_t *ret)
{
	uint64_t n = cb_read_le64(r);

	*ret = (uint32_t)n;
	return n >= 1 && n <= CB_CAIBX_MAX_CHUNK;
}

static bool read_head(struct cb_reader *r, struct cb_caibx *x)
{
	bool is_good = cb_read_le64(r) == INDEX_LEN && cb_read_le64(r) == FORMAT_INDEX &&
		(cb_read_le64(r) & FLAG_SHA512_256) != 0;

	return is_good && read_size(r, &x->size.min) && read_size(r, &x->size.avg) &&
		read_size(r, &x->size.max) && x->size.min <= x->size.avg &&
		x->size.avg <= x->size.max && cb_read_le64(r) == UINT64_MAX &&
		cb_read_le64(r) == FORMAT_TABLE;
}

static bool items_are_good(const struct cb_caibx *x)
{
	struct cb_caibx_item item;
	uint64_t start = 0;

	for (uint32_t i = 0; i < x->n_chunks; i++, start = item.end) {
		cb_caibx_item(x, i, &item);
		/* A window that must fill first makes chunks of up to 48 bytes, whatever max says. */
		if (item.end <= start ||
		    (item.end - start > x->size.max && item.end - start > CB_CUTTER_WINDOW))
			return false;
	}
	return true;
}

enum cb_err cb_caibx_parse(struct cb_bytes file, struct cb_caibx *ret)
{
	struct cb_caibx x = { 0 };
	struct cb_reader r = cb_reader_of(file);

	if (file.len < CB_CAIBX_HEAD_LEN + CB_CAIBX_TAIL_LEN)
		return CB_MANIFEST_FORMAT;
	size_t items_len = file.len - CB_CAIBX_HEAD_LEN - CB_CAIBX_TAIL_LEN;

	if (items_len % CB_CAIBX_ITEM_LEN != 0 ||
	    items_len / CB_CAIBX_ITEM_LEN > CB_MANIFEST_MAX_CHUNKS || !read_head(&r, &x))
		return CB_MANIFEST_FORMAT;
	x.n_chunks = (uint32_t)(items_len / CB_CAIBX_ITEM_LEN);
	x.items = cb_read_bytes(&r, items_len);
	cb_read_zeros(&r, 16);
	if (cb_read_le64(&r) != INDEX_LEN ||
	    cb_read_le64(&r) != items_len + 16 + CB_CAIBX_TAIL_LEN ||
	    cb_read_le64(&r) != FORMAT_TABLE_TAIL || !cb_reader_is_done(&r) || !items_are_good(&x))
		return CB_MANIFEST_FORMAT;
	*ret = x;
	return CB_OK;
}

void cb_caibx_item(const struct cb_caibx *x, uint32_t i, struct cb_caibx_item *ret)
{
	const uint8_t *p = x->items.p + (size_t)i * CB_CAIBX_ITEM_LEN;

	ret->end = cb_le64(p);
	memcpy(ret->id, p + 8, CB_DIGEST_LEN);
}

size_t cb_caibx_len(uint32_t n_chunks)
{
	return CB_CAIBX_HEAD_LEN + (size_t)n_chunks * CB_CAIBX_ITEM_LEN + CB_CAIBX_TAIL_LEN;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	cb_put_le64(p, v);
	return p + 8;
}

void cb_caibx_write(struct cb_chunk_size size, const struct cb_chunk *chunks, uint32_t n_chunks,
		    uint8_t *out)
{
	uint64_t end = 0;
	uint8_t *p = put64(out, INDEX_LEN);

	p = put64(p, FORMAT_INDEX);
	p = put64(p, FLAGS_DEFAULT);
	p = put64(p, size.min);
	p = put64(p, size.avg);
	p = put64(p, size.max);
	p = put64(p, UINT64_MAX);
	p = put64(p, FORMAT_TABLE);
	for (uint32_t i = 0; i < n_chunks; i++) {
		end += chunks[i].raw_len;
		p = put64(p, end);
		memcpy(p, chunks[i].id, CB_DIGEST_LEN);
		p += CB_DIGEST_LEN;
	}
	p = put64(put64(p, 0), 0);
	p = put64(p, INDEX_LEN);
	p = put64(p, 16 + (uint64_t)n_chunks * CB_CAIBX_ITEM_LEN + CB_CAIBX_TAIL_LEN);
	put64(p, FORMAT_TABLE_TAIL);
}
