/* SPDX-License-Identifier: MIT */
/* chunkboot run: boots a repository's loader in QEMU. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/passphrase.h"
#include "cmd/verbs.h"
#include "host/esp.h"
#include "host/guest.h"
#include "host/server.h"
#include "host/stamp.h"

#define DEFAULT_EXPECT "chunkboot-minimal: up"
#define DEFAULT_MEMORY_MIB 2048
#define DEFAULT_TIMEOUT_S 600
#define LOADER "loader.efi"

static const char *arg_account, *arg_passphrase_file, *arg_loader, *arg_efi, *arg_expect,
	*arg_layout, *arg_log;
static struct cb_texts arg_urls, arg_listen;
static bool arg_headless, arg_no_kvm;
static uint64_t arg_memory = DEFAULT_MEMORY_MIB, arg_timeout;

/* ---- The pieces of a boot, in a directory of its own ---- */

struct run {
	const char *repo;
	char dir[CB_PATH_MAX]; /* "" until it is made */
	struct cb_server *server; /* NULL when the mirrors are elsewhere */
	FILE *log;
};

static enum cb_err make_dir(struct run *r, struct cb_error *e)
{
	const char *temp = getenv("TMPDIR");
	char dir[CB_PATH_MAX];
	enum cb_err err = cb_path(dir, e, "%s/chunkboot-run-XXXXXX", temp != NULL ? temp : "/tmp");
	if (err != CB_OK)
		return err;
	if (mkdtemp(dir) == NULL)
		return cb_fail_errno(e, "%s", dir);
	memcpy(r->dir, dir, sizeof(dir));
	return CB_OK;
}

static void remove_dir(const struct run *r)
{
	static const char *const names[] = { LOADER, CB_QEMU_ESP, CB_QEMU_VARS };
	char path[CB_PATH_MAX];
	if (r->dir[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (cb_path(path, NULL, "%s/%s", r->dir, names[i]) == CB_OK)
			unlink(path);
	rmdir(r->dir);
}

/* Serves the repository, unless the mirrors are somebody else's. */
static enum cb_err start_server(struct run *r, struct cb_error *e)
{
	static const char *const loopback[] = { "127.0.0.1:0" };
	struct cb_server_params params = {
		.repository = r->repo,
		.listen = arg_listen.n != 0 ? arg_listen.at : loopback,
		.n_listen = arg_listen.n != 0 ? arg_listen.n : 1,
	};
	if (arg_listen.n == 0 && (arg_urls.n != 0 || arg_loader != NULL))
		return CB_OK;
	if (arg_log != NULL && !arg_dry_run) {
		r->log = fopen(arg_log, "ae");
		if (r->log == NULL)
			return cb_fail_errno(e, "%s", arg_log);
		setvbuf(r->log, NULL, _IOLBF, 0);
		params.log = r->log;
	}
	return cb_server_new(&params, &r->server, e);
}

/* The mirrors as the guest sees them. */
static enum cb_err stamp(const struct run *r, const char *path, struct cb_error *e)
{
	char own_url[CB_SERVER_URL_MAX];
	const char *own_urls[] = { own_url };
	struct cb_stamp_result result;
	struct cb_stamp_params p = {
		.repo = r->repo,
		.efi = arg_efi,
		.out = path,
		.urls = arg_urls.at,
		.n_urls = arg_urls.n,
		.layout = arg_layout,
		.now_s = time(NULL),
	};
	if (arg_urls.n == 0) {
		snprintf(own_url, sizeof(own_url), "http://" CB_QEMU_HOST_ADDRESS ":%u/",
			 cb_server_port(r->server, 0));
		p.urls = own_urls;
		p.n_urls = 1;
	}
	return cb_stamp_loader(&p, &result, e);
}

static enum cb_err make_esp(const struct run *r, struct cb_error *e)
{
	char loader[CB_PATH_MAX], image[CB_PATH_MAX];
	enum cb_err err = cb_path(loader, e, "%s/" LOADER, r->dir);
	if (err == CB_OK)
		err = cb_path(image, e, "%s/" CB_QEMU_ESP, r->dir);
	if (err == CB_OK && arg_loader == NULL)
		err = stamp(r, loader, e);
	if (err == CB_OK)
		err = cb_esp_make(image, arg_loader != NULL ? arg_loader : loader, e);
	return err;
}

/* ---- The console ---- */

static enum cb_guest_console choose_console(void)
{
	if (arg_headless)
		return CB_GUEST_PRINT;
	if (cb_qemu_has_display())
		return CB_GUEST_WINDOW;
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? CB_GUEST_TERMINAL : CB_GUEST_PRINT;
}

static enum cb_err boot(const struct run *r, const char *passphrase, struct cb_error *e)
{
	enum cb_guest_console console = choose_console();
	bool is_script = console == CB_GUEST_PRINT;
	struct cb_guest_params p = {
		.dir = r->dir,
		.console = console,
		.output_fd = arg_json ? STDERR_FILENO : STDOUT_FILENO,
		.memory_mib = (unsigned)arg_memory,
		.no_kvm = arg_no_kvm,
		.account = arg_account,
		.passphrase = arg_account != NULL ? passphrase : NULL,
		.expect = arg_expect != NULL ? arg_expect :
			is_script	     ? DEFAULT_EXPECT :
					       NULL,
		.needs_power_off = arg_expect == NULL,
		.fails_on_error_line = is_script,
		.timeout_s = (unsigned)arg_timeout,
	};
	if (is_script && p.timeout_s == 0)
		p.timeout_s = DEFAULT_TIMEOUT_S;
	if (console == CB_GUEST_WINDOW)
		cb_say("booting in a QEMU window; close it to end");
	if (console == CB_GUEST_TERMINAL)
		cb_say("booting in QEMU; this terminal is its console, Ctrl-] ends it");
	fflush(stdout);
	return cb_guest_run(&p, e);
}

static enum cb_err report(const struct run *r)
{
	if (arg_dry_run)
		cb_say("would boot %s in QEMU", r->repo);
	return !arg_json ? CB_OK :
			   cb_print_json(json_pack("{ss ss sb}", "type", "run", "repository",
						   r->repo, "booted", !arg_dry_run));
}

static enum cb_err prepare_and_boot(struct run *r, const char *passphrase, struct cb_error *e)
{
	enum cb_err err = make_dir(r, e);
	if (err == CB_OK)
		err = start_server(r, e);
	if (err == CB_OK)
		err = make_esp(r, e);
	if (err == CB_OK && !arg_dry_run)
		err = boot(r, passphrase, e);
	if (err == CB_OK)
		err = report(r);
	cb_server_free(r->server);
	if (r->log != NULL)
		(void)fclose(r->log);
	remove_dir(r);
	return err;
}

static void block_signals(void)
{
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	struct run r = { .repo = operands[0] };
	char passphrase[CB_PASSPHRASE_MAX + 1] = "";
	enum cb_err err = CB_OK;
	(void)n;
	if ((arg_account == NULL) != (arg_passphrase_file == NULL))
		return cb_usage(e, &cb_verb_run, "--account and --passphrase-file go together");
	if (arg_account != NULL)
		err = cb_passphrase_read(arg_passphrase_file, passphrase, e);
	if (err != CB_OK)
		return err;
	block_signals();
	err = prepare_and_boot(&r, passphrase, e);
	cb_wipe(passphrase, sizeof(passphrase));
	return err;
}

static const struct cb_option options[] = {
	{ .name = "account",
	  .value = "A",
	  .help = "type this account at the prompt, for scripts",
	  .text = &arg_account },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "type the passphrase in FILE at the prompt ('-': standard input)",
	  .text = &arg_passphrase_file },
	{ .name = "headless",
	  .help = "no window and no terminal: the console goes to stdout (with --json to stderr), "
		  "and the exit code says whether the image came up",
	  .flag = &arg_headless },
	{ .name = "expect",
	  .value = "TEXT",
	  .help = "end with success as soon as TEXT is on the console (default, headless: "
		  "'" DEFAULT_EXPECT "', and that the machine powers off after it)",
	  .text = &arg_expect },
	{ .name = "timeout",
	  .value = "S",
	  .help = "give up after S seconds (default: 600 headless, else never)",
	  .number = &arg_timeout,
	  .min = 1,
	  .max = 86400 },
	{ .name = "memory",
	  .value = "MIB",
	  .help = "memory of the machine (default: 2048)",
	  .number = &arg_memory,
	  .min = 256,
	  .max = 1048576 },
	{ .name = "loader",
	  .value = "FILE",
	  .help = "boot this stamped loader instead of stamping one; REPO is served only with "
		  "--listen",
	  .text = &arg_loader },
	{ .name = "efi",
	  .value = "FILE",
	  .help = "stamp this EFI file (default: the loader that was built or installed with this "
		  "tool)",
	  .text = &arg_efi },
	{ .name = "layout",
	  .value = "NAME",
	  .help = "keyboard layout at the sign-in prompt (default: us)",
	  .text = &arg_layout },
	{ .name = "url",
	  .value = "URL",
	  .help = "fetch from this mirror, as the guest sees it (this machine is 10.0.2.2), "
		  "instead of serving REPO",
	  .texts = &arg_urls },
	{ .name = "listen",
	  .value = "ADDR:PORT",
	  .help = "serve REPO on this address (default: a free port of 127.0.0.1)",
	  .texts = &arg_listen },
	{ .name = "log",
	  .value = "FILE",
	  .help = "append the server's access log to FILE",
	  .text = &arg_log },
	{ .name = "no-kvm",
	  .help = "emulate the processor even where it could be virtualised",
	  .flag = &arg_no_kvm },
	{ 0 },
};

const struct cb_verb cb_verb_run = {
	.name = "run",
	.group = CB_GROUP_BOOT,
	.summary = "boot a repository in QEMU",
	.usage = "REPO [--account A --passphrase-file FILE] [--headless] [OPTION]...",
	.about =
		"Serves the repository, stamps a loader for it, and boots it in QEMU with UEFI\n"
		"firmware: in a window where there is a display, else with this terminal as its\n"
		"serial console. Nothing needs root. With --headless a line CB-Ennn of the loader\n"
		"ends the run with the exit code of that error.",
	.examples = "  chunkboot run /srv/boot\n"
		    "  chunkboot run repo --headless --account ada --passphrase-file pass.txt\n"
		    "  chunkboot run repo --memory 4096 --layout de\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
