/* SPDX-License-Identifier: MIT */
/* chunkboot status: how long does everything stay good, and what needs doing? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/account.h"
#include "host/meta_write.h"
#include "host/repo_status.h"

static const char *arg_keys;

extern const struct cb_verb cb_verb_status;

/* Whose record is it? Only the key store knows. */
struct owner {
	uint8_t locator[32];
	char account[CB_ACCOUNT_MAX + 1];
};

struct status {
	const char *repo;
	int64_t now_s;
	struct cb_repo_view view;
	size_t n_owners;
	struct owner *owners;
	struct cb_records_status records;
	unsigned n_needs; /* things to do */
	json_t *roles, *needy; /* with --json */
};

/* ---- Roles ---- */

static const char *advice(enum cb_tuf_role role)
{
	switch (role) {
	case CB_TUF_ROOT:
		return "sign a new root with the offline root keys";
	case CB_TUF_TARGETS:
		return "publish or withdraw an image, which needs the offline targets key";
	default:
		return "run 'chunkboot refresh', daily";
	}
}

static enum cb_err look_at_role(struct status *s, enum cb_tuf_role role)
{
	const struct cb_tuf_info *info = cb_tuf_info(s->view.tuf);
	enum cb_freshness f = cb_role_freshness(info, role, s->now_s);
	uint64_t version = info->versions.version[role];
	char date[CB_TIME_TEXT_MAX];

	s->n_needs += f != CB_FRESH;
	cb_time_text(info->expires_s[role], date);
	cb_say("%-10s version %-6ju expires %s  %s%s%s", cb_role_name(role), (uintmax_t)version,
	       date, cb_freshness_name(f), f == CB_FRESH ? "" : ": ",
	       f == CB_FRESH ? "" : advice(role));
	if (!arg_json)
		return CB_OK;
	json_t *doc = json_pack("{sI ss ss}", "version", (json_int_t)version, "expires", date,
				"state", cb_freshness_name(f));
	return json_object_set_new(s->roles, cb_role_name(role), doc) == 0 ? CB_OK : CB_NO_MEMORY;
}

/* ---- Records ---- */

static enum cb_err find_owners(struct status *s, struct cb_error *e)
{
	struct cb_account_names names = { 0 };
	struct cb_stored_account stored = { 0 };
	enum cb_err err = cb_record_store_list(arg_keys, &names, e);

	if (err != CB_OK)
		return err;
	s->owners = calloc(names.n + 1, sizeof(*s->owners));
	if (s->owners == NULL) {
		cb_account_names_done(&names);
		return cb_fail(e, CB_NO_MEMORY, "%s", s->repo);
	}
	for (size_t i = 0; err == CB_OK && i < names.n; i++) {
		err = cb_record_store_load(arg_keys, names.at[i], &stored, e);
		if (err != CB_OK)
			break;
		struct owner *owner = &s->owners[s->n_owners++];
		memcpy(owner->locator, stored.locator, sizeof(owner->locator));
		snprintf(owner->account, sizeof(owner->account), "%s", stored.account);
	}
	cb_wipe(&stored, sizeof(stored));
	cb_account_names_done(&names);
	return err;
}

/* A revoked record that is left over harms nobody. */
static void on_needy(void *ctx, const struct cb_needy_record *r)
{
	struct status *s = ctx;
	const char *account = NULL;
	char date[CB_TIME_TEXT_MAX] = "";

	for (size_t i = 0; account == NULL && i < s->n_owners; i++)
		if (memcmp(s->owners[i].locator, r->locator, sizeof(s->owners[i].locator)) == 0)
			account = s->owners[i].account;
	if (r->expires_s != 0)
		cb_time_text(r->expires_s, date);
	s->n_needs += strcmp(r->state, "revoked") != 0;
	cb_say("%s%s  %s%s%s", account != NULL ? "account " : "",
	       account != NULL ? account : r->path, r->state, date[0] != '\0' ? ", expires " : "",
	       date);
	if (arg_json)
		json_array_append_new(s->needy,
				      json_pack("{ss ss? ss ss}", "path", r->path, "account",
						account, "state", r->state, "expires", date));
}

static void say_records(const struct cb_records_status *r)
{
	cb_say("%ju account record%s: %ju due, %ju expired, %ju outdated, %ju revoked, %ju damaged",
	       (uintmax_t)r->n, cb_plural(r->n), (uintmax_t)r->n_due, (uintmax_t)r->n_expired,
	       (uintmax_t)r->n_outdated, (uintmax_t)r->n_revoked, (uintmax_t)r->n_damaged);
	if (r->n_due + r->n_expired + r->n_outdated > 0)
		cb_say("'chunkboot account renew' gives records new dates");
	if (r->n_damaged > 0)
		cb_say("damaged records: restore them from a copy, or remove them");
}

/* ---- Keys ---- */

static enum cb_err look_at_keys(struct status *s, struct cb_error *e)
{
	uint8_t realm[32];
	enum cb_err err = cb_keys_realm(arg_keys, realm, e);

	if (err == CB_OK && memcmp(realm, s->view.realm_id, sizeof(realm)) != 0) {
		err = cb_fail(e, CB_META_SIGNATURE, "%s/metadata/1.root.json", s->repo);
		cb_fail_hint(e, "the keys in %s belong to another repository", arg_keys);
	}
	if (err == CB_OK)
		err = find_owners(s, e);
	if (err == CB_OK && cb_keys_are_together(arg_keys))
		cb_warn("offline and online keys lie on one host; whoever breaks into it signs "
			"whatever they like: keep %s/offline elsewhere",
			arg_keys);
	return err;
}

/* ---- The verb ---- */

static enum cb_err print_json(struct status *s)
{
	const struct cb_tuf_info *info = cb_tuf_info(s->view.tuf);
	const struct cb_records_status *r = &s->records;

	return cb_print_json(json_pack(
		"{ss sb ss si ss sO s{sI sI sI sI sI sI} sO so}", "type", "status", "good",
		s->n_needs == 0, "title", info->title, "images", (int)cb_tuf_n_targets(s->view.tuf),
		"default", info->default_image, "roles", s->roles, "records", "total",
		(json_int_t)r->n, "due", (json_int_t)r->n_due, "expired", (json_int_t)r->n_expired,
		"outdated", (json_int_t)r->n_outdated, "revoked", (json_int_t)r->n_revoked,
		"damaged", (json_int_t)r->n_damaged, "attention", s->needy, "keys_together",
		arg_keys == NULL ? json_null() : json_boolean(cb_keys_are_together(arg_keys))));
}

static enum cb_err look(struct status *s, struct cb_error *e)
{
	/* at time 0 nothing is expired: the dates are judged here */
	enum cb_err err = cb_repo_view_open(s->repo, 0, &s->view, e);

	if (err == CB_OK && arg_keys != NULL)
		err = look_at_keys(s, e);
	for (int role = 0; err == CB_OK && role < CB_TUF_N_ROLES; role++)
		err = look_at_role(s, (enum cb_tuf_role)role);
	if (err != CB_OK)
		return err;
	const struct cb_records_look look_at = { s->repo, s->view.tuf, s->now_s, on_needy, s };
	err = cb_records_status_of(&look_at, &s->records, e);
	if (err != CB_OK)
		return err;
	unsigned n = cb_tuf_n_targets(s->view.tuf);
	const char *default_image = cb_tuf_info(s->view.tuf)->default_image;
	cb_say("%u image%s, %s%s", n, cb_plural(n),
	       default_image[0] == '\0' ? "none is the default" : "default ", default_image);
	say_records(&s->records);
	return arg_json ? print_json(s) : CB_OK;
}

static enum cb_err needs_attention(const struct status *s, struct cb_error *e)
{
	enum cb_err err = cb_fail(e, CB_ATTENTION, "%s", s->repo);

	if (arg_quiet && !arg_json)
		cb_fail_hint(e, "'chunkboot status %s' says what and when", s->repo);
	return err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct status s = { .repo = operands[0], .now_s = time(NULL) };

	(void)n;
	s.roles = json_object();
	s.needy = json_array();
	enum cb_err err = look(&s, e);
	if (err == CB_OK && s.n_needs > 0)
		err = needs_attention(&s, e);
	json_decref(s.roles);
	json_decref(s.needy);
	free(s.owners);
	cb_repo_view_done(&s.view);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the realm's keys: names the accounts, and warns when offline and "
		  "online keys lie on this host together",
	  .text = &arg_keys },
	{ 0 },
};

const struct cb_verb cb_verb_status = {
	.name = "status",
	.group = CB_GROUP_LOOK,
	.summary = "say what expires when, and what needs doing",
	.usage = "REPO [--keys KEYS]",
	.about =
		"One line a metadata role, then the account records that need attention, then\n"
		"counts. Something is due as soon as less than half of its life is left.\n"
		"\n"
		"Exit status 0: nothing to do; 1: something is due, expired, outdated or damaged.\n"
		"For a monitor or a timer: 'chunkboot status REPO --quiet'.",
	.examples = "  chunkboot status /srv/boot\n"
		    "  chunkboot status /srv/boot --keys ~/keys --json\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
