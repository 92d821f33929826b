/* SPDX-License-Identifier: MIT */
/* The one type of <sys/types.h> that the libraries name. */
#ifndef CB_LIBC_SYS_TYPES_H
#define CB_LIBC_SYS_TYPES_H

#include <stddef.h>

typedef long long ssize_t;

#endif
