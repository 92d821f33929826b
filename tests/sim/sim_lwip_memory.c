/* SPDX-License-Identifier: MIT */
/* lwIP's memory in the simulator. lwIP has globals, so this has. */
#include "sim_lwip_memory.h"

#include <stdlib.h>

static uint64_t n_calls, fail_at;

uint64_t sim_lwip_fail(uint64_t n)
{
	fail_at = n ? n_calls + n : 0;
	return n_calls;
}

void *sim_lwip_malloc(size_t len)
{
	return ++n_calls == fail_at ? NULL : malloc(len);
}

void *sim_lwip_calloc(size_t n, size_t len)
{
	return ++n_calls == fail_at ? NULL : calloc(n, len);
}
