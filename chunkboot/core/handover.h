/* SPDX-License-Identifier: MIT */
/* The hand-over initrd: /.extra/chunkboot with credentials, a salt and the boot record. */
#ifndef CB_CORE_HANDOVER_H
#define CB_CORE_HANDOVER_H

#include "core/record.h"

#define CB_HANDOVER_MAX_BOOT_JSON 65536

struct cb_handover {
	const struct cb_credential *credentials;
	unsigned n_credentials;
	uint8_t salt[32];
	struct cb_bytes boot_json;
};

/*
 * One newc archive of *ret_len bytes in a new allocation: directories /.extra (0755) and
 * /.extra/chunkboot (0500), files 0400: NAME.cred per credential under /.extra/chunkboot/
 * credentials (0500), salt, boot.json. The caller owns it: cb_free_secret with *ret_len.
 * RECORD_FORMAT when there are too many or too long credentials, or names that are doubled or not
 * [A-Za-z0-9._-], 1..64; NO_MEMORY.
 */
enum cb_err cb_handover_build(const struct cb_mem *mem, const struct cb_handover *h,
			      uint8_t **ret_archive, size_t *ret_len);

#endif
