/* SPDX-License-Identifier: MIT */
/* Firmware variables: our own store, the Boot Loader Interface, and boot to firmware setup. */
#ifndef CB_EFI_VARS_H
#define CB_EFI_VARS_H

#include "core/platform.h"

/* The core's variable store: NV|BS exactly, under our own vendor GUID. */
extern const struct cb_vars cb_efi_vars;

/* Boot Loader Interface: what started the system, and when (microseconds since reset). */
void cb_vars_set_loader_info(uint64_t init_us);
void cb_vars_set_exec_time(uint64_t exec_us);

/* True when the firmware can be told to show its setup at the next start. */
bool cb_vars_can_firmware_setup(void);
/* Asks for it; the caller resets then. */
enum cb_err cb_vars_request_firmware_setup(void);

#endif
