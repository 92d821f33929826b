/* SPDX-License-Identifier: MIT */
/* chunkboot withdraw: takes an image off the list. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/image_name.h"
#include "host/meta_write.h"
#include "host/repo_lock.h"

static const char *arg_keys;

extern const struct cb_verb cb_verb_withdraw;

/* The default image is a NAME: when its last version goes, so does the default. */
static enum cb_err drop_default(struct cb_repo_meta *meta, const char *name, struct cb_error *e)
{
	if (strcmp(meta->default_image, name) != 0 || cb_repo_meta_newest(meta, name) != NULL)
		return CB_OK;
	return cb_repo_meta_set_default(meta, "", e);
}

static enum cb_err withdraw(struct cb_repo_meta *meta, const char *name, const char *version,
			    struct cb_error *e)
{
	char path[CB_TARGET_PATH_MAX + 1];

	snprintf(path, sizeof(path), "%s/%s.cbm", name, version);
	if (cb_repo_meta_find(meta, path) == NULL)
		return cb_fail(e, CB_META_NO_IMAGE, "%s@%s", name, version);
	enum cb_err err = cb_repo_meta_remove(meta, path, e);

	if (err == CB_OK)
		err = drop_default(meta, name, e);
	return err == CB_OK ? cb_repo_meta_commit(meta, e) : err;
}

static enum cb_err report(const struct cb_repo_meta *meta, const char *name, const char *version)
{
	const struct cb_tuf_target *newest = cb_repo_meta_newest(meta, name);

	cb_say("%s %s@%s; %s%s", arg_dry_run ? "would withdraw" : "withdrew", name, version,
	       newest == NULL ? "no version is left" : "clients get ",
	       newest == NULL ? "" : newest->version);
	if (meta->default_image[0] == '\0')
		cb_warn("the repository has no default image now");
	if (!arg_json)
		return CB_OK;
	return cb_print_json(json_pack(
		"{ss ss ss ss? ss}", "type", "withdraw", "name", name, "version", version, "newest",
		newest == NULL ? NULL : newest->version, "default", meta->default_image));
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_meta_place place = { .repo = operands[0],
				       .keys = arg_keys,
				       .now_s = time(NULL),
				       .is_dry_run = arg_dry_run };
	char name[CB_NAME_MAX + 1], version[CB_NAME_MAX + 1];
	struct cb_repo_lock lock = { 0 };
	struct cb_repo_meta meta;
	enum cb_err err = cb_parse_image_spec(operands[1], name, version, e);

	(void)n;
	if (err == CB_OK && version[0] == '\0')
		err = cb_usage(e, &cb_verb_withdraw, "say which version: %s@VERSION", name);
	if (err == CB_OK && !arg_dry_run)
		err = cb_repo_lock(place.repo, &lock, e);
	if (err != CB_OK)
		return err;
	err = cb_repo_meta_load(&place, &meta, e);
	if (err == CB_OK)
		err = withdraw(&meta, name, version, e);
	if (err == CB_OK)
		err = report(&meta, name, version);
	cb_repo_meta_done(&meta);
	cb_repo_unlock(&lock);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the realm's keys",
	  .is_required = true,
	  .text = &arg_keys },
	{ 0 },
};

const struct cb_verb cb_verb_withdraw = {
	.name = "withdraw",
	.group = CB_GROUP_REPOSITORY,
	.summary = "take an image off the list",
	.usage = "REPO NAME@VERSION --keys KEYS",
	.about =
		"Clients no longer get this version; those that follow NAME get the newest one that\n"
		"is left. Its files stay until 'chunkboot gc', so that a boot that is under way\n"
		"completes. Until then the version cannot be published again with other content.",
	.examples = "  chunkboot withdraw /srv/boot desk@20261122.1 --keys /secure/keys\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
