/* SPDX-License-Identifier: MIT */
/* chunkboot serve: the embedded web server for a repository. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "host/server.h"

static struct cb_texts arg_listen;
static const char *arg_log, *arg_tls[2];
static uint64_t arg_connections = CB_SERVER_DEFAULT_CONNECTIONS, arg_per_address,
		arg_timeout = CB_SERVER_DEFAULT_TIMEOUT_S;

static enum cb_err announce(const struct cb_server *server)
{
	for (unsigned i = 0; i < cb_server_n_listeners(server); i++) {
		const char *url = cb_server_url(server, i);
		enum cb_err err = CB_OK;

		if (arg_json)
			err = cb_print_json(json_pack("{ss ss si}", "type", "listening", "url", url,
						      "port", cb_server_port(server, i)));
		else
			printf("listening on %s\n", url);
		if (err != CB_OK)
			return err;
	}
	return fflush(stdout) == 0 ? CB_OK : CB_IO;
}

/* The access log goes to stderr, to a file (appended), or nowhere with --quiet. */
static enum cb_err open_log(FILE **ret, struct cb_error *e)
{
	if (arg_log == NULL || strcmp(arg_log, "-") == 0) {
		*ret = arg_quiet && arg_log == NULL ? NULL : stderr;
	} else if (arg_dry_run) {
		*ret = NULL;
	} else {
		*ret = fopen(arg_log, "ae");
		if (*ret == NULL)
			return cb_fail_errno(e, "%s", arg_log);
	}
	if (*ret != NULL)
		setvbuf(*ret, NULL, _IOLBF, 0);
	return CB_OK;
}

static enum cb_err serve_until_signal(const struct cb_server_params *params, struct cb_error *e)
{
	struct cb_server *server;
	sigset_t stop;
	int number;

	/* blocked before the server's threads start, so that only sigwait sees them */
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	signal(SIGPIPE, SIG_IGN);

	enum cb_err err = cb_server_new(params, &server, e);
	if (err != CB_OK)
		return err;
	err = announce(server);
	if (err == CB_OK && !arg_dry_run)
		sigwait(&stop, &number);
	cb_server_free(server);
	return err;
}

static enum cb_err run(int n, char **operands, struct cb_error *e)
{
	FILE *log;
	enum cb_err err = open_log(&log, e);

	(void)n;
	if (err != CB_OK)
		return err;
	struct cb_server_params params = {
		.repository = operands[0],
		.listen = arg_listen.at,
		.n_listen = arg_listen.n,
		.tls_cert = arg_tls[0],
		.tls_key = arg_tls[1],
		.log = log,
		.max_connections = (unsigned)arg_connections,
		.max_per_address = (unsigned)arg_per_address,
		.timeout_s = (unsigned)arg_timeout,
	};
	err = serve_until_signal(&params, e);
	if (log != NULL && log != stderr && fclose(log) != 0 && err == CB_OK)
		err = cb_fail_errno(e, "%s", arg_log);
	return err;
}

static const struct cb_option options[] = {
	{ .name = "listen",
	  .value = "ADDR:PORT",
	  .help = "address to listen on; may be given several times; [ADDR]:PORT for IPv6, a "
		  "PORT alone means every interface, port 0 a free one (default: " CB_SERVER_DEFAULT_LISTEN
		  ", every interface)",
	  .texts = &arg_listen },
	{ .name = "tls",
	  .value = "CERT KEY",
	  .help = "serve over https: PEM files with the certificate (and those between it and "
		  "the authority) and with its private key",
	  .text = &arg_tls[0],
	  .second = &arg_tls[1] },
	{ .name = "log",
	  .value = "FILE",
	  .help = "append the access log to FILE instead of stderr ('-': stderr)",
	  .text = &arg_log },
	{ .name = "max-connections",
	  .value = "N",
	  .help = "connections at once on each address (default: 1024)",
	  .number = &arg_connections,
	  .min = 1,
	  .max = 1000000 },
	{ .name = "max-per-client",
	  .value = "N",
	  .help = "connections at once from one client address (default: no limit)",
	  .number = &arg_per_address,
	  .min = 1,
	  .max = 1000000 },
	{ .name = "timeout",
	  .value = "S",
	  .help = "close connections that are idle for S seconds (default: 30)",
	  .number = &arg_timeout,
	  .min = 1,
	  .max = 3600 },
	{ 0 },
};

const struct cb_verb cb_verb_serve = {
	.name = "serve",
	.group = CB_GROUP_BOOT,
	.summary = "serve a repository over HTTP",
	.usage = "REPO [--listen ADDR:PORT]... [--tls CERT KEY] [--log FILE]",
	.about =
		"Serves the files of a repository, read-only, until it gets SIGTERM or SIGINT; it\n"
		"then lets running answers end. Prints 'listening on URL' for each address once it\n"
		"is ready. Hidden files and whatever a link leads to outside REPO are not served.\n"
		"Nothing that it serves is secret, and clients trust none of it: any other web\n"
		"server does as well. --dry-run checks the arguments and ends at once.",
	.examples = "  chunkboot serve /srv/boot\n"
		    "  chunkboot serve /srv/boot --listen 192.0.2.1:80 --log access.log\n"
		    "  chunkboot serve /srv/boot --listen 443 --tls cert.pem key.pem\n"
		    "  chunkboot serve repo --listen 127.0.0.1:0 --json\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
