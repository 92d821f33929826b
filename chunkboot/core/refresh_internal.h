/* SPDX-License-Identifier: MIT */
/* Inside the metadata workflow: its state, and what its files share. Not for use outside refresh*.c. */
#ifndef CB_CORE_REFRESH_INTERNAL_H
#define CB_CORE_REFRESH_INTERNAL_H

#include "core/bundle.h"
#include "core/refresh.h"

#define CB_REFRESH_IN_BUNDLE CB_FETCH_MAX_MIRRORS /* index of the bundle's candidate */
#define CB_REFRESH_N_CANDIDATES (CB_FETCH_MAX_MIRRORS + 1)
#define CB_REFRESH_NAME_MAX 64 /* of a metadata file below the repository, with NUL */

/* A timestamp; kept until what it names is here. Judged when the root is settled. */
struct cb_refresh_candidate {
	uint8_t bytes[CB_TUF_TIMESTAMP_MAX];
	size_t len; /* 0: none */
	uint64_t version; /* 0: not judged */
};

/* Metadata files that came in one piece; nothing in it is trusted. bytes NULL: none. */
struct cb_refresh_files {
	uint8_t *bytes;
	struct cb_bundle bundle; /* spans lead into bytes */
};

/* A root that was accepted; the TUF client itself remembers the newest one only. */
struct cb_refresh_root {
	struct cb_refresh_root *next;
	char name[CB_REFRESH_NAME_MAX];
	size_t len;
	uint8_t bytes[];
};

struct cb_refresh {
	const struct cb_platform *platform;
	struct cb_fetch *fetch;
	struct cb_tuf *tuf;
	struct cb_job *job, *bundle_job;
	struct cb_tuf_want want;
	bool is_offline; /* nothing is asked for */
	bool has_begun; /* the bundle has been asked for */
	/* of the round: a newer root was accepted; a mirror has none; the verdict on one; why it failed */
	bool has_new_root, is_root_absent;
	enum cb_err root_refusal, round_err;
	bool is_settling; /* all that remains of the round is the bundle */
	enum cb_err refusal; /* last verdict on other bytes that did arrive, CB_OK: none */
	enum cb_err err; /* sticky */
	uint64_t first_valid_ms; /* when the first valid timestamp came, UINT64_MAX: not yet */
	uint64_t bundle_ms; /* since when only the bundle is waited for, UINT64_MAX: not yet */
	uint64_t below; /* versions of timestamps are wanted below this one */
	int chosen; /* candidate in use, -1: none */
	struct cb_refresh_candidate candidates[CB_REFRESH_N_CANDIDATES];
	struct cb_refresh_files fetched, kept;
	/* For cb_refresh_compose: what was accepted under which name. */
	bool has_news; /* some of it is not what was kept */
	bool lacks_root; /* no memory for one */
	struct cb_refresh_root *roots, **roots_end;
	char names[CB_TUF_N_ROLES][CB_REFRESH_NAME_MAX];
};

static inline uint64_t cb_refresh_now(const struct cb_refresh *r)
{
	return r->platform->now_ms(r->platform->ctx);
}

static inline void cb_refresh_wake_at(uint64_t *wake_ms, uint64_t at_ms)
{
	if (at_ms < *wake_ms)
		*wake_ms = at_ms;
}

/* ---- refresh.c ---- */

/* The only way of a file into the TUF client. is_kept: it comes from the cache. */
enum cb_err cb_refresh_accept(struct cb_refresh *r, struct cb_bytes file, bool is_kept);

/* ---- refresh_timestamps.c ---- */

/* Keeps a timestamp, and tells whether it is valid now. */
enum cb_err cb_refresh_candidate_add(struct cb_refresh *r, unsigned i, struct cb_bytes file);
/* Judges all by the newest root; forgets those that are not valid. */
void cb_refresh_candidates_judge(struct cb_refresh *r);
/* Accepts the newest candidate that is left; the reason for refusing all when there is none. */
enum cb_err cb_refresh_adopt_newest(struct cb_refresh *r, enum cb_err reason);
/* The chosen timestamp promises what can't be had (err): the next newest one. */
enum cb_err cb_refresh_give_up_candidate(struct cb_refresh *r, enum cb_err err);

/* ---- refresh_files.c ---- */

void cb_refresh_files_drop(struct cb_refresh *r, struct cb_refresh_files *f);
/* Offers the wanted file out of what was kept or fetched; a bad one is as good as none. */
bool cb_refresh_files_take(struct cb_refresh *r);
/* The same without a network: the timestamp, too, and what is not there is missing. */
enum cb_err cb_refresh_files_take_offline(struct cb_refresh *r);
/* Asks for the bundle, unless something was kept: then single files are less. */
enum cb_err cb_refresh_bundle_ask(struct cb_refresh *r);
void cb_refresh_bundle_end(struct cb_refresh *r);
/* Is the bundle still worth waiting for? The other mirrors' answers no longer are. */
bool cb_refresh_bundle_is_awaited(struct cb_refresh *r, uint64_t *ret_wake_ms);
/* A root was accepted: remembers it. */
void cb_refresh_roots_add(struct cb_refresh *r, struct cb_bytes file);
void cb_refresh_roots_drop(struct cb_refresh *r);

#endif
