/* SPDX-License-Identifier: MIT */
/* The memory plan of an image: where its chunks go, and how the initrd comes out of there. */
#ifndef CB_CORE_IMAGEPLAN_H
#define CB_CORE_IMAGEPLAN_H

#include "core/crew.h"

/*
 * Two plans. Either way the first segment (kernel, application, disk) is decoded as it comes.
 * early: the initrds too, and the kernel copies them, so that they are in memory twice.
 * deferred: the initrds' verified stored bytes wait one after the other, and are decoded into the
 *   kernel's own buffer when it asks.
 */
struct cb_imageplan {
	const struct cb_mem *mem;
	const struct cb_manifest *manifest;
	bool is_deferred, is_served;
	uint8_t *first;
	uint8_t *initrd; /* early: decoded, each padded to 4; deferred: the stored bytes */
	uint64_t initrd_len; /* of all, decoded and padded */
	uint64_t *chunk_at; /* offset of each chunk in its buffer */
	struct cb_piece *pieces; /* deferred: for serving, which must not allocate */
};

/* Bytes of memory that the image takes at least, in whichever plan that is. */
uint64_t cb_imageplan_need(const struct cb_manifest *m);
/*
 * Chooses the plan and makes room. free_bytes 0: not known. Early where that fits, else deferred;
 * where neither fits or memory is in pieces: MEMORY_SHORT. NO_MEMORY. manifest and mem outlive it.
 */
enum cb_err cb_imageplan_make(const struct cb_mem *mem, const struct cb_manifest *manifest,
			      uint64_t free_bytes, struct cb_imageplan *ret);
/* Bytes of memory that this plan leaves over, where free_bytes were there before it. 0: none, or not known. */
uint64_t cb_imageplan_spare(const struct cb_imageplan *plan, uint64_t free_bytes);
/* Frees everything; fine on a zeroed plan and twice. */
void cb_imageplan_done(struct cb_imageplan *plan);

/* Fills in what the crew is to do with chunk i, but for the stored bytes. */
void cb_imageplan_piece(const struct cb_imageplan *plan, uint32_t i, struct cb_piece *ret);
/*
 * When all chunks have come: writes the initrds, each padded to 4, to out[initrd_len]. Once.
 * Allocates and frees nothing (firmware that overwrites what is freed takes a second for an initrd)
 * and verifies nothing again. CHUNK_DECODE: chunk *ret_chunk is not what it should be, and that is
 * the publisher's doing.
 */
enum cb_err cb_imageplan_serve(struct cb_imageplan *plan, struct cb_crew *crew, uint8_t *out,
			       uint32_t *ret_chunk);

#endif
