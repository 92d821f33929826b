/* SPDX-License-Identifier: MIT */
/* chunkboot init: a new repository and its signing keys. */
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/meta_write.h"

#define MAX_SIGN_TIME 253370764800u /* start of the year 9999 */

static const char *arg_keys, *arg_title = "chunkboot", *arg_kdf = "default";
static uint64_t arg_sign_time;

extern const struct cb_verb cb_verb_init;

static enum cb_err parse_kdf(struct cb_tuf_kdf *ret, struct cb_error *e)
{
	static const struct {
		const char *name;
		struct cb_tuf_kdf kdf;
	} choices[] = {
		{ "small", { .t = 3, .m_kib = 64 << 10 } },
		{ "default", { .t = 3, .m_kib = 256 << 10 } },
		{ "large", { .t = 3, .m_kib = 512 << 10 } },
	};

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(choices[i].name, arg_kdf) == 0) {
			*ret = choices[i].kdf;
			return CB_OK;
		}
	return cb_usage(e, &cb_verb_init, "--kdf %s: not small, default or large", arg_kdf);
}

static enum cb_err report(const char *repo, struct cb_error *e)
{
	char realm[65] = "";
	uint8_t id[32];

	if (!arg_dry_run) {
		enum cb_err err = cb_keys_realm(arg_keys, id, e);

		if (err != CB_OK)
			return err;
		cb_hex_encode(id, sizeof(id), realm);
	}
	if (arg_json)
		return cb_print_json(json_pack("{ss ss ss ss?}", "type", "init", "repository", repo,
					       "keys", arg_keys, "realm",
					       arg_dry_run ? NULL : realm));
	if (arg_dry_run) {
		cb_say("would create %s, and what is missing in %s", repo, arg_keys);
		return CB_OK;
	}
	cb_say("repository  %s", repo);
	cb_say("keys        %s", arg_keys);
	cb_say("realm       %s", realm);
	cb_say("Keep a copy of %s/offline where nobody else gets at it.", arg_keys);
	return CB_OK;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct cb_repo_init_params params = {
		.place = { .repo = operands[0],
			   .keys = arg_keys,
			   .now_s = arg_sign_time != 0 ? (int64_t)arg_sign_time : time(NULL),
			   .is_dry_run = arg_dry_run },
		.title = arg_title,
	};
	enum cb_err err = parse_kdf(&params.kdf, e);

	(void)n;
	if (err == CB_OK)
		err = cb_repo_init(&params, e);
	return err != CB_OK ? err : report(operands[0], e);
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the signing keys, outside REPO; keys that are there already are "
		  "used, the others are made",
	  .is_required = true,
	  .text = &arg_keys },
	{ .name = "title",
	  .value = "T",
	  .help = "what the sign-in screen is headed with (default: chunkboot)",
	  .text = &arg_title },
	{ .name = "kdf",
	  .value = "SIZE",
	  .help = "how dear it is to try a passphrase: small (64 MiB of memory), default (256 MiB) "
		  "or large (512 MiB); the machines that boot need that much",
	  .text = &arg_kdf },
	{ .name = "sign-time",
	  .value = "S",
	  .help = "sign as if it were S seconds after 1970",
	  .number = &arg_sign_time,
	  .min = 1,
	  .max = MAX_SIGN_TIME },
	{ 0 },
};

const struct cb_verb cb_verb_init = {
	.name = "init",
	.group = CB_GROUP_REPOSITORY,
	.summary = "create a repository and its keys",
	.usage = "REPO --keys KEYS [--title T] [--kdf small|default|large]",
	.about =
		"Creates an empty repository, a directory that any web server can offer. KEYS gets\n"
		"offline/ (root and targets: needed to publish) and online/ (snapshot, timestamp,\n"
		"accounts: needed daily by 'refresh'). Whoever has the keys decides what boots.",
	.examples = "  chunkboot init /srv/boot --keys ~/boot-keys --title \"Example Ltd\"\n"
		    "  chunkboot init repo --keys keys --kdf small\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
