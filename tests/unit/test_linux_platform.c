/* SPDX-License-Identifier: MIT */
/* The Linux platform over real loopback sockets, alone and under the fetch engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/fetch.h"
#include "host/linux_platform.h"

#define N_ITEMS 300
#define BIG (3u << 20)
#define MAX_CLIENTS 16
#define WAIT_MS 20000

/* Answers "GET /N ..." with N bytes, byte i being i * 7; "GET /reset" resets, "GET /bye" closes. */
struct server {
	int listener;
	uint16_t port;
	pthread_t acceptor;
	pthread_t clients[MAX_CLIENTS];
	int fds[MAX_CLIENTS];
	unsigned n_clients;
};

static bool send_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* False when the connection is to be closed. */
static bool answer(int fd, const char *request)
{
	unsigned len = 0;
	char head[128];

	if (strncmp(request, "GET /reset ", 11) == 0) {
		const struct linger hard = { .l_onoff = 1 };
		(void)send_all(fd, (const uint8_t *)"HTTP", 4);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		return false;
	}
	if (sscanf(request, "GET /%u ", &len) != 1)
		return false;
	int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", len);
	if (!send_all(fd, (const uint8_t *)head, (size_t)n))
		return false;
	uint8_t *body = malloc(len + 1);
	for (unsigned i = 0; i < len; i++)
		body[i] = (uint8_t)(i * 7);
	bool is_sent = send_all(fd, body, len);
	free(body);
	return is_sent;
}

static void *serve_client(void *arg)
{
	int fd = *(int *)arg;
	char in[16384];
	size_t n_in = 0;

	for (;;) {
		ssize_t n = recv(fd, in + n_in, sizeof in - 1 - n_in, 0);
		if (n <= 0)
			break;
		n_in += (size_t)n;
		in[n_in] = '\0';
		for (char *end; (end = strstr(in, "\r\n\r\n"));) {
			if (!answer(fd, in)) {
				close(fd);
				return NULL;
			}
			size_t len = (size_t)(end - in) + 4;
			memmove(in, in + len, n_in - len + 1);
			n_in -= len;
		}
	}
	close(fd);
	return NULL;
}

static void *accept_clients(void *arg)
{
	struct server *server = arg;

	while (server->n_clients < MAX_CLIENTS) {
		int fd = accept(server->listener, NULL, NULL);
		if (fd < 0)
			break;
		int *slot = &server->fds[server->n_clients];
		*slot = fd;
		if (pthread_create(&server->clients[server->n_clients], NULL, serve_client, slot) ==
		    0)
			server->n_clients++;
	}
	return NULL;
}

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, MAX_CLIENTS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void server_start(struct server *server)
{
	memset(server, 0, sizeof *server);
	server->listener = listen_on_loopback(&server->port);
	assert_int_equal(pthread_create(&server->acceptor, NULL, accept_clients, server), 0);
}

static void server_stop(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->acceptor, NULL);
	for (unsigned i = 0; i < server->n_clients; i++)
		pthread_join(server->clients[i], NULL);
	close(server->listener);
}

struct fixture {
	struct server server;
	struct cb_linux *l;
	const struct cb_platform *p;
	struct cb_stream *s;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	server_start(&f->server);
	assert_int_equal(cb_linux_new(&f->l), CB_OK);
	f->p = cb_linux_platform(f->l);
}

static void end(struct fixture *f)
{
	if (f->s)
		f->p->net.close(f->s);
	cb_linux_free(f->l);
	server_stop(&f->server);
}

static void open_to(struct fixture *f, const char *host, uint16_t port)
{
	struct cb_endpoint to = { .port = port };

	snprintf(to.host, sizeof to.host, "%s", host);
	assert_int_equal(f->p->net.open(f->p->net.ctx, &to, &f->s), CB_OK);
}

/* Waits until the stream is in that state; false when it takes too long. */
static bool wait_for(struct fixture *f, enum cb_stream_state want)
{
	uint64_t deadline = f->p->now_ms(f->p->ctx) + WAIT_MS;

	while (f->p->net.state(f->s, NULL) != want) {
		if (f->p->now_ms(f->p->ctx) > deadline)
			return false;
		struct cb_bytes in = f->p->net.peek(f->s);
		f->p->net.consume(f->s, in.len);
		cb_linux_wait(f->l, deadline);
	}
	return true;
}

static void ask(struct fixture *f, const char *path)
{
	char request[128];
	int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", path);

	assert_int_equal(f->p->net.send(f->s, request, (size_t)n), (size_t)n);
}

static void test_transfer(void **state)
{
	struct fixture f;
	uint64_t n = 0, deadline;

	(void)state;
	begin(&f);
	open_to(&f, "127.0.0.1", f.server.port);
	assert_true(f.p->net.state(f.s, NULL) == CB_STREAM_CONNECTING ||
		    f.p->net.state(f.s, NULL) == CB_STREAM_OPEN);
	assert_true(wait_for(&f, CB_STREAM_OPEN));
	assert_int_equal(f.p->net.peek(f.s).len, 0);
	ask(&f, "/3145728");
	deadline = f.p->now_ms(f.p->ctx) + WAIT_MS;
	const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n";
	const size_t n_head = sizeof head - 1;
	while (n < BIG + n_head && f.p->now_ms(f.p->ctx) < deadline) {
		struct cb_bytes in = f.p->net.peek(f.s);
		/* Consuming in odd pieces must not lose a byte. */
		size_t take = in.len > 1000 ? in.len - 999 : in.len;
		for (size_t i = 0; i < take; i++) {
			uint8_t want = n + i < n_head ? (uint8_t)head[n + i] :
							(uint8_t)((n + i - n_head) * 7);
			if (in.p[i] != want)
				fail_msg("byte %llu differs", (unsigned long long)(n + i));
		}
		f.p->net.consume(f.s, take);
		n += take;
		if (take == 0)
			cb_linux_wait(f.l, deadline);
	}
	assert_int_equal(n, BIG + n_head);
	ask(&f, "/bye");
	assert_true(wait_for(&f, CB_STREAM_CLOSED));
	assert_int_equal(f.p->net.peek(f.s).len, 0);
	end(&f);
}

static void test_name(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	open_to(&f, "localhost", f.server.port);
	assert_true(wait_for(&f, CB_STREAM_OPEN));
	end(&f);
}

static void test_refused(void **state)
{
	struct fixture f;
	enum cb_err why = CB_OK;
	uint16_t port;

	(void)state;
	begin(&f);
	close(listen_on_loopback(&port)); /* a port where nobody listens any more */
	open_to(&f, "127.0.0.1", port);
	assert_true(wait_for(&f, CB_STREAM_FAILED));
	assert_int_equal(f.p->net.state(f.s, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CONNECT);
	assert_int_equal(f.p->net.send(f.s, "x", 1), 0);
	assert_int_equal(f.p->net.peek(f.s).len, 0);
	end(&f);
}

static void test_no_such_name(void **state)
{
	struct fixture f;
	enum cb_err why = CB_OK;
	char host[80];

	(void)state;
	begin(&f);
	/* A label of more than 63 characters fails without asking anybody. */
	memset(host, 'a', sizeof host - 1);
	host[sizeof host - 1] = '\0';
	open_to(&f, host, 80);
	assert_int_equal(f.p->net.state(f.s, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_DNS);
	end(&f);
}

static void test_tls_is_unreachable(void **state)
{
	struct fixture f;
	enum cb_err why = CB_OK;
	struct cb_endpoint to = { .host = "127.0.0.1", .is_tls = true };

	(void)state;
	begin(&f);
	to.port = f.server.port;
	assert_int_equal(f.p->net.open(f.p->net.ctx, &to, &f.s), CB_OK);
	assert_int_equal(f.p->net.state(f.s, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CONNECT);
	end(&f);
}

static void test_reset(void **state)
{
	struct fixture f;
	enum cb_err why = CB_OK;

	(void)state;
	begin(&f);
	open_to(&f, "127.0.0.1", f.server.port);
	assert_true(wait_for(&f, CB_STREAM_OPEN));
	ask(&f, "/reset");
	assert_true(wait_for(&f, CB_STREAM_FAILED));
	assert_int_equal(f.p->net.state(f.s, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CLOSED);
	end(&f);
}

static void count_event(void *ctx, const struct cb_event *event)
{
	*(unsigned *)ctx += event->kind == CB_EVENT_WAITING;
}

static void test_machine(void **state)
{
	struct fixture f;
	int64_t unix_s = 0;
	uint8_t random[64] = { 0 }, zeros[64] = { 0 };
	size_t len;
	unsigned n_events = 0;

	(void)state;
	begin(&f);
	uint64_t now = f.p->now_ms(f.p->ctx);
	cb_linux_wait(f.l, now + 20);
	assert_true(f.p->now_ms(f.p->ctx) >= now + 20);
	cb_linux_wait(f.l, 0);
	cb_linux_wait(f.l, UINT64_MAX); /* with nothing to wait for, it returns */
	assert_int_equal(f.p->wall_clock(f.p->ctx, &unix_s), CB_OK);
	assert_true(unix_s > 1700000000);
	assert_int_equal(f.p->random(f.p->ctx, random, sizeof random), CB_OK);
	assert_memory_not_equal(random, zeros, sizeof random);
	assert_true(f.p->free_memory(f.p->ctx) > 0);
	assert_int_equal(f.p->vars.read(f.p->vars.ctx, "X", random, sizeof random, &len),
			 CB_NOT_FOUND);
	assert_int_equal(f.p->vars.write(f.p->vars.ctx, "X", random, 1), CB_VARIABLE);
	const struct cb_event event = { .kind = CB_EVENT_WAITING };
	f.p->event(f.p->ctx, &event);
	cb_linux_on_event(f.l, count_event, &n_events);
	f.p->event(f.p->ctx, &event);
	assert_int_equal(n_events, 1);
	static const size_t lens[] = { 1, 15, 16, 65535, 65536, 1000000 };
	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		void *p = f.p->mem.alloc(f.p->mem.ctx, lens[i]);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % (lens[i] >= 65536 ? 4096 : 16), 0);
		memset(p, 1, lens[i]);
		f.p->mem.free(f.p->mem.ctx, p);
	}
	f.p->mem.free(f.p->mem.ctx, NULL);
	end(&f);
}

static uint32_t len_of(uint32_t item)
{
	return item * 997 % 150000;
}

static void describe(void *ctx, uint32_t item, struct cb_fetch_item *ret)
{
	(void)ctx;
	snprintf(ret->path, sizeof ret->path, "%u", (unsigned)len_of(item));
	ret->len = len_of(item);
	ret->is_exact = true;
	ret->source = CB_FETCH_ANY_SOURCE;
}

static enum cb_err deliver(void *ctx, uint32_t item, struct cb_bytes bytes, unsigned source)
{
	(void)source;
	assert_int_equal(bytes.len, len_of(item));
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.p[i] != (uint8_t)(i * 7))
			return CB_CHUNK_HASH;
	((unsigned *)ctx)[item]++;
	return CB_OK;
}

static void test_engine(void **state)
{
	static unsigned n_delivered[N_ITEMS];
	struct fixture f;
	struct cb_fetch *fetch;
	struct cb_job *job;
	char url[64];

	(void)state;
	begin(&f);
	assert_int_equal(cb_fetch_new(f.p, &fetch), CB_OK);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", (unsigned)f.server.port);
	assert_int_equal(cb_fetch_add_mirror(fetch, cb_bytes_of(url), NULL), CB_OK);
	const struct cb_job_params params = {
		.ctx = n_delivered,
		.n_items = N_ITEMS,
		.describe = describe,
		.deliver = deliver,
		.absent_err = CB_NOT_FOUND,
		.wrong_err = CB_CHUNK_HASH,
	};
	assert_int_equal(cb_fetch_submit(fetch, &params, &job), CB_OK);
	uint64_t deadline = f.p->now_ms(f.p->ctx) + WAIT_MS;
	while (cb_job_status(job, NULL, NULL) == CB_JOB_RUNNING) {
		uint64_t wake_ms;
		assert_true(f.p->now_ms(f.p->ctx) < deadline);
		if (!cb_fetch_step(fetch, &wake_ms))
			cb_linux_wait(f.l, wake_ms);
	}
	assert_int_equal(cb_job_status(job, NULL, NULL), CB_JOB_DONE);
	for (unsigned i = 0; i < N_ITEMS; i++)
		assert_int_equal(n_delivered[i], 1);
	cb_job_free(job);
	cb_fetch_free(fetch);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_tls_is_unreachable),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_engine),
	};

	return cmocka_run_group_tests_name("linux_platform", tests, NULL, NULL);
}
