/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of HTTP answers: however the bytes are cut, it must see the same answers. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was seen, as one number. */
struct seen {
	uint64_t hash;
	uint64_t n_body;
	enum cb_err err;
};

static void add(struct seen *s, uint64_t v)
{
	s->hash = (s->hash ^ v) * 0x100000001b3ull;
}

static void add_bytes(struct seen *s, const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		add(s, ((const uint8_t *)p)[i]);
}

static void see(struct seen *s, const struct cb_http *h, enum cb_http_part part,
		struct cb_bytes body)
{
	if (part == CB_HTTP_HEAD) {
		const struct cb_http_head *head = &h->head;
		if (head->status < 200 || head->status > 599)
			abort();
		if (head->location_len > CB_URL_MAX)
			abort();
		add(s, head->status);
		add(s, head->length);
		add(s, (uint64_t)head->has_length << 1 | head->keeps_alive);
		add(s, head->retry_after_s);
		add_bytes(s, head->location, head->location_len);
	} else if (part == CB_HTTP_BODY) {
		add_bytes(s, body.p, body.len);
		s->n_body += body.len;
	} else if (part == CB_HTTP_END) {
		add(s, 0xe0d);
	}
}

static void feed(struct cb_http *h, struct cb_bytes in, struct seen *s)
{
	enum cb_http_part part = CB_HTTP_END;

	while (part != CB_HTTP_NOTHING && s->err == CB_OK) {
		struct cb_bytes body = { NULL, 0 };
		size_t used;
		s->err = cb_http_feed(h, in, &used, &part, &body);
		if (s->err != CB_OK)
			return;
		if (used > in.len || (part == CB_HTTP_BODY && body.len > used))
			abort();
		see(s, h, part, body);
		in.p += used;
		in.len -= used;
	}
}

static struct seen parse(const uint8_t *data, size_t len, size_t piece)
{
	struct seen s = { .hash = 0xcbf29ce484222325ull };
	struct cb_http h;
	enum cb_http_part part = CB_HTTP_NOTHING;

	cb_http_init(&h);
	for (size_t at = 0; at < len && s.err == CB_OK; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);
		if (!copy)
			abort();
		memcpy(copy, data + at, n);
		feed(&h, (struct cb_bytes){ copy, n }, &s);
		free(copy);
	}
	if (s.err == CB_OK)
		s.err = cb_http_eof(&h, &part);
	add(&s, part);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct seen whole = parse(data, len, len + 1), bytewise = parse(data, len, 1);

	if (whole.hash != bytewise.hash || whole.err != bytewise.err || whole.n_body > len)
		abort();
	return 0;
}
