/* SPDX-License-Identifier: MIT */
/* Randomness: firmware, processor and timing jitter through one generator. */
#ifndef CB_EFI_RANDOM_H
#define CB_EFI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

/* Gathers entropy and gives libsodium its source. Later calls of cb_random say if there was any. */
void cb_random_init(void);
/* ENTROPY when the machine has neither EFI_RNG nor RDRAND; buf untouched then. */
enum cb_err cb_random(uint8_t *buf, size_t len);
/* Forgets the state. */
void cb_random_wipe(void);

#endif
