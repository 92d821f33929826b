/* SPDX-License-Identifier: MIT */
#include "forge_fixture.h"

struct forge forge;
struct testport forge_port;
struct cb_mem forge_mem;

const enum forge_signer forge_root12[2] = { FORGE_ROOT1, FORGE_ROOT2 };

int forge_set_up(void **state)
{
	(void)state;
	forge_port = (struct testport){ 0 };
	forge_mem = testport_mem(&forge_port);
	forge_init(&forge);
	return 0;
}

int forge_set_up_signed(void **state)
{
	(void)forge_set_up(state);
	forge_sign(&forge);
	return 0;
}

int forge_tear_down(void **state)
{
	(void)state;
	forge_done(&forge);
	testport_assert_no_leak(&forge_port);
	return 0;
}

void forge_expect(const struct cb_tuf_floor *floor, enum cb_tuf_role role, enum cb_err err)
{
	struct cb_tuf *tuf = forge_client(&forge, &forge_mem, CB_TUF_LOADER, floor);

	forge_assert_walk(tuf, &forge, role, err);
	cb_tuf_free(tuf);
}
