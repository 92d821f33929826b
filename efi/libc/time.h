/* SPDX-License-Identifier: MIT */
/* Only the type: the libraries ask no clock. */
#ifndef CB_LIBC_TIME_H
#define CB_LIBC_TIME_H

#include <stddef.h>

typedef long long time_t;

#endif
