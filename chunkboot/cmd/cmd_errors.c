/* SPDX-License-Identifier: MIT */
/* chunkboot errors: the closed list of codes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

static json_t *entry_json(const struct cb_err_info *info)
{
	char code[16];

	snprintf(code, sizeof(code), "CB-E%03u", info->code);
	return json_pack("{ss ss si ss ss}", "code", code, "name", info->name, "exit_code",
			 info->exit_code, "message", info->message, "hint", info->hint);
}

/* The number in "CB-E203", "E203" or "203"; 0 for anything else. */
static unsigned code_of(const char *text)
{
	if (strncmp(text, "CB-", 3) == 0)
		text += 3;
	if (text[0] == 'E')
		text++;
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	return strlen(text) == 3 && *end == '\0' ? (unsigned)n : 0;
}

static void print_entry(const struct cb_err_info *info)
{
	printf("CB-E%03u  exit %-3d  %s\n", info->code, info->exit_code, info->message);
	if (info->hint[0] != '\0')
		printf("                   %s\n", info->hint);
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	const struct cb_err_info *info;
	unsigned only = n > 0 ? code_of(operands[0]) : 0, n_found = 0;
	json_t *list = json_array();

	for (unsigned i = 0; (info = cb_err_at(i)) != NULL; i++) {
		if (info->code == 0 || (n > 0 && info->code != only))
			continue;
		n_found++;
		if (!arg_json)
			print_entry(info);
		else if (json_array_append_new(list, entry_json(info)) != 0)
			n_found = 0;
	}
	if (n_found == 0) {
		json_decref(list);
		return cb_fail(e, CB_NOT_FOUND, "%s", n > 0 ? operands[0] : "list of codes");
	}
	if (arg_json)
		return cb_print_json(json_pack("{ss so}", "type", "errors", "errors", list));
	json_decref(list);
	return CB_OK;
}

const struct cb_verb cb_verb_errors = {
	.name = "errors",
	.group = CB_GROUP_LOOK,
	.summary = "list the error codes",
	.usage = "[CODE]",
	.about =
		"Every failure of the loader and of this tool has one of these codes. The list is\n"
		"closed; a number keeps its meaning for ever.",
	.examples = "  chunkboot errors\n"
		    "  chunkboot errors CB-E203\n"
		    "  chunkboot errors --json\n",
	.max_operands = 1,
	.run = run,
};
