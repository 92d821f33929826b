/* SPDX-License-Identifier: MIT */
/* The cache's partition, by libfdisk. */
#include "host/partition.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <string.h>
#include <strings.h>

#include "core/cache.h"
#include "host/files.h"

static void context_done(struct fdisk_context **cxt)
{
	if (*cxt != NULL && fdisk_get_devname(*cxt) != NULL)
		fdisk_deassign_device(*cxt, /*nosync=*/1);
	fdisk_unref_context(*cxt);
}

static void partition_done(struct fdisk_partition **pa)
{
	fdisk_unref_partition(*pa);
}

static void table_done(struct fdisk_table **table)
{
	fdisk_unref_table(*table);
}

static enum cb_err open_disk(const char *disk, bool is_readonly, struct fdisk_context **ret,
			     struct cb_error *e)
{
	*ret = fdisk_new_context();
	if (*ret == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", disk);
	fdisk_disable_dialogs(*ret, 1);
	int number = fdisk_assign_device(*ret, disk, is_readonly);
	if (number != 0) {
		errno = -number;
		return cb_fail_errno(e, "%s", disk);
	}
	return CB_OK;
}

static bool is_cache(struct fdisk_partition *pa)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);
	const char *guid = type != NULL ? fdisk_parttype_get_string(type) : NULL;
	return guid != NULL && strcasecmp(guid, CB_CACHE_GUID) == 0;
}

static void take_place(struct fdisk_context *cxt, struct fdisk_partition *pa,
		       struct cb_partition *ret)
{
	uint64_t sector = fdisk_get_sector_size(cxt);
	ret->at = fdisk_partition_get_start(pa) * sector;
	ret->len = fdisk_partition_get_size(pa) * sector;
	ret->number = (unsigned)fdisk_partition_get_partno(pa) + 1;
}

/* False: there is none. */
static bool find(struct fdisk_context *cxt, struct cb_partition *ret)
{
	cb_cleanup(table_done) struct fdisk_table *table = NULL;
	if (!fdisk_is_labeltype(cxt, FDISK_DISKLABEL_GPT) || fdisk_get_partitions(cxt, &table) != 0)
		return false;
	for (size_t i = 0; i < fdisk_table_get_nents(table); i++) {
		struct fdisk_partition *pa = fdisk_table_get_partition(table, i);
		if (pa == NULL || !is_cache(pa))
			continue;
		take_place(cxt, pa, ret);
		return true;
	}
	return false;
}

enum cb_err cb_partition_find(const char *disk, struct cb_partition *ret, struct cb_error *e)
{
	cb_cleanup(context_done) struct fdisk_context *cxt = NULL;
	enum cb_err err = open_disk(disk, /*is_readonly=*/true, &cxt, e);
	if (err == CB_OK && !find(cxt, ret)) {
		err = cb_fail(e, CB_NOT_FOUND, "%s has no partition for a cache", disk);
		cb_fail_hint(e, "'chunkboot cache create --partition' makes one");
	}
	return err;
}

/* What is wanted, for libfdisk to find room for; its ends are at multiples of the grain. */
static struct fdisk_partition *wanted(struct fdisk_context *cxt, uint64_t size)
{
	uint64_t grain = fdisk_get_grain_size(cxt);
	struct fdisk_partition *pa = fdisk_new_partition();
	struct fdisk_parttype *type =
		fdisk_label_parse_parttype(fdisk_get_label(cxt, NULL), CB_CACHE_GUID);
	if (pa == NULL || type == NULL) {
		fdisk_unref_partition(pa);
		return NULL;
	}
	fdisk_partition_partno_follow_default(pa, 1);
	fdisk_partition_start_follow_default(pa, 1);
	if (size == 0)
		fdisk_partition_end_follow_default(pa, 1);
	else
		fdisk_partition_set_size(
			pa, (size + grain - 1) / grain * grain / fdisk_get_sector_size(cxt));
	fdisk_partition_set_type(pa, type);
	fdisk_unref_parttype(type);
	fdisk_partition_set_name(pa, CB_PARTITION_NAME);
	return pa;
}

static enum cb_err add(struct fdisk_context *cxt, const char *disk, uint64_t size,
		       struct cb_partition *ret, struct cb_error *e)
{
	cb_cleanup(partition_done) struct fdisk_partition *pa = wanted(cxt, size);
	cb_cleanup(partition_done) struct fdisk_partition *added = NULL;
	size_t number = 0;
	if (pa == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", disk);
	/* Where there is less than that, libfdisk takes less. */
	if (fdisk_add_partition(cxt, pa, &number) != 0 ||
	    fdisk_get_partition(cxt, number, &added) != 0 ||
	    fdisk_partition_get_size(added) < size / fdisk_get_sector_size(cxt)) {
		enum cb_err err = cb_fail(e, CB_USAGE, "%s has no free space for that", disk);
		cb_fail_hint(e, "'sfdisk --list-free DISK' shows what there is; --size takes less");
		return err;
	}
	take_place(cxt, added, ret);
	return CB_OK;
}

static enum cb_err write_table(struct fdisk_context *cxt, const char *disk,
			       struct fdisk_table *before, struct cb_error *e)
{
	int number = fdisk_write_disklabel(cxt);
	if (number != 0) {
		errno = -number;
		return cb_fail_errno(e, "%s", disk);
	}
	/* Of an image there is nothing to tell; a kernel that will not listen does at its next start. */
	(void)fdisk_reread_changes(cxt, before);
	return CB_OK;
}

enum cb_err cb_partition_add(const char *disk, uint64_t size, bool is_dry_run,
			     struct cb_partition *ret, struct cb_error *e)
{
	cb_cleanup(context_done) struct fdisk_context *cxt = NULL;
	cb_cleanup(table_done) struct fdisk_table *before = NULL;
	enum cb_err err = open_disk(disk, is_dry_run, &cxt, e);
	if (err != CB_OK)
		return err;
	if (!fdisk_is_labeltype(cxt, FDISK_DISKLABEL_GPT)) {
		err = cb_fail(e, CB_USAGE, "%s has no GPT partition table that can be read", disk);
		cb_fail_hint(e, "name a disk that has one, or a partition without --partition");
		return err;
	}
	if (find(cxt, ret)) {
		err = cb_fail(e, CB_EXISTS, "%s has a partition for a cache, number %u", disk,
			      ret->number);
		cb_fail_hint(e, "to make the cache anew, name that partition, without --partition");
		return err;
	}
	if (fdisk_get_partitions(cxt, &before) != 0)
		return cb_fail(e, CB_IO, "%s: its partition table can't be read", disk);
	err = add(cxt, disk, size, ret, e);
	return err != CB_OK || is_dry_run ? err : write_table(cxt, disk, before, e);
}
