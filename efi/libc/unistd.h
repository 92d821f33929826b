/* SPDX-License-Identifier: MIT */
/* Present because libsodium includes it; nothing of it is used. */
#ifndef CB_LIBC_UNISTD_H
#define CB_LIBC_UNISTD_H

#include <sys/types.h>

#endif
