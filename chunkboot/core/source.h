/* SPDX-License-Identifier: MIT */
/* Inside the fetch engine: what a source of objects (mirror, later cache and site) must do. */
#ifndef CB_CORE_SOURCE_H
#define CB_CORE_SOURCE_H

#include "core/fetch.h"
#include "core/url.h"

#define CB_SOURCE_BACKOFF_MS 250u /* after the first failure; doubles with each further one */
#define CB_SOURCE_BACKOFF_MAX_MS 8000u
#define CB_SOURCE_DOWN_FAILS 4 /* failures in a row that make a source count as down */
#define CB_SOURCE_DOWN_CLOSED 12 /* the same where it accepts connections and then ends them */
#define CB_SOURCE_LOST_MS 60000u /* one that has answered before counts as down only after this */
#define CB_SOURCE_PAUSE_MS 500u /* of silence */
#define CB_SOURCE_RETRY_AFTER_MAX_MS 30000u
#define CB_SOURCE_DEMOTE_WRONG 2 /* wrong objects until it is only asked when others cannot */
#define CB_SOURCE_BAN_WRONG 3 /* wrong objects until it is not asked again */
#define CB_SOURCE_CHANCE_MS                                                                        \
	500u /* for the first answer; others wait so long where it is preferred */
#define CB_SOURCE_CRAWL_MS 3000u /* while something is outstanding, all the time */
#define CB_SOURCE_CRAWL_RATE 100u /* bytes a millisecond in that time: less is crawling */

/* One request for one item, as the source keeps it. */
struct cb_ask {
	struct cb_job *job; /* NULL: nobody waits for the answer any more */
	uint64_t asked_ms;
	uint32_t item;
	uint32_t len;
	bool is_exact;
	bool is_repeated; /* the item was asked for elsewhere too */
	enum cb_digest_kind digest;
	uint8_t expect[CB_DIGEST_LEN];
};

enum cb_answer {
	CB_ANSWER_BYTES, /* length and digest are right */
	CB_ANSWER_WRONG, /* wrong bytes or length: counts against source and item */
	CB_ANSWER_ABSENT,
	CB_ANSWER_FAILED, /* counts against the item; err says how */
	CB_ANSWER_BUSY, /* the source wants to be left alone for a while; ask again */
	CB_ANSWER_NONE, /* not answered at all: ask again, nobody's fault */
};

/* The bytes of an answer, in a buffer of platform->mem; buf is NULL once somebody has taken it. */
struct cb_received {
	uint8_t *buf;
	size_t len;
	unsigned connection; /* a number that the source gave the connection */
};

/* A place that can take a request now, and what it is like. */
struct cb_room {
	void *place;
	bool is_new; /* has carried no request before */
	bool is_idle; /* none is outstanding on it */
	uint32_t rate_bytes_ms; /* 0: not known */
	uint64_t outstanding_bytes;
};

struct cb_source;

struct cb_source_ops {
	/* Sends, receives, hands answers to cb_fetch_answer. Handles at most *budget bytes of body and
	 * sets it to 0 after one that was judged at once. Lowers *wake_ms. True when something
	 * happened. */
	bool (*step)(struct cb_source *s, uint32_t *budget, uint64_t *wake_ms);
	/* The least loaded place that can take a request now. False: none. */
	bool (*room)(struct cb_source *s, struct cb_room *ret);
	/* Puts a request to a place that room gave. URL_FORMAT when the path cannot be asked for. */
	enum cb_err (*ask)(struct cb_source *s, void *place, const struct cb_ask *ask,
			   const struct cb_fetch_item *item, bool is_no_cache);
	/* Requests wait that no place can take: may make another one. needs_new: an idle used place
	 * may make way for it. True when it did. */
	bool (*grow)(struct cb_source *s, bool needs_new);
	/* Places that are not ready yet but soon may be. */
	unsigned (*n_coming)(const struct cb_source *s);
	/* Shows all outstanding requests, when each is expected to be answered (UINT64_MAX: unknown),
	 * and when a byte came last over its connection, or the request was made. */
	void (*each_ask)(struct cb_source *s,
			 void (*visit)(void *ctx, struct cb_ask *ask, uint64_t due_ms,
				       uint64_t heard_ms),
			 void *ctx);
	/* Forgets requests of job, all (item == UINT32_MAX) or those for one item. */
	void (*drop)(struct cb_source *s, const struct cb_job *job, uint32_t item);
	/* Wrong bytes came over this connection, if it still stands: they may come from a cache that
	 * sits on it, so it ends. */
	void (*distrust)(struct cb_source *s, unsigned connection);
	void (*free)(struct cb_source *s);
};

/* The common part; sources embed it first. */
struct cb_source {
	const struct cb_source_ops *ops;
	struct cb_fetch *fetch;
	unsigned index;
	char name[CB_URL_MAX + 1];
	uint64_t not_before_ms; /* back-off */
	uint64_t last_byte_ms, resumed_ms; /* last heard of; heard of again after a pause */
	uint64_t body_bytes, wrong_objects;
	uint32_t n_connections;
	uint32_t answer_ms; /* smoothed time from request to the end of its answer */
	uint32_t near_ms; /* least time from request to its answer's begin seen; 0: not known */
	uint32_t rate_bytes_ms; /* all its connections that carry something */
	uint64_t outstanding_bytes; /* of answers still to come */
	unsigned n_fails; /* in a row, since the last answer */
	unsigned n_busy; /* answers in a row that asked for patience */
	unsigned n_absent; /* in a row */
	unsigned n_good; /* since the last wrong object */
	enum cb_err last_err; /* of the last failure */
	uint64_t tried_ms; /* when it got its only connection, or the first of several */
	uint64_t crawl_since_ms, crawl_bytes; /* body_bytes then */
	bool is_crawling; /* in the last such time; a preferred source is not preferred then */
	bool is_up; /* has answered */
	bool is_banned;
	enum cb_preference preference;
};

/* For sources: the answer to an ask that they no longer hold. received: NULL for all but BYTES.
 * False when BYTES were refused. */
bool cb_fetch_answer(struct cb_source *s, const struct cb_ask *ask, enum cb_answer answer,
		     enum cb_err err, struct cb_received *received);
/* For sources: bytes of a wanted body have come. */
void cb_fetch_progress(struct cb_source *s, size_t len);
/* For sources: no connection, or one that ended without an answer. Backs off. */
void cb_source_failed(struct cb_source *s, enum cb_err err);
/* For sources: asked to be left alone; wait_ms 0: for as long as the back-off says. */
void cb_source_busy(struct cb_source *s, uint64_t wait_ms);
/* For sources: a good or at least well-formed answer has come. */
void cb_source_answered(struct cb_source *s);
/* Only one request at a time: it has delivered wrong objects, lacks everything, or is busy. */
bool cb_source_is_slowed(const struct cb_source *s);
bool cb_source_is_down(const struct cb_source *s);

const struct cb_platform *cb_fetch_platform(const struct cb_fetch *f);
uint64_t cb_fetch_now(const struct cb_fetch *f);
/* Connections of all sources; the engine keeps them below CB_FETCH_MAX_CONNECTIONS. */
unsigned cb_fetch_n_connections(const struct cb_fetch *f);

#endif
