/* SPDX-License-Identifier: MIT */
/* Metadata workflow: brings a cb_tuf up to date over the fetch engine (TUF §5.3 to §5.6). */
#ifndef CB_CORE_REFRESH_H
#define CB_CORE_REFRESH_H

#include "core/fetch.h"
#include "core/tuf.h"

/* After the first valid timestamp the other mirrors get this long to offer a newer one. */
#define CB_REFRESH_GRACE_MS 500
/* When only the bundle is still to come: so long without a byte, and single files are asked for. */
#define CB_REFRESH_BUNDLE_MS 2000

struct cb_refresh; /* opaque */

/* platform, fetch and tuf (fresh from cb_tuf_new) outlive it. The caller owns *ret. */
enum cb_err cb_refresh_new(const struct cb_platform *platform, struct cb_fetch *fetch,
			   struct cb_tuf *tuf, struct cb_refresh **ret);
/* Before cb_fetch_free. NULL is fine. */
void cb_refresh_free(struct cb_refresh *r);
/*
 * Before the first step: a bundle that was kept from an earlier time, of the platform's memory and
 * taken over. What of it is wanted is not asked for; its timestamp counts only offline. Nothing in it
 * is trusted.
 */
void cb_refresh_use_kept(struct cb_refresh *r, uint8_t *bytes, size_t len);
/* Before the first step: asks nobody, what was kept is all there is. FAILED with META_MISSING where
 * something lacks. */
void cb_refresh_offline(struct cb_refresh *r);
/* Before the first step: the newest timestamp below this version is taken, if there is one. */
void cb_refresh_prefer_below(struct cb_refresh *r, uint64_t version);

/*
 * Call before each cb_fetch_step. DONE: the metadata is complete. FAILED: *ret_err says why (META_*
 * rather than a network error where a mirror answered with something) and stays. *ret_wake_ms is
 * lowered to the next own timer.
 */
enum cb_job_status cb_refresh_step(struct cb_refresh *r, uint64_t *ret_wake_ms,
				   enum cb_err *ret_err);
/* The file asked for last, e.g. "metadata/timestamp.json"; for messages. */
const char *cb_refresh_subject(const struct cb_refresh *r);
/* When DONE: was there a good timestamp of an older version, too? */
bool cb_refresh_has_older(const struct cb_refresh *r);
/* Under which key a cache keeps that: of kind CB_CACHE_METADATA, all of it in one record. */
void cb_refresh_key(uint8_t key[CB_DIGEST_LEN]);
/* When DONE: is any of it not what was kept? */
bool cb_refresh_has_news(const struct cb_refresh *r);
/* When DONE: all that was accepted, as a bundle, for keeping; cb_free it. META_LIMIT: too large. */
enum cb_err cb_refresh_compose(const struct cb_refresh *r, uint8_t **ret, size_t *ret_len);

#endif
