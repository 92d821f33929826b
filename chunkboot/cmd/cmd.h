/* SPDX-License-Identifier: MIT */
/* The command line tool's frame: verbs, options, output. One file a verb, cmd_VERB.c. */
#ifndef CB_CMD_CMD_H
#define CB_CMD_CMD_H

#include <jansson.h>

#include "core/bytes.h"
#include "host/error.h"

/* Values of an option that may be given several times, in their order. */
#define CB_TEXTS_MAX 64
struct cb_texts {
	unsigned n;
	const char *at[CB_TEXTS_MAX];
};

/*
 * One option. Exactly one destination is set: it says whether the option takes a value (all but
 * `flag` do). The table of a verb ends with a zeroed entry.
 */
struct cb_option {
	const char *name; /* long name without dashes */
	const char *value; /* what the help calls the value, e.g. "DIR" */
	const char *help; /* one or more sentences without full stop; wrapped by the help */
	bool is_required;
	char letter; /* short name, or 0 */
	bool *flag;
	const char **text;
	const char **second; /* with text: a second value follows */
	struct cb_texts *texts;
	uint64_t *number; /* decimal, min..max */
	uint64_t min, max;
};

struct cb_verb {
	const char *name;
	const char *group; /* heading in the list of verbs: one of CB_GROUP_* */
	const char *summary; /* a few words, lower case */
	const char *usage; /* what follows the name; '\n' between alternatives */
	/* Paragraphs for the help, which wraps them; an empty line between two; or NULL. */
	const char *about;
	const char *examples; /* lines of at most 78, each ended by '\n' */
	const struct cb_option *options; /* may be NULL */
	int min_operands, max_operands; /* max -1: any number */
	/* Operands without options; errors with their object in *e (zeroed before). */
	enum cb_err (*run)(int n_operands, char **operands, struct cb_error *e);
};

#define CB_GROUP_REPOSITORY "Repository"
#define CB_GROUP_ACCOUNTS "Accounts"
#define CB_GROUP_BOOT "Loader and boot"
#define CB_GROUP_LOOK "Look"

/* Options that every verb has. */
extern bool arg_help, arg_json, arg_dry_run, arg_quiet, arg_no_color;

/*
 * Sets the destinations of options (the verb's and the common ones) and leaves the operands in
 * *ret_operands (into argv, which is reordered). argv[0] is the verb's name. USAGE.
 */
enum cb_err cb_options_parse(const struct cb_verb *verb, int argc, char **argv, int *ret_n,
			     char ***ret_operands, struct cb_error *e);
/* The i-th option of the verb, its own first, then the common ones; NULL past the end. */
const struct cb_option *cb_option_at(const struct cb_verb *verb, unsigned i);
/* The verb's help on stdout, at most 80 columns. */
void cb_verb_help(const struct cb_verb *verb);
/* Ends a failed run with USAGE and a pointer to the verb's help. */
enum cb_err cb_usage(struct cb_error *e, const struct cb_verb *verb, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line for people on stdout that tells what was done; nothing with --quiet or --json. */
void cb_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A line of what the verb was asked to show; nothing with --json. */
void cb_show(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "" for one, else "s". */
const char *cb_plural(uint64_t n);
/* "chunkboot: warning: ..." on stderr; nothing with --quiet. */
void cb_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * One JSON document as one line on stdout; takes over the reference. With --dry-run it gets a
 * member that says so. NO_MEMORY for NULL.
 */
enum cb_err cb_print_json(json_t *document);
/* The closing error: text and hint on stderr, with --json a document on stdout as well. */
void cb_print_error(const struct cb_error *e, enum cb_err err);

/* Progress line on stderr, only on a terminal and at most ten times a second; total 0: unknown. */
void cb_progress(const char *what, uint64_t done_bytes, uint64_t total_bytes);
/* Removes the line; before other output on the terminal. */
void cb_progress_end(void);
/* A byte count for people: "4.2 MiB". */
#define CB_SIZE_TEXT_MAX 24
const char *cb_size_text(uint64_t bytes, char out[CB_SIZE_TEXT_MAX]);

#endif
