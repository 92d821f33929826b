/* SPDX-License-Identifier: MIT */
/* chunkboot verify: is everything in a repository what was signed? */
#include <stdio.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/verify.h"

#define MAX_LISTED 1000 /* problems; more are only counted */

struct report {
	json_t *problems;
	uint64_t n_listed;
};

static void on_problem(void *ctx, enum cb_err err, const char *object)
{
	struct report *r = ctx;
	char code[16];

	if (r->n_listed++ >= MAX_LISTED)
		return;
	snprintf(code, sizeof(code), "CB-E%03u", cb_err_info(err)->code);
	cb_progress_end();
	cb_say("%s: %s (%s)", object, cb_err_info(err)->message, code);
	if (arg_json)
		json_array_append_new(r->problems,
				      json_pack("{ss ss ss}", "object", object, "code", code,
						"message", cb_err_info(err)->message));
}

static void on_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	(void)ctx;
	cb_progress("verifying", done_bytes, total_bytes);
}

static enum cb_err print_report(const struct cb_verify_result *v, json_t *problems)
{
	char raw[CB_SIZE_TEXT_MAX], stored[CB_SIZE_TEXT_MAX];

	if (arg_json)
		return cb_print_json(json_pack(
			"{ss sb sI sI sI sI sI sI sO}", "type", "verify", "good",
			v->n_problems == 0, "images", (json_int_t)v->n_images, "chunks",
			(json_int_t)v->n_chunks, "records", (json_int_t)v->n_records, "raw_bytes",
			(json_int_t)v->raw_bytes, "stored_bytes", (json_int_t)v->stored_bytes,
			"n_problems", (json_int_t)v->n_problems, "problems", problems));
	if (v->n_problems == 0)
		cb_say("all good: %ju image%s, %ju chunk%s, %s stored as %s, %ju account record%s",
		       (uintmax_t)v->n_images, cb_plural(v->n_images), (uintmax_t)v->n_chunks,
		       cb_plural(v->n_chunks), cb_size_text(v->raw_bytes, raw),
		       cb_size_text(v->stored_bytes, stored), (uintmax_t)v->n_records,
		       cb_plural(v->n_records));
	return CB_OK;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct report report = { .problems = json_array() };
	struct cb_verify_result result;
	struct cb_verify_params p = {
		.repo = operands[0],
		.now_s = time(NULL),
		.on_problem = on_problem,
		.on_progress = on_progress,
		.ctx = &report,
	};
	enum cb_err err = cb_verify(&p, &result, e), printed = CB_OK;

	(void)n;
	cb_progress_end();
	if (err == CB_OK || result.n_images > 0)
		printed = print_report(&result, report.problems);
	json_decref(report.problems);
	if (err != CB_OK && result.n_problems > 1)
		cb_fail_hint(e, "%ju problems in all; publish the images again, or restore a copy",
			     (uintmax_t)result.n_problems);
	return err != CB_OK ? err : printed;
}

const struct cb_verb cb_verb_verify = {
	.name = "verify",
	.group = CB_GROUP_LOOK,
	.summary = "check everything in a repository",
	.usage = "REPO",
	.about =
		"Checks signatures, versions and dates of the metadata, every manifest, every chunk\n"
		"(stored bytes, decompression, id), every segment as a whole, the casync indexes, and who signed\n"
		"the account records.\n"
		"Exit status 3 when something is wrong; the message names the first object.",
	.examples = "  chunkboot verify /srv/boot\n"
		    "  chunkboot verify /srv/boot --json\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
