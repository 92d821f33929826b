/* SPDX-License-Identifier: MIT */
/* Writes the boot record of a fetch with jansson. */
#include "host/client_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/boot.h"
#include "host/heap.h"

static json_t *hex_json(const uint8_t digest[CB_DIGEST_LEN])
{
	char hex[2 * CB_DIGEST_LEN + 1];
	cb_hex_encode(digest, CB_DIGEST_LEN, hex);
	return json_string(hex);
}

static json_t *text_json(struct cb_bytes text)
{
	return json_stringn((const char *)text.p, text.len);
}

static json_t *segments_json(const struct cb_manifest *m)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < m->n_segments; i++) {
		char name[16];
		cb_segment_name(m, i, name);
		json_array_append_new(list,
				      json_pack("{ss sI so}", "name", name, "bytes",
						(json_int_t)m->segments[i].raw_len, "sha256",
						hex_json(m->segments[i].sha256)));
	}
	return list;
}

static json_t *versions_json(const struct cb_tuf_info *info)
{
	const uint64_t *v = info->versions.version;
	return json_pack("{sI sI sI sI sI}", "root", (json_int_t)v[CB_TUF_ROOT], "timestamp",
			 (json_int_t)v[CB_TUF_TIMESTAMP], "snapshot",
			 (json_int_t)v[CB_TUF_SNAPSHOT], "targets", (json_int_t)v[CB_TUF_TARGETS],
			 "accounts", (json_int_t)v[CB_TUF_ACCOUNTS]);
}

static json_t *sources_json(const struct cb_fetch *f)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < cb_fetch_n_sources(f); i++) {
		struct cb_source_stats stats;
		cb_fetch_source_stats(f, i, &stats);
		json_array_append_new(list,
				      json_pack("{ss sI sI}", "url", cb_fetch_source_name(f, i),
						"body_bytes", (json_int_t)stats.body_bytes,
						"wrong_objects", (json_int_t)stats.wrong_objects));
	}
	return list;
}

/* The realm is the first root's digest; a newer trusted root does not tell it. */
static void add_realm(json_t *record, struct cb_bytes root)
{
	uint8_t id[CB_DIGEST_LEN];
	json_error_t error;
	json_t *document = json_loadb((const char *)root.p, root.len, 0, &error);
	json_int_t version =
		json_integer_value(json_object_get(json_object_get(document, "signed"), "version"));
	json_decref(document);
	if (version == 1 && cb_tuf_realm_id(&cb_heap, root, id) == CB_OK)
		json_object_set_new(record, "realm", hex_json(id));
}

/* NAME/VERSION, without the suffix .cbm */
static json_t *image_json(const struct cb_tuf_target *target)
{
	size_t len = strlen(target->path);
	return json_stringn(target->path, len > 4 ? len - 4 : len);
}

char *cb_client_json(const struct cb_client_record *r)
{
	json_t *record = json_pack("{ss si ss}", "type", "chunkboot-boot-record", "version", 1,
				   "loader", CB_LOADER_VERSION_TEXT);
	char *text = NULL;
	add_realm(record, r->root);
	json_object_set_new(record, "image", image_json(r->target));
	json_object_set_new(record, "manifest_sha256", hex_json(r->target->sha256));
	json_object_set_new(record, "cmdline", text_json(r->manifest->cmdline));
	json_object_set_new(record, "segments", segments_json(r->manifest));
	json_object_set_new(record, "metadata_versions", versions_json(cb_tuf_info(r->tuf)));
	json_object_set_new(record, "sources", sources_json(r->fetch));
	json_object_set_new(record, "stage_entered_ms",
			    json_pack("{si si sI sI}", "start", 0, "metadata", 0, "fetch",
				      (json_int_t)(r->times.metadata_ms - r->times.start_ms),
				      "handover",
				      (json_int_t)(r->times.fetched_ms - r->times.start_ms)));
	char *json = json_dumps(record, JSON_COMPACT);
	json_decref(record);
	if (json != NULL && asprintf(&text, "%s\n", json) < 0)
		text = NULL;
	free(json);
	return text;
}
