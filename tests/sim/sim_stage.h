/* SPDX-License-Identifier: MIT */
/* A machine with its mirrors that is started again and again; what a boot must have come to. */
#ifndef TESTS_SIM_STAGE_H
#define TESTS_SIM_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim_block.h"
#include "sim_boot.h"

#define SIM_STAGE_MINUTE 60000ull
#define SIM_STAGE_MAX_MIRRORS 4

struct sim_stage {
	struct sim *sim;
	const struct sim_realm *realm;
	struct sim_server *mirror[SIM_STAGE_MAX_MIRRORS]; /* named "a", "b", ... */
	struct sim_block *disk; /* owned, below its cache; NULL: none was given */
	struct sim_boot boot;
	bool no_prefetch, no_dhcp_mirror, has_pin; /* how the loader is stamped */
	const char *const *near; /* the same: nearby mirrors, NULL-terminated; NULL: none */
	const char *kiosk; /* the same; NULL: none */
	bool is_on;
};

/* A machine, and n mirrors without files. */
void sim_stage_begin(struct sim_stage *s, const struct sim_realm *realm, unsigned n_mirrors);
/* From the next start on this is its disk; the one before is the caller's again. */
void sim_stage_use_disk(struct sim_stage *s, struct sim_block *disk);
/* Nothing may stay behind: memory, connections. Frees the disk. */
void sim_stage_end(struct sim_stage *s);
/* Switches the machine on (again); the loader is stamped for the first n mirrors and that root. */
void sim_stage_power_on(struct sim_stage *s, unsigned n_mirrors, unsigned root_version);
void sim_stage_power_off(struct sim_stage *s);
/* On, for the first mirror and root; and up with "demo/1". */
void sim_stage_boot_once(struct sim_stage *s);

/* A machine with an empty cache of n_blocks blocks and one good mirror, without prefetch. */
void sim_stage_begin_cached(struct sim_stage *s, const struct sim_realm *realm, uint64_t n_blocks);
/* Where chunk i of image demo lies on its disk, in the form that the mirror has; fails the test. */
uint8_t *sim_stage_cached_chunk(struct sim_stage *s, unsigned i);

/* Somebody takes the cable out: nothing is reached any more, and the machine that is on knows why. */
void sim_stage_unplug(struct sim_stage *s);
void sim_stage_plug_in(struct sim_stage *s);
/* Switches the machine on (again), without the cable. */
void sim_stage_start_unplugged(struct sim_stage *s);

/*
 * Runs a group of cases with a realm of its own, which lies in *realm meanwhile. Returns how many failed: main's exit
 * status.
 */
int sim_stage_run(const char *group, const struct CMUnitTest *tests, size_t n_tests,
		  struct sim_realm **realm);
/* Teardown of a case that changes this realm: the next one has another. */
int sim_stage_renew_realm(void **state);

/* Run it; fail the test unless it boots the image (NULL: any), or stops with this error, the first. */
void sim_stage_assert_boots(struct sim_stage *s, const char *image);
void sim_stage_assert_fails(struct sim_stage *s, enum cb_err err);
void sim_stage_assert_bytes(struct cb_bytes got, struct cb_bytes want);

#endif
