/* SPDX-License-Identifier: MIT */
/* Load File 2 Protocol (UEFI 2.10 §13.2) and the vendor path by which Linux finds its initrd. */
#ifndef CB_EFI_PROTO_LOAD_FILE2_H
#define CB_EFI_PROTO_LOAD_FILE2_H

#include <efi.h>

#define CB_LOAD_FILE2_GUID                                                                         \
	{                                                                                          \
		0x4006c0c1, 0xfcb3, 0x403e,                                                        \
		{                                                                                  \
			0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d                             \
		}                                                                                  \
	}
/* LINUX_EFI_INITRD_MEDIA_GUID (Linux Documentation/admin-guide/efi-stub.rst). */
#define CB_LINUX_INITRD_GUID                                                                       \
	{                                                                                          \
		0x5568e427, 0x68fc, 0x4f3d,                                                        \
		{                                                                                  \
			0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68                             \
		}                                                                                  \
	}

struct cb_load_file2 {
	EFI_STATUS(EFIAPI *load_file)
	(struct cb_load_file2 *self, EFI_DEVICE_PATH *path, BOOLEAN boot_policy, UINTN *len,
	 VOID *buffer);
};

#endif
