/* SPDX-License-Identifier: MIT */
/* chunkboot publish: puts an image into a repository. */
#include <string.h>
#include <time.h>

#include "cmd/cmd.h"
#include "host/publish.h"

static const char *arg_keys, *arg_version, *arg_kernel, *arg_efi, *arg_cmdline, *arg_title,
	*arg_chunk_size, *arg_budget;
static struct cb_texts arg_initrds, arg_allow;
static uint64_t arg_level = CB_LEVEL_DEFAULT;
static bool arg_default, arg_exact, arg_no_directory_times;

extern const struct cb_verb cb_verb_publish;

static void on_progress(void *ctx, uint64_t done_bytes, uint64_t total_bytes)
{
	cb_progress(ctx, done_bytes, total_bytes);
}

/* "8G", "512M", "4096" */
static bool parse_bytes(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	uint64_t n = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > CB_RAW_TOTAL_MAX)
			return false;
	}
	const char *unit = *text == '\0' ? NULL : strchr(units, *text);

	if (unit != NULL) {
		n <<= 10 * (unit - units + 1);
		text++;
	}
	*ret = n;
	return *text == '\0' && n >= 1 && n <= CB_RAW_TOTAL_MAX;
}

static enum cb_err parse_arguments(struct cb_publish_params *p, struct cb_error *e)
{
	const struct cb_verb *verb = &cb_verb_publish;
	bool is_efi = arg_efi != NULL;

	if (is_efi == (arg_kernel != NULL))
		return cb_usage(e, verb, "give either --kernel or --efi");
	if (is_efi && (arg_initrds.n > 0 || arg_exact))
		return cb_usage(e, verb, "--initrd and --exact go with --kernel only");
	if (arg_no_directory_times && (arg_exact || arg_initrds.n == 0))
		return cb_usage(e, verb,
				"--no-directory-times goes with --initrd, without --exact");
	p->files.kind = is_efi ? CB_KIND_EFI : CB_KIND_LINUX;
	p->files.main_file = is_efi ? arg_efi : arg_kernel;
	p->files.initrds = arg_initrds.at;
	p->files.n_initrds = arg_initrds.n;
	p->files.is_exact = arg_exact;
	p->files.has_no_directory_times = arg_no_directory_times;
	p->files.budget_bytes = CB_PUBLISH_BUDGET_DEFAULT;
	p->allow = arg_allow.at;
	p->n_allow = arg_allow.n;
	p->size = CB_CHUNK_SIZE_DEFAULT;
	if (arg_budget != NULL && !parse_bytes(arg_budget, &p->files.budget_bytes))
		return cb_usage(e, verb, "--budget '%s' is malformed", arg_budget);
	return arg_chunk_size == NULL ? CB_OK : cb_chunk_size_parse(arg_chunk_size, &p->size, e);
}

static enum cb_err report_json(const struct cb_publish_result *r)
{
	json_t *d = json_pack("{ss ss ss sI sI sI sI sI sI sI sI sb sb ss ss}", "type", "publish",
			      "name", r->target.name, "version", r->target.version, "serial",
			      (json_int_t)r->target.serial, "new_bytes", (json_int_t)r->new_bytes,
			      "reused_bytes", (json_int_t)r->reused_bytes, "update_bytes",
			      (json_int_t)r->update_bytes, "ram_need", (json_int_t)r->ram_need,
			      "raw_bytes", (json_int_t)r->raw_total, "stored_bytes",
			      (json_int_t)r->stored_total, "manifest_bytes",
			      (json_int_t)r->target.len, "unchanged", r->is_unchanged, "default",
			      r->is_default, "kind", r->target.kind, "arch", r->target.arch);

	return cb_print_json(d);
}

static void report(const struct cb_publish_result *r)
{
	char a[CB_SIZE_TEXT_MAX], b[CB_SIZE_TEXT_MAX];

	cb_say("%s%s@%s, serial %ju%s", arg_dry_run ? "would publish " : "", r->target.name,
	       r->target.version, (uintmax_t)r->target.serial,
	       r->is_unchanged	     ? ": unchanged" :
		       r->is_default ? ", the default image" :
				       "");
	cb_say("  image    %s, stored in %u chunk%s as %s", cb_size_text(r->raw_total, a),
	       r->n_chunks, cb_plural(r->n_chunks), cb_size_text(r->stored_total, b));
	cb_say("  store    %s new, %s reused", cb_size_text(r->new_bytes, a),
	       cb_size_text(r->reused_bytes, b));
	cb_say("  update   %s for a client that has the version before",
	       cb_size_text(r->update_bytes, a));
	cb_say("  memory   %s in the loader", cb_size_text(r->ram_need, a));
	if (r->n_replaced > 0)
		cb_warn("%u chunk files that loaders could not use were made again", r->n_replaced);
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	char what[CB_NAME_MAX + 16] = "publishing";
	struct cb_publish_result result;
	struct cb_publish_params p = {
		.place = { .repo = operands[0], .keys = arg_keys, .now_s = time(NULL) },
		.name = operands[1],
		.version = arg_version,
		.cmdline = arg_cmdline,
		.title = arg_title,
		.level = (int)arg_level,
		.is_default = arg_default,
		.is_dry_run = arg_dry_run,
		.on_progress = on_progress,
		.ctx = what,
	};
	enum cb_err err = parse_arguments(&p, e);

	(void)n;
	if (err == CB_OK)
		err = cb_publish(&p, &result, e);
	cb_progress_end();
	if (err != CB_OK)
		return err;
	report(&result);
	return arg_json ? report_json(&result) : CB_OK;
}

static const struct cb_option options[] = {
	{ .name = "keys",
	  .value = "KEYS",
	  .help = "directory of the realm's keys",
	  .is_required = true,
	  .text = &arg_keys },
	{ .name = "kernel",
	  .value = "FILE",
	  .help = "Linux kernel with EFI stub, 5.8 or newer",
	  .text = &arg_kernel },
	{ .name = "initrd",
	  .value = "FILE",
	  .help = "initramfs: newc archives, plain or compressed, microcode first or not; may be "
		  "given several times, the order counts",
	  .texts = &arg_initrds },
	{ .name = "cmdline",
	  .value = "TEXT",
	  .help = "the kernel's command line, at most 2047 bytes",
	  .text = &arg_cmdline },
	{ .name = "cmdline-allow",
	  .value = "PREFIX",
	  .help = "a word that accounts may add to the command line, or its beginning if it ends "
		  "in = . or , - up to 16 times",
	  .texts = &arg_allow },
	{ .name = "efi",
	  .value = "FILE",
	  .help = "instead of a kernel: any EFI application, a unified kernel image too",
	  .text = &arg_efi },
	{ .name = "version",
	  .value = "V",
	  .help = "the image's version (default: the newest one if nothing changed, else date and "
		  "counter, such as 20261122.1)",
	  .text = &arg_version },
	{ .name = "title", .value = "TEXT", .help = "what a boot menu shows", .text = &arg_title },
	{ .name = "default",
	  .help = "make this the default image; the first one is in any case",
	  .flag = &arg_default },
	{ .name = "exact",
	  .help = "publish initrd files as they are: neither unpacked nor normalised; updates "
		  "cost far more then",
	  .flag = &arg_exact },
	{ .name = "no-directory-times",
	  .help = "give all directories of the initrds the same time: where images are made anew "
		  "each time, updates cost far less then",
	  .flag = &arg_no_directory_times },
	{ .name = "chunk-size",
	  .value = "MIN:AVG:MAX",
	  .help = "bytes of a chunk (default: 64K:256K:1M), at most 16M",
	  .text = &arg_chunk_size },
	{ .name = "level",
	  .value = "N",
	  .help = "zstd level, 1 to 22 (default: 9)",
	  .number = &arg_level,
	  .min = 1,
	  .max = CB_LEVEL_MAX },
	{ .name = "budget",
	  .value = "BYTES",
	  .help = "refuse an image that is larger when unpacked, such as 2G (default: 16G)",
	  .text = &arg_budget },
	{ 0 },
};

const struct cb_verb cb_verb_publish = {
	.name = "publish",
	.group = CB_GROUP_REPOSITORY,
	.summary = "publish an image",
	.usage = "REPO NAME --keys KEYS --kernel FILE [--initrd FILE]... [OPTION]...\n"
		 "REPO NAME --keys KEYS --efi FILE [OPTION]...",
	.about =
		"Cuts the image's files into chunks, stores what the repository does not have yet,\n"
		"and signs the new version. Publishing the same files again changes nothing.",
	.examples = "  chunkboot publish /srv/boot desk --keys /secure/keys \\\n"
		    "      --kernel vmlinuz --initrd initrd.img --cmdline 'console=ttyS0 quiet'\n"
		    "  chunkboot publish /srv/boot desk --keys /secure/keys --version 12.3 \\\n"
		    "      --kernel vmlinuz --initrd initrd.img --default\n"
		    "  chunkboot publish /srv/boot tool --keys /secure/keys --efi memtest.efi\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
	.run = run,
};
