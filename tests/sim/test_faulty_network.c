/* SPDX-License-Identifier: MIT */
/* Whole boots of lwIP over lines with every mixture of faults: what can boot, boots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_keep.h"

#define MINUTE 60000ull
#define N_RUNS 1200
#define IPV6_MTU_MIN 1280 /* RFC 8200 §5 */
#define N_MIXTURES (4u * 3 * 3 * 4 * 2 * 2 * 3 * 2)
#define DEAD_EVERY 16u /* seeds of which one has a line that never works */

static const char *const hosts[] = { "a", "b", NULL };
static const char *const one_host[] = { "a", NULL };

/* What never works, and the code that says so. */
enum dead { DEAD_NOT, DEAD_DHCP, DEAD_DNS, DEAD_LINE, DEAD_LATER };

struct scenario {
	struct sim_link link;
	enum dead dead;
	unsigned n_mirrors;
	uint64_t types_after_ms, cut_at_ms;
	const char *kiosk;
	bool is_hopeless; /* the line works at times, for less than an exchange takes */
	struct sim_keep keep;
};

static uint32_t next_of(uint32_t *mixture, const uint32_t *choices, uint32_t n)
{
	uint32_t i = *mixture % n;

	*mixture /= n;
	return choices[i];
}

static struct sim_path path_of(uint32_t loss_ppm, uint32_t delay_us, uint32_t rate)
{
	return (struct sim_path){ .loss_ppm = loss_ppm,
				  .delay_us = delay_us,
				  .rate_bytes_ms = rate,
				  .queue_bytes = rate ? rate * 50 + 20000 : 0 };
}

static void set_flap(struct sim_link *l, uint32_t kind)
{
	static const uint32_t up_ms[] = { 0, 5000, 20000, 3000 };
	static const uint32_t down_ms[] = { 0, 700, 10000, 3100 }; /* not in step with retries */

	l->flap_up_ms = up_ms[kind];
	l->flap_down_ms = down_ms[kind];
	l->is_carrier = kind == 2;
}

/* Every N_MIXTURES seeds in a row have each mixture once. */
static void set_faults(struct sim_link *l, uint64_t seed, uint64_t *state)
{
	static const uint32_t losses[] = { 0, 10000, 50000, 200000 };
	static const uint32_t delays[] = { 0, 50000, 600000 };
	static const uint32_t mtus[] = { 1500, 1280, 576 };
	static const uint32_t flaps[] = { 0, 1, 2, 3 };
	static const uint32_t often[] = { 0, 100000 };
	static const uint32_t kinds[] = { 0, 1, 2 };
	static const uint32_t windows[] = { 0, 3000 };
	static const uint32_t rates[] = { 0, 12500, 250 };
	uint32_t mixture = (uint32_t)(seed * 1000003 % N_MIXTURES);
	uint32_t loss = next_of(&mixture, losses, 4), delay = next_of(&mixture, delays, 3);

	l->up = path_of(loss, delay, 0);
	l->down = path_of(loss, delay, rates[sim_pick(state, 3)]);
	l->mtu = (uint16_t)next_of(&mixture, mtus, 3);
	set_flap(l, next_of(&mixture, flaps, 4));
	l->up.reorder_ppm = l->down.reorder_ppm = next_of(&mixture, often, 2);
	l->up.reorder_us = l->down.reorder_us = (uint32_t)(1000 + sim_pick(state, 100000));
	l->up.duplicate_ppm = l->down.duplicate_ppm = next_of(&mixture, often, 2);
	uint32_t wrong = next_of(&mixture, kinds, 3);
	l->up.corrupt_ppm = l->down.corrupt_ppm = wrong == 1 ? 20000 : 0;
	l->down.damage_ppm = wrong == 2 ? 5000 : 0;
	l->window0_ms = next_of(&mixture, windows, 2);
	l->is_mtu_hidden = sim_pick(state, 2);
}

static bool is_hopeless(const struct sim_link *l)
{
	bool is_far = l->up.delay_us >= 600000, is_shut = l->window0_ms > 0;

	if (l->flap_up_ms != 3000)
		return false;
	return (l->up.loss_ppm >= 200000 && (is_far || is_shut)) ||
		(l->up.loss_ppm >= 50000 && is_far && is_shut);
}

/* IPv4 on half of the lines; IPv6 beside it or alone on the others, by advertisement or DHCPv6. */
static void set_families(struct sim_link *l, uint64_t *state)
{
	static const struct {
		bool has_ipv6, has_dhcp6, has_no_dhcp;
	} families[] = {
		{ false, false, false }, { false, false, false }, { false, false, false },
		{ false, false, false }, { true, false, false },  { true, true, false },
		{ true, false, true },	 { true, true, true },
	};
	uint64_t kind = sim_pick(state, sizeof(families) / sizeof(families[0]));

	l->has_ipv6 = families[kind].has_ipv6;
	l->has_dhcp6 = families[kind].has_dhcp6;
	l->has_no_dhcp = families[kind].has_no_dhcp;
	if (l->has_ipv6 && l->mtu < IPV6_MTU_MIN)
		l->mtu = IPV6_MTU_MIN;
}

static void choose(uint64_t seed, struct scenario *s)
{
	uint64_t state = seed;

	memset(s, 0, sizeof(*s));
	set_faults(&s->link, seed, &state);
	s->n_mirrors = 1 + (unsigned)sim_pick(&state, 2);
	s->is_hopeless = is_hopeless(&s->link);
	s->kiosk = sim_pick(&state, 4) == 0 ? "kim" : NULL;
	s->types_after_ms = sim_pick(&state, 3) ? sim_pick(&state, 20000) : 0;
	if (seed % DEAD_EVERY != 0) {
		set_families(&s->link, &state);
		return;
	}
	s->is_hopeless = false;
	s->dead = (enum dead)(1 + seed / DEAD_EVERY % 4);
	s->link = (struct sim_link){ .up = path_of(0, 20000, 0), .down = path_of(0, 20000, 0) };
	s->link.mtu = 1500;
	if (s->dead == DEAD_DHCP)
		s->link.has_no_dhcp = true;
	else
		set_families(&s->link, &state);
	s->link.has_no_dns = s->dead == DEAD_DNS;
	if (s->dead == DEAD_LINE)
		s->link.flap_down_ms = 1;
	s->cut_at_ms = s->dead == DEAD_LATER ? 1100 + sim_pick(&state, 4000) : 0;
}

static void describe(const struct scenario *s, char *text, size_t max)
{
	const struct sim_link *l = &s->link;

	snprintf(
		text, max,
		"loss %u ppm, delay %u us, rate %u B/ms, mtu %u%s, flap %u/%u ms%s, reorder %u ppm "
		"%u us, %s%s%s, duplicate %u, corrupt %u, damage %u ppm, window0 %u ms, dead %u at %u ms, "
		"%u mirrors, %s, typing after %u ms, %s",
		l->up.loss_ppm, l->up.delay_us, l->down.rate_bytes_ms, l->mtu,
		l->is_mtu_hidden ? " hidden" : "", l->flap_up_ms, l->flap_down_ms,
		l->is_carrier ? " seen" : "", l->up.reorder_ppm, l->up.reorder_us,
		l->has_no_dhcp ? "no DHCP" : "DHCP", l->has_ipv6 ? ", IPv6" : "",
		l->has_dhcp6 ? " by DHCPv6" : "", l->up.duplicate_ppm, l->up.corrupt_ppm,
		l->down.damage_ppm, l->window0_ms, (unsigned)s->dead, (unsigned)s->cut_at_ms,
		s->n_mirrors, s->kiosk ? "kiosk" : "person", (unsigned)s->types_after_ms,
		sim_keep_name(&s->keep));
}

/* Codes that are right for a line that is dead in that way. */
static bool is_right(enum dead dead, enum cb_err err)
{
	switch (dead) {
	case DEAD_DHCP:
	case DEAD_LINE:
		return err == CB_NET_NO_LEASE;
	case DEAD_DNS:
		return err == CB_NET_DNS;
	case DEAD_LATER:
		return err == CB_NET_TIMEOUT || err == CB_NET_CONNECT || err == CB_NET_DNS ||
			err == CB_NET_NO_LEASE;
	default:
		return false;
	}
}

/* What a cache that is damaged, or fails, may add: it is not enough, for the image or for the sign-in. */
static bool is_offline_right(const struct scenario *s, const struct sim_boot *b)
{
	return sim_keep_has_some(&s->keep) && !sim_keep_is_complete(&s->keep) &&
		(sim_last_err(b->sim, CB_EVENT_ERROR) == CB_NET_OFFLINE ||
		 sim_last_err(b->sim, CB_EVENT_REFUSED) == CB_LOGIN_OFFLINE);
}

/* A dead line: one error with the right code; READY only when the cut came too late. */
static void run_dead(const struct scenario *s, struct sim_boot *b, struct sim_verdict *v)
{
	if (s->cut_at_ms) {
		(void)sim_boot_run(b, s->cut_at_ms);
		if (b->status != CB_BOOT_READY)
			sim_cut_link(b->sim, true);
	}
	if (b->status == CB_BOOT_READY)
		return;
	if (!sim_boot_run(b, sim_now(b->sim) + 5 * MINUTE)) {
		if (!is_offline_right(s, b))
			sim_say(v, "no error screen after five minutes, stage %d",
				sim_stage(b->sim));
	} else if (b->status != CB_BOOT_READY) {
		enum cb_err err = sim_last_err(b->sim, CB_EVENT_ERROR);
		bool is = is_right(s->dead, err) || is_offline_right(s, b);
		if (!is || b->n_errors != 1 ||
		    (sim_keep_is_complete(&s->keep) && s->dead != DEAD_LATER))
			sim_say(v, "%u errors, the last is %s", b->n_errors,
				cb_err_info(err)->name);
	}
	sim_cut_link(b->sim, false);
}

static void run_faulty(const struct scenario *s, struct sim_boot *b, struct sim_verdict *v)
{
	enum cb_err err;

	/* Error screens of network trouble go on by themselves. */
	b->goes_on = b->escapes_offline = true;
	if (sim_boot_run(b, 30 * MINUTE) && b->status == CB_BOOT_READY)
		return;
	err = sim_last_err(b->sim, CB_EVENT_ERROR);
	/* Bytes that are damaged again and again are no network trouble, and wait for a person. */
	if (s->link.down.damage_ppm > 0 && (err == CB_CHUNK_HASH || err == CB_META_HASH))
		return;
	if (!s->is_hopeless || cb_err_info(err)->code / 100 != 1)
		sim_say(v, "no boot in 30 minutes, stage %d, %u errors, last %s", sim_stage(b->sim),
			b->n_errors, cb_err_info(err)->name);
}

/* Good conditions: from wherever it is now, it boots, with the families that the line has. */
static void run_good(const struct scenario *s, struct sim_boot *b, struct sim_verdict *v)
{
	struct sim_link good = {
		.mtu = 1500,
		.has_ipv6 = s->link.has_ipv6,
		.has_dhcp6 = s->link.has_dhcp6,
		.has_no_dhcp = s->link.has_ipv6 && s->link.has_no_dhcp,
	};

	sim_set_link(b->sim, &good);
	if (b->status == CB_BOOT_READY)
		return;
	b->error_key = 'r';
	b->escapes_offline = true;
	if (b->try > 0)
		b->try--;
	if (!sim_boot_run(b, sim_now(b->sim) + 10 * MINUTE) || b->status != CB_BOOT_READY)
		sim_say(v, "no boot in good conditions, stage %d, last error %s", sim_stage(b->sim),
			cb_err_info(sim_last_err(b->sim, CB_EVENT_ERROR))->name);
}

static void run(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	const struct sim_world *world = ctx;
	const struct sim_realm *realm = world->realm;
	struct sim *sim = sim_new(seed);
	struct scenario s;
	struct sim_boot b;

	choose(seed, &s);
	sim_keep_begin(&s.keep, world->stock, sim, seed);
	describe(&s, v->scenario, sizeof(v->scenario));
	for (unsigned i = 0; i < s.n_mirrors; i++)
		sim_realm_serve(realm, sim_add_server(sim, hosts[i], 80));
	sim_use_frames(sim, &s.link);
	const struct sim_realm_loader loader = { .hosts = s.n_mirrors > 1 ? hosts : one_host,
						 .kiosk = s.kiosk };
	sim_boot_init(&b, sim, realm, &loader);
	b.types_after_ms = sim_now(sim) + s.types_after_ms;
	if (s.dead) {
		run_dead(&s, &b, v);
	} else {
		run_faulty(&s, &b, v);
	}
	v->n_errors = s.dead ? 0 : b.n_errors;
	v->took_ms = sim_now(sim);
	sim_keep_judge(&s.keep, v);
	run_good(&s, &b, v);
	if (b.status == CB_BOOT_READY)
		sim_judge_ready(v, &b, realm);
	sim_keep_judge_next(&s.keep, &b, &loader, v);
	sim_judge_end(v, &b);
	sim_keep_end(&s.keep);
}

static void faulty_network(void **state)
{
	(void)state;
	assert_int_equal(sim_keep_campaign("faulty_network", N_RUNS, run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
