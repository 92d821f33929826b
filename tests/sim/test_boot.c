/* SPDX-License-Identifier: MIT */
/* Whole boots in the simulator, sign-in to hand-over, as a person has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_machines.h"

static struct sim_realm *realm;

static void good_sign_in(void **state)
{
	const struct cb_boot_result *r;
	struct cb_bytes json;
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	sim_stage_assert_boots(&s, NULL);
	r = cb_boot_result(s.boot.boot);
	assert_int_equal(s.boot.n_kdf, 1);
	assert_int_equal(s.boot.n_errors, 0);
	assert_string_equal(r->image, "demo/1");
	assert_string_equal(r->cmdline, SIM_REALM_CMDLINE " chunkboot=" CB_LOADER_VERSION_TEXT);
	sim_stage_assert_bytes(sim_handed_over(r, ".extra/chunkboot/credentials/key.cred"),
			       cb_bytes_of(SIM_REALM_CREDENTIAL));
	assert_int_equal(sim_handed_over(r, ".extra/chunkboot/salt").len, 32);
	json = sim_handed_over(r, ".extra/chunkboot/boot.json");
	assert_non_null(memmem(json.p, json.len, "\"image\":\"demo/1\"", 16));
	assert_null(
		memmem(json.p, json.len, "\"network\":{", 11)); /* streams in memory have none */
	assert_null(memmem(json.p, json.len, SIM_REALM_CREDENTIAL, strlen(SIM_REALM_CREDENTIAL)));
	sim_stage_end(&s);
}

static void wrong_then_right(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.account[0] = "ada";
	s.boot.passphrase[0] = "not this one";
	s.boot.account[1] = "Ada";
	s.boot.passphrase[1] = "  correct horse  battery staple ";
	sim_stage_assert_boots(&s, NULL);
	assert_non_null(strstr(s.boot.shown, "refused: account or passphrase not known here"));
	sim_stage_end(&s);
}

/* What a try that fails shows and asks for: text in shown, requests by number and by path shape. */
static unsigned failed_try(const char *account, const char *passphrase, char shown[4096],
			   char request[256])
{
	unsigned n_requests;
	struct sim_stage s;
	const char *at;

	sim_machines_begin(&s, realm, 1);
	s.no_prefetch = true;
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = account;
	s.boot.passphrase[0] = passphrase;
	/* The person walks away after one try: nothing more happens, which is no hang. */
	assert_false(sim_boot_run(&s.boot, 5 * SIM_STAGE_MINUTE));
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	n_requests = sim_n_requests(s.mirror[0]);
	strcpy(shown, s.boot.shown);
	strncpy(request, sim_last_request(s.mirror[0]), 255);
	request[255] = '\0';
	/* The locator is opaque: any 64 digits look alike. */
	at = strstr(request, "/accounts/");
	assert_non_null(at);
	memset(request + (at - request) + strlen("/accounts/"), 'x', 2 + 1 + 64);
	sim_stage_end(&s);
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
	struct sim_stage s;
	uint64_t start;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	for (unsigned i = 0; i < SIM_BOOT_MAX_TRIES; i++) {
		s.boot.account[i] = "ada";
		s.boot.passphrase[i] = i < SIM_BOOT_MAX_TRIES - 1 ? "no" : SIM_REALM_PASSPHRASE;
	}
	start = sim_now(s.sim);
	sim_stage_assert_boots(&s, NULL);
	/* Seven refusals: 0 0 0 1 2 4 8 seconds, and eight derivations. */
	assert_in_range(sim_now(s.sim) - start, 15000, 25000);
	sim_stage_end(&s);
}

static void kiosk(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, "kim");
	s.boot.account[0] = NULL;
	sim_stage_assert_boots(&s, NULL);
	assert_int_equal(s.boot.n_kdf, 0);
	assert_null(strstr(s.boot.shown, "account"));
	sim_stage_end(&s);
}

static void menu_choice(void **state)
{
	static const struct {
		unsigned key; /* and then Enter */
		bool is_other;
	} cases[] = {
		{ CB_KEY_DOWN, true }, { CB_KEY_UP, true }, /* round the top */
		{ '2', true },	       { '1', false },	    { '3', false }, /* no such line */
		{ '0', false },	       { 'x', false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;

		sim_machines_start(&s, realm, 1, NULL);
		s.boot.account[0] = "bob";
		s.boot.menu_key = cases[i].key;
		sim_stage_assert_boots(&s, cases[i].is_other ? "other/1" : "demo/1");
		assert_string_equal(cb_boot_result(s.boot.boot)->cmdline,
				    cases[i].is_other ? SIM_REALM_CMDLINE
					    " debug=1 chunkboot=" CB_LOADER_VERSION_TEXT :
							SIM_REALM_CMDLINE
					    " chunkboot=" CB_LOADER_VERSION_TEXT);
		sim_stage_end(&s);
	}
}

static void forbidden_suffix(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_machines_begin(&s, realm, 1);
	s.no_prefetch = true;
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = "eve";
	sim_stage_assert_fails(&s, CB_CMDLINE_REFUSED);
	/* Judged before the bulk is fetched. */
	for (unsigned i = 0; i < sim_realm_n_chunks(realm); i++) {
		sim_realm_chunk_path(realm, i, path);
		assert_int_equal(sim_n_requests_for(s.mirror[0], path), 0);
	}
	sim_stage_end(&s);
}

static void no_lease_at_first(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.network_err = CB_NET_NO_LEASE;
	s.boot.goes_on = true;
	sim_stage_assert_boots(&s, NULL);
	assert_int_equal(s.boot.n_network, 2);
	assert_int_equal(s.boot.n_errors, 1);
	sim_stage_end(&s);
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
		struct sim_stage s;

		sim_machines_start(&s, realm, 1, NULL);
		sim_set_wall_clock(s.sim, cases[i].has_clock, 1782864000 + cases[i].s_from_publish);
		if (cases[i].err == CB_OK)
			sim_stage_assert_boots(&s, NULL);
		else
			sim_stage_assert_fails(&s, cases[i].err);
		sim_stage_end(&s);
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
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.account[0] = "pam";
	assert_true(sim_flip(s.mirror[0], manifest_path(s.mirror[0], ".2.cbm"), 70, 1));
	sim_stage_assert_fails(&s, CB_MANIFEST_HASH);
	assert_true(s.boot.offered_previous);
	s.boot.error_key = 'p';
	sim_stage_assert_boots(&s, NULL);
	assert_string_equal(cb_boot_result(s.boot.boot)->image, "twice/1");
	/* The older of the two parameter sets is pam's: tried after the newer one, and not again. */
	assert_int_equal(s.boot.n_kdf, 2);
	sim_stage_end(&s);

	/* The first version has none before it. */
	sim_machines_start(&s, realm, 1, NULL);
	sim_set_free_memory(s.sim, 1u << 20);
	sim_stage_assert_fails(&s, CB_MEMORY_SHORT);
	assert_false(s.boot.offered_previous);
	sim_stage_end(&s);
}

static void failed_start_comes_back(void **state)
{
	uint64_t live_bytes;
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, "kim");
	assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
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
	sim_stage_assert_boots(&s, NULL);
	sim_stage_end(&s);
}

/* What one person chose is not what the next one gets, who has fewer environments. */
static void another_account_after_a_failed_start(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.account[0] = "bob";
	s.boot.menu_key = CB_KEY_DOWN;
	sim_stage_assert_boots(&s, "other/1");
	cb_boot_close_network(s.boot.boot);
	cb_boot_start_failed(s.boot.boot, CB_KERNEL_RETURNED);
	s.boot.account[1] = "ada";
	s.boot.passphrase[1] = SIM_REALM_PASSPHRASE;
	s.boot.error_key = 'r';
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(s.boot.n_errors, 1);
	sim_stage_end(&s);
}

/* The address is lost while nobody needs it: not a word, until a retry asks for a new one. */
static void address_lost_at_the_prompt(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_machines_start(&s, realm, 1, NULL);
	s.boot.account[0] = NULL;
	assert_false(sim_boot_run(&s.boot, SIM_STAGE_MINUTE));
	cb_boot_network(s.boot.boot, CB_NET_NO_LEASE);
	assert_int_equal(sim_stage(s.sim), CB_STAGE_SIGN_IN);
	assert_int_equal(s.boot.n_errors, 0);
	s.boot.account[0] = "ada";
	sim_behaviour(s.mirror[0])->refuses = sim_behaviour(s.mirror[0])->resets_always = true;
	sim_stage_assert_fails(&s, CB_NET_CONNECT);
	assert_int_equal(s.boot.n_network, 1);
	sim_behaviour(s.mirror[0])->refuses = sim_behaviour(s.mirror[0])->resets_always = false;
	s.boot.error_key = 'r';
	sim_stage_assert_boots(&s, "demo/1");
	assert_int_equal(s.boot.n_network, 2);
	sim_stage_end(&s);
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
		struct sim_stage s;

		sim_machines_start(&s, realm, 1, NULL);
		sim_behaviour(s.mirror[0])->refuses = true;
		s.boot.error_key = cases[i].key;
		assert_true(sim_boot_run(&s.boot, 30 * SIM_STAGE_MINUTE));
		assert_int_equal(s.boot.status, cases[i].status);
		sim_stage_end(&s);
	}
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
		cmocka_unit_test(no_lease_at_first),
		cmocka_unit_test(clock_rules),
		cmocka_unit_test(previous_version),
		cmocka_unit_test(failed_start_comes_back),
		cmocka_unit_test(another_account_after_a_failed_start),
		cmocka_unit_test(address_lost_at_the_prompt),
		cmocka_unit_test(error_screen_choices),
	};

	return sim_machines_run(tests, sizeof(tests) / sizeof(tests[0]), &realm);
}
