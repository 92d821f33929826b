/* SPDX-License-Identifier: MIT */
/* Whole boots of a machine with a cache and without the network: who may go on, for how long, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/record.h"
#include "sim_cache.h"
#include "sim_stage.h"

#define DAY_S 86400
#define MANY_DAYS 60 /* more than a snapshot lives */
#define DEVICE_BLOCKS 8192u /* 4 MiB */
#define OFFLINE_AFTER_MS 10000u /* CB_BOOT_OFFLINE_AFTER_MS */
#define OFFLINE_END_S (SIM_REALM_NOW_S + SIM_REALM_OFFLINE_DAYS * DAY_S)

static struct sim_realm *realm;

static void offline_after_one_boot(void **state)
{
	struct sim_stage s;
	unsigned n;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	n = sim_n_connections(s.mirror[0]);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(sim_n_connections(s.mirror[0]), n);
	/* said before the sign-in, and with the end after it */
	assert_int_equal(s.boot.n_offline, 2);
	assert_int_equal(s.boot.offline_since_s, SIM_REALM_NOW_S);
	assert_true(s.boot.offline_until_s == OFFLINE_END_S);
	assert_true(sim_record_says(&s.boot, "\"offline\":{\"network\":false,"));
	sim_stage_end(&s);
}

static void without_a_cache_nothing_changes(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_set_block(s.sim, &(struct cb_block){ .ctx = NULL });
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_NO_LINK);
	/* an empty one is no better */
	sim_stage_use_disk(&s, s.disk);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_NO_LINK);
	sim_stage_end(&s);
}

/* The network is up, and nobody answers, in each of these ways. */
static void mirrors_away(void **state)
{
	struct {
		const char *name;
		struct sim_behaviour b;
		uint64_t most_ms; /* until the sign-in */
	} cases[] = {
		{ "refuses", { .refuses = true }, 12000 },
		{ "has no name", { .has_no_name = true }, 12000 },
		{ "is silent", { .hang = SIM_HANG_ACCEPT }, 12000 },
		{ "answers no call", { .hang = SIM_HANG_CONNECT }, 25000 },
		{ "breaks", { .status = 500 }, 60000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;
		uint64_t start_ms;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		sim_stage_boot_once(&s);
		*sim_behaviour(s.mirror[0]) = cases[i].b;
		sim_stage_power_on(&s, 1, 1);
		start_ms = sim_now(s.sim);
		sim_stage_assert_boots(&s, "demo/1");
		if (s.boot.n_offline != 2 || s.boot.sign_in_ms - start_ms > cases[i].most_ms)
			fail_msg("%s: sign-in after %ju ms", cases[i].name,
				 (uintmax_t)(s.boot.sign_in_ms - start_ms));
		sim_stage_end(&s);
	}
}

/* Slow is not away: while bytes come, the network is waited for. */
static void slow_is_not_away(void **state)
{
	struct sim_stage s;
	uint64_t start_ms;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_behaviour(s.mirror[0])->drip_ms = 24;
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = NULL;
	start_ms = sim_now(s.sim);
	assert_false(sim_boot_run(&s.boot, start_ms + SIM_STAGE_MINUTE));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	assert_in_range(s.boot.sign_in_ms - start_ms, OFFLINE_AFTER_MS + 1, SIM_STAGE_MINUTE);
	assert_int_equal(s.boot.n_offline, 0);
	sim_behaviour(s.mirror[0])->drip_ms = 0;
	s.boot.account[0] = "ada";
	sim_stage_assert_boots(&s, "demo/1");
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
}

/* Captive portals and liars are no reason to go on with less: what they say is told. */
static void wrong_answers_are_told(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_behaviour(s.mirror[0])->flips_all = true;
	sim_stage_power_on(&s, 1, 1);
	assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_FAILED);
	assert_int_equal(s.boot.n_offline, 0);
	sim_stage_end(&s);
}

static void days_run_out(void **state)
{
	static const struct {
		int64_t now_s;
		enum cb_err err;
	} cases[] = {
		{ OFFLINE_END_S - 1, CB_OK },
		{ OFFLINE_END_S, CB_OFFLINE_OVER },
		{ SIM_REALM_NOW_S + 8 * DAY_S, CB_OK }, /* the timestamp has expired */
		{ SIM_REALM_NOW_S + 31 * DAY_S, CB_META_EXPIRED }, /* and the snapshot */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		sim_stage_boot_once(&s);
		sim_set_wall_clock(s.sim, true, cases[i].now_s);
		sim_stage_start_unplugged(&s);
		if (cases[i].err == CB_OK)
			sim_stage_assert_boots(&s, "demo/1");
		else
			sim_stage_assert_fails(&s, cases[i].err);
		sim_stage_end(&s);
	}
}

static void has_many_days(struct cb_record *c)
{
	c->policy.offline_days = MANY_DAYS;
	/* Of a later day than the snapshot, so that it is not the record that ends first. */
	c->issued_s = SIM_REALM_NOW_S + DAY_S;
	c->expires_s = c->issued_s + CB_RECORD_MAX_LIFETIME_S;
}

static void has_no_days(struct cb_record *c)
{
	c->policy.offline_days = 0;
}

/* An account may not go on for longer than what the realm has signed, whatever its record says. */
static void signed_dates_end_it(void **state)
{
	struct sim_stage s;
	int64_t until_s;

	(void)state;
	sim_realm_change_account(realm, "ada", has_many_days);
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	until_s = s.boot.offline_until_s;
	assert_in_range(until_s, OFFLINE_END_S, SIM_REALM_NOW_S + MANY_DAYS * DAY_S - 1);
	sim_set_wall_clock(s.sim, true, until_s - 10);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_set_wall_clock(s.sim, true, until_s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_META_EXPIRED);
	sim_stage_end(&s);
}

/* The account had days, and has none any more: one boot with the network, and its record is gone from the cache. */
static void days_taken_away(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_realm_change_account(realm, "ada", has_no_days);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_boot_once(&s);
	assert_false(sim_record_says(&s.boot, "\"written_bytes\":0,"));
	sim_stage_boot_once(&s);
	assert_true(sim_record_says(&s.boot, "\"written_bytes\":0,"));
	sim_stage_start_unplugged(&s);
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_OFFLINE);
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	sim_stage_end(&s);
}

/*
 * Turned away with the network, be it that the record is gone or that it is still there: then nobody goes on by pulling the
 * cable, though the cache has all of it and nobody else has booted since.
 */
static void revoked_then_unplugged(void **state)
{
	for (unsigned is_removed = 0; is_removed < 2; is_removed++) {
		struct sim_stage s;
		char path[256];

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		sim_stage_boot_once(&s);
		sim_realm_revoke(realm, "ada");
		sim_realm_serve(realm, s.mirror[0]);
		sim_realm_record_path(realm, "ada", path);
		if (is_removed)
			assert_true(sim_remove_file(s.mirror[0], path));
		sim_stage_power_on(&s, 1, 1);
		if (is_removed) {
			assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
			assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_UNKNOWN);
		} else {
			sim_stage_assert_fails(&s, CB_RECORD_REVOKED);
		}
		sim_stage_start_unplugged(&s);
		assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
		assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_OFFLINE);
		sim_stage_end(&s);
		(void)sim_stage_renew_realm(state);
	}
}

/* A mirror that has lost the record says nothing about the account: what is signed does not refuse it. */
static void record_lost_by_the_mirror(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_realm_record_path(realm, "ada", path);
	assert_true(sim_remove_file(s.mirror[0], path));
	sim_stage_power_on(&s, 1, 1);
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_UNKNOWN);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

/* Who has signed in with the network may not go on without it by a retry. */
static void unplugged_before_a_retry(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_realm_chunk_path(realm, 0, path);
	sim_stage_cached_chunk(&s, 0)[1] ^= 1;
	assert_true(sim_flip(s.mirror[0], path, 40, 3));
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = "bob";
	sim_stage_assert_fails(&s, CB_CHUNK_HASH);
	sim_stage_unplug(&s);
	s.boot.has_error = false;
	s.boot.n_errors = 0;
	cb_boot_key(s.boot.boot, 'r');
	sim_stage_assert_fails(&s, CB_OFFLINE_OVER);
	assert_string_equal(sim_last_subject(s.sim, CB_EVENT_ERROR), "account record");
	sim_stage_end(&s);
}

/* A clock that was set back helps nobody for longer: it stays at the last verified timestamp. */
static void clock_set_back(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_set_wall_clock(s.sim, true, SIM_REALM_NOW_S - 400 * DAY_S);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	assert_true(s.boot.offline_until_s == OFFLINE_END_S);
	sim_stage_end(&s);
}

static void account_that_may_not(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = "bob";
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_start_unplugged(&s);
	s.boot.account[0] = "bob";
	assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE) == false);
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_OFFLINE);
	assert_int_equal(s.boot.status, CB_BOOT_IDLE);
	sim_stage_end(&s);
}

/* Unknown account, wrong passphrase, an account that has never been here: one answer, then the right one. */
static void wrong_passphrase_offline(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	s.boot.account[0] = "ada", s.boot.passphrase[0] = "wrong horse";
	s.boot.account[1] = "nobody", s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
	s.boot.account[2] = "ada", s.boot.passphrase[2] = SIM_REALM_PASSPHRASE;
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(sim_n_events(s.sim, CB_EVENT_REFUSED), 2);
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_OFFLINE);
	sim_stage_end(&s);
}

static void kiosk_offline(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	s.kiosk = "kim";
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	/* and where its record is not here, it waits for the network */
	s.kiosk = "bob";
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	sim_stage_end(&s);
}

/* The refresh host is down: mirrors answer, but with a timestamp that has expired. A person decides, or could; where
 * nobody is, the account's offline days count, with a cache and without. */
static void expired_but_unattended(void **state)
{
	static const struct {
		int days;
		const char *kiosk;
		enum cb_err err;
	} cases[] = {
		{ 8, NULL, CB_META_EXPIRED },
		{ 8, "kim", CB_OK },
		{ 8, "tom", CB_META_EXPIRED },
		{ SIM_REALM_OFFLINE_DAYS, "kim", CB_META_EXPIRED },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		if (i % 2)
			sim_set_block(s.sim, &(struct cb_block){ .ctx = NULL });
		sim_set_wall_clock(s.sim, true, SIM_REALM_NOW_S + cases[i / 2].days * DAY_S);
		s.kiosk = cases[i / 2].kiosk;
		sim_stage_power_on(&s, 1, 1);
		if (cases[i / 2].err == CB_OK) {
			sim_stage_assert_boots(&s, "demo/1");
			assert_true(sim_record_says(&s.boot, "\"offline\":{\"network\":true,"));
			assert_true(s.boot.offline_until_s == OFFLINE_END_S);
		} else {
			sim_stage_assert_fails(&s, cases[i / 2].err);
		}
		sim_stage_end(&s);
	}
}

/* A retry online: what was judged by old metadata counts no more. */
static void revoked_while_away(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	/* a newer epoch, and a chunk that is bad in the cache: the offline boot fails, the retry is online */
	sim_realm_set_epoch(realm, 2);
	sim_realm_serve(realm, s.mirror[0]);
	sim_realm_record_path(realm, "ada", path);
	sim_stage_start_unplugged(&s);
	sim_stage_cached_chunk(&s, 0)[1] ^= 1;
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	assert_int_equal(sim_n_requests_for(s.mirror[0], path), 1);
	sim_stage_plug_in(&s);
	s.boot.has_error = false;
	cb_boot_key(s.boot.boot, 'r');
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(sim_n_requests_for(s.mirror[0], path), 2);
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
}

/* An unattended machine tries again by itself, whatever it was. */
static void kiosk_goes_on_by_itself(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	s.kiosk = "kim";
	sim_set_wall_clock(s.sim, true, SIM_REALM_NOW_S + SIM_REALM_OFFLINE_DAYS * DAY_S);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_META_EXPIRED);
	sim_set_wall_clock(s.sim, true, SIM_REALM_NOW_S);
	s.boot.has_error = false;
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

static void escape_tries_the_network_again(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
	assert_int_equal(s.boot.n_offline, 1);
	sim_stage_plug_in(&s);
	cb_boot_key(s.boot.boot, CB_KEY_ESCAPE);
	s.boot.account[0] = "ada";
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(s.boot.n_offline, 1);
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offline_after_one_boot),
		cmocka_unit_test(without_a_cache_nothing_changes),
		cmocka_unit_test(mirrors_away),
		cmocka_unit_test(slow_is_not_away),
		cmocka_unit_test(wrong_answers_are_told),
		cmocka_unit_test(days_run_out),
		cmocka_unit_test_teardown(signed_dates_end_it, sim_stage_renew_realm),
		cmocka_unit_test_teardown(days_taken_away, sim_stage_renew_realm),
		cmocka_unit_test(revoked_then_unplugged),
		cmocka_unit_test(record_lost_by_the_mirror),
		cmocka_unit_test(unplugged_before_a_retry),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(account_that_may_not),
		cmocka_unit_test(wrong_passphrase_offline),
		cmocka_unit_test(kiosk_offline),
		cmocka_unit_test(expired_but_unattended),
		cmocka_unit_test_teardown(revoked_while_away, sim_stage_renew_realm),
		cmocka_unit_test(kiosk_goes_on_by_itself),
		cmocka_unit_test(escape_tries_the_network_again),
	};

	return sim_stage_run("cache_offline", tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
