/* SPDX-License-Identifier: MIT */
/* The crew: verifies and decodes chunks on the other processors, and on this one too. */
#include "core/crew.h"

#include <assert.h>
#include <string.h>

#define QUEUED_EACH 2u /* pieces given to each worker: one to do, one that follows without a wait */

struct list {
	struct cb_piece *first, **end;
};

struct cb_crew {
	const struct cb_platform *platform;
	unsigned n_decoders;
	struct cb_decoder *decoders[CB_CREW_MAX];
	uint32_t is_taken[CB_CREW_MAX]; /* shared by all processors, atomic */
	unsigned n_submitted;
	struct list waiting, submitted, done;
};

static void append(struct list *list, struct cb_piece *piece)
{
	piece->next = NULL;
	*list->end = piece;
	list->end = &piece->next;
}

static struct cb_piece *unlink_at(struct list *list, struct cb_piece **at)
{
	struct cb_piece *piece = *at;

	*at = piece->next;
	if (!*at)
		list->end = at;
	return piece;
}

static enum cb_err keep(const struct cb_piece *piece)
{
	enum cb_err err = cb_chunk_verify(&piece->chunk, piece->stored);

	if (err == CB_OK)
		memcpy(piece->out, piece->stored.p, piece->stored.len);
	return err;
}

static enum cb_err decode(const struct cb_piece *piece)
{
	struct cb_crew *crew = piece->crew;
	enum cb_err err;
	unsigned i = 0;

	/* With a decoder for everybody there is a free one; with more workers, soon. */
	while (__atomic_exchange_n(&crew->is_taken[i], 1, __ATOMIC_ACQUIRE))
		i = (i + 1) % crew->n_decoders;
	if (piece->task == CB_PIECE_OPEN_KEPT)
		err = cb_chunk_open_kept(crew->decoders[i], &piece->chunk, piece->stored,
					 piece->out);
	else
		err = cb_chunk_open(crew->decoders[i], &piece->chunk, piece->stored, piece->out);
	__atomic_store_n(&crew->is_taken[i], 0, __ATOMIC_RELEASE);
	return err;
}

/* On any processor. */
static void do_piece(void *arg)
{
	struct cb_piece *piece = arg;

	piece->err = piece->task == CB_PIECE_KEEP ? keep(piece) : decode(piece);
}

void cb_crew_add(struct cb_crew *crew, struct cb_piece *piece)
{
	piece->crew = crew;
	piece->work = (struct cb_work){ .run = do_piece, .arg = piece };
	append(&crew->waiting, piece);
}

bool cb_crew_step(struct cb_crew *crew, bool helps)
{
	const struct cb_workers *workers = &crew->platform->workers;

	while (crew->waiting.first && crew->n_submitted < workers->n * QUEUED_EACH &&
	       workers->submit(workers->ctx, &crew->waiting.first->work)) {
		append(&crew->submitted, unlink_at(&crew->waiting, &crew->waiting.first));
		crew->n_submitted++;
	}
	if (!crew->waiting.first || (workers->n > 0 && !helps))
		return false;
	do_piece(crew->waiting.first);
	append(&crew->done, unlink_at(&crew->waiting, &crew->waiting.first));
	return true;
}

struct cb_piece *cb_crew_done(struct cb_crew *crew)
{
	if (crew->done.first)
		return unlink_at(&crew->done, &crew->done.first);
	for (struct cb_piece **at = &crew->submitted.first; *at; at = &(*at)->next) {
		if (!cb_work_is_done(&(*at)->work))
			continue;
		crew->n_submitted--;
		return unlink_at(&crew->submitted, at);
	}
	return NULL;
}

void cb_crew_wait(struct cb_crew *crew)
{
	const struct cb_workers *workers = &crew->platform->workers;

	if (crew->submitted.first)
		workers->drain(workers->ctx);
}

struct cb_piece *cb_crew_abandon(struct cb_crew *crew)
{
	cb_crew_wait(crew);
	if (crew->waiting.first)
		return unlink_at(&crew->waiting, &crew->waiting.first);
	return cb_crew_done(crew);
}

enum cb_err cb_crew_new(const struct cb_platform *platform, struct cb_crew **ret)
{
	unsigned n = platform->workers.n + 1;
	struct cb_crew *crew = cb_alloc_zeroed(&platform->mem, sizeof(*crew));

	if (!crew)
		return CB_NO_MEMORY;
	crew->platform = platform;
	crew->waiting.end = &crew->waiting.first;
	crew->submitted.end = &crew->submitted.first;
	crew->done.end = &crew->done.first;
	for (; crew->n_decoders < n && crew->n_decoders < CB_CREW_MAX; crew->n_decoders++) {
		enum cb_err err = cb_decoder_new(&platform->mem, &crew->decoders[crew->n_decoders]);
		if (err != CB_OK) {
			cb_crew_free(crew);
			return err;
		}
	}
	*ret = crew;
	return CB_OK;
}

void cb_crew_free(struct cb_crew *crew)
{
	if (!crew)
		return;
	assert(!crew->waiting.first && !crew->submitted.first && !crew->done.first);
	for (unsigned i = 0; i < crew->n_decoders; i++)
		cb_decoder_free(crew->decoders[i]);
	cb_free(&crew->platform->mem, crew);
}
