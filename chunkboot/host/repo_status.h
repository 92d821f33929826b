/* SPDX-License-Identifier: MIT */
/* How long a repository stays good: dates of metadata and account records against the clock. */
#ifndef CB_HOST_REPO_STATUS_H
#define CB_HOST_REPO_STATUS_H

#include "host/repo_view.h"

/* By its dates. Due: less than half of the life that it was signed for is left. */
enum cb_freshness { CB_FRESH, CB_DUE, CB_EXPIRED };

const char *cb_freshness_name(enum cb_freshness f); /* "ok", "due", "expired" */
const char *cb_role_name(enum cb_tuf_role role); /* "root", "timestamp", ... */

/* What a role of verified metadata is at now_s; its life is what the writer gives it. */
enum cb_freshness cb_role_freshness(const struct cb_tuf_info *info, enum cb_tuf_role role,
				    int64_t now_s);

/* An account record that needs attention. */
struct cb_needy_record {
	const char *path; /* below the repository */
	const uint8_t *locator;
	const char *state; /* "due", "expired", "outdated", "revoked", "damaged" */
	int64_t expires_s; /* 0 when damaged */
};

struct cb_records_status {
	uint64_t n; /* all */
	uint64_t n_due, n_expired; /* 'account renew' cures them */
	uint64_t n_outdated; /* of an epoch before the realm's least one: renew, too */
	uint64_t n_revoked; /* left over; a loader refuses them */
	uint64_t n_damaged; /* not signed by this realm, or no record */
};

struct cb_records_look {
	const char *repo;
	const struct cb_tuf *tuf; /* complete */
	int64_t now_s;
	void (*on_needy)(void *ctx, const struct cb_needy_record *r); /* not simply good */
	void *ctx;
};

/* Looks at every record in the repository. IO, NO_MEMORY. */
enum cb_err cb_records_status_of(const struct cb_records_look *params,
				 struct cb_records_status *ret, struct cb_error *e);

/* Do private keys of the offline roles (root, targets) and of the online roles lie in keys_dir? */
bool cb_keys_are_together(const char *keys_dir);

#endif
