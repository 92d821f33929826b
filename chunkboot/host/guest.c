/* SPDX-License-Identifier: MIT */
/* The loop between a guest's serial console, the terminal, the clock and signals. */
#include "host/guest.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "host/console_watch.h"
#include "host/files.h"

#define KVM_PROBE_MS 10000 /* working acceleration prints its first bytes within 2 s */
#define KEY_QUIT 0x1d /* Ctrl-] */
#define READ_MAX 4096

enum poll_slot { SLOT_SERIAL, SLOT_PROCESS, SLOT_SIGNAL, SLOT_INPUT, N_SLOTS };

struct guest {
	const struct cb_guest_params *params;
	struct cb_qemu qemu;
	struct cb_console_watch watch;
	int signal_fd;
	bool is_kvm, has_spoken; /* a byte came from the console */
	bool has_ended, was_interrupted, was_quit;
	uint64_t deadline_ms; /* UINT64_MAX: none */
};

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void type_line(struct guest *g, const char *text)
{
	/* a machine that went away shows itself in poll */
	if (cb_write_all(g->qemu.serial_fd, cb_bytes_of(text)))
		(void)cb_write_all(g->qemu.serial_fd, cb_bytes_of("\r"));
}

static void read_serial(struct guest *g)
{
	uint8_t buf[READ_MAX];
	ssize_t n = read(g->qemu.serial_fd, buf, sizeof(buf));
	if (n <= 0) {
		g->has_ended = n == 0 || errno != EINTR;
		return;
	}
	g->has_spoken = true;
	if (g->params->console != CB_GUEST_WINDOW)
		(void)cb_write_all(g->params->output_fd, (struct cb_bytes){ buf, (size_t)n });
	struct cb_bytes rest = { buf, (size_t)n };
	while (rest.len > 0) {
		size_t used;
		const char *text = cb_console_watch(&g->watch, rest, &used);
		rest = (struct cb_bytes){ rest.p + used, rest.len - used };
		if (text != NULL)
			type_line(g, text);
	}
}

static void read_input(struct guest *g)
{
	uint8_t buf[READ_MAX];
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
	if (n <= 0) {
		g->was_quit = n == 0 || errno != EINTR;
		return;
	}
	const uint8_t *quit = memchr(buf, KEY_QUIT, (size_t)n);
	g->was_quit = quit != NULL;
	(void)cb_write_all(
		g->qemu.serial_fd,
		(struct cb_bytes){ buf, quit != NULL ? (size_t)(quit - buf) : (size_t)n });
}

static bool is_over(const struct guest *g)
{
	const struct cb_guest_params *p = g->params;
	if (g->has_ended || g->was_interrupted || g->was_quit)
		return true;
	if (p->fails_on_error_line && g->watch.error_line[0] != '\0')
		return true;
	return g->watch.is_expected_seen && !p->needs_power_off;
}

/* Waits for the next thing to happen, until `until_ms`. */
static void step(struct guest *g, uint64_t until_ms)
{
	struct pollfd fds[N_SLOTS] = {
		[SLOT_SERIAL] = { .fd = g->qemu.serial_fd, .events = POLLIN },
		[SLOT_PROCESS] = { .fd = g->qemu.process.pidfd, .events = POLLIN },
		[SLOT_SIGNAL] = { .fd = g->signal_fd, .events = POLLIN },
		[SLOT_INPUT] = { .fd = -1, .events = POLLIN },
	};
	uint64_t now = now_ms();
	uint64_t wait_ms = until_ms > now ? until_ms - now : 0;
	if (g->params->console == CB_GUEST_TERMINAL)
		fds[SLOT_INPUT].fd = STDIN_FILENO;
	if (poll(fds, N_SLOTS, wait_ms > INT_MAX ? -1 : (int)wait_ms) < 0)
		return;
	if (fds[SLOT_SERIAL].revents != 0)
		read_serial(g);
	else if (fds[SLOT_PROCESS].revents != 0) /* and the console is read to its end */
		g->has_ended = true;
	if (fds[SLOT_SIGNAL].revents != 0)
		g->was_interrupted = true;
	if (fds[SLOT_INPUT].revents != 0)
		read_input(g);
}

static enum cb_err start(struct guest *g, struct cb_error *e)
{
	struct cb_qemu_params qemu = {
		.dir = g->params->dir,
		.memory_mib = g->params->memory_mib,
		.has_window = g->params->console == CB_GUEST_WINDOW,
		.is_kvm = g->is_kvm,
		.is_silent = g->is_kvm, /* a probe: it may well fail, and there is another way */
	};
	return cb_qemu_start(&qemu, &g->qemu, e);
}

/* Accelerated if that works: the firmware has to speak soon, else the machine starts emulated. */
static enum cb_err start_fastest(struct guest *g, struct cb_error *e)
{
	g->is_kvm = !g->params->no_kvm && cb_qemu_may_have_kvm();
	enum cb_err err = start(g, e);
	if (err != CB_OK || !g->is_kvm)
		return err;
	uint64_t until = now_ms() + KVM_PROBE_MS;
	while (!g->has_spoken && !is_over(g) && now_ms() < until)
		step(g, until);
	if (g->has_spoken || g->was_interrupted || g->was_quit)
		return CB_OK;
	cb_qemu_stop(&g->qemu);
	g->is_kvm = false;
	g->has_ended = false;
	return start(g, e);
}

/* The error that a line "CB-Ennn ..." stands for. */
static enum cb_err error_of_line(const char *line)
{
	unsigned code = (unsigned)strtoul(line + strlen("CB-E"), NULL, 10);
	for (unsigned i = 0; cb_err_at(i) != NULL; i++)
		if (cb_err_at(i)->code == code && code != 0)
			return (enum cb_err)code;
	return CB_INTERNAL;
}

/* The machine has ended by itself: on purpose, and with success? */
static enum cb_err judge_end(struct guest *g, struct cb_error *e)
{
	const struct cb_guest_params *p = g->params;
	int status = 0;
	enum cb_err err = cb_qemu_wait(&g->qemu, &status, e);
	if (err != CB_OK)
		return err;
	if (status != 0) {
		err = cb_fail(e, CB_PROGRAM, "QEMU ended with status %d", status);
		if (g->is_kvm)
			cb_fail_hint(e, "with --no-kvm it says why");
	} else if (p->expect != NULL && !g->watch.is_expected_seen) {
		err = cb_fail(e, CB_PROGRAM, "virtual machine");
		cb_fail_hint(e, "it ended before it printed '%s'", p->expect);
	}
	return err;
}

static enum cb_err judge(struct guest *g, struct cb_error *e)
{
	const struct cb_guest_params *p = g->params;
	enum cb_err err;
	if (g->was_interrupted)
		return cb_fail(e, CB_INTERRUPTED, "virtual machine");
	if (g->was_quit)
		return CB_OK;
	if (p->fails_on_error_line && g->watch.error_line[0] != '\0') {
		err = error_of_line(g->watch.error_line);
		return cb_fail(e, err, "virtual machine: CB-E%03u", cb_err_info(err)->code);
	}
	if (g->watch.is_expected_seen && !p->needs_power_off)
		return CB_OK;
	if (g->has_ended)
		return judge_end(g, e);
	err = cb_fail(e, CB_NOT_READY, "virtual machine");
	cb_fail_hint(e, "%u s have gone by; give it longer with --timeout", p->timeout_s);
	return err;
}

static bool make_raw(struct termios *ret_saved)
{
	struct termios raw;
	if (tcgetattr(STDIN_FILENO, ret_saved) != 0)
		return false;
	raw = *ret_saved;
	cfmakeraw(&raw);
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

enum cb_err cb_guest_run(const struct cb_guest_params *p, struct cb_error *e)
{
	struct guest g = {
		.params = p,
		.watch = { .account = p->account,
			   .passphrase = p->passphrase,
			   .expect = p->expect },
		.deadline_ms = UINT64_MAX,
	};
	struct termios saved;
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	g.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (g.signal_fd < 0)
		return cb_fail_errno(e, "signalfd");
	if (p->timeout_s != 0)
		g.deadline_ms = now_ms() + p->timeout_s * 1000ull;
	bool is_raw = p->console == CB_GUEST_TERMINAL && make_raw(&saved);
	enum cb_err err = start_fastest(&g, e);
	while (err == CB_OK && !is_over(&g) && now_ms() < g.deadline_ms)
		step(&g, g.deadline_ms);
	if (err == CB_OK)
		err = judge(&g, e);
	if (is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	cb_qemu_stop(&g.qemu);
	close(g.signal_fd);
	cb_wipe(&g.watch, sizeof(g.watch));
	return err;
}
