/* SPDX-License-Identifier: MIT */
/* What tests of metadata stand on: a workshop of their own for each, and memory of which nothing may be left. */
#ifndef CB_TESTS_UNIT_FORGE_FIXTURE_H
#define CB_TESTS_UNIT_FORGE_FIXTURE_H

#include "forge.h"
#include "testport.h"

extern struct forge forge;
extern struct testport forge_port;
extern struct cb_mem forge_mem; /* of forge_port */

extern const enum forge_signer
	forge_root12[2]; /* root keys 1 and 2, which are enough of the three */

int forge_set_up(void **state); /* nothing is signed yet */
int forge_set_up_signed(void **state);
int forge_tear_down(void **state);

#define FORGED(test) cmocka_unit_test_setup_teardown(test, forge_set_up, forge_tear_down)
#define FORGED_SIGNED(test)                                                                        \
	cmocka_unit_test_setup_teardown(test, forge_set_up_signed, forge_tear_down)

/* Walks with a client that trusts root 1 and has this floor: forge_assert_walk. */
void forge_expect(const struct cb_tuf_floor *floor, enum cb_tuf_role role, enum cb_err err);
#define FORGE_COMPLETE CB_TUF_N_ROLES, CB_OK

#endif
