/* SPDX-License-Identifier: MIT */
/* The C library's heap as the memory that core functions ask for. */
#ifndef CB_HOST_HEAP_H
#define CB_HOST_HEAP_H

#include "core/mem.h"

/* malloc and free; any thread. */
extern const struct cb_mem cb_heap;

#endif
