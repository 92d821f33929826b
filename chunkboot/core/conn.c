/* SPDX-License-Identifier: MIT */
/* One HTTP connection of a mirror: connects, pipelines requests, receives, gives up in time. */
#include "core/conn.h"

#include <string.h>

#include "core/mirror.h"

static const struct cb_net *net_of(const struct cb_conn *c)
{
	return &cb_fetch_platform(c->mirror->source.fetch)->net;
}

static const struct cb_mem *mem_of(const struct cb_conn *c)
{
	return &cb_fetch_platform(c->mirror->source.fetch)->mem;
}

static uint64_t now_of(const struct cb_conn *c)
{
	return cb_fetch_now(c->mirror->source.fetch);
}

struct cb_ask *cb_conn_ask_at(struct cb_conn *c, unsigned i)
{
	return &c->asks[(c->first + i) % CB_CONN_MAX_ASKS];
}

enum cb_err cb_conn_new(struct cb_mirror *m, const struct cb_url *url, struct cb_conn **ret)
{
	const struct cb_platform *platform = cb_fetch_platform(m->source.fetch);
	struct cb_conn *c = cb_alloc_zeroed(&platform->mem, sizeof *c);

	if (!c)
		return CB_NO_MEMORY;
	c->mirror = m;
	c->url = *url;
	c->number = m->n_opened++;
	c->generation = m->generation;
	c->rtt_ms = UINT32_MAX;
	cb_url_authority(&c->url, c->authority);
	c->opened_ms = now_of(c);
	cb_http_init(&c->http);
	enum cb_err err = platform->net.open(platform->net.ctx, &c->url.endpoint, &c->stream);
	if (err != CB_OK) {
		cb_free(&platform->mem, c);
		return err;
	}
	if (m->source.n_connections++ == 0)
		m->source.tried_ms = c->opened_ms;
	*ret = c;
	return CB_OK;
}

void cb_conn_free_buffer(struct cb_conn *c)
{
	cb_free(mem_of(c), c->buf);
	c->buf = NULL;
	c->buf_len = 0;
}

void cb_conn_free(struct cb_conn *c)
{
	if (!c)
		return;
	if (c->stream)
		net_of(c)->close(c->stream);
	c->mirror->source.n_connections--;
	cb_conn_free_buffer(c);
	cb_free(mem_of(c), c);
}

bool cb_conn_answer_first(struct cb_conn *c, enum cb_answer answer, enum cb_err err,
			  struct cb_received *received)
{
	struct cb_ask ask = *cb_conn_ask_at(c, 0);

	c->first = (c->first + 1) % CB_CONN_MAX_ASKS;
	c->n_asks--;
	c->n_expected -= ask.len;
	return cb_fetch_answer(&c->mirror->source, &ask, answer, err, received);
}

static const struct cb_bytes no_bytes;

void cb_conn_end(struct cb_conn *c, enum cb_answer answer, enum cb_err err)
{
	c->is_dead = true;
	while (c->n_asks > 0) {
		(void)cb_conn_answer_first(c, answer, err, NULL);
		answer = CB_ANSWER_NONE;
		err = CB_OK;
	}
}

bool cb_conn_has_room(const struct cb_conn *c)
{
	const struct cb_mirror *m = c->mirror;
	/* Few at first: the connection may turn out to be limited, or the mirror to be bad. */
	unsigned depth = CB_CONN_FIRST_DEPTH * (c->n_answered + 1);

	if (!c->is_open || c->is_dead || c->is_detour || c->is_retiring ||
	    c->generation != m->generation || c->n_out > CB_CONN_OUT_LEN - CB_HTTP_GET_MAX)
		return false;
	if (depth > CB_CONN_MAX_ASKS)
		depth = CB_CONN_MAX_ASKS;
	if (m->depth && m->depth < depth)
		depth = m->depth;
	if (m->quota && c->n_asked >= m->quota)
		return false;
	/* A server that drops pipelined requests must not get out of step: first see one answered. */
	if (!m->has_pipelined && c->n_answered > 0 && c->n_asks > 0)
		return false;
	return c->n_asks == 0 || (c->n_asks < depth && cb_conn_outstanding(c) < cb_conn_window(c));
}

enum cb_err cb_conn_ask(struct cb_conn *c, const struct cb_ask *ask, const char *path,
			bool is_no_cache)
{
	const struct cb_http_get get = {
		.authority = c->authority,
		.base = c->url.path,
		.path = path,
		.is_no_cache = is_no_cache,
	};
	size_t len;
	enum cb_err err = cb_http_write_get(&get, c->out + c->n_out, &len);

	if (err != CB_OK)
		return err;
	c->n_out += len;
	if (c->n_asks == 0) {
		c->last_byte_ms = c->slow_since_ms = now_of(c);
		c->slow_bytes = 0;
		cb_conn_pace_begin(c);
		c->is_first_sent_alone = true;
	}
	c->n_asked++;
	c->n_asks++;
	c->n_expected += ask->len;
	*cb_conn_ask_at(c, c->n_asks - 1) = *ask;
	return CB_OK;
}

static bool flush(struct cb_conn *c)
{
	if (c->n_out == 0)
		return false;
	size_t n = net_of(c)->send(c->stream, c->out, c->n_out);
	memmove(c->out, c->out + n, c->n_out - n);
	c->n_out -= n;
	return n > 0;
}

/* Takes in what has arrived, at most *budget bytes. True when something had. */
static bool receive(struct cb_conn *c, uint32_t *budget)
{
	struct cb_bytes in = net_of(c)->peek(c->stream);
	enum cb_http_part part = CB_HTTP_END;
	size_t at = 0;

	if (in.len == 0 || *budget == 0)
		return false;
	if (in.len > *budget)
		in.len = *budget;
	while (part != CB_HTTP_NOTHING && !c->is_dead) {
		struct cb_bytes body = no_bytes;
		size_t used;
		enum cb_err err = cb_http_feed(
			&c->http, (struct cb_bytes){ in.p + at, in.len - at }, &used, &part, &body);
		if (err != CB_OK) {
			cb_source_failed(&c->mirror->source, err);
			cb_conn_end(c, CB_ANSWER_FAILED, err);
			return true;
		}
		at += used;
		cb_conn_part(c, part, body, budget);
		if (!c->is_open) /* a detour has begun; the stream that in belongs to is gone */
			return true;
	}
	net_of(c)->consume(c->stream, at);
	c->last_byte_ms = now_of(c);
	c->slow_bytes += at;
	*budget -= *budget < at ? *budget : (uint32_t)at;
	return true;
}

/* ---- Ends and timers ---- */

/* No answer came over this connection. */
static void fail(struct cb_conn *c, enum cb_answer answer, enum cb_err err)
{
	if (c->is_detour)
		err = CB_HTTP_REDIRECT;
	else
		cb_source_failed(&c->mirror->source, err);
	cb_conn_end(c, c->is_detour ? CB_ANSWER_FAILED : answer, err);
}

/* The peer has closed or reset the connection. */
static void on_closed(struct cb_conn *c, enum cb_err why, uint32_t *budget)
{
	struct cb_mirror *m = c->mirror;
	enum cb_http_part part = CB_HTTP_NOTHING;
	bool is_clean = why == CB_OK && cb_http_eof(&c->http, &part) == CB_OK;

	if (is_clean && part == CB_HTTP_END) {
		cb_conn_part(c, part, no_bytes, budget);
		if (c->is_dead)
			return;
	}
	bool is_cut = c->mode == CB_CONN_RECEIVE;
	/* A server that ends at the same count twice has such a limit. */
	if (c->n_asks > 0 && c->n_answered > 0 && !is_cut) {
		if (m->last_quota == c->n_answered)
			m->quota = c->n_answered;
		m->last_quota = c->n_answered;
	}
	if (why == CB_OK)
		why = CB_NET_CLOSED;
	if (c->n_answered == 0 || c->is_detour)
		fail(c, is_cut ? CB_ANSWER_FAILED : CB_ANSWER_NONE, why);
	else
		cb_conn_end(c, is_cut ? CB_ANSWER_FAILED : CB_ANSWER_NONE, why);
}

static void wake_at(uint64_t *wake_ms, uint64_t at)
{
	if (at < *wake_ms)
		*wake_ms = at;
}

static void check_timers(struct cb_conn *c, uint64_t *wake_ms)
{
	struct cb_mirror *m = c->mirror;
	uint64_t now = now_of(c);
	bool is_cut = c->mode == CB_CONN_RECEIVE;
	/* Where pipelining has never worked, silence after an answer means that the rest was dropped. */
	bool is_suspect = c->n_answered > 0 && !m->has_pipelined && !is_cut && m->depth != 1;
	uint64_t silent_ms = is_suspect ? CB_CONN_UNPIPELINED_MS : CB_CONN_SILENT_MS;

	if (c->n_asks == 0)
		return;
	if (now - c->last_byte_ms >= silent_ms) {
		if (is_suspect) {
			m->depth = 1;
			cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
			return;
		}
		fail(c, is_cut ? CB_ANSWER_FAILED : CB_ANSWER_NONE, CB_NET_TIMEOUT);
		return;
	}
	if (now - c->slow_since_ms >= CB_CONN_SLOW_MS) {
		if (c->slow_bytes < CB_CONN_SLOW_BYTES) {
			cb_conn_end(c, CB_ANSWER_FAILED, CB_NET_TIMEOUT);
			return;
		}
		c->slow_since_ms = now;
		c->slow_bytes = 0;
	}
	wake_at(wake_ms, c->last_byte_ms + silent_ms);
	wake_at(wake_ms, c->slow_since_ms + CB_CONN_SLOW_MS);
}

/* A connection was not made. Where others stand, the server just wants no more of them. */
static void on_unconnected(struct cb_conn *c, enum cb_err why)
{
	struct cb_mirror *m = c->mirror;
	unsigned n_good = 0;

	for (unsigned i = 0; i < CB_FETCH_MAX_PER_MIRROR; i++)
		n_good += m->conns[i] && m->conns[i]->is_open;
	if (n_good > 0 && !c->is_detour) {
		m->n_limit = n_good;
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
		return;
	}
	if (!c->is_detour)
		cb_mirror_go_home(m);
	fail(c, CB_ANSWER_NONE, why);
}

/* True when the stream stands (or has just been closed by the peer). */
static bool check_connecting(struct cb_conn *c, enum cb_stream_state state, enum cb_err why,
			     uint64_t *wake_ms)
{
	if (state == CB_STREAM_CONNECTING) {
		if (now_of(c) - c->opened_ms >= CB_CONN_CONNECT_MS) {
			on_unconnected(c, why == CB_NET_DNS ? why : CB_NET_CONNECT);
			return false;
		}
		wake_at(wake_ms, c->opened_ms + CB_CONN_CONNECT_MS);
		return false;
	}
	if (state == CB_STREAM_FAILED) {
		on_unconnected(c, why);
		return false;
	}
	c->is_open = true;
	c->last_byte_ms = c->slow_since_ms = now_of(c);
	return true;
}

bool cb_conn_step(struct cb_conn *c, uint32_t *budget, uint64_t *wake_ms)
{
	enum cb_err why = CB_NET_CLOSED;
	enum cb_stream_state state = net_of(c)->state(c->stream, &why);
	bool was_open = c->is_open;

	if (!was_open && !check_connecting(c, state, why, wake_ms))
		return c->is_dead;
	if (state == CB_STREAM_FAILED) {
		on_closed(c, why, budget);
		return true;
	}
	bool has_moved = flush(c) || !was_open;
	bool is_starved = *budget == 0;
	while (!c->is_dead && c->is_open && receive(c, budget))
		has_moved = true;
	if (c->is_dead || !c->is_open)
		return true;
	if (state == CB_STREAM_CLOSED && !has_moved && !is_starved) {
		on_closed(c, CB_OK, budget);
		return true;
	}
	if (is_starved)
		wake_at(wake_ms, now_of(c));
	else
		check_timers(c, wake_ms);
	return has_moved;
}
