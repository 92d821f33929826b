/* SPDX-License-Identifier: MIT */
/* Whole boots with three mirrors that misbehave in every pair of ways: one good one is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim_keep.h"

#define MINUTE 60000ull
#define N_MIRRORS 3
#define N_CODES 4

enum damage { INTACT, STALE, FUTURE, HALF };

/* What a mirror does. With codes it can't be booted from alone, and one of them is right. */
struct way {
	const char *name;
	struct sim_behaviour does;
	enum damage files;
	enum cb_err codes[N_CODES];
};

/* clang-format off */
static const struct way ways[] = {
	{ "good", { 0 }, INTACT, { 0 } },
	{ "far", { .latency_ms = 400 }, INTACT, { 0 } },
	{ "slow", { .rate_bytes_ms = 2 }, INTACT, { 0 } },
	{ "refuses twice", { .refuse_first = 2 }, INTACT, { 0 } },
	{ "resets six times", { .reset_first = 6 }, INTACT, { 0 } },
	{ "busy at first", { .status = 503, .status_first = 3, .retry_after_s = 2 }, INTACT, { 0 } },
	{ "too many requests at first", { .status = 429, .status_first = 3 }, INTACT, { 0 } },
	{ "one connection", { .max_connections = 1 }, INTACT, { 0 } },
	{ "closes after two", { .close_after = 2 }, INTACT, { 0 } },
	{ "drops pipelined", { .ignores_pipelined = true }, INTACT, { 0 } },
	{ "HTTP/1.0", { .is_http10 = true }, INTACT, { 0 } },
	{ "chunked", { .is_chunked = true }, INTACT, { 0 } },
	{ "until close", { .is_until_close = true }, INTACT, { 0 } },
	{ "bad cache in front", { .flips_cached = true }, INTACT, { 0 } },
	{ "wrong twice", { .flips_first = 2 }, INTACT, { 0 } },
	{ "clock skew", { .extra_field = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" }, INTACT, { 0 } },
	{ "flapping", { .flap_ms = 900 }, INTACT, { 0 } },
	{ "down", { .refuses = true }, INTACT, { CB_NET_CONNECT } },
	{ "no name", { .has_no_name = true }, INTACT, { CB_NET_DNS } },
	{ "closes at once", { .closes_at_once = true }, INTACT, { CB_NET_CLOSED } },
	{ "resets", { .resets_always = true }, INTACT, { CB_NET_CLOSED } },
	{ "hangs connecting", { .hang = SIM_HANG_CONNECT }, INTACT, { CB_NET_CONNECT } },
	{ "hangs silent", { .hang = SIM_HANG_ACCEPT }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs in the head", { .hang = SIM_HANG_HEAD }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs in the body", { .hang = SIM_HANG_BODY }, INTACT, { CB_NET_TIMEOUT } },
	{ "connects no more after 1", { .hang = SIM_HANG_CONNECT, .hang_after = 1, .close_after = 1 },
		INTACT, { CB_NET_CONNECT, CB_NET_TIMEOUT } },
	{ "hangs silent after 2", { .hang = SIM_HANG_ACCEPT, .hang_after = 2 }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs in the head after 3", { .hang = SIM_HANG_HEAD, .hang_after = 3 }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs in the body after 4", { .hang = SIM_HANG_BODY, .hang_after = 4 }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs silent after 7", { .hang = SIM_HANG_ACCEPT, .hang_after = 7 }, INTACT, { CB_NET_TIMEOUT } },
	{ "hangs in the body after 9", { .hang = SIM_HANG_BODY, .hang_after = 9 }, INTACT, { CB_NET_TIMEOUT } },
	{ "a byte a second", { .drip_ms = 1000 }, INTACT, { CB_NET_TIMEOUT } },
	{ "wrong bytes", { .flips_all = true }, INTACT,
		{ CB_META_FORMAT, CB_META_SIGNATURE, CB_META_HASH } },
	{ "stale", { 0 }, STALE, { CB_META_NO_IMAGE } },
	{ "future", { 0 }, FUTURE, { CB_META_MISSING } },
	{ "half of the files", { 0 }, HALF, { CB_META_MISSING, CB_MANIFEST_HASH, CB_CHUNK_MISSING } },
	{ "403", { .status = 403 }, INTACT, { CB_META_MISSING } },
	{ "404", { .status = 404 }, INTACT, { CB_META_MISSING } },
	{ "410", { .status = 410 }, INTACT, { CB_META_MISSING } },
	{ "429", { .status = 429, .retry_after_s = 5 }, INTACT, { CB_HTTP_STATUS } },
	{ "500", { .status = 500 }, INTACT, { CB_HTTP_STATUS } },
	{ "503", { .status = 503, .retry_after_s = 60 }, INTACT, { CB_HTTP_STATUS } },
	{ "gzip", { .extra_field = "Content-Encoding: gzip\r\n", .flips_all = true }, INTACT,
		{ CB_HTTP_FORMAT, CB_META_FORMAT, CB_META_SIGNATURE, CB_META_HASH } },
	{ "portal", { .is_portal = true }, INTACT, { CB_META_FORMAT } },
	{ "portal by redirect", { .is_portal_redirect = true }, INTACT, { CB_HTTP_REDIRECT, CB_NET_DNS } },
	{ "redirects to itself", { .redirect_status = 302 }, INTACT, { CB_HTTP_REDIRECT } },
	{ "cuts bodies", { .truncates = true }, INTACT, { CB_NET_CLOSED } },
	{ "says a byte more", { .length_delta = 1 }, INTACT,
		{ CB_HTTP_TOO_LARGE, CB_NET_TIMEOUT, CB_META_HASH, CB_META_FORMAT } },
	{ "says a byte less", { .length_delta = -1 }, INTACT,
		{ CB_HTTP_FORMAT, CB_META_FORMAT, CB_META_HASH, CB_META_SIGNATURE } },
	{ "garbage", { .is_garbage = true }, INTACT, { CB_HTTP_FORMAT } },
	{ "endless", { .is_endless = true }, INTACT, { CB_HTTP_TOO_LARGE } },
};
/* clang-format on */

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static const char *const hosts[] = { "a", "b", "c", NULL };

struct scenario {
	size_t way[N_MIRRORS];
	bool has_frames;
	struct sim_keep keep;
};

static bool is_usable(size_t way)
{
	return ways[way].codes[0] == CB_OK;
}

static size_t bad_way(uint64_t n)
{
	size_t n_good = 0;

	while (is_usable(n_good))
		n_good++;
	return n_good + n % (N_WAYS - n_good);
}

/* Pairs of ways with a good mirror in turn at each place; every fourth seed has only bad ones. */
static void choose(uint64_t seed, struct scenario *s)
{
	uint64_t state = seed, turn = seed % N_MIRRORS;

	s->has_frames = sim_pick(&state, 2);
	if (seed % 4 == 0) {
		uint64_t n = seed / 4;
		size_t first = bad_way(n), second = bad_way(n / (N_WAYS - bad_way(0)) + n);
		s->way[turn] = first;
		s->way[(turn + 1) % N_MIRRORS] = second;
		s->way[(turn + 2) % N_MIRRORS] = sim_pick(&state, 2) ? first : second;
		return;
	}
	uint64_t pair = (seed - seed / 4) * 7919 % (N_WAYS * N_WAYS);
	s->way[turn] = 0;
	s->way[(turn + 1) % N_MIRRORS] = pair % N_WAYS;
	s->way[(turn + 2) % N_MIRRORS] = pair / N_WAYS;
}

static bool is_bulk(const char *path)
{
	return strstr(path, "/store.castr/") || strstr(path, "/manifests/");
}

static void serve(const struct sim_realm *realm, struct sim_server *server, const struct way *way)
{
	struct cb_bytes old = sim_realm_old_timestamp(realm);

	sim_realm_serve(realm, server);
	*sim_behaviour(server) = way->does;
	if (way->files == STALE)
		sim_file(server, SIM_REALM_BASE "metadata/timestamp.json", old.p, old.len);
	for (unsigned i = 0; sim_file_path(server, i); i++) {
		const char *path = sim_file_path(server, i);
		bool is_new = strstr(path, ".snapshot.json") && !strstr(path, "/1.snapshot.json");
		if ((way->files == FUTURE && is_new) ||
		    (way->files == HALF && i % 2 == 0 && is_bulk(path)))
			sim_remove_file(server, path);
	}
}

static bool is_code_of(size_t way, enum cb_err err)
{
	for (unsigned i = 0; i < N_CODES; i++)
		if (ways[way].codes[i] != CB_OK && ways[way].codes[i] == err)
			return true;
	return false;
}

static bool is_code_of_any(const struct scenario *s, enum cb_err err)
{
	for (unsigned i = 0; i < N_MIRRORS; i++)
		if (is_code_of(s->way[i], err))
			return true;
	return false;
}

/* Does any mirror say that things are absent? */
static bool is_any_absent(const struct scenario *s)
{
	return is_code_of_any(s, CB_META_MISSING);
}

static bool is_any_wrong(const struct scenario *s)
{
	return is_code_of_any(s, CB_META_HASH) || is_code_of_any(s, CB_HTTP_TOO_LARGE) ||
		is_code_of_any(s, CB_META_FORMAT);
}

/* Of a mirror that soon is asked no more, because all that it says is wrong, and another's other trouble neither is the reason. */
static bool is_banned_right(const struct scenario *s, enum cb_err err)
{
	bool is_mixed = s->way[0] != s->way[1] || s->way[1] != s->way[2], is_any = false;

	for (unsigned i = 0; i < N_MIRRORS; i++)
		is_any |= ways[s->way[i]].does.is_portal || ways[s->way[i]].does.is_endless;
	return err == CB_NET_NO_MIRROR && is_mixed && is_any;
}

/* A cache that is damaged, or fails, may be not enough, for the image or for the sign-in; and it leads
 * on to where wrong or absent bytes have another name. */
static bool is_offline_right(const struct scenario *s, enum cb_err err)
{
	if (!sim_keep_has_some(&s->keep) || sim_keep_is_complete(&s->keep))
		return false;
	return err == CB_NET_OFFLINE || err == CB_LOGIN_OFFLINE ||
		((err == CB_CHUNK_HASH || err == CB_MANIFEST_HASH) &&
		 (is_any_wrong(s) || is_any_absent(s)));
}

static bool is_right(const struct scenario *s, enum cb_err err)
{
	if (is_offline_right(s, err) || is_banned_right(s, err))
		return true;
	/* What an earlier boot has seen makes the stale one a rollback. */
	if (s->keep.has_state && is_code_of_any(s, CB_META_NO_IMAGE) &&
	    (err == CB_META_ROLLBACK || err == CB_META_NO_IMAGE))
		return err == CB_META_ROLLBACK;
	if (is_code_of_any(s, err))
		return true;
	/* Other mirrors may have led on to where wrong bytes have another name. */
	for (unsigned i = 0; i < N_MIRRORS; i++)
		if (is_code_of(s->way[i], CB_META_HASH) &&
		    (err == CB_CHUNK_HASH || err == CB_MANIFEST_HASH))
			return true;
	/* Where one mirror lacks a thing, those that cannot be reached are not waited for. */
	return err == CB_CHUNK_MISSING && is_any_absent(s);
}

static void judge_error(const struct scenario *s, const struct sim_boot *b, struct sim_verdict *v)
{
	enum cb_err err = sim_last_err(b->sim, CB_EVENT_ERROR);

	if (!is_right(s, err) || b->n_errors != 1)
		sim_say(v, "%u errors, the last is %s (%s)", b->n_errors, cb_err_info(err)->name,
			sim_last_subject(b->sim, CB_EVENT_ERROR));
}

/* With a good mirror it boots; without one it says why: an error, or "not known here". */
static void run_chaos(const struct scenario *s, struct sim_boot *b, struct sim_verdict *v)
{
	bool can_boot = false, ends = sim_boot_run(b, 6 * MINUTE);
	unsigned n_refused = sim_n_events(b->sim, CB_EVENT_REFUSED);

	for (unsigned i = 0; i < N_MIRRORS; i++)
		can_boot |= is_usable(s->way[i]);
	v->n_errors = can_boot ? b->n_errors : 0;
	if (b->status == CB_BOOT_READY)
		return;
	if (can_boot)
		sim_say(v, "no boot with a good mirror: stage %d, %s (%s)", sim_stage(b->sim),
			cb_err_info(sim_last_err(b->sim, CB_EVENT_ERROR))->name,
			sim_last_subject(b->sim, CB_EVENT_ERROR));
	else if (ends)
		judge_error(s, b, v);
	else if (n_refused != 1 ||
		 !(is_any_absent(s) || is_offline_right(s, sim_last_err(b->sim, CB_EVENT_REFUSED))))
		sim_say(v, "neither boot nor error in 6 minutes, stage %d", sim_stage(b->sim));
}

static void run_good(struct sim_boot *b, struct sim_verdict *v)
{
	if (b->status == CB_BOOT_READY)
		return;
	b->error_key = 'r';
	b->escapes_offline = true;
	b->account[1] = "ada";
	b->passphrase[1] = SIM_REALM_PASSPHRASE;
	if (!sim_boot_run(b, sim_now(b->sim) + 6 * MINUTE) || b->status != CB_BOOT_READY)
		sim_say(v, "no boot in good conditions, stage %d", sim_stage(b->sim));
}

static void run(void *ctx, uint64_t seed, struct sim_verdict *v)
{
	const struct sim_realm_loader loader = { .hosts = hosts };
	const struct sim_world *world = ctx;
	const struct sim_realm *realm = world->realm;
	struct sim_link link = { .up = { .delay_us = 5000 }, .down = { .delay_us = 5000 } };
	struct sim *sim = sim_new(seed);
	struct sim_server *servers[N_MIRRORS];
	struct scenario s;
	struct sim_boot b;

	choose(seed, &s);
	sim_keep_begin(&s.keep, world->stock, sim, seed);
	snprintf(v->scenario, sizeof(v->scenario), "%s: a %s, b %s, c %s; %s",
		 s.has_frames ? "frames" : "streams", ways[s.way[0]].name, ways[s.way[1]].name,
		 ways[s.way[2]].name, sim_keep_name(&s.keep));
	for (unsigned i = 0; i < N_MIRRORS; i++) {
		servers[i] = sim_add_server(sim, hosts[i], 80);
		serve(realm, servers[i], &ways[s.way[i]]);
	}
	if (s.has_frames)
		sim_use_frames(sim, &link);
	sim_boot_init(&b, sim, realm, &loader);
	run_chaos(&s, &b, v);
	v->took_ms = sim_now(sim);
	sim_keep_judge(&s.keep, v);
	for (unsigned i = 0; i < N_MIRRORS; i++)
		serve(realm, servers[i], &ways[0]);
	run_good(&b, v);
	if (b.status == CB_BOOT_READY)
		sim_judge_ready(v, &b, realm);
	sim_keep_judge_next(&s.keep, &b, &loader, v);
	sim_judge_end(v, &b);
	sim_keep_end(&s.keep);
}

static void server_chaos(void **state)
{
	(void)state;
	/* Each pair once, and a third as many without a good mirror. */
	assert_int_equal(sim_keep_campaign("server_chaos", N_WAYS * N_WAYS * 4 / 3, run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_chaos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
