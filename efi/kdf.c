/* SPDX-License-Identifier: MIT */
/* Argon2id in memory that was reserved for it, on whatever processor. */
#include "kdf.h"

#include <stdlib.h>

#define ALIGNMENT 64u
#define SMALL_LEN 4096u /* the digest, a descriptor, and what aligning takes */

/* Handed out from the front to the end; what is freed stays, for so little is asked for. */
static struct {
	uint8_t *p; /* NULL: no derivation runs */
	size_t len, used;
} arena;

size_t cb_efi_kdf_arena_len(uint32_t m_kib)
{
	/* m_kib blocks of a KiB, and 8 bytes of pseudo-random numbers for each of a quarter of them */
	return (size_t)m_kib * (1024 + 2) + SMALL_LEN;
}

void *cb_argon2_malloc(size_t len)
{
	size_t whole;
	void *p;

	if (!arena.p)
		return malloc(len);
	if (!cb_add(len, ALIGNMENT - 1, &whole))
		return NULL;
	whole -= whole % ALIGNMENT;
	if (whole > arena.len - arena.used)
		return NULL;
	p = arena.p + arena.used;
	arena.used += whole;
	return p;
}

void cb_argon2_free(void *p)
{
	if (!arena.p)
		free(p);
}

enum cb_err cb_efi_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	enum cb_err err;

	arena.p = in->arena;
	arena.len = in->arena_len;
	arena.used = 0;
	err = cb_kdf_argon2id(ctx, in, ret_k0);
	arena.p = NULL;
	return err;
}
