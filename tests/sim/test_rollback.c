/* SPDX-License-Identifier: MIT */
/* Rollback state over several boots of one machine: what it refuses, what it survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/state.h"
#include "sim_stage.h"

#define DAY_S 86400

/* One realm in the order of its life; each server has the repository as it was then. */
enum { FIRST, LATER, EPOCH_2, ROOT_2, ROTATED, N_TIMES };
static struct sim_realm *realm;
static struct sim *store;
static struct sim_server *files[N_TIMES];

static void keep(unsigned when)
{
	files[when] = sim_add_server(store, "at-some-time", (uint16_t)(80 + when));
	sim_realm_serve(realm, files[when]);
}

static int set_up(void **state)
{
	(void)state;
	realm = sim_realm_new();
	store = sim_new(0);
	keep(FIRST);
	sim_realm_refresh(realm, SIM_REALM_NOW_S + 3600);
	keep(LATER);
	sim_realm_set_epoch(realm, 2);
	keep(EPOCH_2);
	sim_realm_add_root(realm, /*has_new_keys=*/false, SIM_REALM_NOW_S + 7200);
	keep(ROOT_2);
	sim_realm_add_root(realm, /*has_new_keys=*/true, SIM_REALM_NOW_S + 7300);
	keep(ROTATED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_free(store);
	sim_realm_free(realm);
	return 0;
}

/* The mirror's files are those of that time, and no others. */
static void serve(struct sim_stage *s, unsigned when)
{
	const char *path;

	for (unsigned i = 0; (path = sim_file_path(s->mirror[0], i)); i++)
		(void)sim_remove_file(s->mirror[0], path);
	sim_copy_files(s->mirror[0], files[when]);
}

/* Switches on and wants a boot (CB_OK) or this error. */
static void boot_with(struct sim_stage *s, unsigned when, unsigned root_version, enum cb_err err)
{
	serve(s, when);
	sim_stage_power_on(s, 1, root_version);
	if (err == CB_OK)
		sim_stage_assert_boots(s, NULL);
	else
		sim_stage_assert_fails(s, err);
}

/* The newest state that the variables hold; seq 0: none. */
static uint64_t stored(struct sim_stage *s, struct cb_state *ret)
{
	const struct cb_config *config = cb_boot_config(s->boot.boot);
	struct cb_state_store st;

	cb_state_load(&st, &sim_platform(s->sim)->vars, config->realm_id);
	if (ret)
		*ret = st.known;
	return st.seq[0] > st.seq[1] ? st.seq[0] : st.seq[1];
}

static void put_state(struct sim_stage *s, unsigned slot, const struct cb_state *state,
		      uint64_t seq)
{
	uint8_t value[CB_STATE_LEN];

	cb_state_write(state, seq, cb_boot_config(s->boot.boot)->realm_id, value);
	sim_set_var(s->sim, cb_state_slot_name(slot), value, sizeof(value));
}

/* ---- Good days ---- */

static void written_when_changed(void **state)
{
	struct sim_stage s;
	struct cb_state seen;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, FIRST, 1, CB_OK);
	assert_int_equal(sim_n_var_writes(s.sim), 1);
	assert_int_equal(stored(&s, &seen), 1);
	assert_int_equal(seen.floor.version[CB_TUF_ROOT], 1);
	assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], 2);
	assert_true(seen.floor.time_s == SIM_REALM_NOW_S);
	assert_int_equal(seen.accounts[0].epoch, 1);
	assert_int_equal(seen.accounts[1].epoch, 0);
	for (unsigned i = 0; i < 3; i++)
		boot_with(&s, FIRST, 1, CB_OK);
	assert_int_equal(sim_n_var_writes(s.sim), 1);
	boot_with(&s, LATER, 1, CB_OK);
	assert_int_equal(sim_n_var_writes(s.sim), 2);
	assert_int_equal(stored(&s, &seen), 2);
	assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], 3);
	assert_true(seen.floor.time_s == SIM_REALM_NOW_S + 3600);
	assert_int_equal(sim_n_events(s.sim, CB_EVENT_NOTICE), 0);
	sim_stage_end(&s);
}

/* A boot that did not get to the end leaves no trace, whatever it has seen of newer metadata. */
static void failed_boots_are_not_stored(void **state)
{
	char path[256];
	struct sim_stage s;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, FIRST, 1, CB_OK);
	serve(&s, LATER);
	sim_realm_chunk_path(realm, 1, path);
	assert_true(sim_flip(s.mirror[0], path, 5, 1));
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_CHUNK_HASH);
	assert_int_equal(sim_n_var_writes(s.sim), 1);
	boot_with(&s, FIRST, 1, CB_OK);
	sim_stage_end(&s);
}

/* ---- Bad days ---- */

static void rollback_refused(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, LATER, 1, CB_OK);
	boot_with(&s, FIRST, 1, CB_META_ROLLBACK);
	assert_int_equal(sim_n_var_writes(s.sim), 1);
	/* the right files again: it goes on where it was */
	boot_with(&s, LATER, 1, CB_OK);
	assert_int_equal(sim_n_var_writes(s.sim), 1);
	sim_stage_end(&s);
}

static void root_rollback_refused(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, ROOT_2, 1, CB_OK);
	boot_with(&s, EPOCH_2, 1, CB_META_ROLLBACK);
	boot_with(&s, ROOT_2, 1, CB_OK);
	/* a loader that was stamped with a newer root than is stored, and with an older one */
	boot_with(&s, ROTATED, 3, CB_OK);
	boot_with(&s, ROTATED, 2, CB_OK);
	boot_with(&s, ROTATED, 1, CB_OK);
	boot_with(&s, ROOT_2, 1, CB_META_ROLLBACK);
	sim_stage_end(&s);
}

static void epoch_rollback_refused(void **state)
{
	struct sim_stage s;
	char path[256];

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, EPOCH_2, 1, CB_OK);
	/* the metadata is the newest; only the record is put back */
	serve(&s, EPOCH_2);
	sim_realm_record_path(realm, "ada", path);
	sim_file(s.mirror[0], path, sim_file_bytes(files[LATER], path).p,
		 sim_file_bytes(files[LATER], path).len);
	sim_stage_power_on(&s, 1, 1);
	sim_stage_assert_fails(&s, CB_RECORD_EPOCH);
	/* somebody else's old record is not this machine's affair */
	sim_realm_record_path(realm, "pam", path);
	sim_file(s.mirror[0], path, sim_file_bytes(files[LATER], path).p,
		 sim_file_bytes(files[LATER], path).len);
	sim_stage_power_on(&s, 1, 1);
	s.boot.account[0] = "pam";
	sim_stage_assert_boots(&s, "twice/2");
	sim_stage_end(&s);
}

/* Fast-forward: whoever had the online keys made this machine refuse everything. New keys cure it. */
static void rotation_resets(void **state)
{
	struct sim_stage s;
	struct cb_state seen;

	(void)state;
	for (unsigned root = 1; root <= 3; root++) {
		sim_stage_begin(&s, realm, 1);
		boot_with(&s, ROOT_2, 1, CB_OK);
		assert_int_equal(stored(&s, &seen), 1);
		for (unsigned i = CB_TUF_TIMESTAMP; i < CB_TUF_N_ROLES; i++)
			seen.floor.version[i] = 99999;
		seen.floor.time_s = SIM_REALM_NOW_S + 3650ll * DAY_S;
		put_state(&s, 1, &seen, 2);
		boot_with(&s, ROOT_2, 1, CB_META_EXPIRED); /* root, by the clock's floor */
		seen.floor.time_s = SIM_REALM_NOW_S;
		put_state(&s, 1, &seen, 2);
		boot_with(&s, ROOT_2, 1, CB_META_ROLLBACK);
		seen.floor.time_s = SIM_REALM_NOW_S + 3650ll * DAY_S;
		put_state(&s, 1, &seen, 2);
		boot_with(&s, ROTATED, root, CB_OK);
		assert_int_equal(stored(&s, &seen), 3);
		assert_in_range(seen.floor.version[CB_TUF_TIMESTAMP], 1, 20);
		assert_true(seen.floor.time_s == SIM_REALM_NOW_S + 7300);
		assert_int_equal(seen.accounts[0].epoch, 2);
		sim_stage_end(&s);
	}
}

/* ---- The clock: one boot in LATER's time, then the clock changes ---- */

static void clock_floor(void **state)
{
	static const struct {
		bool has_clock;
		int64_t rtc_s; /* at the first boot */
		int64_t floor_s; /* that it stores */
		int64_t then_s; /* the clock at the second boot */
		enum cb_err err;
	} cases[] = {
		{ true, SIM_REALM_NOW_S + 3600, SIM_REALM_NOW_S + 3600, 0, CB_OK },
		{ true, SIM_REALM_NOW_S + 3600 - DAY_S, SIM_REALM_NOW_S + 3600, 0, CB_OK },
		{ true, SIM_REALM_NOW_S + 3600 - DAY_S - 60, 0, 0, CB_OK },
		{ true, 0, 0, SIM_REALM_NOW_S, CB_OK },
		{ false, 0, 0, SIM_REALM_NOW_S, CB_OK },
		{ true, SIM_REALM_NOW_S + 6 * DAY_S, SIM_REALM_NOW_S + 3600,
		  SIM_REALM_NOW_S + 7 * DAY_S + 3599, CB_OK },
		{ true, SIM_REALM_NOW_S + 6 * DAY_S, SIM_REALM_NOW_S + 3600,
		  SIM_REALM_NOW_S + 7 * DAY_S + 3600, CB_META_EXPIRED },
		{ true, SIM_REALM_NOW_S, SIM_REALM_NOW_S + 3600, SIM_REALM_NOW_S + 3650ll * DAY_S,
		  CB_META_EXPIRED },
		{ true, SIM_REALM_NOW_S, SIM_REALM_NOW_S + 3600, 253402214400, CB_META_EXPIRED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim_stage s;
		struct cb_state seen;

		sim_stage_begin(&s, realm, 1);
		sim_set_wall_clock(s.sim, cases[i].has_clock, cases[i].rtc_s);
		boot_with(&s, LATER, 1, CB_OK);
		assert_int_equal(stored(&s, &seen), 1);
		assert_true(seen.floor.time_s == cases[i].floor_s);
		sim_set_wall_clock(s.sim, /*has_clock=*/true, cases[i].then_s);
		boot_with(&s, LATER, 1, cases[i].err);
		sim_stage_end(&s);
	}
}

/* ---- Variables that fail ---- */

/* Each single access, and all from there on: a notice, and a boot; afterwards all is well again. */
static void failing_variables(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n++)
		for (unsigned is_forever = 0; is_forever < 2; is_forever++) {
			struct sim_stage s;
			struct cb_state seen;

			sim_stage_begin(&s, realm, 1);
			boot_with(&s, FIRST, 1, CB_OK);
			sim_fail_vars(s.sim, n, is_forever);
			boot_with(&s, LATER, 1, CB_OK);
			assert_true(sim_saw_notice(s.sim, CB_VARIABLE));
			assert_int_equal(s.boot.n_errors, 0);
			sim_fail_vars(s.sim, 0, false);
			boot_with(&s, LATER, 1, CB_OK);
			(void)stored(&s, &seen);
			assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], 3);
			boot_with(&s, FIRST, 1, CB_META_ROLLBACK);
			sim_stage_end(&s);
		}
}

/* The power fails while the newer slot is written: after any number of bytes the older one counts. */
static void torn_slot(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= CB_STATE_LEN; cut += 8) {
		uint8_t value[CB_STATE_LEN], torn[CB_STATE_LEN] = { 0 };
		struct sim_stage s;
		struct cb_state seen;
		size_t len;

		sim_stage_begin(&s, realm, 1);
		boot_with(&s, FIRST, 1, CB_OK);
		boot_with(&s, LATER, 1, CB_OK);
		assert_int_equal(sim_platform(s.sim)->vars.read(s.sim, "CbState1", value,
								sizeof(value), &len),
				 CB_OK);
		memcpy(torn, value, cut);
		sim_set_var(s.sim, "CbState1", torn, CB_STATE_LEN);
		assert_int_equal(stored(&s, &seen), cut == CB_STATE_LEN ? 2 : 1);
		assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], cut == CB_STATE_LEN ? 3 : 2);
		boot_with(&s, LATER, 1, CB_OK);
		assert_int_equal(stored(&s, NULL), 2);
		boot_with(&s, FIRST, 1, CB_META_ROLLBACK);
		sim_stage_end(&s);
	}
}

static void both_corrupt(void **state)
{
	struct sim_stage s;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, FIRST, 1, CB_OK);
	boot_with(&s, LATER, 1, CB_OK);
	sim_set_var(s.sim, "CbState0", "x", 1);
	sim_set_var(s.sim, "CbState1", "CBSTATE1", 8);
	boot_with(&s, FIRST, 1, CB_OK); /* as at the very first time */
	assert_int_equal(stored(&s, NULL), 1);
	boot_with(&s, LATER, 1, CB_OK);
	boot_with(&s, FIRST, 1, CB_META_ROLLBACK);
	sim_stage_end(&s);
}

/* Planted where the operating system can write: it counts for nothing, is told, and written over. */
static void planted_variable(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < 2; slot++) {
		struct sim_stage s;
		struct cb_state seen;

		sim_stage_begin(&s, realm, 1);
		boot_with(&s, FIRST, 1, CB_OK);
		(void)stored(&s, &seen);
		seen.floor.version[CB_TUF_TIMESTAMP] = 99999;
		put_state(&s, slot, &seen, 50);
		sim_plant_var(s.sim, cb_state_slot_name(slot));
		boot_with(&s, FIRST, 1, CB_OK);
		assert_true(sim_saw_notice(s.sim, CB_STATE_FOREIGN));
		assert_string_equal(sim_last_subject(s.sim, CB_EVENT_NOTICE),
				    cb_state_slot_name(slot));
		assert_int_equal(sim_n_var_writes(s.sim), 2);
		assert_int_equal(stored(&s, &seen), slot == 0 ? 1 : 2);
		assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], 2);
		boot_with(&s, FIRST, 1, CB_OK);
		assert_int_equal(sim_n_events(s.sim, CB_EVENT_NOTICE), 1);
		sim_stage_end(&s);
	}
}

/* Two thousand variables with something changed: always a boot, and never a lower floor than 0. */
static void mutated_variables(void **state)
{
	uint8_t good[CB_STATE_LEN];
	struct sim_stage s;
	size_t len;

	(void)state;
	sim_stage_begin(&s, realm, 1);
	boot_with(&s, FIRST, 1, CB_OK);
	assert_int_equal(
		sim_platform(s.sim)->vars.read(s.sim, "CbState0", good, sizeof(good), &len), CB_OK);
	for (unsigned i = 0; i < 2000; i++) {
		uint8_t bad[CB_STATE_LEN];
		struct cb_state seen;
		size_t n = 1 + sim_random(s.sim) % CB_STATE_LEN;

		memcpy(bad, good, sizeof(bad));
		for (size_t k = sim_random(s.sim) % 3; k < 3; k++)
			bad[sim_random(s.sim) % n] ^= (uint8_t)(1 + sim_random(s.sim) % 255);
		sim_set_var(s.sim, "CbState0", bad, i % 2 ? n : CB_STATE_LEN);
		assert_int_equal(stored(&s, &seen), 0);
		assert_int_equal(seen.floor.version[CB_TUF_TIMESTAMP], 0);
		if (i % 50 == 0)
			boot_with(&s, FIRST, 1, CB_OK);
	}
	sim_stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_when_changed),
		cmocka_unit_test(failed_boots_are_not_stored),
		cmocka_unit_test(rollback_refused),
		cmocka_unit_test(root_rollback_refused),
		cmocka_unit_test(epoch_rollback_refused),
		cmocka_unit_test(rotation_resets),
		cmocka_unit_test(clock_floor),
		cmocka_unit_test(failing_variables),
		cmocka_unit_test(torn_slot),
		cmocka_unit_test(both_corrupt),
		cmocka_unit_test(planted_variable),
		cmocka_unit_test(mutated_variables),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
