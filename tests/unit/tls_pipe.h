/* SPDX-License-Identifier: MIT */
/* A fetch engine with TLS, and OpenSSL servers at the other ends of pipes in memory. */
#ifndef CB_TESTS_UNIT_TLS_PIPE_H
#define CB_TESTS_UNIT_TLS_PIPE_H

#include <openssl/ssl.h>

#include "core/fetch.h"
#include "core/tls.h"
#include "testport.h"
#include "tls_certs.h"

#define TLS_PIPE_BODY 40000

/* What the relay does to the server's records; each is one message before the Finished. */
enum tls_edit_kind {
	EDIT_NONE,
	EDIT_DROP,
	EDIT_TWICE,
	EDIT_SWAP, /* with the next one */
	EDIT_BEFORE, /* n (0: one) times `hex` in front of it */
	EDIT_INSTEAD, /* `hex` */
	EDIT_FLIP, /* bit 0 of byte `at`, from the end when negative */
	EDIT_CUT, /* after `at` bytes of it the connection ends */
	EDIT_CHANGE, /* by a function */
};

/* Of an OpenSSL server without tickets: which of its records is what. */
enum { SERVER_HELLO, CERTIFICATE, KEY_EXCHANGE, HELLO_DONE, CHANGE_CIPHER, FINISHED, FIRST_DATA };

struct tls_link; /* one connection */

struct tls_edit {
	enum tls_edit_kind kind;
	unsigned record;
	int at;
	unsigned n;
	const char *hex;
	/* Changes rec (with its 5 bytes of head), which has room for 1 KiB more. */
	void (*change)(struct tls_link *link, uint8_t *rec, size_t *len);
};

struct tls_pipe {
	struct testport tp;
	struct testport_rng rng;
	struct cb_platform platform; /* without TLS */
	struct cb_platform secure;
	struct cb_tls tls;
	struct cb_tls_trust trust;
	uint8_t anchor[CB_TLS_ANCHOR_MAX];
	SSL_CTX *server;
	EVP_PKEY *server_key;
	struct tls_edit edit;
	uint64_t now_ms;
	unsigned n_links, n_opened;
	unsigned n_plain; /* requests in the clear */
	unsigned n_steps; /* of the engine, in the last fetch */
	size_t piece; /* bytes at most that one peek shows; 0: all */
	bool has_no_random, is_plain; /* no TLS at the server */
	bool has_no_length; /* the answer says no length and ends with the connection */
	bool ends_dirty; /* without close_notify */
	const char *location; /* redirects to there */
	const char *hello; /* hex: the server sends this instead of everything */
	uint8_t body[TLS_PIPE_BODY];
	unsigned n_delivered;
	char sni[256]; /* as the server saw it; "" none */
};

void tls_pipe_init(struct tls_pipe *p);
/* Ends the test of it: all memory must be free. */
void tls_pipe_done(struct tls_pipe *p);
/* The server's chain: certs[0] is its own; key is that one's. Takes no reference. */
void tls_pipe_serve(struct tls_pipe *p, X509 *const *certs, unsigned n, EVP_PKEY *key);
/* Serves what spec says, signed by KEY_CA. */
void tls_pipe_serve_spec(struct tls_pipe *p, const struct tls_spec *spec);
/* Trusts KEY_CA only. */
void tls_pipe_trust_ca(struct tls_pipe *p, enum tls_key key);
/* Fetches the body from url; CB_OK, or why the job failed. Fails the test when it hangs. */
enum cb_err tls_pipe_fetch(struct tls_pipe *p, const char *url);

/* For EDIT_CHANGE: the client's and the server's random, and the pipe. */
const uint8_t *tls_link_client_random(struct tls_link *link);
const uint8_t *tls_link_server_random(struct tls_link *link);
struct tls_pipe *tls_link_pipe(struct tls_link *link);

#endif
