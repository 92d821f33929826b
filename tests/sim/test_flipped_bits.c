/* SPDX-License-Identifier: MIT */
/* One bit of one file of the repository is wrong on a mirror: its bytes are never handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_keep.h"

#define MINUTE 60000ull
#define N_RUNS 2000

static const char *const both[] = { "a", "b", NULL };
static const char *const only_a[] = { "a", NULL };

static void run(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	const struct sim_world *world = ctx;
	const struct sim_realm *realm = world->realm;
	struct sim_keep keep;
	struct sim *sim = sim_new(seed);
	struct sim_server *a = sim_add_server(sim, "a", 80), *b = sim_add_server(sim, "b", 80);
	uint64_t state = seed;
	bool has_good = sim_pick(&state, 2), is_kiosk = sim_pick(&state, 2);
	unsigned n_files = 0;
	struct sim_boot boot;

	sim_realm_serve(realm, a);
	sim_realm_serve(realm, b);
	while (sim_file_path(a, n_files))
		n_files++;
	const char *path = sim_file_path(a, (unsigned)sim_pick(&state, n_files));
	size_t at = sim_pick(&state, sim_file_bytes(a, path).len);
	unsigned bit = (unsigned)sim_pick(&state, 8);
	sim_flip(a, path, at, bit);
	const struct sim_realm_loader loader = { .hosts = has_good ? both : only_a,
						 .kiosk = is_kiosk ? "kim" : NULL };
	sim_keep_begin(&keep, world->stock, sim, seed);
	snprintf(v->scenario, sizeof(v->scenario), "bit %u of byte %zu of %s, %s, %s, %s", bit, at,
		 path, has_good ? "a good mirror too" : "the only mirror",
		 is_kiosk ? "kiosk" : "person", sim_keep_name(&keep));
	sim_boot_init(&boot, sim, realm, &loader);
	if (!sim_boot_run(&boot, 10 * MINUTE))
		sim_say(v, "neither boot nor error, stage %d", sim_stage(sim));
	v->took_ms = sim_now(sim);
	sim_keep_judge(&keep, v);
	/* Mended, it boots. */
	sim_flip(a, path, at, bit);
	if (boot.status != CB_BOOT_READY) {
		enum cb_err err = sim_last_err(sim, CB_EVENT_ERROR);
		unsigned family = cb_err_info(err)->code / 100;
		if (has_good || family < 2 || family > 4)
			sim_say(v, "%s", cb_err_info(err)->name);
		boot.error_key = 'r';
		boot.account[1] = "ada";
		boot.passphrase[1] = SIM_REALM_PASSPHRASE;
		if (!sim_boot_run(&boot, sim_now(sim) + 10 * MINUTE) ||
		    boot.status != CB_BOOT_READY)
			sim_say(v, "no boot after the file was mended, stage %d", sim_stage(sim));
	}
	if (boot.status == CB_BOOT_READY)
		sim_judge_ready(v, &boot, realm);
	sim_keep_judge_next(&keep, &boot, &loader, v);
	sim_judge_end(v, &boot);
	sim_keep_end(&keep);
}

static void flipped_bits(void **state)
{
	(void)state;
	assert_int_equal(sim_keep_campaign("flipped_bits", N_RUNS, run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flipped_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
