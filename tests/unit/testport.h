/* SPDX-License-Identifier: MIT */
/* What the unit tests share: memory that counts, poisons and fails, seeded numbers, hex literals. */
#ifndef CB_TESTS_UNIT_TESTPORT_H
#define CB_TESTS_UNIT_TESTPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/bytes.h"
#include "core/mem.h"

struct testport_block;

/* Zero it (`struct testport tp = { 0 }`); it must outlive the memory interface made of it. */
struct testport {
	struct testport_block *live; /* blocks that are not freed yet */
	unsigned n_allocs; /* calls of alloc so far, failed ones included */
	unsigned fail_at; /* 0: never; n: the n-th call from testport_fail_at on fails */
	unsigned n_failed;
	size_t live_bytes, peak_bytes;
};

/*
 * Memory as core/mem.h wants it. New bytes are poisoned with 0xa5, freed ones with 0x5a; a block
 * lies directly in front of a guard that free checks, and a foreign pointer given to free fails
 * the test.
 */
struct cb_mem testport_mem(struct testport *tp);
/* The n-th call of alloc from now on (1 is the next one) yields NULL; 0: none does. */
void testport_fail_at(struct testport *tp, unsigned n);
/* Fails the test when a block was not freed. */
void testport_assert_no_leak(struct testport *tp);

/* Repeatable numbers (SplitMix64): the same seed gives the same run everywhere. */
struct testport_rng {
	uint64_t state;
};

uint64_t testport_u64(struct testport_rng *rng);
/* 0..n-1; n >= 1. */
size_t testport_below(struct testport_rng *rng, size_t n);
void testport_fill(struct testport_rng *rng, void *out, size_t len);

/*
 * Bytes from a literal such as "00ff 12": hex digits of either case, blanks are skipped; anything
 * else, an odd number of digits or more than max bytes fails the test. Returns the length.
 */
size_t testport_hex(const char *hex, uint8_t *out, size_t max);
/* The same, for literals whose length is known: exactly len bytes. */
void testport_hex_exact(const char *hex, uint8_t *out, size_t len);
/* Fails the test, showing both as hex, when they differ. */
void testport_assert_bytes(struct cb_bytes got, struct cb_bytes want);

#endif
