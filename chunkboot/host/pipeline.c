/* SPDX-License-Identifier: MIT */
/*
 * From segments to stored chunks: the calling thread cuts, workers do all the rest of a chunk. Two
 * equal chunks are stored once: the first worker to claim an id makes the file, the table of claims
 * tells the others whose result counts.
 */
#include "host/pipeline.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/chunk_maker.h"
#include "host/hash.h"
#include "host/processors.h"

#define PROGRESS_MS 100

struct piece {
	const uint8_t *raw;
	uint32_t same_as; /* index of the piece that stands for all with this id */
};

struct pipeline {
	const struct cb_pipeline_params *params;
	const struct cb_bytes *segments;
	unsigned n_segments;
	struct cb_pipeline_result *result;
	struct piece *pieces;
	uint32_t max_chunks;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work; /* to workers: something was cut */
	pthread_cond_t idle; /* to the cutter: a worker ended */
	uint32_t n_cut, n_taken;
	unsigned n_hashed; /* segments whose SHA-256 was taken on */
	bool is_all_cut;
	uint32_t *claims; /* open addressing by id; piece index + 1, 0: free */
	uint32_t claims_mask;
	uint64_t done_bytes;
	unsigned n_running;
	enum cb_err err;
	struct cb_error error;
};

struct worker {
	struct pipeline *p;
	pthread_t thread;
	struct cb_chunk_maker maker;
};

/* ---- Workers ---- */

/* The piece that stands for this id: i itself when it is the first. With the lock held. */
static uint32_t claim(struct pipeline *p, uint32_t i)
{
	const struct cb_chunk *chunks = p->result->chunks;
	uint32_t at = cb_le32(chunks[i].id) & p->claims_mask;

	for (; p->claims[at] != 0; at = (at + 1) & p->claims_mask) {
		uint32_t other = p->claims[at] - 1;

		if (memcmp(chunks[other].id, chunks[i].id, CB_DIGEST_LEN) == 0)
			return other;
	}
	p->claims[at] = i + 1;
	return i;
}

static void count(struct pipeline *p, const struct cb_chunk *c, enum cb_chunk_fate fate)
{
	if (fate == CB_CHUNK_REUSED)
		p->result->reused_bytes += c->stored_len;
	else
		p->result->new_bytes += c->stored_len;
	p->result->n_replaced += fate == CB_CHUNK_REPLACED;
}

static enum cb_err do_piece(struct worker *w, uint32_t i, struct cb_error *e)
{
	struct pipeline *p = w->p;
	struct cb_chunk *c = &p->result->chunks[i];
	enum cb_chunk_fate fate;

	cb_chunk_maker_load(&w->maker, p->pieces[i].raw, c);
	pthread_mutex_lock(&p->lock);
	uint32_t first = claim(p, i);
	pthread_mutex_unlock(&p->lock);
	p->pieces[i].same_as = first;
	if (first != i)
		return CB_OK;
	enum cb_err err = cb_chunk_maker_store(&w->maker, c, &fate, e);

	if (err != CB_OK)
		return err;
	pthread_mutex_lock(&p->lock);
	count(p, c, fate);
	pthread_mutex_unlock(&p->lock);
	return CB_OK;
}

enum task { TASK_SEGMENT, TASK_PIECE, TASK_NONE };

/* Waits for the next task; segments first, they are the longest. */
static enum task take(struct pipeline *p, uint32_t *ret)
{
	enum task task = TASK_NONE;

	pthread_mutex_lock(&p->lock);
	while (p->err == CB_OK && p->n_hashed == p->n_segments && p->n_taken == p->n_cut &&
	       !p->is_all_cut)
		pthread_cond_wait(&p->work, &p->lock);
	if (p->err == CB_OK && p->n_hashed < p->n_segments) {
		*ret = p->n_hashed++;
		task = TASK_SEGMENT;
	} else if (p->err == CB_OK && p->n_taken < p->n_cut) {
		*ret = p->n_taken++;
		task = TASK_PIECE;
	}
	pthread_mutex_unlock(&p->lock);
	return task;
}

static void note_failure(struct pipeline *p, enum cb_err err, const struct cb_error *e)
{
	pthread_mutex_lock(&p->lock);
	if (p->err == CB_OK) {
		p->err = err;
		p->error = *e;
	}
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
}

static void *worker_main(void *ctx)
{
	struct worker *w = ctx;
	struct pipeline *p = w->p;
	struct cb_error e = { 0 };
	enum cb_err err = cb_chunk_maker_init(&w->maker, p->params);
	uint32_t i;

	for (enum task task; err == CB_OK && (task = take(p, &i)) != TASK_NONE;) {
		if (task == TASK_SEGMENT)
			cb_hash_sha256(p->segments[i], p->result->segments[i].sha256);
		else
			err = do_piece(w, i, &e);
		pthread_mutex_lock(&p->lock);
		p->done_bytes += task == TASK_PIECE ? p->result->chunks[i].raw_len : 0;
		pthread_mutex_unlock(&p->lock);
	}
	if (err != CB_OK)
		note_failure(p, err, &e);
	cb_chunk_maker_done(&w->maker);
	pthread_mutex_lock(&p->lock);
	p->n_running--;
	pthread_cond_signal(&p->idle);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- The calling thread ---- */

static enum cb_err add_piece(struct pipeline *p, struct cb_bytes raw, struct cb_error *e)
{
	uint32_t i = p->n_cut; /* only this thread writes it */

	if (i == p->max_chunks) {
		enum cb_err too_many = cb_fail(e, CB_MANIFEST_FORMAT, "more than %u chunks", i);

		cb_fail_hint(e, "use a larger --chunk-size");
		return too_many;
	}
	p->pieces[i].raw = raw.p;
	p->result->chunks[i].raw_len = (uint32_t)raw.len;
	pthread_mutex_lock(&p->lock);
	p->n_cut = i + 1;
	enum cb_err err = p->err;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
	return err;
}

static enum cb_err cut_all(struct pipeline *p, struct cb_error *e)
{
	struct cb_cutter cutter = cb_cutter_of(p->params->size);

	for (unsigned i = 0; i < p->n_segments; i++) {
		struct cb_pipeline_segment *s = &p->result->segments[i];
		struct cb_bytes rest = p->segments[i];

		s->first_chunk = p->n_cut;
		while (rest.len > 0) {
			size_t len = cb_cutter_next(&cutter, rest);
			enum cb_err err = add_piece(p, (struct cb_bytes){ rest.p, len }, e);

			if (err != CB_OK)
				return err;
			rest = (struct cb_bytes){ rest.p + len, rest.len - len };
		}
		s->n_chunks = p->n_cut - s->first_chunk;
	}
	return CB_OK;
}

static uint64_t total_len(const struct pipeline *p)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < p->n_segments; i++)
		total += p->segments[i].len;
	return total;
}

static void wait_for_workers(struct pipeline *p)
{
	uint64_t total = total_len(p);

	pthread_mutex_lock(&p->lock);
	p->is_all_cut = true;
	pthread_cond_broadcast(&p->work);
	while (p->n_running > 0) {
		struct timespec until;
		uint64_t done = p->done_bytes;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		if (p->params->on_progress != NULL) {
			pthread_mutex_unlock(&p->lock);
			p->params->on_progress(p->params->ctx, done, total);
			pthread_mutex_lock(&p->lock);
		}
		if (p->n_running > 0)
			pthread_cond_timedwait(&p->idle, &p->lock, &until);
	}
	pthread_mutex_unlock(&p->lock);
}

/* Starts up to n workers; fewer are fine as long as there is one. */
static unsigned start(struct pipeline *p, struct worker *workers, unsigned n)
{
	unsigned started = 0;

	p->n_running = n;
	for (; started < n; started++) {
		workers[started] = (struct worker){ .p = p };
		if (pthread_create(&workers[started].thread, NULL, worker_main,
				   &workers[started]) != 0)
			break;
	}
	pthread_mutex_lock(&p->lock);
	p->n_running -= n - started;
	pthread_mutex_unlock(&p->lock);
	return started;
}

static enum cb_err run(struct pipeline *p, struct cb_error *e)
{
	unsigned n = cb_count_processors(p->params->n_threads);
	struct cb_error mine = { 0 };
	struct worker *workers = calloc(n, sizeof(*workers));
	unsigned started = workers == NULL ? 0 : start(p, workers, n);
	enum cb_err err = started == 0 ? CB_NO_MEMORY : cut_all(p, &mine);

	if (err != CB_OK)
		note_failure(p, err, &mine);
	wait_for_workers(p);
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
	if (p->err != CB_OK && e != NULL)
		*e = p->error;
	return p->err;
}

/* Copies what the first of equal chunks has to the others, and adds up. */
static void settle(struct pipeline *p)
{
	struct cb_pipeline_result *r = p->result;

	r->n_chunks = p->n_cut;
	for (uint32_t i = 0; i < r->n_chunks; i++) {
		const struct cb_chunk *first = &r->chunks[p->pieces[i].same_as];

		memcpy(r->chunks[i].digest, first->digest, CB_DIGEST_LEN);
		r->chunks[i].stored_len = first->stored_len;
		r->stored_total += first->stored_len;
	}
}

/* Upper bound of the number of chunks, at most one more than allowed. */
static uint32_t bound_chunks(const struct pipeline *p)
{
	const struct cb_chunk_size *s = &p->params->size;
	bool is_fixed = s->min == s->avg && s->avg == s->max;
	uint64_t least = is_fixed || s->min > CB_CUTTER_WINDOW ? s->min : CB_CUTTER_WINDOW;
	uint64_t n = 1;

	for (unsigned i = 0; i < p->n_segments; i++)
		n += p->segments[i].len / least + 1;
	return n < CB_MANIFEST_MAX_CHUNKS ? (uint32_t)n : CB_MANIFEST_MAX_CHUNKS;
}

static enum cb_err allocate(struct pipeline *p)
{
	uint32_t n_claims = 16;

	p->max_chunks = bound_chunks(p);
	while (n_claims < 2 * p->max_chunks)
		n_claims *= 2;
	p->claims_mask = n_claims - 1;
	p->claims = calloc(n_claims, sizeof(*p->claims));
	p->pieces = calloc(p->max_chunks, sizeof(*p->pieces));
	p->result->chunks = calloc(p->max_chunks, sizeof(*p->result->chunks));
	return p->claims == NULL || p->pieces == NULL || p->result->chunks == NULL ? CB_NO_MEMORY :
										     CB_OK;
}

enum cb_err cb_pipeline_run(const struct cb_pipeline_params *params,
			    const struct cb_bytes *segments, unsigned n_segments,
			    struct cb_pipeline_result *ret, struct cb_error *e)
{
	struct cb_pipeline_result result = { 0 };
	struct pipeline p = {
		.params = params,
		.segments = segments,
		.n_segments = n_segments,
		.result = &result,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.work = PTHREAD_COND_INITIALIZER,
		.idle = PTHREAD_COND_INITIALIZER,
	};
	enum cb_err err = allocate(&p);

	if (err == CB_OK)
		err = run(&p, e);
	if (err == CB_OK) {
		settle(&p);
		*ret = result;
	} else {
		cb_pipeline_result_done(&result);
	}
	free(p.claims);
	free(p.pieces);
	pthread_cond_destroy(&p.work);
	pthread_cond_destroy(&p.idle);
	pthread_mutex_destroy(&p.lock);
	return err;
}

void cb_pipeline_result_done(struct cb_pipeline_result *r)
{
	free(r->chunks);
	*r = (struct cb_pipeline_result){ 0 };
}
