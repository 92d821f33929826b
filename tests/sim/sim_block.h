/* SPDX-License-Identifier: MIT */
/*
 * A block device that records every write and flush, can be cut off at any of them, and goes wrong in
 * every other way that devices do. What a power cut leaves: all that was flushed; of what was written
 * since then any sectors of 512 bytes, in any order.
 */
#ifndef TESTS_SIM_BLOCK_H
#define TESTS_SIM_BLOCK_H

#include "core/platform.h"

#define SIM_SECTOR 512u

struct sim_block;

/* n_blocks blocks of block_len bytes, filled with bytes that follow from seed. */
struct sim_block *sim_block_new(uint64_t seed, uint32_t block_len, uint64_t n_blocks);
void sim_block_free(struct sim_block *b);
/* The device; valid until sim_block_free. A read or write that leaves it ends the test. */
struct cb_block sim_block(struct sim_block *b);

struct sim_block_faults {
	uint64_t fail_read, fail_write; /* the n-th from now on fails with CB_IO; 0: none */
	bool fails_on; /* and all that come later */
	bool is_readonly;
	bool is_lying; /* a flush does nothing, and says it did */
	uint64_t full_at; /* writes that reach block full_at or later fail; 0: none */
	uint64_t rots; /* each n-th read has a wrong bit; 0: none */
	/* What reading costs: called with the bytes of each read; may be NULL. */
	void (*on_read)(void *ctx, size_t len);
	void (*on_write)(void *ctx, size_t len); /* likewise, with those of each write */
	void *ctx;
};
struct sim_block_faults *sim_block_faults(struct sim_block *b);

/* Writes and flushes so far. */
unsigned sim_block_n_events(const struct sim_block *b);
/*
 * The device after a power cut behind the n-th event: NULL faults, nothing recorded, owned by the
 * caller. Which of the unflushed sectors made it follows from seed; 0: all of them, in full.
 * n must not be smaller than in the call before.
 */
struct sim_block *sim_block_cut(struct sim_block *b, unsigned n, uint64_t seed);
/* The bytes, to be changed at will. */
uint8_t *sim_block_bytes(struct sim_block *b, size_t *ret_len);
uint64_t sim_block_n_reads(const struct sim_block *b);
uint64_t sim_block_read_bytes(const struct sim_block *b);

#endif
