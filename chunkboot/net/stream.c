/* SPDX-License-Identifier: MIT */
/* The core's byte streams over lwIP's raw TCP interface. */
#include <string.h>

#include "net/stream.h"

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

void cb_stream_fail(struct cb_stream *s, enum cb_err why)
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

/* The pcb is gone already. */
static void on_error(void *arg, err_t err)
{
	struct cb_stream *s = arg;

	(void)err;
	s->pcb = NULL;
	cb_stream_fail(s, CB_NET_CLOSED);
}

/* ---- Opening ---- */

void cb_stream_detach(struct tcp_pcb *pcb)
{
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_err(pcb, NULL);
}

void cb_stream_opened(struct cb_stream *s, struct tcp_pcb *pcb)
{
	s->pcb = pcb;
	s->state = CB_STREAM_OPEN;
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_receive);
	tcp_err(pcb, on_error);
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
	const struct cb_platform *platform = net->params.platform;
	struct cb_stream *s;
	enum cb_err err;

	if (!net->is_started || to->is_tls)
		return CB_NET_CONNECT;
	s = cb_alloc_zeroed(&platform->mem, sizeof(*s));
	if (!s)
		return CB_NO_MEMORY;
	s->id = ++net->last_stream_id;
	s->to = *to;
	s->next = net->streams;
	net->streams = s;
	net->n_streams++;
	cb_stream_connect(s, platform->now_ms(platform->ctx));
	if (s->state == CB_STREAM_FAILED) {
		err = s->why;
		unlink_and_free(s);
		return err;
	}
	*ret = s;
	return CB_OK;
}

uint64_t cb_streams_poll(uint64_t now_ms)
{
	uint64_t wake_ms = UINT64_MAX;

	for (struct cb_stream *s = cb_net_state.streams; s; s = s->next) {
		uint64_t at_ms = s->state == CB_STREAM_CONNECTING ?
			cb_stream_connect_step(s, now_ms) :
			UINT64_MAX;

		if (at_ms < wake_ms)
			wake_ms = at_ms;
	}
	return wake_ms;
}

/* ---- Use ---- */

static enum cb_stream_state stream_state(struct cb_stream *s, enum cb_err *ret_why)
{
	const struct cb_platform *platform = cb_net_state.params.platform;

	/* So that a refusal is told without another round of polling. */
	if (s->state == CB_STREAM_CONNECTING)
		(void)cb_stream_connect_step(s, platform->now_ms(platform->ctx));
	if (ret_why && s->state == CB_STREAM_FAILED)
		*ret_why = s->why;
	else if (ret_why && s->state == CB_STREAM_CONNECTING && cb_stream_waits_for_name(s))
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
	s->n_consumed += (uint32_t)n;
}

static void stream_limit(struct cb_stream *s, uint32_t bytes)
{
	s->limit = bytes;
}

/* Opens the window again by what was consumed, as far as the limit allows; once a poll, so that it goes
 * with the acknowledgement. What has been offered is never taken back. */
static void open_window(struct cb_stream *s, uint32_t limit)
{
	uint32_t room = limit > s->pcb->rcv_wnd ? limit - s->pcb->rcv_wnd : 0;
	uint32_t n = s->n_consumed < room ? s->n_consumed : room;

	s->n_consumed -= n;
	while (n > 0) {
		u16_t part = (u16_t)(n < UINT16_MAX ? n : UINT16_MAX);

		tcp_recved(s->pcb, part);
		n -= part;
	}
}

static void stream_close(struct cb_stream *s)
{
	struct tcp_pcb *pcb = s->pcb;
	bool is_clean = s->state == CB_STREAM_CLOSED && !s->head;

	drop_received(s);
	cb_stream_connect_cancel(s);
	if (pcb) {
		cb_stream_detach(pcb);
		open_window(s, TCP_WND); /* lwIP resets a connection with unread bytes */
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
		cb_stream_connect_cancel(s);
		if (pcb) {
			cb_stream_detach(pcb);
			tcp_abort(pcb);
		}
		cb_stream_fail(s, CB_NET_CLOSED);
	}
}

void cb_streams_flush(void)
{
	for (struct cb_stream *s = cb_net_state.streams; s; s = s->next) {
		if (s->pcb)
			open_window(s, s->limit ? s->limit : TCP_WND);
		if (s->has_output && s->pcb)
			tcp_output(s->pcb);
		s->has_output = false;
	}
}

static void stream_use(void *ctx, struct cb_net_use *ret)
{
	const struct cb_net_state *net = ctx;

	for (unsigned i = 0; i < 2; i++) {
		enum cb_family family = i ? CB_FAMILY_IPV6 : CB_FAMILY_IPV4;

		ret->has_address[i] = cb_net_has_family(family);
		ret->n_connections[i] = net->n_opened[family];
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
		.limit = stream_limit,
		.close = stream_close,
		.use = stream_use,
	};
}
