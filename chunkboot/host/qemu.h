/* SPDX-License-Identifier: MIT */
/* A virtual machine that boots from an ESP image: QEMU with OVMF. */
#ifndef CB_HOST_QEMU_H
#define CB_HOST_QEMU_H

#include <stdbool.h>

#include "host/process.h"

#define CB_QEMU_HOST_ADDRESS "10.0.2.2" /* this machine as the guest's user network shows it */
#define CB_QEMU_ESP "esp.img"
#define CB_QEMU_VARS "vars.fd"

struct cb_qemu_params {
	const char *dir; /* holds CB_QEMU_ESP; gets CB_QEMU_VARS, a fresh variable store */
	unsigned memory_mib;
	bool has_window; /* else no display: the serial console only */
	bool is_kvm; /* hardware acceleration; else emulated */
	bool is_silent; /* QEMU's own messages are dropped */
};

/* A zeroed one is none. */
struct cb_qemu {
	struct cb_process process;
	int serial_fd; /* the guest's serial console, both ways; blocking */
};

/* Starts the machine. TOOL_MISSING when QEMU or OVMF is not installed, IO. */
enum cb_err cb_qemu_start(const struct cb_qemu_params *params, struct cb_qemu *ret,
			  struct cb_error *e);
/*
 * Waits for the end of a machine that showed signs of it (its console closed, or its pidfd is
 * readable), and frees. *ret_status is that of cb_process_wait; one that stays for seconds is
 * killed. IO.
 */
enum cb_err cb_qemu_wait(struct cb_qemu *q, int *ret_status, struct cb_error *e);
/* Powers it off and frees; a zeroed one is fine. */
void cb_qemu_stop(struct cb_qemu *q);

/* Is there an accelerator that may work? Only a boot shows whether it does. */
bool cb_qemu_may_have_kvm(void);
/* Can QEMU open a window here: a display, and the modules for it? */
bool cb_qemu_has_display(void);

#endif
