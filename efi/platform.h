/* SPDX-License-Identifier: MIT */
/* The core's platform on UEFI. */
#ifndef CB_EFI_PLATFORM_H
#define CB_EFI_PLATFORM_H

#include "core/platform.h"
#include "screen.h"

/* Fills in everything, when drivers are connected; events go to the screen, which outlives the platform. */
void cb_platform_init(struct cb_platform *platform, struct cb_screen *screen);

#endif
