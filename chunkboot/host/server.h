/* SPDX-License-Identifier: MIT */
/* The embedded web server: a repository, read-only, over HTTP/1.1 (libmicrohttpd). */
#ifndef CB_HOST_SERVER_H
#define CB_HOST_SERVER_H

#include <stdint.h>
#include <stdio.h>

#include "host/error.h"

#define CB_SERVER_MAX_LISTENERS 16
#define CB_SERVER_DEFAULT_LISTEN "[::]:8080" /* every interface, IPv4 as well */
#define CB_SERVER_DEFAULT_CONNECTIONS 1024u
#define CB_SERVER_DEFAULT_TIMEOUT_S 30u
#define CB_SERVER_HEADER_MAX 32768u /* bytes of all headers of one connection's requests */
#define CB_SERVER_URL_MAX 80

struct cb_server_params {
	const char *repository; /* directory */
	/* ADDR:PORT, [ADDR]:PORT, :PORT or PORT; port 0 lets the system choose. None: the default. */
	const char *const *listen;
	unsigned n_listen;
	const char *tls_cert, *tls_key; /* PEM files: https; both NULL: http */
	FILE *log; /* one line a request; NULL: none. The caller closes it after cb_server_free. */
	unsigned max_connections; /* of each listener; 0: the default */
	unsigned max_per_address; /* connections of one client address; 0: no limit */
	unsigned timeout_s; /* of an idle connection; 0: the default */
	unsigned n_threads; /* of each listener; 0: by the number of processors */
};

struct cb_server; /* opaque */

/*
 * Starts serving from threads of its own; signals stay as they are masked in the caller, SIGPIPE
 * must be ignored. Raises the soft limit of open files. NOT_REPOSITORY, USAGE (listen, TLS files), IO, BUSY
 * (address in use), NO_MEMORY. The caller owns *ret.
 */
enum cb_err cb_server_new(const struct cb_server_params *params, struct cb_server **ret,
			  struct cb_error *e);
/* Accepts nothing new, lets running answers end (5 s at most), then frees. NULL is fine. */
void cb_server_free(struct cb_server *s);

unsigned cb_server_n_listeners(const struct cb_server *s);
/* Of listener i: "http://ADDR:PORT/" or "https://..." and the port. */
const char *cb_server_url(const struct cb_server *s, unsigned i);
uint16_t cb_server_port(const struct cb_server *s, unsigned i);

#endif
