/* SPDX-License-Identifier: MIT */
/* The kinds of machine that each case of a program is run on. */
#include "sim_machines.h"

#define LITTLE_BYTES (60u << 20) /* above what the manifest asks for: the deferred plan's */

struct kind {
	const char *name;
	unsigned n_workers;
	uint32_t work_ms; /* that a piece of work takes there */
	bool has_little;
};

static const struct kind kinds[] = {
	{ .name = "alone" },
	{ .name = "one worker", .n_workers = 1, .work_ms = 4 },
	{ .name = "slow workers", .n_workers = 4, .work_ms = 300 },
	{ .name = "little memory", .n_workers = 4, .work_ms = 300, .has_little = true },
	{ .name = "little memory, alone", .work_ms = 300, .has_little = true },
};

static const struct kind *kind = kinds;

int sim_machines_run(const struct CMUnitTest *tests, size_t n_tests, struct sim_realm **realm)
{
	int n_failed = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		kind = &kinds[i];
		n_failed += sim_stage_run(kind->name, tests, n_tests, realm);
	}
	return n_failed;
}

bool sim_machines_have_little(void)
{
	return kind->has_little;
}

void sim_machines_begin(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors)
{
	sim_stage_begin(s, realm, n_mirrors);
	sim_set_workers(s->sim, kind->n_workers, kind->work_ms);
	if (kind->has_little)
		sim_set_free_memory(s->sim, sim_realm_ram_need(realm) + LITTLE_BYTES);
	for (unsigned i = 0; i < n_mirrors; i++)
		sim_realm_serve(realm, s->mirror[i]);
}

void sim_machines_start(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors,
			const char *kiosk)
{
	sim_machines_begin(s, realm, n_mirrors);
	s->kiosk = kiosk;
	sim_stage_power_on(s, n_mirrors, 1);
}
