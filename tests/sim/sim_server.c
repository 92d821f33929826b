/* SPDX-License-Identifier: MIT */
/* Web servers of the simulator: files in memory and everything that servers do wrong. */
#include "sim_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 2048
#define ENDLESS_LEN (1u << 20)

struct sim_server *sim_add_server(struct sim *sim, const char *host, uint16_t port)
{
	if (sim->n_servers == SIM_MAX_SERVERS)
		abort();
	struct sim_server *server = sim_grow(NULL, sizeof *server);
	memset(server, 0, sizeof *server);
	server->sim = sim;
	snprintf(server->host, sizeof server->host, "%s", host);
	server->port = port;
	sim->servers[sim->n_servers++] = server;
	return server;
}

void sim_server_free(struct sim_server *server)
{
	for (size_t i = 0; i < server->n_files; i++) {
		free(server->files[i].path);
		free(server->files[i].bytes);
	}
	free(server->files);
	free(server);
}

static struct sim_entry *find_file(const struct sim_server *server, const char *path)
{
	for (size_t i = 0; i < server->n_files; i++)
		if (strcmp(server->files[i].path, path) == 0)
			return &server->files[i];
	return NULL;
}

static struct sim_entry *make_entry(struct sim_server *server, const char *path)
{
	struct sim_entry *e = find_file(server, path);

	if (e)
		return e;
	if (server->n_files == server->max_files) {
		server->max_files = server->max_files * 2 + 16;
		server->files = sim_grow(server->files, server->max_files * sizeof *server->files);
	}
	e = &server->files[server->n_files++];
	memset(e, 0, sizeof *e);
	size_t len = strlen(path) + 1;
	e->path = sim_grow(NULL, len);
	memcpy(e->path, path, len);
	e->is_removed = true;
	return e;
}

void sim_file(struct sim_server *server, const char *path, const void *bytes, size_t len)
{
	struct sim_entry *e = make_entry(server, path);

	free(e->bytes);
	e->bytes = sim_grow(NULL, len + 1);
	if (len > 0)
		memcpy(e->bytes, bytes, len);
	e->len = len;
	e->is_removed = false;
}

void sim_copy_files(struct sim_server *to, const struct sim_server *from)
{
	for (size_t i = 0; i < from->n_files; i++)
		if (!from->files[i].is_removed)
			sim_file(to, from->files[i].path, from->files[i].bytes, from->files[i].len);
}

bool sim_remove_file(struct sim_server *server, const char *path)
{
	struct sim_entry *e = find_file(server, path);

	if (!e || e->is_removed)
		return false;
	e->is_removed = true;
	return true;
}

bool sim_flip(struct sim_server *server, const char *path, size_t at, unsigned bit)
{
	struct sim_entry *e = find_file(server, path);

	if (!e || e->is_removed || e->len == 0)
		return false;
	e->bytes[at % e->len] ^= (uint8_t)(1u << (bit % 8));
	return true;
}

struct cb_bytes sim_file_bytes(const struct sim_server *server, const char *path)
{
	const struct sim_entry *e = find_file(server, path);

	if (!e || e->is_removed)
		return (struct cb_bytes){ NULL, 0 };
	return (struct cb_bytes){ e->bytes, e->len };
}

const char *sim_file_path(const struct sim_server *server, unsigned i)
{
	return i < server->n_files ? server->files[i].path : NULL;
}

void sim_file_status(struct sim_server *server, const char *path, unsigned status)
{
	make_entry(server, path)->status = status;
}

struct sim_behaviour *sim_behaviour(struct sim_server *server)
{
	return &server->behaviour;
}

void sim_set_handler(struct sim_server *server, sim_handler handler, void *ctx)
{
	server->handler = handler;
	server->handler_ctx = ctx;
}

enum sim_hang sim_server_hang(const struct sim_server *server)
{
	const struct sim_behaviour *b = &server->behaviour;

	return server->n_answers >= b->hang_after ? b->hang : SIM_HANG_NEVER;
}

bool sim_server_is_away(const struct sim_server *server)
{
	uint32_t period_ms = server->behaviour.flap_ms;

	return period_ms > 0 && sim_now(server->sim) / period_ms % 2 == 1;
}

/* One answer in the making. */
struct answer {
	unsigned status;
	char extra[HEAD_MAX]; /* further header fields */
	const uint8_t *body;
	size_t len;
	bool is_last; /* says Connection: close */
};

__attribute__((format(printf, 2, 3))) static void add_field(struct answer *a, const char *format,
							    ...)
{
	size_t at = strlen(a->extra);
	va_list args;

	va_start(args, format);
	vsnprintf(a->extra + at, sizeof a->extra - at, format, args);
	va_end(args);
}

static void set_body(struct answer *a, const char *text)
{
	a->body = (const uint8_t *)text;
	a->len = strlen(text);
}

static void choose_answer(struct sim_server *server, const char *path, const char *target,
			  struct answer *a)
{
	const struct sim_behaviour *b = &server->behaviour;
	const struct sim_entry *e = find_file(server, path);

	a->status = 404;
	if (b->is_portal) {
		a->status = 200;
		set_body(a, "<html><body>Please accept the terms of use</body></html>");
	} else if (b->is_portal_redirect) {
		a->status = 302;
		add_field(a, "Location: http://portal/login\r\n");
	} else if (b->redirect_status) {
		a->status = b->redirect_status;
		add_field(a, "Location: %s%s\r\n", b->redirect_to ? b->redirect_to : "", target);
	} else if (b->status && (b->status_first == 0 || server->n_answers < b->status_first)) {
		a->status = b->status;
		if (b->retry_after_s)
			add_field(a, "Retry-After: %u\r\n", b->retry_after_s);
		set_body(a, "no\n");
	} else if (e && e->status) {
		a->status = e->status;
	} else if (e && !e->is_removed) {
		a->status = 200;
		a->body = e->bytes;
		a->len = e->len;
	} else {
		set_body(a, "not found\n");
	}
}

static size_t build_chunked(const struct answer *a, uint8_t *out)
{
	size_t at = 0, done = 0, piece = 1;

	while (done < a->len) {
		size_t n = a->len - done < piece ? a->len - done : piece;
		at += (size_t)sprintf((char *)out + at, "%zx;x=1\r\n", n);
		memcpy(out + at, a->body + done, n);
		at += n;
		memcpy(out + at, "\r\n", 2);
		at += 2;
		done += n;
		piece = piece * 3 + 1;
	}
	return at + (size_t)sprintf((char *)out + at, "0\r\nX-Trailer: 1\r\n\r\n");
}

static size_t build_head(const struct sim_behaviour *b, const struct answer *a, char *out)
{
	size_t at = (size_t)snprintf(out, HEAD_MAX, "HTTP/1.%c %u Answer\r\nServer: sim\r\n%s%s",
				     b->is_http10 ? '0' : '1', a->status,
				     b->extra_field ? b->extra_field : "", a->extra);

	if (b->is_chunked)
		at += (size_t)snprintf(out + at, HEAD_MAX - at, "Transfer-Encoding: chunked\r\n");
	else if (!b->is_until_close && !b->is_endless)
		at += (size_t)snprintf(out + at, HEAD_MAX - at, "Content-Length: %lld\r\n",
				       (long long)a->len + b->length_delta);
	if (a->is_last)
		at += (size_t)snprintf(out + at, HEAD_MAX - at, "Connection: close\r\n");
	return at + (size_t)snprintf(out + at, HEAD_MAX - at, "\r\n");
}

/* Damages the body as the behaviour says. */
static void damage(struct sim_server *server, const char *request, uint8_t *body, size_t len)
{
	const struct sim_behaviour *b = &server->behaviour;
	bool is_fresh = strstr(request, "\r\nCache-Control: no-cache\r\n") != NULL;

	if (len > 0 &&
	    (b->flips_all || server->n_bodies < b->flips_first || (b->flips_cached && !is_fresh)))
		body[sim_random(server->sim) % len] ^= (uint8_t)(1u << sim_random(server->sim) % 8);
	server->n_bodies++;
}

/* Sends head and body, cut off where the behaviour wants it. */
static void send_answer(struct cb_stream *s, const struct answer *a, const char *request)
{
	struct sim_server *server = s->server;
	const struct sim_behaviour *b = &server->behaviour;
	char head[HEAD_MAX];
	size_t n_head = build_head(b, a, head), len = a->len;
	uint8_t *body = sim_grow(NULL, a->len * 16 + 64);

	if (a->len > 0)
		memcpy(body, a->body, a->len);
	if (a->status == 200) {
		damage(server, request, body, a->len);
		server->body_bytes += a->len;
	}
	if (b->is_chunked) {
		struct answer damaged = *a;
		uint8_t *plain = sim_grow(NULL, a->len + 1);
		if (a->len > 0)
			memcpy(plain, body, a->len);
		damaged.body = plain;
		len = build_chunked(&damaged, body);
		free(plain);
	}
	bool resets = b->resets_always || server->n_answers < b->reset_first ||
		sim_server_is_away(server);
	enum sim_hang hang = sim_server_hang(server);
	bool is_half = hang == SIM_HANG_BODY || resets || b->truncates;
	if (hang == SIM_HANG_HEAD)
		n_head /= 2;
	sim_queue(s, head, n_head);
	if (hang != SIM_HANG_HEAD && len > 0)
		sim_queue(s, body, is_half ? len / 2 : len);
	s->is_deaf = hang != SIM_HANG_NEVER;
	s->is_reset = resets;
	s->is_ended = resets || b->truncates;
	free(body);
}

static void answer_files(struct cb_stream *s, const char *request, const char *path,
			 const char *target)
{
	struct sim_server *server = s->server;
	const struct sim_behaviour *b = &server->behaviour;
	struct answer a = { .status = 404 };
	bool is_last = b->close_after && s->n_answers + 1 >= b->close_after;

	choose_answer(server, path, target, &a);
	a.is_last = b->is_until_close || (is_last && b->says_close);
	uint8_t *endless = NULL;
	if (b->is_endless) {
		endless = sim_grow(NULL, ENDLESS_LEN);
		memset(endless, 'x', ENDLESS_LEN);
		a.body = endless;
		a.len = ENDLESS_LEN;
		a.status = 200;
	}
	send_answer(s, &a, request);
	free(endless);
	s->is_deaf |= b->is_endless;
	if (is_last || (!b->is_endless && (b->is_http10 || b->is_until_close)))
		s->is_ended = true;
}

static void answer_garbage(struct cb_stream *s)
{
	uint8_t noise[512];

	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)sim_random(s->sim);
	sim_queue(s, noise, sizeof noise);
}

/* The request's target, up to the blank after it; path is the same without query. */
static bool parse_request(const char *request, char *target, char *path)
{
	const char *start = strchr(request, ' ');
	const char *end = start ? strchr(start + 1, ' ') : NULL;

	if (!end || strncmp(request, "GET ", 4) != 0)
		return false;
	size_t len = (size_t)(end - start - 1);
	if (len >= SIM_REQUEST_MAX)
		return false;
	memcpy(target, start + 1, len);
	target[len] = '\0';
	memcpy(path, target, len + 1);
	path[strcspn(path, "?")] = '\0';
	return true;
}

void sim_server_answer(struct cb_stream *s, const char *request)
{
	struct sim_server *server = s->server;
	char target[SIM_REQUEST_MAX], path[SIM_REQUEST_MAX];

	snprintf(server->last_request, sizeof server->last_request, "%s", request);
	if (!parse_request(request, target, path)) {
		s->is_ended = true;
		return;
	}
	struct sim_entry *e = find_file(server, path);
	if (e)
		e->n_requests++;
	if (sim_server_hang(server) == SIM_HANG_ACCEPT) {
		s->is_deaf = true;
	} else if (server->handler) {
		uint8_t *out = sim_grow(NULL, SIM_HANDLER_MAX);
		size_t len = server->handler(server->handler_ctx, request, out, SIM_HANDLER_MAX);
		if (len > 0)
			sim_queue(s, out, len);
		free(out);
	} else if (server->behaviour.is_garbage) {
		answer_garbage(s);
	} else {
		answer_files(s, request, path, target);
	}
	server->n_answers++;
	s->n_answers++;
}

unsigned sim_n_requests(const struct sim_server *server)
{
	return server->n_requests;
}

unsigned sim_n_requests_for(const struct sim_server *server, const char *path)
{
	const struct sim_entry *e = find_file(server, path);

	return e ? e->n_requests : 0;
}

unsigned sim_n_connections(const struct sim_server *server)
{
	return server->n_connections;
}

unsigned sim_max_connections(const struct sim_server *server)
{
	return server->max_now;
}

unsigned sim_max_pipelined(const struct sim_server *server)
{
	return server->max_pipelined;
}

uint64_t sim_body_bytes(const struct sim_server *server)
{
	return server->body_bytes;
}

const char *sim_last_request(const struct sim_server *server)
{
	return server->last_request;
}
