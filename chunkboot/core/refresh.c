/* SPDX-License-Identifier: MIT */
/*
 * Metadata workflow: asks for what the TUF client wants next and hands it over.
 *
 * In rounds, until there is no newer root, each mirror is asked for the next root and its timestamp;
 * along with the first round, one mirror for the bundle. So a boot without news of root takes one
 * round trip. The bundle answers for nothing: every mirror's own root and timestamp are asked for all
 * the same, and a file out of the bundle is judged like one that came by itself.
 */
#include <string.h>

#include "core/refresh_internal.h"

enum cb_err cb_refresh_accept(struct cb_refresh *r, struct cb_bytes file, bool is_kept)
{
	enum cb_err err = cb_tuf_accept(r->tuf, file);

	if (err != CB_OK)
		return err;
	memcpy(r->names[r->want.role], r->want.path, sizeof(r->want.path));
	if (r->want.role == CB_TUF_ROOT)
		cb_refresh_roots_add(r, file);
	r->has_news |= !is_kept;
	return CB_OK;
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
		(void)!cb_refresh_candidate_add(r, source, bytes);
		return CB_OK;
	}
	if (r->has_new_root)
		return CB_OK;
	err = cb_refresh_accept(r, bytes, /*is_kept=*/false);
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
	return err != CB_OK ? err : cb_refresh_bundle_ask(r);
}

/* All that count have answered. */
static enum cb_err round_done(struct cb_refresh *r)
{
	cb_refresh_bundle_end(r);
	r->is_settling = false;
	if (r->has_new_root || cb_refresh_files_take(r))
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
		err = cb_refresh_candidate_add(r, item, bytes);
		if (err != CB_OK)
			r->candidates[item].len = 0;
	} else {
		err = cb_refresh_accept(r, bytes, /*is_kept=*/false);
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
	if (r->is_offline)
		return cb_refresh_files_take_offline(r);
	if (cb_refresh_files_take(r))
		return CB_OK;
	if (r->want.role == CB_TUF_ROOT)
		return start_round(r);
	if (r->want.role == CB_TUF_TIMESTAMP) {
		cb_refresh_candidates_judge(r);
		if (cb_refresh_adopt_newest(r, CB_META_MISSING) == CB_OK)
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
		return cb_refresh_give_up_candidate(r, err);
	if (r->want.role == CB_TUF_TIMESTAMP)
		return cb_refresh_adopt_newest(r,
					       r->refusal != CB_OK ? r->refusal : CB_META_MISSING);
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
	if (cb_refresh_now(r) >= until)
		return true;
	cb_refresh_wake_at(ret_wake_ms, until);
	return false;
}

/* One turn of the workflow; *ret_waits tells that only the network can bring the next one. */
static enum cb_err turn(struct cb_refresh *r, uint64_t *ret_wake_ms, bool *ret_waits)
{
	enum cb_err err = CB_OK;

	*ret_waits = false;
	if (r->is_settling) {
		*ret_waits = cb_refresh_bundle_is_awaited(r, ret_wake_ms);
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
			cb_refresh_files_drop(r, &r->fetched);
			cb_refresh_files_drop(r, &r->kept);
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

void cb_refresh_offline(struct cb_refresh *r)
{
	r->is_offline = true;
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
	r->roots_end = &r->roots;
	*ret = r;
	return CB_OK;
}

void cb_refresh_free(struct cb_refresh *r)
{
	if (!r)
		return;
	cb_job_free(r->job);
	cb_job_free(r->bundle_job);
	cb_refresh_files_drop(r, &r->fetched);
	cb_refresh_files_drop(r, &r->kept);
	cb_refresh_roots_drop(r);
	cb_free(&r->platform->mem, r);
}
