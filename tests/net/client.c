/* SPDX-License-Identifier: MIT */
/*
 * The loader's network on Linux: core and lwIP as in the EFI program, frames through a datagram socket
 * to the wire program. Fetches an image and says how long that took.
 *
 * usage: client OURS:THEIRS ADDRESS/PREFIX ROOT.json IMAGE URL...
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/imagefetch.h"
#include "core/refresh.h"
#include "net/net.h"

#define FRAMES_PER_POLL 64
#define DEADLINE_MS 540000u
#define ROOT_MAX 65536
#define SOCKET_BUFFER (8 << 20)

struct client {
	struct cb_platform platform;
	int fd;
	struct sockaddr_un peer;
	struct cb_fetch *fetch;
	struct cb_tuf *tuf;
	struct cb_imagefetch *image;
	uint8_t root[ROOT_MAX];
	uint64_t start_ms, metadata_ms;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- The platform ---- */

static uint64_t now_ms(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum cb_err random_bytes(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	return getrandom(buf, len, 0) == (ssize_t)len ? CB_OK : CB_ENTROPY;
}

static void *mem_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return aligned_alloc(4096, (len + 4095) & ~(size_t)4095);
}

static void mem_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static void ignore_event(void *ctx, const struct cb_event *event)
{
	(void)ctx;
	(void)event;
}

static bool transmit(void *link, const uint8_t *frame, size_t len)
{
	const struct client *c = link;

	return sendto(c->fd, frame, len, MSG_DONTWAIT, (const struct sockaddr *)&c->peer,
		      sizeof(c->peer)) == (ssize_t)len;
}

static bool receive(struct client *c)
{
	for (unsigned i = 0; i < FRAMES_PER_POLL; i++) {
		uint8_t *frame = cb_net_frame();
		ssize_t n;

		if (!frame)
			return true;
		n = recv(c->fd, frame, CB_NET_FRAME_MAX, MSG_DONTWAIT);
		if (n <= 0) {
			cb_net_frame_free(frame);
			return i > 0;
		}
		cb_net_input(frame, (size_t)n);
	}
	return true;
}

/* ---- Setting up ---- */

static void open_socket(struct client *c, char *spec)
{
	struct sockaddr_un ours = { .sun_family = AF_UNIX };
	char *theirs = strchr(spec, ':');
	int len = SOCKET_BUFFER;

	if (!theirs)
		die("OURS:THEIRS");
	*theirs++ = '\0';
	c->peer.sun_family = AF_UNIX;
	snprintf(ours.sun_path, sizeof(ours.sun_path), "%s", spec);
	snprintf(c->peer.sun_path, sizeof(c->peer.sun_path), "%s", theirs);
	c->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof(len));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof(len));
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&ours, sizeof(ours)) != 0)
		die(spec);
}

static void start_network(struct client *c, char *address)
{
	struct cb_config_ipv4 ipv4 = { .prefix_len = 24 };
	char *slash = strchr(address, '/');
	struct cb_net_params params = {
		.platform = &c->platform,
		.mac = { 2, 0, 0, 0, 0, 9 },
		.mtu = 1500,
		.ipv4 = &ipv4,
		.transmit = transmit,
		.link = c,
	};

	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, address, ipv4.address) != 1 || cb_net_start(&params) != CB_OK)
		die(address);
	cb_net_streams(&c->platform.net);
}

static struct cb_bytes read_root(struct client *c, const char *path)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		die(path);
	len = fread(c->root, 1, sizeof(c->root), f);
	fclose(f);
	return (struct cb_bytes){ c->root, len };
}

/* ---- Work ---- */

/* One turn of the loader's loop. */
static void turn(struct client *c, uint64_t wake_ms)
{
	uint64_t net_ms, fetch_ms, now;
	bool is_busy = receive(c);

	cb_net_poll(&net_ms);
	is_busy |= cb_fetch_step(c->fetch, &fetch_ms);
	cb_net_flush();
	now = now_ms(NULL);
	if (now - c->start_ms > DEADLINE_MS) {
		errno = ETIMEDOUT;
		die("fetch");
	}
	wake_ms = wake_ms < net_ms ? wake_ms : net_ms;
	wake_ms = wake_ms < fetch_ms ? wake_ms : fetch_ms;
	if (is_busy || wake_ms <= now)
		return;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	poll(&p, 1, wake_ms - now > 1000 ? 1000 : (int)(wake_ms - now));
}

static enum cb_err refresh(struct client *c)
{
	struct cb_refresh *r;
	enum cb_job_status status = CB_JOB_RUNNING;
	enum cb_err err = cb_refresh_new(&c->platform, c->fetch, c->tuf, &r);

	while (err == CB_OK && status == CB_JOB_RUNNING) {
		uint64_t wake_ms = UINT64_MAX;

		status = cb_refresh_step(r, &wake_ms, &err);
		turn(c, wake_ms);
	}
	cb_refresh_free(r);
	c->metadata_ms = now_ms(NULL) - c->start_ms;
	return err;
}

static enum cb_err fetch_image(struct client *c, const char *name)
{
	struct cb_tuf_target target;
	enum cb_job_status status = CB_JOB_RUNNING;
	enum cb_err err = cb_tuf_newest(c->tuf, cb_bytes_of(name), NULL, &target);

	if (err == CB_OK)
		err = cb_imagefetch_new(&c->platform, c->fetch, &target, &c->image);
	while (err == CB_OK && status == CB_JOB_RUNNING) {
		uint64_t wake_ms = UINT64_MAX;

		status = cb_imagefetch_step(c->image, &wake_ms, &err);
		turn(c, wake_ms);
	}
	return err;
}

static void report(const struct client *c, enum cb_err err)
{
	uint64_t ms = now_ms(NULL) - c->start_ms, done = 0, total = 0;
	struct cb_fetch_stats stats;

	cb_fetch_stats(c->fetch, &stats);
	if (c->image)
		cb_imagefetch_progress(c->image, &done, &total);
	printf("{\"err\": %d, \"ms\": %" PRIu64 ", \"metadata_ms\": %" PRIu64
	       ", \"stored\": %" PRIu64 ", \"body\": %" PRIu64 ", \"retries\": %u"
	       ", \"MB_s\": %.2f, \"sources\": [",
	       (int)err, ms, c->metadata_ms, done, stats.body_bytes, stats.n_retries,
	       (double)done / (double)(ms - c->metadata_ms + 1) / 1000);
	for (unsigned i = 0; i < cb_fetch_n_sources(c->fetch); i++) {
		struct cb_source_stats s;

		cb_fetch_source_stats(c->fetch, i, &s);
		printf("%s{\"body\": %" PRIu64 ", \"connections\": %u, \"wrong\": %" PRIu64 "}",
		       i ? ", " : "", s.body_bytes, s.n_connections, s.wrong_objects);
	}
	puts("]}");
}

int main(int argc, char **argv)
{
	static struct client c = {
		.platform = {
			.mem = { .alloc = mem_alloc, .free = mem_free },
			.now_ms = now_ms,
			.random = random_bytes,
			.event = ignore_event,
		},
	};
	enum cb_err err;

	if (argc < 6) {
		fputs("usage: client OURS:THEIRS ADDRESS/PREFIX ROOT.json IMAGE URL...\n", stderr);
		return 2;
	}
	c.start_ms = now_ms(NULL);
	open_socket(&c, argv[1]);
	start_network(&c, argv[2]);
	err = cb_fetch_new(&c.platform, &c.fetch);
	for (int i = 5; err == CB_OK && i < argc; i++)
		err = cb_fetch_add_mirror(c.fetch, cb_bytes_of(argv[i]), NULL);
	if (err == CB_OK)
		err = cb_tuf_new(&c.platform.mem, CB_TUF_LOADER, read_root(&c, argv[3]),
				 (int64_t)time(NULL), NULL, &c.tuf);
	if (err == CB_OK)
		err = refresh(&c);
	if (err == CB_OK)
		err = fetch_image(&c, argv[4]);
	report(&c, err);
	return err == CB_OK ? 0 : 1;
}
