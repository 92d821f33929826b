/* SPDX-License-Identifier: MIT */
/* Inside the fetch engine: jobs, the state of their items, and the engine itself. */
#ifndef CB_CORE_JOB_H
#define CB_CORE_JOB_H

#include "core/source.h"

#define CB_ITEM_MAX_WRONG                                                                          \
	4 /* wrong answers until an item is given up, when all sources had a try */
#define CB_ITEM_MAX_FAILED 4 /* the same for failed answers */
#define CB_ITEM_MAX_CUT 15 /* the same for answers that were cut off; lines do that */

enum cb_item_phase { CB_ITEM_WAITING, CB_ITEM_FLYING, CB_ITEM_HELD, CB_ITEM_DONE };

/* Eight bytes an item: a job may have a million. */
struct cb_item {
	uint16_t absent; /* bit per source: is not there */
	uint16_t avoid; /* bit per source: failed or was wrong there */
	uint8_t n_wrong : 4, n_failed : 4;
	uint8_t pin; /* CB_PIN_UNKNOWN, CB_PIN_ANY or CB_PIN_FIRST + source */
	/* fresh: next time past the caches on the way; cached: ours has it, once pin is known */
	uint8_t phase : 2, n_flying : 2, is_fresh : 1, is_cached : 1;
	uint8_t trouble; /* enum cb_trouble of the last failure */
};

enum { CB_PIN_UNKNOWN, CB_PIN_ANY, CB_PIN_FIRST };
#define CB_ITEM_MAX_FLYING 2

struct cb_job {
	struct cb_fetch *fetch;
	struct cb_job *next; /* ascending priority */
	struct cb_job_params params;
	struct cb_item *items;
	uint32_t n_left; /* items not done */
	uint32_t n_waiting;
	uint32_t first; /* no item below waits */
	uint64_t held_bytes; /* see cb_fetch */
	uint64_t submitted_ms;
	enum cb_job_status status;
	enum cb_err err;
	uint32_t err_item;
};

struct cb_fetch {
	const struct cb_platform *platform;
	uint64_t now_ms; /* the engine's clock: the platform's less lost_ms */
	uint64_t lost_ms, due_ms; /* when the next step was due */
	unsigned n_sources;
	struct cb_source
		*sources[CB_FETCH_MAX_MIRRORS + 1]; /* at CB_FETCH_CACHE the cache, or NULL */
	struct cb_cache *cache;
	struct cb_job *jobs;
	uint64_t judge_ms; /* when waiting items are looked at for lost ones */
	unsigned turn; /* source that is stepped first */
	uint64_t held_bytes; /* of all jobs, each item with its CB_FETCH_HELD_EXTRA */
	bool is_full; /* nothing is read */
	uint64_t body_bytes, verified_bytes, last_body_ms;
	uint32_t n_retries;
};

/* Sets now_ms. */
void cb_fetch_update_clock(struct cb_fetch *f);
/* Asks the job what the item is. */
void cb_job_describe(struct cb_job *job, uint32_t item, struct cb_fetch_item *ret);
uint32_t cb_job_len(struct cb_job *job, uint32_t item);
/* May source s be asked for the waiting item now; is_new: on a fresh connection? */
bool cb_job_may_ask(struct cb_job *job, uint32_t item, const struct cb_source *s, bool is_new);
/* The first waiting item that source s may be asked for now; is_new: on a fresh connection. False: none. */
bool cb_job_pick(struct cb_job *job, const struct cb_source *s, bool is_new, uint32_t *ret_item);
/* WAITING -> FLYING, or FLYING once more. */
void cb_job_fly(struct cb_job *job, uint32_t item);
/* Gives up the first waiting items that nobody can deliver any more. True when something changed. */
bool cb_job_judge(struct cb_job *job);
void cb_job_fail(struct cb_job *job, enum cb_err err, uint32_t item);
/* Removes an item that cannot be asked for (malformed path): asks `missing`. */
void cb_job_give_up(struct cb_job *job, uint32_t item, enum cb_err err);

/* Hands out requests, opens connections, repeats late requests. True when something happened. */
bool cb_fetch_schedule(struct cb_fetch *f, uint64_t *wake_ms);

#endif
