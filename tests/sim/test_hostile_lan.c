/* SPDX-License-Identifier: MIT */
/* Whole boots beside a hostile machine: noise stops nothing, and who owns the network can only stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_campaign.h"
#include "sim_hostile.h"

#define MINUTE 60000ull
#define SEEDS_EACH 2u /* of each attack, in the first tier */
#define MAX_ATTACKS 512
#define GOOD_WITHIN_MS 60000u /* after the attacker has left */

static const struct sim_attacks *const parts[] = {
	&sim_attacks_dhcp, &sim_attacks_dns,	&sim_attacks_arp,
	&sim_attacks_icmp, &sim_attacks_frames, &sim_attacks_tcp,
	&sim_attacks_nd,   &sim_attacks_ip6,	&sim_attacks_dhcp6,
};

static const struct sim_attack *attacks[MAX_ATTACKS];
static unsigned n_attacks;

static const char *const hosts[] = { "a", "b", NULL };
static const char *const one_host[] = { "a", NULL };

struct scenario {
	const struct sim_attack *attack;
	struct sim_link link;
	unsigned n_mirrors;
	uint64_t typing_ms, after_us;
	const char *kiosk;
	unsigned lie; /* what the attacker's web server does */
};

/* ---- What a seed chooses ---- */

static void choose(uint64_t seed, struct scenario *s)
{
	static const uint32_t delays_us[] = { 100, 1000, 10000 };
	static const uint32_t rates[] = { 0, 200, 2000 };
	uint64_t state = seed;

	memset(s, 0, sizeof(*s));
	s->attack = attacks[seed % n_attacks];
	s->link.up.delay_us = s->link.down.delay_us = delays_us[sim_pick(&state, 3)];
	s->link.down.rate_bytes_ms = rates[sim_pick(&state, 3)];
	s->link.has_ipv6 = s->attack->lan != SIM_LAN4;
	s->link.has_dhcp6 = s->attack->lan == SIM_LAN_DHCP6;
	s->link.has_no_dhcp = s->attack->lan == SIM_LAN6 || s->attack->lan == SIM_LAN_DHCP6;
	s->n_mirrors = 1 + (unsigned)sim_pick(&state, 2);
	s->kiosk = sim_pick(&state, 4) == 0 ? "kim" : NULL;
	s->typing_ms = s->attack->typing_ms + sim_pick(&state, 1000);
	/* From the beginning on, as the first of each; or in mid-boot. */
	if (seed >= n_attacks && sim_pick(&state, 2))
		s->after_us = 1000 * sim_pick(&state, s->typing_ms + 1000);
	s->lie = (unsigned)sim_pick(&state, 4);
}

static void describe(const struct scenario *s, char *text, size_t max)
{
	static const char *const claims[] = { "must boot", "may fail", "may lie" };

	snprintf(text, max,
		 "%s (%s), from %u ms on, delay %u us, rate %u B/ms, %u mirrors, %s, typing after "
		 "%u ms, lie %u",
		 s->attack->name, claims[s->attack->claim], (unsigned)(s->after_us / 1000),
		 s->link.up.delay_us, s->link.down.rate_bytes_ms, s->n_mirrors,
		 s->kiosk ? "kiosk" : "person", (unsigned)s->typing_ms, s->lie);
}

/* The attacker's own server: it has the repository, or says that it has. */
static void add_evil(const struct sim_realm *realm, struct sim *sim, unsigned lie)
{
	struct sim_server *evil = sim_add_server(sim, "evil", 80);
	struct sim_behaviour *b = sim_behaviour(evil);

	sim_realm_serve(realm, evil);
	b->is_portal = lie == 0;
	b->flips_all = lie == 1;
	b->is_garbage = lie == 2;
	b->truncates = lie == 3;
}

/* ---- What it comes to ---- */

static bool is_right(enum sim_claim claim, enum cb_err err)
{
	unsigned area = (unsigned)cb_err_info(err)->code / 100;

	if (claim == SIM_MAY_LIE)
		return area >= 1 && area <= 4;
	return claim == SIM_MAY_FAIL &&
		(err == CB_NET_NO_LEASE || err == CB_NET_DNS || err == CB_NET_CONNECT ||
		 err == CB_NET_TIMEOUT || err == CB_NET_CLOSED || err == CB_NET_NO_MIRROR);
}

/* To the first error screen, if there is one; or until the account is said to be unknown. */
static void run_attacked(const struct scenario *s, struct sim_boot *b, struct sim_verdict *v)
{
	bool ends = sim_boot_run(b, sim_now(b->sim) + s->typing_ms + 5 * MINUTE);
	enum cb_err err = sim_last_err(b->sim, CB_EVENT_ERROR);
	const char *name = cb_err_info(err)->name;

	if (b->status == CB_BOOT_READY && b->n_errors == 0)
		return;
	if (s->attack->claim == SIM_MUST_BOOT)
		sim_say(v, "no boot: stage %d, %u errors, the last is %s (%s)", sim_stage(b->sim),
			b->n_errors, name, sim_last_subject(b->sim, CB_EVENT_ERROR));
	else if (!ends &&
		 (s->attack->claim != SIM_MAY_LIE || sim_n_events(b->sim, CB_EVENT_REFUSED) == 0))
		sim_say(v, "neither boot nor error in 5 minutes, stage %d", sim_stage(b->sim));
	else if (ends && !is_right(s->attack->claim, err))
		sim_say(v, "a wrong code: %s (%s)", name, sim_last_subject(b->sim, CB_EVENT_ERROR));
}

/* The attacker has left: the next try boots. */
static void run_good(struct sim_boot *b, struct sim_verdict *v)
{
	unsigned n_errors = b->n_errors;

	if (b->status == CB_BOOT_READY)
		return;
	sim_attack(b->sim, NULL, 0);
	b->goes_on = true;
	(void)sim_boot_run(b, sim_now(b->sim) + 1000); /* what it has sent arrives */
	b->error_key = 'r';
	for (unsigned i = b->try; i < SIM_BOOT_MAX_TRIES; i++) {
		b->account[i] = "ada";
		b->passphrase[i] = SIM_REALM_PASSPHRASE;
	}
	if (!sim_boot_run(b, sim_now(b->sim) + GOOD_WITHIN_MS) || b->status != CB_BOOT_READY ||
	    b->n_errors != n_errors)
		sim_say(v, "no boot without the attacker: stage %d, %u errors, the last is %s (%s)",
			sim_stage(b->sim), b->n_errors - n_errors,
			cb_err_info(sim_last_err(b->sim, CB_EVENT_ERROR))->name,
			sim_last_subject(b->sim, CB_EVENT_ERROR));
}

static void run(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	const struct sim_realm *realm = ctx;
	struct sim *sim = sim_new(seed);
	struct scenario s;
	struct sim_boot b;

	choose(seed, &s);
	describe(&s, v->scenario, sizeof(v->scenario));
	for (unsigned i = 0; i < s.n_mirrors; i++)
		sim_realm_serve(realm, sim_add_server(sim, hosts[i], 80));
	if (s.attack->claim == SIM_MAY_LIE)
		add_evil(realm, sim, s.lie);
	sim_use_frames(sim, &s.link);
	sim_attack(sim, s.attack, s.after_us);
	sim_boot_init(&b, sim, realm,
		      &(struct sim_realm_loader){ .hosts = s.n_mirrors > 1 ? hosts : one_host,
						  .kiosk = s.kiosk });
	b.types_after_ms = sim_now(sim) + s.typing_ms;
	run_attacked(&s, &b, v);
	v->n_errors = b.n_errors;
	v->took_ms = sim_now(sim);
	if (s.after_us == 0 && sim_attack_frames(sim) == 0)
		sim_say(v, "the attacker has said nothing");
	run_good(&b, v);
	if (b.status == CB_BOOT_READY)
		sim_judge_ready(v, &b, realm);
	sim_judge_end(v, &b);
}

/* ---- All of them ---- */

static void collect(void)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (unsigned k = 0; k < parts[i]->n; k++) {
			if (n_attacks == MAX_ATTACKS)
				abort();
			attacks[n_attacks++] = &parts[i]->list[k];
		}
}

static int set_up(void **state)
{
	collect();
	*state = sim_realm_new();
	return 0;
}

static int tear_down(void **state)
{
	sim_realm_free(*state);
	return 0;
}

/* Each attack is another one, and is said so. */
static void attacks_differ(void **state)
{
	(void)state;
	assert_in_range(n_attacks, 80, MAX_ATTACKS);
	for (unsigned i = 0; i < n_attacks; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(attacks[i]->name, attacks[k]->name);
}

static void same_seed_same_run(void **state)
{
	const struct sim_campaign campaign = { .name = "hostile_lan", .run = run, .ctx = *state };

	for (uint64_t seed = 0; seed < SEEDS_EACH * n_attacks; seed += 37) {
		struct sim_verdict first, second;

		sim_campaign_run_one(&campaign, seed, &first);
		sim_campaign_run_one(&campaign, seed, &second);
		assert_string_equal(first.text, second.text);
		assert_int_equal(first.digest, second.digest);
		assert_int_equal(first.took_ms, second.took_ms);
	}
}

static void hostile_lan(void **state)
{
	const struct sim_campaign campaign = {
		.name = "hostile_lan",
		.first = 0,
		.last = SEEDS_EACH * n_attacks - 1,
		.run = run,
		.ctx = *state,
	};

	assert_int_equal(sim_campaign_run(&campaign), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attacks_differ),
		cmocka_unit_test(same_seed_same_run),
		cmocka_unit_test(hostile_lan),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
