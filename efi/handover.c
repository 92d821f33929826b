/* SPDX-License-Identifier: MIT */
/* Starting what was fetched: a Linux kernel with its initrd, or an EFI application. */
#include "handover.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "proto/load_file2.h"
#include "random.h"
#include "room.h"
#include "uefi.h"
#include "worker.h"

#define LINUX_IMAGE_MAJOR 1 /* of EFI stubs that know LINUX_EFI_INITRD_MEDIA_GUID (Linux 5.8) */

/* ---- The initrd through LoadFile2 ---- */

struct initrd {
	struct cb_load_file2 protocol; /* first: the firmware hands back a pointer to it */
	EFI_HANDLE handle;
	EFI_EVENT exit_event;
	struct cb_boot *boot;
	size_t initrd_len;
	struct cb_bytes handover; /* secret */
	struct cb_room room; /* for both, until the kernel asks how long they are */
	bool is_served;
};

static EFI_GUID load_file2_guid = CB_LOAD_FILE2_GUID;
static EFI_GUID path_guid = DEVICE_PATH_PROTOCOL;

/* Vendor media path with Linux's GUID, and the end node. */
static struct {
	VENDOR_DEVICE_PATH vendor;
	EFI_DEVICE_PATH end;
} __attribute__((packed)) initrd_path = {
	.vendor = {
		.Header = { MEDIA_DEVICE_PATH, MEDIA_VENDOR_DP, { sizeof(VENDOR_DEVICE_PATH), 0 } },
		.Guid = CB_LINUX_INITRD_GUID,
	},
	.end = { END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE,
		 { sizeof(EFI_DEVICE_PATH), 0 } },
};

static void wipe_handover(struct initrd *i)
{
	/* The core owns the buffer and lends it writable. */
	if (i->handover.len)
		cb_wipe((void *)(uintptr_t)i->handover.p, i->handover.len);
}

/* Linux asks twice: with no buffer for the length, then with its own. Served once, then gone. */
static EFI_STATUS EFIAPI load_file(struct cb_load_file2 *self, EFI_DEVICE_PATH *path,
				   BOOLEAN boot_policy, UINTN *len, VOID *buffer)
{
	struct initrd *i = (struct initrd *)(void *)self;
	enum cb_err err;
	size_t whole;

	(void)path;
	if (!len)
		return EFI_INVALID_PARAMETER;
	if (boot_policy)
		return EFI_UNSUPPORTED;
	if (i->is_served)
		return EFI_NOT_FOUND;
	if (!cb_add(i->initrd_len, i->handover.len, &whole))
		return EFI_OUT_OF_RESOURCES;
	if (!buffer || *len < whole) {
		cb_room_release(&i->room);
		*len = whole;
		return EFI_BUFFER_TOO_SMALL;
	}
	*len = whole;
	i->is_served = true;
	err = cb_boot_serve_initrd(i->boot, buffer);
	cb_workers_stop();
	if (!err && i->handover.len)
		memcpy((uint8_t *)buffer + i->initrd_len, i->handover.p, i->handover.len);
	wipe_handover(i);
	return err ? EFI_LOAD_ERROR : EFI_SUCCESS;
}

/* No boot services here: only memory is touched. */
static VOID EFIAPI on_exit_boot_services(EFI_EVENT event, VOID *context)
{
	(void)event;
	wipe_handover(context);
	cb_random_wipe();
}

static enum cb_err initrd_install(struct cb_boot *boot, struct initrd **ret)
{
	const struct cb_boot_result *result = cb_boot_result(boot);
	struct initrd *i = calloc(1, sizeof(*i));

	if (!i)
		return CB_NO_MEMORY;
	i->protocol.load_file = load_file;
	i->boot = boot;
	i->initrd_len = result->initrd_len;
	i->handover = result->handover;
	if (EFI_ERROR(cb_uefi.bs->CreateEvent(EVT_SIGNAL_EXIT_BOOT_SERVICES, TPL_CALLBACK,
					      on_exit_boot_services, i, &i->exit_event))) {
		free(i);
		return CB_FIRMWARE;
	}
	*ret = i;
	if (i->initrd_len + i->handover.len == 0)
		return CB_OK;
	if (EFI_ERROR(cb_uefi.bs->InstallMultipleProtocolInterfaces(
		    &i->handle, &path_guid, &initrd_path, &load_file2_guid, &i->protocol, NULL))) {
		cb_uefi.bs->CloseEvent(i->exit_event);
		free(i);
		return CB_FIRMWARE;
	}
	return CB_OK;
}

static void initrd_remove(struct initrd *i)
{
	if (!i)
		return;
	wipe_handover(i);
	cb_room_release(&i->room);
	if (i->handle)
		cb_uefi.bs->UninstallMultipleProtocolInterfaces(
			i->handle, &path_guid, &initrd_path, &load_file2_guid, &i->protocol, NULL);
	cb_uefi.bs->CloseEvent(i->exit_event);
	free(i);
}

/* ---- The image ---- */

/* Kernels whose stub is older take an initrd only through their boot parameters. */
static bool is_stub_new_enough(struct cb_bytes kernel)
{
	struct cb_reader r = cb_reader_of(kernel);
	uint32_t pe_at;
	uint16_t magic, major;

	(void)cb_read_bytes(&r, 0x3c);
	pe_at = cb_read_le32(&r);
	r = cb_reader_of(kernel);
	(void)cb_read_bytes(&r, pe_at);
	if (cb_read_le32(&r) != 0x4550) /* "PE", 0, 0 */
		return false;
	(void)cb_read_bytes(&r, 20);
	magic = cb_read_le16(&r);
	(void)cb_read_bytes(&r, 42);
	major = cb_read_le16(&r); /* MajorImageVersion, offset 44 of the optional header */
	return !r.failed && magic == 0x20b && major >= LINUX_IMAGE_MAJOR;
}

static enum cb_err load(struct cb_bytes kernel, EFI_HANDLE *ret)
{
	struct {
		MEMMAP_DEVICE_PATH memory;
		EFI_DEVICE_PATH end;
	} __attribute__((packed)) path = {
		.memory = {
			.Header = { HARDWARE_DEVICE_PATH, HW_MEMMAP_DP,
				    { sizeof(MEMMAP_DEVICE_PATH), 0 } },
			.MemoryType = EfiLoaderData,
			.StartingAddress = (uintptr_t)kernel.p,
			.EndingAddress = (uintptr_t)kernel.p + kernel.len,
		},
		.end = { END_DEVICE_PATH_TYPE, END_ENTIRE_DEVICE_PATH_SUBTYPE,
			 { sizeof(EFI_DEVICE_PATH), 0 } },
	};
	EFI_HANDLE image = NULL;
	EFI_STATUS status;

	status = cb_uefi.bs->LoadImage(FALSE, cb_uefi.image, (EFI_DEVICE_PATH *)(void *)&path,
				       (VOID *)(uintptr_t)kernel.p, kernel.len, &image);
	if (EFI_ERROR(status)) {
		/* A security violation leaves the image loaded (UEFI 2.10 §7.4.1). */
		if (image)
			cb_uefi.bs->UnloadImage(image);
		return CB_KERNEL_LOAD;
	}
	*ret = image;
	return CB_OK;
}

static enum cb_err set_options(struct cb_start *start, const char *cmdline)
{
	static const EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	EFI_LOADED_IMAGE_PROTOCOL *loaded = cb_uefi_protocol(start->image, &guid);
	size_t n = strlen(cmdline) + 1;

	if (!loaded)
		return CB_FIRMWARE;
	start->options = malloc(n * sizeof(*start->options));
	if (!start->options)
		return CB_NO_MEMORY;
	cb_uefi_widen(cmdline, start->options, n);
	loaded->LoadOptions = start->options;
	loaded->LoadOptionsSize = (UINT32)(n * sizeof(*start->options));
	return CB_OK;
}

enum cb_err cb_start_prepare(struct cb_boot *boot, struct cb_start *ret)
{
	const struct cb_boot_result *result = cb_boot_result(boot);
	struct cb_start start = { 0 };
	enum cb_err err;

	if (result->kind == CB_KIND_DISK)
		return CB_KERNEL_OLD;
	if (result->kind == CB_KIND_LINUX && !is_stub_new_enough(result->kernel))
		return CB_KERNEL_OLD;
	err = load(result->kernel, (EFI_HANDLE *)&start.image);
	if (!err)
		err = set_options(&start, result->cmdline);
	if (!err && result->kind == CB_KIND_LINUX)
		err = initrd_install(boot, (struct initrd **)&start.initrd);
	if (err) {
		cb_start_done(&start);
		return err;
	}
	*ret = start;
	return CB_OK;
}

enum cb_err cb_start_run(struct cb_start *start)
{
	EFI_HANDLE image = start->image;
	struct initrd *i = start->initrd;

	/* Both lengths were added before: they are of memory that we have. */
	if (i && i->handle && cb_room_hold(&i->room, i->initrd_len + i->handover.len) != CB_OK)
		return CB_MEMORY_SHORT;
	/* The firmware unloads an application when it returns. */
	start->image = NULL;
	cb_uefi.bs->StartImage(image, NULL, NULL);
	return CB_KERNEL_RETURNED;
}

void cb_start_done(struct cb_start *start)
{
	if (start->image)
		cb_uefi.bs->UnloadImage(start->image);
	initrd_remove(start->initrd);
	free(start->options);
	*start = (struct cb_start){ 0 };
}
