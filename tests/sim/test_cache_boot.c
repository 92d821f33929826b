/* SPDX-License-Identifier: MIT */
/* Whole boots of a machine with a cache: what they still ask for, and what a bad, half written or old cache does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "sim_cache.h"
#include "sim_stage.h"

#define FILE_AT(name) SIM_REALM_BASE "metadata/" name
#define DEVICE_BLOCKS 8192u /* 4 MiB */
#define CUTS_EACH 40u

static struct sim_realm *realm;

static unsigned n_chunk_requests(const struct sim_server *server)
{
	unsigned n = 0;
	const char *path;

	for (unsigned i = 0; (path = sim_file_path(server, i)); i++)
		if (strstr(path, "/store.castr/"))
			n += sim_n_requests_for(server, path);
	return n;
}

/* ---- Online ---- */

static void second_boot_asks_for_what_changes_only(void **state)
{
	struct sim_stage s;
	char record[256];
	unsigned n;
	uint64_t bytes;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_realm_record_path(realm, "ada", record);
	sim_stage_boot_once(&s);
	assert_true(sim_record_says(&s.boot, "\"cache\":{\"body_bytes\":0,"));
	assert_int_equal(s.boot.cache_bytes, 0);
	n = sim_n_requests(s.mirror[0]);
	bytes = sim_body_bytes(s.mirror[0]);
	sim_stage_boot_once(&s);
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
	struct sim_stage s;
	unsigned n;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
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
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
}

static void new_root_is_kept(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	sim_realm_add_root(realm, /*has_new_keys=*/true, SIM_REALM_NOW_S + 60);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_boot_once(&s);
	sim_stage_boot_once(&s);
	assert_int_equal(sim_n_requests_for(s.mirror[0], FILE_AT("2.root.json")), 1);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

/* A cache that was made for another realm is one with nothing in it that helps. */
static void cache_of_another_realm(void **state)
{
	struct sim_realm *ours = realm, *other = sim_realm_new();
	struct sim_stage s;
	struct sim_block *theirs;

	(void)state;
	realm = other;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	theirs = sim_block_cut(s.disk, sim_block_n_events(s.disk), 0);
	sim_stage_end(&s);
	realm = ours;
	sim_stage_begin(&s, realm, 1);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_use_disk(&s, theirs);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	sim_stage_plug_in(&s);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
	sim_realm_free(other);
}

/* ---- A cache that is bad ---- */

/* Each byte of a chunk, of the manifest or of the metadata may be anything: nothing of it is used. */
static void tampered_chunk(void **state)
{
	struct sim_stage s;
	unsigned n;

	(void)state;
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		sim_stage_boot_once(&s);
		sim_stage_cached_chunk(&s, i)[17] ^= 0x40;
		sim_stage_start_unplugged(&s);
		sim_stage_assert_fails(&s, CB_NET_OFFLINE);
		assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), "store.castr/"));
		/* plugged in it goes on by itself, fetches that one, and keeps it */
		n = n_chunk_requests(s.mirror[0]);
		sim_stage_plug_in(&s);
		s.boot.has_error = false;
		sim_stage_assert_boots(&s, "demo/1");
		assert_int_equal(n_chunk_requests(s.mirror[0]) - n, 1);
		assert_true(sim_record_says(&s.boot, "\"bad_records\":1,"));
		sim_stage_start_unplugged(&s);
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
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
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
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	sim_stage_plug_in(&s);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_stage_end(&s);
}

/* Metadata of an earlier day, put back: what this machine has seen since lies in its variables. */
static void rolled_back_cache(void **state)
{
	struct sim_block *earlier, *later;
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	earlier = sim_block_cut(s.disk, sim_block_n_events(s.disk), 0);
	sim_realm_refresh(realm, SIM_REALM_NOW_S + 60);
	sim_realm_serve(realm, s.mirror[0]);
	sim_stage_boot_once(&s);
	later = s.disk;
	sim_stage_use_disk(&s, earlier);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_fails(&s, CB_META_ROLLBACK);
	sim_stage_plug_in(&s);
	sim_stage_boot_once(&s);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	sim_block_free(later);
	sim_stage_end(&s);
}

/* ---- Power cuts and memory ---- */

/* The power goes at any write of a first boot, and of one that has an update to store. */
static void power_cuts(void **state)
{
	struct sim_stage s;
	unsigned n_first, n_events;
	struct sim_block *whole;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	n_first = sim_block_n_events(s.disk);
	sim_stage_boot_once(&s);
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
			sim_stage_start_unplugged(&s);
			sim_stage_assert_boots(&s, "demo/2");
			sim_stage_plug_in(&s);
			sim_stage_power_off(&s);
			sim_block_free(s.disk);
		}
	print_message("%u power cuts\n", CUTS_EACH * (n_events - n_first + 1));
	s.disk = whole;
	sim_stage_end(&s);
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
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_stage_boot_once(&s);
	n_total = sim_n_allocations(s.sim);
	sim_stage_start_unplugged(&s);
	sim_stage_assert_boots(&s, "demo/1");
	n_total = sim_n_allocations(s.sim) - n_total;
	for (uint64_t n = 1; n <= n_total; n++) {
		sim_stage_power_off(&s);
		sim_stage_start_unplugged(&s);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
		sim_fail_alloc(s.sim, 0, false);
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s, CB_NET_NO_LINK);
	}
	sim_stage_start_unplugged(&s);
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
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	empty = s.disk;
	sim_stage_use_disk(&s, sim_block_cut(empty, sim_block_n_events(empty), 0));
	n_total = sim_n_allocations(s.sim);
	sim_stage_boot_once(&s);
	n_total = sim_n_allocations(s.sim) - n_total;
	for (uint64_t n = 1; n <= n_total; n++) {
		sim_stage_power_off(&s);
		sim_block_free(s.disk);
		sim_stage_use_disk(&s, sim_block_cut(empty, sim_block_n_events(empty), 0));
		sim_stage_plug_in(&s);
		sim_stage_power_on(&s, 1, 1);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, sim_now(s.sim) + 30 * SIM_STAGE_MINUTE));
		sim_fail_alloc(s.sim, 0, false);
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s, CB_OK);
		sim_stage_start_unplugged(&s);
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
		cmocka_unit_test_teardown(update_costs_its_difference, sim_stage_renew_realm),
		cmocka_unit_test_teardown(new_root_is_kept, sim_stage_renew_realm),
		cmocka_unit_test(cache_of_another_realm),
		cmocka_unit_test(tampered_chunk),
		cmocka_unit_test(tampered_metadata),
		cmocka_unit_test_teardown(rolled_back_cache, sim_stage_renew_realm),
		cmocka_unit_test_teardown(power_cuts, sim_stage_renew_realm),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(half_filled),
	};

	return sim_stage_run("cache_boot", tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
