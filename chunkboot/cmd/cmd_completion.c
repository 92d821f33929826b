/* SPDX-License-Identifier: MIT */
/* chunkboot completion: a shell's completion, made from the tables of verbs and options. */
#include <stdio.h>
#include <string.h>

#include "cmd/verbs.h"

#define CB_VERB_POINTER(name) &cb_verb_##name,
static const struct cb_verb *const verbs[] = { CB_VERB_LIST(CB_VERB_POINTER) };
#undef CB_VERB_POINTER
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* ---- What a verb takes ---- */

/* Words in small letters at the start of the usage's lines are actions, such as "add". */
static void print_actions(const struct cb_verb *verb)
{
	for (const char *p = verb->usage; p != NULL;) {
		size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyz-");

		if (len > 0 && p[0] != '-' && (p[len] == ' ' || p[len] == '\n' || p[len] == '\0'))
			printf(" %.*s", (int)len, p);
		p = strchr(p, '\n');
		p = p == NULL ? NULL : p + 1;
	}
}

static bool takes_value(const struct cb_option *o)
{
	return o->flag == NULL;
}

/* Does its value name a file or directory? Numbers and free text have no completion. */
static bool takes_path(const struct cb_option *o)
{
	static const char *const paths[] = { "FILE", "DIR", "KEYS", ".json", "CERT" };

	if (o->flag != NULL || o->number != NULL || o->value == NULL)
		return false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (strstr(o->value, paths[i]) != NULL)
			return true;
	return false;
}

/* The options for which `is_wanted`, with their dashes, between `separator`s. */
static void print_options(const struct cb_verb *verb, bool (*is_wanted)(const struct cb_option *o),
			  const char *separator)
{
	const struct cb_option *o;
	const char *before = "";

	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++) {
		if (is_wanted != NULL && !is_wanted(o))
			continue;
		printf("%s--%s", before, o->name);
		before = separator;
		if (o->letter != 0)
			printf("%s-%c", separator, o->letter);
	}
}

/* ---- bash ---- */

static bool has_any(const struct cb_verb *verb, bool (*is_wanted)(const struct cb_option *o))
{
	const struct cb_option *o;

	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		if (is_wanted(o))
			return true;
	return false;
}

static bool takes_text(const struct cb_option *o)
{
	return takes_value(o) && !takes_path(o);
}

/* What may follow the word before the cursor, when that is an option with a value. */
static void print_values(const struct cb_verb *verb)
{
	if (!has_any(verb, takes_value))
		return;
	printf("\t\tcase $prev in\n");
	if (has_any(verb, takes_path)) {
		printf("\t\t");
		print_options(verb, takes_path, " | ");
		printf(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
	}
	if (has_any(verb, takes_text)) {
		printf("\t\t");
		print_options(verb, takes_text, " | ");
		printf(") return ;;\n");
	}
	printf("\t\tesac\n");
}

static void print_verb(const struct cb_verb *verb)
{
	printf("\t%s)\n\t\toptions='", verb->name);
	print_options(verb, NULL, " ");
	printf("'\n\t\tactions='");
	print_actions(verb);
	printf("'\n");
	print_values(verb);
	printf("\t\t;;\n");
}

static void print_bash(void)
{
	printf("# bash completion for chunkboot, made by 'chunkboot completion bash'\n"
	       "# shellcheck shell=bash disable=SC2207\n"
	       "_chunkboot()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal options='--help --version' actions=''\n\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$options");
	for (size_t i = 0; i < N_VERBS; i++)
		printf(" %s", verbs[i]->name);
	printf("\" -- \"$cur\"))\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < N_VERBS; i++)
		print_verb(verbs[i]);
	printf("\t*) return ;;\n"
	       "\tesac\n"
	       "\tif [[ $cur == -* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
	       "\telif [[ $COMP_CWORD -eq 2 && $actions ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$actions\" -- \"$cur\"))\n"
	       "\telse\n"
	       "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	       "\tfi\n"
	       "}\n"
	       "complete -o filenames -F _chunkboot chunkboot\n");
}

/* ---- JSON: the tables themselves ---- */

static json_t *options_json(const struct cb_verb *verb)
{
	const struct cb_option *o;
	json_t *list = json_array();

	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		json_array_append_new(list,
				      json_pack("{ss ss? sb ss}", "name", o->name, "value",
						o->value, "required", (int)o->is_required, "help",
						o->help));
	return list;
}

static enum cb_err print_tables(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < N_VERBS; i++)
		json_array_append_new(list,
				      json_pack("{ss ss ss so}", "name", verbs[i]->name, "summary",
						verbs[i]->summary, "usage", verbs[i]->usage,
						"options", options_json(verbs[i])));
	return cb_print_json(json_pack("{ss so}", "type", "completion", "verbs", list));
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	(void)n;
	if (strcmp(operands[0], "bash") != 0)
		return cb_usage(e, &cb_verb_completion, "no completion for the shell '%s'",
				operands[0]);
	if (arg_json)
		return print_tables();
	print_bash();
	return CB_OK;
}

const struct cb_verb cb_verb_completion = {
	.name = "completion",
	.group = CB_GROUP_LOOK,
	.summary = "print a completion script for the shell",
	.usage = "bash",
	.about = "The script completes verbs, actions, options and file names. It comes from the\n"
		 "tables that the tool itself reads; --json prints these instead.",
	.examples = "  source <(chunkboot completion bash)\n"
		    "  chunkboot completion bash \\\n"
		    "      >/etc/bash_completion.d/chunkboot\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
