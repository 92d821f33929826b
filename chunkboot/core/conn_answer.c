/* SPDX-License-Identifier: MIT */
/* Answers on a connection: what status and body mean for the request they answer. */
#include <string.h>

#include "core/conn.h"
#include "core/mirror.h"

/* Makes room for the answer's body, as much as the signed (or named) length says. */
static bool ensure_buffer(struct cb_conn *c, size_t len)
{
	if (c->buf_len >= len && c->buf)
		return true;
	cb_conn_free_buffer(c);
	c->buf = cb_alloc(&cb_fetch_platform(c->mirror->source.fetch)->mem, len);
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
	(void)cb_conn_answer_first(c, is_busy ? CB_ANSWER_BUSY : CB_ANSWER_FAILED, CB_HTTP_STATUS,
				   NULL);
	begin_drain(c);
}

static bool is_redirect(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void measure_rtt(struct cb_conn *c, const struct cb_ask *ask)
{
	uint64_t ms = cb_fetch_now(c->mirror->source.fetch) - ask->asked_ms;

	if (c->is_first_sent_alone && ms < c->rtt_ms)
		c->rtt_ms = (uint32_t)ms;
	c->is_pipelined = !c->is_first_sent_alone;
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
		cb_conn_redirect(c);
		return;
	}
	if (status == 200) {
		cb_source_answered(&m->source);
		m->n_hops = 0;
		begin_receive(c, ask);
	} else if (status == 404 || status == 403 || status == 410) {
		cb_source_answered(&m->source);
		(void)cb_conn_answer_first(c, CB_ANSWER_ABSENT, CB_OK, NULL);
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
	cb_conn_pace_count(c, body.len);
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
	uint64_t ms = cb_fetch_now(s->fetch) - ask->asked_ms;

	if (ms > UINT32_MAX / 4)
		ms = UINT32_MAX / 4;
	s->answer_ms = s->answer_ms ? (s->answer_ms * 3 + (uint32_t)ms) / 4 : (uint32_t)ms;
}

/* The answer is complete. */
static void on_end(struct cb_conn *c, uint32_t *budget)
{
	bool keeps_alive = c->mode == CB_CONN_DRAIN || c->http.head.keeps_alive;

	if (c->mode == CB_CONN_RECEIVE) {
		const struct cb_ask *ask = cb_conn_ask_at(c, 0);
		measure_answer(c, ask);
		if (!is_right(c, ask)) {
			wrong(c, CB_OK);
			return;
		}
		struct cb_received got = { c->buf, c->n_got, c->number };
		/* Wrong bytes may come from a cache that sits on this very connection. */
		if (!cb_conn_answer_first(c, CB_ANSWER_BYTES, CB_OK, &got))
			keeps_alive = false;
		else
			c->mirror->has_pipelined |= c->is_pipelined;
		if (got.buf) {
			*budget = 0; /* it was judged on the spot, which took its time */
		} else {
			c->buf = NULL;
			c->buf_len = 0;
		}
		if (c->buf_len > CB_CONN_KEEP_BUFFER || c->n_asks == 0)
			cb_conn_free_buffer(c);
	}
	c->mode = CB_CONN_BETWEEN;
	if (!keeps_alive || c->is_detour)
		cb_conn_end(c, CB_ANSWER_NONE, CB_OK);
}

void cb_conn_part(struct cb_conn *c, enum cb_http_part part, struct cb_bytes body, uint32_t *budget)
{
	if (part == CB_HTTP_HEAD)
		on_head(c);
	else if (part == CB_HTTP_BODY)
		on_body(c, body);
	else if (part == CB_HTTP_END)
		on_end(c, budget);
}
