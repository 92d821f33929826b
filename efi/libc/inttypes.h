/* SPDX-License-Identifier: MIT */
/* Integer types and the printf formats that lwIP names (64-bit values are long long on both targets). */
#ifndef CB_LIBC_INTTYPES_H
#define CB_LIBC_INTTYPES_H

#include <stdint.h>

#define PRId8 "d"
#define PRId16 "d"
#define PRId32 "d"
#define PRId64 "lld"
#define PRIu8 "u"
#define PRIu16 "u"
#define PRIu32 "u"
#define PRIu64 "llu"
#define PRIx8 "x"
#define PRIx16 "x"
#define PRIx32 "x"
#define PRIx64 "llx"
#define PRIuPTR "llu"
#define PRIxPTR "llx"

#endif
