/* SPDX-License-Identifier: MIT */
/* Programs that the tool runs. */
#ifndef CB_HOST_PROCESS_H
#define CB_HOST_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "host/error.h"

/* A running program; a zeroed one is none. */
struct cb_process {
	pid_t pid;
	int pidfd; /* readable (poll) once it has ended */
};

struct cb_process_params {
	const char *const *argv; /* argv[0] is looked up in PATH; NULL-terminated */
	const char *dir; /* directory to run it in; NULL: this one */
	int stdio_fd; /* becomes its standard input and output; -1: /dev/null, and stderr */
	bool is_silent; /* what it says on stderr is dropped */
};

/*
 * Starts a program that dies with the calling thread. TOOL_MISSING when it is
 * not installed, else IO.
 */
enum cb_err cb_process_start(const struct cb_process_params *params, struct cb_process *ret,
			     struct cb_error *e);
/* Waits for the end; *ret_status (may be NULL) gets the exit status, 128 + n for signal n. */
enum cb_err cb_process_wait(struct cb_process *p, int *ret_status, struct cb_error *e);
/* Ends it at once if it still runs, and waits. */
void cb_process_kill(struct cb_process *p);

/* Starts, waits, and wants exit status 0: PROGRAM otherwise. */
enum cb_err cb_process_run(const char *const *argv, struct cb_error *e);

#endif
