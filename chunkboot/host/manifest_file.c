/* SPDX-License-Identifier: MIT */
/* Manifest files of a repository. */
#include "host/manifest_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/hash.h"

enum cb_err cb_manifest_file_path(const char *repo, const struct cb_tuf_target *target,
				  char out[CB_PATH_MAX], struct cb_error *e)
{
	char path[CB_MANIFEST_PATH_MAX];

	cb_manifest_path(target->path, target->sha256, path);
	return cb_path(out, e, "%s/%s", repo, path);
}

enum cb_err cb_manifest_file_read(const char *repo, const struct cb_tuf_target *target,
				  struct cb_manifest_file *ret, struct cb_error *e)
{
	struct cb_manifest_file f = { 0 };
	char path[CB_PATH_MAX];
	uint8_t sha256[CB_DIGEST_LEN];
	enum cb_err err = cb_manifest_file_path(repo, target, path, e);

	if (err == CB_OK)
		err = cb_file_read(path, CB_MANIFEST_MAX_LEN, &f.file, e);
	if (err != CB_OK)
		return err;
	cb_hash_sha256(cb_file_bytes(&f.file), sha256);
	if (f.file.len != target->len || memcmp(sha256, target->sha256, CB_DIGEST_LEN) != 0)
		err = cb_fail(e, CB_MANIFEST_HASH, "%s", path);
	else if (cb_manifest_parse(cb_file_bytes(&f.file), &f.manifest) != CB_OK)
		err = cb_fail(e, CB_MANIFEST_FORMAT, "%s", path);
	if (err != CB_OK) {
		cb_file_done(&f.file);
		return err;
	}
	*ret = f;
	return CB_OK;
}

void cb_manifest_file_done(struct cb_manifest_file *f)
{
	cb_file_done(&f->file);
	*f = (struct cb_manifest_file){ 0 };
}

bool cb_manifest_file_differs(const char *repo, const char *name, const char *version,
			      const uint8_t sha256[CB_DIGEST_LEN])
{
	char path[CB_PATH_MAX], tail[CB_NAME_MAX + 8], hex[2 * CB_DIGEST_LEN + 1];
	bool differs = false;

	cb_hex_encode(sha256, CB_DIGEST_LEN, hex);
	snprintf(tail, sizeof(tail), ".%s.cbm", version);
	if (cb_path(path, NULL, "%s/manifests/%s", repo, name) != CB_OK)
		return false;
	DIR *dir = opendir(path);

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;)
		if (strlen(d->d_name) > 2 * CB_DIGEST_LEN &&
		    strcmp(d->d_name + 2 * CB_DIGEST_LEN, tail) == 0 &&
		    memcmp(d->d_name, hex, 2 * CB_DIGEST_LEN) != 0)
			differs = true;
	if (dir != NULL)
		closedir(dir);
	return differs;
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(((const struct cb_chunk *)a)->digest, ((const struct cb_chunk *)b)->digest,
		      CB_DIGEST_LEN);
}

static struct cb_chunk *sorted_copy(const struct cb_chunk *chunks, uint32_t n)
{
	struct cb_chunk *copy = malloc((n + 1) * sizeof(*copy));

	if (copy != NULL && n > 0) {
		memcpy(copy, chunks, n * sizeof(*copy));
		qsort(copy, n, sizeof(*copy), compare_digests);
	}
	return copy;
}

static struct cb_chunk *sorted_chunks_of(const struct cb_manifest *m)
{
	struct cb_chunk *all = malloc((m->n_chunks + 1) * sizeof(*all));

	if (all == NULL)
		return NULL;
	for (uint32_t i = 0; i < m->n_chunks; i++)
		cb_manifest_chunk(m, i, &all[i]);
	qsort(all, m->n_chunks, sizeof(*all), compare_digests);
	return all;
}

static uint64_t sum_missing(const struct cb_chunk *now, uint32_t n, const struct cb_chunk *before,
			    uint32_t n_before)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		bool is_repeated = i > 0 && compare_digests(&now[i - 1], &now[i]) == 0;

		if (!is_repeated &&
		    (n_before == 0 ||
		     bsearch(&now[i], before, n_before, sizeof(*before), compare_digests) == NULL))
			sum += now[i].stored_len;
	}
	return sum;
}

enum cb_err cb_manifest_update_bytes(const struct cb_chunk *now, uint32_t n,
				     const struct cb_manifest *before, uint64_t *ret)
{
	struct cb_chunk *sorted = sorted_copy(now, n);
	struct cb_chunk *old = before == NULL ? NULL : sorted_chunks_of(before);
	bool is_good = sorted != NULL && (before == NULL || old != NULL);

	if (is_good)
		*ret = sum_missing(sorted, n, old, before == NULL ? 0 : before->n_chunks);
	free(sorted);
	free(old);
	return is_good ? CB_OK : CB_NO_MEMORY;
}

const char *cb_kind_name(enum cb_image_kind kind)
{
	return kind == CB_KIND_LINUX ? "linux" : kind == CB_KIND_EFI ? "efi" : "disk";
}

const char *cb_arch_name(enum cb_arch arch)
{
	return arch == CB_ARCH_AARCH64 ? "aarch64" : "x86_64";
}
