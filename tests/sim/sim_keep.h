/* SPDX-License-Identifier: MIT */
/* Nothing is lost: the rollback state of a machine never falls, and what is good in its cache stays. */
#ifndef TESTS_SIM_KEEP_H
#define TESTS_SIM_KEEP_H

#include "core/state.h"
#include "sim_cache.h"
#include "sim_campaign.h"

/* What earlier boots have left on a machine: variables, and a cache with ada's and kim's things. */
struct sim_stock;
struct sim_stock *sim_stock_new(const struct sim_realm *realm);
void sim_stock_free(struct sim_stock *stock);

/* The cache that a machine of a campaign has. */
enum sim_keep_cache {
	SIM_KEEP_NONE,
	SIM_KEEP_EMPTY,
	SIM_KEEP_FILLED,
	SIM_KEEP_ROTTEN, /* filled, with wrong bits in a fiftieth of its sectors */
	SIM_KEEP_UNREADABLE, /* filled; some reads fail */
	SIM_KEEP_LYING, /* filled; some reads have a wrong bit */
	SIM_KEEP_UNWRITABLE, /* empty; writes fail from some moment on */
	SIM_KEEP_CROWDED, /* small, and full of what nobody needs any more */
	SIM_KEEP_N
};

struct sim_keep {
	const struct sim_realm *realm;
	struct sim *sim;
	enum sim_keep_cache cache;
	bool has_state; /* an earlier boot has left its versions */
	/* internal */
	struct sim_block *disk;
	uint8_t *bytes; /* of the disk, as they were */
	struct cb_state state;
	struct sim_cache_view view;
};

/* Gives the machine what the seed chooses: half of all have a cache, half have variables. */
void sim_keep_begin(struct sim_keep *k, struct sim_stock *stock, struct sim *sim, uint64_t seed);
/* The same, chosen by the test. */
void sim_keep_begin_with(struct sim_keep *k, struct sim_stock *stock, struct sim *sim,
			 uint64_t seed, enum sim_keep_cache cache, bool has_state);
/* Has it all that a boot without the network needs, and nothing that is wrong? */
bool sim_keep_is_complete(const struct sim_keep *k);
/* May a boot go on without the network, and perhaps not get far? */
bool sim_keep_has_some(const struct sim_keep *k);
const char *sim_keep_name(const struct sim_keep *k);

/* After a boot, or a try of one: what was there is there. What is there now must stay from now on. */
void sim_keep_judge(struct sim_keep *k, struct sim_verdict *v);
/*
 * With a cache: a device that is well again, and a next boot with this loader, which must succeed and
 * leave the whole image in a cache that can be opened. Everything else must be good by now.
 */
void sim_keep_judge_next(struct sim_keep *k, struct sim_boot *b,
			 const struct sim_realm_loader *loader, struct sim_verdict *v);
/* Before sim_judge_end frees the simulator, or after it. */
void sim_keep_end(struct sim_keep *k);

/* The context of a campaign whose machines are such. */
struct sim_world {
	struct sim_realm *realm;
	struct sim_stock *stock;
};

/* Runs seeds 1 to n in a world of their own (struct sim_world is run's ctx); returns sim_campaign_run's count. */
unsigned sim_keep_campaign(const char *name, uint64_t n,
			   void (*run)(void *ctx, uint64_t seed, struct sim_verdict *ret));

#endif
