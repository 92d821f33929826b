/* SPDX-License-Identifier: MIT */
/* How many threads a job gets. */
#ifndef CB_HOST_PROCESSORS_H
#define CB_HOST_PROCESSORS_H

#define CB_MAX_PROCESSORS 256

/* `wanted`, or with 0 the processors that this process may use; 1..CB_MAX_PROCESSORS. */
unsigned cb_count_processors(unsigned wanted);

#endif
