/* SPDX-License-Identifier: MIT */
/* The memory plan of an image: where its chunks go, and how the initrd comes out of there. */
#include "core/imageplan.h"

#include <string.h>

/* Early, beside the decoded segments: stored chunks in flight, decoders, firmware, the kernel. */
#define EARLY_WORKING (96ull << 20)
#define N_PIECES (3 * CB_CREW_MAX) /* in the crew's hands while serving */

static uint64_t padded(uint64_t len)
{
	return (len + 3) & ~3ull;
}

/* ---- Sizes ---- */

static uint64_t initrd_len(const struct cb_manifest *m)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < m->n_segments; i++)
		if (m->segments[i].role == CB_ROLE_INITRD)
			len += padded(m->segments[i].raw_len);
	return len;
}

/* Sums of at most a few times CB_RAW_TOTAL_MAX. */
static uint64_t need(const struct cb_manifest *m, bool is_deferred)
{
	if (is_deferred)
		return m->raw_total + m->stored_total + CB_RAM_WORKING;
	return m->raw_total + initrd_len(m) + EARLY_WORKING;
}

uint64_t cb_imageplan_need(const struct cb_manifest *m)
{
	uint64_t early = need(m, /*is_deferred=*/false), deferred = need(m, /*is_deferred=*/true);

	return early < deferred ? early : deferred;
}

/* ---- Places ---- */

static void place_chunks(struct cb_imageplan *plan)
{
	const struct cb_manifest *m = plan->manifest;
	uint64_t initrd_at = 0;

	for (unsigned i = 0; i < m->n_segments; i++) {
		const struct cb_segment *s = &m->segments[i];
		bool is_initrd = s->role == CB_ROLE_INITRD;
		uint64_t at = is_initrd ? initrd_at : 0;

		for (uint32_t c = s->first_chunk; c < s->first_chunk + s->n_chunks; c++) {
			struct cb_chunk chunk;

			cb_manifest_chunk(m, c, &chunk);
			plan->chunk_at[c] = at;
			at += is_initrd && plan->is_deferred ? chunk.stored_len : chunk.raw_len;
		}
		if (is_initrd)
			initrd_at = plan->is_deferred ? at : padded(at);
	}
}

/* Padding between initrds has to be zero; at most three bytes follow each. */
static void pad_initrds(const struct cb_manifest *m, uint8_t *out)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < m->n_segments; i++) {
		uint64_t end = at + m->segments[i].raw_len;

		if (m->segments[i].role != CB_ROLE_INITRD)
			continue;
		at = padded(end);
		memset(out + end, 0, (size_t)(at - end));
	}
}

/* Bytes that wait for the kernel to ask for its initrd. */
static uint64_t waiting_len(const struct cb_imageplan *plan)
{
	const struct cb_manifest *m = plan->manifest;
	uint64_t len = 0;

	if (!plan->is_deferred)
		return plan->initrd_len;
	for (unsigned i = 0; i < m->n_segments; i++) {
		const struct cb_segment *s = &m->segments[i];

		for (uint32_t c = 0; s->role == CB_ROLE_INITRD && c < s->n_chunks; c++) {
			struct cb_chunk chunk;

			cb_manifest_chunk(m, s->first_chunk + c, &chunk);
			len += chunk.stored_len;
		}
	}
	return len;
}

static bool allocate(struct cb_imageplan *plan)
{
	const struct cb_manifest *m = plan->manifest;
	uint64_t len = waiting_len(plan);

	if (m->raw_total > SIZE_MAX / 4 || len > SIZE_MAX / 4)
		return false;
	plan->first = cb_alloc(plan->mem, (size_t)m->segments[0].raw_len);
	plan->initrd = cb_alloc(plan->mem, (size_t)len);
	if (plan->is_deferred)
		plan->pieces = cb_alloc(plan->mem, N_PIECES * sizeof(*plan->pieces));
	return plan->first && plan->initrd && (plan->pieces || !plan->is_deferred);
}

static void free_buffers(struct cb_imageplan *plan)
{
	cb_free(plan->mem, plan->first);
	cb_free(plan->mem, plan->initrd);
	cb_free(plan->mem, plan->pieces);
	plan->first = plan->initrd = NULL;
	plan->pieces = NULL;
}

enum cb_err cb_imageplan_make(const struct cb_mem *mem, const struct cb_manifest *manifest,
			      uint64_t free_bytes, struct cb_imageplan *ret)
{
	struct cb_imageplan plan = {
		.mem = mem,
		.manifest = manifest,
		.initrd_len = initrd_len(manifest),
	};
	size_t len;

	for (unsigned i = 0; i < 2; i++) {
		plan.is_deferred = i > 0;
		if (free_bytes > 0 && need(manifest, plan.is_deferred) > free_bytes)
			continue;
		if (allocate(&plan))
			break;
		free_buffers(&plan);
	}
	if (!plan.first)
		return CB_MEMORY_SHORT;
	if (cb_mul(manifest->n_chunks, sizeof(*plan.chunk_at), &len))
		plan.chunk_at = cb_alloc(mem, len);
	if (!plan.chunk_at) {
		cb_imageplan_done(&plan);
		return CB_NO_MEMORY;
	}
	place_chunks(&plan);
	if (!plan.is_deferred)
		pad_initrds(manifest, plan.initrd);
	*ret = plan;
	return CB_OK;
}

uint64_t cb_imageplan_spare(const struct cb_imageplan *plan, uint64_t free_bytes)
{
	uint64_t needed = need(plan->manifest, plan->is_deferred);

	return free_bytes > needed ? free_bytes - needed : 0;
}

void cb_imageplan_done(struct cb_imageplan *plan)
{
	if (!plan->mem)
		return;
	free_buffers(plan);
	cb_free(plan->mem, plan->chunk_at);
	plan->chunk_at = NULL;
}

void cb_imageplan_piece(const struct cb_imageplan *plan, uint32_t i, struct cb_piece *ret)
{
	const struct cb_segment *s = plan->manifest->segments;

	while (i >= s->first_chunk + s->n_chunks)
		s++;
	*ret = (struct cb_piece){ .number = i, .task = CB_PIECE_OPEN };
	cb_manifest_chunk(plan->manifest, i, &ret->chunk);
	if (s->role == CB_ROLE_INITRD && plan->is_deferred)
		ret->task = CB_PIECE_KEEP;
	ret->out = (s->role == CB_ROLE_INITRD ? plan->initrd : plan->first) + plan->chunk_at[i];
}

/* ---- Serving ---- */

/* The chunks of the initrds on their way through the crew. */
struct serving {
	struct cb_imageplan *plan;
	uint8_t *out;
	unsigned segment;
	uint32_t chunk; /* the next one of that segment */
	uint64_t at; /* where it goes */
	struct cb_piece *idle; /* pieces that the crew does not have */
	unsigned n_idle;
};

/* The next chunk of an initrd; false: there is none. */
static bool next_chunk(struct serving *v, struct cb_piece *ret)
{
	const struct cb_manifest *m = v->plan->manifest;

	for (; v->segment < m->n_segments; v->segment++, v->chunk = 0) {
		const struct cb_segment *s = &m->segments[v->segment];
		uint32_t i = s->first_chunk + v->chunk;

		if (s->role != CB_ROLE_INITRD)
			continue;
		if (v->chunk == s->n_chunks) {
			v->at = padded(v->at);
			continue;
		}
		v->chunk++;
		*ret = (struct cb_piece){ .number = i,
					  .task = CB_PIECE_OPEN_KEPT,
					  .out = v->out + v->at };
		cb_manifest_chunk(m, i, &ret->chunk);
		ret->stored = (struct cb_bytes){ v->plan->initrd + v->plan->chunk_at[i],
						 ret->chunk.stored_len };
		v->at += ret->chunk.raw_len;
		return true;
	}
	return false;
}

static void put_idle(struct serving *v, struct cb_piece *piece)
{
	piece->next = v->idle;
	v->idle = piece;
	v->n_idle++;
}

static void supply(struct serving *v, struct cb_crew *crew)
{
	while (v->idle) {
		struct cb_piece *piece = v->idle, filled;

		if (!next_chunk(v, &filled))
			return;
		v->idle = piece->next;
		v->n_idle--;
		*piece = filled;
		cb_crew_add(crew, piece);
	}
}

static enum cb_err decode(struct cb_imageplan *plan, struct cb_crew *crew, uint8_t *out,
			  uint32_t *ret_chunk)
{
	struct serving v = { .plan = plan, .out = out };
	struct cb_piece *piece;

	for (unsigned i = 0; i < N_PIECES; i++)
		put_idle(&v, &plan->pieces[i]);
	do {
		supply(&v, crew);
		/* With nothing left to do here, the last pieces are with the others. */
		if (!cb_crew_step(crew, /*helps=*/true))
			cb_crew_wait(crew);
		while ((piece = cb_crew_done(crew))) {
			if (piece->err != CB_OK) {
				enum cb_err err = piece->err;

				*ret_chunk = piece->number;
				while (cb_crew_abandon(crew))
					;
				return err;
			}
			put_idle(&v, piece);
		}
	} while (v.n_idle < N_PIECES);
	return CB_OK;
}

enum cb_err cb_imageplan_serve(struct cb_imageplan *plan, struct cb_crew *crew, uint8_t *out,
			       uint32_t *ret_chunk)
{
	enum cb_err err = CB_OK;

	if (plan->is_served || !plan->initrd)
		return CB_INTERNAL;
	plan->is_served = true;
	if (plan->is_deferred) {
		pad_initrds(plan->manifest, out);
		err = decode(plan, crew, out, ret_chunk);
	} else if (plan->initrd_len > 0) {
		memcpy(out, plan->initrd, (size_t)plan->initrd_len);
	}
	return err;
}
