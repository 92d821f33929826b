/* SPDX-License-Identifier: MIT */
/* Manifest files of a repository: reading one that is listed, finding out what is there. */
#ifndef CB_HOST_MANIFEST_FILE_H
#define CB_HOST_MANIFEST_FILE_H

#include "core/manifest.h"
#include "core/tuf.h"
#include "host/files.h"

/* A manifest with the file that it leads into. Zero it first. */
struct cb_manifest_file {
	struct cb_file file;
	struct cb_manifest manifest;
};

/* REPO/manifests/NAME/<sha256>.VERSION.cbm */
enum cb_err cb_manifest_file_path(const char *repo, const struct cb_tuf_target *target,
				  char out[CB_PATH_MAX], struct cb_error *e);
/* Reads, checks length and hash, parses. NOT_FOUND, MANIFEST_HASH, MANIFEST_FORMAT, IO. */
enum cb_err cb_manifest_file_read(const char *repo, const struct cb_tuf_target *target,
				  struct cb_manifest_file *ret, struct cb_error *e);
void cb_manifest_file_done(struct cb_manifest_file *f);

/*
 * Was NAME@VERSION ever published with another manifest than the one with this hash? Withdrawn
 * versions count: somebody may have them in a cache or a boot record.
 */
bool cb_manifest_file_differs(const char *repo, const char *name, const char *version,
			      const uint8_t sha256[CB_DIGEST_LEN]);

/*
 * Stored bytes of the different chunks of `now` that `before` does not have (NULL: of all), given
 * chunks now[n]. NO_MEMORY.
 */
enum cb_err cb_manifest_update_bytes(const struct cb_chunk *now, uint32_t n,
				     const struct cb_manifest *before, uint64_t *ret);

const char *cb_kind_name(enum cb_image_kind kind); /* "linux", "efi", "disk" */
const char *cb_arch_name(enum cb_arch arch); /* "x86_64", "aarch64" */

#endif
