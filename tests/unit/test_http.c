/* SPDX-License-Identifier: MIT */
/* HTTP answers, good and bad, cut at every byte; and the requests that we write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/http.h"

#define SHOWN_MAX 40000

/* What the parser made of an answer stream, as text. */
struct shown {
	char text[SHOWN_MAX];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void show(struct shown *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	s->len += (size_t)vsnprintf(s->text + s->len, sizeof s->text - s->len, format, args);
	va_end(args);
	assert_true(s->len < sizeof s->text);
}

static void show_head(struct shown *s, const struct cb_http_head *head)
{
	show(s, "%u", head->status);
	if (head->has_length)
		show(s, " len=%llu", (unsigned long long)head->length);
	if (head->keeps_alive)
		show(s, " keep");
	if (head->has_retry_after)
		show(s, " retry=%u", (unsigned)head->retry_after_s);
	if (head->location_len > 0)
		show(s, " to=%.*s", (int)head->location_len, head->location);
	show(s, " [");
}

static void show_body(struct shown *s, struct cb_bytes body)
{
	for (size_t i = 0; i < body.len; i++)
		show(s, "%c", body.p[i] ? body.p[i] : '?');
}

static enum cb_err feed(struct cb_http *h, struct cb_bytes in, struct shown *s)
{
	enum cb_http_part part = CB_HTTP_END;

	while (part != CB_HTTP_NOTHING) {
		struct cb_bytes body = { NULL, 0 };
		size_t used = SIZE_MAX;
		enum cb_err err = cb_http_feed(h, in, &used, &part, &body);
		if (err != CB_OK)
			return err;
		assert_true(used <= in.len);
		if (part == CB_HTTP_HEAD)
			show_head(s, &h->head);
		else if (part == CB_HTTP_BODY)
			show_body(s, body);
		else if (part == CB_HTTP_END)
			show(s, "] ");
		if (part == CB_HTTP_BODY)
			assert_true(body.p >= in.p && body.p + body.len <= in.p + used &&
				    body.len > 0);
		in.p += used;
		in.len -= used;
	}
	assert_int_equal(in.len, 0);
	return CB_OK;
}

static void feed_eof(struct cb_http *h, struct shown *s)
{
	enum cb_http_part part = CB_HTTP_HEAD;
	enum cb_err err = cb_http_eof(h, &part);

	if (err != CB_OK)
		show(s, "%s", cb_err_info(err)->name);
	else
		show(s, "%s", part == CB_HTTP_END ? "] closed" : "closed");
}

/* The input in pieces: the first of `first` bytes, the others of `piece`; each in memory of its own,
 * so that a read past its end is noticed. */
static const char *parse(struct cb_bytes in, size_t first, size_t piece)
{
	static struct shown s;
	struct cb_http h;

	s.len = 0;
	s.text[0] = '\0';
	cb_http_init(&h);
	assert_true(cb_http_is_idle(&h));
	for (size_t at = 0, n = first; at < in.len; at += n, n = piece) {
		if (n > in.len - at)
			n = in.len - at;
		uint8_t *copy = malloc(n + !n);
		if (n > 0)
			memcpy(copy, in.p + at, n);
		enum cb_err err = feed(&h, (struct cb_bytes){ copy, n }, &s);
		if (err != CB_OK) {
			show(&s, "%s", cb_err_info(err)->name);
			/* Errors stick. */
			assert_int_equal(feed(&h, (struct cb_bytes){ copy, n }, &s), err);
			free(copy);
			return s.text;
		}
		free(copy);
	}
	feed_eof(&h, &s);
	return s.text;
}

static void check(struct cb_bytes in, const char *want)
{
	assert_string_equal(parse(in, in.len, in.len), want);
	assert_string_equal(parse(in, 1, 1), want);
	for (size_t cut = 1; cut < in.len; cut++)
		assert_string_equal(parse(in, cut, in.len), want);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CL5 "Content-Length: 5\r\n"
#define TE "Transfer-Encoding: chunked\r\n"

static const struct {
	const char *in, *want;
} good_cases[] = {
	{ "", "closed" },
	{ OK CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK "content-length:5\r\n\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK "Content-Length: \t 5 \t\r\n\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK "Content-Length: 005\r\n\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK CL5 CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK "Content-Length: 0\r\n\r\n", "200 len=0 keep [] closed" },
	{ OK CL5 "\r\nhello" OK CL5 "\r\nagain",
	  "200 len=5 keep [hello] 200 len=5 keep [again] closed" },
	{ OK "\r\nto the end", "200 [to the end] closed" },
	{ OK "\r\n", "200 [] closed" },
	{ OK "Connection: close\r\n" CL5 "\r\nhello", "200 len=5 [hello] closed" },
	{ OK "Connection: Keep-Alive, CLOSE\r\n" CL5 "\r\nhello", "200 len=5 [hello] closed" },
	{ OK "Connection: upgrade\r\nConnection: close\r\n" CL5 "\r\nhello",
	  "200 len=5 [hello] closed" },
	{ OK "Connection: closed\r\n" CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ OK "Connection: , ,\r\n" CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ "HTTP/1.0 200 OK\r\n" CL5 "\r\nhello", "200 len=5 [hello] closed" },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CL5 "\r\nhello",
	  "200 len=5 keep [hello] closed" },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nrest", "200 [rest] closed" },
	{ "HTTP/1.1 200 \r\n" CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ "HTTP/1.1 204 No Content\r\n\r\n" OK CL5 "\r\nhello",
	  "204 len=0 keep [] 200 len=5 keep [hello] closed" },
	{ "HTTP/1.1 204 No Content\r\n" CL5 "\r\n", "204 len=0 keep [] closed" },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "304 len=0 keep [] closed" },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
	  "404 len=3 keep [no\n] closed" },
	{ "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
	  "503 len=0 keep retry=7 [] closed" },
	{ "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
	  "503 len=0 keep retry=86400 [] closed" },
	{ "HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n",
	  "503 len=0 keep [] closed" },
	{ "HTTP/1.1 503 Busy\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n",
	  "503 len=0 keep [] closed" },
	{ "HTTP/1.1 302 Found\r\nLocation: http://b/c\r\nContent-Length: 0\r\n\r\n",
	  "302 len=0 keep to=http://b/c [] closed" },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 x\r\n\r\n" OK CL5 "\r\nhello",
	  "200 len=5 keep [hello] closed" },
	{ OK TE "\r\n5\r\nhello\r\n0\r\n\r\n", "200 keep [hello] closed" },
	{ OK TE "\r\n2\r\nhe\r\n03\r\nllo\r\n0\r\n\r\n" OK CL5 "\r\nhello",
	  "200 keep [hello] 200 len=5 keep [hello] closed" },
	{ OK TE "\r\nA;name=\"v\";x\r\n0123456789\r\n000;last\r\n\r\n",
	  "200 keep [0123456789] closed" },
	{ OK TE "\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n", "200 keep [a] closed" },
	{ OK "transfer-encoding:  CHUNKED \r\n\r\n0\r\n\r\n", "200 keep [] closed" },
	{ OK "X-Odd!#$%&'*+-.^_`|~9: \x80\xff\t v\r\n" CL5 "\r\nhello",
	  "200 len=5 keep [hello] closed" },
	{ OK "Empty:\r\n" CL5 "\r\nhello", "200 len=5 keep [hello] closed" },
	{ "HTTP/1.1 599 \xe4\r\n" CL5 "\r\nhello", "599 len=5 keep [hello] closed" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++)
		check(cb_bytes_of(good_cases[i].in), good_cases[i].want);
}

/* Each good answer, cut off anywhere, is complete, incomplete or the same, but never wrong. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
		struct cb_bytes in = cb_bytes_of(good_cases[i].in);
		for (; in.len > 0; in.len--) {
			const char *got = parse(in, in.len, 1);
			assert_null(strstr(got, "HTTP_FORMAT"));
			assert_true(strstr(got, "NET_CLOSED") || strstr(got, "closed"));
		}
	}
}

#define FORMAT "HTTP_FORMAT"

static const struct {
	const char *in, *want;
} bad_cases[] = {
	/* Status lines */
	{ "\r\n", FORMAT },
	{ "\n", FORMAT },
	{ "\r\n" OK CL5 "\r\nhello", FORMAT },
	{ " " OK CL5 "\r\nhello", FORMAT },
	{ "HTTP/1.1\r\n\r\n", FORMAT },
	{ "HTTP/1.1 \r\n\r\n", FORMAT },
	{ "HTTP/1.1 200\r\n\r\n", FORMAT },
	{ "HTTP/1.1  200 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1\t200 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 200\tOK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 20 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 2000 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 +20 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 2x0 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 000 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 099 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 600 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 999 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", FORMAT },
	{ "HTTP/0.9 200 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.2 200 OK\r\n\r\n", FORMAT },
	{ "HTTP/2 200 OK\r\n\r\n", FORMAT },
	{ "HTTP/2.0 200 OK\r\n\r\n", FORMAT },
	{ "HTTP/11 200 OK\r\n\r\n", FORMAT },
	{ "HTTP/1.10 200 OK\r\n\r\n", FORMAT },
	{ "http/1.1 200 OK\r\n\r\n", FORMAT },
	{ "ICY 200 OK\r\n\r\n", FORMAT },
	{ "SSH-2.0-OpenSSH_9.2\r\n", FORMAT },
	{ "<html>\r\n", FORMAT },
	{ "220 ftp ready\r\n", FORMAT },
	{ "HTTP/1.1 200 O\x01K\r\n\r\n", FORMAT },
	{ "HTTP/1.1 200 OK\n\n", FORMAT },
	{ "HTTP/1.1 200 OK\r\r\n\r\n", FORMAT },
	{ "HTTP/1.1 200 OK\rX: y\r\n\r\n", FORMAT },
	{ "HTTP/1.1 200 \x7f\r\n\r\n", FORMAT },
	{ "\x16\x03\x01\x02\r\n", FORMAT },
	/* Content-Length */
	{ OK "Content-Length: \r\n\r\n", FORMAT },
	{ OK "Content-Length: -1\r\n\r\n", FORMAT },
	{ OK "Content-Length: +5\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5 5\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5,5\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5, 5\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5;q=1\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 0x5\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5.0\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 5e0\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: five\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: \"5\"\r\n\r\nhello", FORMAT },
	{ OK CL5 "Content-Length: 6\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 6\r\n" CL5 "\r\nhello", FORMAT },
	{ OK CL5 "content-length:\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 4611686018427387905\r\n\r\n", FORMAT },
	{ OK "Content-Length: 9223372036854775808\r\n\r\n", FORMAT },
	{ OK "Content-Length: 18446744073709551615\r\n\r\n", FORMAT },
	{ OK "Content-Length: 18446744073709551616\r\n\r\n", FORMAT },
	{ OK "Content-Length: 18446744073709551621\r\n\r\nhello", FORMAT },
	{ OK "Content-Length: 99999999999999999999999999999999\r\n\r\n", FORMAT },
	{ OK "Content-Length: 5\xa0\r\n\r\nhello", FORMAT },
	{ OK CL5 "\r\nhell", "200 len=5 keep [hellNET_CLOSED" },
	{ OK CL5 "\r\n", "200 len=5 keep [NET_CLOSED" },
	{ OK CL5 "\r\nhello!", "200 len=5 keep [hello] NET_CLOSED" },
	{ OK CL5 "\r\nhello\r\n", "200 len=5 keep [hello] " FORMAT },
	{ OK CL5 "\r\nhello"
		 "garbage\r\n",
	  "200 len=5 keep [hello] " FORMAT },
	/* Transfer-Encoding and chunks */
	{ OK TE CL5 "\r\n5\r\nhello\r\n0\r\n\r\n", FORMAT },
	{ OK CL5 TE "\r\n5\r\nhello\r\n0\r\n\r\n", FORMAT },
	{ OK TE TE "\r\n0\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: gzip\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: identity\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: xchunked\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: chunkedx\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding:\r\n\r\n", FORMAT },
	{ OK "Transfer-Encoding: \x0b"
	     "chunked\r\n\r\n",
	  FORMAT },
	{ "HTTP/1.0 200 OK\r\n" TE "\r\n0\r\n\r\n", FORMAT },
	{ OK TE "\r\n\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n;x\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n-1\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n+1\r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n0x1\r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\ng\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n 1\r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n1 \r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n1\n"
		"a\r\n0\r\n\r\n",
	  "200 keep [" FORMAT },
	{ OK TE "\r\n1\r"
		"a\r\n0\r\n\r\n",
	  "200 keep [" FORMAT },
	{ OK TE "\r\n1;\x01\r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n1\r\nab\r\n0\r\n\r\n", "200 keep [a" FORMAT },
	{ OK TE "\r\n1\r\na\n0\r\n\r\n", "200 keep [a" FORMAT },
	{ OK TE "\r\n1\r\na"
		"0\r\n\r\n",
	  "200 keep [a" FORMAT },
	{ OK TE "\r\n2\r\na\r\n0\r\n\r\n", "200 keep [a\r" FORMAT },
	{ OK TE "\r\n1000000000000000\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\nffffffffffffffff\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n10000000000000000\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n0000000000000001\r\na\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n5\r\nhello\r\n0\r\n", "200 keep [helloNET_CLOSED" },
	{ OK TE "\r\n5\r\nhello\r\n", "200 keep [helloNET_CLOSED" },
	{ OK TE "\r\n5\r\nhel", "200 keep [helNET_CLOSED" },
	{ OK TE "\r\n0\r\nbad trailer\r\n\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n0\r\n: x\r\n\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n0\r\nA: b\n\r\n", "200 keep [" FORMAT },
	{ OK TE "\r\n0\r\nA: b\r\n c\r\n\r\n", "200 keep [" FORMAT },
	/* Header fields */
	{ OK "Name : v\r\n\r\n", FORMAT },
	{ OK "Name\t: v\r\n\r\n", FORMAT },
	{ OK " Name: v\r\n\r\n", FORMAT },
	{ OK "\tName: v\r\n\r\n", FORMAT },
	{ OK "A: b\r\n folded\r\n\r\n", FORMAT },
	{ OK "A: b\r\n\tfolded\r\n\r\n", FORMAT },
	{ OK " \r\n\r\n", FORMAT },
	{ OK "no colon\r\n\r\n", FORMAT },
	{ OK ": no name\r\n\r\n", FORMAT },
	{ OK "Na me: v\r\n\r\n", FORMAT },
	{ OK "Na(me: v\r\n\r\n", FORMAT },
	{ OK "Na\"me: v\r\n\r\n", FORMAT },
	{ OK "Na/me: v\r\n\r\n", FORMAT },
	{ OK "N\xc3\xa4me: v\r\n\r\n", FORMAT },
	{ OK "Na\x7fme: v\r\n\r\n", FORMAT },
	{ OK "A: b\x01\r\n\r\n", FORMAT },
	{ OK "A: b\x0b\r\n\r\n", FORMAT },
	{ OK "A: b\x7f\r\n\r\n", FORMAT },
	{ OK "A: b\rC: d\r\n\r\n", FORMAT },
	{ OK "A: b\nC: d\r\n\r\n", FORMAT },
	{ OK "A: b\r\n\n", FORMAT },
	{ OK "A: b\r\n\rx", FORMAT },
	{ OK "\n", FORMAT },
	{ OK "Location: /a\r\nLocation: /b\r\n\r\n", FORMAT },
	{ OK "Location:\r\nLocation: /b\r\n\r\n", FORMAT },
	{ OK, "NET_CLOSED" },
	{ OK CL5, "NET_CLOSED" },
	{ OK CL5 "\r", "NET_CLOSED" },
	{ "H", "NET_CLOSED" },
	/* Interim answers, and what keeps a connection from staying in step */
	{ "HTTP/1.1 100 Continue\r\n\r\n", "NET_CLOSED" },
	{ "HTTP/1.1 100 Continue\r\n" CL5 "\r\nhello" OK CL5 "\r\nhello", FORMAT },
	{ "HTTP/1.1 100 Continue\r\n" TE "\r\n0\r\n\r\n", FORMAT },
	{ "HTTP/1.1 204 No Content\r\n\r\nbody\r\n", "204 len=0 keep [] " FORMAT },
	{ "HTTP/1.1 304 Not Modified\r\n" CL5 "\r\nhello\r\n", "304 len=0 keep [] " FORMAT },
	{ "HTTP/1.1 204 No Content\r\n" CL5 TE "\r\n", FORMAT },
};

static void test_bad(void **state)
{
	(void)state;
	assert_true(sizeof bad_cases / sizeof bad_cases[0] >= 125);
	for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
		struct cb_bytes in = cb_bytes_of(bad_cases[i].in);
		const char *got = parse(in, in.len, in.len);
		if (strcmp(got, bad_cases[i].want) != 0)
			print_error("bad case %zu\n", i);
		assert_string_equal(got, bad_cases[i].want);
		check(in, bad_cases[i].want);
	}
}

/* A NUL anywhere in a head is refused. */
static void test_nul(void **state)
{
	static const char answer[] = OK "Server: x\r\n" CL5 "\r\nhello";
	uint8_t bytes[sizeof answer];
	size_t head = sizeof answer - 1 - 5;

	(void)state;
	for (size_t at = 0; at < head; at++) {
		memcpy(bytes, answer, sizeof bytes);
		bytes[at] = 0;
		assert_string_equal(parse((struct cb_bytes){ bytes, sizeof answer - 1 }, 3, 7),
				    FORMAT);
	}
}

/* An answer whose head is n bytes long. */
static struct cb_bytes answer_of_head(uint8_t *out, size_t n, const char *field)
{
	static const char tail[] = "\r\nContent-Length: 0\r\n\r\n";
	size_t at = sizeof OK - 1;

	memcpy(out, OK, at);
	memcpy(out + at, field, strlen(field));
	at += strlen(field);
	memset(out + at, 'x', n - at);
	memcpy(out + n - (sizeof tail - 1), tail, sizeof tail - 1);
	return (struct cb_bytes){ out, n };
}

static void test_head_limits(void **state)
{
	static uint8_t bytes[3 * CB_HTTP_HEAD_MAX];
	struct cb_bytes in;

	(void)state;
	in = answer_of_head(bytes, CB_HTTP_HEAD_MAX, "A: ");
	assert_string_equal(parse(in, in.len, 1), "200 len=0 keep [] closed");
	assert_string_equal(parse(in, 1, 1), "200 len=0 keep [] closed");
	in = answer_of_head(bytes, CB_HTTP_HEAD_MAX + 1, "A: ");
	assert_string_equal(parse(in, in.len, 1), FORMAT);
	assert_string_equal(parse(in, 1, 1), FORMAT);
	/* One line without end. */
	memset(bytes, 'x', sizeof bytes);
	assert_string_equal(parse((struct cb_bytes){ bytes, sizeof bytes }, 100, 1000), FORMAT);
	/* A Location that is too long is no Location. */
	in = answer_of_head(bytes, 2000, "Location: /");
	assert_string_equal(parse(in, in.len, 1), "200 len=0 keep [] closed");
}

/* Many short things are bounded like one long one. */
static void test_repeated(void **state)
{
	static const struct {
		const char *head, *unit, *tail;
		size_t good, bad; /* repetitions */
	} cases[] = {
		{ OK, "A:\r\n", "Content-Length: 0\r\n\r\n", 2000, 2048 },
		{ "", "HTTP/1.1 100 C\r\n\r\n", OK "Content-Length: 0\r\n\r\n", CB_HTTP_MAX_INTERIM,
		  CB_HTTP_MAX_INTERIM + 1 },
		{ OK TE "\r\n0\r\n", "A: b\r\n", "\r\n", 1000, CB_HTTP_HEAD_MAX / 6 + 1 },
		{ OK TE "\r\n1", ";x=1234567", "\r\na\r\n0\r\n\r\n", 25, 26 },
		{ OK TE "\r\n", "1\r\na\r\n", "0\r\n\r\n", 3000, 0 },
	};
	static char text[4 * CB_HTTP_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (unsigned is_bad = 0; is_bad < 2; is_bad++) {
			size_t n = is_bad ? cases[i].bad : cases[i].good;
			size_t at = (size_t)sprintf(text, "%s", cases[i].head);
			for (size_t k = 0; k < n; k++)
				at += (size_t)sprintf(text + at, "%s", cases[i].unit);
			sprintf(text + at, "%s", cases[i].tail);
			if (n == 0)
				continue;
			const char *got = parse(cb_bytes_of(text), 1, 1);
			assert_true(is_bad == (strstr(got, FORMAT) != NULL));
			assert_true(is_bad != (strstr(got, "] closed") != NULL));
		}
	}
}

/* Random damage: no crash, and the same result however the bytes are cut. */
static void test_mutated(void **state)
{
	uint32_t seed = 12345;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[512];
		struct cb_bytes in = cb_bytes_of(
			good_cases[round % (sizeof good_cases / sizeof good_cases[0])].in);
		if (in.len == 0)
			continue;
		memcpy(bytes, in.p, in.len);
		for (unsigned k = 0; k <= round % 3; k++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[(seed >> 8) % in.len] = (uint8_t)(seed >> 24);
		}
		in.p = bytes;
		static char whole[SHOWN_MAX];
		memcpy(whole, parse(in, in.len, 1), sizeof whole);
		assert_string_equal(parse(in, 1 + seed % 5, 1 + seed % 3), whole);
	}
}

static void test_write_get(void **state)
{
	static const struct {
		struct cb_http_get get;
		const char *want;
	} cases[] = {
		{ { .authority = "a", .base = "/", .path = "x" },
		  "GET /x HTTP/1.1\r\nHost: a\r\nUser-Agent: chunkboot/0.1\r\n"
		  "Accept-Encoding: identity\r\n\r\n" },
		{ { .authority = "[::1]:81", .base = "/r/", .path = "x?y", .is_no_cache = true },
		  "GET /r/x?y HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: chunkboot/0.1\r\n"
		  "Accept-Encoding: identity\r\nCache-Control: no-cache\r\n\r\n" },
		{ { .authority = "a", .base = "/b", .path = "", .etag = "\"e\"" },
		  "GET /b HTTP/1.1\r\nHost: a\r\nUser-Agent: chunkboot/0.1\r\n"
		  "Accept-Encoding: identity\r\nIf-None-Match: \"e\"\r\n\r\n" },
		{ { .authority = "a", .base = "", .path = "x" }, NULL },
		{ { .authority = "a", .base = "x", .path = "x" }, NULL },
		{ { .authority = "a", .base = "/", .path = "x y" }, NULL },
		{ { .authority = "a", .base = "/", .path = "x\r\nEvil: 1" }, NULL },
		{ { .authority = "a", .base = "/", .path = "\x7f" }, NULL },
		{ { .authority = "a", .base = "/", .path = "\xc3\xa4" }, NULL },
		{ { .authority = "a\r\n", .base = "/", .path = "x" }, NULL },
		{ { .authority = "a", .base = "/", .path = "x", .etag = "\"\n\"" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[CB_HTTP_GET_MAX];
		size_t len = 77;
		enum cb_err err = cb_http_write_get(&cases[i].get, out, &len);
		if (!cases[i].want) {
			assert_int_equal(err, CB_URL_FORMAT);
			assert_int_equal(len, 77);
			continue;
		}
		assert_int_equal(err, CB_OK);
		assert_int_equal(len, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, len);
	}
}

static void test_write_limits(void **state)
{
	static char base[CB_URL_PATH_MAX + 1], path[CB_HTTP_GET_MAX + 1],
		authority[CB_URL_AUTHORITY_MAX + 1];
	static char etag[CB_HTTP_ETAG_MAX + 1];
	uint8_t out[CB_HTTP_GET_MAX];
	size_t len;

	(void)state;
	memset(base, '/', sizeof base - 1);
	memset(authority, 'a', sizeof authority - 1);
	memset(etag, 'e', sizeof etag - 1);
	memset(path, 'p', 255);
	const struct cb_http_get get = { authority, base, path, etag, true };
	assert_int_equal(cb_http_write_get(&get, out, &len), CB_OK);
	assert_true(len <= sizeof out);
	memset(path, 'p', sizeof path - 1);
	assert_int_equal(cb_http_write_get(&get, out, &len), CB_URL_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	     cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_bad),	     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_head_limits),  cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_mutated),	     cmocka_unit_test(test_write_get),
		cmocka_unit_test(test_write_limits),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
