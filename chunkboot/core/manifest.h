/* SPDX-License-Identifier: MIT */
/* The image manifest (.cbm, docs/FORMATS.md): parsed in place, only after its hash was checked. */
#ifndef CB_CORE_MANIFEST_H
#define CB_CORE_MANIFEST_H

#include "core/digest.h"
#include "core/err.h"

#define CB_MANIFEST_MAGIC "CBMANIF1"
#define CB_MANIFEST_MAX_SEGMENTS 16
#define CB_MANIFEST_MAX_CHUNKS (1u << 20)
#define CB_MANIFEST_MAX_ALLOW 16
#define CB_MANIFEST_MAX_TITLE 255 /* bytes */
#define CB_MANIFEST_HEADER_LEN 64
#define CB_MANIFEST_SEGMENT_LEN 64
#define CB_MANIFEST_CHUNK_LEN 72
/* Header, segments, chunks and 18 strings of at most 65,535 bytes. */
#define CB_MANIFEST_MAX_LEN (64u + 16u * 64u + (1u << 20) * 72u + 18u * 65537u)
#define CB_CMDLINE_MAX 2047 /* bytes of command line and suffix together */
#define CB_CHUNK_MAX_RAW (16u << 20)
#define CB_CHUNK_MAX_STORED (CB_CHUNK_MAX_RAW + (CB_CHUNK_MAX_RAW >> 7) + 1024u)
#define CB_RAW_TOTAL_MAX (1ull << 40)
#define CB_RAM_WORKING (32ull << 20) /* ram_need: what booting takes beside raw and stored bytes */

enum cb_image_kind { CB_KIND_LINUX = 1, CB_KIND_EFI = 2, CB_KIND_DISK = 3 };
enum cb_arch { CB_ARCH_X86_64 = 1, CB_ARCH_AARCH64 = 2 };
enum cb_segment_role {
	CB_ROLE_KERNEL = 1,
	CB_ROLE_INITRD = 2,
	CB_ROLE_APPLICATION = 3,
	CB_ROLE_DISK = 4,
};

#define CB_SEGMENT_NORMALISED 1u /* newc headers were normalised before cutting */

struct cb_segment {
	enum cb_segment_role role;
	uint16_t flags;
	uint32_t first_chunk, n_chunks;
	uint64_t raw_len;
	uint8_t sha256[CB_DIGEST_LEN]; /* of the whole uncompressed segment */
};

struct cb_chunk {
	uint8_t id[CB_DIGEST_LEN]; /* SHA-512/256 of the raw bytes: names the file */
	uint8_t digest[CB_DIGEST_LEN]; /* BLAKE2b-256 of the stored bytes */
	uint32_t stored_len, raw_len;
};

struct cb_manifest {
	struct cb_bytes bytes; /* the whole file; the caller keeps it alive */
	enum cb_image_kind kind;
	enum cb_arch arch;
	uint16_t n_segments;
	uint32_t n_chunks;
	uint64_t raw_total, stored_total, ram_need;
	struct cb_segment segments[CB_MANIFEST_MAX_SEGMENTS];
	struct cb_bytes cmdline, title; /* into bytes */
	unsigned n_allow;
	struct cb_bytes allow[CB_MANIFEST_MAX_ALLOW]; /* permitted prefixes of suffix tokens */
};

/*
 * Checks everything that can be checked without chunks: limits, zero fill, that segments cover the
 * chunks in order without gap or overlap, that sums agree, roles fit the kind (linux: exactly one
 * kernel first, then initrds; efi: one application; disk: one disk), strings are UTF-8 without
 * control characters (command line and allow entries: printable ASCII), no trailing bytes. Only an
 * initrd may be empty. MANIFEST_FORMAT otherwise, *ret untouched.
 */
enum cb_err cb_manifest_parse(struct cb_bytes file, struct cb_manifest *ret);
/* Chunk i < n_chunks of a parsed manifest. */
void cb_manifest_chunk(const struct cb_manifest *m, uint32_t i, struct cb_chunk *ret);

/* Length of the file that cb_manifest_write makes of m (chunks counted by m->n_chunks). */
size_t cb_manifest_len(const struct cb_manifest *m);
/*
 * Writes the file of m with chunks[m->n_chunks] to out[cb_manifest_len(m)]; m->bytes is ignored.
 * Checks nothing: a writer parses what came out before it publishes it.
 */
void cb_manifest_write(const struct cb_manifest *m, const struct cb_chunk *chunks, uint8_t *out);

#define CB_CHUNK_PATH_MAX 128
/* "store.castr/abcd/<id>.cacnk?<16 hex digits of the digest>" with its NUL. */
void cb_chunk_path(const struct cb_chunk *c, char out[CB_CHUNK_PATH_MAX]);
#define CB_MANIFEST_PATH_MAX 256
/* "manifests/NAME/<sha256>.VERSION.cbm" from a target path "NAME/VERSION.cbm" of tuf.h. */
void cb_manifest_path(const char *target_path, const uint8_t sha256[CB_DIGEST_LEN],
		      char out[CB_MANIFEST_PATH_MAX]);
/* "kernel", "initrd-0", "initrd-1", "application", "disk": the name of segment i. */
void cb_segment_name(const struct cb_manifest *m, unsigned i, char out[16]);

#endif
