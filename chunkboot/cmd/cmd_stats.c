/* SPDX-License-Identifier: MIT */
/* chunkboot stats: what the images weigh, and what sharing and compressing saves. */
#include <stdio.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/garbage.h"
#include "host/manifest_file.h"
#include "host/repo_view.h"

struct stats {
	unsigned n_images;
	uint64_t n_chunks, n_used; /* different ones; of all images */
	uint64_t image_bytes, raw_bytes, stored_bytes; /* of all images; different; compressed */
	uint64_t n_unlisted, unlisted_bytes;
};

static double ratio(uint64_t a, uint64_t b)
{
	return b == 0 ? 1.0 : (double)a / (double)b;
}

static enum cb_err add_images(const char *repo, struct cb_tuf *tuf, struct cb_chunk_set *set,
			      struct cb_error *e)
{
	enum cb_err err = CB_OK;

	for (unsigned i = 0; err == CB_OK && i < cb_tuf_n_targets(tuf); i++) {
		struct cb_manifest_file f = { 0 };
		struct cb_tuf_target t;

		cb_tuf_target_at(tuf, i, &t);
		err = cb_manifest_file_read(repo, &t, &f, e);
		if (err == CB_NOT_FOUND)
			err = cb_fail(e, CB_META_MISSING, "manifest of %s@%s", t.name, t.version);
		if (err == CB_OK)
			err = cb_chunk_set_add(set, &f.manifest, e);
		cb_manifest_file_done(&f);
	}
	return err;
}

static enum cb_err measure(const char *repo, struct cb_tuf *tuf, struct stats *ret,
			   struct cb_error *e)
{
	cb_cleanup(cb_garbage_done) struct cb_garbage garbage = { 0 };
	struct cb_chunk_set set = { 0 };
	enum cb_err err = add_images(repo, tuf, &set, e);

	if (err == CB_OK)
		*ret = (struct stats){
			.n_images = cb_tuf_n_targets(tuf),
			.n_chunks = set.n,
			.n_used = set.n_used,
			.image_bytes = set.used_raw_bytes,
			.raw_bytes = cb_chunk_set_raw_bytes(&set),
			.stored_bytes = cb_chunk_set_stored_bytes(&set),
		};
	cb_chunk_set_done(&set);
	if (err == CB_OK)
		err = cb_garbage_find(repo, tuf, &garbage, e);
	if (err != CB_OK)
		return err;
	ret->n_unlisted = garbage.n;
	ret->unlisted_bytes = garbage.bytes;
	return CB_OK;
}

static void say_size(const char *what, uint64_t bytes, const char *more)
{
	char size[CB_SIZE_TEXT_MAX];

	cb_show("%-11s %12s  %s", what, cb_size_text(bytes, size), more);
}

static enum cb_err report(const struct stats *s)
{
	double dedup = ratio(s->image_bytes, s->raw_bytes);
	double compression = ratio(s->raw_bytes, s->stored_bytes);
	char text[96];

	if (arg_json)
		return cb_print_json(json_pack(
			"{ss si sI sI sI sI sI sf sf sf sI sI}", "type", "stats", "images",
			(int)s->n_images, "chunks", (json_int_t)s->n_chunks, "chunks_used",
			(json_int_t)s->n_used, "image_bytes", (json_int_t)s->image_bytes,
			"raw_bytes", (json_int_t)s->raw_bytes, "stored_bytes",
			(json_int_t)s->stored_bytes, "dedup_ratio", dedup, "compression_ratio",
			compression, "total_ratio", ratio(s->image_bytes, s->stored_bytes),
			"unlisted_files", (json_int_t)s->n_unlisted, "unlisted_bytes",
			(json_int_t)s->unlisted_bytes));
	snprintf(text, sizeof(text), "in %u image%s", s->n_images, cb_plural(s->n_images));
	say_size("images", s->image_bytes, text);
	snprintf(text, sizeof(text), "in %ju different chunks of %ju: %.2f : 1 by sharing",
		 (uintmax_t)s->n_chunks, (uintmax_t)s->n_used, dedup);
	say_size("different", s->raw_bytes, text);
	snprintf(text, sizeof(text), "%.2f : 1 by compression, %.2f : 1 in all", compression,
		 ratio(s->image_bytes, s->stored_bytes));
	say_size("stored", s->stored_bytes, text);
	snprintf(text, sizeof(text), "in %ju file%s that 'chunkboot gc' would remove",
		 (uintmax_t)s->n_unlisted, cb_plural(s->n_unlisted));
	say_size("not listed", s->unlisted_bytes, text);
	return CB_OK;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_repo_view view = { 0 };
	struct stats stats;
	enum cb_err err = cb_repo_view_open(operands[0], time(NULL), &view, e);

	(void)n;
	if (err == CB_OK)
		err = measure(operands[0], view.tuf, &stats, e);
	cb_repo_view_done(&view);
	return err == CB_OK ? report(&stats) : err;
}

const struct cb_verb cb_verb_stats = {
	.name = "stats",
	.group = CB_GROUP_LOOK,
	.summary = "say what the images weigh, and what sharing saves",
	.usage = "REPO",
	.about = "Counts what the listed images consist of: their size as they boot, the size of\n"
		 "their different chunks, and what these take in the store.",
	.examples = "  chunkboot stats /srv/boot\n"
		    "  chunkboot stats /srv/boot --json\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
