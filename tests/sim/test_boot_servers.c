/* SPDX-License-Identifier: MIT */
/* Whole boots with servers that are away, silent, or stop: how long it takes, what is told, and that it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_machines.h"

static struct sim_realm *realm;

static void server_absent_then_there(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_behaviour(s.mirror[0])->refuses = true;
	sim_stage_assert_fails(&s, CB_NET_CONNECT);
	/* Nobody presses a key: the error screen of network trouble retries by itself. */
	sim_behaviour(s.mirror[0])->refuses = false;
	s.boot.goes_on = true;
	sim_stage_assert_boots(&s, NULL);
	sim_stage_end(&s);
}

static void silent_server(void **state)
{
	struct sim_stage s;
	uint64_t start;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_behaviour(s.mirror[0])->hang = SIM_HANG_ACCEPT;
	start = sim_now(s.sim);
	sim_stage_assert_fails(&s, CB_NET_TIMEOUT);
	assert_in_range(sim_now(s.sim) - start, 100000, 150000);
	sim_stage_end(&s);
}

/* A file comes with a flipped bit once, and then the server is gone: that is network trouble, and
 * its screen goes on by itself when the server is back. */
static void wrong_once_then_gone(void **state)
{
	char path[3][256] = { SIM_REALM_BASE "metadata/timestamp.json" };

	(void)state;
	sim_realm_record_path(realm, "ada", path[1]);
	sim_realm_chunk_path(realm, 0, path[2]);
	for (unsigned i = 0; i < 3; i++) {
		struct sim_stage s;

		sim_machines_start(&s, realm, 1, NULL);
		sim_behaviour(s.mirror[0])->latency_ms = 50;
		assert_true(sim_flip(s.mirror[0], path[i], 20, 3));
		while (sim_n_requests_for(s.mirror[0], path[i]) == 0)
			assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 1));
		sim_behaviour(s.mirror[0])->refuses = sim_behaviour(s.mirror[0])->resets_always =
			true;
		sim_stage_assert_fails(&s, CB_NET_CONNECT);
		sim_behaviour(s.mirror[0])->refuses = sim_behaviour(s.mirror[0])->resets_always =
			false;
		assert_true(sim_flip(s.mirror[0], path[i], 20, 3));
		s.boot.goes_on = true;
		sim_stage_assert_boots(&s, NULL);
		assert_int_equal(s.boot.n_kdf, 1);
		sim_stage_end(&s);
	}
}

/* "Is there a newer root?": what one mirror says to that must not keep the other's answer away. */
static void bad_mirror_at_the_root(void **state)
{
	static const struct sim_behaviour bad[] = {
		{ .status = 500 },	{ .status = 503, .retry_after_s = 60 },
		{ .is_portal = true },	{ .is_portal_redirect = true },
		{ .is_endless = true }, { .is_garbage = true },
		{ .drip_ms = 1000 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned is_first = 0; is_first < 2; is_first++) {
			struct sim_stage s;

			sim_machines_start(&s, realm, 2, NULL);
			*sim_behaviour(is_first ? s.mirror[0] : s.mirror[1]) = bad[i];
			sim_stage_assert_boots(&s, NULL);
			assert_int_equal(s.boot.n_errors, 0);
			sim_stage_end(&s);
		}
}

/* The two minutes of silence are counted once, not for each mirror's timestamp. */
static void silent_after_the_timestamp(void **state)
{
	struct sim_stage s;
	uint64_t start;

	(void)state;
	sim_machines_start(&s, realm, 2, NULL);
	sim_behaviour(s.mirror[0])->hang = sim_behaviour(s.mirror[1])->hang = SIM_HANG_ACCEPT;
	sim_behaviour(s.mirror[0])->hang_after = sim_behaviour(s.mirror[1])->hang_after = 2;
	start = sim_now(s.sim);
	sim_stage_assert_fails(&s, CB_NET_TIMEOUT);
	assert_in_range(sim_now(s.sim) - start, 100000, 150000);
	sim_stage_end(&s);
}

static void server_stops_in_mid_transfer(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_behaviour(s.mirror[0])->reset_first = 9;
	sim_stage_assert_boots(&s, NULL);
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_absent_then_there),
		cmocka_unit_test(silent_server),
		cmocka_unit_test(wrong_once_then_gone),
		cmocka_unit_test(bad_mirror_at_the_root),
		cmocka_unit_test(silent_after_the_timestamp),
		cmocka_unit_test(server_stops_in_mid_transfer),
	};

	return sim_machines_run(tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
