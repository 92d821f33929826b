/* SPDX-License-Identifier: MIT */
/* chunkboot fetch: the loader's own client on Linux. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/verbs.h"
#include "host/cache_file.h"
#include "host/client.h"
#include "host/files.h"
#include "host/tls_files.h"

static const char *arg_dir, *arg_root, *arg_cache;
static struct cb_texts arg_near, arg_tls_cas, arg_tls_pins;

static void show_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	if (total_bytes != 0)
		cb_progress(ctx, done_bytes, total_bytes);
}

/* ---- The directory ---- */

static enum cb_err write_file(const char *name, struct cb_bytes content, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	enum cb_err err = cb_path(path, e, "%s/%s", arg_dir, name);
	return err == CB_OK ? cb_file_write(path, content, 0644, e) : err;
}

static enum cb_err write_segments(const struct cb_client *c, struct cb_error *e)
{
	const struct cb_manifest *m = cb_client_manifest(c);
	enum cb_err err = cb_dirs_make(arg_dir, 0755, e);
	for (unsigned i = 0; i < m->n_segments && err == CB_OK; i++) {
		char name[16];
		cb_segment_name(m, i, name);
		err = write_file(name, cb_client_segment(c, i), e);
	}
	if (err == CB_OK && m->kind == CB_KIND_LINUX)
		err = write_file("cmdline", m->cmdline, e);
	return err == CB_OK ? write_file("manifest.cbm", m->bytes, e) : err;
}

static enum cb_err write_boot_json(const struct cb_client *c, struct cb_error *e)
{
	char *json = cb_client_boot_json(c);
	if (json == NULL)
		return cb_fail(e, CB_NO_MEMORY, "boot.json");
	enum cb_err err = write_file("boot.json", cb_bytes_of(json), e);
	free(json);
	return err;
}

/* ---- The report ---- */

static json_t *segment_json(const struct cb_manifest *m, unsigned i)
{
	char name[16], sha256[2 * CB_DIGEST_LEN + 1];
	cb_segment_name(m, i, name);
	cb_hex_encode(m->segments[i].sha256, CB_DIGEST_LEN, sha256);
	return json_pack("{ss sI ss}", "name", name, "bytes", (json_int_t)m->segments[i].raw_len,
			 "sha256", sha256);
}

static enum cb_err report(const struct cb_client *c, uint64_t elapsed_ms)
{
	const struct cb_manifest *m = cb_client_manifest(c);
	const struct cb_tuf_target *target = cb_client_target(c);
	char body[CB_SIZE_TEXT_MAX], raw[CB_SIZE_TEXT_MAX], image[CB_TARGET_PATH_MAX + 1];
	char cached[CB_SIZE_TEXT_MAX];
	size_t len = strlen(target->path) - strlen(".cbm");
	memcpy(image, target->path, len);
	image[len] = '\0';
	if (!arg_json) {
		cb_say("fetched %s@%s%s%s: %s from %s%s%s in %ju.%ju s", target->name,
		       target->version, arg_dry_run ? ", wrote nothing" : " to ",
		       arg_dry_run ? "" : arg_dir, cb_size_text(m->raw_total, raw),
		       cb_size_text(cb_client_body_bytes(c), body),
		       arg_cache == NULL ? "" : " and from the cache ",
		       arg_cache == NULL ? "" : cb_size_text(cb_client_cache_bytes(c), cached),
		       (uintmax_t)elapsed_ms / 1000, (uintmax_t)elapsed_ms % 1000 / 100);
		return CB_OK;
	}
	json_t *segments = json_array();
	for (unsigned i = 0; i < m->n_segments; i++)
		json_array_append_new(segments, segment_json(m, i));
	return cb_print_json(json_pack(
		"{ss ss ss ss ss so sI sI sI}", "type", "fetched", "image", image, "name",
		target->name, "version", target->version, "directory", arg_dir, "segments",
		segments, "body_bytes", (json_int_t)cb_client_body_bytes(c), "cache_bytes",
		(json_int_t)cb_client_cache_bytes(c), "elapsed_ms", (json_int_t)elapsed_ms));
}

static enum cb_err fetch(struct cb_client *c, const char *image, struct cb_error *e)
{
	enum cb_err err = cb_client_refresh(c, e);
	if (err == CB_OK)
		err = cb_client_fetch(c, image, e);
	uint64_t elapsed_ms = cb_client_elapsed_ms(c);
	if (err == CB_OK && !arg_dry_run)
		err = write_segments(c, e);
	if (err == CB_OK && !arg_dry_run)
		err = write_boot_json(c, e);
	return err == CB_OK ? report(c, elapsed_ms) : err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	cb_cleanup(cb_file_done) struct cb_file root = { 0 };
	const struct cb_tls_options tls = { arg_tls_cas.at, arg_tls_cas.n, arg_tls_pins.at,
					    arg_tls_pins.n };
	struct cb_tls_files tls_files;
	cb_cleanup(cb_cache_file_done) struct cb_cache_file cache = { 0 };
	struct cb_client *client;
	char *image = operands[n - 1];
	int64_t now_s = time(NULL);
	if ((unsigned)n - 1 + arg_near.n > CB_FETCH_MAX_MIRRORS)
		return cb_usage(e, &cb_verb_fetch, "more than %d mirrors", CB_FETCH_MAX_MIRRORS);
	enum cb_err err = cb_file_read(arg_root, CB_TUF_ROOT_MAX, &root, e);
	if (err == CB_OK)
		err = cb_tls_files_read(&tls, now_s, &tls_files, e);
	if (err != CB_OK)
		return err;
	/* --dry-run changes nothing, and the cache would get what was missing in it */
	if (arg_cache != NULL && !arg_dry_run)
		err = cb_cache_file_open(arg_cache, /*is_writer=*/true, &cache, e);
	if (err != CB_OK)
		return err;
	struct cb_client_params params = {
		.root = cb_file_bytes(&root),
		.urls = (const char *const *)operands,
		.n_urls = (unsigned)n - 1,
		.near = arg_near.at,
		.n_near = arg_near.n,
		.now_s = now_s,
		.tls = &tls_files.trust,
		.cache = cache.cache,
		.progress = show_progress,
		.ctx = image,
	};
	err = cb_client_new(&params, &client, e);
	if (err != CB_OK)
		return err;
	err = fetch(client, image, e);
	cb_client_free(client);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .value = "DIR",
	  .help = "directory for the files; made when missing",
	  .is_required = true,
	  .text = &arg_dir },
	{ .name = "root",
	  .value = "ROOT.json",
	  .help = "the root of trust: the realm's root file, from a place that you trust",
	  .is_required = true,
	  .text = &arg_root },
	{ .name = "near",
	  .value = "URL",
	  .help = "a mirror nearby, such as the site's cache: asked first, the others for what "
		  "it has not got; may be given several times",
	  .texts = &arg_near },
	{ .name = "tls-ca",
	  .value = "FILE",
	  .help = "PEM file with the certificate of the authority that https mirrors are "
		  "certified by; up to 4 certificates",
	  .texts = &arg_tls_cas },
	{ .name = "tls-pin",
	  .value = "HEX",
	  .help = "SHA-256 of an https mirror's public key (SubjectPublicKeyInfo); only servers "
		  "with such a key are taken then; up to 8",
	  .texts = &arg_tls_pins },
	{ .name = "cache",
	  .value = "FILE",
	  .help = "cache file or device: what is in it is not fetched, and what is fetched is "
		  "put in; see 'chunkboot cache'",
	  .text = &arg_cache },
	{ 0 },
};

const struct cb_verb cb_verb_fetch = {
	.name = "fetch",
	.group = CB_GROUP_BOOT,
	.summary = "fetch and verify an image as the loader does",
	.usage = "URL... NAME[@VERSION] -o DIR --root ROOT.json [OPTION]...",
	.about =
		"The loader's own client on Linux: brings the metadata up to date, fetches the\n"
		"manifest and the chunks of NAME from all mirrors at once, verifies every byte, and\n"
		"writes the segments (kernel, initrd-0 ...), cmdline, manifest.cbm and boot.json to\n"
		"DIR. Nothing is written unless everything is good.",
	.examples = "  chunkboot fetch http://192.0.2.1:8080/ debian -o boot --root root.json\n"
		    "  chunkboot fetch http://a.example/ http://b.example/ debian@2 -o boot \\\n"
		    "      --root root.json --json\n"
		    "  chunkboot fetch https://boot.example/ debian -o boot --root root.json \\\n"
		    "      --tls-ca ca.pem\n",
	.options = options,
	.min_operands = 2,
	.max_operands = CB_FETCH_MAX_MIRRORS + 1,
	.run = run,
};
