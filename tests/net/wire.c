/* SPDX-License-Identifier: MIT */
/*
 * A line between two Ethernet ends, with the delay, rate, queue and faults that a test wants.
 *
 * usage: wire [--seed N] [--control SOCKET] A B [SETTING]...
 *        wire control SOCKET WORD...
 *
 * A and B: "tap:NAME", "tap:NAME@NETNS-FILE" or "unix:OURS:THEIRS" (QEMU: "-netdev
 * dgram,id=n,local.type=unix,local.path=THEIRS,remote.type=unix,remote.path=OURS").
 * SETTING, with "ab." or "ba." in front for one direction only:
 *   rate=BIT/S       0: no limit. A frame takes 24 bytes more than it has, as on real Ethernet
 *   delay=MS         one way
 *   queue=BYTES      of frames that wait for the line or for the receiver; more are dropped
 *   loss=P           chance of a frame to be lost, 0 to 1, drawn from the seed
 *   duplicate=P      the same for coming twice
 *   reorder=P        the same for coming `hold` later than it should
 *   hold=MS
 * "wire control" sends one word and prints the answer: a SETTING, "cut" or "uncut" (ab.cut: one direction),
 * or "stats", whose answer is JSON. The same JSON is the last line on stdout when a signal ends the program;
 * the first is "ready".
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/end.h"

#define DEFAULT_QUEUE 1000000
#define MAX_ANSWER 4096
#define MAX_RATE 1e12
#define MAX_MS 60000
#define MAX_QUEUE 1e9
#define NS_PER_MS 1000000
#define ROUNDS_PER_TURN 16 /* batches between two looks at control and signals */

enum tag { TAG_A, TAG_B, TAG_CONTROL, TAG_SIGNAL, TAG_CLIENT };

struct wire {
	struct cb_end ends[2];
	struct cb_link links[2]; /* links[i] carries from ends[i] to ends[1 - i] */
	bool is_waiting[2]; /* for ends[i] to become writable */
	uint64_t start_ns;
	int epoll_fd, control_fd, signal_fd;
	const char *control_path; /* NULL: none */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "wire: error: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- Settings ---- */

/* A number from 0 to max. False: it is none. */
static bool parse_number(const char *text, double max, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= max))
		return false;
	*ret = value;
	return true;
}

/* NAME=VALUE for one direction. */
static bool set(struct cb_link_settings *s, const char *word)
{
	static const char *const names[] = { "rate",	  "delay",   "queue", "loss",
					     "duplicate", "reorder", "hold" };
	static const double max[] = { MAX_RATE, MAX_MS, MAX_QUEUE, 1, 1, 1, MAX_MS };
	size_t len = strcspn(word, "="), i = 0;
	double v;

	while (i < 7 && (strlen(names[i]) != len || strncmp(names[i], word, len) != 0))
		i++;
	if (i == 7 || word[len] == '\0' || !parse_number(word + len + 1, max[i], &v))
		return false;
	double *chances[] = { &s->loss, &s->duplicate, &s->reorder };
	if (i == 0)
		s->rate_bit_s = (uint64_t)v;
	else if (i == 2)
		s->queue_bytes = (uint64_t)v;
	else if (i >= 3 && i <= 5)
		*chances[i - 3] = v;
	else
		*(i == 1 ? &s->delay_ns : &s->hold_ns) = (uint64_t)(v * NS_PER_MS);
	return true;
}

/* A setting, "cut" or "uncut", for the direction in front of it, else for both. */
static bool obey(struct wire *w, const char *word)
{
	bool is_ab = strncmp(word, "ab.", 3) == 0, is_ba = strncmp(word, "ba.", 3) == 0;
	bool is_done = true;

	if (is_ab || is_ba)
		word += 3;
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0 ? is_ba : is_ab)
			continue;
		if (strcmp(word, "cut") == 0 || strcmp(word, "uncut") == 0)
			cb_link_cut(&w->links[i], word[0] == 'c');
		else
			is_done = set(&w->links[i].settings, word) && is_done;
	}
	return is_done;
}

/* ---- Statistics ---- */

#define DROP_NAME(name) #name,
static const char *const drop_names[] = { CB_LINK_DROPS(DROP_NAME) };

static void write_link(FILE *out, const struct cb_link *l)
{
	const struct cb_link_counts *c = &l->counts;

	fprintf(out,
		"{\"in_frames\":%" PRIu64 ",\"in_bytes\":%" PRIu64 ",\"sent_frames\":%" PRIu64
		",\"sent_bytes\":%" PRIu64 ",\"out_frames\":%" PRIu64 ",\"out_bytes\":%" PRIu64
		",\"duplicated\":%" PRIu64 ",\"reordered\":%" PRIu64
		",\"max_queue_bytes\":%" PRIu64,
		c->in_frames, c->in_bytes, c->sent_frames, c->sent_bytes, c->out_frames,
		c->out_bytes, c->duplicated, c->reordered, c->max_queue_bytes);
	fprintf(out, ",\"held_frames\":%" PRIu32 ",\"mean_late_us\":%.1f,\"max_late_us\":%.1f",
		l->n_held, c->out_frames ? (double)c->late_ns / 1e3 / (double)c->out_frames : 0.0,
		(double)c->max_late_ns / 1e3);
	fputs(",\"dropped\":{", out);
	for (unsigned i = 0; i < CB_LINK_N_DROPS; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", drop_names[i], c->dropped[i]);
	fputs("}}", out);
}

static void write_stats(FILE *out, const struct wire *w)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	fprintf(out, "{\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"ab\":",
		(double)(now_ns() - w->start_ns) / 1e9,
		(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	write_link(out, &w->links[0]);
	fputs(",\"ba\":", out);
	write_link(out, &w->links[1]);
	fputs("}\n", out);
}

/* ---- Control ---- */

static bool control_address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof ret->sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(ret->sun_path, sizeof ret->sun_path, "%s", path);
	return true;
}

static bool watch(struct wire *w, int fd, uint64_t tag)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = tag };

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* A client's fd is kept in the event, above its tag. */
static void greet(struct wire *w)
{
	int fd = accept4(w->control_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 && !watch(w, fd, TAG_CLIENT | (uint64_t)fd << 8))
		close(fd);
}

static void answer(struct wire *w, int fd)
{
	char word[64], text[MAX_ANSWER] = "";
	ssize_t len = recv(fd, word, sizeof word - 1, 0);
	FILE *out = fmemopen(text, sizeof text, "w");

	if (len > 0 && out) {
		word[len] = '\0';
		if (strcmp(word, "stats") == 0)
			write_stats(out, w);
		else
			fputs(obey(w, word) ? "ok\n" : "no such setting\n", out);
	}
	if (out)
		fclose(out);
	/* a client that has gone does not miss it */
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	close(fd);
}

static int control(const char *path, char *const words[])
{
	struct sockaddr_un address;
	char text[MAX_ANSWER];

	for (; *words; words++) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (fd < 0 || !control_address(path, &address) ||
		    connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
		    send(fd, *words, strlen(*words), MSG_NOSIGNAL) < 0)
			return fail(path);
		ssize_t len = recv(fd, text, sizeof text - 1, 0);
		if (len < 0)
			return fail(path);
		text[len] = '\0';
		if (text[0] == '{')
			fputs(text, stdout);
		else if (strcmp(text, "ok\n") != 0) {
			fprintf(stderr, "wire: error: %s: %s", *words, text);
			return 2;
		}
		close(fd);
	}
	return 0;
}

/* ---- Relay ---- */

/* Looks for writability only while a peer takes no more. */
static void wait_writable(struct wire *w, unsigned i)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };

	if (w->is_waiting[i] == w->ends[i].is_blocked)
		return;
	w->is_waiting[i] = w->ends[i].is_blocked;
	if (w->is_waiting[i])
		event.events |= EPOLLOUT;
	(void)epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, w->ends[i].fd, &event);
}

static void deliver(struct wire *w)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned rounds = ROUNDS_PER_TURN;
		while (rounds-- > 0 && cb_end_deliver(&w->ends[1 - i], &w->links[i], now_ns()))
			;
		wait_writable(w, 1 - i);
	}
}

static void receive(struct wire *w, unsigned i)
{
	unsigned rounds = ROUNDS_PER_TURN;

	while (rounds-- > 0 && cb_end_receive(&w->ends[i], &w->links[i], now_ns()))
		deliver(w);
}

/* Waits until something comes or is due. Returns the number of events. */
static int wait_for(struct wire *w, struct epoll_event *events, int n)
{
	uint64_t due = CB_LINK_NEVER, now = now_ns();

	for (unsigned i = 0; i < 2; i++) {
		uint64_t at = cb_link_due(&w->links[i]);
		if (!w->ends[1 - i].is_blocked && at < due)
			due = at;
	}
	if (due == CB_LINK_NEVER)
		return epoll_pwait2(w->epoll_fd, events, n, NULL, NULL);
	uint64_t left = due > now ? due - now : 0;
	struct timespec timeout = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	return epoll_pwait2(w->epoll_fd, events, n, &timeout, NULL);
}

/* False when a signal asks for the end, or an interface has gone. */
static bool handle(struct wire *w, const struct epoll_event *event)
{
	unsigned tag = event->data.u64 & 0xff;

	if (tag == TAG_SIGNAL)
		return false;
	if (tag == TAG_CONTROL) {
		greet(w);
	} else if (tag == TAG_CLIENT) {
		answer(w, (int)(event->data.u64 >> 8));
	} else {
		if (event->events & EPOLLOUT)
			w->ends[tag].is_blocked = false;
		if (event->events & EPOLLIN)
			receive(w, tag);
		else if (event->events & EPOLLERR)
			return cb_end_recover(&w->ends[tag]);
	}
	return true;
}

static int run(struct wire *w)
{
	struct epoll_event events[8];

	for (;;) {
		int n = wait_for(w, events, 8);
		if (n < 0 && errno != EINTR)
			return fail("epoll_pwait2");
		for (int i = 0; i < n; i++)
			if (!handle(w, &events[i]))
				return 0;
		deliver(w);
	}
}

/* ---- Start and end ---- */

static bool open_control(struct wire *w)
{
	struct sockaddr_un address;

	if (!w->control_path)
		return true;
	w->control_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return w->control_fd >= 0 && control_address(w->control_path, &address) &&
		bind(w->control_fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		listen(w->control_fd, 8) == 0 && watch(w, w->control_fd, TAG_CONTROL);
}

static bool open_signals(struct wire *w)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	w->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return sigprocmask(SIG_BLOCK, &signals, NULL) == 0 && w->signal_fd >= 0 &&
		watch(w, w->signal_fd, TAG_SIGNAL);
}

static int start(struct wire *w, uint64_t seed, char *const specs[2])
{
	const char *what;

	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0 || !open_signals(w))
		return fail("epoll");
	if (!open_control(w))
		return fail(w->control_path);
	/* the usual slack of 50 us is half a frame's time at 100 Mbit/s */
	(void)prctl(PR_SET_TIMERSLACK, 1000);
	for (unsigned i = 0; i < 2; i++) {
		if (!cb_link_init(&w->links[i], seed * 2 + i))
			return fail("memory");
		w->links[i].settings.queue_bytes = DEFAULT_QUEUE;
		if (!cb_end_open(&w->ends[i], specs[i], &what) || !watch(w, w->ends[i].fd, i))
			return fail(what);
	}
	w->start_ns = now_ns();
	return 0;
}

static int usage(void)
{
	fputs("usage: wire [--seed N] [--control SOCKET] A B [SETTING]...\n"
	      "       wire control SOCKET WORD...\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct wire w = { .control_fd = -1 };
	uint64_t seed = 1;
	int at = 1;

	if (argc >= 4 && strcmp(argv[1], "control") == 0)
		return control(argv[2], argv + 3);
	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--seed") == 0)
			seed = strtoull(argv[at + 1], NULL, 10);
		else if (strcmp(argv[at], "--control") == 0)
			w.control_path = argv[at + 1];
		else
			return usage();
	}
	if (at + 2 > argc)
		return usage();
	int status = start(&w, seed, argv + at);
	for (at += 2; status == 0 && at < argc; at++)
		if (!obey(&w, argv[at]))
			return usage();
	if (status == 0) {
		puts("ready");
		fflush(stdout);
		status = run(&w);
		write_stats(stdout, &w);
	}
	for (unsigned i = 0; i < 2; i++) {
		cb_end_close(&w.ends[i]);
		cb_link_done(&w.links[i]);
	}
	return status;
}
