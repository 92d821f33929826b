/* SPDX-License-Identifier: MIT */
/* HTTP/1.1 without I/O: an incremental parser of answers and a writer of GET requests. */
#ifndef CB_CORE_HTTP_H
#define CB_CORE_HTTP_H

#include "core/url.h"

#define CB_HTTP_HEAD_MAX 8192 /* bytes of status line and header fields, and of trailer fields */
#define CB_HTTP_CHUNK_LINE_MAX 256 /* bytes of a chunk size with its extensions */
#define CB_HTTP_MAX_INTERIM 8 /* 1xx answers before a final one */
#define CB_HTTP_RETRY_AFTER_MAX 86400u /* seconds; more counts as this */

/* The head of a final answer (status >= 200), as far as a client for static files cares. */
struct cb_http_head {
	unsigned status; /* 200..599 */
	bool has_length; /* Content-Length, or no body at all: length is exact */
	uint64_t length; /* <= 2^62 */
	bool keeps_alive; /* the connection can carry another answer after this one */
	bool has_retry_after; /* in seconds; a date counts as absent */
	uint32_t retry_after_s;
	size_t location_len; /* 0: no Location, or one longer than CB_URL_MAX */
	char location[CB_URL_MAX];
};

enum cb_http_part {
	CB_HTTP_NOTHING, /* more input is needed */
	CB_HTTP_HEAD, /* parser.head is complete */
	CB_HTTP_BODY, /* some bytes of the body */
	CB_HTTP_END, /* the answer is complete; the next one may follow */
};

enum cb_http_state {
	CB_HTTP_STATUS_LINE,
	CB_HTTP_FIELDS,
	CB_HTTP_BODY_LENGTH,
	CB_HTTP_BODY_UNTIL_CLOSE,
	CB_HTTP_CHUNK_SIZE,
	CB_HTTP_CHUNK_DATA,
	CB_HTTP_CHUNK_END,
	CB_HTTP_TRAILER,
	CB_HTTP_BODY_DONE,
	CB_HTTP_FAILED,
};

/* One per connection; zero-initialised by cb_http_init. Fields other than head are private. */
struct cb_http {
	struct cb_http_head head; /* valid from CB_HTTP_HEAD until the next answer begins */
	enum cb_http_state state;
	uint64_t left; /* bytes left of the body or of the chunk */
	size_t n_head; /* bytes of this head or trailer so far */
	size_t n_line; /* bytes in line */
	unsigned n_interim;
	bool has_content_length, is_chunked, is_http10, says_close, says_keep_alive, has_location;
	uint8_t line[CB_HTTP_HEAD_MAX];
};

void cb_http_init(struct cb_http *h);
/*
 * Takes bytes from the front of in, up to the next part. *ret_used of them are done with;
 * *ret_body is a span of in when the part is CB_HTTP_BODY. Call again until CB_HTTP_NOTHING.
 * HTTP_FORMAT for anything RFC 9112 does not allow (and for folded fields, bare LF, both framings);
 * errors stick. Answers are taken to be for GET requests.
 */
enum cb_err cb_http_feed(struct cb_http *h, struct cb_bytes in, size_t *ret_used,
			 enum cb_http_part *ret_part, struct cb_bytes *ret_body);
/*
 * The peer has closed. *ret_part is CB_HTTP_END where that completes an answer, CB_HTTP_NOTHING
 * between answers. NET_CLOSED in the middle of one.
 */
enum cb_err cb_http_eof(struct cb_http *h, enum cb_http_part *ret_part);
/* True between answers: not a byte of the next one has come. */
bool cb_http_is_idle(const struct cb_http *h);

struct cb_http_get {
	const char *authority; /* of cb_url_authority */
	const char *base; /* path that starts with '/' */
	const char *path; /* appended to base; may be "" */
	const char *etag; /* quoted entity tag for If-None-Match, or NULL */
	bool is_no_cache; /* ask caches on the way to revalidate */
};

#define CB_HTTP_ETAG_MAX 128
#define CB_HTTP_GET_MAX 1280
/* Writes the request to out. URL_FORMAT when the path does not fit or has stray characters. */
enum cb_err cb_http_write_get(const struct cb_http_get *get, uint8_t out[CB_HTTP_GET_MAX],
			      size_t *ret_len);

#endif
