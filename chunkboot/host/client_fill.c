/* SPDX-License-Identifier: MIT */
/* Fills a cache: the manifest of an image's newest version, then the chunks that are missing. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/client_private.h"

#define COMMIT_BYTES (64u << 20) /* so much at most is fetched again when this is killed */
#define MAX_PASSES 3 /* making room may cost chunks that are needed: they are fetched again */
#define PAUSE_MS 20

struct fill {
	struct cb_client *client;
	struct cb_tuf_target target;
	uint8_t *manifest_bytes;
	struct cb_manifest manifest;
	enum cb_err manifest_err;
	uint32_t *missing; /* chunks, by number in the manifest */
	uint32_t n_missing;
	struct cb_job *job;
	uint64_t uncommitted_bytes, rate, start_ms, start_bytes;
	struct cb_fill_stats stats;
};

static struct cb_cache *cache_of(const struct fill *f)
{
	return f->client->params.cache;
}

static uint64_t now_ms(const struct fill *f)
{
	const struct cb_platform *p = &f->client->platform;
	return p->now_ms(p->ctx);
}

/* ---- Manifest: from the cache, if it is there ---- */

static void describe_manifest(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct fill *f = ctx;
	(void)item;
	ret->len = (uint32_t)f->target.len;
	ret->is_exact = true;
	ret->digest = CB_DIGEST_SHA256;
	ret->cache_kind = CB_CACHE_MANIFEST;
	cb_manifest_path(f->target.path, f->target.sha256, ret->path);
	memcpy(ret->expect, f->target.sha256, sizeof(ret->expect));
	memcpy(ret->key, f->target.sha256, sizeof(ret->key));
}

static enum cb_err deliver_manifest(void *ctx, uint32_t item, struct cb_bytes bytes,
				    unsigned source)
{
	struct fill *f = ctx;
	(void)item;
	(void)source;
	f->manifest_bytes = malloc(bytes.len + 1);
	if (f->manifest_bytes == NULL)
		return CB_NO_MEMORY;
	memcpy(f->manifest_bytes, bytes.p, bytes.len);
	f->manifest_err =
		cb_manifest_parse((struct cb_bytes){ f->manifest_bytes, bytes.len }, &f->manifest);
	return CB_OK;
}

/* ---- Chunks ---- */

static struct cb_chunk chunk_of(const struct fill *f, uint32_t item)
{
	struct cb_chunk chunk;
	cb_manifest_chunk(&f->manifest, f->missing[item], &chunk);
	return chunk;
}

static void describe_chunk(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	struct cb_chunk chunk = chunk_of(ctx, item);
	ret->len = chunk.stored_len;
	ret->is_exact = true;
	ret->digest = CB_DIGEST_BLAKE2B_256;
	memcpy(ret->expect, chunk.digest, sizeof(ret->expect));
	cb_chunk_path(&chunk, ret->path);
}

static enum cb_err deliver_chunk(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct fill *f = ctx;
	struct cb_chunk chunk = chunk_of(f, item);
	(void)source;
	if (!cb_cache_append(cache_of(f), CB_CACHE_CHUNK, chunk.digest, bytes))
		return CB_OK;
	f->stats.n_put++;
	f->stats.put_bytes += bytes.len;
	f->uncommitted_bytes += bytes.len;
	if (f->uncommitted_bytes >= COMMIT_BYTES && cb_cache_commit(cache_of(f)))
		f->uncommitted_bytes = 0;
	return CB_OK;
}

static void find_missing(struct fill *f)
{
	struct cb_cache_reading r;
	f->n_missing = 0;
	for (uint32_t i = 0; i < f->manifest.n_chunks; i++) {
		struct cb_chunk chunk;
		cb_manifest_chunk(&f->manifest, i, &chunk);
		if (!cb_cache_find(cache_of(f), CB_CACHE_CHUNK, chunk.digest, &r))
			f->missing[f->n_missing++] = i;
	}
}

/* ---- Steps ---- */

/* The engine is left alone while it is ahead of the rate; TCP does the rest. */
static void pause_for_rate(const struct fill *f)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	if (f->rate == 0)
		return;
	while ((cb_client_body_bytes(f->client) - f->start_bytes) * 1000 >
	       (now_ms(f) - f->start_ms + PAUSE_MS) * f->rate)
		nanosleep(&pause, NULL);
}

static void report(const struct fill *f)
{
	const struct cb_client_params *p = &f->client->params;
	if (p->progress != NULL)
		p->progress(p->ctx, f->stats.put_bytes, f->manifest.stored_total);
}

static enum cb_err run_job(struct fill *f, const struct cb_job_params *params, struct cb_error *e)
{
	enum cb_err err = cb_fetch_submit(f->client->fetch, params, &f->job);
	uint32_t item = 0;
	if (err != CB_OK)
		return cb_fail(e, err, "%s", f->target.path);
	while (cb_job_status(f->job, &err, &item) == CB_JOB_RUNNING) {
		cb_client_wait(f->client, UINT64_MAX);
		pause_for_rate(f);
		report(f);
		/* what is full or broken stays so: no use to load the mirrors */
		if (!cb_cache_takes(cache_of(f)))
			break;
	}
	cb_job_free(f->job);
	f->job = NULL;
	if (err == CB_OK)
		return CB_OK;
	struct cb_fetch_item what = { 0 };
	params->describe(f, item, &what);
	return cb_fail(e, err, "%s", what.path);
}

static enum cb_err get_manifest(struct fill *f, struct cb_error *e)
{
	const struct cb_job_params params = {
		.ctx = f,
		.n_items = 1,
		.describe = describe_manifest,
		.deliver = deliver_manifest,
		.absent_err = CB_MANIFEST_HASH,
		.wrong_err = CB_MANIFEST_HASH,
	};
	enum cb_err err = run_job(f, &params, e);
	if (err == CB_OK && f->manifest_err != CB_OK)
		err = cb_fail(e, f->manifest_err, "%s", f->target.path);
	return err;
}

static enum cb_err get_chunks(struct fill *f, struct cb_error *e)
{
	struct cb_job_params params = {
		.ctx = f,
		.describe = describe_chunk,
		.deliver = deliver_chunk,
		.absent_err = CB_CHUNK_MISSING,
		.wrong_err = CB_CHUNK_HASH,
	};
	enum cb_err err = CB_OK;
	f->missing = calloc(f->manifest.n_chunks + 1, sizeof(*f->missing));
	if (f->missing == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", f->target.path);
	for (unsigned pass = 0; err == CB_OK && pass < MAX_PASSES && cb_cache_takes(cache_of(f));
	     pass++) {
		uint64_t n_put = f->stats.n_put;
		find_missing(f);
		if (pass == 0)
			f->stats.n_missing = f->n_missing;
		params.n_items = f->n_missing;
		if (f->n_missing == 0)
			break;
		err = run_job(f, &params, e);
		/* none is small enough for a segment of this cache */
		if (f->stats.n_put == n_put)
			break;
	}
	find_missing(f);
	return err;
}

static enum cb_err fill(struct fill *f, struct cb_error *e)
{
	struct cb_cache *cache = cache_of(f);
	enum cb_err err = get_manifest(f, e);
	if (err != CB_OK)
		return err;
	cb_cache_append(cache, CB_CACHE_MANIFEST, f->target.sha256, f->manifest.bytes);
	cb_cache_keep(cache, f->target.name, f->target.sha256);
	f->stats.n_chunks = f->manifest.n_chunks;
	err = get_chunks(f, e);
	f->stats.is_full = !cb_cache_takes(cache) || (err == CB_OK && f->n_missing > 0);
	/* what has come stays, whatever happened */
	if (!cb_cache_commit(cache) && err == CB_OK)
		err = cb_fail(e, CB_IO, "the cache");
	return err;
}

enum cb_err cb_client_fill(struct cb_client *c, const char *name, uint64_t rate,
			   struct cb_fill_stats *ret, struct cb_error *e)
{
	struct fill f = { .client = c, .rate = rate };
	enum cb_err err = cb_client_find(c, name, &f.target);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", name);
	f.start_ms = now_ms(&f);
	f.start_bytes = cb_client_body_bytes(c);
	err = fill(&f, e);
	free(f.manifest_bytes);
	free(f.missing);
	*ret = f.stats;
	return err;
}
