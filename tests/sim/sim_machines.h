/* SPDX-License-Identifier: MIT */
/* The kinds of machine that each case of a program is run on: other processors or none, much memory or little. */
#ifndef TESTS_SIM_MACHINES_H
#define TESTS_SIM_MACHINES_H

#include "sim_stage.h"

/*
 * Runs all cases once for each kind, each time with a realm of its own, which lies in *realm meanwhile.
 * Returns how many failed: main's exit status.
 */
int sim_machines_run(const struct CMUnitTest *tests, size_t n_tests, struct sim_realm **realm);

/* Of the kind that runs: true, the image does not fit as a whole beside its chunks. */
bool sim_machines_have_little(void);

/* A machine of that kind, off; the mirrors have the realm's files. */
void sim_machines_begin(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors);
/* The same, switched on. kiosk: the account that it is stamped for, or NULL. */
void sim_machines_start(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors,
			const char *kiosk);

#endif
