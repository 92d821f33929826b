/* SPDX-License-Identifier: MIT */
/* Whole boots by what is fetched when, and where it lies: the prefetch, and the memory that an image needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_machines.h"

static struct sim_realm *realm;

static void too_little_memory(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_set_free_memory(s.sim, 1u << 20);
	sim_stage_assert_fails(&s, CB_MEMORY_SHORT);
	assert_int_equal(s.boot.free_bytes, 1u << 20);
	assert_true(s.boot.need_bytes > s.boot.free_bytes);
	/* Said before anything of the bulk is fetched. */
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		assert_int_equal(sim_n_requests_for(s.mirror[0], path), 0);
	}
	sim_stage_end(&s);
}

/* Least memory: exactly what the manifest says is enough, and one byte less is not. */
static void memory_edge(void **state)
{
	uint64_t need = sim_realm_ram_need(realm);

	(void)state;
	for (unsigned less = 0; less < 2; less++) {
		struct sim_stage s;

		sim_machines_begin(&s, realm, 1);
		s.kiosk = "kim";
		s.no_prefetch = true;
		sim_stage_power_on(&s, 1, 1);
		sim_set_free_memory(s.sim, need - less);
		if (less) {
			sim_stage_assert_fails(&s, CB_MEMORY_SHORT);
			assert_int_equal(s.boot.need_bytes, need);
			assert_int_equal(s.boot.free_bytes, need - 1);
		} else {
			sim_stage_assert_boots(&s, NULL);
			/* The loader itself stays within it; the kernel's initrd is on top. */
			assert_true(sim_peak_bytes(s.sim) + sim_realm_initrd(realm).len < need);
		}
		sim_stage_end(&s);
	}
}

static void prefetch_while_typing(void **state)
{
	struct sim_stage s;
	uint64_t start;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_behaviour(s.mirror[0])->latency_ms = 200;
	start = sim_now(s.sim);
	s.boot.types_after_ms = start + 20000;
	s.boot.account[0] = NULL;
	/* The image in the deferred plan, and the derivation's memory: just enough. */
	if (sim_machines_have_little())
		sim_set_free_memory(s.sim, sim_realm_ram_need(realm) + (CB_KDF_MIN_KIB << 10));
	assert_false(sim_boot_run(&s.boot, start + 20000));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	assert_int_equal(sim_realm_n_chunk_requests(realm, s.mirror[0]), sim_realm_n_chunks(realm));
	/* Signed in: every byte is here already, each was asked for once. */
	s.boot.account[0] = "ada";
	sim_stage_assert_boots(&s, NULL);
	assert_int_equal(sim_realm_n_chunk_requests(realm, s.mirror[0]), sim_realm_n_chunks(realm));
	sim_stage_end(&s);
}

static void prefetch_is_a_policy(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_begin(&s, realm, 1);
	s.no_prefetch = true;
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 20000));
	assert_int_equal(sim_realm_n_chunk_requests(realm, s.mirror[0]), 0);
	s.boot.account[0] = "ada";
	sim_stage_assert_boots(&s, NULL);
	sim_stage_end(&s);
}

/* Another environment than the default is chosen: what came in for nothing does no harm. */
static void prefetch_of_another_image(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.types_after_ms = sim_now(s.sim) + 5000;
	s.boot.account[0] = "bob";
	s.boot.menu_key = CB_KEY_DOWN;
	sim_stage_assert_boots(&s, NULL);
	assert_string_equal(cb_boot_result(s.boot.boot)->image, "other/1");
	sim_stage_end(&s);
}

/* It fails without a word; the sign-in goes on, and the boot's own fetch tells. */
static void failed_prefetch(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_realm_chunk_path(realm, 1, path);
	assert_true(sim_flip(s.mirror[0], path, 9, 1));
	s.boot.types_after_ms = sim_now(s.sim) + 60000;
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, s.boot.types_after_ms));
	assert_int_equal(s.boot.n_errors, 0);
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	s.boot.account[0] = "ada";
	sim_stage_assert_fails(&s, CB_CHUNK_HASH);
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_little_memory),	     cmocka_unit_test(memory_edge),
		cmocka_unit_test(prefetch_while_typing),     cmocka_unit_test(prefetch_is_a_policy),
		cmocka_unit_test(prefetch_of_another_image), cmocka_unit_test(failed_prefetch),
	};

	return sim_machines_run(tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
