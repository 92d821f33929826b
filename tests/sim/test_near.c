/* SPDX-License-Identifier: MIT */
/* Nearby mirrors, stamped or announced by DHCP: they go first, and none of them can keep a boot back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/refresh.h"
#include "core/source.h"
#include "sim_link.h"
#include "sim_stage.h"

#define STAMPED 0 /* mirrors "a", "b", "c" */
#define NEAR 1
#define SIGNED 2
#define DAY_S 86400

static const char *const near_hosts[] = { "b", NULL };

/* Image demo: the old repository has version 1, the new one 2 as well; that with mirrors has 1. */
static struct sim_realm *realm, *with_mirrors;
static struct sim *store;
static struct sim_server *old_files, *new_files;

static int set_up(void **state)
{
	static const char *const hosts[] = { "c", NULL };

	(void)state;
	with_mirrors = sim_realm_new();
	sim_realm_set_mirrors(with_mirrors, hosts, SIM_REALM_NOW_S);
	realm = sim_realm_new();
	store = sim_new(0);
	old_files = sim_add_server(store, "old", 80);
	new_files = sim_add_server(store, "new", 80);
	sim_realm_serve(realm, old_files);
	sim_realm_add_version(realm, 2, SIM_REALM_NOW_S);
	sim_realm_serve(realm, new_files);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_free(store);
	sim_realm_free(realm);
	sim_realm_free(with_mirrors);
	return 0;
}

static unsigned n_records_of(const struct sim_stage *s, unsigned mirror)
{
	char path[256];

	sim_realm_record_path(s->realm, "ada", path);
	return sim_n_requests_for(s->mirror[mirror], path);
}

/* Mirrors a and b with the newest files; b is stamped as near where that is said. */
static void begin(struct sim_stage *s, bool is_near)
{
	sim_stage_begin(s, realm, 2);
	sim_copy_files(s->mirror[STAMPED], new_files);
	sim_copy_files(s->mirror[NEAR], new_files);
	s->no_prefetch = true;
	s->near = is_near ? near_hosts : NULL;
}

/* ---- Who is asked ---- */

static void near_first(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s, /*is_near=*/true);
	/* farther than the stamped one, even */
	sim_behaviour(s.mirror[NEAR])->latency_ms = 20;
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[STAMPED]), 0);
	assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[NEAR]),
			 sim_realm_n_chunks(realm));
	assert_int_equal(n_records_of(&s, STAMPED), 0);
	assert_int_equal(n_records_of(&s, NEAR), 1);
	/* a timestamp is asked for everywhere all the same: the newest counts */
	assert_int_equal(
		sim_n_requests_for(s.mirror[STAMPED], SIM_REALM_BASE "metadata/timestamp.json"), 1);
	sim_stage_end(&s);
}

/* Near, signed and stamped; then without the near one; then it is signed as well. */
static void near_before_signed(void **state)
{
	static const char *const both[] = { "c", NULL };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct sim_stage s;
		unsigned wanted = i == 0 ? NEAR : SIGNED;

		sim_stage_begin(&s, with_mirrors, 3);
		for (unsigned m = 0; m < 3; m++)
			sim_realm_serve(with_mirrors, s.mirror[m]);
		s.near = i == 2 ? both : near_hosts;
		sim_behaviour(s.mirror[NEAR])->refuses = i == 1;
		sim_behaviour(s.mirror[SIGNED])->latency_ms = 20;
		sim_stage_power_on(&s, 1, 1);
		sim_stage_assert_boots(&s, "demo/1");
		for (unsigned m = 0; m < 3; m++)
			assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[m]),
					 m == wanted ? sim_realm_n_chunks(with_mirrors) : 0);
		sim_stage_end(&s);
	}
}

/* Four near ones, of which the last one works. */
static void the_last_of_four(void **state)
{
	static const char *const near[] = { "n1", "n2", "n3", "b", NULL };

	struct sim_stage s;

	(void)state;
	begin(&s, /*is_near=*/true);
	s.near = near;
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[STAMPED]), 0);
	assert_int_equal(sim_n_events(s.sim, CB_EVENT_NOTICE), 0);
	sim_stage_end(&s);
}

/* ---- What a bad one costs ---- */

static void is_down(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->refuses = true;
}

static void has_no_name(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->has_no_name = true;
}

static void is_a_black_hole(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->hang = SIM_HANG_CONNECT;
}

static void is_silent(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->hang = SIM_HANG_ACCEPT;
}

static void hangs_in_the_head(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->hang = SIM_HANG_HEAD;
}

static void hangs_in_the_body(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->hang = SIM_HANG_BODY;
}

static void hangs_later(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->hang = SIM_HANG_ACCEPT;
	sim_behaviour(s->mirror[NEAR])->hang_after = 5;
}

static void resets(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->resets_always = true;
}

static void is_busy(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->status = 503;
}

static void is_a_portal(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->is_portal = true;
}

static void is_empty(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->status = 404;
}

static void is_stale(struct sim_stage *s)
{
	const char *path;

	for (unsigned i = 0; (path = sim_file_path(new_files, i)); i++)
		sim_remove_file(s->mirror[NEAR], path);
	sim_copy_files(s->mirror[NEAR], old_files);
}

static void is_wrong(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->flips_all = true;
}

static void drips(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->drip_ms = 10;
}

static void is_slow(struct sim_stage *s)
{
	sim_behaviour(s->mirror[NEAR])->rate_bytes_ms = 10;
}

/* What else may be added to a boot without it, until the prompt and in all; 0: as usual. */
#define USUAL_PROMPT_MS (CB_REFRESH_GRACE_MS + 50)
#define USUAL_ALL_MS 1200

static const struct trouble {
	const char *what;
	void (*make)(struct sim_stage *s);
	unsigned prompt_ms, all_ms;
} troubles[] = {
	{ "down", is_down, 0, 0 },
	{ "no name", has_no_name, 0, 0 },
	{ "black hole", is_a_black_hole, 0, 0 },
	{ "silent", is_silent, 0, 0 },
	{ "hangs in the head", hangs_in_the_head, 0, 0 },
	{ "hangs in the body", hangs_in_the_body, 0, 0 },
	{ "hangs after five answers", hangs_later, 0, CB_SOURCE_CRAWL_MS },
	{ "resets", resets, 0, 0 },
	{ "busy", is_busy, 0, 0 },
	{ "portal", is_a_portal, 0, 0 },
	{ "empty", is_empty, 0, 0 },
	{ "stale", is_stale, 0, 0 },
	{ "wrong bytes", is_wrong, 0, 0 },
	{ "slow", is_slow, 0, 0 },
	{ "drips", drips, 2 * CB_SOURCE_CRAWL_MS, 2 * CB_SOURCE_CRAWL_MS }, /* 100 bytes a second */
};

static void run(struct sim_stage *s, unsigned *ret_prompt_ms, unsigned *ret_all_ms)
{
	uint64_t start = sim_now(s->sim);

	sim_behaviour(s->mirror[STAMPED])->latency_ms = 20;
	sim_stage_power_on(s, 1, 1);
	sim_stage_assert_boots(s, "demo/2");
	*ret_prompt_ms = (unsigned)(s->boot.sign_in_ms - start);
	*ret_all_ms = (unsigned)(sim_now(s->sim) - start);
	assert_int_equal(s->boot.n_errors, 0);
}

static void bad_ones_cost_little(void **state)
{
	unsigned good_prompt_ms, good_all_ms;
	struct sim_stage s;

	(void)state;
	begin(&s, /*is_near=*/false);
	run(&s, &good_prompt_ms, &good_all_ms);
	sim_stage_end(&s);
	print_message("none: %u ms to the prompt, %u in all\n", good_prompt_ms, good_all_ms);
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		const struct trouble *t = &troubles[i];
		unsigned prompt_ms, all_ms;

		begin(&s, /*is_near=*/true);
		t->make(&s);
		run(&s, &prompt_ms, &all_ms);
		print_message("%s: %u, %u\n", t->what, prompt_ms, all_ms);
		assert_in_range(prompt_ms, 0,
				good_prompt_ms + (t->prompt_ms ? t->prompt_ms : USUAL_PROMPT_MS));
		assert_in_range(all_ms, 0, good_all_ms + (t->all_ms ? t->all_ms : USUAL_ALL_MS));
		sim_stage_end(&s);
	}
}

/* The same troubles, and the stamped mirror is away: no boot, but an error in time, and it is mended. */
static void bad_one_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct sim_stage s;

		begin(&s, /*is_near=*/true);
		troubles[i].make(&s);
		sim_behaviour(s.mirror[STAMPED])->refuses = true;
		sim_stage_power_on(&s, 1, 1);
		assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
		/* some of them are good enough */
		assert_true(s.boot.status == CB_BOOT_READY || s.boot.n_errors == 1);
		if (s.boot.n_errors == 1) {
			sim_behaviour(s.mirror[STAMPED])->refuses = false;
			s.boot.error_key = 'r';
			s.boot.account[1] = "ada";
			s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
			sim_stage_assert_boots(&s, "demo/2");
		}
		sim_stage_end(&s);
	}
}

/* The near one is all there is. */
static void near_alone(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s, /*is_near=*/true);
	sim_behaviour(s.mirror[STAMPED])->hang = SIM_HANG_CONNECT;
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
}

/* What the stamped mirror says is told, not that the near one is away. */
static void code_of_the_others(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s, /*is_near=*/true);
	sim_behaviour(s.mirror[NEAR])->refuses = true;
	sim_set_wall_clock(s.sim, /*has_clock=*/true, SIM_REALM_NOW_S + 8 * DAY_S);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_META_EXPIRED);
	sim_stage_end(&s);
}

/* ---- Announced ---- */

#define ANNOUNCED "http://b" SIM_REALM_BASE

/* Over frames, where DHCP says this. */
static void begin_announced(struct sim_stage *s, const char *near)
{
	const struct sim_link link = { .up.delay_us = 500, .down.delay_us = 500, .near = near };

	begin(s, /*is_near=*/false);
	sim_use_frames(s->sim, &link);
}

static void announced(void **state)
{
	struct sim_stage s;

	(void)state;
	begin_announced(&s, ANNOUNCED);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[STAMPED]), 0);
	assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[NEAR]),
			 sim_realm_n_chunks(realm));
	assert_int_equal(sim_n_events(s.sim, CB_EVENT_NOTICE), 0);
	sim_stage_end(&s);
}

static void announced_in_vain(void **state)
{
	static char long_one[CB_BOOT_ANNOUNCED_MAX + 1] = "http://b/";
	const struct {
		const char *url;
		enum cb_err err; /* of the notice; CB_OK: none */
		bool no_dhcp_mirror, has_pin;
	} cases[] = {
		{ ANNOUNCED, CB_OK, true, false },
		{ ANNOUNCED, CB_NET_TLS, false, true },
		{ "HTTPS://b/", CB_NET_TLS, false, true },
		{ "", CB_OK, false, false },
		{ "b", CB_URL_FORMAT, false, false },
		{ "/repo/", CB_URL_FORMAT, false, false },
		{ "ftp://b/repo/", CB_URL_FORMAT, false, false },
		{ "http://", CB_URL_FORMAT, false, false },
		{ "http://b:0/", CB_URL_FORMAT, false, false },
		{ "http://me@b/repo/", CB_URL_FORMAT, false, false },
		{ "http://b/repo/?x", CB_URL_FORMAT, false, false },
		{ "http://b/repo/\n", CB_URL_FORMAT, false, false },
		{ "http://b/repo/ http://c/", CB_URL_FORMAT, false, false },
		{ "http://b/repo/\xc3\xa4", CB_URL_FORMAT, false, false },
		{ long_one, CB_OK, false, false }, /* well-formed, and nothing is there */
	};

	(void)state;
	memset(long_one + strlen(long_one), 'x', sizeof(long_one) - 1 - strlen(long_one));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;

		begin_announced(&s, cases[i].url);
		s.no_dhcp_mirror = cases[i].no_dhcp_mirror;
		s.has_pin = cases[i].has_pin;
		sim_stage_power_on(&s, 1, 1);
		sim_stage_assert_boots(&s, "demo/2");
		assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[STAMPED]),
				 sim_realm_n_chunks(realm));
		if (cases[i].url != long_one)
			assert_int_equal(sim_n_connections(s.mirror[NEAR]), 0);
		assert_int_equal(sim_n_events(s.sim, CB_EVENT_NOTICE), cases[i].err != CB_OK);
		assert_int_equal(sim_last_err(s.sim, CB_EVENT_NOTICE), cases[i].err);
		sim_stage_end(&s);
	}
}

/* Where others than the announced one are away; it is there again after a retry. */
static void announced_and_retried(void **state)
{
	struct sim_stage s;

	(void)state;
	begin_announced(&s, ANNOUNCED);
	sim_behaviour(s.mirror[STAMPED])->refuses = true;
	sim_behaviour(s.mirror[NEAR])->refuses = true;
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_NET_CONNECT);
	sim_behaviour(s.mirror[NEAR])->refuses = false;
	s.boot.error_key = 'r';
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
}

/* DHCP answers after IPv6 has brought the network up and somebody has begun to type. */
static void announced_late(void **state)
{
	struct sim_stage s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		begin(&s, /*is_near=*/false);
		sim_stage_power_on(&s, 1, 1);
		s.boot.account[0] = NULL;
		assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
		assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
		if (i == 1)
			cb_boot_near_mirror(s.boot.boot, ANNOUNCED);
		s.boot.account[0] = "ada";
		sim_stage_assert_boots(&s, "demo/2");
		assert_int_equal(sim_realm_n_chunk_requests(s.realm, s.mirror[NEAR]),
				 i == 1 ? sim_realm_n_chunks(realm) : 0);
		sim_stage_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_first),	      cmocka_unit_test(near_before_signed),
		cmocka_unit_test(the_last_of_four),   cmocka_unit_test(bad_ones_cost_little),
		cmocka_unit_test(bad_one_alone),      cmocka_unit_test(near_alone),
		cmocka_unit_test(code_of_the_others), cmocka_unit_test(announced),
		cmocka_unit_test(announced_in_vain),  cmocka_unit_test(announced_and_retried),
		cmocka_unit_test(announced_late),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
