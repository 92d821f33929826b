/* SPDX-License-Identifier: MIT */
/* Sockets, clocks, memory and randomness of Linux behind the core's platform interface. */
#include "host/linux_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "host/processors.h"
#include "host/workers.h"

#define RECEIVE_BUFFER_LEN (512u * 1024)
#define PAGE_LEN 4096
#define PAGED_FROM 65536
#define MAX_STREAMS 64

struct cb_stream {
	struct cb_linux *linux_platform;
	struct cb_stream *next;
	struct addrinfo *addresses; /* those not tried yet hang on `rest` */
	const struct addrinfo *rest;
	int fd; /* -1: none */
	enum cb_stream_state state;
	bool has_news; /* state has changed since the user last asked: no time to wait */
	enum cb_err why;
	size_t at, len; /* received bytes: buf[at..at+len) */
	uint8_t buf[RECEIVE_BUFFER_LEN];
};

struct cb_linux {
	struct cb_platform platform;
	struct cb_stream *streams;
	struct cb_threads *threads;
	void (*on_event)(void *ctx, const struct cb_event *event);
	void *on_event_ctx;
};

/* ---- Streams ---- */

static void close_fd(struct cb_stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void set_state(struct cb_stream *s, enum cb_stream_state state)
{
	s->state = state;
	s->has_news = true;
}

static void set_failed(struct cb_stream *s, enum cb_err why)
{
	close_fd(s);
	set_state(s, CB_STREAM_FAILED);
	s->why = why;
	s->len = 0;
}

/* Starts to connect to the next address; fails when none is left. */
static void connect_next(struct cb_stream *s)
{
	const int on = 1;

	close_fd(s);
	for (; s->rest; s->rest = s->rest->ai_next) {
		const struct addrinfo *a = s->rest;
		s->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (s->fd < 0)
			continue;
		(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (connect(s->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
			s->rest = a->ai_next;
			return;
		}
		close_fd(s);
	}
	set_failed(s, CB_NET_CONNECT);
}

/* Name resolution blocks: a command line tool has nothing better to do in the meantime. */
static enum cb_err linux_open(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret)
{
	struct cb_linux *l = ctx;
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char port[8];
	struct cb_stream *s = malloc(sizeof *s);

	if (!s)
		return CB_NO_MEMORY;
	memset(s, 0, offsetof(struct cb_stream, buf));
	s->linux_platform = l;
	s->fd = -1;
	s->next = l->streams;
	l->streams = s;
	*ret = s;
	snprintf(port, sizeof port, "%u", (unsigned)to->port);
	/* TLS gives privacy only and this platform has none: such a mirror counts as unreachable. */
	if (to->is_tls) {
		set_failed(s, CB_NET_CONNECT);
		return CB_OK;
	}
	if (getaddrinfo(to->host, port, &hints, &s->addresses) != 0) {
		s->addresses = NULL;
		set_failed(s, CB_NET_DNS);
		return CB_OK;
	}
	s->rest = s->addresses;
	connect_next(s);
	return CB_OK;
}

static void finish_connect(struct cb_stream *s)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		connect_next(s);
		return;
	}
	set_state(s, CB_STREAM_OPEN);
}

/* Moves bytes from the kernel to the free end of the buffer. */
static void fill(struct cb_stream *s)
{
	if (s->fd < 0 || s->state != CB_STREAM_OPEN)
		return;
	if (s->len == 0)
		s->at = 0;
	size_t end = s->at + s->len;
	if (end == sizeof s->buf)
		return;
	ssize_t n = recv(s->fd, s->buf + end, sizeof s->buf - end, 0);
	if (n > 0)
		s->len += (size_t)n;
	else if (n == 0)
		set_state(s, CB_STREAM_CLOSED);
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		set_failed(s, CB_NET_CLOSED);
}

static enum cb_stream_state linux_state(struct cb_stream *s, enum cb_err *ret_why)
{
	s->has_news = false;
	if (s->state == CB_STREAM_FAILED && ret_why)
		*ret_why = s->why;
	return s->state;
}

static size_t linux_send(struct cb_stream *s, const void *data, size_t len)
{
	if (s->state != CB_STREAM_OPEN || len == 0)
		return 0;
	ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);
	/* A reset shows when reading, after the bytes that came before it. */
	return n > 0 ? (size_t)n : 0;
}

static struct cb_bytes linux_peek(struct cb_stream *s)
{
	if (s->len == 0)
		fill(s);
	return (struct cb_bytes){ s->buf + s->at, s->len };
}

static void linux_consume(struct cb_stream *s, size_t n)
{
	s->at += n;
	s->len -= n;
}

static void linux_close(struct cb_stream *s)
{
	for (struct cb_stream **p = &s->linux_platform->streams; *p; p = &(*p)->next) {
		if (*p != s)
			continue;
		*p = s->next;
		break;
	}
	close_fd(s);
	if (s->addresses)
		freeaddrinfo(s->addresses);
	free(s);
}

static int timeout_of(struct cb_linux *l, uint64_t wake_ms)
{
	uint64_t now = l->platform.now_ms(l->platform.ctx);

	if (wake_ms == UINT64_MAX)
		return -1;
	if (wake_ms <= now)
		return 0;
	return wake_ms - now < INT_MAX ? (int)(wake_ms - now) : INT_MAX;
}

void cb_linux_wait(struct cb_linux *l, uint64_t wake_ms)
{
	struct pollfd fds[MAX_STREAMS + 1];
	struct cb_stream *streams[MAX_STREAMS];
	int timeout_ms = timeout_of(l, wake_ms);
	nfds_t n = 0;

	for (struct cb_stream *s = l->streams; s && n < MAX_STREAMS; s = s->next) {
		if (s->len > 0 || s->has_news)
			timeout_ms = 0;
		if (s->fd < 0 || s->state == CB_STREAM_CLOSED)
			continue;
		bool is_connecting = s->state == CB_STREAM_CONNECTING;
		streams[n] = s;
		fds[n++] =
			(struct pollfd){ .fd = s->fd, .events = is_connecting ? POLLOUT : POLLIN };
	}
	nfds_t n_fds = n;
	if (cb_threads_is_expecting(l->threads))
		fds[n_fds++] = (struct pollfd){ .fd = cb_threads_fd(l->threads), .events = POLLIN };
	if (n_fds == 0 && timeout_ms < 0)
		return;
	if (poll(fds, n_fds, timeout_ms) <= 0)
		return;
	cb_threads_seen(l->threads);
	for (nfds_t i = 0; i < n; i++) {
		if (!fds[i].revents)
			continue;
		if (streams[i]->state == CB_STREAM_CONNECTING)
			finish_connect(streams[i]);
		else
			fill(streams[i]);
	}
}

/* ---- The rest of the platform ---- */

static void *linux_alloc(void *ctx, size_t len)
{
	void *p = NULL;

	(void)ctx;
	if (len < PAGED_FROM)
		return malloc(len);
	return posix_memalign(&p, PAGE_LEN, len) == 0 ? p : NULL;
}

static void linux_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static uint64_t linux_now(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum cb_err linux_wall_clock(void *ctx, int64_t *ret_unix_s)
{
	struct timespec t;

	(void)ctx;
	if (clock_gettime(CLOCK_REALTIME, &t) != 0)
		return CB_FIRMWARE;
	*ret_unix_s = t.tv_sec;
	return CB_OK;
}

static enum cb_err linux_random(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	while (len > 0) {
		ssize_t n = getrandom(buf, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return CB_ENTROPY;
		buf += n;
		len -= (size_t)n;
	}
	return CB_OK;
}

static void linux_event(void *ctx, const struct cb_event *event)
{
	struct cb_linux *l = ctx;

	if (l->on_event)
		l->on_event(l->on_event_ctx, event);
}

/* What the kernel can make available without swapping, page cache included; 0: unknown. */
static uint64_t linux_free_memory(void *ctx)
{
	static const char name[] = "MemAvailable:";
	FILE *file = fopen("/proc/meminfo", "re");
	uint64_t kib = 0;
	char line[128];

	(void)ctx;
	while (file && kib == 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = strtoull(line + strlen(name), NULL, 10);
	if (file)
		(void)fclose(file);
	return kib * 1024;
}

static enum cb_err linux_var_read(void *ctx, const char *name, uint8_t *buf, size_t max,
				  size_t *ret_len)
{
	(void)ctx;
	(void)name;
	(void)buf;
	(void)max;
	(void)ret_len;
	return CB_NOT_FOUND;
}

static enum cb_err linux_var_write(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	(void)ctx;
	(void)name;
	(void)buf;
	(void)len;
	return CB_VARIABLE;
}

enum cb_err cb_linux_new(struct cb_linux **ret)
{
	struct cb_linux *l = calloc(1, sizeof *l);

	if (!l)
		return CB_NO_MEMORY;
	enum cb_err err = cb_threads_new(cb_count_processors(0) - 1, &l->threads);
	if (err != CB_OK) {
		free(l);
		return err;
	}
	l->platform = (struct cb_platform){
		.mem = { l, linux_alloc, linux_free },
		.net = { .ctx = l,
			 .open = linux_open,
			 .state = linux_state,
			 .send = linux_send,
			 .peek = linux_peek,
			 .consume = linux_consume,
			 .close = linux_close },
		.vars = { l, linux_var_read, linux_var_write },
		.workers = cb_threads_workers(l->threads),
		.ctx = l,
		.now_ms = linux_now,
		.wall_clock = linux_wall_clock,
		.random = linux_random,
		.event = linux_event,
		.free_memory = linux_free_memory,
	};
	*ret = l;
	return CB_OK;
}

void cb_linux_free(struct cb_linux *l)
{
	if (!l)
		return;
	cb_threads_free(l->threads);
	free(l);
}

const struct cb_platform *cb_linux_platform(struct cb_linux *l)
{
	return &l->platform;
}

void cb_linux_on_event(struct cb_linux *l, void (*fn)(void *ctx, const struct cb_event *event),
		       void *ctx)
{
	l->on_event = fn;
	l->on_event_ctx = ctx;
}
