/* SPDX-License-Identifier: MIT */
/* The fetch engine: verified objects from untrusted sources, several connections, pipelined. */
#ifndef CB_CORE_FETCH_H
#define CB_CORE_FETCH_H

#include "core/digest.h"
#include "core/platform.h"

#define CB_FETCH_MAX_MIRRORS 16
#define CB_FETCH_MAX_CONNECTIONS 16
#define CB_FETCH_MAX_PER_MIRROR 8
#define CB_FETCH_PATH_MAX 256
#define CB_FETCH_MAX_ITEMS (1u << 20)
#define CB_FETCH_ANY_SOURCE (-1)
#define CB_FETCH_CACHE CB_FETCH_MAX_MIRRORS /* the cache's number where a source is named */
#define CB_FETCH_STALL_MS 120000u /* without a byte of a wanted body: NET_TIMEOUT */
#define CB_FETCH_STEP_BYTES 65536u /* of bodies that one step takes in */
#define CB_FETCH_HELD_MAX (16u << 20) /* bytes held by takers: from here on nothing is read ... */
#define CB_FETCH_HELD_LOW (8u << 20) /* ... until no more than these are left */
#define CB_FETCH_HELD_EXTRA 4096u /* bytes that each held item counts beside its length */

enum cb_digest_kind { CB_DIGEST_NONE, CB_DIGEST_BLAKE2B_256, CB_DIGEST_SHA256 };

/* One object to fetch. */
struct cb_fetch_item {
	char path[CB_FETCH_PATH_MAX]; /* relative to a mirror's base URL, may hold a query */
	uint32_t len; /* exact when is_exact, else the most that is taken */
	bool is_exact;
	bool is_mutable; /* ask caches on the way to revalidate */
	enum cb_digest_kind digest;
	uint8_t expect[CB_DIGEST_LEN];
	uint8_t cache_kind; /* enum cb_cache_kind; 0: not in any cache */
	uint8_t key[CB_DIGEST_LEN]; /* its key there */
	int source; /* CB_FETCH_ANY_SOURCE, or the index of the only source to ask */
};

/* An item's bytes that a job's owner has taken and has yet to judge. */
struct cb_held {
	uint8_t *bytes; /* the taker's from now on, for cb_free, whatever becomes of the job */
	uint32_t len;
	uint32_t item;
	unsigned source, connection; /* where they came from; cb_job_settle wants to know */
};

/*
 * A job: n items that are fetched in about ascending order. The engine calls describe when it
 * starts to ask for an item (again on each retry). When length and digest are right, the bytes go
 * one of two ways:
 *
 * deliver: they are valid during the call only, and its return value is the verdict.
 * take: their buffer becomes the owner's, and the item is held, which means asked for nowhere,
 *   until the owner gives the verdict with cb_job_settle. Anything but CB_OK from take fails the
 *   job with that error, and the buffer stays the engine's.
 *
 * A verdict other than CB_OK means "wrong bytes" and counts against that source; the item is asked
 * for again elsewhere. NO_MEMORY fails the job instead. With CB_OK the item is finished.
 */
struct cb_job_params {
	void *ctx;
	uint32_t n_items;
	void (*describe)(void *ctx, uint32_t item, struct cb_fetch_item *ret);
	/* One of these two, the other NULL. */
	enum cb_err (*deliver)(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source);
	enum cb_err (*take)(void *ctx, const struct cb_held *held);
	/* Item could not be had. CB_OK: go on without it; else the job fails with what is returned.
	 * NULL: the job fails with err. */
	enum cb_err (*missing)(void *ctx, uint32_t item, enum cb_err err);
	enum cb_err absent_err; /* code for 403/404/410 everywhere, e.g. CB_CHUNK_MISSING */
	enum cb_err wrong_err; /* code for wrong bytes everywhere, e.g. CB_CHUNK_HASH */
	unsigned priority; /* lower runs first when several jobs are active */
	/* Nobody depends on the items: what is wrong with an answer counts against no source, the item
	 * is absent there. */
	bool is_hint;
};

enum cb_job_status { CB_JOB_RUNNING, CB_JOB_DONE, CB_JOB_FAILED };

struct cb_fetch; /* opaque: sources with their connections, and the active jobs */
struct cb_job; /* opaque */

enum cb_err cb_fetch_new(const struct cb_platform *platform, struct cb_fetch **ret);
/* Closes all connections and frees; jobs must have been freed. */
void cb_fetch_free(struct cb_fetch *f);
/* Adds a mirror by its base URL; ret_source (may be NULL) gets its index. Known URL: CB_OK. */
enum cb_err cb_fetch_add_mirror(struct cb_fetch *f, struct cb_bytes url, unsigned *ret_source);

/* Sources of a lower rank are the last resort while one of a higher rank may well deliver. */
enum cb_preference { CB_PREFER_LAST, CB_PREFER_SIGNED, CB_PREFER_NEAR };

/* Raises a source, which is CB_PREFER_LAST at first. */
void cb_fetch_prefer(struct cb_fetch *f, unsigned source, enum cb_preference preference);
struct cb_cache;

/*
 * What the cache has by its index is read there and asked of no mirror, unless the cache is slower
 * than they are. Once, with an open cache that outlives f; it is no source that the functions below
 * count. NO_MEMORY.
 */
enum cb_err cb_fetch_add_cache(struct cb_fetch *f, struct cb_cache *cache);
/* The cache, for putting in what came from elsewhere and is verified; NULL: none. */
struct cb_cache *cb_fetch_cache(const struct cb_fetch *f);
/* The number of mirrors. */
unsigned cb_fetch_n_sources(const struct cb_fetch *f);
/* The base URL of source i. */
const char *cb_fetch_source_name(const struct cb_fetch *f, unsigned i);

/* params is copied. The caller owns the job and frees it at any time (that cancels it). */
enum cb_err cb_fetch_submit(struct cb_fetch *f, const struct cb_job_params *params,
			    struct cb_job **ret);
/* ret_err, ret_item (may be NULL): why and on which item a FAILED job failed. */
enum cb_job_status cb_job_status(const struct cb_job *job, enum cb_err *ret_err,
				 uint32_t *ret_item);
void cb_job_free(struct cb_job *job);
/*
 * The verdict on what the job's take was given, exactly once for each, in any order, not from
 * within take. held->bytes is not touched and may have been freed. What is still held when the job
 * is freed needs no verdict any more.
 */
void cb_job_settle(struct cb_job *job, const struct cb_held *held, enum cb_err verdict);
/*
 * Too much is held: nothing is read from the network until CB_FETCH_HELD_LOW is reached, and the
 * engine's clock stands still. The moment for the owner to help with judging.
 */
bool cb_fetch_is_full(const struct cb_fetch *f);

/*
 * Does what can be done now: connects, sends, receives, verifies, delivers, retries. Bounded work
 * a call, so that the driver can poll its network device in between.
 * Returns true when something happened; *ret_wake_ms gets the time of the next timer, absolute as
 * platform->now_ms counts (UINT64_MAX when none).
 */
bool cb_fetch_step(struct cb_fetch *f, uint64_t *ret_wake_ms);

struct cb_source_stats {
	uint64_t body_bytes; /* received in bodies, useful or not */
	uint64_t wrong_objects;
	uint32_t n_connections; /* open now */
	bool is_up; /* has answered and is not banned */
	bool is_banned;
};

struct cb_fetch_stats {
	uint64_t body_bytes; /* all mirrors */
	uint64_t cache_bytes; /* read from the cache */
	uint64_t verified_bytes; /* delivered */
	uint64_t last_progress_ms; /* when the last body byte arrived */
	uint32_t n_connections;
	uint32_t n_retries;
};

void cb_fetch_stats(const struct cb_fetch *f, struct cb_fetch_stats *ret);
void cb_fetch_source_stats(const struct cb_fetch *f, unsigned i, struct cb_source_stats *ret);

#endif
