/* SPDX-License-Identifier: MIT */
/* chunkboot refresh: re-signs snapshot and timestamp, so that the metadata stays fresh. */
#include <time.h>

#include "cmd/cmd.h"
#include "host/files.h"
#include "host/meta_write.h"
#include "host/repo_lock.h"

#define MAX_SIGN_TIME 253370764800u /* start of the year 9999 */
#define DATE_MAX 32

static const char *arg_keys;
static uint64_t arg_sign_time;

static void format_date(int64_t unix_s, char out[DATE_MAX])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm) != NULL)
		strftime(out, DATE_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static enum cb_err report(const struct cb_tuf_info *info)
{
	static const char *const names[CB_TUF_N_ROLES] = { "root", "timestamp", "snapshot",
							   "targets", "accounts" };
	json_t *roles = json_object();

	if (arg_dry_run)
		cb_say("would sign; nothing was written:");
	for (int role = 0; role < CB_TUF_N_ROLES; role++) {
		char date[DATE_MAX];

		format_date(info->expires_s[role], date);
		cb_say("%-10s version %-6ju expires %s", names[role],
		       (uintmax_t)info->versions.version[role], date);
		json_object_set_new(roles, names[role],
				    json_pack("{sI ss}", "version",
					      (json_int_t)info->versions.version[role], "expires",
					      date));
	}
	if (!arg_json) {
		json_decref(roles);
		return CB_OK;
	}
	return cb_print_json(json_pack("{ss so}", "type", "refresh", "roles", roles));
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_meta_place place = {
		.repo = operands[0],
		.keys = arg_keys,
		.now_s = arg_sign_time != 0 ? (int64_t)arg_sign_time : time(NULL),
		.is_dry_run = arg_dry_run,
	};
	cb_cleanup(cb_repo_unlock) struct cb_repo_lock lock = { 0 };
	struct cb_repo_meta meta;
	enum cb_err err = arg_dry_run ? CB_OK : cb_repo_lock(place.repo, &lock, e);

	(void)n;
	if (err != CB_OK)
		return err;
	err = cb_repo_meta_load(&place, &meta, e);
	if (err == CB_OK)
		err = cb_repo_meta_refresh(&meta, e);
	if (err == CB_META_EXPIRED)
		cb_fail_hint(e,
			     "its own key is in offline/: publish or withdraw an image to sign "
			     "targets; root takes the root keys");
	if (err == CB_OK)
		err = report(&meta.info);
	cb_repo_meta_done(&meta);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the signing keys; only its online/ is needed",
	  .is_required = true,
	  .text = &arg_keys },
	{ .name = "sign-time",
	  .value = "S",
	  .help = "sign as if it were S seconds after 1970",
	  .number = &arg_sign_time,
	  .min = 1,
	  .max = MAX_SIGN_TIME },
	{ 0 },
};

const struct cb_verb cb_verb_refresh = {
	.name = "refresh",
	.group = CB_GROUP_REPOSITORY,
	.summary = "re-sign snapshot and timestamp",
	.usage = "REPO --keys KEYS",
	.about =
		"Loaders refuse a repository whose timestamp is older than 7 days, so that nobody\n"
		"can hold back an update. Run this daily. It verifies what it signs, and needs no\n"
		"key from offline/. When root or targets have expired it fails: those take the\n"
		"offline keys.",
	.examples = "  chunkboot refresh /srv/boot --keys /etc/chunkboot/keys\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
