/* SPDX-License-Identifier: MIT */
/* Looks into the files that describe images: manifests and casync indexes. */
#include <string.h>

#include "core/manifest.h"
#include "host/caibx.h"
#include "host/hash.h"
#include "host/inspect.h"
#include "host/manifest_file.h"

static json_t *segment(const struct cb_manifest *m, unsigned i)
{
	const struct cb_segment *s = &m->segments[i];
	uint64_t stored = 0;
	char name[16];

	for (uint32_t k = 0; k < s->n_chunks; k++) {
		struct cb_chunk chunk;

		cb_manifest_chunk(m, s->first_chunk + k, &chunk);
		stored += chunk.stored_len;
	}
	cb_segment_name(m, i, name);
	return json_pack("{ss sI sI sI so sb}", "name", name, "chunks", (json_int_t)s->n_chunks,
			 "raw_bytes", (json_int_t)s->raw_len, "stored_bytes", (json_int_t)stored,
			 "sha256", cb_inspect_hex(s->sha256, CB_DIGEST_LEN), "normalised",
			 (s->flags & CB_SEGMENT_NORMALISED) != 0);
}

json_t *cb_inspect_manifest(struct cb_bytes file)
{
	json_t *segments = json_array(), *allow = json_array();
	uint8_t sha256[CB_DIGEST_LEN];
	struct cb_manifest m;

	if (cb_manifest_parse(file, &m) != CB_OK) {
		json_decref(segments);
		json_decref(allow);
		return NULL;
	}
	for (unsigned i = 0; i < m.n_segments; i++)
		json_array_append_new(segments, segment(&m, i));
	for (unsigned i = 0; i < m.n_allow; i++)
		json_array_append_new(allow, cb_inspect_text(m.allow[i]));
	cb_hash_sha256(file, sha256);
	return json_pack("{ss so ss ss so so so sI sI sI sI so}", "type", "manifest", "sha256",
			 cb_inspect_hex(sha256, CB_DIGEST_LEN), "kind", cb_kind_name(m.kind),
			 "arch", cb_arch_name(m.arch), "title", cb_inspect_text(m.title), "cmdline",
			 cb_inspect_text(m.cmdline), "cmdline_allow", allow, "chunks",
			 (json_int_t)m.n_chunks, "raw_bytes", (json_int_t)m.raw_total,
			 "stored_bytes", (json_int_t)m.stored_total, "ram_need",
			 (json_int_t)m.ram_need, "segments", segments);
}

json_t *cb_inspect_index(struct cb_bytes file)
{
	struct cb_caibx x;
	struct cb_caibx_item last = { 0 };

	if (cb_caibx_parse(file, &x) != CB_OK)
		return NULL;
	if (x.n_chunks > 0)
		cb_caibx_item(&x, x.n_chunks - 1, &last);
	return json_pack("{ss sI sI sI sI sI}", "type", "index", "chunks", (json_int_t)x.n_chunks,
			 "raw_bytes", (json_int_t)last.end, "chunk_min", (json_int_t)x.size.min,
			 "chunk_avg", (json_int_t)x.size.avg, "chunk_max", (json_int_t)x.size.max);
}
