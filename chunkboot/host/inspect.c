/* SPDX-License-Identifier: MIT */
/* Says what a file is: tells the kinds apart, and looks into chunk files. */
#include "host/inspect.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "core/manifest.h"
#include "host/hash.h"

json_t *cb_inspect_hex(const uint8_t *p, size_t len)
{
	char hex[2 * 64 + 1];

	cb_hex_encode(p, len < 64 ? len : 64, hex);
	return json_string(hex);
}

json_t *cb_inspect_text(struct cb_bytes text)
{
	return json_stringn(text.len == 0 ? "" : (const char *)text.p, text.len);
}

json_t *cb_inspect_time(int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	struct tm tm;
	char text[40];

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return json_integer(unix_s);
	return json_string(text);
}

/* ---- Chunk files ---- */

/* The id that a file name like abcd….cacnk claims; false when it claims none. */
static bool id_of_name(const char *path, uint8_t id[CB_DIGEST_LEN])
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;

	return strlen(name) == 2 * CB_DIGEST_LEN + 6 &&
		strcmp(name + 2 * CB_DIGEST_LEN, ".cacnk") == 0 &&
		cb_hex_decode((struct cb_bytes){ (const uint8_t *)name, 2 * CB_DIGEST_LEN }, id,
			      CB_DIGEST_LEN);
}

static enum cb_err inspect_chunk(const char *path, struct cb_bytes file, json_t **ret,
				 struct cb_error *e)
{
	uint8_t id[CB_DIGEST_LEN], named[CB_DIGEST_LEN], digest[CB_DIGEST_LEN];
	uint8_t *raw = malloc(CB_CHUNK_MAX_RAW);
	size_t len = raw == NULL ? 0 : ZSTD_decompress(raw, CB_CHUNK_MAX_RAW, file.p, file.len);

	if (raw == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", path);
	if (!ZSTD_isError(len))
		cb_hash_sha512_256((struct cb_bytes){ raw, len }, id);
	free(raw);
	if (ZSTD_isError(len))
		return cb_fail(e, CB_CHUNK_DECODE, "%s", path);
	if (id_of_name(path, named) && memcmp(named, id, CB_DIGEST_LEN) != 0)
		return cb_fail(e, CB_CHUNK_HASH, "%s", path);
	cb_blake2b_256(file, digest);
	*ret = json_pack("{ss so so sI sI}", "type", "chunk", "id",
			 cb_inspect_hex(id, CB_DIGEST_LEN), "digest",
			 cb_inspect_hex(digest, CB_DIGEST_LEN), "stored_bytes",
			 (json_int_t)file.len, "raw_bytes", (json_int_t)len);
	return *ret == NULL ? cb_fail(e, CB_NO_MEMORY, "%s", path) : CB_OK;
}

/* ---- All ---- */

struct kind {
	const char *magic;
	size_t magic_len;
	json_t *(*look)(struct cb_bytes file);
	enum cb_err damaged;
};

enum cb_err cb_inspect(const char *path, struct cb_bytes file, json_t **ret, struct cb_error *e)
{
	static const struct kind kinds[] = {
		{ CB_MANIFEST_MAGIC, 8, cb_inspect_manifest, CB_MANIFEST_FORMAT },
		{ "\x30\0\0\0\0\0\0\0\xf9\x9f\x12\x7b", 12, cb_inspect_index, CB_MANIFEST_FORMAT },
		{ "CBA1", 4, cb_inspect_record, CB_RECORD_FORMAT },
		{ "CBBUNDL1", 8, cb_inspect_bundle, CB_META_FORMAT },
		{ "{", 1, cb_inspect_metadata, CB_META_FORMAT },
		{ "MZ", 2, cb_inspect_loader, CB_CONFIG },
	};

	if (file.len >= 4 && memcmp(file.p, "\x28\xb5\x2f\xfd", 4) == 0)
		return inspect_chunk(path, file, ret, e);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (file.len < kinds[i].magic_len ||
		    memcmp(file.p, kinds[i].magic, kinds[i].magic_len) != 0)
			continue;
		*ret = kinds[i].look(file);
		return *ret == NULL ? cb_fail(e, kinds[i].damaged, "%s", path) : CB_OK;
	}
	return cb_fail(e, CB_USAGE, "%s: none of chunkboot's files", path);
}
