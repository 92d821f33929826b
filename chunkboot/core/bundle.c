/* SPDX-License-Identifier: MIT */
/* Reader of the metadata bundle. */
#include "core/bundle.h"

#include <string.h>

enum cb_err cb_bundle_parse(struct cb_bytes bytes, struct cb_bundle *ret)
{
	struct cb_reader r = cb_reader_of(bytes);
	struct cb_bundle b;
	uint32_t n;

	if (bytes.len > CB_BUNDLE_MAX_LEN)
		return CB_META_LIMIT;
	if (!cb_bytes_is(cb_read_bytes(&r, strlen(CB_BUNDLE_MAGIC)), CB_BUNDLE_MAGIC))
		return CB_META_FORMAT;
	n = cb_read_le32(&r);
	if (n > CB_BUNDLE_MAX_FILES)
		return CB_META_LIMIT;
	for (b.n = 0; b.n < n; b.n++) {
		struct cb_bundle_file *f = &b.files[b.n];

		f->name = cb_read_bytes(&r, cb_read_u8(&r));
		f->bytes = cb_read_bytes(&r, cb_read_le32(&r));
	}
	if (!cb_reader_is_done(&r))
		return CB_META_FORMAT;
	*ret = b;
	return CB_OK;
}

bool cb_bundle_find(const struct cb_bundle *bundle, const char *path, struct cb_bytes *ret)
{
	size_t skip = strlen(CB_BUNDLE_DIRECTORY);

	if (strncmp(path, CB_BUNDLE_DIRECTORY, skip) != 0)
		return false;
	for (unsigned i = 0; i < bundle->n; i++) {
		if (!cb_bytes_is(bundle->files[i].name, path + skip))
			continue;
		*ret = bundle->files[i].bytes;
		return true;
	}
	return false;
}
