/* SPDX-License-Identifier: MIT */
/* An EFI system partition as an image file, made without root (mtools). */
#ifndef CB_HOST_ESP_H
#define CB_HOST_ESP_H

#include "host/error.h"

/*
 * Writes a FAT image to `image` (replaced) whose /EFI/BOOT/BOOTX64.EFI is the file `loader`: the
 * firmware boots it as removable medium. TOOL_MISSING (mtools), IO.
 */
enum cb_err cb_esp_make(const char *image, const char *loader, struct cb_error *e);

#endif
