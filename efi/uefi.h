/* SPDX-License-Identifier: MIT */
/* The firmware's tables and a few helpers around them. */
#ifndef CB_EFI_UEFI_H
#define CB_EFI_UEFI_H

#include <efi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the firmware gave efi_main; set once. */
struct cb_uefi {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *st;
	EFI_BOOT_SERVICES *bs;
	EFI_RUNTIME_SERVICES *rt;
	EFI_LOADED_IMAGE_PROTOCOL *loaded; /* of ourselves */
};

extern struct cb_uefi cb_uefi;

/* False when the firmware lacks what the loader can't do without. */
bool cb_uefi_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);

/* The protocol on a handle, without opening it for good; NULL when it has none. */
void *cb_uefi_protocol(EFI_HANDLE handle, const EFI_GUID *guid);
/* The first instance of a protocol in the system; NULL when there is none. */
void *cb_uefi_locate(const EFI_GUID *guid);
/* All handles with a protocol; *ret_n is 0 and the result NULL when none. cb_uefi_pool_free it. */
EFI_HANDLE *cb_uefi_handles(const EFI_GUID *guid, size_t *ret_n);
void cb_uefi_pool_free(void *p);

/* iPXE offers interfaces of its own, and tells its handles by this. */
bool cb_uefi_is_from_ipxe(EFI_HANDLE handle);
/* After a start from a disk the firmware may not have connected its network drivers, after one from the
 * network those of disks: connects all. */
void cb_uefi_connect_drivers(void);

/* Length of a device path with its end node; 0 for NULL or when longer than any real one. */
size_t cb_uefi_path_len(const EFI_DEVICE_PATH *path);

/* Widens ASCII to out[max] with a NUL; what does not fit is cut. */
void cb_uefi_widen(const char *ascii, CHAR16 *out, size_t max);

#endif
