/* SPDX-License-Identifier: MIT */
/* assert() without text: a failed one stops the machine in abort(). */
#ifndef CB_LIBC_ASSERT_H
#define CB_LIBC_ASSERT_H

#include <stdlib.h>

#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) ((condition) ? (void)0 : abort())
#endif
#define static_assert _Static_assert

#endif
