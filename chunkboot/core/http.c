/* SPDX-License-Identifier: MIT */
/* Incremental HTTP/1.1 answers: strict framing, bounded heads, bodies as spans of the input. */
#include "core/http.h"

#include <string.h>

#define LENGTH_MAX ((uint64_t)1 << 62)
#define CHUNK_DIGITS_MAX 15 /* 2^60 */

static uint8_t to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* tchar, RFC 9110 §5.6.2. */
static bool is_token_char(uint8_t c)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	uint8_t lower = to_lower(c);

	if (is_digit(c) || (lower >= 'a' && lower <= 'z'))
		return true;
	for (size_t i = 0; i < sizeof marks - 1; i++)
		if (c == (uint8_t)marks[i])
			return true;
	return false;
}

/* Visible characters, blanks and obs-text, RFC 9110 §5.5; no other controls. */
static bool is_text_char(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool is_text(struct cb_bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_text_char(s.p[i]))
			return false;
	return true;
}

static bool is_word(struct cb_bytes s, const char *lower)
{
	size_t len = strlen(lower);

	if (s.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (to_lower(s.p[i]) != (uint8_t)lower[i])
			return false;
	return true;
}

/* Without the optional white space around it, RFC 9110 §5.6.3. */
static struct cb_bytes trim(struct cb_bytes s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

void cb_http_init(struct cb_http *h)
{
	memset(h, 0, sizeof *h);
}

static void begin_answer(struct cb_http *h)
{
	h->state = CB_HTTP_STATUS_LINE;
	h->left = 0;
	h->n_head = 0;
	h->n_line = 0;
	h->n_interim = 0;
}

bool cb_http_is_idle(const struct cb_http *h)
{
	return h->state == CB_HTTP_BODY_DONE ||
		(h->state == CB_HTTP_STATUS_LINE && h->n_line == 0 && h->n_interim == 0);
}

/* "HTTP/1.x SP 3DIGIT SP reason", RFC 9112 §4. */
static bool parse_status_line(struct cb_http *h, struct cb_bytes line)
{
	static const char version[] = "HTTP/1.";
	const uint8_t *p = line.p;
	const size_t v = sizeof version - 1;

	if (line.len < v + 6 || memcmp(p, version, v) != 0 || (p[v] != '0' && p[v] != '1'))
		return false;
	if (p[v + 1] != ' ' || !is_digit(p[v + 2]) || !is_digit(p[v + 3]) || !is_digit(p[v + 4]) ||
	    p[v + 5] != ' ' || !is_text(line))
		return false;
	memset(&h->head, 0, sizeof h->head);
	h->is_http10 = p[v] == '0';
	h->head.status =
		(unsigned)((p[v + 2] - '0') * 100 + (p[v + 3] - '0') * 10 + (p[v + 4] - '0'));
	h->has_content_length = h->is_chunked = h->says_close = h->says_keep_alive = false;
	h->has_location = false;
	/* We never ask for an upgrade, so 101 cannot be. */
	return h->head.status >= 100 && h->head.status <= 599 && h->head.status != 101;
}

/* Digits only (RFC 9110 §8.6); a repeated field must say the same. */
static bool parse_content_length(struct cb_http *h, struct cb_bytes value)
{
	uint64_t length = 0;

	if (value.len == 0)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.p[i]))
			return false;
		uint64_t digit = (uint64_t)(value.p[i] - '0');
		if (length > (LENGTH_MAX - digit) / 10)
			return false;
		length = length * 10 + digit;
	}
	if (h->has_content_length && h->head.length != length)
		return false;
	h->has_content_length = true;
	h->head.length = length;
	return true;
}

static void parse_connection(struct cb_http *h, struct cb_bytes value)
{
	while (value.len > 0) {
		size_t end = 0;
		while (end < value.len && value.p[end] != ',')
			end++;
		struct cb_bytes word = trim((struct cb_bytes){ value.p, end });
		h->says_close |= is_word(word, "close");
		h->says_keep_alive |= is_word(word, "keep-alive");
		end += end < value.len;
		value.p += end;
		value.len -= end;
	}
}

/* Seconds; a date asks for a clock that we may not have, so it counts as absent. */
static void parse_retry_after(struct cb_http *h, struct cb_bytes value)
{
	uint32_t seconds = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (!is_digit(value.p[i]))
			return;
		if (seconds <= CB_HTTP_RETRY_AFTER_MAX)
			seconds = seconds * 10 + (uint32_t)(value.p[i] - '0');
	}
	h->head.has_retry_after = value.len > 0;
	h->head.retry_after_s =
		seconds < CB_HTTP_RETRY_AFTER_MAX ? seconds : CB_HTTP_RETRY_AFTER_MAX;
}

static bool parse_location(struct cb_http *h, struct cb_bytes value)
{
	if (h->has_location)
		return false;
	h->has_location = true;
	if (value.len > 0 && value.len <= CB_URL_MAX) {
		memcpy(h->head.location, value.p, value.len);
		h->head.location_len = value.len;
	}
	return true;
}

/* One field line, RFC 9112 §5: no blank before the colon, no folding. */
static bool parse_field(struct cb_http *h, struct cb_bytes line, bool is_trailer)
{
	size_t colon = 0;

	while (colon < line.len && is_token_char(line.p[colon]))
		colon++;
	if (colon == 0 || colon == line.len || line.p[colon] != ':')
		return false;
	struct cb_bytes name = { line.p, colon };
	struct cb_bytes value = { line.p + colon + 1, line.len - colon - 1 };
	if (!is_text(value))
		return false;
	value = trim(value);
	/* Trailer fields are for nobody; merging them would change framing (RFC 9110 §6.5.1). */
	if (is_trailer)
		return true;
	if (is_word(name, "content-length"))
		return parse_content_length(h, value);
	if (is_word(name, "transfer-encoding")) {
		if (h->is_chunked || !is_word(value, "chunked"))
			return false;
		h->is_chunked = true;
	} else if (is_word(name, "connection")) {
		parse_connection(h, value);
	} else if (is_word(name, "retry-after")) {
		parse_retry_after(h, value);
	} else if (is_word(name, "location")) {
		return parse_location(h, value);
	}
	return true;
}

/* How the body ends, RFC 9112 §6.3. */
static enum cb_err end_of_fields(struct cb_http *h, enum cb_http_part *ret_part)
{
	/* Both framings at once, or chunks in HTTP/1.0, are how answers get smuggled (§6.1). */
	if (h->is_chunked && (h->has_content_length || h->is_http10))
		return CB_HTTP_FORMAT;
	if (h->head.status < 200) {
		if (h->is_chunked || h->has_content_length || ++h->n_interim > CB_HTTP_MAX_INTERIM)
			return CB_HTTP_FORMAT;
		h->state = CB_HTTP_STATUS_LINE;
		return CB_OK;
	}
	bool is_bodyless = h->head.status == 204 || h->head.status == 304;
	if (is_bodyless)
		h->head.length = 0;
	h->head.has_length = is_bodyless || h->has_content_length;
	h->head.keeps_alive = !h->says_close && (!h->is_http10 || h->says_keep_alive) &&
		(h->head.has_length || h->is_chunked);
	h->left = h->head.length;
	if (h->head.has_length)
		h->state = h->left > 0 ? CB_HTTP_BODY_LENGTH : CB_HTTP_BODY_DONE;
	else
		h->state = h->is_chunked ? CB_HTTP_CHUNK_SIZE : CB_HTTP_BODY_UNTIL_CLOSE;
	*ret_part = CB_HTTP_HEAD;
	return CB_OK;
}

/* chunk-size with extensions that nobody reads, RFC 9112 §7.1. */
static enum cb_err chunk_size(struct cb_http *h, struct cb_bytes line)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < line.len && line.p[i] != ';'; i++) {
		uint8_t c = to_lower(line.p[i]);
		if (i == CHUNK_DIGITS_MAX || !(is_digit(c) || (c >= 'a' && c <= 'f')))
			return CB_HTTP_FORMAT;
		size = size << 4 | (uint64_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
	}
	if (i == 0 || !is_text((struct cb_bytes){ line.p + i, line.len - i }))
		return CB_HTTP_FORMAT;
	h->left = size;
	h->n_head = 0;
	h->state = size > 0 ? CB_HTTP_CHUNK_DATA : CB_HTTP_TRAILER;
	return CB_OK;
}

static enum cb_err handle_line(struct cb_http *h, struct cb_bytes line, enum cb_http_part *ret_part)
{
	switch (h->state) {
	case CB_HTTP_STATUS_LINE:
		if (!parse_status_line(h, line))
			return CB_HTTP_FORMAT;
		h->state = CB_HTTP_FIELDS;
		return CB_OK;
	case CB_HTTP_FIELDS:
		if (line.len == 0)
			return end_of_fields(h, ret_part);
		return parse_field(h, line, /*is_trailer=*/false) ? CB_OK : CB_HTTP_FORMAT;
	case CB_HTTP_CHUNK_SIZE:
		return chunk_size(h, line);
	case CB_HTTP_CHUNK_END:
		h->state = CB_HTTP_CHUNK_SIZE;
		return line.len == 0 ? CB_OK : CB_HTTP_FORMAT;
	case CB_HTTP_TRAILER:
		if (line.len == 0)
			h->state = CB_HTTP_BODY_DONE;
		else if (!parse_field(h, line, /*is_trailer=*/true))
			return CB_HTTP_FORMAT;
		return CB_OK;
	default:
		return CB_INTERNAL;
	}
}

static size_t line_max(const struct cb_http *h)
{
	switch (h->state) {
	case CB_HTTP_CHUNK_SIZE:
		return CB_HTTP_CHUNK_LINE_MAX;
	case CB_HTTP_CHUNK_END:
		return 2;
	default:
		return CB_HTTP_HEAD_MAX - h->n_head;
	}
}

/* Collects one line up to CRLF and handles it; a bare CR or LF is refused (RFC 9112 §2.2). */
static enum cb_err feed_line(struct cb_http *h, struct cb_bytes in, size_t *used,
			     enum cb_http_part *ret_part)
{
	const size_t max = line_max(h);

	for (; *used < in.len;) {
		uint8_t c = in.p[(*used)++];
		bool after_cr = h->n_line > 0 && h->line[h->n_line - 1] == '\r';
		if (h->n_line == max || after_cr != (c == '\n'))
			return CB_HTTP_FORMAT;
		h->line[h->n_line++] = c;
		if (c != '\n')
			continue;
		struct cb_bytes line = { h->line, h->n_line - 2 };
		h->n_head += h->n_line;
		h->n_line = 0;
		return handle_line(h, line, ret_part);
	}
	return CB_OK;
}

static void feed_body(struct cb_http *h, struct cb_bytes in, size_t *used,
		      struct cb_bytes *ret_body)
{
	size_t n = in.len - *used;

	if (h->state != CB_HTTP_BODY_UNTIL_CLOSE) {
		n = n < h->left ? n : (size_t)h->left;
		h->left -= n;
		if (h->left == 0)
			h->state = h->state == CB_HTTP_CHUNK_DATA ? CB_HTTP_CHUNK_END :
								    CB_HTTP_BODY_DONE;
	}
	*ret_body = (struct cb_bytes){ in.p + *used, n };
	*used += n;
}

enum cb_err cb_http_feed(struct cb_http *h, struct cb_bytes in, size_t *ret_used,
			 enum cb_http_part *ret_part, struct cb_bytes *ret_body)
{
	size_t used = 0;
	enum cb_http_part part = CB_HTTP_NOTHING;
	enum cb_err err = CB_OK;

	while (part == CB_HTTP_NOTHING && err == CB_OK) {
		if (h->state == CB_HTTP_FAILED) {
			err = CB_HTTP_FORMAT;
		} else if (h->state == CB_HTTP_BODY_DONE) {
			begin_answer(h);
			part = CB_HTTP_END;
		} else if (used == in.len) {
			break;
		} else if (h->state == CB_HTTP_BODY_LENGTH || h->state == CB_HTTP_CHUNK_DATA ||
			   h->state == CB_HTTP_BODY_UNTIL_CLOSE) {
			feed_body(h, in, &used, ret_body);
			part = CB_HTTP_BODY;
		} else {
			err = feed_line(h, in, &used, &part);
		}
	}
	if (err != CB_OK) {
		h->state = CB_HTTP_FAILED;
		return err;
	}
	*ret_used = used;
	*ret_part = part;
	return CB_OK;
}

enum cb_err cb_http_eof(struct cb_http *h, enum cb_http_part *ret_part)
{
	if (h->state == CB_HTTP_FAILED)
		return CB_HTTP_FORMAT;
	if (h->state == CB_HTTP_BODY_UNTIL_CLOSE || h->state == CB_HTTP_BODY_DONE) {
		begin_answer(h);
		*ret_part = CB_HTTP_END;
		return CB_OK;
	}
	if (!cb_http_is_idle(h))
		return CB_NET_CLOSED;
	*ret_part = CB_HTTP_NOTHING;
	return CB_OK;
}

struct writer {
	uint8_t *out;
	size_t len;
	bool is_bad;
};

/* Appends s; is_bad when it does not fit or, for what comes from outside, holds a stray character. */
static void put(struct writer *w, const char *s, bool is_checked)
{
	size_t len = strlen(s);

	if (w->is_bad || len > CB_HTTP_GET_MAX - w->len) {
		w->is_bad = true;
		return;
	}
	for (size_t i = 0; i < len && is_checked; i++)
		if ((uint8_t)s[i] <= ' ' || (uint8_t)s[i] >= 0x7f)
			w->is_bad = true;
	memcpy(w->out + w->len, s, len);
	w->len += len;
}

enum cb_err cb_http_write_get(const struct cb_http_get *get, uint8_t out[CB_HTTP_GET_MAX],
			      size_t *ret_len)
{
	struct writer w = { .out = out };

	put(&w, "GET ", false);
	put(&w, get->base, /*is_checked=*/true);
	put(&w, get->path, /*is_checked=*/true);
	put(&w, " HTTP/1.1\r\nHost: ", false);
	put(&w, get->authority, /*is_checked=*/true);
	/* Without the field a server may encode at will (RFC 9110 §12.5.3). */
	put(&w, "\r\nUser-Agent: chunkboot/0.1\r\nAccept-Encoding: identity\r\n", false);
	if (get->is_no_cache)
		put(&w, "Cache-Control: no-cache\r\n", false);
	if (get->etag) {
		put(&w, "If-None-Match: ", false);
		put(&w, get->etag, /*is_checked=*/true);
		put(&w, "\r\n", false);
	}
	put(&w, "\r\n", false);
	if (w.is_bad || get->base[0] != '/')
		return CB_URL_FORMAT;
	*ret_len = w.len;
	return CB_OK;
}
