/* SPDX-License-Identifier: MIT */
/* The key derivation on another processor, and without one: what goes on meanwhile, and every end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/newc.h"
#include "sim_stage.h"

#define MINUTE 60000ull
#define DERIVE_MS 3000u
static struct sim_realm *realm;

struct stage {
	struct sim *sim;
	struct sim_server *server;
	struct sim_boot boot;
	struct sim_realm_loader loader;
};

/* A machine whose prefetch takes longer than the derivation. */
static void begin(struct stage *s, unsigned n_workers, bool no_prefetch)
{
	static const char *const hosts[] = { "a", NULL };

	memset(s, 0, sizeof(*s));
	s->sim = sim_new(11);
	sim_set_workers(s->sim, n_workers, DERIVE_MS);
	s->server = sim_add_server(s->sim, "a", 80);
	sim_realm_serve(realm, s->server);
	sim_behaviour(s->server)->latency_ms = 400;
	sim_limit_line(s->sim, 4);
	s->loader = (struct sim_realm_loader){ .hosts = hosts, .no_prefetch = no_prefetch };
	sim_boot_init(&s->boot, s->sim, realm, &s->loader);
}

static void end(struct stage *s)
{
	cb_boot_close_network(s->boot.boot);
	sim_boot_done(&s->boot);
	assert_int_equal(sim_n_waiting(s->sim), 0);
	assert_int_equal(sim_open_streams(s->sim), 0);
	assert_int_equal(sim_live_allocations(s->sim), 0);
	sim_free(s->sim);
}

static void assert_booted(struct stage *s)
{
	struct cb_bytes kernel;

	assert_true(sim_boot_run(&s->boot, 60 * MINUTE));
	assert_int_equal(s->boot.status, CB_BOOT_READY);
	kernel = cb_boot_result(s->boot.boot)->kernel;
	assert_int_equal(kernel.len, sim_realm_kernel(realm).len);
	assert_memory_equal(kernel.p, sim_realm_kernel(realm).p, kernel.len);
}

/* To the middle of the derivation, which is with a worker. */
static void run_into_derivation(struct stage *s)
{
	uint64_t at = sim_now(s->sim);

	while (sim_stage(s->sim) != CB_STAGE_DERIVE || sim_n_waiting(s->sim) == 0) {
		at += 50;
		assert_true(at < 10 * MINUTE);
		assert_false(sim_boot_run(&s->boot, at));
	}
	assert_false(sim_boot_run(&s->boot, s->boot.stage_ms[CB_STAGE_DERIVE] + DERIVE_MS / 2));
	assert_int_equal(sim_n_waiting(s->sim), 1);
	assert_int_equal(s->boot.n_kdf, 0);
}

/* A number of the boot record, by what stands before it. */
static uint64_t recorded(const struct stage *s, const char *name)
{
	struct cb_bytes json =
		sim_handed_over(cb_boot_result(s->boot.boot), ".extra/chunkboot/boot.json");
	const char *at = memmem(json.p, json.len, name, strlen(name));

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static void meanwhile_bytes_arrive(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	run_into_derivation(&s);
	/* Keys are ignored. */
	cb_boot_key(s.boot.boot, 'x');
	cb_boot_key(s.boot.boot, CB_KEY_ENTER);
	assert_booted(&s);
	assert_false(s.boot.paused_download);
	assert_int_equal(s.boot.n_kdf, 1);
	/* and a step before, for the screen */
	assert_in_range(s.boot.stage_ms[CB_STAGE_RECORD] - s.boot.stage_ms[CB_STAGE_DERIVE],
			DERIVE_MS, DERIVE_MS + 1);
	assert_int_equal(recorded(&s, "\"key_derivation\":{\"ms\":"), DERIVE_MS);
	assert_int_equal(recorded(&s, ",\"processor\":"), 1);
	/* Of the 12,000 bytes that the line carries in that time, heads are a part. */
	assert_in_range(recorded(&s, ",\"processor\":1,\"body_bytes\":"), 4000, 12000);
	assert_int_equal(recorded(&s, ",\"workers\":"), 1);
	end(&s);
}

static void alone_the_download_pauses(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 0, /*no_prefetch=*/false);
	assert_booted(&s);
	assert_true(s.boot.paused_download);
	assert_int_equal(recorded(&s, ",\"processor\":"), 0);
	assert_int_equal(recorded(&s, ",\"processor\":0,\"body_bytes\":"), 0);
	assert_int_equal(recorded(&s, ",\"workers\":"), 0);
	end(&s);

	/* Where nothing comes in, nothing pauses. */
	begin(&s, 0, /*no_prefetch=*/true);
	assert_booted(&s);
	assert_false(s.boot.paused_download);
	end(&s);
}

/* The first parameter set finds no record, the second does. */
static void older_parameters(void **state)
{
	(void)state;
	for (unsigned n_workers = 0; n_workers <= 1; n_workers++) {
		struct stage s;

		begin(&s, n_workers, /*no_prefetch=*/true);
		s.boot.account[0] = "pam";
		assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
		assert_int_equal(s.boot.status, CB_BOOT_READY);
		assert_string_equal(cb_boot_result(s.boot.boot)->image, "twice/2");
		assert_int_equal(s.boot.n_kdf, 2);
		end(&s);
	}
}

static void refused_then_right(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	s.boot.passphrase[0] = "wrong";
	s.boot.account[1] = "ada";
	s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
	assert_booted(&s);
	assert_non_null(strstr(s.boot.shown, "refused"));
	assert_int_equal(s.boot.n_kdf, 3);
	end(&s);
}

/* The network goes away in mid-derivation: the keys are kept, and nobody types again. */
static void network_lost_meanwhile(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	run_into_derivation(&s);
	sim_behaviour(s.server)->refuses = true;
	sim_behaviour(s.server)->reset_first = 1000;
	assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_FAILED);
	assert_int_equal(cb_err_info(sim_last_err(s.sim, CB_EVENT_ERROR))->code / 100, 1);
	sim_behaviour(s.server)->refuses = false;
	sim_behaviour(s.server)->reset_first = 0;
	s.boot.error_key = 'r';
	assert_booted(&s);
	assert_int_equal(s.boot.n_kdf, 1);
	end(&s);
}

/* The prefetch fails in mid-derivation: not a word, until the image is wanted. */
static void prefetch_fails_meanwhile(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	run_into_derivation(&s);
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		char path[256];

		sim_realm_chunk_path(realm, i, path);
		assert_true(sim_flip(s.server, path, 9, 1));
	}
	assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_CHUNK_HASH);
	assert_int_equal(s.boot.n_kdf, 1);
	end(&s);
}

static void freed_in_mid_derivation(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	run_into_derivation(&s);
	cb_boot_free(s.boot.boot);
	s.boot.boot = NULL;
	/* It was waited for. */
	assert_int_equal(s.boot.n_kdf, 1);
	assert_int_equal(sim_n_waiting(s.sim), 0);
	assert_int_equal(sim_live_allocations(s.sim), 0);
	sim_boot_done(&s.boot);
	sim_free(s.sim);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* The workers' queue is full when the derivation comes: it is submitted later. */
static void full_queue(void **state)
{
	struct cb_work others[SIM_MAX_WORK];
	const struct cb_workers *w;
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/true);
	w = &sim_platform(s.sim)->workers;
	for (unsigned i = 0; i < SIM_MAX_WORK; i++) {
		others[i] = (struct cb_work){ .run = nothing };
		assert_true(w->submit(w->ctx, &others[i]));
	}
	assert_booted(&s);
	assert_true(sim_n_submitted(s.sim) > SIM_MAX_WORK);
	assert_int_equal(recorded(&s, ",\"processor\":"), 1);
	end(&s);
}

/* ---- Memory ---- */

#define REAL_ARENA ((size_t)CB_KDF_MIN_KIB << 10)

static size_t real_arena_len(uint32_t m_kib)
{
	return (size_t)m_kib << 10;
}

/* The same machine with an arena of the real size, and so much memory. */
static void begin_with_memory(struct stage *s, uint64_t bytes)
{
	size_t len;

	begin(s, 1, /*no_prefetch=*/false);
	cb_boot_free(s->boot.boot);
	len = sim_realm_config(realm, &s->loader, s->boot.config);
	sim_set_memory(s->sim, bytes);
	assert_int_equal(
		cb_boot_new(&(struct cb_boot_params){ .platform = sim_platform(s->sim),
						      .config_section = { s->boot.config, len },
						      .kdf = sim_realm_kdf,
						      .kdf_ctx = &s->boot.n_kdf,
						      .kdf_arena_len = real_arena_len,
						      .arch = CB_ARCH_X86_64 },
			    &s->boot.boot),
		CB_OK);
}

static void types_later(struct stage *s)
{
	s->boot.types_after_ms = sim_now(s->sim) + 60000;
	assert_false(sim_boot_run(&s->boot, s->boot.types_after_ms - 1));
	assert_int_equal(sim_stage(s->sim), CB_STAGE_SIGN_IN);
}

/* The arena is taken before the prefetch asks what is free, and given to chunks afterwards. */
static void prefetch_gets_what_the_arena_leaves(void **state)
{
	struct stage s;

	(void)state;
	begin_with_memory(&s, REAL_ARENA + CB_RAM_WORKING - (8u << 20));
	types_later(&s);
	assert_true(sim_live_bytes(s.sim) > REAL_ARENA);
	assert_int_equal(sim_realm_n_chunk_requests(realm, s.server), 0);
	assert_booted(&s);
	assert_true(sim_live_bytes(s.sim) < REAL_ARENA);
	end(&s);

	begin_with_memory(&s, 3 * REAL_ARENA);
	types_later(&s);
	assert_true(sim_realm_n_chunk_requests(realm, s.server) > 0);
	assert_booted(&s);
	end(&s);
}

/* Too little for the derivation: said with numbers, before anybody types. */
static void no_memory_for_the_arena(void **state)
{
	struct stage s;

	(void)state;
	begin_with_memory(&s, REAL_ARENA);
	assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_MEMORY_SHORT);
	assert_int_equal(s.boot.need_bytes, REAL_ARENA);
	assert_in_range(s.boot.free_bytes, 1, REAL_ARENA);
	assert_string_equal(s.boot.shown, "error: MEMORY_SHORT \n");
	/* More of it, and it goes on. */
	sim_set_memory(s.sim, 4 * REAL_ARENA);
	s.boot.error_key = 'r';
	assert_booted(&s);
	end(&s);
}

static bool lacks_memory;

static enum cb_err hungry_kdf(void *ctx, const struct cb_kdf_input *in, uint8_t ret_k0[64])
{
	assert_null(in->arena);
	return lacks_memory ? CB_NO_MEMORY : sim_realm_kdf(ctx, in, ret_k0);
}

/* A platform that gives no arena, since the derivation takes its memory itself: said with the figure, too. */
static void no_memory_without_an_arena(void **state)
{
	struct cb_boot_params params;
	struct stage s;

	(void)state;
	begin(&s, 0, /*no_prefetch=*/true);
	params = (struct cb_boot_params){
		.platform = sim_platform(s.sim),
		.config_section = { s.boot.config,
				    sim_realm_config(realm, &s.loader, s.boot.config) },
		.kdf = hungry_kdf,
		.kdf_ctx = &s.boot.n_kdf,
		.arch = CB_ARCH_X86_64,
	};
	cb_boot_free(s.boot.boot);
	assert_int_equal(cb_boot_new(&params, &s.boot.boot), CB_OK);
	lacks_memory = true;
	assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_MEMORY_SHORT);
	assert_int_equal(s.boot.need_bytes, CB_KDF_MIN_KIB << 10);
	lacks_memory = false;
	s.boot.error_key = 'r';
	s.boot.account[1] = "ada";
	s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
	assert_booted(&s);
	assert_int_equal(s.boot.n_errors, 1);
	end(&s);
}

static void allocation_failures(void **state)
{
	uint64_t n_total;
	struct stage s;

	(void)state;
	begin(&s, 1, /*no_prefetch=*/false);
	n_total = sim_n_allocations(s.sim);
	assert_booted(&s);
	n_total = sim_n_allocations(s.sim) - n_total;
	end(&s);
	for (uint64_t n = 1; n <= n_total; n++) {
		begin(&s, 1, /*no_prefetch=*/false);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, 60 * MINUTE));
		if (s.boot.status != CB_BOOT_READY)
			assert_int_equal(sim_stage(s.sim), CB_STAGE_FAILED);
		sim_fail_alloc(s.sim, 0, false);
		s.boot.error_key = 'r';
		s.boot.account[1] = "ada";
		s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
		assert_booted(&s);
		end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanwhile_bytes_arrive),
		cmocka_unit_test(alone_the_download_pauses),
		cmocka_unit_test(older_parameters),
		cmocka_unit_test(refused_then_right),
		cmocka_unit_test(network_lost_meanwhile),
		cmocka_unit_test(prefetch_fails_meanwhile),
		cmocka_unit_test(freed_in_mid_derivation),
		cmocka_unit_test(full_queue),
		cmocka_unit_test(prefetch_gets_what_the_arena_leaves),
		cmocka_unit_test(no_memory_for_the_arena),
		cmocka_unit_test(no_memory_without_an_arena),
		cmocka_unit_test(allocation_failures),
	};

	return sim_stage_run("derive", tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
