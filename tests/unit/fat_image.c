/* SPDX-License-Identifier: MIT */
/* Makes FAT file systems in memory. */
#include "fat_image.h"

#include <stdlib.h>
#include <string.h>

#define N_RESERVED 3u
#define N_FATS 2u
#define N_ROOT_ENTRIES 512u
#define END_OF_CHAIN 0x0fffffffu

static void put_parameters(const struct fat_image *m, size_t fat_sectors, size_t n_sectors)
{
	uint8_t *b = m->bytes;

	memcpy(b, "\xeb\x3c\x90mkfs.fat", 11);
	cb_put_le16(b + 11, (uint16_t)m->sector_len);
	b[13] = (uint8_t)m->cluster_sectors;
	cb_put_le16(b + 14, N_RESERVED);
	b[16] = N_FATS;
	cb_put_le16(b + 17, m->is_fat32 ? 0 : N_ROOT_ENTRIES);
	cb_put_le32(b + 32, (uint32_t)n_sectors);
	if (m->is_fat32) {
		cb_put_le32(b + 36, (uint32_t)fat_sectors);
		cb_put_le32(b + 44, 2);
	} else {
		cb_put_le16(b + 22, (uint16_t)fat_sectors);
	}
	b[510] = 0x55;
	b[511] = 0xaa;
}

static void put_entry(uint8_t *e, const char *name, uint8_t attributes, uint32_t cluster,
		      uint32_t len)
{
	memcpy(e, name, 11);
	e[11] = attributes;
	cb_put_le16(e + 20, (uint16_t)(cluster >> 16));
	cb_put_le16(e + 26, (uint16_t)cluster);
	cb_put_le32(e + 28, len);
}

void fat_image_link(struct fat_image *m, uint32_t c, uint32_t next)
{
	if (m->is_fat32)
		cb_put_le32(m->bytes + m->fat_at + 4 * (size_t)c, next);
	else
		cb_put_le16(m->bytes + m->fat_at + 2 * (size_t)c, (uint16_t)next);
}

size_t fat_image_cluster(const struct fat_image *m, uint32_t c)
{
	return m->data_at + (size_t)(c - 2) * m->cluster_sectors * m->sector_len;
}

/* A label, a deleted file, a long name, a directory of the same name: none of them is it. */
static void put_directory(struct fat_image *m, uint8_t *e)
{
	put_entry(e, "VOLUME     ", 0x08, 0, 0);
	put_entry(e + 32, m->name, 0x20, 9, 5000);
	e[32] = 0xe5;
	put_entry(e + 64, m->name, 0x0f, 9, 5000);
	put_entry(e + 96, m->name, 0x10, 9, 0);
	put_entry(e + 128, m->name, 0x20, m->n_chain > 0 ? m->chain[0] : 0, m->file_len);
}

void fat_image_make(struct fat_image *m)
{
	size_t cluster_len = (size_t)m->cluster_sectors * m->sector_len;
	size_t width = m->is_fat32 ? 4 : 2;
	size_t fat_sectors = ((m->n_clusters + 2) * width + m->sector_len - 1) / m->sector_len;
	size_t root_len = m->is_fat32 ? 0 : N_ROOT_ENTRIES * 32;
	size_t root_at = (N_RESERVED + N_FATS * fat_sectors) * m->sector_len;

	m->fat_at = N_RESERVED * (size_t)m->sector_len;
	m->data_at = root_at + (root_len + m->sector_len - 1) / m->sector_len * m->sector_len;
	m->len = m->data_at + m->n_clusters * cluster_len;
	m->bytes = calloc(1, m->len);
	if (!m->bytes)
		abort();
	put_parameters(m, fat_sectors, m->len / m->sector_len);
	m->entry_at = (m->is_fat32 ? m->data_at : root_at) + 128;
	put_directory(m, m->bytes + m->entry_at - 128);
	if (m->is_fat32)
		fat_image_link(m, 2, END_OF_CHAIN);
	for (unsigned i = 0; i < m->n_chain; i++)
		fat_image_link(m, m->chain[i], i + 1 < m->n_chain ? m->chain[i + 1] : END_OF_CHAIN);
}

void fat_image_done(struct fat_image *m)
{
	free(m->bytes);
	m->bytes = NULL;
}

/* ---- As a device ---- */

static uint8_t *place(const struct fat_image *m, uint64_t lba, size_t len)
{
	if (len == 0 || len % m->sector_len != 0 || lba * m->sector_len > m->len ||
	    len > m->len - lba * m->sector_len)
		abort();
	return m->bytes + lba * m->sector_len;
}

static enum cb_err image_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	memcpy(buf, place(ctx, lba, len), len);
	return CB_OK;
}

static enum cb_err image_write(void *ctx, uint64_t lba, const uint8_t *buf, size_t len)
{
	memcpy(place(ctx, lba, len), buf, len);
	return CB_OK;
}

static enum cb_err image_flush(void *ctx)
{
	(void)ctx;
	return CB_OK;
}

struct cb_block fat_image_block(struct fat_image *m)
{
	return (struct cb_block){ m,	      m->sector_len, m->len / m->sector_len,
				  image_read, image_write,   image_flush };
}
