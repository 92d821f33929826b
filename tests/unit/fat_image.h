/* SPDX-License-Identifier: MIT */
/* FAT file systems as tests want them: small, with one file wherever the test puts its clusters. */
#ifndef TESTS_FAT_IMAGE_H
#define TESTS_FAT_IMAGE_H

#include "core/platform.h"

#define FAT_IMAGE_MAX_CHAIN 512u

struct fat_image {
	uint32_t sector_len, cluster_sectors, n_clusters;
	bool is_fat32;
	/* The file, its clusters in the order of its bytes. */
	char name[12];
	uint32_t file_len;
	unsigned n_chain;
	uint32_t chain[FAT_IMAGE_MAX_CHAIN];
	/* Filled in by fat_image_make; to be damaged at will. */
	uint8_t *bytes;
	size_t len;
	size_t fat_at, entry_at, data_at; /* bytes; the entry is the file's, behind a few others */
};

/* Makes bytes of the rest. */
void fat_image_make(struct fat_image *image);
void fat_image_done(struct fat_image *image);
/* Its bytes as a device, which counts nothing and fails never. */
struct cb_block fat_image_block(struct fat_image *image);
/* Cluster c's first byte. */
size_t fat_image_cluster(const struct fat_image *image, uint32_t c);
/* Sets what follows cluster c. */
void fat_image_link(struct fat_image *image, uint32_t c, uint32_t next);

#endif
