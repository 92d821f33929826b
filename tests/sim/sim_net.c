/* SPDX-License-Identifier: MIT */
/* In-memory byte streams in virtual time: latency, rate, refusals, resets, cut links. */
#include "sim_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The network's own clock stands still while the link is cut. */
static uint64_t net_now(const struct sim *sim)
{
	return (sim->is_cut ? sim->cut_since_ms : sim->now_ms) - sim->cut_total_ms;
}

void sim_cut_link(struct sim *sim, bool is_cut)
{
	if (is_cut && !sim->is_cut)
		sim->cut_since_ms = sim->now_ms;
	else if (!is_cut && sim->is_cut)
		sim->cut_total_ms += sim->now_ms - sim->cut_since_ms;
	sim->is_cut = is_cut;
}

void *sim_grow(void *p, size_t len)
{
	void *grown = realloc(p, len);

	if (!grown)
		abort();
	return grown;
}

static struct sim_server *find_server(struct sim *sim, const struct cb_endpoint *to)
{
	for (unsigned i = 0; i < sim->n_servers; i++) {
		struct sim_server *server = sim->servers[i];
		if (server->port == to->port && strcmp(server->host, to->host) == 0)
			return server;
	}
	return NULL;
}

static enum cb_err sim_open(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	struct sim *sim = ctx;
	/* With frames it is the server's connection, and not of the machine's memory. */
	struct cb_stream *s =
		sim->frames ? sim_grow(NULL, sizeof *s) : sim->platform.mem.alloc(sim, sizeof *s);

	if (!s)
		return CB_NO_MEMORY;
	memset(s, 0, sizeof *s);
	s->sim = sim;
	s->server = find_server(sim, to);
	s->next = sim->streams;
	sim->streams = s;
	s->open_ms = net_now(sim);
	if (!s->server) {
		s->why = CB_NET_DNS;
		*ret = s;
		return CB_OK;
	}
	struct sim_server *server = s->server;
	const struct sim_behaviour *b = &server->behaviour;
	server->n_attempts++;
	s->open_ms += (uint64_t)2 * b->latency_ms;
	s->busy_until_ms = s->open_ms;
	if (b->has_no_name)
		s->why = CB_NET_DNS;
	else if (b->refuses || server->n_attempts <= b->refuse_first || to->is_tls ||
		 sim_server_is_away(server) ||
		 (b->max_connections && server->n_now >= b->max_connections))
		s->why = CB_NET_CONNECT;
	else if (sim_server_hang(server) == SIM_HANG_CONNECT)
		s->open_ms = UINT64_MAX;
	else
		s->is_counted = true;
	if (s->is_counted) {
		server->n_connections++;
		server->n_now++;
		if (server->n_now > server->max_now)
			server->max_now = server->n_now;
		s->is_ended = b->closes_at_once;
	}
	*ret = s;
	return CB_OK;
}

/* Of this connection; 0: no limit. */
static uint32_t own_rate(const struct cb_stream *s)
{
	const struct sim_behaviour *b = &s->server->behaviour;
	bool is_worn = b->wears_after && s->n_answers > b->wears_after;

	return is_worn ? (b->rate_bytes_ms + 9) / 10 : b->rate_bytes_ms;
}

static uint32_t rate_of(const struct cb_stream *s)
{
	uint32_t line = s->sim->line_rate, own = own_rate(s);

	return own && (!line || own < line) ? own : line;
}

/* When bytes that could arrive at arrival_ms do so, with the line busy with others' before them. */
static uint64_t queue_on_line(struct sim *sim, uint64_t arrival_ms, size_t len)
{
	if (!sim->line_rate)
		return arrival_ms;
	if (sim->line_busy_us < arrival_ms * 1000)
		sim->line_busy_us = arrival_ms * 1000;
	uint64_t start_ms = sim->line_busy_us / 1000;
	sim->line_busy_us += (uint64_t)len * 1000 / sim->line_rate;
	return start_ms;
}

void sim_limit_line(struct sim *sim, uint32_t rate_bytes_ms)
{
	sim->line_rate = rate_bytes_ms;
}

/* How many bytes of the answers have arrived by now. */
static size_t n_arrived(const struct cb_stream *s)
{
	const struct sim_behaviour *b = &s->server->behaviour;
	uint64_t now = net_now(s->sim);

	for (size_t i = s->n_marks; i-- > 0;) {
		const struct sim_mark *m = &s->marks[i];
		size_t end = i + 1 < s->n_marks ? s->marks[i + 1].at : s->n_out;
		if (now < m->start_ms)
			continue;
		uint64_t n = end - m->at, ms = now - m->start_ms, rate = m->rate_bytes_ms;
		if (b->drip_ms && ms / b->drip_ms < n)
			n = ms / b->drip_ms;
		else if (rate && !b->drip_ms && ms * rate < n)
			n = ms * rate;
		return m->at + (size_t)n;
	}
	return 0;
}

/* When the last of len bytes that begin to arrive at arrival_ms has arrived. */
static uint64_t end_ms(const struct cb_stream *s, uint64_t arrival_ms, size_t len)
{
	const struct sim_behaviour *b = &s->server->behaviour;
	uint64_t end = arrival_ms;

	if (b->drip_ms)
		end += (uint64_t)len * b->drip_ms;
	else if (b->rate_bytes_ms)
		end += (len + own_rate(s) - 1) / own_rate(s);
	uint64_t line_end = s->sim->line_rate ? (s->sim->line_busy_us + 999) / 1000 : 0;
	return end > line_end ? end : line_end;
}

void sim_queue(struct cb_stream *s, const void *bytes, size_t len)
{
	const struct sim_behaviour *b = &s->server->behaviour;
	uint64_t arrival = net_now(s->sim) + (uint64_t)2 * b->latency_ms;

	if (s->n_out + len > s->max_out) {
		s->max_out = (s->n_out + len) * 2;
		s->out = sim_grow(s->out, s->max_out);
	}
	memcpy(s->out + s->n_out, bytes, len);
	if (s->n_marks == s->max_marks) {
		s->max_marks = s->max_marks * 2 + 8;
		s->marks = sim_grow(s->marks, s->max_marks * sizeof *s->marks);
	}
	/* The shared line keeps things in order by itself, to the microsecond. */
	bool is_own = !s->sim->line_rate || b->rate_bytes_ms || b->drip_ms;
	if (is_own && arrival < s->busy_until_ms)
		arrival = s->busy_until_ms;
	arrival = queue_on_line(s->sim, arrival, len);
	s->marks[s->n_marks++] = (struct sim_mark){ s->n_out, arrival, rate_of(s) };
	s->n_out += len;
	s->busy_until_ms = end_ms(s, arrival, len);
}

static size_t head_len(const struct cb_stream *s)
{
	for (size_t i = 3; i < s->n_in; i++)
		if (memcmp(s->in + i - 3, "\r\n\r\n", 4) == 0)
			return i + 1;
	return 0;
}

/* Lets the server work on what it was sent. */
static void serve(struct cb_stream *s)
{
	unsigned n_waiting = 0;
	size_t len;

	if (s->n_taken == s->n_out && s->n_out > 0) {
		s->n_taken = s->n_out = s->n_shown = 0;
		s->n_marks = 0;
	}
	if (!s->server || s->why != CB_OK)
		return;
	const struct sim_behaviour *b = &s->server->behaviour;
	while ((len = head_len(s)) > 0) {
		char request[SIM_REQUEST_MAX];
		size_t n = len < sizeof request ? len : sizeof request - 1;
		memcpy(request, s->in, n);
		request[n] = '\0';
		memmove(s->in, s->in + len, s->n_in - len);
		s->n_in -= len;
		s->server->n_requests++;
		if (++n_waiting > s->server->max_pipelined)
			s->server->max_pipelined = n_waiting;
		bool is_busy = s->busy_until_ms > net_now(s->sim) + (uint64_t)2 * b->latency_ms;
		if (b->ignores_pipelined && (n_waiting > 1 || (is_busy && s->n_answers > 0)))
			continue;
		if (!s->is_ended && !s->is_deaf)
			sim_server_answer(s, request);
	}
}

static enum cb_stream_state sim_state(struct cb_stream *s, enum cb_err *ret_why)
{
	uint64_t now = net_now(s->sim);
	enum cb_err why = s->why;

	if (now < s->open_ms)
		return CB_STREAM_CONNECTING;
	if (why == CB_OK && s->is_ended && now >= s->busy_until_ms) {
		if (!s->is_reset)
			return CB_STREAM_CLOSED;
		why = CB_NET_CLOSED;
	}
	if (why == CB_OK)
		return CB_STREAM_OPEN;
	if (ret_why)
		*ret_why = why;
	return CB_STREAM_FAILED;
}

static size_t sim_send(struct cb_stream *s, const void *data, size_t len)
{
	if (sim_state(s, NULL) != CB_STREAM_OPEN)
		return 0;
	size_t room = SIM_REQUEST_MAX * 16 - s->n_in;
	if (len > room)
		len = room;
	if (s->n_in + len > s->max_in) {
		s->max_in = (s->n_in + len) * 2;
		s->in = sim_grow(s->in, s->max_in);
	}
	memcpy(s->in + s->n_in, data, len);
	s->n_in += len;
	return len;
}

static struct cb_bytes sim_peek(struct cb_stream *s)
{
	const struct cb_bytes none = { NULL, 0 };

	serve(s);
	enum cb_stream_state state = sim_state(s, NULL);
	if ((state != CB_STREAM_OPEN && state != CB_STREAM_CLOSED) || s->n_out == 0)
		return none;
	size_t n = n_arrived(s) - s->n_taken;
	if (n == 0)
		return none;
	size_t max = s->sim->split_max;
	if (max > 0) {
		if (s->n_shown == 0)
			s->n_shown = 1 + (size_t)(sim_random(s->sim) % max);
		n = n < s->n_shown ? n : s->n_shown;
	}
	return (struct cb_bytes){ s->out + s->n_taken, n };
}

static void sim_consume(struct cb_stream *s, size_t n)
{
	if (n > sim_peek(s).len)
		abort();
	s->n_taken += n;
	s->n_shown = 0;
}

static void sim_close(struct cb_stream *s)
{
	struct sim *sim = s->sim;

	for (struct cb_stream **p = &sim->streams; *p; p = &(*p)->next) {
		if (*p != s)
			continue;
		*p = s->next;
		break;
	}
	if (s->is_counted)
		s->server->n_now--;
	free(s->in);
	free(s->out);
	free(s->marks);
	if (sim->frames)
		free(s);
	else
		sim->platform.mem.free(sim, s);
}

static uint64_t stream_event(struct cb_stream *s)
{
	uint64_t now = net_now(s->sim), next = UINT64_MAX;

	serve(s);
	if (now < s->open_ms)
		return s->open_ms;
	if (s->why != CB_OK)
		return now;
	const struct sim_behaviour *b = &s->server->behaviour;
	size_t arrived = s->n_out > 0 ? n_arrived(s) : 0;
	if (arrived > s->n_taken)
		return now;
	for (size_t i = 0; i < s->n_marks && next == UINT64_MAX; i++)
		if (s->marks[i].start_ms > now)
			next = s->marks[i].start_ms;
	if (arrived < s->n_out && s->busy_until_ms > now) {
		uint64_t soon = now + (b->drip_ms ? b->drip_ms : 1);
		if (soon < next && n_arrived(s) != 0)
			next = soon;
		else if (soon < next && s->n_marks > 0 && s->marks[0].start_ms <= now)
			next = soon;
	}
	if (s->is_ended && s->busy_until_ms > now && s->busy_until_ms < next)
		next = s->busy_until_ms;
	return next;
}

uint64_t sim_streams_next(const struct sim *sim)
{
	uint64_t next = UINT64_MAX;

	if (sim->is_cut)
		return UINT64_MAX;
	for (struct cb_stream *s = sim->streams; s; s = s->next) {
		uint64_t at = stream_event(s);
		if (at != UINT64_MAX && at + sim->cut_total_ms < next)
			next = at + sim->cut_total_ms;
	}
	return next;
}

uint64_t sim_next_event(const struct sim *sim)
{
	uint64_t next = sim_streams_next(sim), frames;

	if (!sim->frames)
		return next;
	frames = sim_frames_next(sim);
	return frames < next ? frames : next;
}

void sim_net_init(struct sim *sim)
{
	sim->platform.net = (struct cb_net){
		.ctx = sim,
		.open = sim_open,
		.state = sim_state,
		.send = sim_send,
		.peek = sim_peek,
		.consume = sim_consume,
		.close = sim_close,
	};
}

void sim_net_done(struct sim *sim)
{
	sim_frames_free(sim);
	while (sim->streams)
		sim_close(sim->streams);
}

void sim_reset_connections(struct sim_server *server)
{
	for (struct cb_stream *s = server->sim->streams; s; s = s->next)
		if (s->server == server && s->why == CB_OK)
			s->why = CB_NET_CLOSED;
}

unsigned sim_open_streams(const struct sim *sim)
{
	unsigned n = 0;

	if (sim->frames)
		return sim_frames_open_streams();
	for (const struct cb_stream *s = sim->streams; s; s = s->next)
		n++;
	return n;
}
