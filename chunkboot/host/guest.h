/* SPDX-License-Identifier: MIT */
/* One run of a virtual machine at its serial console, from power-on to its end. */
#ifndef CB_HOST_GUEST_H
#define CB_HOST_GUEST_H

#include "host/qemu.h"

enum cb_guest_console {
	CB_GUEST_PRINT, /* console output to output_fd */
	CB_GUEST_TERMINAL, /* stdin too, raw: the person works at the console; Ctrl-] ends it */
	CB_GUEST_WINDOW, /* nothing here, QEMU's window has it all */
};

struct cb_guest_params {
	const char *dir; /* holds the ESP image (host/qemu.h) */
	enum cb_guest_console console;
	int output_fd; /* where the console's output goes, unless it has a window */
	unsigned memory_mib;
	bool no_kvm;
	const char *account, *passphrase; /* typed at the prompts; NULL: not */
	/*
	 * Success is this text on the console: at once, or with needs_power_off when the machine
	 * has powered itself off after it. NULL: success is the machine's end.
	 */
	const char *expect;
	bool needs_power_off;
	bool fails_on_error_line; /* a line CB-Ennn ends the run with that error */
	unsigned timeout_s; /* 0: none */
};

/*
 * Boots and waits. Hardware acceleration is used when it shows signs of life within seconds, else
 * the machine starts again emulated. SIGINT and SIGTERM must be blocked in every thread; they end
 * the run with INTERRUPTED. Errors: the guest's own; PROGRAM when it ended without success or QEMU
 * failed; NET_TIMEOUT when it ran out of time; TOOL_MISSING; IO.
 */
enum cb_err cb_guest_run(const struct cb_guest_params *p, struct cb_error *e);

#endif
