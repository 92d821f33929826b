/* SPDX-License-Identifier: MIT */
/* Fetches one image: manifest, memory check, then all chunks into contiguous buffers. */
#include "core/imagefetch.h"

#include <assert.h>
#include <string.h>

#include "core/cachefill.h"
#include "core/imageplan.h"

/* One byte in so many of spare memory may hold what waits to be written to the cache. */
#define FILL_SHARE 4u

struct cb_imagefetch {
	const struct cb_platform *platform;
	struct cb_fetch *fetch;
	struct cb_tuf_target target;
	struct cb_job *job;
	struct cb_crew *crew; /* NULL: no chunk has been asked for yet */
	uint32_t n_to_come; /* chunks that are neither done nor with the crew */
	uint8_t *manifest_bytes;
	struct cb_manifest manifest;
	bool has_manifest, is_manifest_new; /* new: not from the cache */
	struct cb_imageplan plan;
	uint64_t done_bytes;
	enum cb_err refusal; /* last verdict on bytes that did arrive */
	enum cb_err err; /* sticky */
	bool is_done;
	char subject[CB_FETCH_PATH_MAX];
	struct cb_cachefill fill; /* what the cache is to get */
};

static void set_subject(struct cb_imagefetch *im, const char *path)
{
	size_t len = strlen(path);

	if (len >= sizeof(im->subject))
		len = sizeof(im->subject) - 1;
	memcpy(im->subject, path, len);
	im->subject[len] = '\0';
}

/* ---- manifest ---- */

static void describe_manifest(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_imagefetch *im = ctx;

	(void)item;
	*ret = (struct cb_fetch_item){
		.len = (uint32_t)im->target.len,
		.is_exact = true,
		.digest = CB_DIGEST_SHA256,
		.cache_kind = CB_CACHE_MANIFEST,
		.source = CB_FETCH_ANY_SOURCE,
	};
	cb_manifest_path(im->target.path, im->target.sha256, ret->path);
	memcpy(ret->expect, im->target.sha256, sizeof(ret->expect));
	memcpy(ret->key, im->target.sha256, sizeof(ret->key));
}

static enum cb_err deliver_manifest(void *ctx, uint32_t item, struct cb_bytes bytes,
				    unsigned source)
{
	struct cb_imagefetch *im = ctx;

	(void)item;
	im->manifest_bytes = cb_alloc(&im->platform->mem, bytes.len);
	if (!im->manifest_bytes) {
		im->err = CB_NO_MEMORY;
		return CB_OK;
	}
	memcpy(im->manifest_bytes, bytes.p, bytes.len);
	/* What is signed and yet malformed is the same on every mirror: no use to ask again. */
	im->err = cb_manifest_parse((struct cb_bytes){ im->manifest_bytes, bytes.len },
				    &im->manifest);
	im->has_manifest = im->err == CB_OK;
	im->is_manifest_new = source != CB_FETCH_CACHE;
	return CB_OK;
}

/* ---- chunks ---- */

static void describe_chunk(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_imagefetch *im = ctx;
	struct cb_chunk chunk;

	cb_manifest_chunk(&im->manifest, item, &chunk);
	*ret = (struct cb_fetch_item){
		.len = chunk.stored_len,
		.is_exact = true,
		.digest = CB_DIGEST_NONE, /* cb_chunk_open verifies */
		.cache_kind = CB_CACHE_CHUNK,
		.source = CB_FETCH_ANY_SOURCE,
	};
	memcpy(ret->key, chunk.digest, sizeof(ret->key));
	cb_chunk_path(&chunk, ret->path);
}

/* A chunk that has come, on its way through the crew. */
struct arrival {
	struct cb_piece piece; /* first */
	struct cb_held held;
};

static enum cb_err take_chunk(void *ctx, const struct cb_held *held)
{
	struct cb_imagefetch *im = ctx;
	struct arrival *a = cb_alloc(&im->platform->mem, sizeof(*a));

	if (!a)
		return CB_NO_MEMORY;
	a->held = *held;
	cb_imageplan_piece(&im->plan, held->item, &a->piece);
	a->piece.stored = (struct cb_bytes){ held->bytes, held->len };
	cb_crew_add(im->crew, &a->piece);
	im->n_to_come--;
	return CB_OK;
}

static void drop_arrival(struct cb_imagefetch *im, struct arrival *a)
{
	cb_free(&im->platform->mem, a->held.bytes);
	cb_free(&im->platform->mem, a);
}

/* A good chunk: what is not from the cache goes there. Deferred, its bytes stay where they wait. */
static void keep_chunk(struct cb_imagefetch *im, struct arrival *a)
{
	bool is_waiting = a->piece.task == CB_PIECE_KEEP;
	struct cb_bytes bytes = { is_waiting ? a->piece.out : a->held.bytes, a->held.len };

	im->done_bytes += a->held.len;
	if (a->held.source == CB_FETCH_CACHE)
		return;
	cb_cachefill_add(&im->fill, CB_CACHE_CHUNK, a->piece.chunk.digest, bytes,
			 is_waiting ? NULL : a->held.bytes);
	if (!is_waiting)
		a->held.bytes = NULL;
}

/* Judges what the crew has done. */
static void settle_chunks(struct cb_imagefetch *im)
{
	struct arrival *a;

	while ((a = (struct arrival *)cb_crew_done(im->crew))) {
		if (a->piece.err == CB_OK) {
			keep_chunk(im, a);
		} else {
			im->refusal = a->piece.err;
			im->n_to_come++;
		}
		cb_job_settle(im->job, &a->held, a->piece.err);
		drop_arrival(im, a);
	}
}

static void open_chunks(struct cb_imagefetch *im, uint64_t *ret_wake_ms)
{
	/* A piece takes longer than the network device can do without being polled; while nothing is
	 * read, nothing comes. */
	bool helps = cb_fetch_is_full(im->fetch) || im->n_to_come == 0;

	settle_chunks(im);
	if (cb_crew_step(im->crew, helps)) {
		settle_chunks(im);
		*ret_wake_ms = 0;
	}
}

/* ---- steps ---- */

static enum cb_err submit(struct cb_imagefetch *im, const struct cb_job_params *params)
{
	im->refusal = CB_OK;
	return cb_fetch_submit(im->fetch, params, &im->job);
}

static enum cb_err start_manifest(struct cb_imagefetch *im)
{
	return submit(im,
		      &(struct cb_job_params){
			      .ctx = im,
			      .n_items = 1,
			      .describe = describe_manifest,
			      .deliver = deliver_manifest,
			      .absent_err = CB_MANIFEST_HASH,
			      .wrong_err = CB_MANIFEST_HASH,
		      });
}

/* From here on the cache keeps this version; spare: bytes of memory that may hold what it lacks. */
static void begin_fill(struct cb_imagefetch *im, uint64_t spare)
{
	struct cb_cache *cache = cb_fetch_cache(im->fetch);

	cb_cachefill_init(&im->fill, im->platform, cache, (size_t)(spare / FILL_SHARE));
	if (!cache)
		return;
	cb_cache_keep(cache, im->target.name, im->target.sha256);
	if (im->is_manifest_new)
		cb_cachefill_add(&im->fill, CB_CACHE_MANIFEST, im->target.sha256,
				 im->manifest.bytes, NULL);
}

static enum cb_err start_chunks(struct cb_imagefetch *im)
{
	const struct cb_platform *p = im->platform;
	uint64_t free_bytes = p->free_memory ? p->free_memory(p->ctx) : 0;
	enum cb_err err = cb_imageplan_make(&p->mem, &im->manifest, free_bytes, &im->plan);

	if (err == CB_OK)
		err = cb_crew_new(im->platform, &im->crew);
	if (err != CB_OK)
		return err;
	im->n_to_come = im->manifest.n_chunks;
	begin_fill(im, cb_imageplan_spare(&im->plan, free_bytes));
	return submit(im,
		      &(struct cb_job_params){
			      .ctx = im,
			      .n_items = im->manifest.n_chunks,
			      .describe = describe_chunk,
			      .take = take_chunk,
			      .absent_err = CB_CHUNK_MISSING,
			      .wrong_err = CB_CHUNK_HASH,
			      .priority = 1,
		      });
}

/* The object a failed job was about, by name. */
static void name_item(struct cb_imagefetch *im, uint32_t item)
{
	struct cb_fetch_item what;

	if (im->has_manifest)
		describe_chunk(im, item, &what);
	else
		describe_manifest(im, item, &what);
	set_subject(im, what.path);
}

static void end_job(struct cb_imagefetch *im)
{
	struct arrival *a;

	while (im->crew && (a = (struct arrival *)cb_crew_abandon(im->crew)))
		drop_arrival(im, a);
	cb_job_free(im->job);
	im->job = NULL;
}

static enum cb_err turn(struct cb_imagefetch *im, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;
	uint32_t item = 0;

	if (im->crew)
		open_chunks(im, ret_wake_ms);
	switch (cb_job_status(im->job, &err, &item)) {
	case CB_JOB_RUNNING:
		return CB_OK;
	case CB_JOB_DONE:
		end_job(im);
		if (im->err != CB_OK)
			return im->err;
		im->is_done = im->crew != NULL;
		return im->is_done ? CB_OK : start_chunks(im);
	case CB_JOB_FAILED:
		break;
	}
	name_item(im, item);
	end_job(im);
	/* A refusal tells more than "wrong bytes"; after one the network may still have failed. */
	bool is_wrong = err == CB_CHUNK_HASH || err == CB_MANIFEST_HASH;
	return is_wrong && im->refusal != CB_OK ? im->refusal : err;
}

uint64_t cb_imagefetch_need(const struct cb_imagefetch *im)
{
	return im->has_manifest ? cb_imageplan_need(&im->manifest) : 0;
}

enum cb_job_status cb_imagefetch_step(struct cb_imagefetch *im, uint64_t *ret_wake_ms,
				      enum cb_err *ret_err)
{
	if (im->err == CB_OK && !im->is_done)
		im->err = im->job ? turn(im, ret_wake_ms) : start_manifest(im);
	if (im->err != CB_OK) {
		*ret_err = im->err;
		return CB_JOB_FAILED;
	}
	return im->is_done ? CB_JOB_DONE : CB_JOB_RUNNING;
}

const char *cb_imagefetch_subject(const struct cb_imagefetch *im)
{
	return im->subject;
}

const struct cb_manifest *cb_imagefetch_manifest(const struct cb_imagefetch *im)
{
	return im->has_manifest ? &im->manifest : NULL;
}

const struct cb_tuf_target *cb_imagefetch_target(const struct cb_imagefetch *im)
{
	return &im->target;
}

void cb_imagefetch_progress(const struct cb_imagefetch *im, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = im->done_bytes;
	*ret_total = im->has_manifest ? im->manifest.stored_total : 0;
}

struct cb_bytes cb_imagefetch_segment(const struct cb_imagefetch *im, unsigned i)
{
	const struct cb_segment *s = &im->manifest.segments[i];
	struct cb_piece first;

	if (s->n_chunks == 0)
		return (struct cb_bytes){ NULL, 0 };
	assert(s->role != CB_ROLE_INITRD || !im->plan.is_deferred);
	cb_imageplan_piece(&im->plan, s->first_chunk, &first);
	return (struct cb_bytes){ first.out, (size_t)s->raw_len };
}

void cb_imagefetch_free_first(struct cb_imagefetch *im)
{
	cb_free(&im->platform->mem, im->plan.first);
	im->plan.first = NULL;
}

bool cb_imagefetch_is_deferred(const struct cb_imagefetch *im)
{
	return im->plan.is_deferred;
}

size_t cb_imagefetch_initrd_len(const struct cb_imagefetch *im)
{
	return (size_t)im->plan.initrd_len;
}

enum cb_err cb_imagefetch_serve(struct cb_imagefetch *im, uint8_t *out)
{
	uint32_t chunk = 0;
	enum cb_err err = cb_imageplan_serve(&im->plan, im->crew, out, &chunk);

	if (err == CB_CHUNK_DECODE)
		name_item(im, chunk);
	return err;
}

enum cb_err cb_imagefetch_new(const struct cb_platform *platform, struct cb_fetch *fetch,
			      const struct cb_tuf_target *target, struct cb_imagefetch **ret)
{
	struct cb_imagefetch *im;

	if (target->len > CB_MANIFEST_MAX_LEN)
		return CB_MANIFEST_FORMAT;
	im = cb_alloc_zeroed(&platform->mem, sizeof(*im));
	if (!im)
		return CB_NO_MEMORY;
	im->platform = platform;
	im->fetch = fetch;
	im->target = *target;
	set_subject(im, target->path);
	*ret = im;
	return CB_OK;
}

bool cb_imagefetch_write_back(struct cb_imagefetch *im)
{
	return cb_cachefill_step(&im->fill);
}

bool cb_imagefetch_is_cached(const struct cb_imagefetch *im)
{
	const struct cb_cache *cache = cb_fetch_cache(im->fetch);
	struct cb_cache_reading r;
	struct cb_chunk chunk;

	if (!cache || !cb_cache_find(cache, CB_CACHE_MANIFEST, im->target.sha256, &r))
		return false;
	for (uint32_t i = 0; i < im->manifest.n_chunks; i++) {
		cb_manifest_chunk(&im->manifest, i, &chunk);
		if (!cb_cache_find(cache, CB_CACHE_CHUNK, chunk.digest, &r))
			return false;
	}
	return true;
}

void cb_imagefetch_detach(struct cb_imagefetch *im)
{
	end_job(im);
	cb_cachefill_done(&im->fill);
	im->fetch = NULL;
}

void cb_imagefetch_free(struct cb_imagefetch *im)
{
	const struct cb_mem *mem;

	if (!im)
		return;
	mem = &im->platform->mem;
	cb_imagefetch_detach(im);
	cb_crew_free(im->crew);
	cb_imageplan_done(&im->plan);
	cb_free(mem, im->manifest_bytes);
	cb_free(mem, im);
}
