/* SPDX-License-Identifier: MIT */
/* chunkboot list: the images of a repository. */
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/manifest_file.h"
#include "host/repo_view.h"

/* What one line says. */
struct image {
	struct cb_tuf_target target;
	bool is_newest, is_default; /* of its name; the one that clients get unasked */
	bool has_sizes; /* the manifest could be read */
	uint64_t raw_total, stored_total;
	unsigned n_segments;
};

static void look_at(const char *repo, struct cb_tuf *tuf, unsigned i, struct image *ret)
{
	struct cb_manifest_file f = { 0 };
	struct cb_tuf_target newest;
	struct image image = { 0 };

	cb_tuf_target_at(tuf, i, &image.target);
	struct cb_bytes name = cb_bytes_of(image.target.name);

	image.is_newest = cb_tuf_newest(tuf, name, NULL, &newest) == CB_OK &&
		strcmp(newest.path, image.target.path) == 0;
	image.is_default = image.is_newest && cb_bytes_is(name, cb_tuf_info(tuf)->default_image);
	image.has_sizes = cb_manifest_file_read(repo, &image.target, &f, NULL) == CB_OK;
	if (image.has_sizes) {
		image.raw_total = f.manifest.raw_total;
		image.stored_total = f.manifest.stored_total;
		image.n_segments = f.manifest.n_segments;
	}
	cb_manifest_file_done(&f);
	*ret = image;
}

/* The width of the longest name and version, so that lines are as short as can be. */
struct widths {
	int name, version;
};

static struct widths measure(const struct cb_tuf *tuf)
{
	struct widths w = { (int)strlen("NAME"), (int)strlen("VERSION") };

	for (unsigned i = 0; i < cb_tuf_n_targets(tuf); i++) {
		struct cb_tuf_target t;

		cb_tuf_target_at(tuf, i, &t);
		if ((int)strlen(t.name) > w.name)
			w.name = (int)strlen(t.name);
		if ((int)strlen(t.version) > w.version)
			w.version = (int)strlen(t.version);
	}
	return w;
}

static void print_line(const struct widths *w, const struct image *m)
{
	char raw[CB_SIZE_TEXT_MAX] = "?", stored[CB_SIZE_TEXT_MAX] = "?";

	if (m->has_sizes) {
		cb_size_text(m->raw_total, raw);
		cb_size_text(m->stored_total, stored);
	}
	cb_show("%-*s  %-*s  %6ju  %-5s  %-7s  %10s  %10s%s", w->name, m->target.name, w->version,
		m->target.version, (uintmax_t)m->target.serial, m->target.kind, m->target.arch, raw,
		stored,
		m->is_default	     ? "  default" :
			m->is_newest ? "  newest" :
				       "");
}

static json_t *to_json(const struct image *m)
{
	json_t *d = json_pack("{ss ss sI ss ss sb sb}", "name", m->target.name, "version",
			      m->target.version, "serial", (json_int_t)m->target.serial, "kind",
			      m->target.kind, "arch", m->target.arch, "newest", m->is_newest,
			      "default", m->is_default);

	if (d != NULL && m->has_sizes) {
		json_object_set_new(d, "raw_bytes", json_integer((json_int_t)m->raw_total));
		json_object_set_new(d, "stored_bytes", json_integer((json_int_t)m->stored_total));
		json_object_set_new(d, "segments", json_integer(m->n_segments));
	}
	return d;
}

static enum cb_err list_all(const char *repo, struct cb_tuf *tuf)
{
	const struct cb_tuf_info *info = cb_tuf_info(tuf);
	unsigned n = cb_tuf_n_targets(tuf);
	const struct widths w = measure(tuf);
	json_t *images = json_array();

	if (n > 0)
		cb_show("%-*s  %-*s  %6s  %-5s  %-7s  %10s  %10s", w.name, "NAME", w.version,
			"VERSION", "SERIAL", "KIND", "ARCH", "SIZE", "STORED");
	for (unsigned i = 0; i < n; i++) {
		struct image image;

		look_at(repo, tuf, i, &image);
		print_line(&w, &image);
		if (arg_json)
			json_array_append_new(images, to_json(&image));
	}
	if (n == 0)
		cb_say("no images");
	if (!arg_json) {
		json_decref(images);
		return CB_OK;
	}
	return cb_print_json(json_pack("{ss ss ss so}", "type", "list", "title", info->title,
				       "default", info->default_image, "images", images));
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_repo_view view = { 0 };
	enum cb_err err = cb_repo_view_open(operands[0], time(NULL), &view, e);

	(void)n;
	if (err == CB_OK)
		err = list_all(operands[0], view.tuf);
	cb_repo_view_done(&view);
	return err;
}

const struct cb_verb cb_verb_list = {
	.name = "list",
	.group = CB_GROUP_LOOK,
	.summary = "list a repository's images",
	.usage = "REPO",
	.about =
		"One line an image, in order of name and version. The metadata is verified first;\n"
		"no keys are needed.",
	.examples = "  chunkboot list /srv/boot\n"
		    "  chunkboot list /srv/boot --json\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
