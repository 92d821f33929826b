/* SPDX-License-Identifier: MIT */
/* One HTTP connection of a mirror: pipelines requests, receives, verifies, notices what is wrong. */
#include <string.h>

#include "core/job.h"
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
	m->source.n_connections++;
	*ret = c;
	return CB_OK;
}

static void free_buffer(struct cb_conn *c)
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
	free_buffer(c);
	cb_free(mem_of(c), c);
}

/* Removes the first ask and reports its answer. False when bytes were refused. */
static bool answer_first(struct cb_conn *c, enum cb_answer answer, enum cb_err err,
			 struct cb_bytes bytes)
{
	struct cb_ask ask = *cb_conn_ask_at(c, 0);

	c->first = (c->first + 1) % CB_CONN_MAX_ASKS;
	c->n_asks--;
	c->n_expected -= ask.len;
	return cb_fetch_answer(&c->mirror->source, &ask, answer, err, bytes);
}

static const struct cb_bytes no_bytes;

void cb_conn_end(struct cb_conn *c, enum cb_answer answer, enum cb_err err)
{
	c->is_dead = true;
	while (c->n_asks > 0) {
		(void)answer_first(c, answer, err, no_bytes);
		answer = CB_ANSWER_NONE;
		err = CB_OK;
	}
}

bool cb_conn_has_room(const struct cb_conn *c)
{
	const struct cb_mirror *m = c->mirror;
	/* Few at first: the connection may turn out to be limited, or the mirror to be bad. */
	unsigned depth = CB_CONN_FIRST_DEPTH * (c->n_answered + 1);
	uint64_t window = CB_CONN_WINDOW_MIN;

	if (!c->is_open || c->is_dead || c->is_detour || c->generation != m->generation ||
	    c->n_out > CB_CONN_OUT_LEN - CB_HTTP_GET_MAX)
		return false;
	if (depth > CB_CONN_MAX_ASKS)
		depth = CB_CONN_MAX_ASKS;
	if (m->depth && m->depth < depth)
		depth = m->depth;
	if (m->quota && c->n_asked >= m->quota)
		return false;
	/* Twice what is under way at the measured rate and delay keeps the server busy. */
	if (c->rtt_ms != UINT32_MAX)
		window += (uint64_t)2 * c->rate_bytes_ms * c->rtt_ms;
	if (window > CB_CONN_WINDOW_MAX)
		window = CB_CONN_WINDOW_MAX;
	return c->n_asks < depth && c->n_expected < window;
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
		c->last_byte_ms = c->slow_since_ms = c->rate_since_ms = now_of(c);
		c->slow_bytes = c->rate_bytes = 0;
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

/* ---- Redirects ---- */

/* Length of path without the item's path at its end; 0 when it doesn't end so. */
static size_t base_len(const char *path, const char *item)
{
	size_t len = strlen(path), tail = strlen(item);

	if (tail >= len || strncmp(path + len - tail, item, tail) != 0 ||
	    path[len - tail - 1] != '/')
		return 0;
	return len - tail;
}

/* The whole repository seems to live elsewhere: later requests go there at once. */
static bool learn_base(struct cb_conn *c, const struct cb_url *to)
{
	struct cb_mirror *m = c->mirror;
	const struct cb_ask *ask = cb_conn_ask_at(c, 0);
	struct cb_fetch_item item;

	if (c->is_detour || !ask->job)
		return false;
	cb_job_describe(ask->job, ask->item, &item);
	size_t len = base_len(to->path, item.path);
	if (len == 0)
		return false;
	/* A connection that still leads to an older base tells nothing about the present one. */
	if (c->generation == m->generation) {
		if (++m->n_hops > CB_MIRROR_MAX_HOPS)
			return false;
		m->base = *to;
		m->is_away = true;
		m->base.path[len] = '\0';
		m->generation++;
	}
	cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
	return true;
}

/* Back to where the mirror was before redirects led elsewhere. */
static void go_home(struct cb_mirror *m)
{
	if (m->n_hops == 0 && !m->is_away)
		return;
	m->base = m->home;
	m->n_hops = 0;
	m->is_away = false;
	m->generation++;
}

static void refuse_redirect(struct cb_conn *c)
{
	struct cb_mirror *m = c->mirror;

	go_home(m);
	cb_source_busy(&m->source, 0);
	cb_conn_end(c, CB_ANSWER_FAILED, CB_HTTP_REDIRECT);
}

/* Turns the connection into one to another place, for its first ask only. */
static void start_detour(struct cb_conn *c, const struct cb_url *to)
{
	struct cb_ask ask = *cb_conn_ask_at(c, 0);
	const struct cb_net *net = net_of(c);

	c->first = (c->first + 1) % CB_CONN_MAX_ASKS;
	c->n_asks--;
	cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
	net->close(c->stream);
	c->stream = NULL;
	c->n_expected = 0;
	c->n_out = 0;
	c->is_dead = c->is_open = false;
	c->is_detour = true;
	c->n_hops++;
	c->url = *to;
	c->opened_ms = now_of(c);
	c->mode = CB_CONN_BETWEEN;
	cb_url_authority(&c->url, c->authority);
	cb_http_init(&c->http);
	enum cb_err err = cb_conn_ask(c, &ask, "", /*is_no_cache=*/false);
	if (err != CB_OK)
		(void)cb_fetch_answer(&c->mirror->source, &ask, CB_ANSWER_FAILED, CB_HTTP_REDIRECT,
				      no_bytes);
	else
		err = net->open(net->ctx, &c->url.endpoint, &c->stream);
	if (err != CB_OK)
		cb_conn_end(c, CB_ANSWER_FAILED, err == CB_NO_MEMORY ? err : CB_HTTP_REDIRECT);
}

static void redirect(struct cb_conn *c)
{
	const struct cb_http_head *head = &c->http.head;
	const struct cb_bytes location = { (const uint8_t *)head->location, head->location_len };
	struct cb_url to;

	if (cb_url_redirect(&c->url, location, &to) != CB_OK) {
		refuse_redirect(c);
		return;
	}
	if (learn_base(c, &to) || c->is_dead)
		return;
	if (c->n_hops >= CB_MIRROR_MAX_HOPS || c->mirror->n_hops > CB_MIRROR_MAX_HOPS)
		refuse_redirect(c);
	else
		start_detour(c, &to);
}

/* ---- Answers ---- */

/* Makes room for the answer's body, as much as the signed (or named) length says. */
static bool ensure_buffer(struct cb_conn *c, size_t len)
{
	if (c->buf_len >= len && c->buf)
		return true;
	free_buffer(c);
	c->buf = cb_alloc(mem_of(c), len);
	c->buf_len = c->buf ? len : 0;
	return c->buf != NULL;
}

static void wrong(struct cb_conn *c, enum cb_err err)
{
	cb_conn_end(c, CB_ANSWER_WRONG, err);
}

static void begin_receive(struct cb_conn *c, const struct cb_ask *ask)
{
	const struct cb_http_head *head = &c->http.head;

	if (head->has_length && ask->is_exact && head->length != ask->len) {
		wrong(c, CB_OK);
	} else if (head->has_length && head->length > ask->len) {
		wrong(c, CB_HTTP_TOO_LARGE);
	} else if (!ensure_buffer(c, ask->len)) {
		cb_conn_end(c, CB_ANSWER_FAILED, CB_NO_MEMORY);
	} else {
		c->mode = CB_CONN_RECEIVE;
		c->n_got = 0;
		c->digest = ask->digest;
		if (c->digest == CB_DIGEST_BLAKE2B_256)
			cb_blake2b_init(&c->blake2b, CB_DIGEST_LEN, NULL, 0);
		else if (c->digest == CB_DIGEST_SHA256)
			br_sha256_init(&c->sha256);
	}
}

/* The rest of the answer is read and forgotten, so that the connection stays usable. */
static void begin_drain(struct cb_conn *c)
{
	const struct cb_http_head *head = &c->http.head;

	c->mode = CB_CONN_DRAIN;
	c->n_drained = 0;
	if (!head->keeps_alive || (head->has_length && head->length > CB_CONN_DRAIN_MAX))
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
}

static void refused(struct cb_conn *c, unsigned status)
{
	struct cb_source *s = &c->mirror->source;
	bool is_busy = status == 429 || status == 503;
	uint64_t wait_ms = 0;

	if (is_busy && c->http.head.has_retry_after) {
		wait_ms = (uint64_t)c->http.head.retry_after_s * 1000;
		if (wait_ms > CB_SOURCE_RETRY_AFTER_MAX_MS)
			wait_ms = CB_SOURCE_RETRY_AFTER_MAX_MS;
	}
	if (is_busy || status >= 500)
		cb_source_busy(s, wait_ms);
	(void)answer_first(c, is_busy ? CB_ANSWER_BUSY : CB_ANSWER_FAILED, CB_HTTP_STATUS,
			   no_bytes);
	begin_drain(c);
}

static bool is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void measure_rtt(struct cb_conn *c, const struct cb_ask *ask)
{
	uint64_t ms = now_of(c) - ask->asked_ms;

	if (c->is_first_sent_alone && ms < c->rtt_ms)
		c->rtt_ms = (uint32_t)ms;
	c->mirror->has_pipelined |= !c->is_first_sent_alone;
	c->is_first_sent_alone = false;
}

static void on_head(struct cb_conn *c)
{
	struct cb_mirror *m = c->mirror;
	unsigned status = c->http.head.status;

	if (c->n_asks == 0) { /* an answer that nobody asked for */
		c->is_dead = true;
		return;
	}
	const struct cb_ask *ask = cb_conn_ask_at(c, 0);
	measure_rtt(c, ask);
	c->n_answered++;
	if (!c->http.head.keeps_alive && !c->is_detour)
		m->quota = c->n_answered;
	if (is_redirect(status)) {
		redirect(c);
		return;
	}
	if (status == 200) {
		cb_source_answered(&m->source);
		m->n_hops = 0;
		begin_receive(c, ask);
	} else if (status == 404 || status == 403 || status == 410) {
		cb_source_answered(&m->source);
		(void)answer_first(c, CB_ANSWER_ABSENT, CB_OK, no_bytes);
		begin_drain(c);
	} else {
		m->source.is_up = true;
		m->source.n_fails = 0;
		refused(c, status);
	}
}

static void on_body(struct cb_conn *c, struct cb_bytes body)
{
	if (c->mode != CB_CONN_RECEIVE) {
		c->n_drained += body.len;
		if (c->n_drained > CB_CONN_DRAIN_MAX)
			cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
		return;
	}
	const struct cb_ask *ask = cb_conn_ask_at(c, 0);
	if (body.len > ask->len - c->n_got) {
		wrong(c, ask->is_exact ? CB_OK : CB_HTTP_TOO_LARGE);
		return;
	}
	memcpy(c->buf + c->n_got, body.p, body.len);
	c->n_got += body.len;
	if (c->digest == CB_DIGEST_BLAKE2B_256)
		cb_blake2b_update(&c->blake2b, body.p, body.len);
	else if (c->digest == CB_DIGEST_SHA256)
		br_sha256_update(&c->sha256, body.p, body.len);
	if (ask->job)
		cb_fetch_progress(&c->mirror->source, body.len);
}

static bool is_right(struct cb_conn *c, const struct cb_ask *ask)
{
	uint8_t digest[CB_DIGEST_LEN];

	if (ask->is_exact && c->n_got != ask->len)
		return false;
	if (c->digest == CB_DIGEST_NONE)
		return true;
	if (c->digest == CB_DIGEST_BLAKE2B_256)
		cb_blake2b_final(&c->blake2b, digest);
	else
		br_sha256_out(&c->sha256, digest);
	return memcmp(digest, ask->expect, sizeof digest) == 0;
}

static void measure_answer(struct cb_conn *c, const struct cb_ask *ask)
{
	struct cb_source *s = &c->mirror->source;
	uint64_t now = now_of(c), ms = now - ask->asked_ms;

	if (ms > UINT32_MAX / 4)
		ms = UINT32_MAX / 4;
	s->answer_ms = s->answer_ms ? (s->answer_ms * 3 + (uint32_t)ms) / 4 : (uint32_t)ms;
	c->rate_bytes += c->n_got;
	ms = now - c->rate_since_ms;
	if (ms < 100)
		return;
	uint64_t rate = c->rate_bytes / ms;
	c->rate_bytes_ms = (uint32_t)(c->rate_bytes_ms ? (c->rate_bytes_ms * 3 + rate) / 4 : rate);
	c->rate_bytes = 0;
	c->rate_since_ms = now;
}

/* The answer is complete. */
static void on_end(struct cb_conn *c, uint32_t *budget)
{
	bool keeps_alive = c->mode == CB_CONN_DRAIN || c->http.head.keeps_alive;

	if (c->mode == CB_CONN_RECEIVE) {
		const struct cb_ask *ask = cb_conn_ask_at(c, 0);
		measure_answer(c, ask);
		*budget = 0;
		if (!is_right(c, ask)) {
			wrong(c, CB_OK);
			return;
		}
		/* Wrong bytes may come from a cache that sits on this very connection. */
		if (!answer_first(c, CB_ANSWER_BYTES, CB_OK, (struct cb_bytes){ c->buf, c->n_got }))
			keeps_alive = false;
		if (c->buf_len > CB_CONN_KEEP_BUFFER || c->n_asks == 0)
			free_buffer(c);
	}
	c->mode = CB_CONN_BETWEEN;
	if (!keeps_alive || c->is_detour)
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
}

/* An orphan's answer is read like an unwanted one. */
static void on_part(struct cb_conn *c, enum cb_http_part part, struct cb_bytes body,
		    uint32_t *budget)
{
	if (part == CB_HTTP_HEAD)
		on_head(c);
	else if (part == CB_HTTP_BODY)
		on_body(c, body);
	else if (part == CB_HTTP_END)
		on_end(c, budget);
}

/* Takes in what has arrived, at most *budget bytes. True when something had. */
static bool receive(struct cb_conn *c, uint32_t *budget)
{
	struct cb_bytes in = net_of(c)->peek(c->stream);
	enum cb_http_part part = CB_HTTP_END;
	struct cb_stream *stream = c->stream;
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
		on_part(c, part, body, budget);
		if (c->stream != stream) /* a detour began; the old stream is gone */
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
		on_end(c, budget);
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
		go_home(m);
	fail(c, CB_ANSWER_NONE, why);
}

/* True when the stream stands (or has just been closed by the peer). */
static bool check_connecting(struct cb_conn *c, enum cb_stream_state state, enum cb_err why,
			     uint64_t *wake_ms)
{
	if (state == CB_STREAM_CONNECTING) {
		if (now_of(c) - c->opened_ms >= CB_CONN_CONNECT_MS) {
			on_unconnected(c, CB_NET_CONNECT);
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
	has_moved |= receive(c, budget);
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
