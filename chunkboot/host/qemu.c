/* SPDX-License-Identifier: MIT */
/* Composes QEMU's command line and starts it with the serial console on a socket. */
#include "host/qemu.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/files.h"

#define QEMU "qemu-system-x86_64"
#define MAX_ARGS 64
#define MAX_FIRMWARE (16u << 20)
#define END_MS 5000 /* from the console's end to that of the process */

/* Where distributions put OVMF: code, and the variable store that belongs to it. */
static const struct {
	const char *code, *vars;
} firmware[] = {
	{ "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd" },
	{ "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd" },
	{ "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
	{ "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
};

struct args {
	const char *at[MAX_ARGS + 1];
	unsigned n;
};

static void add(struct args *a, const char *first, const char *second)
{
	if (a->n + 2 > MAX_ARGS)
		return;
	a->at[a->n++] = first;
	if (second != NULL)
		a->at[a->n++] = second;
}

static enum cb_err prepare_firmware(const char *dir, const char **ret_code, struct cb_error *e)
{
	char path[CB_PATH_MAX];
	cb_cleanup(cb_file_done) struct cb_file vars = { 0 };
	unsigned i = 0, n = sizeof(firmware) / sizeof(firmware[0]);
	while (i < n && !cb_path_exists(firmware[i].code))
		i++;
	if (i == n) {
		enum cb_err err = cb_fail(e, CB_TOOL_MISSING, "OVMF (UEFI firmware for QEMU)");
		cb_fail_hint(e, "install it with 'apt-get install ovmf'");
		return err;
	}
	enum cb_err err = cb_file_read(firmware[i].vars, MAX_FIRMWARE, &vars, e);
	if (err == CB_OK)
		err = cb_path(path, e, "%s/" CB_QEMU_VARS, dir);
	if (err == CB_OK)
		err = cb_file_write(path, cb_file_bytes(&vars), 0600, e);
	if (err == CB_OK)
		*ret_code = firmware[i].code;
	return err;
}

static void add_machine(struct args *a, const struct cb_qemu_params *p, const char *memory)
{
	add(a, QEMU, NULL);
	add(a, "-nodefaults", "-no-user-config");
	add(a, "-name", "chunkboot");
	add(a, "-machine", "q35,smm=off");
	add(a, "-accel", p->is_kvm ? "kvm" : "tcg,thread=multi");
	/* five-level paging only costs time under emulation */
	add(a, "-cpu", p->is_kvm ? "host" : "max,la57=off");
	add(a, "-smp", "2");
	add(a, "-m", memory);
	add(a, "-no-reboot", NULL);
}

static void add_devices(struct args *a, const struct cb_qemu_params *p, const char *code_drive)
{
	add(a, "-drive", code_drive);
	add(a, "-drive", "if=pflash,unit=1,format=raw,file=" CB_QEMU_VARS);
	add(a, "-drive", "if=none,id=esp,format=raw,file=" CB_QEMU_ESP);
	add(a, "-device", "virtio-blk-pci,drive=esp,bootindex=1");
	add(a, "-netdev", "user,id=net0");
	add(a, "-device", "virtio-net-pci,netdev=net0,romfile=");
	add(a, "-device", "virtio-rng-pci");
	add(a, "-chardev", "stdio,id=serial0,signal=off");
	add(a, "-serial", "chardev:serial0");
	if (p->has_window) {
		add(a, "-vga", "std");
	} else {
		add(a, "-display", "none");
	}
}

enum cb_err cb_qemu_start(const struct cb_qemu_params *params, struct cb_qemu *ret,
			  struct cb_error *e)
{
	const char *code = NULL;
	char code_drive[256], memory[16];
	int ends[2];
	struct args a = { 0 };
	enum cb_err err = prepare_firmware(params->dir, &code, e);
	if (err != CB_OK)
		return err;
	snprintf(code_drive, sizeof(code_drive), "if=pflash,unit=0,format=raw,readonly=on,file=%s",
		 code);
	snprintf(memory, sizeof(memory), "%uM", params->memory_mib);
	add_machine(&a, params, memory);
	add_devices(&a, params, code_drive);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return cb_fail_errno(e, "socketpair");
	struct cb_process_params process = { .argv = a.at,
					     .dir = params->dir,
					     .stdio_fd = ends[1],
					     .is_silent = params->is_silent };
	struct cb_qemu q = { .serial_fd = ends[0] };
	err = cb_process_start(&process, &q.process, e);
	close(ends[1]);
	if (err != CB_OK) {
		close(ends[0]);
		if (err == CB_TOOL_MISSING)
			cb_fail_hint(e, "install it with 'apt-get install qemu-system-x86'");
		return err;
	}
	*ret = q;
	return CB_OK;
}

enum cb_err cb_qemu_wait(struct cb_qemu *q, int *ret_status, struct cb_error *e)
{
	struct pollfd end = { .fd = q->process.pidfd, .events = POLLIN };
	if (poll(&end, 1, END_MS) != 1)
		kill(q->process.pid, SIGKILL);
	enum cb_err err = cb_process_wait(&q->process, ret_status, e);
	cb_qemu_stop(q);
	return err;
}

void cb_qemu_stop(struct cb_qemu *q)
{
	cb_process_kill(&q->process);
	if (q->serial_fd > 0)
		close(q->serial_fd);
	*q = (struct cb_qemu){ 0 };
}

bool cb_qemu_may_have_kvm(void)
{
	return access("/dev/kvm", R_OK | W_OK) == 0;
}

bool cb_qemu_has_display(void)
{
	const char *x11 = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
	bool has_gtk = false;
	char line[64];
	if ((x11 == NULL || x11[0] == '\0') && (wayland == NULL || wayland[0] == '\0'))
		return false;
	FILE *list = popen(QEMU " -display help 2>/dev/null", "re");
	if (list == NULL)
		return false;
	while (fgets(line, sizeof(line), list) != NULL)
		has_gtk = has_gtk || strcmp(line, "gtk\n") == 0 || strcmp(line, "sdl\n") == 0;
	(void)pclose(list);
	return has_gtk;
}
