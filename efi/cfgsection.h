/* SPDX-License-Identifier: MIT */
/* The stamped configuration inside our own loaded image. */
#ifndef CB_EFI_CFGSECTION_H
#define CB_EFI_CFGSECTION_H

#include "core/bytes.h"

/* The bytes of section .cbcfg of the PE image at base[size]; empty when there is none. */
struct cb_bytes cb_cfgsection_find(const void *base, size_t size);

#endif
