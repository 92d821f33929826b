/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the search for a file on FAT. The input changes a good file system: u8 flags (1: FAT32), then patches of u8
 * area (0 parameters, 1 table, 2 directory), u16 offset in it, u8 length and as many bytes. What is found must
 * lie in the data area, nothing of it twice.
 */
#include <stdlib.h>
#include <string.h>

#include "core/fat.h"
#include "fat_image.h"
#include "host/heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct fat_image good[2];

static void require(bool is_true)
{
	if (!is_true)
		abort();
}

static void set_up(void)
{
	for (unsigned is_fat32 = 0; is_fat32 < 2; is_fat32++) {
		struct fat_image *m = &good[is_fat32];

		*m = (struct fat_image){ .sector_len = 512,
					 .cluster_sectors = 1,
					 .n_clusters = is_fat32 ? 65600 : 4100,
					 .is_fat32 = is_fat32,
					 .name = "CBCACHE BIN",
					 .file_len = 20 * 512,
					 .n_chain = 20 };
		for (uint32_t i = 0; i < m->n_chain; i++)
			m->chain[i] = 10 + i + i / 7 * 3;
		fat_image_make(m);
	}
}

static uint8_t *area(const struct fat_image *m, unsigned n, size_t *ret_len)
{
	*ret_len = n == 0 ? 512 : n == 1 ? 1024 : 2048;
	return m->bytes + (n == 0 ? 0 : n == 1 ? m->fat_at : m->entry_at - 128);
}

static void patch(const struct fat_image *m, struct cb_bytes in)
{
	struct cb_reader r = cb_reader_of(in);

	while (!r.failed && r.rest.len > 0) {
		size_t area_len;
		uint8_t *at = area(m, cb_read_u8(&r) % 3, &area_len);
		size_t offset = cb_read_le16(&r) % area_len;
		struct cb_bytes bytes = cb_read_bytes(&r, cb_read_u8(&r));

		if (!r.failed && bytes.len > 0)
			memcpy(at + offset, bytes.p,
			       bytes.len < area_len - offset ? bytes.len : area_len - offset);
	}
}

static void check(const struct cb_fat_file *f, const struct cb_block *device)
{
	uint64_t n = 0;

	require(f->n > 0 && f->n <= CB_FAT_MAX_EXTENTS);
	for (unsigned i = 0; i < f->n; i++) {
		const struct cb_fat_extent *e = &f->extents[i];

		/* behind the first table at least, which begins behind a reserved sector */
		require(e->lba >= 2 && e->n_blocks > 0 && e->lba + e->n_blocks <= device->n_blocks);
		for (unsigned k = 0; k < i; k++)
			require(e->lba >= f->extents[k].lba + f->extents[k].n_blocks ||
				f->extents[k].lba >= e->lba + e->n_blocks);
		n += e->n_blocks;
	}
	require(n == f->n_blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t saved[3][2048];
	struct cb_fat_file f;
	const struct fat_image *m;
	struct cb_block device;
	size_t area_len;

	if (len == 0)
		return 0;
	if (!good[0].bytes)
		set_up();
	m = &good[data[0] & 1];
	for (unsigned i = 0; i < 3; i++)
		memcpy(saved[i], area(m, i, &area_len), 2048);
	patch(m, (struct cb_bytes){ data + 1, len - 1 });
	device = fat_image_block(&good[data[0] & 1]);
	if (cb_fat_find(&cb_heap, &device, "CBCACHE BIN", &f) == CB_OK)
		check(&f, &device);
	for (unsigned i = 3; i-- > 0;)
		memcpy(area(m, i, &area_len), saved[i], 2048);
	return 0;
}
