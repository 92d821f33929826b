/* SPDX-License-Identifier: MIT */
/* The chunkboot command line tool: finds the verb, runs it, prints its error, exits. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "build-info.h"
#include "cmd/verbs.h"
#include "host/keys.h"

#define CB_VERB_POINTER(name) &cb_verb_##name,
static const struct cb_verb *const verbs[] = { CB_VERB_LIST(CB_VERB_POINTER) };
#undef CB_VERB_POINTER
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const char *const groups[] = { CB_GROUP_REPOSITORY, CB_GROUP_ACCOUNTS, CB_GROUP_BOOT,
				      CB_GROUP_LOOK };

static const struct cb_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static void print_help(void)
{
	printf("chunkboot " CB_VERSION " - your environment on any machine, over the network\n"
	       "\nUsage:\n  chunkboot VERB [OPERAND]... [OPTION]...\n"
	       "  chunkboot VERB --help\n");
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		bool is_first = true;

		for (size_t i = 0; i < N_VERBS; i++) {
			if (strcmp(verbs[i]->group, groups[g]) != 0)
				continue;
			if (is_first)
				printf("\n%s:\n", groups[g]);
			is_first = false;
			printf("  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
		}
	}
	printf("\nExamples:\n"
	       "  chunkboot init /srv/boot --keys ~/keys\n"
	       "  chunkboot publish /srv/boot debian --keys ~/keys --kernel vmlinuz \\\n"
	       "      --initrd initrd.img\n"
	       "  chunkboot account add /srv/boot ada --keys ~/keys --env debian\n"
	       "\nExit codes: 0 ok, 1 failure, 2 usage, 3 verification failed, 4 sign-in failed,\n"
	       "5 network, 6 not found, 7 busy, 130 interrupted\n");
}

static enum cb_err unknown(const char *word, struct cb_error *e)
{
	enum cb_err err =
		cb_fail(e, CB_USAGE, "unknown %s '%s'", word[0] == '-' ? "option" : "verb", word);

	cb_fail_hint(e,
		     word[0] == '-' ? "the verb comes first; see 'chunkboot --help'" :
				      "see 'chunkboot --help'");
	return err;
}

/* Whatever the verb: where keys are used, somebody is to know that they lie open. */
static void warn_about_keys(const struct cb_verb *verb)
{
	const struct cb_option *o;
	char path[CB_PATH_MAX];

	for (unsigned i = 0; (o = cb_option_at(verb, i)) != NULL; i++)
		if (strcmp(o->name, "keys") == 0 && *o->text != NULL &&
		    cb_keys_are_exposed(*o->text, path))
			cb_warn("%s is open to others; 'chmod go= %s' closes it", path, path);
}

/* What is given goes into documents, and JSON takes UTF-8 only: said before anything is done. */
static enum cb_err check_words(int argc, char **argv, struct cb_error *e)
{
	for (int i = 1; arg_json && i < argc; i++) {
		json_t *text = json_string(argv[i]);
		bool is_utf8 = text != NULL;

		json_decref(text);
		if (!is_utf8)
			return cb_fail(e, CB_USAGE, "word %d: --json takes UTF-8 only", i);
	}
	return CB_OK;
}

static enum cb_err run_verb(const struct cb_verb *verb, int argc, char **argv, struct cb_error *e)
{
	char **operands;
	int n;
	enum cb_err err = check_words(argc, argv, e);

	if (err == CB_OK)
		err = cb_options_parse(verb, argc, argv, &n, &operands, e);
	if (err == CB_OK && arg_help) {
		cb_verb_help(verb);
		return CB_OK;
	}
	if (err == CB_OK) {
		warn_about_keys(verb);
		err = verb->run(n, operands, e);
	}
	if (err == CB_USAGE && e->hint[0] == '\0')
		cb_fail_hint(e, "see 'chunkboot %s --help'", verb->name);
	return err;
}

/* Without a verb: the status of the repository that this is; else what this is and where to go on. */
static enum cb_err run_default(struct cb_error *e)
{
	static char name[] = "status", here[] = ".";
	char *argv[] = { name, here, NULL };

	if (cb_path_exists("metadata/1.root.json"))
		return run_verb(&cb_verb_status, 2, argv, e);
	printf("chunkboot " CB_VERSION "\n"
	       "No verb given. 'chunkboot --help' lists the verbs, 'chunkboot init --help' is a start.\n"
	       "In a repository it says what 'chunkboot status' says.\n");
	return CB_OK;
}

static enum cb_err dispatch(int argc, char **argv, struct cb_error *e)
{
	if (argc < 2)
		return run_default(e);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return CB_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("chunkboot " CB_VERSION "\n");
		return CB_OK;
	}
	const struct cb_verb *verb = find_verb(argv[1]);
	if (verb == NULL)
		return unknown(argv[1], e);
	return run_verb(verb, argc - 1, argv + 1, e);
}

int main(int argc, char **argv)
{
	struct cb_error e = { 0 };
	enum cb_err err = CB_ENTROPY;

	/* also when the options cannot be parsed, a script wants its error as JSON */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		arg_json |= strcmp(argv[i], "--json") == 0;
	if (sodium_init() >= 0)
		err = dispatch(argc, argv, &e);
	cb_progress_end();
	if (err == CB_OK && (fflush(stdout) != 0 || ferror(stdout)))
		err = cb_fail_errno(&e, "standard output");
	if (err != CB_OK)
		cb_print_error(&e, err);
	return cb_err_info(err)->exit_code;
}
