/* SPDX-License-Identifier: MIT */
/* Makes a FAT image with mformat, mmd and mcopy. */
#include "host/esp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/process.h"

#define SECTORS "65536" /* of 512 bytes: 32 MiB, FAT16 */

static enum cb_err run_mtool(const char *const *argv, struct cb_error *e)
{
	enum cb_err err = cb_process_run(argv, e);
	if (err == CB_TOOL_MISSING)
		cb_fail_hint(e, "install it with 'apt-get install mtools'");
	return err;
}

enum cb_err cb_esp_make(const char *image, const char *loader, struct cb_error *e)
{
	/* the heads and tracks are only there because FAT wants to know them */
	const char *format[] = { "mformat", "-i", image, "-C", "-T",	   SECTORS, "-h",
				 "64",	    "-s", "32",	 "-N", "c4b00700", "::",    NULL };
	const char *mkdirs[] = { "mmd", "-i", image, "::/EFI", "::/EFI/BOOT", NULL };
	const char *copy[] = { "mcopy", "-i", image, loader, "::/EFI/BOOT/BOOTX64.EFI", NULL };
	if (unlink(image) != 0 && errno != ENOENT)
		return cb_fail_errno(e, "%s", image);
	enum cb_err err = run_mtool(format, e);
	if (err == CB_OK)
		err = run_mtool(mkdirs, e);
	if (err == CB_OK)
		err = run_mtool(copy, e);
	return err;
}
