/* SPDX-License-Identifier: MIT */
/* Looks into a simulated machine's cache from outside. */
#include "sim_cache.h"
#include "sim_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *plain_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void plain_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

/* Not the machine's memory: looking is no allocation of its. */
static const struct cb_mem plain = { NULL, plain_alloc, plain_free };

struct sim_block *sim_cache_new(uint64_t seed, uint64_t n_blocks)
{
	static const uint8_t id[CB_CACHE_ID_LEN] = { 7 };
	struct sim_block *disk = sim_block_new(seed, SIM_SECTOR, n_blocks);
	struct cb_block device = sim_block(disk);

	if (cb_cache_format(&plain, &device, 0, id) != CB_OK)
		abort();
	return disk;
}

static bool is_good(struct cb_cache *c, enum cb_cache_kind kind, const uint8_t *key,
		    struct cb_cache_reading r)
{
	enum cb_cache_progress progress = CB_CACHE_AGAIN;
	uint8_t *buf = sim_grow(NULL, r.room), digest[CB_DIGEST_LEN];
	bool is = false;

	while (progress == CB_CACHE_AGAIN)
		progress = cb_cache_read(c, &r, buf);
	if (kind == CB_CACHE_CHUNK)
		cb_blake2b_256((struct cb_bytes){ buf, r.len }, digest);
	else if (kind == CB_CACHE_MANIFEST)
		cb_sha256((struct cb_bytes){ buf, r.len }, digest);
	else
		memcpy(digest, key, sizeof(digest)); /* the trailer has proven it */
	is = progress == CB_CACHE_DONE && memcmp(digest, key, sizeof(digest)) == 0;
	free(buf);
	return is;
}

void sim_cache_look(struct sim_block *disk, struct sim_cache_view *ret)
{
	struct sim_block_faults saved = *sim_block_faults(disk);
	struct cb_block device = sim_block(disk);
	struct cb_cache_reading reading;
	struct cb_cache *c;
	uint64_t at = 0;

	memset(ret, 0, sizeof(*ret));
	*sim_block_faults(disk) = (struct sim_block_faults){ 0 };
	if (cb_cache_new(&plain, &device, &c) != CB_OK)
		abort();
	while (cb_cache_step(c) == CB_CACHE_OPENING)
		;
	ret->is_open = cb_cache_state(c) == CB_CACHE_OPEN;
	cb_cache_stats(c, &ret->stats);
	ret->layout = c->layout;
	if (c->layout.n_segments > SIM_CACHE_MAX_SEGMENTS)
		abort();
	for (uint32_t i = 0; ret->is_open && i < c->layout.n_segments; i++)
		ret->generation[i] = c->segments[i].generation;
	while (ret->n < SIM_CACHE_MAX_RECORDS) {
		struct sim_cache_record *r = &ret->records[ret->n];

		if (!cb_cache_next(c, &at, &r->kind, r->key, &reading))
			break;
		r->segment = reading.ref / c->layout.max_entries;
		r->generation = reading.generation;
		r->is_good = is_good(c, r->kind, r->key, reading);
		ret->n++;
	}
	cb_cache_free(c);
	*sim_block_faults(disk) = saved;
}

const struct sim_cache_record *sim_cache_find(const struct sim_cache_view *v,
					      enum cb_cache_kind kind, const uint8_t *key)
{
	for (unsigned i = 0; i < v->n; i++)
		if (v->records[i].kind == kind &&
		    memcmp(v->records[i].key, key, CB_DIGEST_LEN) == 0)
			return &v->records[i];
	return NULL;
}

unsigned sim_cache_n_bad(const struct sim_cache_view *v, bool with_accounts)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n; i++)
		n += !v->records[i].is_good &&
			(with_accounts || v->records[i].kind != CB_CACHE_ACCOUNT);
	return n;
}

void sim_cache_rot(struct sim_block *disk, uint64_t seed, unsigned of)
{
	uint64_t random = seed * 0x9e3779b97f4a7c15u;
	size_t len;
	uint8_t *bytes = sim_block_bytes(disk, &len);

	for (size_t at = 0; at < len; at += SIM_SECTOR) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		if ((random >> 33) % of == 0)
			bytes[at + (random >> 40) % SIM_SECTOR] ^= 0x20;
	}
}

/* ---- The boot record ---- */

static const char *behind(const struct sim_boot *b, const char *text)
{
	struct cb_bytes json =
		sim_handed_over(cb_boot_result(b->boot), ".extra/chunkboot/boot.json");
	const char *at = json.p ? memmem(json.p, json.len, text, strlen(text)) : NULL;

	return at ? at + strlen(text) : NULL;
}

uint64_t sim_record_number(const struct sim_boot *b, const char *member)
{
	char text[64];
	const char *at;

	snprintf(text, sizeof(text), "\"%s\":", member);
	at = behind(b, text);
	return at ? strtoull(at, NULL, 10) : UINT64_MAX;
}

bool sim_record_says(const struct sim_boot *b, const char *text)
{
	return behind(b, text) != NULL;
}
