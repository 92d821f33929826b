/* SPDX-License-Identifier: MIT */
/* Partition Information Protocol (UEFI 2.10 §13.18), as far as it is used here. */
#ifndef CB_EFI_PROTO_PARTITION_INFO_H
#define CB_EFI_PROTO_PARTITION_INFO_H

#include <efi.h>

#define CB_PARTITION_INFO_GUID                                                                     \
	{                                                                                          \
		0x8cf2f62c, 0xbc9b, 0x4821,                                                        \
		{                                                                                  \
			0x80, 0x8d, 0xec, 0x9e, 0xc4, 0x21, 0xa1, 0xa0                             \
		}                                                                                  \
	}

#define CB_PARTITION_IS_GPT 2u

struct cb_partition_info {
	UINT32 revision, type;
	UINT8 is_system; /* an EFI system partition, whatever kind of table names it so */
	UINT8 reserved[7];
	UINT8 type_guid[16]; /* of a GPT entry */
} __attribute__((packed));

#endif
