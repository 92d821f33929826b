/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what a TLS server may say. The first byte chooses: a server's certificate alone, a trust
 * anchor, or all that a server sends (u16 length, the anchor that is trusted, the bytes). Randomness
 * and clock stand still, so that a recorded handshake is good each time. Application data may come
 * only after a handshake, and whatever happens must end.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/tls_internal.h"
#include "host/heap.h"

#define NOW 1800000000
#define STEPS_MAX 20000
#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct cb_stream {
	struct cb_bytes rest;
	size_t piece;
};

static struct cb_stream server;

static enum cb_err open_server(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	(void)ctx;
	if (to->is_tls)
		abort();
	*ret = &server;
	return CB_OK;
}

static enum cb_stream_state state_of(struct cb_stream *s, enum cb_err *ret_why)
{
	(void)ret_why;
	return s->rest.len > 0 ? CB_STREAM_OPEN : CB_STREAM_CLOSED;
}

static size_t swallow(struct cb_stream *s, const void *data, size_t len)
{
	(void)s;
	(void)data;
	return len;
}

static struct cb_bytes peek(struct cb_stream *s)
{
	return (struct cb_bytes){ s->rest.p, s->rest.len < s->piece ? s->rest.len : s->piece };
}

static void consume(struct cb_stream *s, size_t n)
{
	if (n > s->rest.len)
		abort();
	s->rest.p += n;
	s->rest.len -= n;
}

static void close_server(struct cb_stream *s)
{
	(void)s;
}

static enum cb_err no_random(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	memset(buf, 0x42, len);
	return CB_OK;
}

static void run(const struct cb_tls_trust *trust)
{
	const struct cb_platform platform = {
		.mem = cb_heap,
		.net = { .open = open_server,
			 .state = state_of,
			 .send = swallow,
			 .peek = peek,
			 .consume = consume,
			 .close = close_server },
		.random = no_random,
	};
	const struct cb_endpoint to = { .host = "boot.example", .port = 443, .is_tls = true };
	struct cb_tls tls;
	struct cb_net net;
	struct cb_stream *s;
	enum cb_err why = CB_OK;

	cb_tls_init(&tls, &platform, trust);
	tls.now_s = NOW;
	cb_tls_net(&tls, &net);
	if (net.open(net.ctx, &to, &s) != CB_OK)
		abort();
	for (unsigned i = 0;; i++) {
		enum cb_stream_state state = net.state(s, &why);
		struct cb_bytes in = net.peek(s);
		if (state == CB_STREAM_CONNECTING && in.len > 0)
			abort();
		if (state == CB_STREAM_CLOSED || state == CB_STREAM_FAILED)
			break;
		(void)net.send(s, "GET / HTTP/1.1\r\n", 16);
		net.consume(s, in.len < 100 ? in.len : 100);
		if (i == STEPS_MAX)
			abort();
	}
	net.close(s);
}

static void run_stream(const uint8_t *data, size_t len)
{
	struct cb_reader r = cb_reader_of((struct cb_bytes){ data, len });
	struct cb_tls_trust trust = { .n_anchors = 1 };
	uint16_t anchor_len = cb_read_le16(&r);

	trust.anchors[0] = cb_read_bytes(&r, anchor_len);
	if (r.failed)
		return;
	server.piece = len % 3 == 0 ? 1 : 1460;
	server.rest = r.rest;
	run(&trust);
}

static void check_certificate(struct cb_bytes der)
{
	struct cb_tls_cert cert;

	if (!cb_tls_cert_parse(der, &cert))
		return;
	if (cert.spki.p < der.p || cert.spki.p + cert.spki.len > der.p + der.len)
		abort();
	(void)cb_tls_cert_is_for(&cert, "boot.example");
	(void)cb_tls_cert_is_for(&cert, "192.0.2.1");
}

static void check_anchor(struct cb_bytes bytes)
{
	uint8_t out[CB_TLS_ANCHOR_MAX];
	br_x509_trust_anchor anchor;

	if (!cb_tls_anchor_parse(bytes, &anchor))
		return;
	if (cb_tls_anchor_write(&anchor, out) != bytes.len || memcmp(out, bytes.p, bytes.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > INPUT_MAX)
		return 0;
	struct cb_bytes rest = { data + 1, len - 1 };
	if (data[0] == 0)
		check_certificate(rest);
	else if (data[0] == 1)
		check_anchor(rest);
	else
		run_stream(rest.p, rest.len);
	return 0;
}
