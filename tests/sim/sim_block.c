/* SPDX-License-Identifier: MIT */
/* The simulator's block device: a record of writes and flushes, and what a power cut leaves of it. */
#include "sim_block.h"

#include <stdlib.h>
#include <string.h>

/* A write, or with bytes NULL a flush. */
struct event {
	uint8_t *bytes;
	size_t at, len;
};

struct sim_block {
	uint32_t block_len;
	uint64_t n_blocks;
	size_t len;
	uint8_t *bytes, *first; /* as they are; as they were */
	struct event *events;
	unsigned n_events, max_events;
	/* What is surely on the device before event n_sure. */
	uint8_t *sure;
	unsigned n_sure;
	struct sim_block_faults faults;
	uint64_t n_reads, read_bytes;
};

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static uint64_t random_of(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct sim_block *sim_block_new(uint64_t seed, uint32_t block_len, uint64_t n_blocks)
{
	struct sim_block *b = must(calloc(1, sizeof *b));

	b->block_len = block_len;
	b->n_blocks = n_blocks;
	b->len = (size_t)n_blocks * block_len;
	b->bytes = must(malloc(b->len));
	for (size_t i = 0; i + 8 <= b->len; i += 8) {
		uint64_t v = random_of(&seed);
		memcpy(b->bytes + i, &v, sizeof v);
	}
	return b;
}

void sim_block_free(struct sim_block *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->n_events; i++)
		free(b->events[i].bytes);
	free(b->events);
	free(b->first);
	free(b->sure);
	free(b->bytes);
	free(b);
}

struct sim_block_faults *sim_block_faults(struct sim_block *b)
{
	return &b->faults;
}

/* ---- The device ---- */

static size_t place_of(const struct sim_block *b, uint64_t lba, size_t len)
{
	if (len == 0 || len % b->block_len != 0 || lba > b->n_blocks ||
	    len / b->block_len > b->n_blocks - lba)
		abort();
	return (size_t)lba * b->block_len;
}

static bool is_due(const struct sim_block *b, uint64_t *n)
{
	if (*n == 0)
		return false;
	if (*n > 1) {
		--*n;
		return false;
	}
	if (!b->faults.fails_on)
		*n = 0;
	return true;
}

static enum cb_err block_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	struct sim_block *b = ctx;
	size_t at = place_of(b, lba, len);

	b->n_reads++;
	b->read_bytes += len;
	if (b->faults.on_read)
		b->faults.on_read(b->faults.ctx, len);
	if (is_due(b, &b->faults.fail_read))
		return CB_IO;
	memcpy(buf, b->bytes + at, len);
	if (b->faults.rots > 0 && b->n_reads % b->faults.rots == 0)
		buf[b->n_reads * 7919 % len] ^= 0x10;
	return CB_OK;
}

static void record(struct sim_block *b, const uint8_t *bytes, size_t at, size_t len)
{
	struct event *e;

	if (!b->first) {
		b->first = must(malloc(b->len));
		memcpy(b->first, b->bytes, b->len);
	}
	if (b->n_events == b->max_events) {
		b->max_events = b->max_events ? 2 * b->max_events : 64;
		b->events = must(realloc(b->events, b->max_events * sizeof *b->events));
	}
	e = &b->events[b->n_events++];
	*e = (struct event){ .at = at, .len = len };
	if (!bytes)
		return;
	e->bytes = must(malloc(len));
	memcpy(e->bytes, bytes, len);
}

static enum cb_err block_write(void *ctx, uint64_t lba, const uint8_t *buf, size_t len)
{
	struct sim_block *b = ctx;
	size_t at = place_of(b, lba, len);

	if (b->faults.on_write)
		b->faults.on_write(b->faults.ctx, len);
	if (b->faults.is_readonly || is_due(b, &b->faults.fail_write))
		return CB_IO;
	if (b->faults.full_at > 0 && lba + len / b->block_len > b->faults.full_at)
		return CB_IO;
	record(b, buf, at, len);
	memcpy(b->bytes + at, buf, len);
	return CB_OK;
}

static enum cb_err block_flush(void *ctx)
{
	struct sim_block *b = ctx;

	if (!b->faults.is_lying)
		record(b, NULL, 0, 0);
	return CB_OK;
}

struct cb_block sim_block(struct sim_block *b)
{
	return (struct cb_block){
		b, b->block_len, b->n_blocks, block_read, block_write, block_flush
	};
}

/* ---- Power cuts ---- */

unsigned sim_block_n_events(const struct sim_block *b)
{
	return b->n_events;
}

/* Sectors of an event, each with one chance in `of` to be lost. */
static void apply(uint8_t *bytes, const struct event *e, uint64_t *random, unsigned of)
{
	for (size_t i = 0; i < e->len; i += SIM_SECTOR)
		if (of == 0 || random_of(random) % of != 0)
			memcpy(bytes + e->at + i, e->bytes + i, SIM_SECTOR);
}

/* All that a flush behind it makes sure. */
static void advance(struct sim_block *b, unsigned n)
{
	if (!b->sure) {
		b->sure = must(malloc(b->len));
		memcpy(b->sure, b->first ? b->first : b->bytes, b->len);
	}
	if (n < b->n_sure)
		abort();
	for (unsigned last = n; last > b->n_sure; last--) {
		if (b->events[last - 1].bytes)
			continue;
		for (; b->n_sure < last; b->n_sure++)
			apply(b->sure, &b->events[b->n_sure], NULL, 0);
	}
}

struct sim_block *sim_block_cut(struct sim_block *b, unsigned n, uint64_t seed)
{
	struct sim_block *cut = must(calloc(1, sizeof *cut));
	uint64_t random = seed;

	advance(b, n);
	cut->block_len = b->block_len;
	cut->n_blocks = b->n_blocks;
	cut->len = b->len;
	cut->bytes = must(malloc(b->len));
	memcpy(cut->bytes, b->sure, b->len);
	for (unsigned i = b->n_sure; i < n; i++) {
		/* A write may have made it, or not at all, or in part. */
		uint64_t kind = seed ? random_of(&random) % 4 : 0;
		if (kind != 1)
			apply(cut->bytes, &b->events[i], &random, kind == 0 ? 0 : (unsigned)kind);
	}
	return cut;
}

uint8_t *sim_block_bytes(struct sim_block *b, size_t *ret_len)
{
	*ret_len = b->len;
	return b->bytes;
}

uint64_t sim_block_n_reads(const struct sim_block *b)
{
	return b->n_reads;
}

uint64_t sim_block_read_bytes(const struct sim_block *b)
{
	return b->read_bytes;
}
