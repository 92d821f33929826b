/* SPDX-License-Identifier: MIT */
/* A machine with its mirrors that is started again and again. */
#include "sim_stage.h"
#include "sim_cache.h"
#include "sim_link.h"

#include <stdlib.h>
#include <string.h>

static const char *const hosts[SIM_STAGE_MAX_MIRRORS] = { "a", "b", "c", "d" };

void sim_stage_begin(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors)
{
	memset(s, 0, sizeof(*s));
	s->sim = sim_new(7);
	s->realm = realm;
	for (unsigned i = 0; i < n_mirrors; i++)
		s->mirror[i] = sim_add_server(s->sim, hosts[i], 80);
}

void sim_stage_use_disk(struct sim_stage *s, struct sim_block *disk)
{
	struct cb_block device = sim_block(disk);

	s->disk = disk;
	sim_set_block(s->sim, &device);
}

void sim_stage_power_on(struct sim_stage *s, unsigned n_mirrors, unsigned root_version)
{
	const char *names[SIM_STAGE_MAX_MIRRORS + 1] = { NULL };
	const struct sim_realm_loader loader = { .hosts = names,
						 .kiosk = s->kiosk,
						 .root_version = root_version,
						 .near = s->near,
						 .no_prefetch = s->no_prefetch,
						 .no_dhcp_mirror = s->no_dhcp_mirror,
						 .has_pin = s->has_pin };

	memcpy(names, hosts, n_mirrors * sizeof(names[0]));
	sim_stage_power_off(s);
	sim_boot_init(&s->boot, s->sim, s->realm, &loader);
	s->is_on = true;
}

void sim_stage_power_off(struct sim_stage *s)
{
	if (!s->is_on)
		return;
	cb_boot_close_network(s->boot.boot);
	sim_boot_done(&s->boot);
	s->is_on = false;
}

void sim_stage_end(struct sim_stage *s)
{
	sim_stage_power_off(s);
	if (sim_has_frames(s->sim))
		sim_take_down(s->sim);
	assert_int_equal(sim_open_streams(s->sim), 0);
	assert_int_equal(sim_live_allocations(s->sim), 0);
	sim_free(s->sim);
	sim_block_free(s->disk);
}

void sim_stage_boot_once(struct sim_stage *s)
{
	sim_stage_power_on(s, 1, 1);
	sim_stage_assert_boots(s, "demo/1");
}

/* ---- With a cache, and without the network ---- */

void sim_stage_begin_cached(struct sim_stage *s, const struct sim_realm *realm, uint64_t n_blocks)
{
	sim_stage_begin(s, realm, 1);
	sim_realm_serve(realm, s->mirror[0]);
	sim_stage_use_disk(s, sim_cache_new(1, n_blocks));
	s->no_prefetch = true;
}

uint8_t *sim_stage_cached_chunk(struct sim_stage *s, unsigned i)
{
	char path[256];
	struct cb_bytes chunk;
	size_t len;
	uint8_t *bytes = sim_block_bytes(s->disk, &len);

	sim_realm_chunk_path(s->realm, i, path);
	chunk = sim_file_bytes(s->mirror[0], path);
	bytes = memmem(bytes, len, chunk.p, chunk.len);
	assert_non_null(bytes);
	return bytes;
}

void sim_stage_unplug(struct sim_stage *s)
{
	sim_behaviour(s->mirror[0])->refuses = true;
	s->boot.network_err = CB_NET_NO_LINK;
	s->boot.no_network = true;
}

void sim_stage_plug_in(struct sim_stage *s)
{
	sim_behaviour(s->mirror[0])->refuses = false;
	s->boot.network_err = CB_OK;
	s->boot.no_network = false;
}

void sim_stage_start_unplugged(struct sim_stage *s)
{
	sim_stage_power_on(s, 1, 1);
	sim_stage_unplug(s);
}

/* ---- What it must have come to ---- */

void sim_stage_assert_bytes(struct cb_bytes got, struct cb_bytes want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
}

void sim_stage_assert_boots(struct sim_stage *s, const char *image)
{
	const struct cb_boot_result *r;
	uint64_t n_allocations;
	uint8_t *initrd;

	assert_true(sim_boot_run(&s->boot, sim_now(s->sim) + 30 * SIM_STAGE_MINUTE));
	if (s->boot.status != CB_BOOT_READY)
		fail_msg("no boot: %s", s->boot.shown);
	r = cb_boot_result(s->boot.boot);
	sim_stage_assert_bytes(r->kernel, sim_realm_kernel(s->realm));
	/* What the kernel gets when it asks, in a buffer of its own of just that length. */
	initrd = malloc(r->initrd_len);
	n_allocations = sim_n_allocations(s->sim);
	assert_int_equal(cb_boot_serve_initrd(s->boot.boot, initrd), CB_OK);
	assert_int_equal(sim_n_allocations(s->sim), n_allocations);
	sim_stage_assert_bytes((struct cb_bytes){ initrd, r->initrd_len },
			       sim_realm_initrd(s->realm));
	free(initrd);
	if (image)
		assert_string_equal(r->image, image);
}

void sim_stage_assert_fails(struct sim_stage *s, enum cb_err err)
{
	assert_true(sim_boot_run(&s->boot, sim_now(s->sim) + 30 * SIM_STAGE_MINUTE));
	assert_int_equal(sim_stage(s->sim), CB_STAGE_FAILED);
	assert_int_equal(s->boot.n_errors, 1);
	assert_string_equal(cb_err_info(sim_last_err(s->sim, CB_EVENT_ERROR))->name,
			    cb_err_info(err)->name);
}

/* ---- Groups of cases ---- */

static struct sim_realm **realm_of_group;

static int make_realm(void **state)
{
	(void)state;
	*realm_of_group = sim_realm_new();
	return 0;
}

static int drop_realm(void **state)
{
	(void)state;
	sim_realm_free(*realm_of_group);
	return 0;
}

int sim_stage_renew_realm(void **state)
{
	(void)drop_realm(state);
	return make_realm(state);
}

int sim_stage_run(const char *group, const struct CMUnitTest *tests, size_t n_tests,
		  struct sim_realm **realm)
{
	realm_of_group = realm;
	return _cmocka_run_group_tests(group, tests, n_tests, make_realm, drop_realm);
}
