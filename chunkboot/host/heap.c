/* SPDX-License-Identifier: MIT */
/* The C library's heap as the memory that core functions ask for. */
#include "host/heap.h"

#include <stdlib.h>

static void *heap_alloc(void *ctx, size_t len)
{
	void *p;

	(void)ctx;
	return posix_memalign(&p, len >= 65536 ? 4096 : 16, len) == 0 ? p : NULL;
}

static void heap_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

const struct cb_mem cb_heap = { .alloc = heap_alloc, .free = heap_free };
