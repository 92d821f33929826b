/* SPDX-License-Identifier: MIT */
/* Metadata workflow: asks for what the TUF client wants next and hands it over. */
#include "core/refresh.h"

#include <string.h>

/* A mirror's timestamp that would be accepted; kept until its snapshot and targets are here. */
struct candidate {
	uint8_t bytes[CB_TUF_TIMESTAMP_MAX];
	size_t len; /* 0: none */
	uint64_t version;
};

struct cb_refresh {
	const struct cb_platform *platform;
	struct cb_fetch *fetch;
	struct cb_tuf *tuf;
	struct cb_job *job;
	struct cb_tuf_want want;
	bool is_absent; /* the wanted root is absent everywhere: no newer one */
	enum cb_err refusal; /* last verdict on bytes that did arrive, CB_OK: none */
	enum cb_err verdict; /* why there is no timestamp; bad bytes before network trouble */
	enum cb_err err; /* sticky */
	uint64_t first_valid_ms; /* when the first valid timestamp came, UINT64_MAX: not yet */
	int chosen; /* candidate in use, -1: none */
	struct candidate candidates[CB_FETCH_MAX_MIRRORS];
};

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

static enum cb_err keep_candidate(struct cb_refresh *r, uint32_t source, struct cb_bytes file)
{
	struct candidate *c = &r->candidates[source];
	uint64_t version;
	enum cb_err err = cb_tuf_check_timestamp(r->tuf, file, &version);

	if (err != CB_OK)
		return err;
	if (file.len > sizeof(c->bytes))
		return CB_META_LIMIT;
	memcpy(c->bytes, file.p, file.len);
	c->len = file.len;
	c->version = version;
	if (r->first_valid_ms == UINT64_MAX)
		r->first_valid_ms = r->platform->now_ms(r->platform->ctx);
	return CB_OK;
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct cb_refresh *r = ctx;
	enum cb_err err;

	(void)source;
	if (r->want.role == CB_TUF_TIMESTAMP)
		err = keep_candidate(r, item, bytes);
	else
		err = cb_tuf_accept(r->tuf, bytes);
	if (err != CB_OK)
		r->refusal = err;
	return err;
}

/* A refusal tells more than "wrong bytes"; after one the network may still have failed. */
static enum cb_err tell(const struct cb_refresh *r, enum cb_err err)
{
	return err == CB_META_HASH && r->refusal != CB_OK ? r->refusal : err;
}

static enum cb_err missing(void *ctx, uint32_t item, enum cb_err err)
{
	struct cb_refresh *r = ctx;

	(void)item;
	if (r->want.may_be_absent && err == CB_META_MISSING) {
		r->is_absent = true;
		return CB_OK;
	}
	if (r->want.role != CB_TUF_TIMESTAMP)
		return err;
	/* One mirror without a good timestamp: the others decide. */
	if (r->verdict == CB_OK || r->verdict == CB_NET_NO_MIRROR || err == CB_META_HASH)
		r->verdict = tell(r, err);
	return CB_OK;
}

static enum cb_err start_job(struct cb_refresh *r)
{
	bool is_timestamp = r->want.role == CB_TUF_TIMESTAMP;

	r->is_absent = false;
	r->refusal = r->verdict = CB_OK;
	return cb_fetch_submit(r->fetch,
			       &(struct cb_job_params){
				       .ctx = r,
				       .n_items = is_timestamp ? cb_fetch_n_sources(r->fetch) : 1,
				       .describe = describe,
				       .deliver = deliver,
				       .missing = missing,
				       .absent_err = CB_META_MISSING,
				       .wrong_err = CB_META_HASH,
				       .is_optional = r->want.may_be_absent,
			       },
			       &r->job);
}

static void end_job(struct cb_refresh *r)
{
	cb_job_free(r->job);
	r->job = NULL;
}

/* Accepts the newest candidate that is left; the reason for refusing all when there is none. */
static enum cb_err adopt_newest(struct cb_refresh *r, enum cb_err reason)
{
	for (;;) {
		struct candidate *best = NULL;
		enum cb_err err;

		for (unsigned i = 0; i < CB_FETCH_MAX_MIRRORS; i++) {
			struct candidate *c = &r->candidates[i];
			if (c->len > 0 && (!best || c->version > best->version))
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
	enum cb_err reason = r->verdict != CB_OK ? r->verdict : tell(r, err);

	/* When everything is silent, the other candidates' files would not come either. */
	if (r->want.role <= CB_TUF_TIMESTAMP || r->chosen < 0 || err == CB_NET_TIMEOUT)
		return reason;
	cb_tuf_restart_timestamp(r->tuf);
	r->candidates[r->chosen].len = 0;
	return adopt_newest(r, reason);
}

static enum cb_err job_done(struct cb_refresh *r)
{
	if (r->want.role == CB_TUF_TIMESTAMP)
		return adopt_newest(r, r->verdict != CB_OK ? r->verdict : CB_META_MISSING);
	return r->is_absent ? cb_tuf_absent(r->tuf) : CB_OK;
}

static bool is_grace_over(const struct cb_refresh *r, uint64_t *ret_wake_ms)
{
	uint64_t until;

	if (r->want.role != CB_TUF_TIMESTAMP || r->first_valid_ms == UINT64_MAX)
		return false;
	until = r->first_valid_ms + CB_REFRESH_GRACE_MS;
	if (r->platform->now_ms(r->platform->ctx) >= until)
		return true;
	if (until < *ret_wake_ms)
		*ret_wake_ms = until;
	return false;
}

/* One turn of the workflow; *ret_waits tells that only the network can bring the next one. */
static enum cb_err turn(struct cb_refresh *r, uint64_t *ret_wake_ms, bool *ret_waits)
{
	enum cb_err err = CB_OK;

	*ret_waits = false;
	if (!r->job)
		return start_job(r);
	switch (cb_job_status(r->job, &err, NULL)) {
	case CB_JOB_RUNNING:
		*ret_waits = !is_grace_over(r, ret_wake_ms);
		if (*ret_waits)
			return CB_OK;
		end_job(r);
		return job_done(r);
	case CB_JOB_DONE:
		end_job(r);
		return job_done(r);
	case CB_JOB_FAILED:
		break;
	}
	end_job(r);
	return give_up_candidate(r, err);
}

enum cb_job_status cb_refresh_step(struct cb_refresh *r, uint64_t *ret_wake_ms,
				   enum cb_err *ret_err)
{
	bool waits = false;

	while (r->err == CB_OK && !waits) {
		if (!r->job && !cb_tuf_next(r->tuf, &r->want))
			return CB_JOB_DONE;
		r->err = turn(r, ret_wake_ms, &waits);
	}
	if (r->err == CB_OK)
		return CB_JOB_RUNNING;
	*ret_err = r->err;
	return CB_JOB_FAILED;
}

const char *cb_refresh_subject(const struct cb_refresh *r)
{
	return r->want.path;
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
	r->first_valid_ms = UINT64_MAX;
	r->chosen = -1;
	*ret = r;
	return CB_OK;
}

void cb_refresh_free(struct cb_refresh *r)
{
	if (!r)
		return;
	cb_job_free(r->job);
	cb_free(&r->platform->mem, r);
}
