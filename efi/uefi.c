/* SPDX-License-Identifier: MIT */
/* The firmware's tables and a few helpers around them. */
#include "uefi.h"

#define PATH_MAX_LEN 4096

struct cb_uefi cb_uefi;

void *cb_uefi_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	EFI_GUID id = *guid;
	void *interface = NULL;

	if (!handle || EFI_ERROR(cb_uefi.bs->HandleProtocol(handle, &id, &interface)))
		return NULL;
	return interface;
}

void *cb_uefi_locate(const EFI_GUID *guid)
{
	EFI_GUID id = *guid;
	void *interface = NULL;

	if (EFI_ERROR(cb_uefi.bs->LocateProtocol(&id, NULL, &interface)))
		return NULL;
	return interface;
}

EFI_HANDLE *cb_uefi_handles(const EFI_GUID *guid, size_t *ret_n)
{
	EFI_GUID id = *guid;
	EFI_HANDLE *handles = NULL;
	UINTN n = 0;

	if (EFI_ERROR(cb_uefi.bs->LocateHandleBuffer(ByProtocol, &id, NULL, &n, &handles)))
		n = 0;
	*ret_n = n;
	return n ? handles : NULL;
}

void cb_uefi_pool_free(void *p)
{
	if (p)
		cb_uefi.bs->FreePool(p);
}

size_t cb_uefi_path_len(const EFI_DEVICE_PATH *path)
{
	const uint8_t *p = (const uint8_t *)path;
	size_t len = 0;

	if (!p)
		return 0;
	while (len + 4 <= PATH_MAX_LEN) {
		size_t node_len = (size_t)(p[len + 2] | p[len + 3] << 8);
		bool is_end = (p[len] & 0x7f) == END_DEVICE_PATH_TYPE &&
			p[len + 1] == END_ENTIRE_DEVICE_PATH_SUBTYPE;

		if (node_len < 4)
			return 0;
		len += node_len;
		if (is_end)
			return len;
	}
	return 0;
}

void cb_uefi_widen(const char *ascii, CHAR16 *out, size_t max)
{
	size_t i = 0;

	for (; ascii[i] && i + 1 < max; i++)
		out[i] = (CHAR16)(unsigned char)ascii[i];
	out[i] = 0;
}

bool cb_uefi_is_from_ipxe(EFI_HANDLE handle)
{
	static const EFI_GUID download_guid = {
		0x3eaeaebd, 0xdecf, 0x493b, { 0x9b, 0xd1, 0xcd, 0xb2, 0xde, 0xca, 0xe7, 0x19 }
	};
	return cb_uefi_protocol(handle, &download_guid) != NULL;
}

/*
 * Behind iPXE the firmware has connected them, and edk2's SnpDxe, connected to an interface of iPXE, fails but leaves
 * an event that calls freed memory at ExitBootServices.
 */
void cb_uefi_connect_drivers(void)
{
	EFI_HANDLE *handles = NULL;
	UINTN n = 0;

	if (cb_uefi_is_from_ipxe(cb_uefi.loaded->DeviceHandle))
		return;
	if (EFI_ERROR(cb_uefi.bs->LocateHandleBuffer(AllHandles, NULL, NULL, &n, &handles)))
		return;
	for (UINTN i = 0; i < n; i++)
		cb_uefi.bs->ConnectController(handles[i], NULL, NULL, TRUE);
	cb_uefi_pool_free(handles);
}

bool cb_uefi_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;

	cb_uefi.image = image;
	cb_uefi.st = st;
	cb_uefi.bs = st->BootServices;
	cb_uefi.rt = st->RuntimeServices;
	cb_uefi.loaded = cb_uefi_protocol(image, &loaded_image);
	return cb_uefi.loaded && st->ConOut && st->ConIn;
}
