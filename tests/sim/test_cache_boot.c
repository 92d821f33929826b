/* SPDX-License-Identifier: MIT */
/* Whole boots of a machine with a cache: what they ask for, how they go on without the network, what they survive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "sim_cache.h"
#include "sim_stage.h"

#define FILE_AT(name) SIM_REALM_BASE "metadata/" name
#define DAY_S 86400
#define DEVICE_BLOCKS 8192u /* 4 MiB */
#define CUTS_EACH 40u
#define OFFLINE_END_S (SIM_REALM_NOW_S + SIM_REALM_OFFLINE_DAYS * DAY_S)

static struct sim_realm *realm;

static int set_up(void **state)
{
	(void)state;
	realm = sim_realm_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_realm_free(realm);
	return 0;
}

/* A machine with an empty cache and one good mirror. */
static void begin(struct sim_stage *s)
{
	sim_stage_begin(s, realm, 1);
	sim_realm_serve(realm, s->mirror[0]);
	sim_stage_use_disk(s, sim_cache_new(1, DEVICE_BLOCKS));
	s->no_prefetch = true;
}

/* Somebody takes the cable out: nothing is reached any more, and the machine knows why. */
static void unplug(struct sim_stage *s)
{
	sim_behaviour(s->mirror[0])->refuses = true;
	s->boot.network_err = CB_NET_NO_LINK;
	s->boot.no_network = true;
}

static void plug_in(struct sim_stage *s)
{
	sim_behaviour(s->mirror[0])->refuses = false;
	s->boot.network_err = CB_OK;
	s->boot.no_network = false;
}

static void boot_once(struct sim_stage *s)
{
	sim_stage_power_on(s, 1, 1);
	sim_stage_assert_boots(s, "demo/1");
}

/* A new start without the network. */
static void start_unplugged(struct sim_stage *s)
{
	sim_stage_power_on(s, 1, 1);
	unplug(s);
}

static unsigned n_chunk_requests(const struct sim_server *server)
{
	unsigned n = 0;
	const char *path;

	for (unsigned i = 0; (path = sim_file_path(server, i)); i++)
		if (strstr(path, "/store.castr/"))
			n += sim_n_requests_for(server, path);
	return n;
}

/* Where chunk i of the image lies on the device, as the mirror has it. */
static uint8_t *stored_chunk(struct sim_stage *s, unsigned i)
{
	char path[256];
	struct cb_bytes chunk;
	size_t len;
	uint8_t *bytes = sim_block_bytes(s->disk, &len);

	sim_realm_chunk_path(realm, i, path);
	chunk = sim_file_bytes(s->mirror[0], path);
	bytes = memmem(bytes, len, chunk.p, chunk.len);
	assert_non_null(bytes);
	return bytes;
}

/* ---- Online ---- */

static void second_boot_asks_for_what_changes_only(void **state)
{
	struct sim_stage s;
	char record[256];
	unsigned n;
	uint64_t bytes;

	(void)state;
	begin(&s);
	sim_realm_record_path(realm, "ada", record);
	boot_once(&s);
	assert_true(sim_record_says(&s.boot, "\"cache\":{\"body_bytes\":0,"));
	assert_int_equal(s.boot.cache_bytes, 0);
	n = sim_n_requests(s.mirror[0]);
	bytes = sim_body_bytes(s.mirror[0]);
	boot_once(&s);
	/* the next root, the timestamp, the account */
	assert_int_equal(sim_n_requests(s.mirror[0]) - n, 3);
	assert_int_equal(sim_n_requests_for(s.mirror[0], FILE_AT("timestamp.json")), 2);
	assert_int_equal(sim_n_requests_for(s.mirror[0], record), 2);
	assert_true(sim_body_bytes(s.mirror[0]) - bytes < 6000);
	assert_true(s.boot.cache_bytes > 0);
	assert_true(sim_record_says(&s.boot, "\"written_bytes\":0,"));
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	assert_int_equal(s.boot.n_offline, 0);
	sim_stage_end(&s);
}

static void update_costs_its_difference(void **state)
{
	struct sim_realm *other = sim_realm_new();
	struct sim_stage s;
	unsigned n;

	(void)state;
	begin(&s);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/1");
	n = n_chunk_requests(s.mirror[0]);
	sim_realm_add_version(realm, 2, SIM_REALM_NOW_S);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	/* of the same content: a new manifest, no chunk; targets have changed, root and accounts not */
	assert_int_equal(n_chunk_requests(s.mirror[0]), n);
	assert_int_equal(sim_n_requests_for(s.mirror[0], FILE_AT("bundle.cbb")), 1);
	assert_int_equal(sim_n_requests_for(s.mirror[0], FILE_AT("1.accounts.json")), 0);
	/* and so it is, from then on, without the network */
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
	sim_realm_free(realm);
	realm = other;
}

static void new_root_is_kept(void **state)
{
	struct sim_realm *other = sim_realm_new();
	struct sim_stage s;

	(void)state;
	begin(&s);
	boot_once(&s);
	sim_realm_add_root(realm, /*has_new_keys=*/true, SIM_REALM_NOW_S + 60);
	sim_realm_serve(realm, s.mirror[0]);
	boot_once(&s);
	boot_once(&s);
	assert_int_equal(sim_n_requests_for(s.mirror[0], FILE_AT("2.root.json")), 1);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
	sim_realm_free(realm);
	realm = other;
}

/* A cache that was made for another realm is one with nothing in it that helps. */
static void cache_of_another_realm(void **state)
{
	struct sim_realm *ours = realm, *other = sim_realm_new();
	struct sim_stage s;
	struct sim_block *theirs;

	(void)state;
	realm = other;
	begin(&s);
	boot_once(&s);
	theirs = sim_block_cut(s.disk, sim_block_n_events(s.disk), 0);
	sim_stage_end(&s);
	realm = ours;
	sim_stage_begin(&s, realm, 1);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_use_disk(&s, theirs);
	start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	plug_in(&s);
	boot_once(&s);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
	sim_realm_free(other);
}

/* ---- Offline ---- */

static void offline_after_one_boot(void **state)
{
	struct sim_stage s;
	unsigned n;

	(void)state;
	begin(&s);
	boot_once(&s);
	n = sim_n_connections(s.mirror[0]);
	start_unplugged(&s);
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
	begin(&s);
	sim_set_block(s.sim, &(struct cb_block){ .ctx = NULL });
	boot_once(&s);
	start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_NO_LINK);
	/* an empty one is no better */
	sim_stage_use_disk(&s, s.disk);
	start_unplugged(&s);
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

		begin(&s);
		boot_once(&s);
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

/* Captive portals and liars are no reason to go on with less: what they say is told. */
static void wrong_answers_are_told(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s);
	boot_once(&s);
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

		begin(&s);
		boot_once(&s);
		sim_set_wall_clock(s.sim, true, cases[i].now_s);
		start_unplugged(&s);
		if (cases[i].err == CB_OK)
			sim_stage_assert_boots(&s, "demo/1");
		else
			sim_stage_assert_fails(&s, cases[i].err);
		sim_stage_end(&s);
	}
}

/* A clock that was set back helps nobody for longer: it stays at the last verified timestamp. */
static void clock_set_back(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s);
	boot_once(&s);
	sim_set_wall_clock(s.sim, true, SIM_REALM_NOW_S - 400 * DAY_S);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	assert_true(s.boot.offline_until_s == OFFLINE_END_S);
	sim_stage_end(&s);
}

static void account_that_may_not(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s);
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = "bob";
	sim_stage_assert_boots(&s, "demo/1");
	start_unplugged(&s);
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
	begin(&s);
	boot_once(&s);
	start_unplugged(&s);
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
	begin(&s);
	s.kiosk = "kim";
	boot_once(&s);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	/* and where its record is not here, it waits for the network */
	s.kiosk = "bob";
	start_unplugged(&s);
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

		begin(&s);
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
	struct sim_realm *other = sim_realm_new();
	struct sim_stage s;
	char path[256];

	(void)state;
	begin(&s);
	boot_once(&s);
	/* a newer epoch, and a chunk that is bad in the cache: the offline boot fails, the retry is online */
	sim_realm_set_epoch(realm, 2);
	sim_realm_serve(realm, s.mirror[0]);
	sim_realm_record_path(realm, "ada", path);
	start_unplugged(&s);
	stored_chunk(&s, 0)[1] ^= 1;
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	assert_int_equal(sim_n_requests_for(s.mirror[0], path), 1);
	plug_in(&s);
	s.boot.has_error = false;
	cb_boot_key(s.boot.boot, 'r');
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(sim_n_requests_for(s.mirror[0], path), 2);
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
	sim_realm_free(realm);
	realm = other;
}

/* An unattended machine tries again by itself, whatever it was. */
static void kiosk_goes_on_by_itself(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s);
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
	begin(&s);
	boot_once(&s);
	start_unplugged(&s);
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + SIM_STAGE_MINUTE));
	assert_int_equal(s.boot.n_offline, 1);
	plug_in(&s);
	cb_boot_key(s.boot.boot, CB_KEY_ESCAPE);
	s.boot.account[0] = "ada";
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(s.boot.n_offline, 1);
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
}

/* ---- A cache that is bad ---- */

/* Each byte of a chunk, of the manifest or of the metadata may be anything: nothing of it is used. */
static void tampered_chunk(void **state)
{
	struct sim_stage s;
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		begin(&s);
		boot_once(&s);
		stored_chunk(&s, i)[17] ^= 0x40;
		start_unplugged(&s);
		sim_stage_assert_fails(&s, CB_NET_OFFLINE);
		assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), "store.castr/"));
		/* plugged in it goes on by itself, fetches that one, and keeps it */
		n = n_chunk_requests(s.mirror[0]);
		plug_in(&s);
		s.boot.has_error = false;
		sim_stage_assert_boots(&s, "demo/1");
		assert_int_equal(n_chunk_requests(s.mirror[0]) - n, 1);
		assert_true(sim_record_says(&s.boot, "\"bad_records\":1,"));
		start_unplugged(&s);
		sim_stage_assert_boots(&s, "demo/1");
		sim_stage_end(&s);
	}
}

/* What a hostile system left in place of the metadata: validly framed, not validly signed. */
static void tampered_metadata(void **state)
{
	static const uint8_t nonsense[] = CB_BUNDLE_MAGIC "\1\0\0\0\016timestamp.json\2\0\0\0{}";
	uint8_t key[CB_DIGEST_LEN];
	struct cb_cache *cache;
	struct cb_block device;
	struct sim_stage s;

	(void)state;
	begin(&s);
	boot_once(&s);
	sim_stage_power_off(&s);
	device = sim_block(s.disk);
	assert_int_equal(cb_cache_new(&sim_platform(s.sim)->mem, &device, &cache), CB_OK);
	while (cb_cache_step(cache) == CB_CACHE_OPENING)
		;
	cb_blake2b_256(cb_bytes_of(CB_BUNDLE_PATH), key);
	assert_true(cb_cache_append(cache, CB_CACHE_METADATA, key,
				    (struct cb_bytes){ nonsense, sizeof(nonsense) - 1 }));
	assert_true(cb_cache_commit(cache));
	cb_cache_free(cache);
	start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	plug_in(&s);
	boot_once(&s);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

/* Metadata of an earlier day, put back: what this machine has seen since lies in its variables. */
static void rolled_back_cache(void **state)
{
	struct sim_realm *other = sim_realm_new();
	struct sim_block *earlier, *later;
	struct sim_stage s;

	(void)state;
	begin(&s);
	boot_once(&s);
	earlier = sim_block_cut(s.disk, sim_block_n_events(s.disk), 0);
	sim_realm_refresh(realm, SIM_REALM_NOW_S + 60);
	sim_realm_serve(realm, s.mirror[0]);
	boot_once(&s);
	later = s.disk;
	sim_stage_use_disk(&s, earlier);
	start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_META_ROLLBACK);
	plug_in(&s);
	boot_once(&s);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_block_free(later);
	sim_stage_end(&s);
	sim_realm_free(realm);
	realm = other;
}

/* ---- Power cuts and memory ---- */

/* The power goes at any write of a first boot, and of one that has an update to store. */
static void power_cuts(void **state)
{
	struct sim_realm *other = sim_realm_new();
	struct sim_stage s;
	unsigned n_first, n_events;
	struct sim_block *whole;

	(void)state;
	begin(&s);
	n_first = sim_block_n_events(s.disk);
	boot_once(&s);
	sim_realm_add_version(realm, 2, SIM_REALM_NOW_S);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_boots(&s, "demo/2");
	whole = s.disk;
	n_events = sim_block_n_events(whole);
	for (unsigned n = n_first; n <= n_events; n++)
		for (uint64_t seed = 0; seed < CUTS_EACH; seed++) {
			sim_stage_use_disk(&s, sim_block_cut(whole, n, seed));
			sim_stage_power_on(&s, 1, 1);
			sim_stage_assert_boots(&s, "demo/2");
			start_unplugged(&s);
			sim_stage_assert_boots(&s, "demo/2");
			plug_in(&s);
			sim_stage_power_off(&s);
			sim_block_free(s.disk);
		}
	print_message("%u power cuts\n", CUTS_EACH * (n_events - n_first + 1));
	s.disk = whole;
	sim_stage_end(&s);
	sim_realm_free(realm);
	realm = other;
}

/* The error that says so: that of the derivation's arena says how much there must be. A cache that can't be opened is
 * none, so that without the network that is what is told; instead may be CB_OK: there is one. */
static void assert_out_of_memory(const struct sim_stage *s, enum cb_err instead)
{
	enum cb_err err = sim_last_err(s->sim, CB_EVENT_ERROR);

	assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
	if (err != CB_NO_MEMORY && err != CB_MEMORY_SHORT && (err != instead || err == CB_OK))
		fail_msg("%s", s->boot.shown);
	assert_int_equal(s->boot.n_errors, 1);
}

/* Any allocation may fail: an error or a boot, never a hang, never a leak; and the cache stays usable. */
static void allocation_failures(void **state)
{
	struct sim_stage s;
	uint64_t n_total;

	(void)state;
	begin(&s);
	boot_once(&s);
	n_total = sim_n_allocations(s.sim);
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	n_total = sim_n_allocations(s.sim) - n_total;
	for (uint64_t n = 1; n <= n_total; n++) {
		sim_stage_power_off(&s);
		start_unplugged(&s);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
		sim_fail_alloc(s.sim, 0, false);
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s, CB_NET_NO_LINK);
	}
	start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

/* The same in a boot that fills the cache: what did not get in is not promised, so that a boot without the network
 * either comes up or says that there is no network. */
static void half_filled(void **state)
{
	struct sim_stage s;
	struct sim_block *empty;
	uint64_t n_total;

	(void)state;
	begin(&s);
	empty = s.disk;
	sim_stage_use_disk(&s, sim_block_cut(empty, sim_block_n_events(empty), 0));
	n_total = sim_n_allocations(s.sim);
	boot_once(&s);
	n_total = sim_n_allocations(s.sim) - n_total;
	for (uint64_t n = 1; n <= n_total; n++) {
		sim_stage_power_off(&s);
		sim_block_free(s.disk);
		sim_stage_use_disk(&s, sim_block_cut(empty, sim_block_n_events(empty), 0));
		plug_in(&s);
		sim_stage_power_on(&s, 1, 1);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
		sim_fail_alloc(s.sim, 0, false);
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s, CB_OK);
		start_unplugged(&s);
		if (!sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE)) {
			/* the record is what did not get in: the person is asked again */
			assert_int_equal(sim_last_err(s.sim, CB_EVENT_REFUSED), CB_LOGIN_OFFLINE);
		} else if (s.boot.status != CB_BOOT_READY &&
			   sim_last_err(s.sim, CB_EVENT_ERROR) != CB_NET_NO_LINK) {
			fail_msg("allocation %ju: %s", (uintmax_t)n, s.boot.shown);
		}
	}
	sim_block_free(empty);
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_boot_asks_for_what_changes_only),
		cmocka_unit_test(update_costs_its_difference),
		cmocka_unit_test(new_root_is_kept),
		cmocka_unit_test(cache_of_another_realm),
		cmocka_unit_test(offline_after_one_boot),
		cmocka_unit_test(without_a_cache_nothing_changes),
		cmocka_unit_test(mirrors_away),
		cmocka_unit_test(wrong_answers_are_told),
		cmocka_unit_test(days_run_out),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(account_that_may_not),
		cmocka_unit_test(wrong_passphrase_offline),
		cmocka_unit_test(kiosk_offline),
		cmocka_unit_test(expired_but_unattended),
		cmocka_unit_test(revoked_while_away),
		cmocka_unit_test(kiosk_goes_on_by_itself),
		cmocka_unit_test(escape_tries_the_network_again),
		cmocka_unit_test(tampered_chunk),
		cmocka_unit_test(tampered_metadata),
		cmocka_unit_test(rolled_back_cache),
		cmocka_unit_test(power_cuts),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(half_filled),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
