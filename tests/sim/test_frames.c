/* SPDX-License-Identifier: MIT */
/* The network of frames itself: it repeats, its faults happen, and nothing is lost when memory is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_campaign.h"
#include "sim_lwip_memory.h"
#include "sim_stage.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define HAS_SANITIZER
#endif
#endif

#define MINUTE 60000ull
#define N_SOAK 200

static const char *const hosts[] = { "a", NULL };
static struct sim_realm *realm;

static const struct sim_link good = { .up = { .delay_us = 1000 }, .down = { .delay_us = 1000 } };

static const struct sim_link bad = {
	.up = { .delay_us = 20000,
		.loss_ppm = 30000,
		.duplicate_ppm = 30000,
		.reorder_ppm = 30000,
		.reorder_us = 30000,
		.corrupt_ppm = 30000 },
	.down = { .delay_us = 20000,
		  .rate_bytes_ms = 1250,
		  .queue_bytes = 12000,
		  .loss_ppm = 30000,
		  .duplicate_ppm = 30000,
		  .reorder_ppm = 30000,
		  .reorder_us = 30000,
		  .corrupt_ppm = 30000,
		  .damage_ppm = 3000 },
	.flap_up_ms = 1900,
	.flap_down_ms = 300,
};

struct stage {
	struct sim *sim;
	struct sim_server *a;
	struct sim_boot boot;
};

static void begin(struct stage *s, uint64_t seed, const struct sim_link *link)
{
	memset(s, 0, sizeof(*s));
	s->sim = sim_new(seed);
	s->a = sim_add_server(s->sim, hosts[0], 80);
	sim_realm_serve(realm, s->a);
	sim_use_frames(s->sim, link);
	sim_boot_init(&s->boot, s->sim, realm, &(struct sim_realm_loader){ .hosts = hosts });
	s->boot.account[1] = "ada";
	s->boot.passphrase[1] = SIM_REALM_PASSPHRASE;
}

static void assert_booted(struct stage *s)
{
	struct sim_verdict v = { .text = "" };

	assert_true(sim_boot_run(&s->boot, sim_now(s->sim) + 10 * MINUTE));
	assert_int_equal(s->boot.status, CB_BOOT_READY);
	sim_judge_ready(&v, &s->boot, realm);
	assert_string_equal(v.text, "");
}

static void end(struct stage *s)
{
	struct sim_verdict v = { .text = "" };

	sim_judge_end(&v, &s->boot);
	assert_string_equal(v.text, "");
}

/* ---- The same seed is the same run ---- */

static void run_bad(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	struct stage s;

	(void)ctx;
	begin(&s, seed, &bad);
	s.boot.goes_on = true;
	assert_booted(&s);
	v->took_ms = sim_now(s.sim);
	sim_judge_end(v, &s.boot);
}

static void same_seed_same_run(void **state)
{
	const struct sim_campaign campaign = { .name = "same", .run = run_bad };
	uint64_t other = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim_verdict first, second;

		sim_campaign_run_one(&campaign, seed, &first);
		sim_campaign_run_one(&campaign, seed, &second);
		assert_string_equal(first.text, "");
		assert_int_equal(first.digest, second.digest);
		assert_int_equal(first.took_ms, second.took_ms);
		assert_int_not_equal(first.digest, other);
		other = first.digest;
	}
}

/* ---- Faults happen, and are mended ---- */

static void every_fault_happens(void **state)
{
	struct sim_link_stats sum = { 0 }, one;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct stage s;

		begin(&s, seed, &bad);
		s.boot.goes_on = true;
		assert_booted(&s);
		sim_link_stats(s.sim, &one);
		end(&s);
		sum.n_lost += one.n_lost;
		sum.n_overflowed += one.n_overflowed;
		sum.n_down += one.n_down;
		sum.n_duplicated += one.n_duplicated;
		sum.n_reordered += one.n_reordered;
		sum.n_corrupted += one.n_corrupted;
		sum.n_damaged += one.n_damaged;
		sum.n_retransmitted += one.n_retransmitted;
		sum.n_timeouts += one.n_timeouts;
		sum.n_probes += one.n_probes;
	}
	assert_true(sum.n_lost && sum.n_overflowed && sum.n_down && sum.n_duplicated);
	assert_true(sum.n_reordered && sum.n_corrupted && sum.n_damaged);
	assert_true(sum.n_retransmitted && sum.n_timeouts && sum.n_probes);
}

/* The boot record has this number behind that text. */
static void assert_recorded(const struct stage *s, const char *text, uint64_t number)
{
	struct cb_bytes json =
		sim_handed_over(cb_boot_result(s->boot.boot), ".extra/chunkboot/boot.json");
	const char *at = memmem(json.p, json.len, text, strlen(text));

	assert_non_null(at);
	assert_int_equal(strtoull(at + strlen(text), NULL, 10), number);
}

/* A perfect line loses nothing and nothing is sent twice. */
static void perfect_line(void **state)
{
	struct sim_link_stats stats;
	struct stage s;

	(void)state;
	begin(&s, 1, &good);
	assert_booted(&s);
	sim_link_stats(s.sim, &stats);
	assert_int_equal(stats.n_lost + stats.n_overflowed + stats.n_down, 0);
	assert_int_equal(stats.n_retransmitted + stats.n_timeouts, 0);
	assert_int_equal(s.boot.n_errors, 0);
	assert_recorded(&s, "\"network\":{\"ipv4\":{\"has_address\":true,\"connections\":",
			sim_n_connections(s.a));
	assert_recorded(&s, ",\"ipv6\":{\"has_address\":false,\"connections\":", 0);
	end(&s);
}

/* Each family alone, and both: IPv6 goes first. */
static void families(void **state)
{
	const struct sim_link links[] = {
		{ .has_ipv6 = true, .has_no_dhcp = true },
		{ .has_ipv6 = true, .has_dhcp6 = true, .has_no_dhcp = true },
		{ .has_ipv6 = true },
		{ .has_ipv6 = true, .has_dhcp6 = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct stage s;

		begin(&s, 1, &links[i]);
		assert_booted(&s);
		assert_int_equal(s.boot.n_errors, 0);
		assert_recorded(&s, "\"ipv6\":{\"has_address\":true,\"connections\":",
				sim_n_connections(s.a));
		assert_recorded(&s,
				links[i].has_no_dhcp ?
					"\"ipv4\":{\"has_address\":false,\"connections\":" :
					"\"ipv4\":{\"has_address\":true,\"connections\":",
				0);
		end(&s);
	}
}

/* Codes for a network where something never answers. */
static void right_codes(void **state)
{
	const struct {
		struct sim_link link;
		enum cb_err err;
	} cases[] = {
		{ { .has_no_dhcp = true }, CB_NET_NO_LEASE },
		{ { .has_no_dns = true }, CB_NET_DNS },
		{ { .flap_down_ms = 1 }, CB_NET_NO_LEASE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stage s;

		begin(&s, 1, &cases[i].link);
		assert_true(sim_boot_run(&s.boot, 5 * MINUTE));
		assert_int_equal(s.boot.n_errors, 1);
		assert_string_equal(cb_err_info(sim_last_err(s.sim, CB_EVENT_ERROR))->name,
				    cb_err_info(cases[i].err)->name);
		sim_set_link(s.sim, &good);
		s.boot.goes_on = true;
		assert_booted(&s);
		end(&s);
	}
}

/* Where nothing has come the network is asked anew; a line that breaks off costs no network. */
static void retry_is_anew(void **state)
{
	const struct sim_link silent = { .has_no_dns = true };
	const struct sim_link slow = { .down = { .rate_bytes_ms = 5, .queue_bytes = 3000 } };
	struct stage s;

	(void)state;
	begin(&s, 1, &silent);
	assert_true(sim_boot_run(&s.boot, 5 * MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_NET_DNS);
	sim_set_link(s.sim, &good);
	s.boot.error_key = 'r';
	assert_booted(&s);
	assert_int_equal(s.boot.n_network, 2);
	end(&s);

	begin(&s, 1, &slow);
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 1000));
	assert_true(sim_body_bytes(s.a) > 0);
	sim_cut_link(s.sim, true);
	assert_true(sim_boot_run(&s.boot, 5 * MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_NET_CONNECT);
	sim_cut_link(s.sim, false);
	s.boot.error_key = 'r';
	assert_booted(&s);
	assert_int_equal(s.boot.n_network, 1);
	end(&s);
}

/* ---- Faults of the machine ---- */

/* It came up, or said one of these two; then the next try under good conditions boots. */
static void recover(struct stage *s, enum cb_err one, enum cb_err other)
{
	enum cb_err err = sim_last_err(s->sim, CB_EVENT_ERROR);

	if (s->boot.status != CB_BOOT_READY) {
		if (err != one && err != other)
			fail_msg("%s", s->boot.shown);
		assert_int_equal(s->boot.n_errors, 1);
		assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
		s->boot.error_key = 'r';
	}
	assert_booted(s);
	end(s);
}

static void platform_memory_fails(void **state)
{
	struct stage s;
	uint64_t n_total;

	(void)state;
	begin(&s, 1, &good);
	s.boot.types_after_ms = sim_now(s.sim) + 3000;
	n_total = sim_n_allocations(s.sim);
	assert_booted(&s);
	n_total = sim_n_allocations(s.sim) - n_total;
	end(&s);
	assert_true(n_total > 50);
	for (uint64_t n = 1; n <= n_total; n++) {
		begin(&s, 1, &good);
		s.boot.types_after_ms = sim_now(s.sim) + 3000;
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, 10 * MINUTE));
		sim_fail_alloc(s.sim, 0, false);
		/* that of the derivation's arena says how much there must be */
		recover(&s, CB_NO_MEMORY, CB_MEMORY_SHORT);
	}
}

static void lwip_memory_fails(void **state)
{
	struct stage s;
	uint64_t n_total;

	(void)state;
	begin(&s, 1, &good);
	n_total = sim_lwip_fail(0, false);
	assert_booted(&s);
	n_total = sim_lwip_fail(0, false) - n_total;
	end(&s);
	assert_true(n_total > 20);
	for (uint64_t n = 1; n <= n_total; n++) {
		begin(&s, 1, &good);
		sim_lwip_fail(n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, 10 * MINUTE));
		sim_lwip_fail(0, false);
		recover(&s, CB_NO_MEMORY, CB_NO_MEMORY);
	}
}

/* Nothing at all for two seconds, from any moment of a boot on: it goes on by itself. */
static void lwip_memory_comes_back(void **state)
{
	struct stage s;

	(void)state;
	for (uint64_t after_ms = 0; after_ms < 600; after_ms += 20) {
		begin(&s, 1, &good);
		s.boot.goes_on = true;
		s.boot.types_after_ms = sim_now(s.sim) + 400;
		(void)sim_boot_run(&s.boot, sim_now(s.sim) + after_ms);
		sim_lwip_fail(1, /*is_forever=*/true);
		(void)sim_boot_run(&s.boot, sim_now(s.sim) + 2000);
		sim_lwip_fail(0, false);
		assert_booted(&s);
		end(&s);
	}
}

static void variables_fail(void **state)
{
	struct stage s;

	(void)state;
	for (uint64_t n = 1; n <= 12; n++)
		for (unsigned is_forever = 0; is_forever < 2; is_forever++) {
			begin(&s, 1, &good);
			sim_fail_vars(s.sim, n, is_forever);
			assert_true(sim_boot_run(&s.boot, 10 * MINUTE));
			sim_fail_vars(s.sim, 0, false);
			/* they are notices, never an error */
			recover(&s, CB_OK, CB_OK);
		}
}

static void randomness_fails(void **state)
{
	struct stage s;

	(void)state;
	for (uint64_t after_ms = 0; after_ms < 3000; after_ms += 100) {
		begin(&s, 1, &good);
		sim_fail_random(s.sim, after_ms == 0);
		if (after_ms > 0)
			(void)sim_boot_run(&s.boot, sim_now(s.sim) + after_ms);
		sim_fail_random(s.sim, true);
		assert_true(sim_boot_run(&s.boot, 10 * MINUTE));
		if (s.boot.status != CB_BOOT_READY)
			assert_string_equal(cb_err_info(sim_last_err(s.sim, CB_EVENT_ERROR))->name,
					    cb_err_info(CB_ENTROPY)->name);
		sim_fail_random(s.sim, false);
		recover(&s, CB_ENTROPY, CB_ENTROPY);
	}
}

static size_t heap_bytes(void)
{
#ifdef HAS_SANITIZER
	return __sanitizer_get_current_allocated_bytes();
#else
	return 0; /* malloc's own count has what its caches keep; leaks are for valgrind to find */
#endif
}

/* Many boots in one process: what is allocated after the tenth is allocated after the last. */
static void soak(void **state)
{
	size_t before = 0;

	(void)state;
	for (uint64_t i = 1; i <= N_SOAK; i++) {
		struct stage s;

		begin(&s, i, i % 2 ? &good : &bad);
		s.boot.goes_on = true;
		assert_booted(&s);
		end(&s);
		if (i == 10)
			before = heap_bytes();
	}
	assert_int_equal(heap_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_run),
		cmocka_unit_test(every_fault_happens),
		cmocka_unit_test(perfect_line),
		cmocka_unit_test(families),
		cmocka_unit_test(right_codes),
		cmocka_unit_test(retry_is_anew),
		cmocka_unit_test(platform_memory_fails),
		cmocka_unit_test(lwip_memory_fails),
		cmocka_unit_test(lwip_memory_comes_back),
		cmocka_unit_test(variables_fail),
		cmocka_unit_test(randomness_fails),
		cmocka_unit_test(soak),
	};

	return sim_stage_run("frames", tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
