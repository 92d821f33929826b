/* SPDX-License-Identifier: MIT */
/* What libsodium needs beside its own files: a choice by processor, and BLAKE2b for Argon2, which is ours. */
#include "libsodium.h"

#include <sodium/core.h>
#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/private/implementations.h>
#include <sodium/runtime.h>
#include <stdlib.h>

#include "core/digest.h"

void cb_sodium_init(void)
{
	_sodium_runtime_get_cpu_features();
	_crypto_pwhash_argon2_pick_best_implementation();
}

/* A mistake of the caller's: none of what we call makes one. */
void sodium_misuse(void)
{
	abort();
}

_Static_assert(sizeof(struct cb_blake2b) <= sizeof(crypto_generichash_blake2b_state), "state");

static struct cb_blake2b *state_of(crypto_generichash_blake2b_state *state)
{
	return (struct cb_blake2b *)(void *)state;
}

int crypto_generichash_blake2b_init(crypto_generichash_blake2b_state *state,
				    const unsigned char *key, const size_t keylen,
				    const size_t outlen)
{
	cb_blake2b_init(state_of(state), outlen, key, keylen);
	return 0;
}

int crypto_generichash_blake2b_update(crypto_generichash_blake2b_state *state,
				      const unsigned char *in, unsigned long long inlen)
{
	cb_blake2b_update(state_of(state), in, (size_t)inlen);
	return 0;
}

int crypto_generichash_blake2b_final(crypto_generichash_blake2b_state *state, unsigned char *out,
				     const size_t outlen)
{
	(void)outlen; /* as given to init: Argon2 keeps to that */
	cb_blake2b_final(state_of(state), out);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the library's signature has six parameters */
int crypto_generichash_blake2b(unsigned char *out, size_t outlen, const unsigned char *in,
			       unsigned long long inlen, const unsigned char *key, size_t keylen)
{
	struct cb_blake2b s;

	cb_blake2b_init(&s, outlen, key, keylen);
	cb_blake2b_update(&s, in, (size_t)inlen);
	cb_blake2b_final(&s, out);
	return 0;
}
