/* SPDX-License-Identifier: MIT */
/* chunkboot gc: removes what no listed image needs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "host/garbage.h"
#include "host/meta_write.h"
#include "host/repo_lock.h"
#include "host/repo_view.h"

static const char *arg_keys;
static bool arg_yes;

extern const struct cb_verb cb_verb_gc;

/* Who cannot sign for this realm has no business with its files; and paths get mixed up. */
static enum cb_err check_realm(const char *repo, const struct cb_repo_view *view,
			       struct cb_error *e)
{
	uint8_t realm[32];
	enum cb_err err = cb_keys_realm(arg_keys, realm, e);

	if (err != CB_OK || memcmp(realm, view->realm_id, sizeof(realm)) == 0)
		return err;
	err = cb_fail(e, CB_META_SIGNATURE, "%s/metadata/1.root.json", repo);
	cb_fail_hint(e, "the keys in %s belong to another repository", arg_keys);
	return err;
}

static void describe(const struct cb_garbage *g, char out[128])
{
	char size[CB_SIZE_TEXT_MAX];

	snprintf(out, 128, "%zu file%s, %s", g->n, cb_plural(g->n), cb_size_text(g->bytes, size));
}

/* USAGE where nobody can be asked; *ret false: the person said no. */
static enum cb_err ask(const struct cb_garbage *g, bool *ret, struct cb_error *e)
{
	char what[128], answer[16];

	*ret = true;
	if (arg_yes || arg_dry_run || g->n == 0)
		return CB_OK;
	if (!isatty(STDIN_FILENO))
		return cb_usage(e, &cb_verb_gc, "without a terminal gc needs --yes or --dry-run");
	describe(g, what);
	fprintf(stderr, "Remove %s? [y/N] ", what);
	*ret = fgets(answer, sizeof(answer), stdin) != NULL &&
		(answer[0] == 'y' || answer[0] == 'Y');
	return CB_OK;
}

static enum cb_err report(const struct cb_garbage *g, bool is_removed)
{
	const uint64_t *n = g->n_of;
	char what[128];

	if (arg_json)
		return cb_print_json(json_pack(
			"{ss sb sI sI sI sI sI sI sI}", "type", "gc", "removed", is_removed,
			"files", (json_int_t)g->n, "bytes", (json_int_t)g->bytes, "metadata",
			(json_int_t)n[CB_GARBAGE_METADATA], "manifests",
			(json_int_t)n[CB_GARBAGE_MANIFEST], "indexes",
			(json_int_t)n[CB_GARBAGE_INDEX], "chunks", (json_int_t)n[CB_GARBAGE_CHUNK],
			"leftovers", (json_int_t)n[CB_GARBAGE_LEFTOVER]));
	describe(g, what);
	if (g->n == 0)
		cb_say("nothing to remove");
	else
		cb_say("%s %s (chunks %ju, manifests %ju, indexes %ju, metadata %ju, leftovers "
		       "%ju)",
		       is_removed	   ? "removed" :
			       arg_dry_run ? "would remove" :
					     "kept",
		       what, (uintmax_t)n[CB_GARBAGE_CHUNK], (uintmax_t)n[CB_GARBAGE_MANIFEST],
		       (uintmax_t)n[CB_GARBAGE_INDEX], (uintmax_t)n[CB_GARBAGE_METADATA],
		       (uintmax_t)n[CB_GARBAGE_LEFTOVER]);
	return CB_OK;
}

static enum cb_err collect(const char *repo, struct cb_garbage *g, struct cb_error *e)
{
	struct cb_repo_view view = { 0 };
	bool is_wanted = false;
	/* at time 0: what is expired is listed all the same */
	enum cb_err err = cb_repo_view_open(repo, 0, &view, e);

	if (err == CB_OK)
		err = check_realm(repo, &view, e);
	if (err == CB_OK)
		err = cb_garbage_find(repo, view.tuf, g, e);
	cb_repo_view_done(&view);
	if (err == CB_OK)
		err = ask(g, &is_wanted, e);
	is_wanted = is_wanted && !arg_dry_run;
	if (err == CB_OK && is_wanted)
		err = cb_garbage_remove(repo, g, e);
	return err == CB_OK ? report(g, is_wanted) : err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	cb_cleanup(cb_repo_unlock) struct cb_repo_lock lock = { 0 };
	cb_cleanup(cb_garbage_done) struct cb_garbage garbage = { 0 };
	enum cb_err err = arg_dry_run ? CB_OK : cb_repo_lock(operands[0], &lock, e);

	(void)n;
	return err == CB_OK ? collect(operands[0], &garbage, e) : err;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the realm's keys, to be sure that this is its repository",
	  .is_required = true,
	  .text = &arg_keys },
	{ .name = "yes", .letter = 'y', .help = "do not ask", .flag = &arg_yes },
	{ 0 },
};

const struct cb_verb cb_verb_gc = {
	.name = "gc",
	.group = CB_GROUP_REPOSITORY,
	.summary = "remove what no listed image needs",
	.usage = "REPO --keys KEYS [--yes] [--dry-run]",
	.about =
		"Removes chunks, manifests and indexes of images that were withdrawn, metadata that\n"
		"newer versions replaced, and temporary files of a publisher that was killed. What a\n"
		"listed image needs stays, so do all roots, account records, files with other names,\n"
		"and directories that are symbolic links.\n"
		"\n"
		"A machine that is still fetching a withdrawn image fails: wait for it. A version\n"
		"that is gone may be published again with other content.",
	.examples = "  chunkboot gc /srv/boot --keys ~/keys --dry-run\n"
		    "  chunkboot gc /srv/boot --keys ~/keys --yes\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
