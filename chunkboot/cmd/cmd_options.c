/* SPDX-License-Identifier: MIT */
/* Options: one table yields the parser and the help. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

#define MAX_OPTIONS 48 /* a verb's and the common ones */
#define COLUMNS 80
#define HELP_INDENT 26 /* column where an option's help starts */
#define FIRST_ID 256 /* getopt values of long options, above every letter */

bool arg_help, arg_json, arg_dry_run, arg_quiet, arg_no_color;

static const struct cb_option common_options[] = {
	{ .name = "json", .help = "print JSON instead of text", .flag = &arg_json },
	{ .name = "dry-run",
	  .help = "say what would be done, change nothing",
	  .flag = &arg_dry_run },
	{ .name = "quiet",
	  .letter = 'q',
	  .help = "print errors and what was asked for only",
	  .flag = &arg_quiet },
	{ .name = "no-color", .help = "no colours (also: NO_COLOR set)", .flag = &arg_no_color },
	{ .name = "help", .letter = 'h', .help = "print this help", .flag = &arg_help },
	{ 0 },
};

const struct cb_option *cb_option_at(const struct cb_verb *verb, unsigned i)
{
	unsigned n_own = 0;

	while (verb->options != NULL && verb->options[n_own].name != NULL)
		n_own++;
	if (i < n_own)
		return &verb->options[i];
	i -= n_own;
	return i < sizeof(common_options) / sizeof(common_options[0]) - 1 ? &common_options[i] :
									    NULL;
}

enum cb_err cb_usage(struct cb_error *e, const struct cb_verb *verb, const char *fmt, ...)
{
	char text[CB_ERROR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	enum cb_err err = cb_fail(e, CB_USAGE, "%s", text);
	cb_fail_hint(e, "see 'chunkboot %s --help'", verb->name);
	return err;
}

/* ---- Parsing ---- */

struct tables {
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 2];
	bool seen[MAX_OPTIONS];
};

static void make_tables(const struct cb_verb *verb, struct tables *t)
{
	const struct cb_option *o;
	char *s = t->shorts;

	*s++ = ':'; /* a missing value is told apart from an unknown option */
	for (unsigned i = 0; i < MAX_OPTIONS && (o = cb_option_at(verb, i)) != NULL; i++) {
		int takes = o->flag != NULL ? no_argument : required_argument;

		t->longs[i] = (struct option){ o->name, takes, NULL, FIRST_ID + (int)i };
		if (o->letter == 0)
			continue;
		*s++ = o->letter;
		if (takes == required_argument)
			*s++ = ':';
	}
}

static unsigned index_of(const struct cb_verb *verb, int id)
{
	const struct cb_option *o;

	if (id >= FIRST_ID)
		return (unsigned)(id - FIRST_ID);
	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		if (o->letter == id)
			return i;
	return 0;
}

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	uint64_t v = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static enum cb_err set_value(const struct cb_verb *verb, const struct cb_option *o, bool is_again,
			     const char *value, struct cb_error *e)
{
	if (o->flag != NULL) {
		*o->flag = true;
	} else if (o->texts != NULL) {
		if (o->texts->n == CB_TEXTS_MAX)
			return cb_usage(e, verb, "--%s given more than %d times", o->name,
					CB_TEXTS_MAX);
		o->texts->at[o->texts->n++] = value;
	} else if (is_again) {
		return cb_usage(e, verb, "--%s given twice", o->name);
	} else if (o->text != NULL) {
		*o->text = value;
	} else if (!parse_number(value, o->min, o->max, o->number)) {
		return cb_usage(e, verb, "--%s must be a number from %ju to %ju, not '%s'", o->name,
				(uintmax_t)o->min, (uintmax_t)o->max, value);
	}
	return CB_OK;
}

/* getopt knows of one value: the next word is the second. */
static enum cb_err set_second(const struct cb_verb *verb, const struct cb_option *o, int argc,
			      char **argv, struct cb_error *e)
{
	if (o->second == NULL)
		return CB_OK;
	if (optind >= argc)
		return cb_usage(e, verb, "--%s needs two values", o->name);
	*o->second = argv[optind++];
	return CB_OK;
}

/* What getopt could not take: it left the word before optind, or the letter in optopt. */
static enum cb_err refuse(const struct cb_verb *verb, int id, char **argv, struct cb_error *e)
{
	const char *word = argv[optind - 1];

	if (id == ':')
		return cb_usage(e, verb, "%s needs a value", word);
	if (optopt >= FIRST_ID)
		return cb_usage(e, verb, "%s takes no value", word);
	if (optopt != 0)
		return cb_usage(e, verb, "unknown option -%c", optopt);
	return cb_usage(e, verb, "unknown option %s", word);
}

static enum cb_err check_complete(const struct cb_verb *verb, const struct tables *t,
				  int n_operands, struct cb_error *e)
{
	const struct cb_option *o;

	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		if (o->is_required && !t->seen[i])
			return cb_usage(e, verb, "%s needs --%s", verb->name, o->name);
	if (n_operands < verb->min_operands)
		return cb_usage(e, verb, "%s: an operand is missing", verb->name);
	if (verb->max_operands >= 0 && n_operands > verb->max_operands)
		return cb_usage(e, verb, "%s: too many operands", verb->name);
	return CB_OK;
}

enum cb_err cb_options_parse(const struct cb_verb *verb, int argc, char **argv, int *ret_n,
			     char ***ret_operands, struct cb_error *e)
{
	struct tables t = { 0 };
	enum cb_err err = CB_OK;
	int id;

	make_tables(verb, &t);
	optind = 0; /* glibc: start afresh */
	opterr = 0;
	while ((id = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (id == '?' || id == ':')
			return refuse(verb, id, argv, e);
		unsigned i = index_of(verb, id);
		err = set_value(verb, cb_option_at(verb, i), t.seen[i], optarg, e);
		if (err == CB_OK)
			err = set_second(verb, cb_option_at(verb, i), argc, argv, e);
		if (err != CB_OK)
			return err;
		t.seen[i] = true;
	}
	if (!arg_help)
		err = check_complete(verb, &t, argc - optind, e);
	if (err != CB_OK)
		return err;
	*ret_n = argc - optind;
	*ret_operands = argv + optind;
	return CB_OK;
}

/* ---- Help ---- */

/* Prints the words of text[len] from column `at`, wrapped; later lines start at column `indent`. */
static void print_wrapped(const char *text, size_t len, int at, int indent)
{
	for (size_t i = 0; i < len;) {
		int n = 0;

		while (i + (size_t)n < len && text[i + (size_t)n] != ' ' &&
		       text[i + (size_t)n] != '\n')
			n++;
		if (at > indent && at + 1 + n > COLUMNS)
			at = (printf("\n%*s", indent, ""), indent);
		else if (at > indent)
			at += printf(" ");
		at += printf("%.*s", n, text + i);
		i += (size_t)n + 1;
	}
	printf("\n");
}

/* Paragraphs are separated by an empty line. */
static void print_about(const char *text)
{
	for (;;) {
		const char *end = strstr(text, "\n\n");

		printf("\n");
		print_wrapped(text, end != NULL ? (size_t)(end - text) : strlen(text), 0, 0);
		if (end == NULL)
			return;
		text = end + 2;
	}
}

/* "[--title T]" is one word: blanks inside brackets do not break. */
static void print_usage_line(const char *name, const char *usage, int len)
{
	int indent = printf("  chunkboot %s", name) + 1, at = indent - 1, depth = 0;

	for (int i = 0; i < len;) {
		int n = i;

		for (depth = 0; n < len && (depth > 0 || usage[n] != ' '); n++)
			depth += (usage[n] == '[') - (usage[n] == ']');
		if (at + 1 + n - i > COLUMNS)
			at = (printf("\n%*s", indent - 1, ""), indent - 1);
		at += printf(" %.*s", n - i, usage + i);
		i = n + 1;
	}
	printf("\n");
}

static void print_usage(const struct cb_verb *verb)
{
	const char *p = verb->usage;

	printf("Usage:\n");
	for (;;) {
		int len = (int)strcspn(p, "\n");

		print_usage_line(verb->name, p, len);
		if (p[len] == '\0')
			return;
		p += len + 1;
	}
}

static void print_option(const struct cb_option *o)
{
	int at = o->letter != 0 ? printf("  -%c, --%s", o->letter, o->name) :
				  printf("  --%s", o->name);

	if (o->value != NULL)
		at += printf(" %s", o->value);
	if (at + 2 > HELP_INDENT)
		at = (printf("\n"), 0);
	printf("%*s", HELP_INDENT - at, "");
	print_wrapped(o->help, strlen(o->help), HELP_INDENT, HELP_INDENT);
}

void cb_verb_help(const struct cb_verb *verb)
{
	const struct cb_option *o;

	printf("chunkboot %s - %s\n\n", verb->name, verb->summary);
	print_usage(verb);
	if (verb->about != NULL)
		print_about(verb->about);
	printf("\nOptions:\n");
	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		print_option(o);
	printf("\nExamples:\n%s", verb->examples);
}
