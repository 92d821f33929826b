/* SPDX-License-Identifier: MIT */
/* libsodium as the loader uses it: no more of it is linked than Ed25519, Argon2 and HChaCha20 take. */
#ifndef CB_EFI_LIBSODIUM_H
#define CB_EFI_LIBSODIUM_H

/*
 * In place of sodium_init, which would bring in every stream cipher's variants: chooses Argon2's code by
 * what the processor has.
 */
void cb_sodium_init(void);

#endif
