/* SPDX-License-Identifier: MIT */
/* Block devices by the firmware's Block I/O protocol, and which of them has the cache. */
#include "disk.h"

#include <string.h>

#include "alloc.h"
#include "core/cache.h"
#include "core/fat.h"
#include "proto/partition_info.h"
#include "uefi.h"

#define MAX_HANDLES 256u /* looked at */
#define PAGE_LEN 4096u

/* In this order they are looked at. */
enum rank { OWN_PARTITION, OWN_READ_ONLY, LOADED_FROM, SYSTEM_PARTITION, N_RANKS };

struct disk {
	EFI_BLOCK_IO_PROTOCOL *io;
	UINT32 media_id;
	uint8_t *bounce; /* a page and as aligned as one, for buffers that the device can't take */
};

static EFI_GUID block_io_guid = EFI_BLOCK_IO_PROTOCOL_GUID;

/* ---- One device ---- */

static bool is_aligned(const struct disk *d, const uint8_t *buf)
{
	UINT32 align = d->io->Media->IoAlign;

	return align <= 1 || (uintptr_t)buf % align == 0;
}

static enum cb_err disk_read(void *ctx, uint64_t lba, uint8_t *buf, size_t len)
{
	struct disk *d = ctx;
	size_t n = is_aligned(d, buf) ? len : PAGE_LEN;

	for (size_t at = 0; at < len; at += n) {
		size_t piece = len - at < n ? len - at : n;
		uint8_t *to = n == len ? buf : d->bounce;

		if (EFI_ERROR(d->io->ReadBlocks(d->io, d->media_id,
						lba + at / d->io->Media->BlockSize, piece, to)))
			return CB_IO;
		if (to != buf)
			memcpy(buf + at, to, piece);
	}
	return CB_OK;
}

static enum cb_err disk_write(void *ctx, uint64_t lba, const uint8_t *buf, size_t len)
{
	struct disk *d = ctx;
	size_t n = is_aligned(d, buf) ? len : PAGE_LEN;

	for (size_t at = 0; at < len; at += n) {
		size_t piece = len - at < n ? len - at : n;
		const uint8_t *from = buf;

		if (n != len) {
			memcpy(d->bounce, buf + at, piece);
			from = d->bounce;
		}
		if (EFI_ERROR(d->io->WriteBlocks(d->io, d->media_id,
						 lba + at / d->io->Media->BlockSize, piece,
						 (VOID *)(uintptr_t)from)))
			return CB_IO;
	}
	return CB_OK;
}

static enum cb_err disk_flush(void *ctx)
{
	struct disk *d = ctx;

	return EFI_ERROR(d->io->FlushBlocks(d->io)) ? CB_IO : CB_OK;
}

static struct cb_block block_of(struct disk *d)
{
	return (struct cb_block){ .ctx = d,
				  .block_len = d->io->Media->BlockSize,
				  .n_blocks = d->io->Media->LastBlock + 1,
				  .read = disk_read,
				  .write = disk_write,
				  .flush = disk_flush };
}

/* ---- Which one ---- */

static enum rank rank_of(EFI_HANDLE handle, const EFI_BLOCK_IO_MEDIA *media)
{
	static const EFI_GUID info_guid = CB_PARTITION_INFO_GUID;
	static const UINT8 own[16] = CB_CACHE_GUID_BYTES;
	const struct cb_partition_info *info = cb_uefi_protocol(handle, &info_guid);

	if (info && info->type == CB_PARTITION_IS_GPT &&
	    memcmp(info->type_guid, own, sizeof(own)) == 0)
		return media->ReadOnly ? OWN_READ_ONLY : OWN_PARTITION;
	if (handle == cb_uefi.loaded->DeviceHandle)
		return LOADED_FROM;
	return info && info->is_system ? SYSTEM_PARTITION : N_RANKS;
}

/* A device of its own, or the file on it. */
static bool has_cache(struct disk *d, enum rank rank, struct cb_fat_file *file,
		      struct cb_block *ret)
{
	*ret = block_of(d);
	if (rank > OWN_READ_ONLY) {
		if (cb_fat_find(&cb_efi_mem, ret, CB_DISK_FILE_NAME, file) != CB_OK)
			return false;
		*ret = cb_fat_block(file);
	}
	return cb_cache_is_there(&cb_efi_mem, ret);
}

static bool look_at(EFI_HANDLE handle, enum rank rank, struct cb_block *ret)
{
	static struct disk d; /* of the one that is chosen in the end */
	static struct cb_fat_file file;
	EFI_BLOCK_IO_PROTOCOL *io = cb_uefi_protocol(handle, &block_io_guid);

	if (!io || !io->Media->MediaPresent || rank_of(handle, io->Media) != rank)
		return false;
	if (!d.bounce)
		d.bounce = cb_alloc(&cb_efi_mem, 65536);
	d.io = io;
	d.media_id = io->Media->MediaId;
	return d.bounce && has_cache(&d, rank, &file, ret);
}

void cb_disk_find(struct cb_block *ret)
{
	size_t n = 0;
	EFI_HANDLE *handles = cb_uefi_handles(&block_io_guid, &n);

	*ret = (struct cb_block){ .ctx = NULL };
	for (enum rank rank = 0; rank < N_RANKS; rank++)
		for (size_t i = 0; i < n && i < MAX_HANDLES; i++) {
			struct cb_block block;

			if (look_at(handles[i], rank, &block)) {
				*ret = block;
				cb_uefi_pool_free(handles);
				return;
			}
		}
	cb_uefi_pool_free(handles);
}
