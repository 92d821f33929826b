/* SPDX-License-Identifier: MIT */
/* lwIP's memory in the simulator: malloc that fails at the n-th call; every lwIP source includes it. */
#ifndef TESTS_SIM_LWIP_MEMORY_H
#define TESTS_SIM_LWIP_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *sim_lwip_malloc(size_t len);
void *sim_lwip_calloc(size_t n, size_t len);

/*
 * The n-th call from now on fails; with is_forever all later ones too. 0: none. Returns how many calls
 * there were so far.
 */
uint64_t sim_lwip_fail(uint64_t n, bool is_forever);

#endif
