/* SPDX-License-Identifier: MIT */
/* What the unit tests share: memory that counts, poisons and fails, seeded numbers, hex literals. */
#include "testport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_LEN 16
#define GUARD_BYTE 0xc3
#define PAGE_LEN 4096u

/* The bookkeeping lives apart from the block, so that the block may be aligned as it likes. */
struct testport_block {
	struct testport_block *next;
	uint8_t *p;
	size_t len;
};

static void *port_alloc(void *ctx, size_t len)
{
	struct testport *tp = ctx;
	tp->n_allocs++;
	assert_true(len >= 1);
	if (tp->fail_at != 0 && --tp->fail_at == 0) {
		tp->n_failed++;
		return NULL;
	}
	struct testport_block *block = malloc(sizeof(*block));
	void *p = NULL;
	int r = posix_memalign(&p, len >= 65536 ? PAGE_LEN : 16, len + GUARD_LEN);
	if (!block || r != 0) {
		free(block);
		free(p);
		return NULL;
	}
	*block = (struct testport_block){ .next = tp->live, .p = p, .len = len };
	tp->live = block;
	tp->live_bytes += len;
	if (tp->live_bytes > tp->peak_bytes)
		tp->peak_bytes = tp->live_bytes;
	memset(block->p, 0xa5, len);
	memset(block->p + len, GUARD_BYTE, GUARD_LEN);
	return p;
}

static void port_free(void *ctx, void *p)
{
	struct testport *tp = ctx;
	if (!p)
		return;
	struct testport_block **link = &tp->live;
	while (*link && (*link)->p != p)
		link = &(*link)->next;
	struct testport_block *block = *link;
	if (!block) {
		fail_msg("a pointer was freed that is not a live block");
		return;
	}
	for (size_t i = 0; i < GUARD_LEN; i++)
		if (block->p[block->len + i] != GUARD_BYTE)
			fail_msg("a block of %zu bytes was written past its end", block->len);
	memset(block->p, 0x5a, block->len);
	*link = block->next;
	tp->live_bytes -= block->len;
	free(block->p);
	free(block);
}

struct cb_mem testport_mem(struct testport *tp)
{
	return (struct cb_mem){ .ctx = tp, .alloc = port_alloc, .free = port_free };
}

void testport_fail_at(struct testport *tp, unsigned n)
{
	tp->fail_at = n;
}

void testport_assert_no_leak(struct testport *tp)
{
	unsigned n = 0;
	for (struct testport_block *b = tp->live; b; b = b->next)
		n++;
	if (n != 0)
		fail_msg("%u blocks with %zu bytes were not freed", n, tp->live_bytes);
}

uint64_t testport_u64(struct testport_rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15u;
	uint64_t z = rng->state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t testport_below(struct testport_rng *rng, size_t n)
{
	return (size_t)(testport_u64(rng) % n);
}

void testport_fill(struct testport_rng *rng, void *out, size_t len)
{
	uint8_t *p = out;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)testport_u64(rng);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t testport_hex(const char *hex, uint8_t *out, size_t max)
{
	size_t n_digits = 0;
	for (const char *p = hex; *p; p++) {
		if (*p == ' ' || *p == '\n' || *p == '\t')
			continue;
		int v = nibble(*p);
		assert_true(v >= 0);
		assert_true(n_digits / 2 < max);
		if (n_digits % 2 == 0)
			out[n_digits / 2] = (uint8_t)(v << 4);
		else
			out[n_digits / 2] = (uint8_t)(out[n_digits / 2] | v);
		n_digits++;
	}
	assert_true(n_digits % 2 == 0);
	return n_digits / 2;
}

void testport_hex_exact(const char *hex, uint8_t *out, size_t len)
{
	assert_int_equal(testport_hex(hex, out, len), len);
}

static void show(const char *what, struct cb_bytes b)
{
	fprintf(stderr, "%s (%zu bytes): ", what, b.len);
	for (size_t i = 0; i < b.len && i < 128; i++)
		fprintf(stderr, "%02x", b.p[i]);
	fprintf(stderr, "%s\n", b.len > 128 ? "..." : "");
}

void testport_assert_bytes(struct cb_bytes got, struct cb_bytes want)
{
	if (got.len == want.len && (got.len == 0 || memcmp(got.p, want.p, got.len) == 0))
		return;
	show("got ", got);
	show("want", want);
	fail_msg("bytes differ");
}
