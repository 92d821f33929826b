/* SPDX-License-Identifier: MIT */
/* chunkboot inspect: what is this file? */
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "host/files.h"
#include "host/inspect.h"

#define MAX_DEPTH 12 /* of what is shown; metadata nests less deep */
#define LABEL_COLUMNS 20

static void print_value(const char *label, int depth, const json_t *value);

static void print_members(int depth, const json_t *object)
{
	json_t *o = (json_t *)(uintptr_t)object;

	for (void *at = json_object_iter(o); at != NULL; at = json_object_iter_next(o, at))
		print_value(json_object_iter_key(at), depth, json_object_iter_value(at));
}

static void print_scalar(const char *label, int depth, const json_t *value)
{
	bool is_string = json_is_string(value);
	char *text =
		is_string ? strdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY);

	/* The file may come from anywhere, and a terminal obeys control characters. */
	for (char *p = text; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (text == NULL || text[0] == '\0')
		cb_show("%*s%s", 2 * depth, "", label);
	else
		cb_show("%*s%-*s %s", 2 * depth, "", LABEL_COLUMNS - 2 * depth, label, text);
	free(text);
}

/* NOLINTNEXTLINE(misc-no-recursion): our own documents, at most MAX_DEPTH deep */
static void print_value(const char *label, int depth, const json_t *value)
{
	if (depth >= MAX_DEPTH)
		return;
	if (!json_is_object(value) && !json_is_array(value)) {
		print_scalar(label, depth, value);
		return;
	}
	if (json_is_object(value)) {
		cb_show("%*s%s", 2 * depth, "", label);
		print_members(depth + 1, value);
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		print_value(label, depth, json_array_get(value, i));
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_map map = { 0 };
	json_t *d = NULL;
	enum cb_err err = cb_map_open(operands[0], &map, e);

	(void)n;
	if (err == CB_OK && map.bytes.len > CB_INSPECT_MAX_LEN)
		err = cb_fail(e, CB_USAGE, "%s: none of chunkboot's files", operands[0]);
	if (err == CB_OK)
		err = cb_inspect(operands[0], map.bytes, &d, e);
	cb_map_done(&map);
	if (err != CB_OK)
		return err;
	if (arg_json)
		return cb_print_json(d);
	print_members(0, d);
	json_decref(d);
	return CB_OK;
}

const struct cb_verb cb_verb_inspect = {
	.name = "inspect",
	.group = CB_GROUP_LOOK,
	.summary = "show what is in a file",
	.usage = "FILE",
	.about =
		"Recognises manifests (.cbm), casync indexes (.caibx), chunk files (.cacnk), account\n"
		"records (their public part), metadata, bundles, and loaders (their configuration).\n"
		"Signatures are not judged: that is what 'chunkboot verify' does.",
	.examples = "  chunkboot inspect chunkboot.efi\n"
		    "  chunkboot inspect /srv/boot/metadata/timestamp.json --json\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
