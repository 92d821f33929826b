/* SPDX-License-Identifier: MIT */
/* The crew: verifies and decodes chunks on the other processors, and on this one too. */
#ifndef CB_CORE_CREW_H
#define CB_CORE_CREW_H

#include "core/chunk.h"
#include "core/platform.h"

#define CB_CREW_MAX 16 /* decoders: pieces that are worked on at the same time */

struct cb_crew; /* opaque; owns a decoder for each processor that may work */

/* What is to be done with a chunk's stored bytes. */
enum cb_piece_task {
	CB_PIECE_OPEN, /* verify, then decode to out */
	CB_PIECE_KEEP, /* verify, then copy as they are to out */
	CB_PIECE_OPEN_KEPT, /* decode what CB_PIECE_KEEP has put there; not verified again */
};

/* One chunk. The caller fills in the first part and keeps piece, stored and out until the crew gives
 * the piece back. */
struct cb_piece {
	uint32_t number; /* the caller's */
	enum cb_piece_task task;
	struct cb_chunk chunk;
	struct cb_bytes stored;
	uint8_t *out; /* chunk.raw_len or stored_len bytes, of this piece alone */
	enum cb_err err; /* when it comes back done: CB_OK, CHUNK_HASH, CHUNK_DECODE */
	/* the crew's own */
	struct cb_crew *crew;
	struct cb_piece *next;
	struct cb_work work;
};

/* platform outlives it. NO_MEMORY. */
enum cb_err cb_crew_new(const struct cb_platform *platform, struct cb_crew **ret);
/* All pieces must have been given back. NULL is fine. */
void cb_crew_free(struct cb_crew *crew);

/* Puts a piece at the end of the queue. */
void cb_crew_add(struct cb_crew *crew, struct cb_piece *piece);
/*
 * Keeps the other processors supplied from the queue. Does at most one piece itself: where there are
 * no others, or they are and helps is set. True when it did; then another call may do the next one.
 */
bool cb_crew_step(struct cb_crew *crew, bool helps);
/* A piece that is done; the caller's again. NULL: none for now. */
struct cb_piece *cb_crew_done(struct cb_crew *crew);
/* Returns when no other processor has a piece. */
void cb_crew_wait(struct cb_crew *crew);
/* Gives pieces back as they are, done or not, one a call; what is under way is waited for first.
 * NULL: none is left. */
struct cb_piece *cb_crew_abandon(struct cb_crew *crew);

#endif
