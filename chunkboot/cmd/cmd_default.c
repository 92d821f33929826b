/* SPDX-License-Identifier: MIT */
/* chunkboot default: chooses the image that loaders fetch while the person signs in. */
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/image_name.h"
#include "host/meta_write.h"
#include "host/repo_lock.h"

static const char *arg_keys;

static enum cb_err set(struct cb_repo_meta *meta, const char *name, struct cb_error *e)
{
	bool is_same = strcmp(meta->default_image, name) == 0;
	enum cb_err err = CB_OK;

	if (cb_repo_meta_newest(meta, name) == NULL)
		return cb_fail(e, CB_META_NO_IMAGE, "%s", name);
	if (!is_same)
		err = cb_repo_meta_set_default(meta, name, e);
	if (err == CB_OK && !is_same)
		err = cb_repo_meta_commit(meta, e);
	if (err != CB_OK)
		return err;
	cb_say("%s %s the default image%s", name, arg_dry_run && !is_same ? "would be" : "is",
	       is_same ? " already" : "");
	return arg_json ? cb_print_json(json_pack("{ss ss sb}", "type", "default", "name", name,
						  "unchanged", is_same)) :
			  CB_OK;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_meta_place place = { .repo = operands[0],
				       .keys = arg_keys,
				       .now_s = time(NULL),
				       .is_dry_run = arg_dry_run };
	struct cb_repo_lock lock = { 0 };
	struct cb_repo_meta meta;
	enum cb_err err = CB_OK;

	(void)n;
	if (!cb_is_image_name(operands[1]))
		return cb_bad_image_name("image name", operands[1], e);
	if (!arg_dry_run)
		err = cb_repo_lock(place.repo, &lock, e);
	if (err != CB_OK)
		return err;
	err = cb_repo_meta_load(&place, &meta, e);
	if (err == CB_OK)
		err = set(&meta, operands[1], e);
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

const struct cb_verb cb_verb_default = {
	.name = "default",
	.group = CB_GROUP_REPOSITORY,
	.summary = "choose the default image",
	.usage = "REPO NAME --keys KEYS",
	.about = "Loaders fetch the default image while the person types, so make it the one that\n"
		 "most people boot.",
	.examples = "  chunkboot default /srv/boot desk --keys /secure/keys\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
