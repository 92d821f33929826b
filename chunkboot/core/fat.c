/* SPDX-License-Identifier: MIT */
/* Finds a file's blocks on FAT16 and FAT32 (Microsoft, "FAT General Overview", 2000), to use them in place. */
#include "core/fat.h"

#include <string.h>

#define WINDOW_LEN 65536u /* read at once; a multiple of every sector's length */
#define ENTRY_LEN 32u
#define MIN_FAT16 4085u /* clusters: with fewer it is FAT12 */
#define MIN_FAT32 65525u
#define ATTRIBUTE_VOLUME 0x08u /* set in long names, too */
#define ATTRIBUTE_DIRECTORY 0x10u

/* A file system, and a window on its device. */
struct volume {
	const struct cb_block *device;
	uint8_t *window; /* WINDOW_LEN bytes */
	uint64_t window_at; /* first byte of the device in it; UINT64_MAX: empty */
	bool is_fat32;
	uint32_t cluster_len, n_clusters; /* clusters are numbered from 2 on */
	uint64_t fat_at, fat_len, root_at, root_len, data_at; /* bytes */
	uint32_t root_cluster; /* FAT32 */
	uint64_t device_len;
};

/* ---- Reading ---- */

/* len bytes, at most 512 and not over a window's edge; NULL: not there, or a read error. */
static const uint8_t *look(struct volume *v, uint64_t at, size_t len)
{
	uint64_t start = at - at % WINDOW_LEN;
	uint64_t left = start < v->device_len ? v->device_len - start : 0;
	size_t n = left < WINDOW_LEN ? (size_t)left : WINDOW_LEN;

	if (at + len > start + n)
		return NULL;
	if (start != v->window_at) {
		v->window_at = UINT64_MAX;
		if (v->device->read(v->device->ctx, start / v->device->block_len, v->window, n) !=
		    CB_OK)
			return NULL;
		v->window_at = start;
	}
	return v->window + (at - start);
}

/* The cluster that follows, or one outside of 2 .. n_clusters + 1: the end, free, or bad. */
static uint32_t next_cluster(struct volume *v, uint32_t cluster)
{
	size_t len = v->is_fat32 ? 4 : 2;
	uint64_t at = (uint64_t)cluster * len;
	const uint8_t *p = at + len <= v->fat_len ? look(v, v->fat_at + at, len) : NULL;

	if (!p)
		return 0;
	return v->is_fat32 ? cb_le32(p) & 0x0fffffff : cb_le16(p);
}

static bool is_cluster(const struct volume *v, uint32_t cluster)
{
	return cluster >= 2 && cluster - 2 < v->n_clusters;
}

static uint64_t cluster_at(const struct volume *v, uint32_t cluster)
{
	return v->data_at + (uint64_t)(cluster - 2) * v->cluster_len;
}

/* ---- The file system ---- */

/* The first sector's fields as they are. */
struct parameters {
	uint32_t sector_len, n_reserved, n_fats, n_root_entries, n_sectors, fat_sectors;
};

static bool read_parameters(const uint8_t *boot, struct parameters *p,
			    uint32_t *ret_cluster_sectors, uint32_t *ret_root_cluster)
{
	p->sector_len = cb_le16(boot + 11);
	*ret_cluster_sectors = boot[13];
	p->n_reserved = cb_le16(boot + 14);
	p->n_fats = boot[16];
	p->n_root_entries = cb_le16(boot + 17);
	p->n_sectors = cb_le16(boot + 19) ? cb_le16(boot + 19) : cb_le32(boot + 32);
	p->fat_sectors = cb_le16(boot + 22) ? cb_le16(boot + 22) : cb_le32(boot + 36);
	*ret_root_cluster = cb_le32(boot + 44);
	return boot[510] == 0x55 && boot[511] == 0xaa && p->n_reserved > 0 && p->n_fats > 0 &&
		p->n_fats <= 4 && *ret_cluster_sectors > 0 &&
		(*ret_cluster_sectors & (*ret_cluster_sectors - 1)) == 0;
}

/* Everything in bytes, and all of it on the device. */
static bool open_volume(struct volume *v)
{
	const uint8_t *boot = look(v, 0, 512);
	struct parameters p;
	uint32_t cluster_sectors;
	uint64_t data_len;

	if (!boot || !read_parameters(boot, &p, &cluster_sectors, &v->root_cluster) ||
	    p.sector_len != v->device->block_len)
		return false;
	v->cluster_len = cluster_sectors * p.sector_len;
	v->fat_at = (uint64_t)p.n_reserved * p.sector_len;
	v->fat_len = (uint64_t)p.fat_sectors * p.sector_len;
	v->root_at = v->fat_at + p.n_fats * v->fat_len;
	v->root_len = (uint64_t)p.n_root_entries * ENTRY_LEN;
	v->data_at = v->root_at + (v->root_len + p.sector_len - 1) / p.sector_len * p.sector_len;
	if ((uint64_t)p.n_sectors * p.sector_len > v->device_len ||
	    (uint64_t)p.n_sectors * p.sector_len <= v->data_at)
		return false;
	data_len = (uint64_t)p.n_sectors * p.sector_len - v->data_at;
	v->n_clusters = (uint32_t)(data_len / v->cluster_len);
	v->is_fat32 = v->n_clusters >= MIN_FAT32;
	return v->n_clusters >= MIN_FAT16 && (v->root_len == 0) == v->is_fat32;
}

/* ---- The directory ---- */

struct entry {
	uint32_t cluster, len;
};

enum found { GO_ON, FOUND, AT_END };

static enum found look_at(struct volume *v, uint64_t at, const char *name, struct entry *ret)
{
	const uint8_t *e = look(v, at, ENTRY_LEN);

	if (!e || e[0] == 0)
		return AT_END;
	if ((e[11] & (ATTRIBUTE_VOLUME | ATTRIBUTE_DIRECTORY)) ||
	    memcmp(e, name, CB_FAT_NAME_LEN) != 0)
		return GO_ON;
	ret->cluster = cb_le16(e + 26) | (v->is_fat32 ? (uint32_t)cb_le16(e + 20) << 16 : 0);
	ret->len = cb_le32(e + 28);
	return FOUND;
}

/* Entries from byte `at` of the device on. */
static enum found search(struct volume *v, uint64_t at, uint64_t len, const char *name,
			 struct entry *ret)
{
	enum found found = GO_ON;

	for (uint64_t i = 0; found == GO_ON && i + ENTRY_LEN <= len; i += ENTRY_LEN)
		found = look_at(v, at + i, name, ret);
	return found;
}

static bool find_entry(struct volume *v, const char *name, struct entry *ret)
{
	uint32_t cluster = v->root_cluster;
	uint64_t most = (uint64_t)CB_FAT_MAX_ROOT_ENTRIES * ENTRY_LEN;
	enum found found = GO_ON;

	if (!v->is_fat32)
		return search(v, v->root_at, v->root_len, name, ret) == FOUND;
	for (uint64_t n = 0; found == GO_ON && n < most && is_cluster(v, cluster);
	     n += v->cluster_len) {
		found = search(v, cluster_at(v, cluster), v->cluster_len, name, ret);
		cluster = next_cluster(v, cluster);
	}
	return found == FOUND;
}

/* ---- The file ---- */

static bool overlaps(const struct cb_fat_file *f, const struct cb_fat_extent *e)
{
	for (unsigned i = 0; i < f->n; i++)
		if (e->lba < f->extents[i].lba + f->extents[i].n_blocks &&
		    f->extents[i].lba < e->lba + e->n_blocks)
			return true;
	return false;
}

/* Puts blocks at the end of the file. False: too many pieces, or a block that it has already. */
static bool append(struct cb_fat_file *f, struct cb_fat_extent e)
{
	struct cb_fat_extent *last = f->n > 0 ? &f->extents[f->n - 1] : NULL;

	if (overlaps(f, &e))
		return false;
	f->n_blocks += e.n_blocks;
	if (last && last->lba + last->n_blocks == e.lba) {
		last->n_blocks += e.n_blocks;
		return true;
	}
	if (f->n == CB_FAT_MAX_EXTENTS)
		return false;
	f->extents[f->n++] = e;
	return true;
}

/* Follows the chain as far as the file's whole blocks go. */
static bool map(struct volume *v, const struct entry *e, struct cb_fat_file *f)
{
	uint32_t block_len = v->device->block_len, cluster = e->cluster;
	uint64_t left = e->len / block_len, each = v->cluster_len / block_len;

	while (left > 0) {
		uint64_t n = left < each ? left : each;

		if (!is_cluster(v, cluster) ||
		    !append(f, (struct cb_fat_extent){ cluster_at(v, cluster) / block_len, n }))
			return false;
		left -= n;
		cluster = next_cluster(v, cluster);
	}
	return f->n > 0;
}

enum cb_err cb_fat_find(const struct cb_mem *mem, const struct cb_block *device,
			const char name[CB_FAT_NAME_LEN], struct cb_fat_file *ret)
{
	struct volume v = {
		.device = device,
		.window_at = UINT64_MAX,
		.device_len = device->n_blocks * device->block_len,
	};
	struct entry e = { 0 };
	bool is_found;

	if (device->block_len < 512 || WINDOW_LEN % device->block_len != 0)
		return CB_NOT_FOUND;
	v.window = cb_alloc(mem, WINDOW_LEN);
	if (!v.window)
		return CB_NO_MEMORY;
	ret->device = *device;
	ret->n_blocks = 0;
	ret->n = 0;
	is_found = open_volume(&v) && find_entry(&v, name, &e) && map(&v, &e, ret);
	cb_free(mem, v.window);
	return is_found ? CB_OK : CB_NOT_FOUND;
}

/* ---- As a device ---- */

/* The run of the file's blocks from lba on, at most n; its place on the device. False: past the end. */
static bool run_at(const struct cb_fat_file *f, uint64_t lba, uint64_t n, struct cb_fat_extent *ret)
{
	for (unsigned i = 0; i < f->n; i++) {
		const struct cb_fat_extent *e = &f->extents[i];

		if (lba < e->n_blocks) {
			ret->lba = e->lba + lba;
			ret->n_blocks = n < e->n_blocks - lba ? n : e->n_blocks - lba;
			return true;
		}
		lba -= e->n_blocks;
	}
	return false;
}

/* Run by run: from the device to `to`, or, where that is NULL, `from` to the device. */
static enum cb_err transfer(const struct cb_fat_file *f, uint64_t lba, size_t len, uint8_t *to,
			    const uint8_t *from)
{
	const struct cb_block *device = &f->device;
	enum cb_err err = CB_OK;

	for (size_t at = 0, n; err == CB_OK && at < len; at += n) {
		struct cb_fat_extent run;

		if (!run_at(f, lba, (len - at) / device->block_len, &run) || run.n_blocks == 0)
			return CB_IO;
		n = (size_t)run.n_blocks * device->block_len;
		lba += run.n_blocks;
		err = to ? device->read(device->ctx, run.lba, to + at, n) :
			   device->write(device->ctx, run.lba, from + at, n);
	}
	return err;
}

static enum cb_err file_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	return transfer(ctx, lba, len, buf, NULL);
}

static enum cb_err file_write(void *ctx, uint64_t lba, const uint8_t *buf, size_t len)
{
	return transfer(ctx, lba, len, NULL, buf);
}

static enum cb_err file_flush(void *ctx)
{
	const struct cb_fat_file *f = ctx;

	return f->device.flush(f->device.ctx);
}

struct cb_block cb_fat_block(struct cb_fat_file *file)
{
	return (struct cb_block){ .ctx = file,
				  .block_len = file->device.block_len,
				  .n_blocks = file->n_blocks,
				  .read = file_read,
				  .write = file_write,
				  .flush = file_flush };
}
