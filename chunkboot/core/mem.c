/* SPDX-License-Identifier: MIT */
/* Small conveniences over the memory interface. */
#include "core/mem.h"

#include <string.h>

#include "core/bytes.h"

void *cb_alloc(const struct cb_mem *mem, size_t len)
{
	return mem->alloc(mem->ctx, len ? len : 1);
}

void *cb_alloc_zeroed(const struct cb_mem *mem, size_t len)
{
	size_t n = len ? len : 1;
	void *p = mem->alloc(mem->ctx, n);
	if (p)
		memset(p, 0, n);
	return p;
}

void cb_free(const struct cb_mem *mem, void *p)
{
	if (p)
		mem->free(mem->ctx, p);
}

void cb_free_secret(const struct cb_mem *mem, void *p, size_t len)
{
	if (!p)
		return;
	cb_wipe(p, len);
	mem->free(mem->ctx, p);
}
