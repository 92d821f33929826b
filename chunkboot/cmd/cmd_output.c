/* SPDX-License-Identifier: MIT */
/* What the tool prints: lines for people, JSON for scripts, errors with a hint, progress. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define PROGRESS_EVERY_MS 100

static bool is_progress_shown;
static int64_t progress_ms;

static void print_line(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

static void print_line(const char *fmt, va_list args)
{
	cb_progress_end();
	vprintf(fmt, args);
	printf("\n");
}

void cb_say(const char *fmt, ...)
{
	va_list args;

	if (arg_quiet || arg_json)
		return;
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

void cb_show(const char *fmt, ...)
{
	va_list args;

	if (arg_json)
		return;
	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

const char *cb_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static const char *colour(const char *code)
{
	bool is_plain = arg_no_color || getenv("NO_COLOR") != NULL || !isatty(STDERR_FILENO);

	return is_plain ? "" : code;
}

void cb_warn(const char *fmt, ...)
{
	va_list args;

	if (arg_quiet)
		return;
	cb_progress_end();
	fprintf(stderr, "chunkboot: %swarning:%s ", colour("\033[33m"), colour("\033[0m"));
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
}

/* Takes over the reference. */
static enum cb_err print_document(json_t *document)
{
	if (document == NULL)
		return CB_NO_MEMORY;
	cb_progress_end();
	int failed = json_dumpf(document, stdout, JSON_COMPACT);
	json_decref(document);
	printf("\n");
	return failed != 0 ? CB_NO_MEMORY : CB_OK;
}

enum cb_err cb_print_json(json_t *document)
{
	if (arg_dry_run)
		json_object_set_new(document, "dry_run", json_true());
	return print_document(document);
}

static json_t *error_document(const char *code, const char *message, const char *hint)
{
	return json_pack("{ss ss ss ss}", "type", "error", "code", code, "message", message, "hint",
			 hint);
}

static void print_json_error(unsigned code, char *message, const char *hint)
{
	char name[16];

	snprintf(name, sizeof(name), "CB-E%03u", code);
	json_t *doc = error_document(name, message, hint);
	/* jansson refuses text that is not UTF-8; a name may be such */
	for (char *p = message; doc == NULL && *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	if (doc == NULL)
		doc = error_document(name, message, hint);
	if (print_document(doc) != CB_OK)
		printf("{\"type\":\"error\",\"code\":\"%s\"}\n", name);
}

void cb_print_error(const struct cb_error *e, enum cb_err err)
{
	char message[CB_ERROR_MESSAGE_MAX];
	const char *hint = cb_error_hint(e, err);

	cb_progress_end();
	fflush(stdout);
	cb_error_message(e, err, message);
	fprintf(stderr, "chunkboot: %serror:%s %s\n", colour("\033[31m"), colour("\033[0m"),
		message);
	if (hint[0] != '\0')
		fprintf(stderr, "hint: %s\n", hint);
	if (arg_json)
		print_json_error(cb_err_info(err)->code, message, hint);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void cb_progress(const char *what, uint64_t done_bytes, uint64_t total_bytes)
{
	char done[CB_SIZE_TEXT_MAX], total[CB_SIZE_TEXT_MAX];
	int64_t now = now_ms();

	if (arg_quiet || !isatty(STDERR_FILENO))
		return;
	if (is_progress_shown && now - progress_ms < PROGRESS_EVERY_MS)
		return;
	is_progress_shown = true;
	progress_ms = now;
	fprintf(stderr, "\r\033[K%s  %s", what, cb_size_text(done_bytes, done));
	if (total_bytes > 0)
		fprintf(stderr, " of %s", cb_size_text(total_bytes, total));
	fflush(stderr);
}

void cb_progress_end(void)
{
	if (is_progress_shown)
		fprintf(stderr, "\r\033[K");
	is_progress_shown = false;
}

const char *cb_size_text(uint64_t bytes, char out[CB_SIZE_TEXT_MAX])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	unsigned i = 0;

	/* 1,023.95 would be rounded up to 1024.0 */
	for (; v >= 1023.95 && i + 1 < sizeof(unit) / sizeof(unit[0]); i++)
		v /= 1024;
	snprintf(out, CB_SIZE_TEXT_MAX, i == 0 ? "%.0f %s" : "%.1f %s", v, unit[i]);
	return out;
}
