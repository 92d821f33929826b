/* SPDX-License-Identifier: MIT */
/* A file on FAT: found where it is, nowhere else; used in place; whatever the device says. */
#include <stdlib.h>
#include <string.h>

#include "core/fat.h"
#include "fat_image.h"
#include "testport.h"

#define NAME "CBCACHE BIN"

static struct testport tp;

/* n clusters from `first` on, each `step` behind the one before. */
static struct fat_image image_of(bool is_fat32, unsigned n, uint32_t first, uint32_t step)
{
	struct fat_image m = {
		.sector_len = 512,
		.cluster_sectors = 2,
		.n_clusters = is_fat32 ? 65600 : 5000,
		.is_fat32 = is_fat32,
		.name = NAME,
		.file_len = n * 1024,
		.n_chain = n,
	};

	for (unsigned i = 0; i < n; i++)
		m.chain[i] = first + i * step;
	return m;
}

static enum cb_err find(struct fat_image *m, struct cb_fat_file *ret)
{
	struct cb_mem mem = testport_mem(&tp);
	struct cb_block device = fat_image_block(m);
	enum cb_err err = cb_fat_find(&mem, &device, NAME, ret);

	testport_assert_no_leak(&tp);
	return err;
}

/* The file's bytes through the map are the clusters' bytes, in order; what is written goes there. */
static void assert_maps(struct fat_image *m, struct cb_fat_file *f)
{
	struct cb_block block = cb_fat_block(f);
	size_t cluster_len = (size_t)m->cluster_sectors * m->sector_len;
	size_t len = (size_t)block.n_blocks * block.block_len;
	uint8_t *all = malloc(len), *before = malloc(m->len);

	assert_int_equal(block.block_len, m->sector_len);
	assert_int_equal(len, m->file_len / m->sector_len * m->sector_len);
	for (size_t at = 0; at < len; at++)
		m->bytes[fat_image_cluster(m, m->chain[at / cluster_len]) + at % cluster_len] =
			(uint8_t)(at * 7 + at / 512);
	assert_int_equal(block.read(block.ctx, 0, all, len), CB_OK);
	for (size_t at = 0; at < len; at++)
		assert_int_equal(all[at], (uint8_t)(at * 7 + at / 512));
	/* turned round, block by block, from the last to the first */
	memcpy(before, m->bytes, m->len);
	for (size_t at = 0; at < len; at++)
		all[at] ^= 0xff;
	for (uint64_t lba = block.n_blocks; lba-- > 0;)
		assert_int_equal(
			block.write(block.ctx, lba, all + lba * block.block_len, block.block_len),
			CB_OK);
	for (size_t at = 0; at < len; at++)
		before[fat_image_cluster(m, m->chain[at / cluster_len]) + at % cluster_len] ^= 0xff;
	assert_memory_equal(before, m->bytes, m->len);
	/* not past its end, and not in less than a block */
	assert_int_equal(block.read(block.ctx, block.n_blocks, all, block.block_len), CB_IO);
	assert_int_equal(block.write(block.ctx, block.n_blocks - 1, all, 2 * block.block_len),
			 CB_IO);
	assert_int_equal(block.flush(block.ctx), CB_OK);
	free(all);
	free(before);
}

static void found_where_it_is(void **state)
{
	static const struct {
		unsigned n;
		uint32_t first, step;
	} cases[] = {
		{ 1, 3, 1 },
		{ 40, 10, 1 },
		{ CB_FAT_MAX_EXTENTS, 20, 3 },
		{ 7, 4000, (uint32_t)-5 }, /* from the back to the front */
		{ 500, 100, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct fat_image m =
			image_of(i % 2, cases[i / 2].n, cases[i / 2].first, cases[i / 2].step);
		struct cb_fat_file f;

		m.file_len -= i % 2 ? 0 : 700; /* the last block is not whole then */
		fat_image_make(&m);
		if (m.file_len < m.sector_len) {
			assert_int_equal(find(&m, &f), CB_NOT_FOUND);
		} else {
			assert_int_equal(find(&m, &f), CB_OK);
			assert_int_equal(f.n,
					 cases[i / 2].step == 1 ? 1 : (m.file_len / 512 + 1) / 2);
			assert_maps(&m, &f);
		}
		fat_image_done(&m);
	}
}

static void large_sectors(void **state)
{
	struct fat_image m = image_of(false, 5, 100, 2);
	struct cb_fat_file f;

	(void)state;
	m.sector_len = 4096;
	m.cluster_sectors = 1;
	m.file_len = 5 * 4096;
	fat_image_make(&m);
	assert_int_equal(find(&m, &f), CB_OK);
	assert_maps(&m, &f);
	fat_image_done(&m);
}

/* A root directory of several clusters on FAT32, and the file in its last one. */
static void far_in_the_directory(void **state)
{
	struct fat_image m = image_of(true, 3, 1000, 1);
	struct cb_fat_file f;
	uint8_t entry[32];

	(void)state;
	fat_image_make(&m);
	memcpy(entry, m.bytes + m.entry_at, 32);
	for (uint32_t c = 2; c < 2 + 20; c++) {
		uint8_t *at = m.bytes + fat_image_cluster(&m, c);

		for (unsigned i = 0; i < 32; i++)
			memcpy(at + i * 32, "ANOTHER FIL\x20", 12);
		fat_image_link(&m, c, c + 1);
	}
	memcpy(m.bytes + fat_image_cluster(&m, 22), entry, 32);
	fat_image_link(&m, 22, 0x0ffffff8);
	assert_int_equal(find(&m, &f), CB_OK);
	assert_maps(&m, &f);
	/* a directory without end ends */
	memset(m.bytes + fat_image_cluster(&m, 22), 'A', 1024);
	fat_image_link(&m, 22, 2);
	assert_int_equal(find(&m, &f), CB_NOT_FOUND);
	fat_image_done(&m);
}

/* One change makes it absent. */
struct damage {
	const char *name;
	void (*apply)(struct fat_image *m);
};

static void no_signature(struct fat_image *m)
{
	m->bytes[510] = 0;
}
static void other_sector(struct fat_image *m)
{
	cb_put_le16(m->bytes + 11, 1024);
}
static void odd_cluster(struct fat_image *m)
{
	m->bytes[13] = 3;
}
static void no_cluster(struct fat_image *m)
{
	m->bytes[13] = 0;
}
static void no_reserved(struct fat_image *m)
{
	cb_put_le16(m->bytes + 14, 0);
}
static void no_fats(struct fat_image *m)
{
	m->bytes[16] = 0;
}
static void many_fats(struct fat_image *m)
{
	m->bytes[16] = 200;
}
static void too_long(struct fat_image *m)
{
	cb_put_le32(m->bytes + 32, (uint32_t)(m->len / m->sector_len + 1));
}
static void too_short(struct fat_image *m)
{
	cb_put_le32(m->bytes + 32, 60);
}
static void fat12(struct fat_image *m)
{
	m->bytes[13] = 64;
}
static void huge_fat(struct fat_image *m)
{
	cb_put_le16(m->bytes + 22, 0);
	cb_put_le32(m->bytes + 36, 0xffffffff);
}
static void other_name(struct fat_image *m)
{
	m->bytes[m->entry_at + 10] = 'M';
}
static void end_before(struct fat_image *m)
{
	m->bytes[m->entry_at - 32] = 0;
}
static void is_volume(struct fat_image *m)
{
	m->bytes[m->entry_at + 11] |= 8;
}
static void is_directory(struct fat_image *m)
{
	m->bytes[m->entry_at + 11] |= 16;
}
static void is_empty(struct fat_image *m)
{
	cb_put_le32(m->bytes + m->entry_at + 28, 0);
}
static void is_longer(struct fat_image *m)
{
	cb_put_le32(m->bytes + m->entry_at + 28, m->file_len + 1024);
}
static void first_free(struct fat_image *m)
{
	cb_put_le16(m->bytes + m->entry_at + 26, 0);
}
static void first_beyond(struct fat_image *m)
{
	cb_put_le16(m->bytes + m->entry_at + 26, 0xffef);
}
static void chain_to_free(struct fat_image *m)
{
	fat_image_link(m, m->chain[2], 0);
}
static void chain_to_bad(struct fat_image *m)
{
	fat_image_link(m, m->chain[2], 0x0ffffff7);
}
static void chain_beyond(struct fat_image *m)
{
	fat_image_link(m, m->chain[2], m->n_clusters + 2);
}
static void chain_ends(struct fat_image *m)
{
	fat_image_link(m, m->chain[2], 0x0ffffff8);
}
static void chain_loops(struct fat_image *m)
{
	fat_image_link(m, m->chain[4], m->chain[1]);
}

static void damaged(void **state)
{
	static const struct damage cases[] = {
		{ "no signature", no_signature }, { "other sector", other_sector },
		{ "odd cluster", odd_cluster },	  { "no cluster", no_cluster },
		{ "no reserved", no_reserved },	  { "no fats", no_fats },
		{ "many fats", many_fats },	  { "too long", too_long },
		{ "too short", too_short },	  { "fat12", fat12 },
		{ "huge fat", huge_fat },	  { "other name", other_name },
		{ "end before", end_before },	  { "is volume", is_volume },
		{ "is directory", is_directory }, { "is empty", is_empty },
		{ "is longer", is_longer },	  { "first free", first_free },
		{ "first beyond", first_beyond }, { "chain to free", chain_to_free },
		{ "chain to bad", chain_to_bad }, { "chain beyond", chain_beyond },
		{ "chain ends", chain_ends },	  { "chain loops", chain_loops },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fat_image m = image_of(false, 6, 50, 2);
		struct cb_fat_file f;

		fat_image_make(&m);
		assert_int_equal(find(&m, &f), CB_OK);
		cases[i].apply(&m);
		if (find(&m, &f) != CB_NOT_FOUND)
			fail_msg("%s", cases[i].name);
		fat_image_done(&m);
	}
}

static void too_many_pieces(void **state)
{
	struct fat_image m = image_of(false, CB_FAT_MAX_EXTENTS + 1, 20, 3);
	struct cb_fat_file f;

	(void)state;
	fat_image_make(&m);
	assert_int_equal(find(&m, &f), CB_NOT_FOUND);
	fat_image_done(&m);
}

static void no_memory_and_odd_devices(void **state)
{
	struct fat_image m = image_of(false, 6, 50, 2);
	struct cb_mem mem = testport_mem(&tp);
	struct cb_block device;
	struct cb_fat_file f;

	(void)state;
	fat_image_make(&m);
	testport_fail_at(&tp, 1);
	assert_int_equal(find(&m, &f), CB_NO_MEMORY);
	testport_fail_at(&tp, 0);
	device = fat_image_block(&m);
	device.n_blocks = 0;
	assert_int_equal(cb_fat_find(&mem, &device, NAME, &f), CB_NOT_FOUND);
	device.block_len = 500;
	assert_int_equal(cb_fat_find(&mem, &device, NAME, &f), CB_NOT_FOUND);
	fat_image_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_where_it_is),	cmocka_unit_test(large_sectors),
		cmocka_unit_test(far_in_the_directory), cmocka_unit_test(damaged),
		cmocka_unit_test(too_many_pieces),	cmocka_unit_test(no_memory_and_odd_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
