/* SPDX-License-Identifier: MIT */
/* lwIP's view of the compiler: freestanding, little endian, silent. */
#ifndef CB_NET_ARCH_CC_H
#define CB_NET_ARCH_CC_H

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define SSIZE_MAX INTPTR_MAX /* keeps lwIP from defining ssize_t itself */

#include <sys/types.h>

#define LWIP_PLATFORM_DIAG(x) ((void)0)
#define LWIP_PLATFORM_ASSERT(x) ((void)0)

#endif
