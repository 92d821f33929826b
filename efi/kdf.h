/* SPDX-License-Identifier: MIT */
/* Argon2id in memory that was reserved for it, on whatever processor. */
#ifndef CB_EFI_KDF_H
#define CB_EFI_KDF_H

#include "core/login.h"

/* Bytes that a derivation with this cost takes (DESIGN §5.4). */
size_t cb_efi_kdf_arena_len(uint32_t m_kib);
/* cb_kdf_fn. NO_MEMORY when in->arena is too small. One at a time; ctx is unused. */
enum cb_err cb_efi_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64]);

/*
 * What libsodium's Argon2 calls in place of malloc and free (mk/library.mk): the arena while a
 * derivation runs in one, else the loader's heap, which only the boot processor may use.
 */
void *cb_argon2_malloc(size_t len);
void cb_argon2_free(void *p);

#endif
