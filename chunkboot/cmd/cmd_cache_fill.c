/* SPDX-License-Identifier: MIT */
/* chunkboot cache fill: brings into a cache what the next boot needs. */
#include <linux/ioprio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cache.h"
#include "host/cache_file.h"
#include "host/client.h"
#include "host/files.h"
#include "host/server.h"
#include "host/tls_files.h"

/* Where it comes from. A repository on this machine is a mirror on its loopback interface. */
struct origins {
	const char *urls[CB_FETCH_MAX_MIRRORS];
	struct cb_server *servers[CB_FETCH_MAX_MIRRORS];
	unsigned n, n_servers;
};

static void origins_done(struct origins *o)
{
	for (unsigned i = 0; i < o->n_servers; i++)
		cb_server_free(o->servers[i]);
}

/* Names of images have none. */
static bool is_origin(const char *operand)
{
	return strchr(operand, '/') != NULL;
}

static enum cb_err add_origin(struct origins *o, const char *operand, struct cb_error *e)
{
	static const char *const loopback[] = { "127.0.0.1:0" };
	const struct cb_server_params params = {
		.repository = operand,
		.listen = loopback,
		.n_listen = 1,
	};
	struct cb_server *server;
	if (strstr(operand, "://") != NULL) {
		o->urls[o->n++] = operand;
		return CB_OK;
	}
	enum cb_err err = cb_server_new(&params, &server, e);
	if (err != CB_OK)
		return err;
	o->servers[o->n_servers++] = server;
	o->urls[o->n++] = cb_server_url(server, 0);
	return CB_OK;
}

/* Behind everything else: a machine that is in use does not notice. */
static void step_back(void)
{
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static void show_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)ctx;
	if (total_bytes != 0)
		cb_progress("filling", done_bytes, total_bytes);
}

static enum cb_err report(const char *name, const struct cb_fill_stats *s, json_t *images)
{
	char size[CB_SIZE_TEXT_MAX];
	cb_progress_end();
	if (s->is_full)
		cb_warn("the cache is full of what is needed; make a larger one");
	if (arg_json)
		return json_array_append_new(images,
					     json_pack("{ss sI sI sI sI sb}", "name", name,
						       "chunks", (json_int_t)s->n_chunks, "missing",
						       (json_int_t)s->n_missing, "put",
						       (json_int_t)s->n_put, "put_bytes",
						       (json_int_t)s->put_bytes, "full",
						       (int)s->is_full)) == 0 ?
			CB_OK :
			CB_NO_MEMORY;
	cb_say("%s: %ju of %ju chunks were missing, put in %ju (%s)", name, (uintmax_t)s->n_missing,
	       (uintmax_t)s->n_chunks, (uintmax_t)s->n_put, cb_size_text(s->put_bytes, size));
	return CB_OK;
}

static enum cb_err report_dry_run(const char *path)
{
	if (arg_json)
		return cb_print_json(json_pack("{ss ss}", "type", "cache-filled", "file", path));
	cb_say("would fill %s", path);
	return CB_OK;
}

static enum cb_err fill_names(struct cb_client *client, int n, char **names, const char *path,
			      struct cb_error *e)
{
	json_t *images = json_array();
	enum cb_err err = cb_client_refresh(client, e);
	bool is_full = false;
	for (int i = 0; err == CB_OK && i < n; i++) {
		struct cb_fill_stats stats;
		err = cb_client_fill(client, names[i], cb_cache_fill_args.rate, &stats, e);
		if (err == CB_OK)
			err = report(names[i], &stats, images);
		is_full |= err == CB_OK && stats.is_full;
	}
	/* It promises these versions. */
	if (err == CB_OK && !is_full)
		err = cb_client_keep_metadata(client, e);
	if (err != CB_OK || !arg_json) {
		json_decref(images);
		return err;
	}
	return cb_print_json(json_pack("{ss ss so sI}", "type", "cache-filled", "file", path,
				       "images", images, "body_bytes",
				       (json_int_t)cb_client_body_bytes(client)));
}

/* operands: the cache, n_origins of where it comes from, then names. */
static enum cb_err fill(struct cb_client_params *params, int n, char **operands, int n_origins,
			struct cb_error *e)
{
	cb_cleanup(origins_done) struct origins origins = { .n = 0 };
	struct cb_client *client;
	enum cb_err err = CB_OK;
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; err == CB_OK && i <= n_origins; i++)
		err = add_origin(&origins, operands[i], e);
	if (err != CB_OK)
		return err;
	params->urls = origins.urls;
	params->n_urls = origins.n;
	err = cb_client_new(params, &client, e);
	if (err != CB_OK)
		return err;
	err = fill_names(client, n - 1 - n_origins, operands + 1 + n_origins, operands[0], e);
	cb_client_free(client);
	return err;
}

enum cb_err cb_cache_fill(int n, char **operands, struct cb_error *e)
{
	const struct cb_cache_fill_args *args = &cb_cache_fill_args;
	cb_cleanup(cb_cache_file_done) struct cb_cache_file file = { 0 };
	cb_cleanup(cb_file_done) struct cb_file root = { 0 };
	const struct cb_tls_options tls = { args->tls_cas.at, args->tls_cas.n, args->tls_pins.at,
					    args->tls_pins.n };
	struct cb_tls_files tls_files;
	int64_t now_s = time(NULL);
	int n_origins = 0;
	while (n_origins + 1 < n && is_origin(operands[n_origins + 1]))
		n_origins++;
	if (n_origins == 0 || n_origins + 1 == n || args->root == NULL)
		return cb_usage(e, &cb_verb_cache,
				"cache fill needs FILE, mirrors or repositories, then names, and "
				"--root");
	if ((unsigned)n_origins + args->near.n > CB_FETCH_MAX_MIRRORS)
		return cb_usage(e, &cb_verb_cache, "more than %d mirrors", CB_FETCH_MAX_MIRRORS);
	enum cb_err err = cb_file_read(args->root, CB_TUF_ROOT_MAX, &root, e);
	if (err == CB_OK)
		err = cb_tls_files_read(&tls, now_s, &tls_files, e);
	if (err == CB_OK)
		err = cb_cache_file_open(operands[0], /*is_writer=*/!arg_dry_run, &file, e);
	if (err != CB_OK)
		return err;
	/* what is missing, only a mirror could tell */
	if (arg_dry_run)
		return report_dry_run(operands[0]);
	step_back();
	struct cb_client_params params = {
		.root = cb_file_bytes(&root),
		.near = args->near.at,
		.n_near = args->near.n,
		.now_s = now_s,
		.tls = &tls_files.trust,
		.cache = file.cache,
		.progress = show_progress,
	};
	return fill(&params, n, operands, n_origins, e);
}
