/* SPDX-License-Identifier: MIT */
/* The memory interface that every allocating core function takes. */
#ifndef CB_CORE_MEM_H
#define CB_CORE_MEM_H

#include <stddef.h>

struct cb_mem {
	void *ctx;
	/* len >= 1 bytes, aligned to 16 (to 4,096 for len >= 65,536), uninitialised; NULL when none. */
	void *(*alloc)(void *ctx, size_t len);
	/* p from alloc, or NULL. */
	void (*free)(void *ctx, void *p);
};

/* As above, with the result zeroed; len 0 is treated as 1. */
void *cb_alloc_zeroed(const struct cb_mem *mem, size_t len);
void *cb_alloc(const struct cb_mem *mem, size_t len);
void cb_free(const struct cb_mem *mem, void *p);
/* Overwrites len bytes, then frees. */
void cb_free_secret(const struct cb_mem *mem, void *p, size_t len);

#endif
