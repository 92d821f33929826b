/* SPDX-License-Identifier: MIT */
/*
 * Metadata workflow: asks for what the TUF client wants next and hands it over.
 *
 * In rounds, until there is no newer root, each mirror is asked for the next root and its timestamp;
 * along with the first round, one mirror for the bundle. So a boot without news of root takes one
 * round trip. The bundle answers for nothing: every mirror's own root and timestamp are asked for all
 * the same, and a file out of the bundle is judged like one that came by itself.
 */
#include "core/refresh.h"

#include <string.h>

#include "core/bundle.h"

#define IN_BUNDLE CB_FETCH_MAX_MIRRORS /* index of the bundle's candidate */
#define N_CANDIDATES (CB_FETCH_MAX_MIRRORS + 1)

/* A timestamp; kept until what it names is here. Judged when the root is settled. */
struct candidate {
	uint8_t bytes[CB_TUF_TIMESTAMP_MAX];
	size_t len; /* 0: none */
	uint64_t version; /* 0: not judged */
};

struct cb_refresh {
	const struct cb_platform *platform;
	struct cb_fetch *fetch;
	struct cb_tuf *tuf;
	struct cb_job *job, *bundle_job;
	struct cb_tuf_want want;
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
	struct candidate candidates[N_CANDIDATES];
	uint8_t *bundle_bytes; /* NULL: none */
	struct cb_bundle bundle;
};

static uint64_t now_ms(const struct cb_refresh *r)
{
	return r->platform->now_ms(r->platform->ctx);
}

static void wake_at(uint64_t *wake_ms, uint64_t at_ms)
{
	if (at_ms < *wake_ms)
		*wake_ms = at_ms;
}

/* ---- Timestamps ---- */

/* Is it valid? Then the grace of the other mirrors begins. */
static enum cb_err judge(struct cb_refresh *r, struct candidate *c)
{
	enum cb_err err =
		cb_tuf_check_timestamp(r->tuf, (struct cb_bytes){ c->bytes, c->len }, &c->version);

	if (err == CB_OK && r->first_valid_ms == UINT64_MAX)
		r->first_valid_ms = now_ms(r);
	return err;
}

static enum cb_err keep_candidate(struct cb_refresh *r, unsigned i, struct cb_bytes file)
{
	struct candidate *c = &r->candidates[i];

	if (file.len > sizeof(c->bytes))
		return CB_META_LIMIT;
	memcpy(c->bytes, file.p, file.len);
	c->len = file.len;
	return judge(r, c);
}

/* Judges all by the newest root; forgets those that are not valid. */
static void judge_all(struct cb_refresh *r)
{
	for (unsigned i = 0; i < N_CANDIDATES; i++) {
		struct candidate *c = &r->candidates[i];
		enum cb_err err = c->len > 0 ? judge(r, c) : CB_OK;

		if (err == CB_OK)
			continue;
		c->len = 0;
		r->refusal = err;
	}
}

static bool is_better(const struct cb_refresh *r, const struct candidate *a,
		      const struct candidate *b)
{
	if ((a->version < r->below) != (b->version < r->below))
		return a->version < r->below;
	return a->version > b->version;
}

/* Accepts the newest candidate that is left; the reason for refusing all when there is none. */
static enum cb_err adopt_newest(struct cb_refresh *r, enum cb_err reason)
{
	for (;;) {
		struct candidate *best = NULL;
		enum cb_err err;

		for (unsigned i = 0; i < N_CANDIDATES; i++) {
			struct candidate *c = &r->candidates[i];
			if (c->len > 0 && (!best || is_better(r, c, best)))
				best = c;
		}
		if (!best)
			return reason;
		r->chosen = (int)(best - r->candidates);
		err = cb_tuf_accept(r->tuf, (struct cb_bytes){ best->bytes, best->len });
		if (err == CB_OK)
			return CB_OK;
		best->len = 0;
		reason = err;
	}
}

/* A chosen timestamp counts only when what it names can be had: else the next newest one. */
static enum cb_err give_up_candidate(struct cb_refresh *r, enum cb_err err)
{
	enum cb_err reason = r->refusal != CB_OK ? r->refusal : err;

	/* When everything is silent, the other candidates' files would not come either. */
	if (r->want.role <= CB_TUF_TIMESTAMP || r->chosen < 0 || err == CB_NET_TIMEOUT)
		return reason;
	cb_tuf_restart_timestamp(r->tuf);
	r->candidates[r->chosen].len = 0;
	return adopt_newest(r, reason);
}

/* ---- The bundle ---- */

static void drop_bundle(struct cb_refresh *r)
{
	cb_free(&r->platform->mem, r->bundle_bytes);
	r->bundle_bytes = NULL;
	r->bundle.n = 0;
}

static void describe_bundle(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	(void)ctx;
	(void)item;
	*ret = (struct cb_fetch_item){
		.path = CB_BUNDLE_PATH,
		.len = CB_BUNDLE_MAX_LEN,
		.is_mutable = true,
		.source = CB_FETCH_ANY_SOURCE,
	};
}

static enum cb_err deliver_bundle(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_refresh *r = ctx;
	struct cb_bytes timestamp;
	enum cb_err err;

	(void)item;
	(void)source;
	r->bundle_bytes = cb_alloc(&r->platform->mem, bytes.len);
	if (!r->bundle_bytes)
		return CB_NO_MEMORY;
	memcpy(r->bundle_bytes, bytes.p, bytes.len);
	err = cb_bundle_parse((struct cb_bytes){ r->bundle_bytes, bytes.len }, &r->bundle);
	if (err != CB_OK) {
		drop_bundle(r);
	} else if (cb_bundle_find(&r->bundle, "metadata/timestamp.json", &timestamp)) {
		(void)!keep_candidate(r, IN_BUNDLE, timestamp);
	}
	return err;
}

/* Offers the wanted file out of the bundle; a bad one is as good as none. */
static bool take_from_bundle(struct cb_refresh *r)
{
	struct cb_bytes file;

	/* Its timestamp is one candidate among others. */
	return r->want.role != CB_TUF_TIMESTAMP &&
		cb_bundle_find(&r->bundle, r->want.path, &file) &&
		cb_tuf_accept(r->tuf, file) == CB_OK;
}

static enum cb_err ask_for_bundle(struct cb_refresh *r)
{
	return cb_fetch_submit(r->fetch,
			       &(struct cb_job_params){
				       .ctx = r,
				       .n_items = 1,
				       .describe = describe_bundle,
				       .deliver = deliver_bundle,
				       .absent_err = CB_META_MISSING,
				       .wrong_err = CB_META_FORMAT,
				       .is_hint = true,
			       },
			       &r->bundle_job);
}

static void end_bundle_job(struct cb_refresh *r)
{
	cb_job_free(r->bundle_job);
	r->bundle_job = NULL;
}

/* Is the bundle still worth waiting for? The other mirrors' answers no longer are. */
static bool is_bundle_awaited(struct cb_refresh *r, uint64_t *ret_wake_ms)
{
	struct cb_fetch_stats stats;
	uint64_t until;

	if (!r->bundle_job || cb_job_status(r->bundle_job, NULL, NULL) != CB_JOB_RUNNING)
		return false;
	if (r->bundle_ms == UINT64_MAX)
		r->bundle_ms = now_ms(r);
	cb_fetch_stats(r->fetch, &stats);
	until = stats.last_progress_ms > r->bundle_ms ? stats.last_progress_ms : r->bundle_ms;
	until += CB_REFRESH_BUNDLE_MS;
	if (now_ms(r) >= until)
		return false;
	wake_at(ret_wake_ms, until);
	return true;
}

/* ---- Rounds: item 2 i is the next root, item 2 i + 1 the timestamp of mirror i ---- */

static bool is_root_item(uint32_t item)
{
	return item % 2 == 0;
}

static void describe_round(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_refresh *r = ctx;

	*ret = (struct cb_fetch_item){
		.path = "metadata/timestamp.json",
		.len = CB_TUF_TIMESTAMP_MAX,
		.is_mutable = !is_root_item(item),
		.source = (int)(item / 2),
	};
	if (is_root_item(item)) {
		memcpy(ret->path, r->want.path, sizeof(r->want.path));
		ret->len = r->want.max_len;
	}
}

static enum cb_err deliver_round(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_refresh *r = ctx;
	enum cb_err err;

	if (!is_root_item(item)) {
		/* Whether it is good, the newest root will tell. */
		(void)!keep_candidate(r, source, bytes);
		return CB_OK;
	}
	if (r->has_new_root)
		return CB_OK;
	err = cb_tuf_accept(r->tuf, bytes);
	r->has_new_root = err == CB_OK;
	if (err != CB_OK)
		r->root_refusal = err;
	return err;
}

static enum cb_err missing_in_round(void *ctx, uint32_t item, enum cb_err err)
{
	struct cb_refresh *r = ctx;

	if (is_root_item(item) && err == CB_META_MISSING)
		r->is_root_absent = true;
	else if (r->refusal == CB_OK || r->refusal == CB_NET_NO_MIRROR) /* which says the least */
		r->refusal = err;
	return CB_OK;
}

static enum cb_err start_round(struct cb_refresh *r)
{
	enum cb_err err;

	r->has_new_root = r->is_root_absent = false;
	r->root_refusal = r->refusal = CB_OK;
	r->first_valid_ms = UINT64_MAX;
	err = cb_fetch_submit(r->fetch,
			      &(struct cb_job_params){
				      .ctx = r,
				      .n_items = 2 * cb_fetch_n_sources(r->fetch),
				      .describe = describe_round,
				      .deliver = deliver_round,
				      .missing = missing_in_round,
				      .absent_err = CB_META_MISSING,
				      .wrong_err = CB_META_HASH,
			      },
			      &r->job);
	if (err != CB_OK || r->has_begun)
		return err;
	r->has_begun = true;
	return ask_for_bundle(r);
}

/* All that count have answered. */
static enum cb_err round_done(struct cb_refresh *r)
{
	end_bundle_job(r);
	r->is_settling = false;
	if (r->has_new_root || take_from_bundle(r))
		return CB_OK;
	if (r->is_root_absent)
		return cb_tuf_absent(r->tuf);
	if (r->root_refusal != CB_OK)
		return r->root_refusal;
	return r->refusal != CB_OK ? r->refusal : r->round_err;
}

/* ---- Single files ---- */

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	const struct cb_refresh *r = ctx;
	bool is_timestamp = r->want.role == CB_TUF_TIMESTAMP;

	*ret = (struct cb_fetch_item){
		.len = r->want.max_len,
		.is_exact = r->want.has_len,
		.is_mutable = is_timestamp,
		.digest = r->want.has_sha256 ? CB_DIGEST_SHA256 : CB_DIGEST_NONE,
		.source = is_timestamp ? (int)item : CB_FETCH_ANY_SOURCE,
	};
	memcpy(ret->path, r->want.path, sizeof(r->want.path));
	memcpy(ret->expect, r->want.sha256, sizeof(ret->expect));
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_refresh *r = ctx;
	enum cb_err err;

	(void)source;
	if (r->want.role == CB_TUF_TIMESTAMP) {
		err = keep_candidate(r, item, bytes);
		if (err != CB_OK)
			r->candidates[item].len = 0;
	} else {
		err = cb_tuf_accept(r->tuf, bytes);
	}
	if (err != CB_OK)
		r->refusal = err;
	return err;
}

static enum cb_err missing(void *ctx, uint32_t item, enum cb_err err)
{
	struct cb_refresh *r = ctx;

	(void)item;
	if (r->want.role != CB_TUF_TIMESTAMP)
		return err;
	/* One mirror without a good timestamp: the others decide. */
	if (r->refusal == CB_OK)
		r->refusal = err;
	return CB_OK;
}

static enum cb_err start_job(struct cb_refresh *r)
{
	bool is_timestamp = r->want.role == CB_TUF_TIMESTAMP;

	r->refusal = CB_OK;
	return cb_fetch_submit(r->fetch,
			       &(struct cb_job_params){
				       .ctx = r,
				       .n_items = is_timestamp ? cb_fetch_n_sources(r->fetch) : 1,
				       .describe = describe,
				       .deliver = deliver,
				       .missing = missing,
				       .absent_err = CB_META_MISSING,
				       .wrong_err = CB_META_HASH,
			       },
			       &r->job);
}

/* Takes what is here already, or asks for it. */
static enum cb_err start(struct cb_refresh *r)
{
	if (take_from_bundle(r))
		return CB_OK;
	if (r->want.role == CB_TUF_ROOT)
		return start_round(r);
	if (r->want.role == CB_TUF_TIMESTAMP) {
		judge_all(r);
		if (adopt_newest(r, CB_META_MISSING) == CB_OK)
			return CB_OK;
	}
	return start_job(r);
}

/* err: why the job failed, CB_OK when it did not. */
static enum cb_err end_job(struct cb_refresh *r, enum cb_err err)
{
	cb_job_free(r->job);
	r->job = NULL;
	if (r->want.role == CB_TUF_ROOT) {
		r->is_settling = true;
		r->round_err = err != CB_OK ? err : CB_META_MISSING;
		return err == CB_NO_MEMORY ? err : CB_OK;
	}
	if (err != CB_OK)
		return give_up_candidate(r, err);
	if (r->want.role == CB_TUF_TIMESTAMP)
		return adopt_newest(r, r->refusal != CB_OK ? r->refusal : CB_META_MISSING);
	return CB_OK;
}

/* A valid timestamp is here (and in a round, word on the next root), the others had their time. */
static bool is_grace_over(const struct cb_refresh *r, uint64_t *ret_wake_ms)
{
	uint64_t until;

	if (r->want.role > CB_TUF_TIMESTAMP || r->first_valid_ms == UINT64_MAX ||
	    (r->want.role == CB_TUF_ROOT && !r->has_new_root && !r->is_root_absent))
		return false;
	until = r->first_valid_ms + CB_REFRESH_GRACE_MS;
	if (now_ms(r) >= until)
		return true;
	wake_at(ret_wake_ms, until);
	return false;
}

/* One turn of the workflow; *ret_waits tells that only the network can bring the next one. */
static enum cb_err turn(struct cb_refresh *r, uint64_t *ret_wake_ms, bool *ret_waits)
{
	enum cb_err err = CB_OK;

	*ret_waits = false;
	if (r->is_settling) {
		*ret_waits = is_bundle_awaited(r, ret_wake_ms);
		return *ret_waits ? CB_OK : round_done(r);
	}
	if (!r->job)
		return start(r);
	if (cb_job_status(r->job, &err, NULL) == CB_JOB_RUNNING)
		*ret_waits = !is_grace_over(r, ret_wake_ms);
	return *ret_waits ? CB_OK : end_job(r, err);
}

enum cb_job_status cb_refresh_step(struct cb_refresh *r, uint64_t *ret_wake_ms,
				   enum cb_err *ret_err)
{
	bool waits = false;

	while (r->err == CB_OK && !waits) {
		if (!r->job && !cb_tuf_next(r->tuf, &r->want)) {
			drop_bundle(r);
			return CB_JOB_DONE;
		}
		r->err = turn(r, ret_wake_ms, &waits);
	}
	if (r->err == CB_OK)
		return CB_JOB_RUNNING;
	*ret_err = r->err;
	return CB_JOB_FAILED;
}

/* ---- Life ---- */

const char *cb_refresh_subject(const struct cb_refresh *r)
{
	return r->want.path;
}

bool cb_refresh_has_older(const struct cb_refresh *r)
{
	for (unsigned i = 0; i < N_CANDIDATES; i++) {
		const struct candidate *c = &r->candidates[i];
		if (c->len > 0 && c->version < r->candidates[r->chosen].version)
			return true;
	}
	return false;
}

void cb_refresh_prefer_below(struct cb_refresh *r, uint64_t version)
{
	r->below = version;
}

enum cb_err cb_refresh_new(const struct cb_platform *platform, struct cb_fetch *fetch,
			   struct cb_tuf *tuf, struct cb_refresh **ret)
{
	struct cb_refresh *r = cb_alloc_zeroed(&platform->mem, sizeof(*r));

	if (!r)
		return CB_NO_MEMORY;
	r->platform = platform;
	r->fetch = fetch;
	r->tuf = tuf;
	r->first_valid_ms = r->bundle_ms = r->below = UINT64_MAX;
	r->chosen = -1;
	*ret = r;
	return CB_OK;
}

void cb_refresh_free(struct cb_refresh *r)
{
	if (!r)
		return;
	cb_job_free(r->job);
	cb_job_free(r->bundle_job);
	drop_bundle(r);
	cb_free(&r->platform->mem, r);
}
