/* SPDX-License-Identifier: MIT */
/* Parses the image manifest and names the files that it leads to. */
#include "core/manifest.h"

#include <string.h>

#include "core/text.h"

#define VERSION 1u

static bool read_header(struct cb_reader *r, struct cb_manifest *m)
{
	struct cb_bytes magic = cb_read_bytes(r, 8);
	uint16_t version = cb_read_le16(r);
	uint16_t kind = cb_read_le16(r);
	uint16_t arch = cb_read_le16(r);
	m->n_segments = cb_read_le16(r);
	m->n_chunks = cb_read_le32(r);
	cb_read_zeros(r, 4);
	m->raw_total = cb_read_le64(r);
	m->stored_total = cb_read_le64(r);
	m->ram_need = cb_read_le64(r);
	cb_read_zeros(r, 16);
	if (r->failed || !cb_bytes_is(magic, CB_MANIFEST_MAGIC) || version != VERSION)
		return false;
	if (kind < CB_KIND_LINUX || kind > CB_KIND_DISK)
		return false;
	if (arch < CB_ARCH_X86_64 || arch > CB_ARCH_AARCH64)
		return false;
	m->kind = (enum cb_image_kind)kind;
	m->arch = (enum cb_arch)arch;
	return m->n_segments >= 1 && m->n_segments <= CB_MANIFEST_MAX_SEGMENTS &&
		m->n_chunks <= CB_MANIFEST_MAX_CHUNKS && m->raw_total <= CB_RAW_TOTAL_MAX;
}

/* The only role that segment i of an image of this kind may have; 0 when it may have no segment i. */
static unsigned expected_role(enum cb_image_kind kind, unsigned i)
{
	switch (kind) {
	case CB_KIND_LINUX:
		return i == 0 ? CB_ROLE_KERNEL : CB_ROLE_INITRD;
	case CB_KIND_EFI:
		return i == 0 ? CB_ROLE_APPLICATION : 0;
	case CB_KIND_DISK:
		return i == 0 ? CB_ROLE_DISK : 0;
	default:
		return 0;
	}
}

static bool read_segment(struct cb_reader *r, struct cb_manifest *m, unsigned i, uint32_t *at_chunk)
{
	struct cb_segment *s = &m->segments[i];
	uint16_t role = cb_read_le16(r);
	s->flags = cb_read_le16(r);
	s->first_chunk = cb_read_le32(r);
	s->n_chunks = cb_read_le32(r);
	cb_read_zeros(r, 4);
	s->raw_len = cb_read_le64(r);
	cb_read_copy(r, s->sha256, sizeof(s->sha256));
	cb_read_zeros(r, 8);
	if (r->failed || role == 0 || role != expected_role(m->kind, i))
		return false;
	s->role = (enum cb_segment_role)role;
	if ((s->flags & ~CB_SEGMENT_NORMALISED) != 0)
		return false;
	if (s->first_chunk != *at_chunk || s->n_chunks > m->n_chunks - *at_chunk)
		return false;
	/* Only an initrd may be empty. */
	if (s->n_chunks == 0 && role != CB_ROLE_INITRD)
		return false;
	*at_chunk += s->n_chunks;
	return true;
}

static bool read_segments(struct cb_reader *r, struct cb_manifest *m)
{
	uint32_t at_chunk = 0;
	for (unsigned i = 0; i < m->n_segments; i++)
		if (!read_segment(r, m, i, &at_chunk))
			return false;
	return at_chunk == m->n_chunks;
}

static struct cb_chunk read_chunk(struct cb_reader *r)
{
	struct cb_chunk c;
	cb_read_copy(r, c.id, sizeof(c.id));
	cb_read_copy(r, c.digest, sizeof(c.digest));
	c.stored_len = cb_read_le32(r);
	c.raw_len = cb_read_le32(r);
	return c;
}

/* At most 2^20 chunks of at most 2^25 bytes: the sums stay far below 2^64. */
static bool read_chunks(struct cb_reader *r, const struct cb_manifest *m)
{
	uint64_t raw_total = 0, stored_total = 0;
	for (unsigned i = 0; i < m->n_segments; i++) {
		uint64_t raw = 0;
		for (uint32_t k = 0; k < m->segments[i].n_chunks; k++) {
			struct cb_chunk c = read_chunk(r);
			if (r->failed || c.raw_len == 0 || c.raw_len > CB_CHUNK_MAX_RAW ||
			    c.stored_len == 0 || c.stored_len > CB_CHUNK_MAX_STORED)
				return false;
			raw += c.raw_len;
			stored_total += c.stored_len;
		}
		if (raw != m->segments[i].raw_len)
			return false;
		raw_total += raw;
	}
	return raw_total == m->raw_total && stored_total == m->stored_total;
}

static bool read_string(struct cb_reader *r, size_t max, struct cb_bytes *ret)
{
	uint16_t len = cb_read_le16(r);
	*ret = cb_read_bytes(r, len);
	return !r->failed && len <= max && cb_bytes_is_text(*ret);
}

/* What follows the chunks, up to the end of the file. */
static bool read_strings(struct cb_reader *r, struct cb_manifest *m)
{
	if (!read_string(r, CB_CMDLINE_MAX, &m->cmdline) || !cb_bytes_is_ascii(m->cmdline))
		return false;
	if (!read_string(r, CB_MANIFEST_MAX_TITLE, &m->title))
		return false;
	while (r->rest.len != 0) {
		struct cb_bytes allow;
		if (m->n_allow == CB_MANIFEST_MAX_ALLOW || !read_string(r, CB_CMDLINE_MAX, &allow))
			return false;
		if (allow.len == 0 || !cb_bytes_is_ascii(allow))
			return false;
		m->allow[m->n_allow++] = allow;
	}
	return cb_reader_is_done(r);
}

enum cb_err cb_manifest_parse(struct cb_bytes file, struct cb_manifest *ret)
{
	struct cb_reader r = cb_reader_of(file);
	struct cb_manifest m;
	memset(&m, 0, sizeof(m));
	m.bytes = file;
	if (file.len > CB_MANIFEST_MAX_LEN || !read_header(&r, &m) || !read_segments(&r, &m) ||
	    !read_chunks(&r, &m) || !read_strings(&r, &m))
		return CB_MANIFEST_FORMAT;
	*ret = m;
	return CB_OK;
}

void cb_manifest_chunk(const struct cb_manifest *m, uint32_t i, struct cb_chunk *ret)
{
	/* Parsing proved that the table is there; a wrong index still reads zeroes only. */
	struct cb_reader r = cb_reader_of(m->bytes);
	cb_read_bytes(&r,
		      CB_MANIFEST_HEADER_LEN + (size_t)m->n_segments * CB_MANIFEST_SEGMENT_LEN +
			      (size_t)i * CB_MANIFEST_CHUNK_LEN);
	*ret = read_chunk(&r);
}

void cb_chunk_path(const struct cb_chunk *c, char out[CB_CHUNK_PATH_MAX])
{
	struct cb_text t = cb_text_of(out, CB_CHUNK_PATH_MAX);
	cb_text_put(&t, "store.castr/");
	cb_text_put_hex(&t, c->id, 2);
	cb_text_put(&t, "/");
	cb_text_put_hex(&t, c->id, CB_DIGEST_LEN);
	cb_text_put(&t, ".cacnk?");
	cb_text_put_hex(&t, c->digest, 8);
}

void cb_manifest_path(const char *target_path, const uint8_t sha256[CB_DIGEST_LEN],
		      char out[CB_MANIFEST_PATH_MAX])
{
	struct cb_text t = cb_text_of(out, CB_MANIFEST_PATH_MAX);
	struct cb_bytes dir = cb_bytes_of(target_path);
	while (dir.len != 0 && dir.p[dir.len - 1] != '/')
		dir.len--;
	cb_text_put(&t, "manifests/");
	cb_text_put_bytes(&t, dir);
	cb_text_put_hex(&t, sha256, CB_DIGEST_LEN);
	cb_text_put(&t, ".");
	cb_text_put(&t, target_path + dir.len);
}

void cb_segment_name(const struct cb_manifest *m, unsigned i, char out[16])
{
	struct cb_text t = cb_text_of(out, 16);
	switch (m->segments[i].role) {
	case CB_ROLE_KERNEL:
		cb_text_put(&t, "kernel");
		break;
	case CB_ROLE_INITRD:
		/* Segment 0 is the kernel. */
		cb_text_put(&t, "initrd-");
		cb_text_put_u64(&t, i - 1);
		break;
	case CB_ROLE_APPLICATION:
		cb_text_put(&t, "application");
		break;
	case CB_ROLE_DISK:
		cb_text_put(&t, "disk");
		break;
	default:
		break;
	}
}
