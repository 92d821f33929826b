/* SPDX-License-Identifier: MIT */
/* Fuzzes the metadata bundle's reader: what is accepted is written back to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t *put(uint8_t *at, struct cb_bytes bytes)
{
	if (bytes.len > 0)
		memcpy(at, bytes.p, bytes.len);
	return at + bytes.len;
}

static void check(const struct cb_bundle *b, const uint8_t *data, size_t len)
{
	uint8_t *back = malloc(len), *at = back;
	if (!back)
		return;
	memcpy(at, CB_BUNDLE_MAGIC, 8);
	cb_put_le32(at + 8, b->n);
	at += 12;
	for (unsigned i = 0; i < b->n; i++) {
		const struct cb_bundle_file *f = &b->files[i];
		*at = (uint8_t)f->name.len;
		at = put(at + 1, f->name);
		cb_put_le32(at, (uint32_t)f->bytes.len);
		at = put(at + 4, f->bytes);
	}
	if ((size_t)(at - back) != len || memcmp(back, data, len) != 0)
		abort();
	free(back);
}

/* The first file of each name is found, byte by byte the one that was listed. */
static void find_all(const struct cb_bundle *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct cb_bytes name = b->files[i].name, found;
		char path[9 + 256] = "metadata/";
		if (name.len == 0 || memchr(name.p, 0, name.len))
			continue;
		memcpy(path + 9, name.p, name.len);
		path[9 + name.len] = '\0';
		if (!cb_bundle_find(b, path, &found) || found.p > b->files[i].bytes.p)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_bundle b;
	if (cb_bundle_parse((struct cb_bytes){ data, len }, &b) != CB_OK)
		return 0;
	check(&b, data, len);
	find_all(&b);
	return 0;
}
