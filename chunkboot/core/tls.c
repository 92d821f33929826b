/* SPDX-License-Identifier: MIT */
/* TLS streams: moves bytes between BearSSL's engine and the stream below. */
#include "core/tls.h"

#include <string.h>

#include "core/tls_internal.h"

#define OUT_LEN 2048u /* requests are short */
#define PUMP_MAX 65536u /* bytes taken from below in one call: no flood keeps us here */
#define SEED_LEN 32

/* What a TLS stream has beyond a plain one. */
struct session {
	enum cb_stream_state state;
	enum cb_err why; /* of FAILED */
	size_t n_vain; /* bytes from below since there was application data */
	struct cb_tls_check *check; /* until the handshake is done */
	br_ssl_client_context client;
	uint8_t in[BR_SSL_BUFSIZE_INPUT];
	uint8_t out[OUT_LEN + BR_SSL_BUFSIZE_OUTPUT - 16384];
};

struct cb_stream {
	struct cb_tls *tls;
	struct cb_stream *below;
	struct session *session; /* NULL: plain */
};

static const struct cb_net *below_of(const struct cb_stream *s)
{
	return &s->tls->platform->net;
}

static br_ssl_engine_context *engine_of(struct cb_stream *s)
{
	return &s->session->client.eng;
}

static void free_check(struct cb_stream *s)
{
	cb_free(&s->tls->platform->mem, s->session->check);
	s->session->check = NULL;
}

static void fail(struct session *session, enum cb_err why)
{
	session->state = CB_STREAM_FAILED;
	session->why = why;
}

static void free_stream(struct cb_stream *s)
{
	const struct cb_mem *mem = &s->tls->platform->mem;

	if (s->below)
		below_of(s)->close(s->below);
	if (s->session) {
		free_check(s);
		cb_free_secret(mem, s->session, sizeof *s->session);
	}
	cb_free(mem, s);
}

/* ---- Opening ---- */

static enum cb_err start_session(struct cb_stream *s, const char *host)
{
	const struct cb_platform *p = s->tls->platform;
	uint8_t seed[SEED_LEN], address[16];
	struct session *session = cb_alloc_zeroed(&p->mem, sizeof *session);

	s->session = session;
	if (!session)
		return CB_NO_MEMORY;
	session->check = cb_alloc(&p->mem, sizeof *session->check);
	if (!session->check)
		return CB_NO_MEMORY;
	cb_tls_check_init(session->check, s->tls, host);
	br_ssl_client_zero(&session->client);
	cb_tls_set_profile(engine_of(s));
	br_ssl_engine_set_x509(engine_of(s), &session->check->vtable);
	br_ssl_engine_set_buffers_bidi(engine_of(s), session->in, sizeof session->in, session->out,
				       sizeof session->out);
	/* Only our own records are short: the server is not to be asked for short ones, too. */
	engine_of(s)->log_max_frag_len = 14;
	enum cb_err err = p->random(p->ctx, seed, sizeof seed);
	if (err != CB_OK)
		return err;
	br_ssl_engine_inject_entropy(engine_of(s), seed, sizeof seed);
	cb_wipe(seed, sizeof seed);
	engine_of(s)->rng_os_rand_done = 1; /* the platform's randomness, and no other */
	/* Names only are told to the server (RFC 6066 §3). */
	bool is_address = cb_tls_address(host, address) > 0;
	if (!br_ssl_client_reset(&session->client, is_address ? NULL : host, /*resume=*/0))
		return CB_INTERNAL;
	return CB_OK;
}

static enum cb_err tls_open(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	struct cb_tls *tls = ctx;
	const struct cb_platform *p = tls->platform;
	struct cb_endpoint plain = *to;
	struct cb_stream *s = cb_alloc_zeroed(&p->mem, sizeof *s);
	enum cb_err err = CB_OK;

	if (!s)
		return CB_NO_MEMORY;
	s->tls = tls;
	plain.is_tls = false;
	if (to->is_tls)
		err = start_session(s, to->host);
	if (err == CB_OK)
		err = p->net.open(p->net.ctx, &plain, &s->below);
	if (err != CB_OK) {
		free_stream(s);
		return err;
	}
	*ret = s;
	return CB_OK;
}

/* ---- Moving bytes ---- */

/* Hands finished records down. True when some bytes went. */
static bool send_records(struct cb_stream *s)
{
	size_t len;
	const unsigned char *record = br_ssl_engine_sendrec_buf(engine_of(s), &len);

	if (!record)
		return false;
	len = below_of(s)->send(s->below, record, len);
	if (len > 0)
		br_ssl_engine_sendrec_ack(engine_of(s), len);
	return len > 0;
}

/* Takes a piece of a record from below; how many bytes. */
static size_t receive_record(struct cb_stream *s)
{
	size_t len;
	unsigned char *room = br_ssl_engine_recvrec_buf(engine_of(s), &len);

	if (!room)
		return 0;
	struct cb_bytes in = below_of(s)->peek(s->below);
	if (len > in.len)
		len = in.len;
	if (len == 0)
		return 0;
	memcpy(room, in.p, len);
	below_of(s)->consume(s->below, len);
	s->session->n_vain += len;
	br_ssl_engine_recvrec_ack(engine_of(s), len);
	return len;
}

/* What has become of the engine: the handshake may be done, or all over. */
static void look_at_engine(struct cb_stream *s)
{
	struct session *session = s->session;
	br_ssl_engine_context *engine = engine_of(s);
	unsigned engine_state = br_ssl_engine_current_state(engine);

	if (session->check && session->check->refusal != CB_OK)
		fail(session, session->check->refusal);
	else if (engine_state == BR_SSL_CLOSED && session->state == CB_STREAM_OPEN &&
		 br_ssl_engine_last_error(engine) == BR_ERR_OK)
		session->state = CB_STREAM_CLOSED;
	else if (engine_state == BR_SSL_CLOSED)
		fail(session, CB_NET_TLS);
	else if (session->n_vain > CB_TLS_VAIN_MAX)
		fail(session, CB_NET_TLS);
	else if (engine_state & BR_SSL_SENDAPP && session->state == CB_STREAM_CONNECTING)
		session->state = CB_STREAM_OPEN;
	if (session->state != CB_STREAM_CONNECTING && session->check) {
		br_ssl_engine_set_x509(engine, NULL);
		free_check(s);
	}
}

/* All that came from below is used up: has it ended without saying so? */
static void look_below(struct cb_stream *s)
{
	enum cb_err why = CB_NET_CLOSED;
	enum cb_stream_state below = below_of(s)->state(s->below, &why);

	if (below == CB_STREAM_FAILED && why != CB_NET_CLOSED)
		fail(s->session, why);
	else if (below == CB_STREAM_FAILED || below == CB_STREAM_CLOSED)
		fail(s->session,
		     s->session->state == CB_STREAM_CONNECTING ? CB_NET_TLS : CB_NET_CLOSED);
}

static bool is_running(const struct session *session)
{
	return session->state == CB_STREAM_CONNECTING || session->state == CB_STREAM_OPEN;
}

/* Moves what can be moved now, up to application data. */
static void pump(struct cb_stream *s)
{
	br_ssl_engine_context *engine = engine_of(s);
	size_t n_received = 0, n;
	bool has_moved = true;

	while (has_moved && n_received < PUMP_MAX && is_running(s->session)) {
		has_moved = send_records(s);
		if (br_ssl_engine_current_state(engine) & BR_SSL_RECVAPP)
			break;
		n = receive_record(s);
		n_received += n;
		has_moved |= n > 0;
		look_at_engine(s);
	}
	if (!has_moved && is_running(s->session))
		look_below(s);
}

static enum cb_stream_state tls_state(struct cb_stream *s, enum cb_err *ret_why)
{
	struct session *session = s->session;

	if (!session)
		return below_of(s)->state(s->below, ret_why);
	pump(s);
	if (ret_why && session->state == CB_STREAM_FAILED)
		*ret_why = session->why;
	return session->state;
}

static size_t tls_send(struct cb_stream *s, const void *data, size_t len)
{
	size_t room;

	if (!s->session)
		return below_of(s)->send(s->below, data, len);
	if (s->session->state != CB_STREAM_OPEN)
		return 0;
	unsigned char *out = br_ssl_engine_sendapp_buf(engine_of(s), &room);
	if (!out)
		return 0;
	if (len > room)
		len = room;
	memcpy(out, data, len);
	br_ssl_engine_sendapp_ack(engine_of(s), len);
	br_ssl_engine_flush(engine_of(s), /*force=*/0);
	(void)send_records(s);
	return len;
}

static struct cb_bytes tls_peek(struct cb_stream *s)
{
	struct cb_bytes in = { NULL, 0 };

	if (!s->session)
		return below_of(s)->peek(s->below);
	pump(s);
	if (s->session->state == CB_STREAM_OPEN)
		in.p = br_ssl_engine_recvapp_buf(engine_of(s), &in.len);
	return in;
}

static void tls_consume(struct cb_stream *s, size_t n)
{
	if (!s->session) {
		below_of(s)->consume(s->below, n);
		return;
	}
	if (n == 0)
		return;
	s->session->n_vain = 0;
	br_ssl_engine_recvapp_ack(engine_of(s), n);
}

void cb_tls_init(struct cb_tls *t, const struct cb_platform *platform,
		 const struct cb_tls_trust *trust)
{
	*t = (struct cb_tls){ .platform = platform, .trust = trust };
	for (unsigned i = 0; i < trust->n_anchors; i++)
		if (cb_tls_anchor_parse(trust->anchors[i], &t->anchors[t->n_anchors]))
			t->n_anchors++;
}

void cb_tls_net(struct cb_tls *t, struct cb_net *ret)
{
	*ret = (struct cb_net){
		.ctx = t,
		.open = tls_open,
		.state = tls_state,
		.send = tls_send,
		.peek = tls_peek,
		.consume = tls_consume,
		.close = free_stream,
	};
}
