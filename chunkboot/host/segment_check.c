/* SPDX-License-Identifier: MIT */
/*
 * Reads a segment back: workers verify and decode chunks ahead into a ring, whoever completes the
 * next one in order feeds the segment's hash, as only that has to go in sequence.
 */
#include "host/segment_check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/chunk.h"
#include "host/hash.h"
#include "host/heap.h"
#include "host/processors.h"

struct slot {
	uint8_t *raw;
	uint32_t len;
	bool is_ready;
};

struct checker {
	const struct cb_segment_check *check;
	const struct cb_segment *segment;
	size_t raw_max, stored_max; /* of the chunks of this segment */
	struct slot *slots;
	uint32_t n_slots;
	struct cb_sha256_stream *sha256;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t moved; /* a slot is free again */
	uint32_t n_taken, n_hashed;
	bool is_hashing;
	enum cb_err err;
};

/* Reads, verifies, decodes, and hashes chunk c into raw. */
static enum cb_err check_chunk(const struct checker *k, struct cb_decoder *decoder, uint8_t *stored,
			       const struct cb_chunk *c, uint8_t *raw)
{
	uint8_t id[CB_DIGEST_LEN];
	size_t len;
	enum cb_err err = cb_store_read(k->check->store, c->id, stored, k->stored_max, &len, NULL);

	if (err == CB_NOT_FOUND)
		return CB_CHUNK_MISSING;
	if (err == CB_OK)
		err = cb_chunk_open(decoder, c, (struct cb_bytes){ stored, len }, raw);
	if (err != CB_OK)
		return err;
	cb_hash_sha512_256((struct cb_bytes){ raw, c->raw_len }, id);
	return memcmp(id, c->id, CB_DIGEST_LEN) == 0 ? CB_OK : CB_CHUNK_HASH;
}

/* Hashes what is ready in order, unless another thread is at it. Called with the lock held. */
static void hash_ready(struct checker *k)
{
	if (k->is_hashing)
		return;
	k->is_hashing = true;
	for (struct slot *s; (s = &k->slots[k->n_hashed % k->n_slots])->is_ready;) {
		pthread_mutex_unlock(&k->lock);
		cb_sha256_stream_add(k->sha256, (struct cb_bytes){ s->raw, s->len });
		pthread_mutex_lock(&k->lock);
		s->is_ready = false;
		k->n_hashed++;
		pthread_cond_broadcast(&k->moved);
	}
	k->is_hashing = false;
}

static bool take(struct checker *k, uint32_t *ret)
{
	pthread_mutex_lock(&k->lock);
	while (k->n_taken < k->segment->n_chunks && k->n_taken - k->n_hashed >= k->n_slots)
		pthread_cond_wait(&k->moved, &k->lock);
	bool has_one = k->n_taken < k->segment->n_chunks;

	if (has_one)
		*ret = k->n_taken++;
	pthread_mutex_unlock(&k->lock);
	return has_one;
}

static void finish_chunk(struct checker *k, uint32_t i, const struct cb_chunk *c, enum cb_err err)
{
	struct slot *s = &k->slots[i % k->n_slots];

	pthread_mutex_lock(&k->lock);
	s->len = err == CB_OK ? c->raw_len : 0;
	s->is_ready = true;
	if (err != CB_OK) {
		k->err = err;
		k->check->on_bad(k->check->ctx, err, c);
	}
	k->check->on_chunk(k->check->ctx, c);
	hash_ready(k);
	pthread_mutex_unlock(&k->lock);
}

static void *worker_main(void *ctx)
{
	struct checker *k = ctx;
	uint8_t *stored = malloc(k->stored_max);
	struct cb_decoder *decoder = NULL;
	enum cb_err no_memory = cb_decoder_new(&cb_heap, &decoder);
	uint32_t i;

	if (stored == NULL)
		no_memory = CB_NO_MEMORY;
	while (take(k, &i)) {
		struct cb_chunk c;

		cb_manifest_chunk(k->check->manifest, k->segment->first_chunk + i, &c);
		finish_chunk(k, i, &c,
			     no_memory != CB_OK ? no_memory :
						  check_chunk(k, decoder, stored, &c,
							      k->slots[i % k->n_slots].raw));
	}
	free(stored);
	cb_decoder_free(decoder);
	return NULL;
}

static enum cb_err allocate(struct checker *k, unsigned n_threads)
{
	const struct cb_segment *s = k->segment;
	bool is_good;

	for (uint32_t i = 0; i < s->n_chunks; i++) {
		struct cb_chunk c;

		cb_manifest_chunk(k->check->manifest, s->first_chunk + i, &c);
		k->raw_max = c.raw_len > k->raw_max ? c.raw_len : k->raw_max;
		k->stored_max = c.stored_len > k->stored_max ? c.stored_len : k->stored_max;
	}
	k->n_slots = 2 * n_threads;
	k->slots = calloc(k->n_slots, sizeof(*k->slots));
	k->sha256 = cb_sha256_stream_new();
	is_good = k->slots != NULL && k->sha256 != NULL;
	for (uint32_t i = 0; is_good && i < k->n_slots; i++) {
		k->slots[i].raw = malloc(k->raw_max + 1);
		is_good = k->slots[i].raw != NULL;
	}
	return is_good ? CB_OK : CB_NO_MEMORY;
}

static void run(struct checker *k, unsigned n_threads)
{
	pthread_t threads[CB_MAX_PROCESSORS];
	unsigned started = 0;

	while (started < n_threads && pthread_create(&threads[started], NULL, worker_main, k) == 0)
		started++;
	if (started == 0)
		worker_main(k);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static enum cb_err conclude(struct checker *k)
{
	uint8_t sha256[CB_DIGEST_LEN];

	cb_sha256_stream_end(k->sha256, sha256);
	k->sha256 = NULL;
	if (k->err != CB_OK)
		return k->err;
	return memcmp(sha256, k->segment->sha256, CB_DIGEST_LEN) == 0 ? CB_OK : CB_SEGMENT_HASH;
}

enum cb_err cb_segment_check(const struct cb_segment_check *check)
{
	unsigned n_threads = cb_count_processors(check->n_threads);
	struct checker k = {
		.check = check,
		.segment = &check->manifest->segments[check->segment],
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.moved = PTHREAD_COND_INITIALIZER,
	};
	enum cb_err err = allocate(&k, n_threads);

	if (err == CB_OK) {
		run(&k, n_threads);
		err = conclude(&k);
	}
	cb_sha256_stream_end(k.sha256, NULL);
	for (uint32_t i = 0; k.slots != NULL && i < k.n_slots; i++)
		free(k.slots[i].raw);
	free(k.slots);
	pthread_cond_destroy(&k.moved);
	pthread_mutex_destroy(&k.lock);
	return err;
}
