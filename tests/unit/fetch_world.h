/* SPDX-License-Identifier: MIT */
/* A repository, mirrors of it in the simulator, and one job of the fetch engine that wants all of it. */
#ifndef CB_TESTS_UNIT_FETCH_WORLD_H
#define CB_TESTS_UNIT_FETCH_WORLD_H

#include "core/fetch.h"
#include "sim.h"

#define WORLD_MAX_SERVERS 3
#define WORLD_MAX_ITEMS 400
#define WORLD_MAX_LEN 40000
#define WORLD_MAX_HELD 8192

struct world {
	struct sim *sim;
	struct sim_server *servers[WORLD_MAX_SERVERS];
	unsigned n_servers;
	struct cb_fetch *fetch;
	struct cb_job *job;
	uint32_t n_items;
	uint8_t *bytes[WORLD_MAX_ITEMS];
	uint32_t len[WORLD_MAX_ITEMS];
	uint8_t digest[WORLD_MAX_ITEMS][CB_DIGEST_LEN];
	unsigned n_delivered[WORLD_MAX_ITEMS], n_missing[WORLD_MAX_ITEMS];
	enum cb_err missing_err;
	enum cb_digest_kind kind;
	bool is_loose, is_mutable, is_pinned; /* pinned: item i to source i */
	enum cb_err deliver_err;
	/* Where the job takes: what is held, oldest first, each judged judge_ms after it came. */
	bool takes;
	struct cb_held held[WORLD_MAX_HELD];
	uint64_t taken_ms[WORLD_MAX_HELD];
	unsigned n_held, max_held;
	uint32_t judge_ms;
	enum cb_err take_err;
	bool has_ended;
	enum cb_err err;
	uint32_t err_item;
	uint64_t start_ms, end_ms;
};

/* Mirrors "mirror-a" and so on, which are good ones; items of different lengths, one of them empty. */
void world_init(struct world *w, uint64_t seed, unsigned n_servers, uint32_t n_items);
/* The same with the engine started. */
void world_begin(struct world *w, unsigned n_servers, uint32_t n_items);
/* Fails the test where memory or a connection is left. */
void world_done(struct world *w);
/* New random bytes of that length for an item, on all mirrors. */
void world_make_item(struct world *w, uint32_t item, uint32_t len);
enum cb_err world_start_engine(struct world *w);
enum cb_err world_start_job(struct world *w, bool has_missing);
enum sim_status world_step(void *ctx, uint64_t *wake_ms);
/* Runs the job to its end, or over the deadline (has_ended false), and returns how it ended. */
enum cb_err world_run(struct world *w);
void world_assert_all_delivered(const struct world *w);
uint64_t world_took_ms(const struct world *w);
/* Gives the oldest held bytes back, with a verdict where the job still runs. */
void world_settle_first(struct world *w, bool has_verdict);

/* What world_start_job submits, for jobs that a test makes itself; ctx is the world. */
void world_describe(void *ctx, uint32_t item, struct cb_fetch_item *ret);
enum cb_err world_deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source);
enum cb_err world_take(void *ctx, const struct cb_held *held);

#endif
