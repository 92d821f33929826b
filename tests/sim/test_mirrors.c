/* SPDX-License-Identifier: MIT */
/* Metadata from several mirrors and from bundles: the newest that can be had, in few round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "core/refresh.h"
#include "sim_stage.h"

#define FILE_AT(name) SIM_REALM_BASE "metadata/" name
#define BUNDLE SIM_REALM_BASE CB_BUNDLE_PATH
#define TIMESTAMP FILE_AT("timestamp.json")
#define DAY_S 86400

/* Image demo: the old repository has version 1, the new one 2 as well. */
static struct sim_realm *realm;
static struct sim *store;
static struct sim_server *old_files, *new_files;

static int set_up(void **state)
{
	(void)state;
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
	return 0;
}

/* One machine; mirror "a", and "b" where there are files for it. */
static void begin(struct sim_stage *s, const struct sim_server *a, const struct sim_server *b)
{
	sim_stage_begin(s, realm, b ? 2 : 1);
	sim_copy_files(s->mirror[0], a);
	if (b)
		sim_copy_files(s->mirror[1], b);
	s->no_prefetch = true;
	sim_stage_power_on(s, b ? 2 : 1, 1);
}

/* Requests for metadata, and the bytes of those files. */
static unsigned n_metadata_requests(const struct sim_server *server, size_t *ret_bytes)
{
	unsigned n = 0;
	const char *path;

	*ret_bytes = 0;
	for (unsigned i = 0; (path = sim_file_path(server, i)); i++) {
		if (strncmp(path, FILE_AT(""), strlen(FILE_AT(""))) != 0)
			continue;
		n += sim_n_requests_for(server, path);
		*ret_bytes += sim_n_requests_for(server, path) * sim_file_bytes(server, path).len;
	}
	return n;
}

/* Until the prompt is up; virtual milliseconds that it took. */
static uint64_t run_to_prompt(struct sim_stage *s)
{
	uint64_t start = sim_now(s->sim);

	s->boot.account[0] = NULL;
	assert_false(sim_boot_run(&s->boot, start + 60000));
	assert_int_equal(sim_stage(s->sim), CB_STAGE_SIGN_IN);
	return s->boot.sign_in_ms - start;
}

/* Good: two files that are there and a root that isn't, in the time of the connection and one trip. */
static void one_round_trip(void **state)
{
	struct sim_stage s;
	uint64_t with_ms, without_ms;
	size_t n_bytes;

	(void)state;
	begin(&s, new_files, NULL);
	sim_behaviour(s.mirror[0])->latency_ms = 100;
	with_ms = run_to_prompt(&s);
	assert_int_equal(sim_n_requests_for(s.mirror[0], BUNDLE), 1);
	assert_int_equal(sim_n_requests_for(s.mirror[0], TIMESTAMP), 1);
	assert_int_equal(n_metadata_requests(s.mirror[0], &n_bytes), 2);
	assert_int_equal(n_bytes,
			 sim_file_bytes(s.mirror[0], BUNDLE).len +
				 sim_file_bytes(s.mirror[0], TIMESTAMP).len);
	sim_stage_end(&s);

	begin(&s, new_files, NULL);
	sim_remove_file(s.mirror[0], BUNDLE);
	sim_behaviour(s.mirror[0])->latency_ms = 100;
	without_ms = run_to_prompt(&s);
	assert_int_equal(n_metadata_requests(s.mirror[0], &n_bytes), 5); /* one of them in vain */
	sim_stage_end(&s);
	print_message("to the prompt at 200 ms a round trip: %u ms, without the bundle %u ms\n",
		      (unsigned)with_ms, (unsigned)without_ms);
	/* connection and one trip; three more without */
	assert_int_equal(with_ms, 400);
	assert_int_equal(without_ms, 1000);
}

/* Any bit of the bundle: it boots with the newest metadata all the same. */
static void flipped_bundle(void **state)
{
	size_t len = sim_file_bytes(new_files, BUNDLE).len;
	unsigned n = 0;

	(void)state;
	for (size_t bit = 0; bit < 8 * len; bit += bit < 8 * 64 ? 1 : 10) {
		struct sim_stage s;

		begin(&s, new_files, NULL);
		assert_true(sim_flip(s.mirror[0], BUNDLE, bit / 8, bit % 8));
		sim_stage_assert_boots(&s, "demo/2");
		assert_false(sim_saw_notice(s.sim, CB_CHUNK_HASH));
		assert_int_equal(s.boot.n_errors, 0);
		sim_stage_end(&s);
		n++;
	}
	print_message("%u of %zu bits\n", n, 8 * len);
}

static void truncated_bundle(void **state)
{
	const struct cb_bytes good = sim_file_bytes(new_files, BUNDLE);

	(void)state;
	for (size_t len = 0; len < good.len; len += len < 64 ? 1 : 101) {
		struct sim_stage s;

		begin(&s, new_files, NULL);
		sim_file(s.mirror[0], BUNDLE, good.p, len);
		sim_stage_assert_boots(&s, "demo/2");
		sim_stage_end(&s);
	}
}

/* What else can be wrong with the bundle's answer. */
static void bad_bundle_answers(void **state)
{
	static uint8_t large[CB_BUNDLE_MAX_LEN + 1];
	struct sim_stage s;

	(void)state;
	begin(&s, new_files, NULL);
	sim_file(s.mirror[0], BUNDLE, large, sizeof(large));
	sim_stage_assert_boots(&s, "demo/2");
	assert_int_equal(sim_n_requests_for(s.mirror[0], BUNDLE), 1);
	sim_stage_end(&s);

	for (unsigned status = 403; status <= 503; status += 50) {
		begin(&s, new_files, NULL);
		sim_file_status(s.mirror[0], BUNDLE, status == 453 ? 429 : status);
		sim_stage_assert_boots(&s, "demo/2");
		assert_int_equal(s.boot.n_errors, 0);
		sim_stage_end(&s);
	}
	/* publish has failed at the bundle: yesterday's is still there, and hides nothing */
	begin(&s, new_files, NULL);
	sim_file(s.mirror[0], BUNDLE, sim_file_bytes(old_files, BUNDLE).p,
		 sim_file_bytes(old_files, BUNDLE).len);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
	/* the other way round: the mirror was copied while it changed */
	begin(&s, old_files, NULL);
	sim_copy_files(s.mirror[0], new_files);
	sim_file(s.mirror[0], TIMESTAMP, sim_file_bytes(old_files, TIMESTAMP).p,
		 sim_file_bytes(old_files, TIMESTAMP).len);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
	/* the bundle alone */
	begin(&s, new_files, NULL);
	sim_remove_file(s.mirror[0], TIMESTAMP);
	sim_stage_assert_boots(&s, "demo/2");
	sim_stage_end(&s);
}

/* ---- Newest of several ---- */

static void stale_and_fresh(void **state)
{
	static const struct {
		bool is_fresh_first;
		uint32_t fresh_latency_ms; /* one way: connection and answer take four of them */
		const char *image;
	} cases[] = {
		{ true, 0, "demo/2" },	  { false, 0, "demo/2" },    { true, 75, "demo/2" },
		{ false, 75, "demo/2" },  { true, 200, "demo/1" },   { false, 200, "demo/1" },
		{ true, 2000, "demo/1" }, { false, 2000, "demo/1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_first = cases[i].is_fresh_first;
		struct sim_stage s;

		begin(&s, is_first ? new_files : old_files, is_first ? old_files : new_files);
		sim_behaviour(s.mirror[is_first ? 0 : 1])->latency_ms = cases[i].fresh_latency_ms;
		sim_stage_assert_boots(&s, cases[i].image);
		sim_stage_end(&s);
	}
}

/* A mirror that does not answer at all costs the grace, no more. */
static void silent_mirror(void **state)
{
	static const enum sim_hang hangs[] = { SIM_HANG_CONNECT, SIM_HANG_ACCEPT, SIM_HANG_HEAD,
					       SIM_HANG_BODY };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(hangs) / sizeof(hangs[0]); i++) {
		struct sim_stage s;
		uint64_t ms;

		begin(&s, new_files, new_files);
		sim_behaviour(s.mirror[i % 2])->hang = hangs[i / 2];
		ms = run_to_prompt(&s);
		assert_in_range(ms, CB_REFRESH_GRACE_MS, 3000);
		s.boot.account[0] = "ada";
		sim_stage_assert_boots(&s, "demo/2");
		sim_stage_end(&s);
	}
}

/* The newest timestamp's mirror lacks what it names, in turn: the older one counts. */
static void fresh_but_incomplete(void **state)
{
	static const char *const lacks[] = { "snapshot.json", "targets.json", "/manifests/demo/" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(lacks) / sizeof(lacks[0]); i++) {
		unsigned fresh = i % 2, n = 0;
		struct sim_stage s;
		const char *path;

		begin(&s, fresh == 0 ? new_files : old_files, fresh == 0 ? old_files : new_files);
		sim_remove_file(s.mirror[fresh], BUNDLE);
		for (unsigned k = 0; (path = sim_file_path(new_files, k)); k++)
			if (strstr(path, lacks[i / 2]) &&
			    sim_file_bytes(old_files, path).len == 0 &&
			    sim_remove_file(s.mirror[fresh], path))
				n++;
		assert_int_equal(n, 1);
		sim_stage_assert_boots(&s, "demo/1");
		assert_int_equal(s.boot.n_errors, 0);
		sim_stage_end(&s);
	}
}

/* The manifest is nowhere, and no mirror has older metadata. */
static void manifest_nowhere(void **state)
{
	struct sim_stage s;
	const char *path;

	(void)state;
	begin(&s, new_files, new_files);
	for (unsigned k = 0; (path = sim_file_path(new_files, k)); k++)
		if (strstr(path, "/manifests/demo/") && sim_file_bytes(old_files, path).len == 0)
			for (unsigned m = 0; m < 2; m++)
				sim_remove_file(s.mirror[m], path);
	sim_stage_assert_fails(&s, CB_MANIFEST_HASH);
	sim_stage_end(&s);
}

static void all_stale(void **state)
{
	struct sim_stage s;

	(void)state;
	begin(&s, old_files, new_files);
	sim_set_wall_clock(s.sim, /*has_clock=*/true, SIM_REALM_NOW_S + 8 * DAY_S);
	sim_stage_assert_fails(&s, CB_META_EXPIRED);
	sim_stage_end(&s);
}

/* ---- Signed mirrors ---- */

/* "a" is stamped, "b" signed; then the signed one is down, silent, or empty. */
static void signed_mirrors_first(void **state)
{
	static const char *const hosts[] = { "b", NULL };
	struct sim_realm *other = sim_realm_new();

	(void)state;
	sim_realm_set_mirrors(other, hosts, SIM_REALM_NOW_S);
	for (unsigned trouble = 0; trouble < 5; trouble++) {
		struct sim_stage s;

		sim_stage_begin(&s, other, 2);
		sim_realm_serve(other, s.mirror[0]);
		if (trouble != 4)
			sim_realm_serve(other, s.mirror[1]);
		sim_behaviour(s.mirror[1])->refuses = trouble == 1;
		if (trouble == 2 || trouble == 3)
			sim_behaviour(s.mirror[1])->hang =
				trouble == 2 ? SIM_HANG_CONNECT : SIM_HANG_ACCEPT;
		sim_stage_power_on(&s, 1, 1);
		sim_stage_assert_boots(&s, "demo/1");
		if (trouble == 0)
			assert_int_equal(sim_realm_n_chunk_requests(realm, s.mirror[0]), 0);
		else
			assert_int_equal(sim_realm_n_chunk_requests(realm, s.mirror[0]),
					 sim_realm_n_chunks(other));
		sim_stage_end(&s);
	}
	sim_realm_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_round_trip),
		cmocka_unit_test(flipped_bundle),
		cmocka_unit_test(truncated_bundle),
		cmocka_unit_test(bad_bundle_answers),
		cmocka_unit_test(stale_and_fresh),
		cmocka_unit_test(silent_mirror),
		cmocka_unit_test(fresh_but_incomplete),
		cmocka_unit_test(manifest_nowhere),
		cmocka_unit_test(all_stale),
		cmocka_unit_test(signed_mirrors_first),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
