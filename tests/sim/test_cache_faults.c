/* SPDX-License-Identifier: MIT */
/* Whole boots with a device below the cache that rots, fails, is full or slow: it says so, and costs nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_cache.h"
#include "sim_stage.h"

#define DEVICE_BLOCKS 8192u /* 4 MiB */
#define OPEN_MS 250u /* CB_BOOT_CACHE_OPEN_MS */
#define MANY_BLOCKS (128 * DEVICE_BLOCKS) /* more tables than a step of opening reads */
#define SMALL_BLOCKS 1024u /* the least that can be a cache */

static struct sim_realm *realm;

static void boot_unplugged(struct sim_stage *s)
{
	sim_stage_start_unplugged(s);
	sim_stage_assert_boots(s, "demo/1");
}

static unsigned n_requests(const struct sim_stage *s, unsigned chunk)
{
	char path[256];

	sim_realm_chunk_path(realm, chunk, path);
	return sim_n_requests_for(s->mirror[0], path);
}

static bool has_good_chunk(const struct sim_stage *s, const struct sim_cache_view *v,
			   unsigned chunk)
{
	const struct sim_cache_record *r;
	uint8_t key[CB_DIGEST_LEN];
	char path[256];

	sim_realm_chunk_path(realm, chunk, path);
	cb_blake2b_256(sim_file_bytes(s->mirror[0], path), key);
	r = sim_cache_find(v, CB_CACHE_CHUNK, key);
	return r && r->is_good;
}

static void assert_number(const struct sim_stage *s, const char *member, uint64_t want)
{
	if (sim_record_number(&s->boot, member) != want)
		fail_msg("%s is %ju, not %ju", member,
			 (uintmax_t)sim_record_number(&s->boot, member), (uintmax_t)want);
}

/* A boot of which the record has nothing bad to say. */
static void boot_clean(struct sim_stage *s)
{
	sim_stage_boot_once(s);
	assert_number(s, "bad_records", 0);
	assert_number(s, "bad_tables", 0);
	assert_number(s, "read_errors", 0);
	assert_true(sim_record_says(&s->boot, "\"write_failed\":false,\"is_full\":false}"));
}

/* One sector in a hundred is not what was written: just what was bad is fetched, and the record counts it. */
static void bit_rot(void **state)
{
	unsigned n_bad_boots = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 120; seed++) {
		struct sim_cache_view *before = malloc(sizeof(*before));
		unsigned n[16], n_chunks = sim_realm_n_chunks(realm), n_bad;
		struct sim_stage s;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		sim_stage_boot_once(&s);
		sim_cache_rot(s.disk, seed, 100);
		sim_cache_look(s.disk, before);
		assert_true(before->is_open && n_chunks <= 16);
		/* the account's record is asked of the network alone */
		n_bad = sim_cache_n_bad(before, /*with_accounts=*/false);
		n_bad_boots += n_bad > 0;
		for (unsigned i = 0; i < n_chunks; i++)
			n[i] = n_requests(&s, i);
		sim_stage_boot_once(&s);
		for (unsigned i = 0; i < n_chunks; i++)
			assert_int_equal(n_requests(&s, i) - n[i], !has_good_chunk(&s, before, i));
		/* to replace it, it is read, too */
		assert_in_range(sim_record_number(&s.boot, "bad_records"), n_bad,
				sim_cache_n_bad(before, /*with_accounts=*/true));
		assert_number(&s, "bad_tables", before->stats.n_lost_segments);
		assert_number(&s, "read_errors", 0);
		boot_clean(&s);
		boot_unplugged(&s);
		free(before);
		sim_stage_end(&s);
	}
	print_message("%u of 120 boots met bad records\n", n_bad_boots);
	assert_true(n_bad_boots > 10);
}

/* ---- Devices that fail, once, for good, now or later ---- */

static bool record_counts(const struct sim_stage *s, const char *member)
{
	uint64_t n = sim_record_number(&s->boot, member);

	return n > 0 && n != UINT64_MAX;
}

/* Each read of a boot in turn: it comes up, and the record has the error. */
static void read_errors(void **state)
{
	unsigned n_reads = 1;

	(void)state;
	for (unsigned n = 1; n <= n_reads; n++)
		for (unsigned is_for_good = 0; is_for_good < 2; is_for_good++) {
			struct sim_block_faults *f;
			uint64_t before;
			struct sim_stage s;

			sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
			sim_stage_boot_once(&s);
			before = sim_block_n_reads(s.disk);
			boot_clean(&s);
			n_reads = (unsigned)(sim_block_n_reads(s.disk) - before);
			f = sim_block_faults(s.disk);
			f->fail_read = n;
			f->fails_on = is_for_good;
			sim_stage_boot_once(&s);
			if (is_for_good)
				assert_true(record_counts(&s, "read_errors"));
			else
				assert_number(&s, "read_errors", 1);
			/* well again: nothing is lost, or it has been fetched again */
			*f = (struct sim_block_faults){ 0 };
			sim_stage_boot_once(&s);
			boot_clean(&s);
			boot_unplugged(&s);
			sim_stage_end(&s);
		}
	assert_true(n_reads > 10);
}

/* Each write of a boot that fills the cache. */
static void write_errors(void **state)
{
	unsigned n_writes = 1;

	(void)state;
	for (unsigned n = 1; n <= n_writes; n++)
		for (unsigned is_for_good = 0; is_for_good < 2; is_for_good++) {
			struct sim_block_faults *f;
			struct sim_stage s;

			sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
			f = sim_block_faults(s.disk);
			f->fail_write = 1000;
			f->fails_on = is_for_good;
			sim_stage_boot_once(&s);
			n_writes = 1000 - (unsigned)f->fail_write;
			sim_block_free(s.disk);
			sim_stage_use_disk(&s, sim_cache_new(1, DEVICE_BLOCKS));
			f = sim_block_faults(s.disk);
			f->fail_write = n;
			f->fails_on = is_for_good;
			sim_stage_boot_once(&s);
			assert_true(sim_record_says(&s.boot, "\"write_failed\":true,"));
			assert_number(&s, "bad_records", 0);
			*f = (struct sim_block_faults){ 0 };
			sim_stage_boot_once(&s);
			boot_clean(&s);
			boot_unplugged(&s);
			sim_stage_end(&s);
		}
	assert_true(n_writes > 2);
}

/* That can't be written, or not beyond a block: such a one serves what it has. */
static void takes_nothing(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 11; n++) {
		struct sim_stage s;
		struct sim_block_faults *f;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		f = sim_block_faults(s.disk);
		f->is_readonly = n == 0;
		f->full_at = n * 10;
		sim_stage_boot_once(&s);
		assert_true(sim_record_says(&s.boot, "\"write_failed\":true,"));
		*f = (struct sim_block_faults){ 0 };
		sim_stage_boot_once(&s);
		f->is_readonly = true;
		boot_clean(&s);
		boot_unplugged(&s);
		sim_stage_end(&s);
	}
}

/* A flush that does nothing loses nothing while the power stays. */
static void lying_device(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	sim_block_faults(s.disk)->is_lying = true;
	sim_stage_boot_once(&s);
	boot_clean(&s);
	boot_unplugged(&s);
	sim_stage_end(&s);
}

/* Accounts that are needed, as many as there is room for. */
static void fill_up(struct sim_stage *s)
{
	static uint8_t content[8 * CB_CACHE_PAGE - CB_CACHE_TRAILER_LEN];
	struct cb_block device = sim_block(s->disk);
	uint8_t key[CB_DIGEST_LEN] = { 0 };
	struct cb_cache *cache;

	assert_int_equal(cb_cache_new(&sim_platform(s->sim)->mem, &device, &cache), CB_OK);
	while (cb_cache_step(cache) == CB_CACHE_OPENING)
		;
	do
		key[0]++;
	while (cb_cache_append(cache, CB_CACHE_ACCOUNT, key,
			       (struct cb_bytes){ content, sizeof(content) }));
	assert_true(cb_cache_commit(cache));
	cb_cache_free(cache);
}

/* No room beside what is needed: said, and what is there stays. */
static void full_cache(void **state)
{
	struct sim_cache_view *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, SMALL_BLOCKS);
	fill_up(&s);
	sim_cache_look(s.disk, before);
	sim_stage_boot_once(&s);
	assert_true(sim_record_says(&s.boot, "\"is_full\":true}"));
	assert_number(&s, "bad_records", 0);
	assert_true(sim_record_says(&s.boot, "\"write_failed\":false,"));
	sim_cache_look(s.disk, after);
	assert_true(before->n > 3);
	for (unsigned i = 0; i < before->n; i++)
		assert_non_null(
			sim_cache_find(after, before->records[i].kind, before->records[i].key));
	/* an empty one in its place */
	sim_block_free(s.disk);
	sim_stage_use_disk(&s, sim_cache_new(1, DEVICE_BLOCKS));
	boot_clean(&s);
	boot_clean(&s);
	free(before);
	free(after);
	sim_stage_end(&s);
}

/* A mirror that is silent for longer than a machine with a cache waits, and a cache that is not enough: the next
 * try waits for the mirror, as it would without a cache. */
static void silence_beside_a_bad_cache(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
	s.kiosk = "kim";
	sim_stage_boot_once(&s);
	sim_stage_cached_chunk(&s, 1)[7] ^= 1;
	sim_behaviour(s.mirror[0])->hang = SIM_HANG_ACCEPT;
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_NET_OFFLINE);
	s.boot.goes_on = true;
	while (sim_stage(s.sim) != CB_STAGE_METADATA)
		assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 100));
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 30000));
	sim_behaviour(s.mirror[0])->hang = SIM_HANG_NEVER;
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(s.boot.n_errors, 1);
	assert_false(sim_record_says(&s.boot, "\"offline\""));
	sim_stage_end(&s);
}

/* Each read takes long: with it the boot is not slower than without. */
static struct sim *slow_sim;
static uint32_t slow_ms;

static void take_long(void *ctx, size_t len)
{
	(void)ctx;
	sim_advance_to(slow_sim, sim_now(slow_sim) + slow_ms * (len + 65535) / 65536);
}

static uint64_t boot_ms(struct sim_stage *s)
{
	uint64_t start_ms = sim_now(s->sim);

	sim_stage_boot_once(s);
	return s->boot.stage_ms[CB_STAGE_HANDOVER] - start_ms;
}

static void slow_cache_is_no_burden(void **state)
{
	static const uint32_t costs_ms[] = { 1, 5, 20, 50, 100, 200, 500, 1000, 3000 };

	(void)state;
	for (size_t i = 0; i < sizeof(costs_ms) / sizeof(costs_ms[0]); i++) {
		struct sim_stage s;
		uint64_t alone_ms, with_ms;

		sim_stage_begin_cached(&s, realm, DEVICE_BLOCKS);
		s.kiosk = "kim";
		sim_behaviour(s.mirror[0])->latency_ms = 1;
		sim_stage_boot_once(&s);
		sim_set_block(s.sim, &(struct cb_block){ .ctx = NULL });
		alone_ms = boot_ms(&s);
		slow_sim = s.sim;
		slow_ms = costs_ms[i];
		sim_block_faults(s.disk)->on_read = take_long;
		sim_stage_use_disk(&s, s.disk);
		with_ms = boot_ms(&s);
		print_message("64 KiB in %u ms: %ju ms with the cache, %ju without\n", slow_ms,
			      (uintmax_t)with_ms, (uintmax_t)alone_ms);
		/* The network is up at once here: it waits for the opening, not for long, and for the read that
		 * is under way then; metadata, manifest and account are a read each; no chunk is read. */
		assert_true(with_ms <= alone_ms * 21 / 20 + OPEN_MS + 4 * slow_ms);
		sim_stage_end(&s);
	}
}

/* It opens when the network has long been up: nobody waited for it, and the image comes from it all the same. */
static void late_cache(void **state)
{
	struct sim_stage s;
	uint64_t prompt_ms;

	(void)state;
	sim_stage_begin_cached(&s, realm, MANY_BLOCKS);
	sim_stage_boot_once(&s);
	slow_sim = s.sim;
	slow_ms = 2 * OPEN_MS;
	sim_block_faults(s.disk)->on_read = take_long;
	sim_stage_power_on(&s, 1, 1);
	prompt_ms = sim_now(s.sim) + 4 * OPEN_MS;
	s.boot.types_after_ms = prompt_ms + SIM_STAGE_MINUTE;
	assert_false(sim_boot_run(&s.boot, prompt_ms));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	slow_ms = 0;
	sim_stage_assert_boots(&s, "demo/1");
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++)
		assert_int_equal(n_requests(&s, i), 1);
	assert_true(s.boot.cache_bytes > 0);
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bit_rot),
		cmocka_unit_test(read_errors),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(takes_nothing),
		cmocka_unit_test(lying_device),
		cmocka_unit_test(full_cache),
		cmocka_unit_test(silence_beside_a_bad_cache),
		cmocka_unit_test(slow_cache_is_no_burden),
		cmocka_unit_test(late_cache),
	};

	return sim_stage_run("cache_faults", tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
