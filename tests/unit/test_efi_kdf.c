/* SPDX-License-Identifier: MIT */
/* The memory that Argon2 gets on UEFI (efi/kdf.c): the arena in a derivation, the heap otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/login.h"

static enum cb_err asks_like_argon2(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64]);
#define cb_kdf_argon2id asks_like_argon2
#include "../../efi/kdf.c"

#define M_KIB 65536u

static uint8_t *memory;

static bool is_inside(const uint8_t *p, size_t len)
{
	return p >= memory && p + len <= memory + cb_efi_kdf_arena_len(M_KIB);
}

/* What libsodium 1.0.18 asks for, in its order (argon2.c, argon2-core.c). */
static enum cb_err asks_like_argon2(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	const size_t lens[] = { 64, 3 * sizeof(void *), (size_t)in->m_kib * 1024 + 63,
				(size_t)in->m_kib * 2 };
	uint8_t *p[4], *end = memory;

	(void)ctx;
	for (unsigned i = 0; i < 4; i++) {
		p[i] = cb_argon2_malloc(lens[i]);
		if (!p[i])
			return CB_NO_MEMORY;
		assert_true(is_inside(p[i], lens[i]));
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		assert_true(p[i] >= end);
		end = p[i] + lens[i];
	}
	assert_null(cb_argon2_malloc(SIZE_MAX));
	assert_null(cb_argon2_malloc(SMALL_LEN));
	for (unsigned i = 0; i < 4; i++)
		cb_argon2_free(p[i]);
	cb_argon2_free(NULL);
	memset(ret_k0, 1, 64);
	return CB_OK;
}

static void arena_is_enough(void **state)
{
	struct cb_kdf_input in = { .m_kib = M_KIB, .arena_len = cb_efi_kdf_arena_len(M_KIB) };
	uint8_t k0[64];

	(void)state;
	memory = malloc(in.arena_len);
	assert_non_null(memory);
	in.arena = memory;
	/* The second one has all of it again. */
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(cb_efi_kdf(NULL, &in, k0), CB_OK);
	in.arena_len -= SMALL_LEN;
	assert_int_equal(cb_efi_kdf(NULL, &in, k0), CB_NO_MEMORY);
	free(memory);
}

static void heap_otherwise(void **state)
{
	void *p = cb_argon2_malloc(100);

	(void)state;
	assert_non_null(p);
	cb_argon2_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_is_enough),
		cmocka_unit_test(heap_otherwise),
	};

	return cmocka_run_group_tests_name("efi_kdf", tests, NULL, NULL);
}
