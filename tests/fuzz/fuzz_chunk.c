/* SPDX-License-Identifier: MIT */
/* Fuzzes chunk decoding with signed rubbish: two bytes of raw length, then the stored bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void *fuzz_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void fuzz_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct cb_mem mem = { .alloc = fuzz_alloc, .free = fuzz_free };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cb_decoder *decoder;
	if (!decoder && cb_decoder_new(&mem, &decoder) != CB_OK)
		abort();
	struct cb_reader r = cb_reader_of((struct cb_bytes){ data, len });
	struct cb_chunk c = { .raw_len = cb_read_le16(&r) };
	struct cb_bytes stored = r.rest;
	if (r.failed)
		return 0;
	c.stored_len = (uint32_t)stored.len;
	cb_blake2b_256(stored, c.digest);
	uint8_t *out = malloc(c.raw_len + 1u);
	if (!out)
		return 0;
	enum cb_err err = cb_chunk_open(decoder, &c, stored, out);
	if (err != CB_OK && err != CB_CHUNK_DECODE)
		abort();
	free(out);
	return 0;
}
