/* SPDX-License-Identifier: MIT */
/* Metadata workflow: which of the mirrors' timestamps counts. */
#include <string.h>

#include "core/refresh_internal.h"

/* Is it valid? Then the grace of the other mirrors begins. */
static enum cb_err judge(struct cb_refresh *r, struct cb_refresh_candidate *c)
{
	enum cb_err err =
		cb_tuf_check_timestamp(r->tuf, (struct cb_bytes){ c->bytes, c->len }, &c->version);

	if (err == CB_OK && r->first_valid_ms == UINT64_MAX)
		r->first_valid_ms = cb_refresh_now(r);
	return err;
}

enum cb_err cb_refresh_candidate_add(struct cb_refresh *r, unsigned i, struct cb_bytes file)
{
	struct cb_refresh_candidate *c = &r->candidates[i];

	if (file.len > sizeof(c->bytes))
		return CB_META_LIMIT;
	memcpy(c->bytes, file.p, file.len);
	c->len = file.len;
	return judge(r, c);
}

void cb_refresh_candidates_judge(struct cb_refresh *r)
{
	for (unsigned i = 0; i < CB_REFRESH_N_CANDIDATES; i++) {
		struct cb_refresh_candidate *c = &r->candidates[i];
		enum cb_err err = c->len > 0 ? judge(r, c) : CB_OK;

		if (err == CB_OK)
			continue;
		c->len = 0;
		r->refusal = err;
	}
}

static bool is_better(const struct cb_refresh *r, const struct cb_refresh_candidate *a,
		      const struct cb_refresh_candidate *b)
{
	if ((a->version < r->below) != (b->version < r->below))
		return a->version < r->below;
	return a->version > b->version;
}

enum cb_err cb_refresh_adopt_newest(struct cb_refresh *r, enum cb_err reason)
{
	for (;;) {
		struct cb_refresh_candidate *best = NULL;
		struct cb_bytes file, kept;
		enum cb_err err;

		for (unsigned i = 0; i < CB_REFRESH_N_CANDIDATES; i++) {
			struct cb_refresh_candidate *c = &r->candidates[i];
			if (c->len > 0 && (!best || is_better(r, c, best)))
				best = c;
		}
		if (!best)
			return reason;
		r->chosen = (int)(best - r->candidates);
		file = (struct cb_bytes){ best->bytes, best->len };
		err = cb_refresh_accept(r, file,
					cb_bundle_find(&r->kept.bundle, r->want.path, &kept) &&
						cb_bytes_equal(file, kept));
		if (err == CB_OK)
			return CB_OK;
		best->len = 0;
		reason = err;
	}
}

/* A chosen timestamp counts only when what it names can be had. */
enum cb_err cb_refresh_give_up_candidate(struct cb_refresh *r, enum cb_err err)
{
	enum cb_err reason = r->refusal != CB_OK ? r->refusal : err;
	struct cb_tuf_want failed = r->want;

	/* When everything is silent, the other candidates' files would not come either. */
	if (r->want.role <= CB_TUF_TIMESTAMP || r->chosen < 0 || err == CB_NET_TIMEOUT)
		return reason;
	cb_tuf_restart_timestamp(r->tuf);
	(void)cb_tuf_next(r->tuf, &r->want);
	r->candidates[r->chosen].len = 0;
	err = cb_refresh_adopt_newest(r, reason);
	if (err == reason)
		r->want = failed; /* no other candidate: that file is what it fails for */
	return err;
}

bool cb_refresh_has_older(const struct cb_refresh *r)
{
	for (unsigned i = 0; r->chosen >= 0 && i < CB_REFRESH_N_CANDIDATES; i++) {
		const struct cb_refresh_candidate *c = &r->candidates[i];
		if (c->len > 0 && c->version < r->candidates[r->chosen].version)
			return true;
	}
	return false;
}

void cb_refresh_prefer_below(struct cb_refresh *r, uint64_t version)
{
	r->below = version;
}
