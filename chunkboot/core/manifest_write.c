/* SPDX-License-Identifier: MIT */
/* Writes the image manifest. */
#include <string.h>

#include "core/manifest.h"

size_t cb_manifest_len(const struct cb_manifest *m)
{
	size_t len = CB_MANIFEST_HEADER_LEN + (size_t)m->n_segments * CB_MANIFEST_SEGMENT_LEN +
		(size_t)m->n_chunks * CB_MANIFEST_CHUNK_LEN;
	len += 2 + m->cmdline.len + 2 + m->title.len;
	for (unsigned i = 0; i < m->n_allow; i++)
		len += 2 + m->allow[i].len;
	return len;
}

static uint8_t *write_header(const struct cb_manifest *m, uint8_t *p)
{
	memset(p, 0, CB_MANIFEST_HEADER_LEN);
	memcpy(p, CB_MANIFEST_MAGIC, 8);
	cb_put_le16(p + 8, 1);
	cb_put_le16(p + 10, (uint16_t)m->kind);
	cb_put_le16(p + 12, (uint16_t)m->arch);
	cb_put_le16(p + 14, m->n_segments);
	cb_put_le32(p + 16, m->n_chunks);
	cb_put_le64(p + 24, m->raw_total);
	cb_put_le64(p + 32, m->stored_total);
	cb_put_le64(p + 40, m->ram_need);
	return p + CB_MANIFEST_HEADER_LEN;
}

static uint8_t *write_segment(const struct cb_segment *s, uint8_t *p)
{
	memset(p, 0, CB_MANIFEST_SEGMENT_LEN);
	cb_put_le16(p, (uint16_t)s->role);
	cb_put_le16(p + 2, s->flags);
	cb_put_le32(p + 4, s->first_chunk);
	cb_put_le32(p + 8, s->n_chunks);
	cb_put_le64(p + 16, s->raw_len);
	memcpy(p + 24, s->sha256, CB_DIGEST_LEN);
	return p + CB_MANIFEST_SEGMENT_LEN;
}

static uint8_t *write_chunk(const struct cb_chunk *c, uint8_t *p)
{
	memcpy(p, c->id, CB_DIGEST_LEN);
	memcpy(p + 32, c->digest, CB_DIGEST_LEN);
	cb_put_le32(p + 64, c->stored_len);
	cb_put_le32(p + 68, c->raw_len);
	return p + CB_MANIFEST_CHUNK_LEN;
}

static uint8_t *write_string(struct cb_bytes s, uint8_t *p)
{
	cb_put_le16(p, (uint16_t)s.len);
	if (s.len != 0)
		memcpy(p + 2, s.p, s.len);
	return p + 2 + s.len;
}

void cb_manifest_write(const struct cb_manifest *m, const struct cb_chunk *chunks, uint8_t *out)
{
	uint8_t *p = write_header(m, out);
	for (unsigned i = 0; i < m->n_segments; i++)
		p = write_segment(&m->segments[i], p);
	for (uint32_t i = 0; i < m->n_chunks; i++)
		p = write_chunk(&chunks[i], p);
	p = write_string(m->cmdline, p);
	p = write_string(m->title, p);
	for (unsigned i = 0; i < m->n_allow; i++)
		p = write_string(m->allow[i], p);
}
