/* SPDX-License-Identifier: MIT */
/* One chunk from raw bytes to its file in the store. */
#include "host/chunk_maker.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "host/hash.h"
#include "host/heap.h"

/*
 * The default level with smaller search tables: those of level 9 are as large as two chunks and miss
 * the second-level cache. On 60 MB of /usr, one core: 50.8 instead of 42.1 MB/s, 0.23 % more bytes.
 */
static bool set_level(ZSTD_CCtx *zstd, int level)
{
	if (ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level)))
		return false;
	return level != CB_LEVEL_DEFAULT ||
		(!ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_hashLog, 18)) &&
		 !ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_searchLog, 4)));
}

enum cb_err cb_chunk_maker_init(struct cb_chunk_maker *m, const struct cb_pipeline_params *params)
{
	size_t max = params->size.max < CB_CUTTER_WINDOW ? CB_CUTTER_WINDOW : params->size.max;

	*m = (struct cb_chunk_maker){ .params = params };
	m->stored_max = ZSTD_compressBound(max);
	m->raw = malloc(max);
	m->decoded = malloc(max);
	m->stored = malloc(m->stored_max);
	m->zstd = ZSTD_createCCtx();
	if (m->raw == NULL || m->decoded == NULL || m->stored == NULL || m->zstd == NULL ||
	    !set_level(m->zstd, params->level))
		return CB_NO_MEMORY;
	return cb_decoder_new(&cb_heap, &m->decoder);
}

void cb_chunk_maker_done(struct cb_chunk_maker *m)
{
	free(m->raw);
	free(m->decoded);
	free(m->stored);
	ZSTD_freeCCtx(m->zstd);
	cb_decoder_free(m->decoder);
	*m = (struct cb_chunk_maker){ 0 };
}

/*
 * A copy, because the input may be a mapped file that someone writes to: id and content of a chunk
 * must not disagree whatever happens, other images may come to share it.
 */
void cb_chunk_maker_load(struct cb_chunk_maker *m, const uint8_t *raw, struct cb_chunk *c)
{
	memcpy(m->raw, raw, c->raw_len);
	cb_hash_sha512_256((struct cb_bytes){ m->raw, c->raw_len }, c->id);
}

static void set_stored(struct cb_chunk *c, struct cb_bytes stored)
{
	c->stored_len = (uint32_t)stored.len;
	cb_blake2b_256(stored, c->digest);
}

/* Is there a chunk file that the loader would accept for these very bytes? Then *c describes it. */
static enum cb_err look_up(struct cb_chunk_maker *m, struct cb_chunk *c,
			   enum cb_chunk_fate *ret_fate, struct cb_error *e)
{
	size_t len;
	enum cb_err err = cb_store_read(m->params->store, c->id, m->stored, m->stored_max, &len, e);

	*ret_fate = err == CB_NOT_FOUND ? CB_CHUNK_NEW : CB_CHUNK_REPLACED;
	if (err == CB_NOT_FOUND || err == CB_CHUNK_HASH)
		return CB_OK;
	if (err != CB_OK)
		return err;
	struct cb_bytes stored = { m->stored, len };

	set_stored(c, stored);
	if (cb_chunk_open(m->decoder, c, stored, m->decoded) == CB_OK &&
	    memcmp(m->decoded, m->raw, c->raw_len) == 0)
		*ret_fate = CB_CHUNK_REUSED;
	return CB_OK;
}

static enum cb_err compress(struct cb_chunk_maker *m, struct cb_chunk *c, struct cb_error *e)
{
	size_t len = ZSTD_compress2(m->zstd, m->stored, m->stored_max, m->raw, c->raw_len);

	if (ZSTD_isError(len))
		return cb_fail(e, CB_NO_MEMORY, "zstd: %s", ZSTD_getErrorName(len));
	struct cb_bytes stored = { m->stored, len };

	set_stored(c, stored);
	return m->params->is_dry_run ? CB_OK : cb_store_write(m->params->store, c->id, stored, e);
}

enum cb_err cb_chunk_maker_store(struct cb_chunk_maker *m, struct cb_chunk *c,
				 enum cb_chunk_fate *ret_fate, struct cb_error *e)
{
	enum cb_err err = look_up(m, c, ret_fate, e);

	if (err == CB_OK && *ret_fate != CB_CHUNK_REUSED)
		err = compress(m, c, e);
	return err;
}
