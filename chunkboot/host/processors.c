/* SPDX-License-Identifier: MIT */
/* How many threads a job gets. */
#include "host/processors.h"

#include <sched.h>

unsigned cb_count_processors(unsigned wanted)
{
	cpu_set_t set;
	unsigned n = wanted;

	if (n == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	if (n == 0)
		n = 1;
	return n > CB_MAX_PROCESSORS ? CB_MAX_PROCESSORS : n;
}
