/* SPDX-License-Identifier: MIT */
/* lwIP's memory in the simulator. lwIP has globals, so this has. */
#include "sim_lwip_memory.h"

#include <stdlib.h>

static uint64_t n_calls, fail_at;
static bool fails_on;

uint64_t sim_lwip_fail(uint64_t n, bool is_forever)
{
	fail_at = n ? n_calls + n : 0;
	fails_on = is_forever;
	return n_calls;
}

static bool fails(void)
{
	n_calls++;
	return fail_at && (n_calls == fail_at || (fails_on && n_calls > fail_at));
}

void *sim_lwip_malloc(size_t len)
{
	return fails() ? NULL : malloc(len);
}

void *sim_lwip_calloc(size_t n, size_t len)
{
	return fails() ? NULL : calloc(n, len);
}
