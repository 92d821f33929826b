/* SPDX-License-Identifier: MIT */
/* The core's byte streams over lwIP's raw TCP interface. */
#include <string.h>

#include "lwip/dns.h"
#include "lwip/tcp.h"
#include "net/net_private.h"

#define PORT_FIRST 49152u
#define PORT_TRIES 32

struct cb_stream {
	struct cb_stream *next;
	uint32_t id; /* names it in DNS callbacks, which may come after close */
	uint16_t port;
	enum cb_stream_state state;
	enum cb_err why; /* of FAILED */
	struct tcp_pcb *pcb; /* NULL: resolving, or gone */
	struct pbuf *head, *tail; /* received, not consumed; linked by next only */
	size_t offset; /* consumed bytes of head */
	bool has_output; /* written since the last flush */
};

static void drop_received(struct cb_stream *s)
{
	while (s->head) {
		struct pbuf *p = s->head;

		s->head = p->next;
		p->next = NULL;
		p->tot_len = p->len;
		pbuf_free(p);
	}
	s->tail = NULL;
	s->offset = 0;
}

static void fail(struct cb_stream *s, enum cb_err why)
{
	drop_received(s);
	s->state = CB_STREAM_FAILED;
	s->why = why;
}

/* ---- lwIP's callbacks: they only note what happened ---- */

static err_t on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct cb_stream *s = arg;

	(void)pcb;
	(void)err;
	if (!p) {
		s->state = CB_STREAM_CLOSED;
		return ERR_OK;
	}
	if (s->tail)
		s->tail->next = p;
	else
		s->head = p;
	while (p->next)
		p = p->next;
	s->tail = p;
	return ERR_OK;
}

static err_t on_connect(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct cb_stream *s = arg;

	(void)pcb;
	(void)err;
	s->state = CB_STREAM_OPEN;
	return ERR_OK;
}

/* The pcb is gone already. */
static void on_error(void *arg, err_t err)
{
	struct cb_stream *s = arg;

	(void)err;
	s->pcb = NULL;
	fail(s, s->state == CB_STREAM_CONNECTING ? CB_NET_CONNECT : CB_NET_CLOSED);
}

static void on_resolved(const char *name, const ip_addr_t *address, void *arg);

/* ---- Opening ---- */

static void detach(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_err(pcb, NULL);
}

static bool bind_random_port(struct tcp_pcb *pcb)
{
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		u16_t port = (u16_t)(PORT_FIRST | (cb_net_random32() & 0x3fff));

		if (tcp_bind(pcb, IP4_ADDR_ANY, port) == ERR_OK)
			return true;
	}
	return false;
}

static enum cb_err connect_to(struct cb_stream *s, const ip_addr_t *address)
{
	struct tcp_pcb *pcb = tcp_new();

	if (!pcb)
		return CB_NO_MEMORY;
	tcp_nagle_disable(pcb);
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_receive);
	tcp_err(pcb, on_error);
	if (!bind_random_port(pcb) || tcp_connect(pcb, address, s->port, on_connect) != ERR_OK) {
		detach(pcb);
		tcp_abort(pcb);
		return CB_NET_CONNECT;
	}
	s->pcb = pcb;
	return CB_OK;
}

static void on_resolved(const char *name, const ip_addr_t *address, void *arg)
{
	struct cb_stream *s = cb_net_state.streams;
	enum cb_err err = CB_NET_DNS;

	(void)name;
	while (s && s->id != (uint32_t)(uintptr_t)arg)
		s = s->next;
	if (!s || s->state != CB_STREAM_CONNECTING || s->pcb)
		return;
	if (address)
		err = connect_to(s, address);
	if (err)
		fail(s, err);
}

static enum cb_err start(struct cb_stream *s, const char *host)
{
	ip_addr_t address;

	switch (dns_gethostbyname(host, &address, on_resolved, (void *)(uintptr_t)s->id)) {
	case ERR_OK:
		return connect_to(s, &address);
	case ERR_INPROGRESS:
		return CB_OK;
	default:
		return CB_NET_DNS;
	}
}

static void unlink_and_free(struct cb_stream *s)
{
	struct cb_stream **at = &cb_net_state.streams;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at) {
		*at = s->next;
		cb_net_state.n_streams--;
	}
	cb_free(&cb_net_state.params.platform->mem, s);
}

static enum cb_err stream_open(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	struct cb_net_state *net = ctx;
	struct cb_stream *s;
	enum cb_err err;

	if (!net->is_started || to->is_tls || netif_ip4_addr(&net->netif)->addr == 0)
		return CB_NET_CONNECT;
	s = cb_alloc_zeroed(&net->params.platform->mem, sizeof(*s));
	if (!s)
		return CB_NO_MEMORY;
	s->id = ++net->last_stream_id;
	s->port = to->port;
	s->next = net->streams;
	net->streams = s;
	net->n_streams++;
	err = start(s, to->host);
	if (err) {
		unlink_and_free(s);
		return err;
	}
	*ret = s;
	return CB_OK;
}

/* ---- Use ---- */

static enum cb_stream_state stream_state(struct cb_stream *s, enum cb_err *ret_why)
{
	if (ret_why && s->state == CB_STREAM_FAILED)
		*ret_why = s->why;
	else if (ret_why && s->state == CB_STREAM_CONNECTING && !s->pcb)
		*ret_why = CB_NET_DNS;
	return s->state;
}

static size_t stream_send(struct cb_stream *s, const void *data, size_t len)
{
	size_t room;

	if (!s->pcb || s->state == CB_STREAM_CONNECTING || s->state == CB_STREAM_FAILED)
		return 0;
	room = tcp_sndbuf(s->pcb);
	if (len > room)
		len = room;
	if (len == 0 || tcp_write(s->pcb, data, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
		return 0;
	s->has_output = true;
	return len;
}

static struct cb_bytes stream_peek(struct cb_stream *s)
{
	struct cb_bytes bytes = { NULL, 0 };

	if (s->head) {
		bytes.p = (const uint8_t *)s->head->payload + s->offset;
		bytes.len = s->head->len - s->offset;
	}
	return bytes;
}

static void stream_consume(struct cb_stream *s, size_t n)
{
	struct pbuf *p = s->head;

	if (!p || n > p->len - s->offset)
		return;
	s->offset += n;
	if (s->offset == p->len) {
		s->head = p->next;
		if (!s->head)
			s->tail = NULL;
		s->offset = 0;
		p->next = NULL;
		p->tot_len = p->len;
		pbuf_free(p);
	}
	if (s->pcb)
		tcp_recved(s->pcb, (u16_t)n);
}

static void stream_close(struct cb_stream *s)
{
	struct tcp_pcb *pcb = s->pcb;
	bool is_clean = s->state == CB_STREAM_CLOSED && !s->head;

	drop_received(s);
	if (pcb) {
		detach(pcb);
		if (!is_clean || tcp_close(pcb) != ERR_OK)
			tcp_abort(pcb);
	}
	unlink_and_free(s);
}

void cb_streams_fail_all(void)
{
	for (struct cb_stream *s = cb_net_state.streams; s; s = s->next) {
		struct tcp_pcb *pcb = s->pcb;

		s->pcb = NULL;
		if (pcb) {
			detach(pcb);
			tcp_abort(pcb);
		}
		fail(s, CB_NET_CLOSED);
	}
}

void cb_streams_flush(void)
{
	for (struct cb_stream *s = cb_net_state.streams; s; s = s->next) {
		if (s->has_output && s->pcb)
			tcp_output(s->pcb);
		s->has_output = false;
	}
}

void cb_net_streams(struct cb_net *ret)
{
	*ret = (struct cb_net){
		.ctx = &cb_net_state,
		.open = stream_open,
		.state = stream_state,
		.send = stream_send,
		.peek = stream_peek,
		.consume = stream_consume,
		.close = stream_close,
	};
}
