/* SPDX-License-Identifier: MIT */
/* The part of <stdlib.h> that the core and the libraries use; efi/alloc.c has the allocator. */
#ifndef CB_LIBC_STDLIB_H
#define CB_LIBC_STDLIB_H

#include <stddef.h>

void *malloc(size_t len);
void *calloc(size_t n, size_t len);
void free(void *p);
int atoi(const char *s);
void abort(void) __attribute__((noreturn));

#endif
