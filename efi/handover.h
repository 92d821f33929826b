/* SPDX-License-Identifier: MIT */
/* Starting what was fetched: a Linux kernel with its initrd, or an EFI application. */
#ifndef CB_EFI_START_H
#define CB_EFI_START_H

#include "core/boot.h"

/* A loaded image and what it is served. */
struct cb_start {
	void *image; /* EFI_HANDLE */
	uint16_t *options; /* LoadOptions, UCS-2 */
	void *initrd; /* of handover.c */
};

/*
 * Loads the kernel or application of boot's result and prepares what it will ask for; the result's
 * kernel is not needed any more then, the rest is. boot outlives it.
 * KERNEL_LOAD, KERNEL_OLD (no EFI stub that takes its initrd by LoadFile2), NO_MEMORY, FIRMWARE.
 */
enum cb_err cb_start_prepare(struct cb_boot *boot, struct cb_start *ret);
/* Runs it. Comes back only on failure: KERNEL_RETURNED, MEMORY_SHORT (no piece for its initrd; it has not run). */
enum cb_err cb_start_run(struct cb_start *start);
/* Takes everything back after a failure; the hand-over archive is wiped. */
void cb_start_done(struct cb_start *start);

#endif
