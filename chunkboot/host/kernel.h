/* SPDX-License-Identifier: MIT */
/* Is this file a kernel that the loader can start? */
#ifndef CB_HOST_KERNEL_H
#define CB_HOST_KERNEL_H

#include "core/manifest.h"
#include "host/error.h"

/*
 * A Linux image with EFI stub that takes its initramfs through LoadFile2 (5.8 or newer): the stub's
 * version, in the PE header's image version, is at least 1, and on x86-64 the boot protocol at least
 * 2.15. KERNEL_OLD otherwise. `name` is for the message.
 */
enum cb_err cb_kernel_check(const char *name, struct cb_bytes file, enum cb_arch *ret_arch,
			    struct cb_error *e);
/* Any EFI application; *ret_arch is its machine. LOADER_FORMAT. */
enum cb_err cb_application_check(const char *name, struct cb_bytes file, enum cb_arch *ret_arch,
				 struct cb_error *e);

#endif
