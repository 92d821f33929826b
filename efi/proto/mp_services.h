/* SPDX-License-Identifier: MIT */
/* Multi-processor services (PI 1.7 volume 2 §13.4), as far as they are used here. */
#ifndef CB_EFI_PROTO_MP_SERVICES_H
#define CB_EFI_PROTO_MP_SERVICES_H

#include <efi.h>

#define CB_MP_SERVICES_GUID                                                                        \
	{                                                                                          \
		0x3fdda605, 0xa76e, 0x4f46,                                                        \
		{                                                                                  \
			0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08                             \
		}                                                                                  \
	}

/* Bits of cb_mp_processor.status. */
#define CB_MP_IS_BOOT_PROCESSOR 1u
#define CB_MP_IS_ENABLED 2u
#define CB_MP_IS_HEALTHY 4u

struct cb_mp_processor {
	UINT64 id; /* of its local APIC */
	UINT32 status;
	UINT32 package, core, thread;
	UINT32 extended[6]; /* newer firmware writes here when asked to */
};

typedef VOID(EFIAPI *cb_mp_procedure)(VOID *arg);

struct cb_mp_services {
	EFI_STATUS(EFIAPI *count)(struct cb_mp_services *self, UINTN *n, UINTN *n_enabled);
	EFI_STATUS(EFIAPI *info)
	(struct cb_mp_services *self, UINTN number, struct cb_mp_processor *ret);
	VOID *start_all;
	/* With an event it returns at once; the event is signalled when the procedure has returned. */
	EFI_STATUS(EFIAPI *start)
	(struct cb_mp_services *self, cb_mp_procedure procedure, UINTN number, EFI_EVENT event,
	 UINTN timeout_us, VOID *arg, BOOLEAN *is_finished);
	VOID *switch_boot_processor, *enable, *who_am_i;
};

#endif
