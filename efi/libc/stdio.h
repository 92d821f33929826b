/* SPDX-License-Identifier: MIT */
/* Present because libraries include it; there are no streams here. */
#ifndef CB_LIBC_STDIO_H
#define CB_LIBC_STDIO_H

#include <stddef.h>

#endif
