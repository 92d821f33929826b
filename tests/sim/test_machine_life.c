/* SPDX-License-Identifier: MIT */
/*
 * The life of a machine with a cache: four weeks of boots by three people, with and without the network, while the realm
 * changes and clocks are set back. A model that knows the rules, and nothing of how they are kept, says how each boot ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/record.h"
#include "sim_cache.h"
#include "sim_campaign.h"
#include "sim_stage.h"

#define DAY_S 86400
#define N_LIVES 100
#define LIFE_S (28 * DAY_S) /* what is signed once only lives for longer */
#define TIMESTAMP_S (7 * DAY_S)
#define DEVICE_BLOCKS 8192u /* 4 MiB */

enum { ADA, BOB, KIM, N_PEOPLE };
static const char *const names[N_PEOPLE] = { "ada", "bob", "kim" };

struct person {
	/* What the realm says. */
	unsigned days; /* offline */
	uint64_t epoch;
	bool is_revoked, is_removed;
	/* What the machine has of it. */
	bool is_stored;
	unsigned stored_days;
	uint64_t stored_epoch, least_epoch;
};

/* What metadata say. */
struct signed_state {
	int64_t issued_s;
	unsigned version; /* of image demo */
	uint64_t min_epoch;
	bool is_revoked[N_PEOPLE];
};

struct life {
	struct sim_stage stage;
	struct sim_realm *realm;
	uint64_t numbers;
	int64_t now_s, end_s, floor_s; /* true time; what the machine's clock is at least */
	struct person people[N_PEOPLE];
	struct signed_state realm_says, cache_says;
	bool has_metadata; /* the cache */
	bool is_rotten; /* what the cache has may be gone, or older */
};

/* How a boot must end: READY with that version of demo, an error screen, or refused at the prompt. */
struct end {
	enum cb_boot_status status;
	bool is_refused;
	enum cb_err err;
	unsigned version;
};

static uint64_t pick(struct life *l, uint64_t n)
{
	return sim_pick(&l->numbers, n);
}

static void note(struct sim_verdict *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The story so far, cut where it is too long. */
static void note(struct sim_verdict *v, const char *format, ...)
{
	size_t len = strlen(v->scenario);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(v->scenario + len, sizeof(v->scenario) - len, format, args);
	va_end(args);
}

/* ---- The realm ---- */

static struct {
	unsigned days;
	uint64_t epoch;
} next_record;

static void change_record(struct cb_record *c)
{
	c->policy.offline_days = next_record.days;
	c->epoch = next_record.epoch;
}

static void set_days(struct life *l, unsigned who, unsigned days)
{
	struct person *p = &l->people[who];

	next_record.days = p->days = days;
	next_record.epoch = p->epoch;
	sim_realm_change_account(l->realm, names[who], change_record);
}

/* All records anew; with some epoch they are asked for. */
static void raise_epoch(struct life *l, bool is_least)
{
	uint64_t epoch = l->people[0].epoch + 1;

	sim_realm_set_epoch(l->realm, epoch);
	for (unsigned i = 0; i < N_PEOPLE; i++) {
		l->people[i].epoch = epoch;
		l->people[i].days = i == BOB ? 0 : SIM_REALM_OFFLINE_DAYS;
	}
	if (!is_least)
		return;
	sim_realm_set_min_epoch(l->realm, epoch);
	l->realm_says.min_epoch = epoch;
}

static void revoke(struct life *l, unsigned who)
{
	if (l->people[who].is_revoked)
		return;
	sim_realm_revoke(l->realm, names[who]);
	l->people[who].is_revoked = l->realm_says.is_revoked[who] = true;
	l->people[who].is_removed = pick(l, 2);
}

static void change_realm(struct life *l, struct sim_verdict *v)
{
	static const unsigned days[] = { 0, 1, 3, SIM_REALM_OFFLINE_DAYS, 90 };
	unsigned who = (unsigned)pick(l, N_PEOPLE), what = (unsigned)pick(l, 12);

	if (what < 4) {
		set_days(l, who, days[pick(l, sizeof(days) / sizeof(days[0]))]);
		note(v, " %s:%u-days", names[who], l->people[who].days);
	} else if (what < 6) {
		sim_realm_add_version(l->realm, ++l->realm_says.version, l->now_s);
		note(v, " v%u", l->realm_says.version);
	} else if (what == 6) {
		revoke(l, who);
		note(v, " revoke-%s", names[who]);
	} else if (what < 9) {
		raise_epoch(l, /*is_least=*/what == 7);
		note(v, " epoch-%ju%s", (uintmax_t)l->people[0].epoch, what == 7 ? "!" : "");
	} else if (what == 9) {
		sim_realm_add_root(l->realm, /*has_new_keys=*/pick(l, 2), l->now_s);
		note(v, " root");
	} else {
		return;
	}
	sim_realm_refresh(l->realm, l->now_s);
	l->realm_says.issued_s = l->now_s;
}

static void serve(struct life *l)
{
	char path[256];

	sim_realm_serve(l->realm, l->stage.mirror[0]);
	for (unsigned i = 0; i < N_PEOPLE; i++) {
		sim_realm_record_path(l->realm, names[i], path);
		if (l->people[i].is_removed)
			(void)sim_remove_file(l->stage.mirror[0], path);
	}
}

/* ---- The rules ---- */

static struct end fails(enum cb_err err)
{
	return (struct end){ .status = CB_BOOT_RUNNING, .err = err };
}

static struct end is_refused(enum cb_err err)
{
	return (struct end){ .status = CB_BOOT_RUNNING, .is_refused = true, .err = err };
}

static struct end comes_up(struct life *l, const struct signed_state *s, int64_t clock_s)
{
	/* The clock never falls below the timestamp of a boot, unless that was a day ahead of it. */
	if (s->issued_s > l->floor_s && s->issued_s - DAY_S <= clock_s)
		l->floor_s = s->issued_s;
	return (struct end){ .status = CB_BOOT_READY, .version = s->version };
}

static uint64_t least_epoch(const struct person *p, const struct signed_state *s)
{
	return p->least_epoch > s->min_epoch ? p->least_epoch : s->min_epoch;
}

/* Turned away by what is signed: the machine's copy goes where that is meant, too. */
static void forget(struct person *p, const struct signed_state *s)
{
	if (p->is_revoked || p->stored_epoch < least_epoch(p, s))
		p->is_stored = false;
}

static struct end with_network(struct life *l, unsigned who, int64_t clock_s, int64_t now_s)
{
	const struct signed_state *s = &l->realm_says;
	struct person *p = &l->people[who];

	if (now_s >= s->issued_s + TIMESTAMP_S)
		return fails(CB_META_EXPIRED);
	if (p->is_revoked || p->epoch < least_epoch(p, s)) {
		forget(p, s);
		if (p->is_removed)
			return is_refused(CB_LOGIN_UNKNOWN);
		return fails(p->is_revoked ? CB_RECORD_REVOKED : CB_RECORD_EPOCH);
	}
	l->has_metadata = true;
	l->cache_says = *s;
	p->is_stored = p->days > 0;
	p->stored_days = p->days;
	p->stored_epoch = p->least_epoch = p->epoch;
	return comes_up(l, s, clock_s);
}

static struct end without_network(struct life *l, unsigned who, int64_t clock_s, int64_t now_s)
{
	const struct signed_state *s = &l->cache_says;
	const struct person *p = &l->people[who];

	if (!l->has_metadata)
		return fails(CB_NET_NO_LINK);
	if (!p->is_stored)
		return is_refused(CB_LOGIN_OFFLINE);
	if (s->is_revoked[who])
		return fails(CB_RECORD_REVOKED);
	if (p->stored_epoch < least_epoch(p, s))
		return fails(CB_RECORD_EPOCH);
	if (now_s >= s->issued_s + (int64_t)p->stored_days * DAY_S)
		return fails(CB_OFFLINE_OVER);
	return comes_up(l, s, clock_s);
}

/* ---- A boot ---- */

static struct end boot(struct life *l, unsigned who, bool has_network, int64_t clock_s)
{
	struct sim_stage *s = &l->stage;
	struct end end = { 0 };
	bool is_over;

	sim_set_wall_clock(s->sim, true, clock_s);
	if (has_network) {
		serve(l);
		sim_stage_power_on(s, 1, 1);
		sim_stage_plug_in(s);
	} else {
		sim_stage_start_unplugged(s);
	}
	s->boot.account[0] = names[who];
	is_over = sim_boot_run(&s->boot, sim_now(s->sim) + 10 * SIM_STAGE_MINUTE);
	end.status = is_over ? s->boot.status : CB_BOOT_RUNNING;
	end.is_refused = !is_over && sim_stage(s->sim) == CB_STAGE_SIGN_IN;
	if (is_over && s->boot.status == CB_BOOT_READY)
		(void)sscanf(cb_boot_result(s->boot.boot)->image, "demo/%u", &end.version);
	else
		end.err = sim_last_err(s->sim, end.is_refused ? CB_EVENT_REFUSED : CB_EVENT_ERROR);
	if (!is_over && !end.is_refused)
		end.err = CB_INTERNAL; /* hangs */
	if (end.status != CB_BOOT_READY)
		end.status = CB_BOOT_RUNNING;
	return end;
}

static bool is_same(const struct end *a, const struct end *b)
{
	return a->status == b->status && a->is_refused == b->is_refused && a->err == b->err &&
		a->version == b->version;
}

static const char *text_of(const struct end *e, char out[64])
{
	if (e->status == CB_BOOT_READY)
		(void)snprintf(out, 64, "demo/%u", e->version);
	else
		(void)snprintf(out, 64, "%s%s", e->is_refused ? "refused: " : "",
			       cb_err_info(e->err)->name);
	return out;
}

/* With a rotten cache a boot without the network may fail, and one with it may not. */
static void judge(struct life *l, const struct end *is, const struct end *must, bool has_network,
		  struct sim_verdict *v)
{
	char a[64], b[64];

	if (is->status == CB_BOOT_READY)
		sim_judge_ready(v, &l->stage.boot, l->realm);
	if (is_same(is, must) || (l->is_rotten && !has_network && is->err != CB_INTERNAL))
		return;
	sim_say(v, "%s instead of %s", text_of(is, a), text_of(must, b));
}

static void live_a_day(struct life *l, struct sim_verdict *v)
{
	unsigned who = (unsigned)pick(l, N_PEOPLE);
	bool has_network = pick(l, 3) > 0;
	int64_t clock_s = pick(l, 8) > 0 ? l->now_s : l->now_s - (int64_t)pick(l, 60 * DAY_S);
	int64_t now_s = clock_s > l->floor_s ? clock_s : l->floor_s;
	struct end is, must;

	note(v, " %s%s%s", names[who], has_network ? "+" : "-", clock_s < l->now_s ? "<" : "");
	is = boot(l, who, has_network, clock_s);
	must = has_network ? with_network(l, who, clock_s, now_s) :
			     without_network(l, who, clock_s, now_s);
	judge(l, &is, &must, has_network, v);
	sim_stage_power_off(&l->stage);
	if (sim_live_allocations(l->stage.sim) > 0)
		sim_say(v, "%ju blocks are still allocated",
			(uintmax_t)sim_live_allocations(l->stage.sim));
}

/* The disk rots, or a new one is put in. */
static void change_disk(struct life *l, struct sim_verdict *v)
{
	uint64_t what = pick(l, 40);

	if (what > 1)
		return;
	if (what == 1) {
		sim_cache_rot(l->stage.disk, pick(l, UINT64_MAX), 50);
		l->is_rotten = true;
		note(v, " rot");
		return;
	}
	sim_block_free(l->stage.disk);
	sim_stage_use_disk(&l->stage, sim_cache_new(pick(l, UINT64_MAX), DEVICE_BLOCKS));
	l->has_metadata = l->is_rotten = false;
	for (unsigned i = 0; i < N_PEOPLE; i++)
		l->people[i].is_stored = false;
	note(v, " new-disk");
}

static void begin(struct life *l, uint64_t seed)
{
	*l = (struct life){
		.realm = sim_realm_new(),
		.numbers = seed,
		.now_s = SIM_REALM_NOW_S,
		.end_s = SIM_REALM_NOW_S + LIFE_S,
		.floor_s = SIM_REALM_NOW_S, /* stamped */
		.realm_says = { .issued_s = SIM_REALM_NOW_S, .version = 1 },
	};
	for (unsigned i = 0; i < N_PEOPLE; i++)
		l->people[i] = (struct person){ .epoch = 1,
						.days = i == BOB ? 0 : SIM_REALM_OFFLINE_DAYS };
	sim_stage_begin_cached(&l->stage, l->realm, DEVICE_BLOCKS);
}

static void end_life(struct life *l, struct sim_verdict *v)
{
	v->digest = sim_digest(l->stage.sim);
	v->took_ms = sim_now(l->stage.sim);
	if (sim_open_streams(l->stage.sim) > 0)
		sim_say(v, "%u streams are still open", sim_open_streams(l->stage.sim));
	sim_free(l->stage.sim);
	sim_block_free(l->stage.disk);
	sim_realm_free(l->realm);
}

static void run(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	struct life l;

	(void)ctx;
	begin(&l, seed);
	while (l.now_s < l.end_s && v->text[0] == '\0') {
		change_realm(&l, v);
		change_disk(&l, v);
		live_a_day(&l, v);
		l.now_s += (int64_t)pick(&l, 3 * DAY_S);
		/* The administrator's timer, which now and then does not run. */
		if (pick(&l, 4) > 0) {
			sim_realm_refresh(l.realm, l.now_s);
			l.realm_says.issued_s = l.now_s;
		}
	}
	end_life(&l, v);
}

static void machine_life(void **state)
{
	const struct sim_campaign campaign = {
		.name = "machine_life",
		.first = 1,
		.last = N_LIVES,
		.run = run,
	};

	(void)state;
	assert_int_equal(sim_campaign_run(&campaign), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
