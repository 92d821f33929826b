/* SPDX-License-Identifier: MIT */
/* TCP of the simulated servers (RFC 9293): connections come and go, requests are put together. */
#include <stdlib.h>
#include <string.h>

#include "sim_frames.h"

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u
#define WINDOW 65535u /* requests are small */
#define MSS_DEFAULT 536u
#define FIRST_WINDOW 10u /* segments (RFC 6928) */
#define FIRST_RTO_US 1000000u

/* A segment as it came in. */
struct incoming {
	unsigned flags, scale, mss, n_sacks;
	uint32_t seq, ack, window, sacks[SIM_TCP_MAX_SACKS][2];
	bool has_sack, has_scale;
	const uint8_t *data;
	size_t len;
};

static void read_option(struct incoming *in, const uint8_t *p, unsigned len)
{
	if (p[0] == 2 && len == 4)
		in->mss = packet_get16(p + 2);
	if (p[0] == 3 && len == 3) {
		in->has_scale = true;
		in->scale = p[2] < 14 ? p[2] : 14;
	}
	in->has_sack |= p[0] == 4;
	for (unsigned at = 2; p[0] == 5 && at + 8 <= len && in->n_sacks < SIM_TCP_MAX_SACKS;
	     at += 8) {
		in->sacks[in->n_sacks][0] = packet_get32(p + at);
		in->sacks[in->n_sacks++][1] = packet_get32(p + at + 4);
	}
}

static bool parse(const struct sim_packet *packet, struct incoming *in)
{
	const uint8_t *tcp = packet->l4;
	size_t head = (size_t)(tcp[12] >> 4) * 4, at = 20;

	if (head < 20 || head > packet->len)
		return false;
	*in = (struct incoming){ .seq = packet_get32(tcp + 4),
				 .ack = packet_get32(tcp + 8),
				 .flags = tcp[13],
				 .window = packet_get16(tcp + 14),
				 .mss = MSS_DEFAULT,
				 .data = tcp + head,
				 .len = packet->len - head };
	while (at < head && tcp[at] != 0) {
		unsigned n = tcp[at] == 1 ? 1 : at + 1 < head ? tcp[at + 1] : 0;
		if (n == 0 || at + n > head || (tcp[at] != 1 && n < 2))
			return true;
		if (n > 1)
			read_option(in, tcp + at, n);
		at += n;
	}
	return in->len <= SIM_SEGMENT_MAX;
}

/* ---- Sending one segment ---- */

static size_t put_syn_options(const struct sim_tcp *t, uint8_t *p)
{
	size_t n = 4;

	memcpy(p, "\2\4", 2);
	packet_put16(p + 2, t->mss);
	if (t->has_scale) {
		memcpy(p + n, "\3\3\0\1", 4);
		n += 4;
	}
	if (t->has_sack) {
		memcpy(p + n, "\4\2\1\1", 4);
		n += 4;
	}
	return n;
}

void sim_tcp_emit(struct sim_tcp *t, unsigned flags, uint32_t seq, const void *data, size_t len)
{
	struct sim_packet to = { .is_ipv6 = t->is_ipv6, .protocol = PACKET_TCP };
	uint8_t buffer[SIM_FRAME_MAX], *tcp = buffer + SIM_L4_AT;
	bool is_shut = t->takes_from_us > t->net->now_us;
	size_t head = 20;

	memset(tcp, 0, 20);
	if (flags & SYN)
		head += put_syn_options(t, tcp + 20);
	packet_put16(tcp, t->server_port);
	packet_put16(tcp + 2, t->client_port);
	packet_put32(tcp + 4, seq);
	packet_put32(tcp + 8, t->rcv_nxt);
	tcp[12] = (uint8_t)(head / 4 << 4);
	tcp[13] = (uint8_t)flags;
	packet_put16(tcp + 14, is_shut ? 0 : WINDOW);
	if (len > 0)
		memcpy(tcp + head, data, len);
	memcpy(to.from, t->server_ip, sizeof(to.from));
	memcpy(to.to, t->client_ip, sizeof(to.to));
	sim_packet_send(t->net, buffer, &to, head + len, 16);
}

static void send_ack(struct sim_tcp *t)
{
	sim_tcp_emit(t, ACK, t->snd_nxt, NULL, 0);
}

static void reset(struct sim_tcp *t)
{
	sim_tcp_emit(t, RST | ACK, t->snd_nxt, NULL, 0);
	t->state = SIM_TCP_DEAD;
}

/* ---- Beginning ---- */

static struct sim_tcp *make(struct sim_frames *net, const struct sim_packet *packet)
{
	struct sim_tcp *t = sim_grow(NULL, sizeof(*t));

	memset(t, 0, sizeof(*t));
	t->net = net;
	t->is_ipv6 = packet->is_ipv6;
	memcpy(t->client_ip, packet->from, sizeof(t->client_ip));
	memcpy(t->server_ip, packet->to, sizeof(t->server_ip));
	t->client_port = (uint16_t)packet_get16(packet->l4);
	t->server_port = (uint16_t)packet_get16(packet->l4 + 2);
	t->timer_us = UINT64_MAX;
	t->rto_us = FIRST_RTO_US;
	return t;
}

static void refuse(struct sim_frames *net, const struct sim_packet *packet,
		   const struct incoming *in)
{
	struct sim_tcp *t = make(net, packet);

	t->rcv_nxt = in->seq + (uint32_t)in->len + (in->flags & (SYN | FIN) ? 1 : 0);
	t->snd_nxt = in->flags & ACK ? in->ack : 0;
	reset(t);
	free(t);
}

static void accept_syn(struct sim_frames *net, struct sim_server *server,
		       const struct sim_packet *packet, const struct incoming *in)
{
	struct sim_tcp *t = make(net, packet);
	struct cb_endpoint to = { .port = server->port };
	unsigned most = (net->link.mtu ? net->link.mtu : 1500u) - (packet->is_ipv6 ? 60 : 40);

	memcpy(to.host, server->host, sizeof(to.host));
	t->server = server;
	if (net->streams.open(net->streams.ctx, &to, &t->relay) != CB_OK)
		abort();
	t->rcv_nxt = in->seq + 1;
	t->iss = t->snd_una = t->snd_nxt = t->recover = (uint32_t)sim_line_random(net);
	t->mss = in->mss < most ? in->mss : most;
	t->window = in->window;
	t->scale = in->has_scale ? in->scale : 0;
	t->has_scale = in->has_scale;
	t->has_sack = in->has_sack;
	t->cwnd = FIRST_WINDOW * t->mss;
	t->ssthresh = UINT32_MAX;
	if (net->link.window0_ms)
		t->takes_from_us = UINT64_MAX; /* until it stands */
	t->next = net->connections;
	net->connections = t;
	net->stats.n_connections++;
}

/* ---- Receiving ---- */

static void deliver(struct sim_tcp *t, const uint8_t *data, size_t len)
{
	/* What a server that has ended does not take is lost, as it would be. */
	(void)t->net->streams.send(t->relay, data, len);
	t->rcv_nxt += (uint32_t)len;
}

static void keep(struct sim_tcp *t, uint32_t seq, const uint8_t *data, size_t len)
{
	if (t->n_pieces == SIM_TCP_MAX_PIECES || seq - t->rcv_nxt > WINDOW)
		return;
	if (!t->pieces)
		t->pieces = sim_grow(NULL, SIM_TCP_MAX_PIECES * sizeof(*t->pieces));
	struct sim_piece *piece = &t->pieces[t->n_pieces++];
	piece->seq = seq;
	piece->len = len;
	memcpy(piece->bytes, data, len);
}

static bool take_piece(struct sim_tcp *t)
{
	for (unsigned i = 0; i < t->n_pieces; i++) {
		struct sim_piece piece = t->pieces[i];
		uint32_t skip = t->rcv_nxt - piece.seq;
		if ((int32_t)skip < 0)
			continue;
		t->pieces[i] = t->pieces[--t->n_pieces];
		if (skip < piece.len)
			deliver(t, piece.bytes + skip, piece.len - skip);
		return true;
	}
	return false;
}

static void take_data(struct sim_tcp *t, const struct incoming *in)
{
	uint32_t skip = t->rcv_nxt - in->seq;

	if (in->len == 0 && !(in->flags & FIN))
		return;
	if (t->takes_from_us <= t->net->now_us && in->len > 0) {
		if ((int32_t)skip < 0)
			keep(t, in->seq, in->data, in->len);
		else if (skip < in->len)
			deliver(t, in->data + skip, in->len - skip);
		while (take_piece(t))
			;
	}
	if ((in->flags & FIN) && in->seq + (uint32_t)in->len == t->rcv_nxt) {
		t->rcv_nxt++;
		t->has_client_ended = t->is_ended = true;
	}
	send_ack(t);
}

static void input(struct sim_tcp *t, const struct incoming *in)
{
	if (in->flags & RST) {
		if (in->seq - t->rcv_nxt <= WINDOW)
			t->state = SIM_TCP_DEAD;
		return;
	}
	if (t->state == SIM_TCP_WAITS)
		return;
	if (in->flags & SYN) {
		if (t->state == SIM_TCP_ANSWERED)
			sim_tcp_emit(t, SYN | ACK, t->iss, NULL, 0);
		else
			send_ack(t);
		return;
	}
	if (!(in->flags & ACK))
		return;
	if (t->state == SIM_TCP_ANSWERED) {
		if (in->ack != t->iss + 1) {
			sim_tcp_emit(t, RST, in->ack, NULL, 0);
			return;
		}
		t->state = SIM_TCP_OPEN;
		t->snd_una = t->snd_nxt = t->recover = in->ack;
		t->n_timeouts = 0;
		t->timer_us = UINT64_MAX;
		if (t->takes_from_us)
			t->takes_from_us = t->net->now_us + 1000ull * t->net->link.window0_ms;
	}
	if ((int32_t)(in->ack - t->snd_una) >= 0)
		t->window = in->window << t->scale;
	sim_tcp_acked(t, in->ack, in->sacks, in->n_sacks);
	take_data(t, in);
}

static struct sim_tcp *find(struct sim_frames *net, const struct sim_packet *packet)
{
	for (struct sim_tcp *t = net->connections; t; t = t->next)
		if (t->state != SIM_TCP_DEAD && t->is_ipv6 == packet->is_ipv6 &&
		    t->client_port == packet_get16(packet->l4) &&
		    t->server_port == packet_get16(packet->l4 + 2) &&
		    memcmp(t->client_ip, packet->from, sizeof(t->client_ip)) == 0 &&
		    memcmp(t->server_ip, packet->to, sizeof(t->server_ip)) == 0)
			return t;
	return NULL;
}

void sim_tcp_input(struct sim_frames *net, struct sim_server *server,
		   const struct sim_packet *packet)
{
	struct sim_tcp *t = find(net, packet);
	struct incoming in;

	if (!parse(packet, &in))
		return;
	bool is_new = (in.flags & (SYN | ACK | RST)) == SYN && server;
	if (t && is_new && t->rcv_nxt != in.seq + 1 && in.seq - t->rcv_nxt > WINDOW) {
		t->state = SIM_TCP_DEAD; /* the port is used again */
		t = NULL;
	}
	if (t)
		input(t, &in);
	else if (is_new)
		accept_syn(net, server, packet, &in);
	else if (!(in.flags & RST))
		refuse(net, packet, &in);
}

/* ---- What is behind it ---- */

/* Bytes of the answers go into the connection, its end after them. */
static void relay_turn(struct sim_tcp *t)
{
	const struct cb_net *streams = &t->net->streams;
	enum cb_stream_state state;
	struct cb_bytes bytes;

	while ((bytes = streams->peek(t->relay)).len > 0) {
		sim_tcp_write(t, bytes.p, bytes.len);
		streams->consume(t->relay, bytes.len);
	}
	state = streams->state(t->relay, NULL);
	if (state == CB_STREAM_FAILED)
		reset(t);
	else if (state == CB_STREAM_CLOSED)
		t->is_ended = true;
}

static void turn(struct sim_tcp *t)
{
	uint64_t now_us = t->net->now_us;

	if (t->state == SIM_TCP_WAITS) {
		switch (t->net->streams.state(t->relay, NULL)) {
		case CB_STREAM_CONNECTING:
			return;
		case CB_STREAM_FAILED:
			reset(t);
			return;
		default:
			t->state = SIM_TCP_ANSWERED;
			sim_tcp_emit(t, SYN | ACK, t->iss, NULL, 0);
			t->snd_nxt = t->iss + 1;
			t->timer_us = now_us + t->rto_us;
			return;
		}
	}
	if (t->state == SIM_TCP_OPEN && !t->is_ended)
		relay_turn(t);
	if (t->state == SIM_TCP_OPEN && t->takes_from_us && now_us >= t->takes_from_us) {
		t->takes_from_us = 0;
		send_ack(t);
	}
	if (t->state == SIM_TCP_OPEN)
		sim_tcp_send(t);
	if (t->state != SIM_TCP_DEAD && now_us >= t->timer_us)
		sim_tcp_timer(t);
	/* Said and heard to the end. */
	if (t->state == SIM_TCP_OPEN && t->has_fin && t->n_segments == 0 && t->has_client_ended)
		t->state = SIM_TCP_DEAD;
}

static void release(struct sim_tcp *t)
{
	t->net->streams.close(t->relay);
	t->net->stats.n_connections--;
	free(t->pieces);
	free(t->out);
	free(t->segments);
	free(t);
}

void sim_tcp_turn(struct sim_frames *net)
{
	struct sim_tcp **at = &net->connections;

	while (*at) {
		struct sim_tcp *t = *at;

		turn(t);
		if (t->state == SIM_TCP_DEAD) {
			*at = t->next;
			release(t);
		} else {
			at = &t->next;
		}
	}
}

uint64_t sim_tcp_next(const struct sim_frames *net)
{
	uint64_t next = UINT64_MAX;

	for (const struct sim_tcp *t = net->connections; t; t = t->next) {
		if (t->timer_us < next)
			next = t->timer_us;
		if (t->takes_from_us && t->takes_from_us < next)
			next = t->takes_from_us;
	}
	return next;
}

void sim_tcp_free_all(struct sim_frames *net)
{
	while (net->connections) {
		struct sim_tcp *t = net->connections;

		net->connections = t->next;
		release(t);
	}
}
