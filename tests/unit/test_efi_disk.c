/* SPDX-License-Identifier: MIT */
/* Which of the firmware's block devices has the cache (efi/disk.c), and how it is read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cache.h"
#include "core/fat.h"
#include "core/platform.h"
#include "fat_image.h"
#include "testport.h"

/* ---- As much of UEFI as the file under test takes; the real headers are left out ---- */

#define CB_EFI_UEFI_H
#define CB_EFI_ALLOC_H
#define CB_EFI_PROTO_PARTITION_INFO_H
#define VOID void
#define EFI_SUCCESS 0ull
#define EFI_DEVICE_ERROR 7ull
#define EFI_ERROR(status) ((status) != 0)

typedef uint64_t UINTN, EFI_STATUS;
typedef uint32_t UINT32;
typedef uint64_t UINT64;
typedef uint8_t UINT8;
typedef void *EFI_HANDLE;
typedef struct {
	int which;
} EFI_GUID;

#define EFI_BLOCK_IO_PROTOCOL_GUID                                                                 \
	{                                                                                          \
		1                                                                                  \
	}
#define CB_PARTITION_INFO_GUID                                                                     \
	{                                                                                          \
		2                                                                                  \
	}
#define CB_PARTITION_IS_GPT 2u

typedef struct {
	UINT32 MediaId, BlockSize, IoAlign;
	bool MediaPresent, ReadOnly;
	UINT64 LastBlock;
} EFI_BLOCK_IO_MEDIA;

typedef struct EFI_BLOCK_IO_PROTOCOL {
	EFI_BLOCK_IO_MEDIA *Media;
	EFI_STATUS(*ReadBlocks)
	(struct EFI_BLOCK_IO_PROTOCOL *self, UINT32 media, UINT64 lba, UINTN len, void *buf);
	EFI_STATUS(*WriteBlocks)
	(struct EFI_BLOCK_IO_PROTOCOL *self, UINT32 media, UINT64 lba, UINTN len, void *buf);
	EFI_STATUS (*FlushBlocks)(struct EFI_BLOCK_IO_PROTOCOL *self);
} EFI_BLOCK_IO_PROTOCOL;

struct cb_partition_info {
	UINT32 type;
	UINT8 is_system, type_guid[16];
};

/* A block device of the firmware. */
struct device {
	EFI_BLOCK_IO_PROTOCOL io; /* first: handed back as self */
	EFI_BLOCK_IO_MEDIA media;
	struct cb_partition_info info;
	bool has_info;
	uint8_t *bytes;
	unsigned n_calls; /* reads and writes */
	UINTN longest; /* of these, bytes */
	bool is_broken;
};

#define MAX_DEVICES 8u

static struct {
	struct device at[MAX_DEVICES];
	unsigned n, n_pools;
	struct device *loaded_from;
} firmware;

static struct {
	EFI_HANDLE DeviceHandle;
} loaded_image;

static struct {
	struct {
		EFI_HANDLE DeviceHandle;
	} * loaded;
} cb_uefi;

static struct testport tp;
static struct cb_mem cb_efi_mem;

static void *cb_uefi_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	struct device *d = handle;

	if (guid->which == 1)
		return &d->io;
	return d->has_info ? &d->info : NULL;
}

static EFI_HANDLE *cb_uefi_handles(const EFI_GUID *guid, size_t *ret_n)
{
	EFI_HANDLE *handles = calloc(MAX_DEVICES, sizeof(*handles));

	assert_int_equal(guid->which, 1);
	for (unsigned i = 0; i < firmware.n; i++)
		handles[i] = &firmware.at[i];
	*ret_n = firmware.n;
	firmware.n_pools++;
	return handles;
}

static void cb_uefi_pool_free(void *p)
{
	firmware.n_pools--;
	free(p);
}

static EFI_STATUS transfer(struct device *d, UINT32 media, UINT64 lba, UINTN len, void *buf,
			   bool is_write)
{
	UINTN block = d->media.BlockSize;

	/* what the UEFI specification asks of callers */
	assert_int_equal(media, d->media.MediaId);
	assert_int_equal(len % block, 0);
	assert_true(lba + len / block <= d->media.LastBlock + 1);
	if (d->media.IoAlign > 1)
		assert_int_equal((uintptr_t)buf % d->media.IoAlign, 0);
	if (d->is_broken || (is_write && d->media.ReadOnly))
		return EFI_DEVICE_ERROR;
	d->n_calls++;
	d->longest = len > d->longest ? len : d->longest;
	if (is_write)
		memcpy(d->bytes + lba * block, buf, len);
	else
		memcpy(buf, d->bytes + lba * block, len);
	return EFI_SUCCESS;
}

static EFI_STATUS read_blocks(EFI_BLOCK_IO_PROTOCOL *self, UINT32 media, UINT64 lba, UINTN len,
			      void *buf)
{
	return transfer((struct device *)self, media, lba, len, buf, false);
}

static EFI_STATUS write_blocks(EFI_BLOCK_IO_PROTOCOL *self, UINT32 media, UINT64 lba, UINTN len,
			       void *buf)
{
	return transfer((struct device *)self, media, lba, len, buf, true);
}

static EFI_STATUS flush_blocks(EFI_BLOCK_IO_PROTOCOL *self)
{
	return ((struct device *)self)->is_broken ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

/* NOLINTNEXTLINE(bugprone-suspicious-include): the file under test, above what stands for its headers */
#include "../../efi/disk.c"

/* ---- Devices ---- */

#define CACHE_LEN (1u << 20)

static const uint8_t id[CB_CACHE_ID_LEN] = { 7 };

static void begin(void)
{
	memset(&firmware, 0, sizeof(firmware));
	loaded_image.DeviceHandle = NULL;
	cb_uefi.loaded = (void *)&loaded_image;
	cb_efi_mem = testport_mem(&tp);
}

static struct device *add(uint64_t len, uint32_t block_len)
{
	struct device *d = &firmware.at[firmware.n];

	assert_true(firmware.n < MAX_DEVICES);
	d->media = (EFI_BLOCK_IO_MEDIA){
		.MediaId = ++firmware.n + 40,
		.BlockSize = block_len,
		.MediaPresent = true,
		.LastBlock = len / block_len - 1,
	};
	d->io = (EFI_BLOCK_IO_PROTOCOL){ &d->media, read_blocks, write_blocks, flush_blocks };
	d->bytes = calloc(1, len);
	return d;
}

/* A partition of our type; has_cache: and made as one. */
static struct device *add_partition(bool has_cache)
{
	static const uint8_t type[16] = CB_CACHE_GUID_BYTES;
	struct device *d = add(CACHE_LEN, 512);

	d->has_info = true;
	d->info.type = CB_PARTITION_IS_GPT;
	memcpy(d->info.type_guid, type, 16);
	if (has_cache) {
		struct disk raw = { &d->io, d->media.MediaId, NULL };
		struct cb_block block = block_of(&raw);

		assert_int_equal(cb_cache_format(&cb_efi_mem, &block, 0, id), CB_OK);
	}
	return d;
}

/* A FAT file system with a cache in cbcache.bin. */
static struct device *add_system_partition(void)
{
	struct fat_image m = {
		.sector_len = 512,
		.cluster_sectors = 8,
		.n_clusters = 5000,
		.name = CB_DISK_FILE_NAME,
		.file_len = CACHE_LEN,
		.n_chain = CACHE_LEN / 4096,
	};
	struct cb_fat_file f;
	struct cb_block block;
	struct device *d;

	for (unsigned i = 0; i < m.n_chain; i++)
		m.chain[i] = 100 + i + (i >= 100 ? 50 : 0);
	fat_image_make(&m);
	block = fat_image_block(&m);
	assert_int_equal(cb_fat_find(&cb_efi_mem, &block, m.name, &f), CB_OK);
	block = cb_fat_block(&f);
	assert_int_equal(cb_cache_format(&cb_efi_mem, &block, 0, id), CB_OK);
	d = add(m.len, 512);
	memcpy(d->bytes, m.bytes, m.len);
	fat_image_done(&m);
	d->has_info = true;
	d->info.is_system = 1;
	return d;
}

/* The device that is chosen, by what moves when it is read; NULL: none. */
static struct device *chosen(struct cb_block *ret)
{
	struct device *which = NULL;
	uint8_t *page = aligned_alloc(4096, 4096);

	cb_disk_find(ret);
	assert_int_equal(firmware.n_pools, 0);
	for (unsigned i = 0; i < firmware.n; i++)
		firmware.at[i].n_calls = 0;
	if (ret->ctx)
		assert_int_equal(ret->read(ret->ctx, 0, page, 4096), CB_OK);
	for (unsigned i = 0; i < firmware.n; i++)
		if (firmware.at[i].n_calls > 0) {
			assert_null(which);
			which = &firmware.at[i];
		}
	if (ret->ctx)
		assert_memory_equal(page, "CBCACHE1", 8);
	free(page);
	return which;
}

static void end(void)
{
	for (unsigned i = 0; i < firmware.n; i++)
		free(firmware.at[i].bytes);
}

/* ---- Cases ---- */

static void none(void **state)
{
	struct cb_block block;
	struct device *d;

	(void)state;
	begin();
	assert_null(chosen(&block));
	d = add(CACHE_LEN, 512); /* a whole disk, which looks like a cache */
	memcpy(d->bytes, "CBCACHE1", 8);
	add_partition(false); /* ours, but nothing was made on it */
	add_partition(true)->media.MediaPresent = false;
	assert_null(chosen(&block));
	end();
}

static void order(void **state)
{
	struct device *other, *from, *read_only, *own;
	struct cb_block block;

	(void)state;
	begin();
	add_partition(false);
	other = add_system_partition();
	assert_ptr_equal(chosen(&block), other);
	from = add_system_partition();
	from->has_info = false; /* its firmware doesn't say what it is */
	assert_ptr_equal(chosen(&block), other);
	loaded_image.DeviceHandle = from;
	assert_ptr_equal(chosen(&block), from);
	read_only = add_partition(true);
	read_only->media.ReadOnly = true;
	assert_ptr_equal(chosen(&block), read_only);
	own = add_partition(true);
	assert_ptr_equal(chosen(&block), own);
	add_partition(true);
	assert_ptr_equal(chosen(&block), own); /* the first of equals */
	own->info.type = 1; /* as an MBR's entry its type means nothing */
	assert_ptr_not_equal(chosen(&block), own);
	end();
}

static void broken_ones_are_passed_over(void **state)
{
	struct device *first, *second;
	struct cb_block block;

	(void)state;
	begin();
	first = add_partition(true);
	second = add_system_partition();
	first->is_broken = true;
	assert_ptr_equal(chosen(&block), second);
	second->is_broken = true;
	assert_null(chosen(&block));
	end();
}

/* Nothing outside the file, and what is written comes back. */
static void file_in_place(void **state)
{
	struct cb_block block;
	struct device *d;
	uint8_t *before, bytes[8192], back[8192];
	size_t n_changed = 0, len;

	(void)state;
	begin();
	d = add_system_partition();
	len = (size_t)(d->media.LastBlock + 1) * 512;
	before = malloc(len);
	memcpy(before, d->bytes, len);
	assert_ptr_equal(chosen(&block), d);
	assert_int_equal(block.n_blocks * block.block_len, CACHE_LEN);
	memset(bytes, 0xa5, sizeof(bytes));
	/* across the gap in its clusters */
	assert_int_equal(block.write(block.ctx, 796, bytes, sizeof(bytes)), CB_OK);
	assert_int_equal(block.read(block.ctx, 796, back, sizeof(back)), CB_OK);
	assert_int_equal(block.flush(block.ctx), CB_OK);
	assert_memory_equal(bytes, back, sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		n_changed += before[i] != d->bytes[i];
	assert_true(n_changed > 0 && n_changed <= sizeof(bytes));
	free(before);
	end();
}

/* Buffers that the device can't take go through one that it can. */
static void alignment(void **state)
{
	static const uint32_t aligns[] = { 0, 1, 4, 512, 4096 };
	uint8_t *mine = aligned_alloc(4096, 3u << 16);
	uint8_t back[5 * 4096];
	struct cb_block block;

	(void)state;
	for (unsigned i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++)
		for (unsigned off = 0; off <= 3; off += 3) {
			bool is_direct = aligns[i] <= 1 || off == 0;
			struct device *d;

			begin();
			d = add_partition(true);
			assert_ptr_equal(chosen(&block), d);
			d->media.IoAlign = aligns[i];
			d->longest = 0;
			for (unsigned at = 0; at < sizeof(back); at++)
				mine[off + at] = (uint8_t)(at * 3 + at / 256);
			assert_int_equal(block.write(block.ctx, 800, mine + off, sizeof(back)),
					 CB_OK);
			assert_memory_equal(d->bytes + 800ul * 512, mine + off, sizeof(back));
			memset(mine, 0, sizeof(back) + off);
			assert_int_equal(block.read(block.ctx, 800, mine + off, sizeof(back)),
					 CB_OK);
			assert_memory_equal(d->bytes + 800ul * 512, mine + off, sizeof(back));
			assert_int_equal(d->longest, is_direct ? sizeof(back) : 4096);
			end();
		}
	free(mine);
}

static void failures_are_told(void **state)
{
	uint8_t *page = aligned_alloc(4096, 4096);
	struct cb_block block;
	struct device *d;

	(void)state;
	begin();
	d = add_partition(true);
	assert_ptr_equal(chosen(&block), d);
	d->is_broken = true;
	assert_int_equal(block.read(block.ctx, 0, page, 4096), CB_IO);
	assert_int_equal(block.write(block.ctx, 8, page, 4096), CB_IO);
	assert_int_equal(block.flush(block.ctx), CB_IO);
	free(page);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),
		cmocka_unit_test(order),
		cmocka_unit_test(broken_ones_are_passed_over),
		cmocka_unit_test(file_in_place),
		cmocka_unit_test(alignment),
		cmocka_unit_test(failures_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
