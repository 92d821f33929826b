/* SPDX-License-Identifier: MIT */
/* Time: the processor's counter, and the machine's clock. */
#ifndef CB_EFI_CLOCK_H
#define CB_EFI_CLOCK_H

#include <stdint.h>

#include "core/err.h"

/* Measures the counter's frequency once; takes 10 ms. */
void cb_clock_init(void);
/* Microseconds and milliseconds of the counter: since the processor was reset. */
uint64_t cb_clock_us(void);
uint64_t cb_clock_ms(void);
/* The raw counter. */
uint64_t cb_clock_ticks(void);
/* Unix time of the machine's clock; FIRMWARE when it has none or it makes no sense. */
enum cb_err cb_clock_wall(int64_t *ret_unix_s);

#endif
