/* SPDX-License-Identifier: MIT */
/* The cache of a simulated machine, seen from outside: what is good in it, and whether that stays. */
#ifndef TESTS_SIM_CACHE_H
#define TESTS_SIM_CACHE_H

#include "core/cache.h"
#include "core/cache_internal.h"
#include "sim_block.h"
#include "sim_boot.h"

#define SIM_CACHE_MAX_RECORDS 512
#define SIM_CACHE_MAX_SEGMENTS 128

/* A record that the index names; good: it is what its key or its trailer says. */
struct sim_cache_record {
	enum cb_cache_kind kind;
	uint8_t key[CB_DIGEST_LEN];
	uint32_t segment;
	uint64_t generation; /* of the segment */
	bool is_good;
};

/* What a cache has, as its own code opens it on a device without faults. */
struct sim_cache_view {
	bool is_open;
	struct cb_cache_stats stats;
	struct cb_cache_layout layout;
	uint64_t generation[SIM_CACHE_MAX_SEGMENTS]; /* 0: nothing in it */
	unsigned n;
	struct sim_cache_record records[SIM_CACHE_MAX_RECORDS];
};

/* A formatted device of n_blocks blocks of SIM_SECTOR bytes. */
struct sim_block *sim_cache_new(uint64_t seed, uint64_t n_blocks);
/* Opens the cache on it and looks at each record. The device's faults are not in force meanwhile. */
void sim_cache_look(struct sim_block *disk, struct sim_cache_view *ret);
const struct sim_cache_record *sim_cache_find(const struct sim_cache_view *v,
					      enum cb_cache_kind kind, const uint8_t *key);
/* Records that the index names and that are wrong; account: 1 counts those of accounts, too. */
unsigned sim_cache_n_bad(const struct sim_cache_view *v, bool with_accounts);
/* One bit of about one sector in `of`, as seed has it. */
void sim_cache_rot(struct sim_block *disk, uint64_t seed, unsigned of);

/* The number behind a member's name in the boot record of a machine that is READY; UINT64_MAX: none. */
uint64_t sim_record_number(const struct sim_boot *b, const char *member);
bool sim_record_says(const struct sim_boot *b, const char *text);

#endif
