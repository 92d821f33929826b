/* SPDX-License-Identifier: MIT */
/* Boots in the simulator with a person who presses unusual keys, at the prompts and on the error screen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/line.h"
#include "sim_boot.h"

#define MINUTE 60000ull

static void press_all(struct cb_boot *b, const char *text)
{
	for (; *text; text++)
		cb_boot_key(b, (unsigned char)*text);
	cb_boot_key(b, CB_KEY_ENTER);
}

/* Waits until the machine has asked for the account, with a person who is away. */
static struct sim *reach_prompt(struct sim_boot *boot, struct sim_realm *realm)
{
	static const char *const hosts[] = { "a", NULL };
	const struct sim_realm_loader loader = { .hosts = hosts };
	struct sim *sim = sim_new(7);

	sim_realm_serve(realm, sim_add_server(sim, "a", 80));
	sim_boot_init(boot, sim, realm, &loader);
	boot->account[0] = NULL;
	assert_false(sim_boot_run(boot, MINUTE));
	assert_true(boot->has_prompt);
	assert_int_equal(boot->n_errors, 0);
	return sim;
}

static void leave(struct sim_boot *boot, struct sim *sim)
{
	cb_boot_close_network(boot->boot);
	sim_boot_done(boot);
	assert_int_equal(sim_live_allocations(sim), 0);
	sim_free(sim);
}

static void other_keys_first(void **state)
{
	struct sim_realm *realm = sim_realm_new();
	struct sim_boot boot;
	struct sim *sim = reach_prompt(&boot, realm);
	const unsigned n_kdf = boot.n_kdf;
	unsigned n_prompts;

	(void)state;
	cb_boot_key(boot.boot, CB_KEY_ENTER); /* an empty account: nothing */
	press_all(boot.boot, "no such form");
	assert_non_null(strstr(boot.shown, cb_err_info(CB_ACCOUNT_SYNTAX)->message));
	for (uint8_t i = 0; cb_layout_name(i); i++)
		cb_boot_key(boot.boot, CB_KEY_F2); /* once round */
	n_prompts = sim_n_events(sim, CB_EVENT_PROMPT);
	cb_boot_key(boot.boot, CB_KEY_UP);
	cb_boot_key(boot.boot, CB_KEY_DOWN);
	assert_int_equal(sim_n_events(sim, CB_EVENT_PROMPT), n_prompts);
	press_all(boot.boot, "ada");
	assert_int_equal(boot.prompt, CB_PROMPT_PASSPHRASE);
	cb_boot_key(boot.boot, CB_KEY_ENTER);
	cb_boot_key(boot.boot, CB_KEY_ESCAPE);
	assert_int_equal(boot.prompt, CB_PROMPT_ACCOUNT);
	assert_int_equal(boot.n_kdf, n_kdf);
	boot.account[0] = "ada";
	assert_true(sim_boot_run(&boot, 30 * MINUTE));
	assert_int_equal(boot.status, CB_BOOT_READY);
	leave(&boot, sim);
	sim_realm_free(realm);
}

/* From the fourth refusal on the prompt comes late, and no key brings it sooner. */
static void keys_before_the_prompt(void **state)
{
	enum { N_WRONG = 4 };
	struct sim_realm *realm = sim_realm_new();
	struct sim_boot boot;
	struct sim *sim = reach_prompt(&boot, realm);
	unsigned n_prompts;

	(void)state;
	for (unsigned i = 0; i <= N_WRONG; i++) {
		boot.account[i] = "ada";
		boot.passphrase[i] = i < N_WRONG ? "wrong" : SIM_REALM_PASSPHRASE;
	}
	while (sim_n_events(sim, CB_EVENT_REFUSED) < N_WRONG)
		assert_false(sim_boot_run(&boot, sim_now(sim) + 100));
	assert_false(boot.has_prompt);
	n_prompts = sim_n_events(sim, CB_EVENT_PROMPT);
	press_all(boot.boot, "nobody");
	cb_boot_key(boot.boot, CB_KEY_F2);
	assert_int_equal(sim_n_events(sim, CB_EVENT_PROMPT), n_prompts);
	assert_true(sim_boot_run(&boot, 30 * MINUTE));
	assert_int_equal(boot.status, CB_BOOT_READY);
	assert_int_equal(sim_n_events(sim, CB_EVENT_REFUSED), N_WRONG);
	leave(&boot, sim);
	sim_realm_free(realm);
}

/* ---- The error screen ---- */

/* Of a boot that ends there, because the mirror lacks what is removed. */
static struct sim *reach_error(struct sim_boot *boot, const struct sim_realm *realm,
			       struct sim_realm_loader loader, const char *lacks)
{
	static const char *const hosts[] = { "a", NULL };
	struct sim *sim = sim_new(7);
	struct sim_server *server = sim_add_server(sim, "a", 80);
	unsigned n = 0;
	const char *path;

	sim_realm_serve(realm, server);
	for (unsigned i = 0; (path = sim_file_path(server, i)); i++)
		n += strstr(path, lacks) && sim_remove_file(server, path);
	assert_true(n > 0);
	loader.hosts = hosts;
	sim_boot_init(boot, sim, realm, &loader);
	boot->account[0] = "bob";
	assert_true(sim_boot_run(boot, 30 * MINUTE));
	assert_int_equal(boot->n_errors, 1);
	return sim;
}

/* The account's first image can't be had; E takes its second one, other keys do nothing. */
static void other_environment(void **state)
{
	struct sim_realm *realm = sim_realm_new();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct sim_boot boot;
		struct sim *sim = reach_error(&boot, realm, (struct sim_realm_loader){ 0 },
					      "/manifests/demo/");
		uint64_t wake_ms;

		cb_boot_key(boot.boot, 'x');
		cb_boot_key(boot.boot, 'N'); /* not allowed */
		cb_boot_key(boot.boot, 'P'); /* there is none */
		assert_int_equal(cb_boot_step(boot.boot, &wake_ms), CB_BOOT_IDLE);
		assert_int_equal(sim_stage(sim), CB_STAGE_FAILED);
		boot.error_key = i ? 'E' : 'e';
		assert_true(sim_boot_run(&boot, 60 * MINUTE));
		assert_int_equal(boot.status, CB_BOOT_READY);
		assert_string_equal(cb_boot_result(boot.boot)->image, "other/1");
		assert_int_equal(boot.n_errors, 1);
		leave(&boot, sim);
	}
	sim_realm_free(realm);
}

static void next_option(void **state)
{
	struct sim_realm *realm = sim_realm_new();
	struct sim_boot boot;
	struct sim *sim = reach_error(
		&boot, realm, (struct sim_realm_loader){ .allow_next_option = true }, "/metadata/");

	(void)state;
	boot.error_key = 'n';
	assert_true(sim_boot_run(&boot, 60 * MINUTE));
	assert_int_equal(boot.status, CB_BOOT_NEXT_OPTION);
	leave(&boot, sim);
	sim_realm_free(realm);
}

/* The stamped account is not there any more: nobody is asked, and the account is named. */
static void kiosk_unknown(void **state)
{
	struct sim_realm *realm = sim_realm_new();
	struct sim_boot boot;
	struct sim *sim = reach_error(&boot, realm, (struct sim_realm_loader){ .kiosk = "kim" },
				      "/accounts/");

	(void)state;
	assert_string_equal(boot.shown, "error: LOGIN_UNKNOWN kim\n");
	leave(&boot, sim);
	sim_realm_free(realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_keys_first),  cmocka_unit_test(keys_before_the_prompt),
		cmocka_unit_test(other_environment), cmocka_unit_test(next_option),
		cmocka_unit_test(kiosk_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
