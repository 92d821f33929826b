/* SPDX-License-Identifier: MIT */
/* Judges the dates of metadata and account records. */
#include "host/repo_status.h"

#include <string.h>

#include "core/record.h"
#include "host/heap.h"
#include "host/keys.h"
#include "host/meta_write.h"
#include "host/record_seal.h"
#include "host/records.h"

const char *cb_freshness_name(enum cb_freshness f)
{
	static const char *const names[] = { "ok", "due", "expired" };

	return names[f];
}

const char *cb_role_name(enum cb_tuf_role role)
{
	static const char *const names[CB_TUF_N_ROLES] = { "root", "timestamp", "snapshot",
							   "targets", "accounts" };

	return names[role];
}

static enum cb_freshness judge(int64_t life_s, int64_t expires_s, int64_t now_s)
{
	if (now_s >= expires_s)
		return CB_EXPIRED;
	return expires_s - now_s < life_s / 2 ? CB_DUE : CB_FRESH;
}

enum cb_freshness cb_role_freshness(const struct cb_tuf_info *info, enum cb_tuf_role role,
				    int64_t now_s)
{
	static const int days[CB_TUF_N_ROLES] = {
		[CB_TUF_ROOT] = CB_META_ROOT_DAYS,
		[CB_TUF_TIMESTAMP] = CB_META_TIMESTAMP_DAYS,
		[CB_TUF_SNAPSHOT] = CB_META_SNAPSHOT_DAYS,
		[CB_TUF_TARGETS] = CB_META_TARGETS_DAYS,
		[CB_TUF_ACCOUNTS] = CB_META_ACCOUNTS_DAYS,
	};

	return judge((int64_t)days[role] * CB_META_DAY_S, info->expires_s[role], now_s);
}

/* ---- Account records ---- */

struct look {
	const struct cb_records_look *params;
	struct cb_record_check check;
	struct cb_records_status status;
};

/* Counts the record and says what it is; NULL: good. */
static const char *count(struct look *look, struct cb_bytes file, const uint8_t locator[32],
			 int64_t *ret_expires_s)
{
	struct cb_records_status *status = &look->status;
	struct cb_record_dates dates;
	enum cb_freshness freshness;

	status->n++;
	if (cb_record_verify(&cb_heap, file, &look->check) != CB_OK ||
	    cb_record_read_dates(file, &dates) != CB_OK) {
		status->n_damaged++;
		return "damaged";
	}
	*ret_expires_s = dates.expires_s;
	if (look->check.is_revoked(look->check.ctx, locator)) {
		status->n_revoked++;
		return "revoked";
	}
	if (dates.epoch < look->check.min_epoch) {
		status->n_outdated++;
		return "outdated";
	}
	freshness = judge(dates.expires_s - dates.issued_s, dates.expires_s, look->check.now_s);
	status->n_due += freshness == CB_DUE;
	status->n_expired += freshness == CB_EXPIRED;
	return freshness == CB_FRESH ? NULL : cb_freshness_name(freshness);
}

static enum cb_err look_at(void *ctx, const char *path, const uint8_t locator[32],
			   struct cb_error *e)
{
	struct look *look = ctx;
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	struct cb_needy_record r = { .path = path + strlen(look->params->repo) + 1,
				     .locator = locator };
	enum cb_err err = cb_file_read(path, CB_RECORD_MAX_LEN, &file, e);

	if (err == CB_NOT_FOUND) /* revoked just now */
		return CB_OK;
	if (err != CB_OK)
		return err;
	r.state = count(look, cb_file_bytes(&file), locator, &r.expires_s);
	if (r.state != NULL)
		look->params->on_needy(look->params->ctx, &r);
	return CB_OK;
}

enum cb_err cb_records_status_of(const struct cb_records_look *params,
				 struct cb_records_status *ret, struct cb_error *e)
{
	struct look look = {
		.params = params,
		.check = cb_record_check_of(params->tuf, params->now_s),
	};
	enum cb_err err = cb_records_each(params->repo, look_at, &look, e);

	if (err == CB_OK)
		*ret = look.status;
	return err;
}

/* ---- Keys ---- */

static bool has_key(const char *keys_dir, enum cb_key_role role)
{
	char path[CB_PATH_MAX];

	return cb_key_path(keys_dir, role, 1, path, NULL) == CB_OK && cb_path_exists(path);
}

bool cb_keys_are_together(const char *keys_dir)
{
	bool has_offline = has_key(keys_dir, CB_KEY_ROOT) || has_key(keys_dir, CB_KEY_TARGETS);
	bool has_online = has_key(keys_dir, CB_KEY_SNAPSHOT) ||
		has_key(keys_dir, CB_KEY_TIMESTAMP) || has_key(keys_dir, CB_KEY_ACCOUNTS);

	return has_offline && has_online;
}
