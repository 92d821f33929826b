/* SPDX-License-Identifier: MIT */
/* Boots in the simulator with a person who presses other keys than the right ones at the prompts. */
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

static void other_keys_first(void **state)
{
	struct sim_realm *realm = sim_realm_new();
	struct sim_boot boot;
	struct sim *sim = reach_prompt(&boot, realm);
	const unsigned n_kdf = boot.n_kdf;

	(void)state;
	cb_boot_key(boot.boot, CB_KEY_ENTER); /* an empty account: nothing */
	press_all(boot.boot, "no such form");
	assert_non_null(strstr(boot.shown, cb_err_info(CB_ACCOUNT_SYNTAX)->message));
	for (uint8_t i = 0; cb_layout_name(i); i++)
		cb_boot_key(boot.boot, CB_KEY_F2); /* once round */
	press_all(boot.boot, "ada");
	assert_int_equal(boot.prompt, CB_PROMPT_PASSPHRASE);
	cb_boot_key(boot.boot, CB_KEY_ENTER);
	cb_boot_key(boot.boot, CB_KEY_ESCAPE);
	assert_int_equal(boot.prompt, CB_PROMPT_ACCOUNT);
	assert_int_equal(boot.n_kdf, n_kdf);
	boot.account[0] = "ada";
	assert_true(sim_boot_run(&boot, 30 * MINUTE));
	assert_int_equal(boot.status, CB_BOOT_READY);
	cb_boot_close_network(boot.boot);
	sim_boot_done(&boot);
	assert_int_equal(sim_live_allocations(sim), 0);
	sim_free(sim);
	sim_realm_free(realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_keys_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
