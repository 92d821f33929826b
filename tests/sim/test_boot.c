/* SPDX-License-Identifier: MIT */
/* Whole boots in the simulator, sign-in to hand-over, in good and bad conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bundle.h"
#include "core/newc.h"
#include "sim_boot.h"

#define MINUTE 60000ull
static struct sim_realm *realm;
static unsigned n_workers; /* of every machine of the group that runs */
static uint32_t work_ms;
static bool has_little; /* memory: not enough for the early plan */

static int make_realm(void **state)
{
	(void)state;
	realm = sim_realm_new();
	return 0;
}

static int drop_realm(void **state)
{
	(void)state;
	sim_realm_free(realm);
	return 0;
}

/* One machine with up to two mirrors, "a" and "b". */
struct stage {
	struct sim *sim;
	struct sim_server *a, *b;
	struct sim_boot boot;
};

static void begin_with(struct stage *s, unsigned n_mirrors, struct sim_realm_loader loader)
{
	static const char *const one[] = { "a", NULL };
	static const char *const two[] = { "a", "b", NULL };

	memset(s, 0, sizeof(*s));
	s->sim = sim_new(7);
	sim_set_workers(s->sim, n_workers, work_ms);
	if (has_little)
		sim_set_free_memory(s->sim, sim_realm_ram_need(realm) + (60u << 20));
	s->a = sim_add_server(s->sim, "a", 80);
	sim_realm_serve(realm, s->a);
	if (n_mirrors > 1) {
		s->b = sim_add_server(s->sim, "b", 80);
		sim_realm_serve(realm, s->b);
	}
	loader.hosts = n_mirrors > 1 ? two : one;
	sim_boot_init(&s->boot, s->sim, realm, &loader);
}

static void begin(struct stage *s, unsigned n_mirrors, const char *kiosk)
{
	begin_with(s, n_mirrors, (struct sim_realm_loader){ .kiosk = kiosk });
}

/* Nothing may stay behind: memory, connections. */
static void end(struct stage *s)
{
	cb_boot_close_network(s->boot.boot);
	sim_boot_done(&s->boot);
	assert_int_equal(sim_open_streams(s->sim), 0);
	assert_int_equal(sim_live_allocations(s->sim), 0);
	sim_free(s->sim);
}

static void assert_bytes(struct cb_bytes got, struct cb_bytes want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
}

static void assert_booted(struct stage *s)
{
	const struct cb_boot_result *r;
	uint64_t n_allocs;
	uint8_t *initrd;

	assert_true(sim_boot_run(&s->boot, 30 * MINUTE));
	assert_int_equal(s->boot.status, CB_BOOT_READY);
	r = cb_boot_result(s->boot.boot);
	assert_bytes(r->kernel, sim_realm_kernel(realm));
	/* What the kernel gets when it asks, in a buffer of its own of just that length. */
	initrd = malloc(r->initrd_len);
	n_allocs = sim_n_allocations(s->sim);
	assert_int_equal(cb_boot_serve_initrd(s->boot.boot, initrd), CB_OK);
	assert_int_equal(sim_n_allocations(s->sim), n_allocs);
	assert_bytes((struct cb_bytes){ initrd, r->initrd_len }, sim_realm_initrd(realm));
	free(initrd);
}

static void assert_error(struct stage *s, enum cb_err err)
{
	assert_true(sim_boot_run(&s->boot, 30 * MINUTE));
	assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
	assert_int_equal(s->boot.n_errors, 1);
	assert_string_equal(cb_err_info(sim_last_err(s->sim, CB_EVENT_ERROR))->name,
			    cb_err_info(err)->name);
}

static void good_sign_in(void **state)
{
	const struct cb_boot_result *r;
	struct cb_bytes json;
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	assert_booted(&s);
	r = cb_boot_result(s.boot.boot);
	assert_int_equal(s.boot.n_kdf, 1);
	assert_int_equal(s.boot.n_errors, 0);
	assert_string_equal(r->image, "demo/1");
	assert_string_equal(r->cmdline, SIM_REALM_CMDLINE " chunkboot=" CB_LOADER_VERSION_TEXT);
	assert_bytes(sim_handed_over(r, ".extra/chunkboot/credentials/key.cred"),
		     cb_bytes_of(SIM_REALM_CREDENTIAL));
	assert_int_equal(sim_handed_over(r, ".extra/chunkboot/salt").len, 32);
	json = sim_handed_over(r, ".extra/chunkboot/boot.json");
	assert_non_null(memmem(json.p, json.len, "\"image\":\"demo/1\"", 16));
	assert_null(
		memmem(json.p, json.len, "\"network\":{", 11)); /* streams in memory have none */
	assert_null(memmem(json.p, json.len, SIM_REALM_CREDENTIAL, strlen(SIM_REALM_CREDENTIAL)));
	end(&s);
}

static void wrong_then_right(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.account[0] = "ada";
	s.boot.passphrase[0] = "not this one";
	s.boot.account[1] = "Ada";
	s.boot.passphrase[1] = "  correct horse  battery staple ";
	assert_booted(&s);
	assert_non_null(strstr(s.boot.shown, "refused: account or passphrase not known here"));
	end(&s);
}

/* What a try that fails shows and asks for: text in shown, requests by number and by path shape. */
static unsigned failed_try(const char *account, const char *passphrase, char shown[4096],
			   char request[256])
{
	unsigned n_requests;
	struct stage s;
	const char *at;

	begin_with(&s, 1, (struct sim_realm_loader){ .no_prefetch = true });
	s.boot.account[0] = account;
	s.boot.passphrase[0] = passphrase;
	/* The person walks away after one try: nothing more happens, which is no hang. */
	assert_false(sim_boot_run(&s.boot, 5 * MINUTE));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	n_requests = sim_n_requests(s.a);
	strcpy(shown, s.boot.shown);
	strncpy(request, sim_last_request(s.a), 255);
	request[255] = '\0';
	/* The locator is opaque: any 64 digits look alike. */
	at = strstr(request, "/accounts/");
	assert_non_null(at);
	memset(request + (at - request) + strlen("/accounts/"), 'x', 2 + 1 + 64);
	end(&s);
	return n_requests;
}

static void unknown_and_wrong_look_alike(void **state)
{
	char shown[2][4096], request[2][256];
	unsigned n[2];

	(void)state;
	n[0] = failed_try("ada", "wrong passphrase", shown[0], request[0]);
	n[1] = failed_try("nobody", SIM_REALM_PASSPHRASE, shown[1], request[1]);
	assert_int_equal(n[0], n[1]);
	assert_string_equal(shown[0], shown[1]);
	assert_string_equal(request[0], request[1]);
	assert_non_null(strstr(shown[0], "refused"));
}

/* Ten wrong tries in a row: each is answered, the courtesy back-off only delays. */
static void many_wrong_tries(void **state)
{
	struct stage s;
	uint64_t start;

	(void)state;
	begin(&s, 1, NULL);
	for (unsigned i = 0; i < SIM_BOOT_MAX_TRIES; i++) {
		s.boot.account[i] = "ada";
		s.boot.passphrase[i] = i < SIM_BOOT_MAX_TRIES - 1 ? "no" : SIM_REALM_PASSPHRASE;
	}
	start = sim_now(s.sim);
	assert_booted(&s);
	/* Seven refusals: 0 0 0 1 2 4 8 seconds, and eight derivations. */
	assert_in_range(sim_now(s.sim) - start, 15000, 25000);
	end(&s);
}

static void kiosk(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, "kim");
	s.boot.account[0] = NULL;
	assert_booted(&s);
	assert_int_equal(s.boot.n_kdf, 0);
	assert_null(strstr(s.boot.shown, "account"));
	end(&s);
}

static void menu_choice(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.account[0] = "bob";
	s.boot.menu_key = CB_KEY_DOWN;
	assert_booted(&s);
	assert_string_equal(cb_boot_result(s.boot.boot)->image, "other/1");
	assert_string_equal(cb_boot_result(s.boot.boot)->cmdline,
			    SIM_REALM_CMDLINE " debug=1 chunkboot=" CB_LOADER_VERSION_TEXT);
	end(&s);
}

static void forbidden_suffix(void **state)
{
	struct stage s;
	char path[256];

	(void)state;
	begin(&s, 1, NULL);
	s.boot.account[0] = "eve";
	assert_error(&s, CB_CMDLINE_REFUSED);
	/* Judged before the bulk is fetched. */
	sim_realm_chunk_path(realm, sim_realm_n_chunks(realm) - 1, path);
	end(&s);
}

static void flipped_chunk_only_mirror(void **state)
{
	struct stage s;
	char path[256];

	(void)state;
	begin(&s, 1, NULL);
	sim_realm_chunk_path(realm, 2, path);
	assert_true(sim_flip(s.a, path, 40, 3));
	assert_error(&s, CB_CHUNK_HASH);
	assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), ".cacnk"));
	/* Mended: the person presses R and it boots, without signing in again. */
	assert_true(sim_flip(s.a, path, 40, 3));
	s.boot.error_key = 'r';
	assert_booted(&s);
	assert_int_equal(s.boot.n_kdf, 1);
	end(&s);
}

static void flipped_chunk_second_mirror(void **state)
{
	struct stage s;
	char path[256];

	(void)state;
	begin(&s, 2, NULL);
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		assert_true(sim_flip(s.a, path, 40 + i, i % 8));
	}
	assert_booted(&s);
	assert_int_equal(s.boot.n_errors, 0);
	end(&s);
}

/* One bit of a metadata file, at many places: never accepted, always a 2xx code. */
static void flipped_metadata(void **state)
{
	(void)state;
	for (size_t at = 0; at < 400; at += 3) {
		struct stage s;
		enum cb_err err;

		begin(&s, 1, NULL);
		assert_true(sim_remove_file(s.a, SIM_REALM_BASE CB_BUNDLE_PATH));
		assert_true(sim_flip(s.a, SIM_REALM_BASE "metadata/timestamp.json", at, at % 8));
		assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
		err = sim_last_err(s.sim, CB_EVENT_ERROR);
		assert_int_equal(cb_err_info(err)->code / 100, 2);
		end(&s);
	}
}

/* Every file of the repository in turn, on the only mirror: the right family of codes, or a boot
 * when the file plays no part in it; with a second good mirror always a boot. */
static unsigned flip_every_file(bool has_bundle)
{
	unsigned n_refused = 0;

	for (unsigned i = 0;; i++) {
		struct stage s;
		const char *path;

		begin(&s, 1, NULL);
		path = sim_file_path(s.a, i);
		if (!path) {
			end(&s);
			return n_refused;
		}
		assert_true(sim_flip(s.a, path, 20 + 7 * i, i % 8));
		if (!has_bundle)
			(void)sim_remove_file(s.a, SIM_REALM_BASE CB_BUNDLE_PATH);
		assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
		if (s.boot.status == CB_BOOT_READY) {
			assert_bytes(cb_boot_result(s.boot.boot)->kernel, sim_realm_kernel(realm));
		} else {
			unsigned code = cb_err_info(sim_last_err(s.sim, CB_EVENT_ERROR))->code;
			assert_in_range(code / 100, 2, 4);
			n_refused++;
		}
		end(&s);

		begin(&s, 2, NULL);
		assert_true(sim_flip(s.a, sim_file_path(s.a, i), 20 + 7 * i, i % 8));
		assert_booted(&s);
		end(&s);
	}
}

static void every_file_flipped(void **state)
{
	(void)state;
	/* ada's record, manifest, each chunk; timestamp, snapshot, targets, accounts are twofold */
	assert_int_equal(flip_every_file(/*has_bundle=*/true), 2 + sim_realm_n_chunks(realm));
	assert_int_equal(flip_every_file(/*has_bundle=*/false), 6 + sim_realm_n_chunks(realm));
}

/* The same with each file taken away. */
static unsigned remove_every_file(bool has_bundle)
{
	unsigned n_refused = 0;

	for (unsigned i = 0;; i++) {
		struct stage s;
		char path[256];

		begin(&s, 1, NULL);
		if (!sim_file_path(s.a, i)) {
			end(&s);
			return n_refused;
		}
		strcpy(path, sim_file_path(s.a, i));
		assert_true(sim_remove_file(s.a, path));
		if (!has_bundle)
			(void)sim_remove_file(s.a, SIM_REALM_BASE CB_BUNDLE_PATH);
		/* Without its record an account is unknown, and the prompt comes again. */
		if (!sim_boot_run(&s.boot, 30 * MINUTE)) {
			assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
			n_refused++;
		} else if (s.boot.status != CB_BOOT_READY) {
			n_refused++;
		}
		end(&s);

		begin(&s, 2, NULL);
		assert_true(sim_remove_file(s.a, path));
		assert_booted(&s);
		end(&s);
	}
}

static void every_file_missing(void **state)
{
	(void)state;
	assert_int_equal(remove_every_file(/*has_bundle=*/true), 2 + sim_realm_n_chunks(realm));
	assert_int_equal(remove_every_file(/*has_bundle=*/false), 6 + sim_realm_n_chunks(realm));
}

static void server_absent_then_there(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	sim_behaviour(s.a)->refuses = true;
	assert_error(&s, CB_NET_CONNECT);
	/* Nobody presses a key: the error screen of network trouble retries by itself. */
	sim_behaviour(s.a)->refuses = false;
	s.boot.goes_on = true;
	assert_booted(&s);
	end(&s);
}

static void silent_server(void **state)
{
	struct stage s;
	uint64_t start;

	(void)state;
	begin(&s, 1, NULL);
	sim_behaviour(s.a)->hang = SIM_HANG_ACCEPT;
	start = sim_now(s.sim);
	assert_error(&s, CB_NET_TIMEOUT);
	assert_in_range(sim_now(s.sim) - start, 100000, 150000);
	end(&s);
}

/* A file comes with a flipped bit once, and then the server is gone: that is network trouble, and
 * its screen goes on by itself when the server is back. */
static void wrong_once_then_gone(void **state)
{
	char path[3][256] = { SIM_REALM_BASE "metadata/timestamp.json" };

	(void)state;
	sim_realm_record_path(realm, "ada", path[1]);
	sim_realm_chunk_path(realm, 0, path[2]);
	for (unsigned i = 0; i < 3; i++) {
		struct stage s;

		begin(&s, 1, NULL);
		sim_behaviour(s.a)->latency_ms = 50;
		assert_true(sim_flip(s.a, path[i], 20, 3));
		while (sim_n_requests_for(s.a, path[i]) == 0)
			assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 1));
		sim_behaviour(s.a)->refuses = sim_behaviour(s.a)->resets_always = true;
		assert_error(&s, CB_NET_CONNECT);
		sim_behaviour(s.a)->refuses = sim_behaviour(s.a)->resets_always = false;
		assert_true(sim_flip(s.a, path[i], 20, 3));
		s.boot.goes_on = true;
		assert_booted(&s);
		assert_int_equal(s.boot.n_kdf, 1);
		end(&s);
	}
}

/* "Is there a newer root?": what one mirror says to that must not keep the other's answer away. */
static void bad_mirror_at_the_root(void **state)
{
	static const struct sim_behaviour bad[] = {
		{ .status = 500 },	{ .status = 503, .retry_after_s = 60 },
		{ .is_portal = true },	{ .is_portal_redirect = true },
		{ .is_endless = true }, { .is_garbage = true },
		{ .drip_ms = 1000 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned is_first = 0; is_first < 2; is_first++) {
			struct stage s;

			begin(&s, 2, NULL);
			*sim_behaviour(is_first ? s.a : s.b) = bad[i];
			assert_booted(&s);
			assert_int_equal(s.boot.n_errors, 0);
			end(&s);
		}
}

/* The two minutes of silence are counted once, not for each mirror's timestamp. */
static void silent_after_the_timestamp(void **state)
{
	struct stage s;
	uint64_t start;

	(void)state;
	begin(&s, 2, NULL);
	sim_behaviour(s.a)->hang = sim_behaviour(s.b)->hang = SIM_HANG_ACCEPT;
	sim_behaviour(s.a)->hang_after = sim_behaviour(s.b)->hang_after = 2;
	start = sim_now(s.sim);
	assert_error(&s, CB_NET_TIMEOUT);
	assert_in_range(sim_now(s.sim) - start, 100000, 150000);
	end(&s);
}

static void server_stops_in_mid_transfer(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	sim_behaviour(s.a)->reset_first = 9;
	assert_booted(&s);
	end(&s);
}

static void no_lease_at_first(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.network_err = CB_NET_NO_LEASE;
	s.boot.goes_on = true;
	assert_booted(&s);
	assert_int_equal(s.boot.n_network, 2);
	assert_int_equal(s.boot.n_errors, 1);
	end(&s);
}

static void clock_rules(void **state)
{
	static const struct {
		bool has_clock;
		int64_t s_from_publish;
		enum cb_err err;
	} cases[] = {
		{ true, 0, CB_OK },
		{ true, 6 * 86400, CB_OK },
		{ true, 8 * 86400, CB_META_EXPIRED },
		{ true, 400 * 86400, CB_META_EXPIRED },
		{ true, -400 * 86400, CB_OK }, /* behind the floor: the floor counts */
		{ false, 0, CB_OK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stage s;

		begin(&s, 1, NULL);
		sim_set_wall_clock(s.sim, cases[i].has_clock, 1782864000 + cases[i].s_from_publish);
		if (cases[i].err == CB_OK)
			assert_booted(&s);
		else
			assert_error(&s, cases[i].err);
		end(&s);
	}
}

/* The served path of the manifest of "twice" with this ending. */
static const char *manifest_path(const struct sim_server *server, const char *ending)
{
	for (unsigned i = 0;; i++) {
		const char *path = sim_file_path(server, i);

		assert_non_null(path);
		if (strstr(path, "/manifests/") && strlen(path) > strlen(ending) &&
		    strcmp(path + strlen(path) - strlen(ending), ending) == 0 &&
		    strstr(path, "/twice/"))
			return path;
	}
}

static void previous_version(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.account[0] = "pam";
	assert_true(sim_flip(s.a, manifest_path(s.a, ".2.cbm"), 70, 1));
	assert_error(&s, CB_MANIFEST_HASH);
	assert_true(s.boot.offered_previous);
	s.boot.error_key = 'p';
	assert_booted(&s);
	assert_string_equal(cb_boot_result(s.boot.boot)->image, "twice/1");
	/* The older of the two parameter sets is pam's: tried after the newer one, and not again. */
	assert_int_equal(s.boot.n_kdf, 2);
	end(&s);

	/* The first version has none before it. */
	begin(&s, 1, NULL);
	sim_set_free_memory(s.sim, 1u << 20);
	assert_error(&s, CB_MEMORY_SHORT);
	assert_false(s.boot.offered_previous);
	end(&s);
}

static void too_little_memory(void **state)
{
	struct stage s;
	char path[256];

	(void)state;
	begin(&s, 1, NULL);
	sim_set_free_memory(s.sim, 1u << 20);
	assert_error(&s, CB_MEMORY_SHORT);
	assert_int_equal(s.boot.free_bytes, 1u << 20);
	assert_true(s.boot.need_bytes > s.boot.free_bytes);
	/* Said before anything of the bulk is fetched. */
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		assert_int_equal(sim_n_requests_for(s.a, path), 0);
	}
	end(&s);
}

/* Least memory: exactly what the manifest says is enough, and one byte less is not. */
static void memory_edge(void **state)
{
	uint64_t need = sim_realm_ram_need(realm);

	(void)state;
	for (unsigned less = 0; less < 2; less++) {
		struct stage s;

		begin_with(&s, 1, (struct sim_realm_loader){ .kiosk = "kim", .no_prefetch = true });
		sim_set_free_memory(s.sim, need - less);
		if (less) {
			assert_error(&s, CB_MEMORY_SHORT);
			assert_int_equal(s.boot.need_bytes, need);
			assert_int_equal(s.boot.free_bytes, need - 1);
		} else {
			assert_booted(&s);
			/* The loader itself stays within it; the kernel's initrd is on top. */
			assert_true(sim_peak_bytes(s.sim) + sim_realm_initrd(realm).len < need);
		}
		end(&s);
	}
}

/* Signed, and yet it does not decompress: said with the chunk's name, now or when it is served. */
static void torn_initrd(void **state)
{
	uint64_t n_requests;
	uint8_t *initrd;
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.account[0] = "tom";
	assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
	if (s.boot.status == CB_BOOT_READY) {
		const struct cb_boot_result *r = cb_boot_result(s.boot.boot);

		initrd = malloc(r->initrd_len);
		n_requests = sim_n_requests(s.a);
		cb_boot_close_network(s.boot.boot);
		assert_int_equal(cb_boot_serve_initrd(s.boot.boot, initrd), CB_CHUNK_DECODE);
		assert_int_equal(sim_n_requests(s.a), n_requests);
		free(initrd);
		cb_boot_start_failed(s.boot.boot, CB_KERNEL_RETURNED);
	} else {
		assert_false(has_little);
	}
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_CHUNK_DECODE);
	assert_non_null(strstr(sim_last_subject(s.sim, CB_EVENT_ERROR), ".cacnk"));
	end(&s);
}

static void no_entropy(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	sim_fail_random(s.sim, true);
	assert_error(&s, CB_ENTROPY);
	end(&s);
}

static void failed_start_comes_back(void **state)
{
	uint64_t live_bytes;
	struct stage s;

	(void)state;
	begin(&s, 1, "kim");
	assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
	/* As the driver does; the kernel never asks for its initrd. */
	cb_boot_free_kernel(s.boot.boot);
	cb_boot_close_network(s.boot.boot);
	assert_int_equal(sim_open_streams(s.sim), 0);
	live_bytes = sim_live_bytes(s.sim);
	cb_boot_start_failed(s.boot.boot, CB_KERNEL_RETURNED);
	/* Nothing of the image stays, whichever way it was kept: deferred it is the least. */
	assert_true(live_bytes - sim_live_bytes(s.sim) > sim_realm_ram_need(realm) -
			    CB_RAM_WORKING - sim_realm_kernel(realm).len -
			    sim_realm_initrd(realm).len);
	assert_int_equal(sim_last_err(s.sim, CB_EVENT_ERROR), CB_KERNEL_RETURNED);
	s.boot.error_key = 'r';
	assert_booted(&s);
	end(&s);
}

static void error_screen_choices(void **state)
{
	static const struct {
		unsigned key;
		enum cb_boot_status status;
	} cases[] = { { 'b', CB_BOOT_REBOOT },
		      { 'B', CB_BOOT_REBOOT },
		      { 'f', CB_BOOT_FIRMWARE_SETUP } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stage s;

		begin(&s, 1, NULL);
		sim_behaviour(s.a)->refuses = true;
		s.boot.error_key = cases[i].key;
		assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
		assert_int_equal(s.boot.status, cases[i].status);
		end(&s);
	}
}

/* Requests for chunks of image demo so far. */
static unsigned n_chunk_requests(const struct sim_server *server)
{
	unsigned n = 0;
	char path[256];

	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		n += sim_n_requests_for(server, path);
	}
	return n;
}

static void prefetch_while_typing(void **state)
{
	struct stage s;
	uint64_t start;

	(void)state;
	begin(&s, 1, NULL);
	sim_behaviour(s.a)->latency_ms = 200;
	start = sim_now(s.sim);
	s.boot.types_after_ms = start + 20000;
	s.boot.account[0] = NULL;
	/* The image in the deferred plan, and the derivation's memory: just enough. */
	if (has_little)
		sim_set_free_memory(s.sim, sim_realm_ram_need(realm) + (CB_KDF_MIN_KIB << 10));
	assert_false(sim_boot_run(&s.boot, start + 20000));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	assert_int_equal(n_chunk_requests(s.a), sim_realm_n_chunks(realm));
	/* Signed in: every byte is here already, each was asked for once. */
	s.boot.account[0] = "ada";
	assert_booted(&s);
	assert_int_equal(n_chunk_requests(s.a), sim_realm_n_chunks(realm));
	end(&s);
}

static void prefetch_is_a_policy(void **state)
{
	struct stage s;

	(void)state;
	begin_with(&s, 1, (struct sim_realm_loader){ .no_prefetch = true });
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, sim_now(s.sim) + 20000));
	assert_int_equal(n_chunk_requests(s.a), 0);
	s.boot.account[0] = "ada";
	assert_booted(&s);
	end(&s);
}

/* Another environment than the default is chosen: what came in for nothing does no harm. */
static void prefetch_of_another_image(void **state)
{
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	s.boot.types_after_ms = sim_now(s.sim) + 5000;
	s.boot.account[0] = "bob";
	s.boot.menu_key = CB_KEY_DOWN;
	assert_booted(&s);
	assert_string_equal(cb_boot_result(s.boot.boot)->image, "other/1");
	end(&s);
}

/* It fails without a word; the sign-in goes on, and the boot's own fetch tells. */
static void failed_prefetch(void **state)
{
	struct stage s;
	char path[256];

	(void)state;
	begin(&s, 1, NULL);
	sim_realm_chunk_path(realm, 1, path);
	assert_true(sim_flip(s.a, path, 9, 1));
	s.boot.types_after_ms = sim_now(s.sim) + 60000;
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, s.boot.types_after_ms));
	assert_int_equal(s.boot.n_errors, 0);
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	s.boot.account[0] = "ada";
	assert_error(&s, CB_CHUNK_HASH);
	end(&s);
}

/* The error that says so: that of the derivation's arena says how much there must be. */
static void assert_out_of_memory(const struct stage *s)
{
	enum cb_err err = sim_last_err(s->sim, CB_EVENT_ERROR);

	assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
	if (err != CB_NO_MEMORY && err != CB_MEMORY_SHORT)
		fail_msg("%s", s->boot.shown);
	assert_int_equal(s->boot.n_errors, 1);
}

/* Any allocation may fail: an error or a boot, never a hang, never a leak. */
static void allocation_failures(void **state)
{
	uint64_t n_total;
	struct stage s;

	(void)state;
	begin(&s, 1, NULL);
	n_total = sim_n_allocations(s.sim);
	assert_booted(&s);
	n_total = sim_n_allocations(s.sim) - n_total;
	end(&s);
	for (uint64_t n = 1; n <= n_total; n++) {
		begin(&s, 1, NULL);
		sim_fail_alloc(s.sim, n, /*is_forever=*/false);
		assert_true(sim_boot_run(&s.boot, 30 * MINUTE));
		if (s.boot.status != CB_BOOT_READY)
			assert_out_of_memory(&s);
		/* Good conditions again: the next try boots. */
		sim_fail_alloc(s.sim, 0, false);
		s.boot.error_key = 'r';
		s.boot.account[1] = "ada";
		s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
		assert_booted(&s);
		end(&s);
	}
}

static void damaged_configuration(void **state)
{
	static const char *const hosts[] = { "a", NULL };
	struct sim *sim = sim_new(1);
	struct cb_boot *boot = NULL;
	uint8_t config[SIM_REALM_CONFIG_MAX];
	size_t len = sim_realm_config(realm, &(struct sim_realm_loader){ .hosts = hosts }, config);

	(void)state;
	for (size_t at = 0; at < len; at += 5) {
		config[at] ^= 0x10;
		assert_int_equal(cb_boot_new(
					 &(struct cb_boot_params){
						 .platform = sim_platform(sim),
						 .config_section = { config, len },
						 .kdf = sim_realm_kdf,
						 .arch = CB_ARCH_X86_64,
					 },
					 &boot),
				 CB_CONFIG);
		config[at] ^= 0x10;
	}
	assert_int_equal(sim_live_allocations(sim), 0);
	sim_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_sign_in),
		cmocka_unit_test(wrong_then_right),
		cmocka_unit_test(unknown_and_wrong_look_alike),
		cmocka_unit_test(many_wrong_tries),
		cmocka_unit_test(kiosk),
		cmocka_unit_test(menu_choice),
		cmocka_unit_test(forbidden_suffix),
		cmocka_unit_test(flipped_chunk_only_mirror),
		cmocka_unit_test(flipped_chunk_second_mirror),
		cmocka_unit_test(flipped_metadata),
		cmocka_unit_test(every_file_flipped),
		cmocka_unit_test(every_file_missing),
		cmocka_unit_test(server_absent_then_there),
		cmocka_unit_test(silent_server),
		cmocka_unit_test(wrong_once_then_gone),
		cmocka_unit_test(bad_mirror_at_the_root),
		cmocka_unit_test(silent_after_the_timestamp),
		cmocka_unit_test(server_stops_in_mid_transfer),
		cmocka_unit_test(no_lease_at_first),
		cmocka_unit_test(clock_rules),
		cmocka_unit_test(previous_version),
		cmocka_unit_test(too_little_memory),
		cmocka_unit_test(memory_edge),
		cmocka_unit_test(torn_initrd),
		cmocka_unit_test(no_entropy),
		cmocka_unit_test(failed_start_comes_back),
		cmocka_unit_test(error_screen_choices),
		cmocka_unit_test(prefetch_while_typing),
		cmocka_unit_test(prefetch_is_a_policy),
		cmocka_unit_test(prefetch_of_another_image),
		cmocka_unit_test(failed_prefetch),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(damaged_configuration),
	};

	int n_failed = cmocka_run_group_tests_name("alone", tests, make_realm, drop_realm);

	n_workers = 1;
	work_ms = 4;
	n_failed += cmocka_run_group_tests_name("one worker", tests, make_realm, drop_realm);
	n_workers = 4;
	work_ms = 300;
	n_failed += cmocka_run_group_tests_name("slow workers", tests, make_realm, drop_realm);
	has_little = true;
	n_failed += cmocka_run_group_tests_name("little memory", tests, make_realm, drop_realm);
	n_workers = 0;
	n_failed +=
		cmocka_run_group_tests_name("little memory, alone", tests, make_realm, drop_realm);
	return n_failed;
}
