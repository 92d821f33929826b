/* SPDX-License-Identifier: MIT */
/* TLS servers in memory with a relay in front of them that changes records. */
#include "tls_pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIRE_MAX (4u << 20)
#define STEPS_MAX 2000000u
#define DEADLINE_MS 400000u
#define RECORD_HEAD 5

struct cb_stream {
	struct tls_pipe *pipe;
	SSL *ssl;
	uint8_t *raw, *wire; /* from the server; to the client */
	size_t raw_len, wire_at, wire_len;
	unsigned n_records;
	uint8_t client_random[32], server_random[32];
	char request[1024];
	size_t n_request;
	bool has_started, is_answered, is_over; /* over: nothing follows on the wire */
	uint8_t held[20000]; /* EDIT_SWAP */
	size_t n_held;
};

struct tls_link {
	struct cb_stream s;
};

const uint8_t *tls_link_client_random(struct tls_link *link)
{
	return link->s.client_random;
}

const uint8_t *tls_link_server_random(struct tls_link *link)
{
	return link->s.server_random;
}

struct tls_pipe *tls_link_pipe(struct tls_link *link)
{
	return link->s.pipe;
}

/* ---- The relay ---- */

static void put(struct cb_stream *s, const uint8_t *bytes, size_t len)
{
	if (s->is_over)
		return;
	assert_true(s->wire_len + len <= WIRE_MAX);
	memcpy(s->wire + s->wire_len, bytes, len);
	s->wire_len += len;
}

static void put_hex(struct cb_stream *s, const char *hex, unsigned n)
{
	uint8_t bytes[1200];
	size_t len = testport_hex(hex, bytes, sizeof bytes);

	for (unsigned i = 0; i < (n ? n : 1); i++)
		put(s, bytes, len);
}

static void edit_record(struct cb_stream *s, uint8_t *rec, size_t len)
{
	const struct tls_edit *edit = &s->pipe->edit;
	int at = edit->at < 0 ? (int)len + edit->at : edit->at;

	switch (edit->kind) {
	case EDIT_DROP:
		return;
	case EDIT_TWICE:
		put(s, rec, len);
		break;
	case EDIT_SWAP:
		memcpy(s->held, rec, len);
		s->n_held = len;
		return;
	case EDIT_BEFORE:
		put_hex(s, edit->hex, edit->n);
		break;
	case EDIT_INSTEAD:
		put_hex(s, edit->hex, 1);
		return;
	case EDIT_FLIP:
		rec[at] ^= 1;
		break;
	case EDIT_CUT:
		put(s, rec, (size_t)at);
		s->is_over = true;
		return;
	case EDIT_CHANGE:
		edit->change((struct tls_link *)s, rec, &len);
		break;
	case EDIT_NONE:
		break;
	}
	put(s, rec, len);
}

static void relay_record(struct cb_stream *s, uint8_t *rec, size_t len)
{
	unsigned index = s->n_records++;

	if (index == SERVER_HELLO && len >= 43)
		memcpy(s->server_random, rec + 11, 32);
	if (s->pipe->edit.kind != EDIT_NONE && index == s->pipe->edit.record) {
		edit_record(s, rec, len);
		return;
	}
	put(s, rec, len);
	put(s, s->held, s->n_held);
	s->n_held = 0;
}

/* Whole records of the server go through the relay. */
static void relay(struct cb_stream *s)
{
	uint8_t rec[18000 + 1024];
	BIO *out = SSL_get_wbio(s->ssl);
	int n;

	while ((n = BIO_read(out, s->raw + s->raw_len, (int)(WIRE_MAX - s->raw_len))) > 0)
		s->raw_len += (size_t)n;
	size_t at = 0;
	while (s->raw_len - at >= RECORD_HEAD) {
		size_t len = RECORD_HEAD + ((size_t)s->raw[at + 3] << 8 | s->raw[at + 4]);
		if (s->raw_len - at < len)
			break;
		assert_true(len <= 18000);
		memcpy(rec, s->raw + at, len);
		relay_record(s, rec, len);
		at += len;
	}
	memmove(s->raw, s->raw + at, s->raw_len - at);
	s->raw_len -= at;
}

/* ---- The server ---- */

static void answer(struct cb_stream *s, int (*write)(struct cb_stream *s, const void *p, int len))
{
	struct tls_pipe *p = s->pipe;
	char head[256];

	if (s->is_answered || !strstr(s->request, "\r\n\r\n"))
		return;
	s->is_answered = true;
	if (p->location)
		snprintf(head, sizeof head,
			 "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: %d\r\n\r\n",
			 p->location, TLS_PIPE_BODY);
	else if (p->has_no_length)
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	else
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
			 TLS_PIPE_BODY);
	write(s, head, (int)strlen(head));
	write(s, p->body, TLS_PIPE_BODY);
}

static int write_tls(struct cb_stream *s, const void *p, int len)
{
	return SSL_write(s->ssl, p, len);
}

static int write_plain(struct cb_stream *s, const void *p, int len)
{
	put(s, p, (size_t)len);
	return len;
}

static void add_request(struct cb_stream *s, const char *bytes, int n)
{
	for (int i = 0; i < n && s->n_request + 1 < sizeof s->request; i++)
		s->request[s->n_request++] = bytes[i];
	s->request[s->n_request] = '\0';
}

static void run_server(struct cb_stream *s)
{
	struct tls_pipe *p = s->pipe;
	char in[512];
	int n;

	if (p->hello) {
		if (!s->has_started)
			put_hex(s, p->hello, 1);
		s->has_started = true;
		return;
	}
	while ((n = SSL_read(s->ssl, in, sizeof in)) > 0)
		add_request(s, in, n);
	const char *name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	if (name)
		snprintf(p->sni, sizeof p->sni, "%s", name);
	answer(s, write_tls);
	bool is_end = s->is_answered && p->has_no_length;
	if (is_end && !p->ends_dirty)
		SSL_shutdown(s->ssl);
	relay(s);
	s->is_over |= is_end || SSL_get_error(s->ssl, n) == SSL_ERROR_SSL;
}

/* ---- The stream below ---- */

static enum cb_err pipe_open(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	struct tls_pipe *p = ctx;
	struct tls_link *link = calloc(1, sizeof *link);
	struct cb_stream *s = &link->s;

	assert_false(to->is_tls);
	s->pipe = p;
	s->raw = malloc(WIRE_MAX);
	s->wire = malloc(WIRE_MAX);
	if (!p->is_plain) {
		s->ssl = SSL_new(p->server);
		BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
		BIO_set_mem_eof_return(in, -1);
		BIO_set_mem_eof_return(out, -1);
		SSL_set_bio(s->ssl, in, out);
		SSL_set_accept_state(s->ssl);
	}
	p->n_links++;
	p->n_opened++;
	*ret = s;
	return CB_OK;
}

static enum cb_stream_state pipe_state(struct cb_stream *s, enum cb_err *ret_why)
{
	(void)ret_why;
	return s->is_over && s->wire_at == s->wire_len ? CB_STREAM_CLOSED : CB_STREAM_OPEN;
}

static size_t pipe_send(struct cb_stream *s, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	s->pipe->n_plain += len >= 4 && memcmp(data, "GET ", 4) == 0;
	if (s->pipe->is_plain) {
		add_request(s, data, (int)len);
		answer(s, write_plain);
		return len;
	}
	if (s->n_records == 0 && len >= 43)
		memcpy(s->client_random, (const uint8_t *)data + 11, 32);
	BIO_write(SSL_get_rbio(s->ssl), data, (int)len);
	run_server(s);
	return len;
}

static struct cb_bytes pipe_peek(struct cb_stream *s)
{
	struct cb_bytes in = { s->wire + s->wire_at, s->wire_len - s->wire_at };

	if (s->pipe->piece && in.len > s->pipe->piece)
		in.len = s->pipe->piece;
	return in;
}

static void pipe_consume(struct cb_stream *s, size_t n)
{
	assert_true(n <= s->wire_len - s->wire_at);
	s->wire_at += n;
}

static void pipe_close(struct cb_stream *s)
{
	s->pipe->n_links--;
	SSL_free(s->ssl);
	free(s->raw);
	free(s->wire);
	free(s);
}

/* ---- The platform ---- */

static uint64_t pipe_now(void *ctx)
{
	return ((struct tls_pipe *)ctx)->now_ms;
}

static enum cb_err pipe_random(void *ctx, uint8_t *buf, size_t len)
{
	struct tls_pipe *p = ctx;

	if (p->has_no_random)
		return CB_ENTROPY;
	testport_fill(&p->rng, buf, len);
	return CB_OK;
}

void tls_pipe_init(struct tls_pipe *p)
{
	memset(p, 0, sizeof *p);
	p->now_ms = 1000;
	p->platform = (struct cb_platform){
		.mem = testport_mem(&p->tp),
		.net = { .ctx = p,
			 .open = pipe_open,
			 .state = pipe_state,
			 .send = pipe_send,
			 .peek = pipe_peek,
			 .consume = pipe_consume,
			 .close = pipe_close },
		.ctx = p,
		.now_ms = pipe_now,
		.random = pipe_random,
	};
	testport_fill(&p->rng, p->body, sizeof p->body);
	p->server = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(p->server, 0);
	SSL_CTX_set_min_proto_version(p->server, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(p->server, TLS1_2_VERSION);
	SSL_CTX_set_mode(p->server, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_cipher_list(p->server, "ALL:@SECLEVEL=0");
	tls_pipe_trust_ca(p, KEY_CA);
}

void tls_pipe_done(struct tls_pipe *p)
{
	SSL_CTX_free(p->server);
	assert_int_equal(p->n_links, 0);
	testport_assert_no_leak(&p->tp);
}

void tls_pipe_trust_ca(struct tls_pipe *p, enum tls_key key)
{
	p->trust.n_anchors = 1;
	p->trust.anchors[0] = (struct cb_bytes){ p->anchor, tls_anchor(key, p->anchor) };
}

void tls_pipe_serve(struct tls_pipe *p, X509 *const *certs, unsigned n, EVP_PKEY *key)
{
	p->server_key = key;
	assert_int_equal(SSL_CTX_use_certificate(p->server, certs[0]), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->server, key), 1);
	SSL_CTX_clear_chain_certs(p->server);
	for (unsigned i = 1; i < n; i++)
		assert_int_equal(SSL_CTX_add1_chain_cert(p->server, certs[i]), 1);
}

void tls_pipe_serve_spec(struct tls_pipe *p, const struct tls_spec *spec)
{
	X509 *x = tls_cert(spec, tls_key(KEY_CA));

	tls_pipe_serve(p, &x, 1, tls_key(spec->key));
	X509_free(x);
}

/* ---- The client ---- */

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	struct tls_pipe *p = ctx;

	(void)item;
	snprintf(ret->path, sizeof ret->path, "object");
	ret->len = TLS_PIPE_BODY;
	ret->is_exact = !p->has_no_length; /* a cut body must not pass for a short one */
	ret->source = CB_FETCH_ANY_SOURCE;
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	struct tls_pipe *p = ctx;

	(void)item;
	(void)source;
	p->n_delivered++;
	assert_int_equal(bytes.len, TLS_PIPE_BODY);
	assert_memory_equal(bytes.p, p->body, TLS_PIPE_BODY);
	return CB_OK;
}

static enum cb_err run_job(struct tls_pipe *p, struct cb_fetch *fetch, struct cb_job *job)
{
	uint64_t wake_ms, deadline_ms = p->now_ms + DEADLINE_MS;
	enum cb_err err = CB_OK;

	for (unsigned i = 0; cb_job_status(job, &err, NULL) == CB_JOB_RUNNING; i++) {
		assert_true(i < STEPS_MAX);
		p->n_steps++;
		if (cb_fetch_step(fetch, &wake_ms))
			continue;
		assert_true(wake_ms != UINT64_MAX && wake_ms <= deadline_ms);
		p->now_ms = wake_ms > p->now_ms ? wake_ms : p->now_ms + 1;
	}
	return err;
}

enum cb_err tls_pipe_fetch(struct tls_pipe *p, const char *url)
{
	const struct cb_job_params params = {
		.ctx = p,
		.n_items = 1,
		.describe = describe,
		.deliver = deliver,
		.absent_err = CB_NOT_FOUND,
		.wrong_err = CB_CHUNK_HASH,
	};
	struct cb_fetch *fetch = NULL;
	struct cb_job *job = NULL;

	p->n_delivered = p->n_steps = 0;
	cb_tls_init(&p->tls, &p->platform, &p->trust);
	p->tls.now_s = TLS_CERTS_NOW;
	p->secure = p->platform;
	cb_tls_net(&p->tls, &p->secure.net);
	enum cb_err err = cb_fetch_new(&p->secure, &fetch);
	if (err == CB_OK)
		err = cb_fetch_add_mirror(fetch, cb_bytes_of(url), NULL);
	if (err == CB_OK)
		err = cb_fetch_submit(fetch, &params, &job);
	if (err == CB_OK)
		err = run_job(p, fetch, job);
	assert_int_equal(p->n_delivered, err == CB_OK);
	cb_job_free(job);
	cb_fetch_free(fetch);
	return err;
}
