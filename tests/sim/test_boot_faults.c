/* SPDX-License-Identifier: MIT */
/* Whole boots with a bit flipped, a file gone, an allocation failed: no wrong byte runs, no try is the last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "sim_machines.h"

static struct sim_realm *realm;

static void flipped_chunk_only_mirror(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_realm_chunk_path(realm, 2, path);
	assert_true(sim_flip(s.mirror[0], path, 40, 3));
	sim_stage_assert_fails(&s, CB_CHUNK_HASH);
	assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), ".cacnk"));
	/* Mended: the person presses R and it boots, without signing in again. */
	assert_true(sim_flip(s.mirror[0], path, 40, 3));
	s.boot.error_key = 'r';
	sim_stage_assert_boots(&s, NULL);
	assert_int_equal(s.boot.n_kdf, 1);
	sim_stage_end(&s);
}

static void flipped_chunk_second_mirror(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_machines_start(&s, realm, 2, NULL);
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		assert_true(sim_flip(s.mirror[0], path, 40 + i, i % 8));
	}
	sim_stage_assert_boots(&s, NULL);
	assert_int_equal(s.boot.n_errors, 0);
	sim_stage_end(&s);
}

/* One bit of a metadata file, at many places: never accepted, always a 2xx code. */
static void flipped_metadata(void **state)
{
	(void)state;
	for (size_t at = 0; at < 400; at += 3) {
		struct sim_stage s;
		enum cb_err err;

		sim_machines_start(&s, realm, 1, NULL);
		assert_true(sim_remove_file(s.mirror[0], SIM_REALM_BASE CB_BUNDLE_PATH));
		assert_true(sim_flip(s.mirror[0], SIM_REALM_BASE "metadata/timestamp.json", at,
				     at % 8));
		assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
		err = sim_last_err(s.sim, CB_EVENT_ERROR);
		assert_int_equal(cb_err_info(err)->code / 100, 2);
		sim_stage_end(&s);
	}
}

/* Every file of the repository in turn, on the only mirror: the right family of codes, or a boot
 * when the file plays no part in it; with a second good mirror always a boot. */
static unsigned flip_every_file(bool has_bundle)
{
	unsigned n_refused = 0;

	for (unsigned i = 0;; i++) {
		struct sim_stage s;
		const char *path;

		sim_machines_start(&s, realm, 1, NULL);
		path = sim_file_path(s.mirror[0], i);
		if (!path) {
			sim_stage_end(&s);
			return n_refused;
		}
		assert_true(sim_flip(s.mirror[0], path, 20 + 7 * i, i % 8));
		if (!has_bundle)
			(void)sim_remove_file(s.mirror[0], SIM_REALM_BASE CB_BUNDLE_PATH);
		assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
		if (s.boot.status == CB_BOOT_READY) {
			sim_stage_assert_bytes(cb_boot_result(s.boot.boot)->kernel,
					       sim_realm_kernel(realm));
		} else {
			unsigned code = cb_err_info(sim_last_err(s.sim, CB_EVENT_ERROR))->code;
			assert_in_range(code / 100, 2, 4);
			n_refused++;
		}
		sim_stage_end(&s);

		sim_machines_start(&s, realm, 2, NULL);
		assert_true(
			sim_flip(s.mirror[0], sim_file_path(s.mirror[0], i), 20 + 7 * i, i % 8));
		sim_stage_assert_boots(&s, NULL);
		sim_stage_end(&s);
	}
}

static void every_file_flipped(void **state)
{
	(void)state;
	/* ada's record, manifest, each chunk; timestamp, snapshot, targets, accounts are twofold */
	assert_int_equal(flip_every_file(/*has_bundle=*/true), 2 + sim_realm_n_chunks(realm));
	assert_int_equal(flip_every_file(/*has_bundle=*/false), 6 + sim_realm_n_chunks(realm));
}

/* The same with each file taken away. */
static unsigned remove_every_file(bool has_bundle)
{
	unsigned n_refused = 0;

	for (unsigned i = 0;; i++) {
		struct sim_stage s;
		char path[256];

		sim_machines_start(&s, realm, 1, NULL);
		if (!sim_file_path(s.mirror[0], i)) {
			sim_stage_end(&s);
			return n_refused;
		}
		strcpy(path, sim_file_path(s.mirror[0], i));
		assert_true(sim_remove_file(s.mirror[0], path));
		if (!has_bundle)
			(void)sim_remove_file(s.mirror[0], SIM_REALM_BASE CB_BUNDLE_PATH);
		/* Without its record an account is unknown, and the prompt comes again. */
		if (!sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE)) {
			assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
			n_refused++;
		} else if (s.boot.status != CB_BOOT_READY) {
			n_refused++;
		}
		sim_stage_end(&s);

		sim_machines_start(&s, realm, 2, NULL);
		assert_true(sim_remove_file(s.mirror[0], path));
		sim_stage_assert_boots(&s, NULL);
		sim_stage_end(&s);
	}
}

static void every_file_missing(void **state)
{
	(void)state;
	assert_int_equal(remove_every_file(/*has_bundle=*/true), 2 + sim_realm_n_chunks(realm));
	assert_int_equal(remove_every_file(/*has_bundle=*/false), 6 + sim_realm_n_chunks(realm));
}

/* Signed, and yet it does not decompress: said with the chunk's name, now or when it is served. */
static void torn_initrd(void **state)
{
	uint64_t n_requests;
	uint8_t *initrd;
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.account[0] = "tom";
	assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
	if (s.boot.status == CB_BOOT_READY) {
		const struct cb_boot_result *r = cb_boot_result(s.boot.boot);

		initrd = malloc(r->initrd_len);
		n_requests = sim_n_requests(s.mirror[0]);
		cb_boot_close_network(s.boot.boot);
		assert_int_equal(cb_boot_serve_initrd(s.boot.boot, initrd), CB_CHUNK_DECODE);
		assert_int_equal(sim_n_requests(s.mirror[0]), n_requests);
		free(initrd);
		cb_boot_start_failed(s.boot.boot, CB_KERNEL_RETURNED);
	} else {
		assert_false(sim_machines_have_little());
	}
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_CHUNK_DECODE);
	assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), ".cacnk"));
	sim_stage_end(&s);
}

static void no_entropy(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_fail_random(s.sim, true);
	sim_stage_assert_fails(&s, CB_ENTROPY);
	sim_stage_end(&s);
}

/* The error that says so: that of the derivation's arena says how much there must be. */
static void assert_out_of_memory(const struct sim_stage *s)
{
	enum cb_err err = sim_last_err(s->sim, CB_EVENT_ERROR);

	assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
	if (err != CB_NO_MEMORY && err != CB_MEMORY_SHORT)
		fail_msg("%s", s->boot.shown);
	assert_int_equal(s->boot.n_errors, 1);
}

/* Any allocation may fail: an error or a boot, never a hang, never a leak. */
static void allocation_failures(void **state)
{
	uint64_t n_total;
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	n_total = sim_n_allocations(s.sim);
	sim_stage_assert_boots(&s, NULL);
	n_total = sim_n_allocations(s.sim) - n_total;
	sim_stage_end(&s);
	for (uint64_t n = 1; n <= n_total; n++) {
		sim_machines_start(&s, realm, 1, NULL);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s);
		/* Good conditions again: the next try boots. */
		sim_fail_alloc(s.sim, 0, false);
		s.boot.error_key = 'r';
		s.boot.account[1] = "ada";
		s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
		sim_stage_assert_boots(&s, NULL);
		sim_stage_end(&s);
	}
}

static void damaged_configuration(void **state)
{
	static const char *const hosts[] = { "a", NULL };
	struct sim *sim = sim_new(1);
	struct cb_boot *boot = NULL;
	uint8_t config[SIM_REALM_CONFIG_MAX];
	size_t len = sim_realm_config(realm, &(struct sim_realm_loader){ .hosts = hosts }, config);

	(void)state;
	for (size_t at = 0; at < len; at += 5) {
		config[at] ^= 0x10;
		assert_int_equal(cb_boot_new(
					 &(struct cb_boot_params){
						 .platform = sim_platform(sim),
						 .config_section = { config, len },
						 .kdf = sim_realm_kdf,
						 .arch = CB_ARCH_X86_64,
					 },
					 &boot),
				 CB_CONFIG);
		config[at] ^= 0x10;
	}
	assert_int_equal(sim_live_allocations(sim), 0);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flipped_chunk_only_mirror),
		cmocka_unit_test(flipped_chunk_second_mirror),
		cmocka_unit_test(flipped_metadata),
		cmocka_unit_test(every_file_flipped),
		cmocka_unit_test(every_file_missing),
		cmocka_unit_test(torn_initrd),
		cmocka_unit_test(no_entropy),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(damaged_configuration),
	};

	return sim_machines_run(tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
