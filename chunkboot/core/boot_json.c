/* SPDX-License-Identifier: MIT */
/* The boot record (boot.json, docs/FORMATS.md): what was booted, from where, how fast; no secrets. */
#include "core/boot_internal.h"
#include "core/text.h"

static const char *const stage_names[] = {
	[CB_STAGE_NETWORK] = "network", [CB_STAGE_METADATA] = "metadata",
	[CB_STAGE_SIGN_IN] = "sign-in", [CB_STAGE_DERIVE] = "derive",
	[CB_STAGE_RECORD] = "record",	[CB_STAGE_MENU] = "menu",
	[CB_STAGE_FETCH] = "fetch",	[CB_STAGE_HANDOVER] = "handover",
};

static void put_member(struct cb_text *t, const char *name)
{
	cb_text_put(t, ",\"");
	cb_text_put(t, name);
	cb_text_put(t, "\":");
}

static void put_number(struct cb_text *t, const char *name, uint64_t n)
{
	put_member(t, name);
	cb_text_put_u64(t, n);
}

static void put_truth(struct cb_text *t, const char *name, bool is)
{
	put_member(t, name);
	cb_text_put(t, is ? "true" : "false");
}

static void put_hex_member(struct cb_text *t, const char *name, const uint8_t digest[32])
{
	put_member(t, name);
	cb_text_put(t, "\"");
	cb_text_put_hex(t, digest, 32);
	cb_text_put(t, "\"");
}

static void put_segments(struct cb_text *t, const struct cb_manifest *m)
{
	put_member(t, "segments");
	cb_text_put(t, "[");
	for (unsigned i = 0; i < m->n_segments; i++) {
		char name[16];

		cb_segment_name(m, i, name);
		cb_text_put(t, i > 0 ? ",{\"name\":" : "{\"name\":");
		cb_text_put_json(t, cb_bytes_of(name));
		put_number(t, "bytes", m->segments[i].raw_len);
		put_hex_member(t, "sha256", m->segments[i].sha256);
		cb_text_put(t, "}");
	}
	cb_text_put(t, "]");
}

static void put_metadata(struct cb_text *t, const struct cb_tuf_info *info)
{
	static const char *const names[] = { "root", "timestamp", "snapshot", "targets",
					     "accounts" };

	put_member(t, "metadata_versions");
	for (unsigned i = 0; i < CB_TUF_N_ROLES; i++) {
		cb_text_put(t, i > 0 ? ",\"" : "{\"");
		cb_text_put(t, names[i]);
		cb_text_put(t, "\":");
		cb_text_put_u64(t, info->versions.version[i]);
	}
	cb_text_put(t, "}");
}

static void put_sources(struct cb_text *t, const struct cb_fetch *f)
{
	put_member(t, "sources");
	cb_text_put(t, "[");
	for (unsigned i = 0; i < cb_fetch_n_sources(f); i++) {
		struct cb_source_stats stats;

		cb_fetch_source_stats(f, i, &stats);
		cb_text_put(t, i > 0 ? ",{\"url\":" : "{\"url\":");
		cb_text_put_json(t, cb_bytes_of(cb_fetch_source_name(f, i)));
		put_number(t, "body_bytes", stats.body_bytes);
		put_number(t, "wrong_objects", stats.wrong_objects);
		cb_text_put(t, "}");
	}
	cb_text_put(t, "]");
}

/* Where there is one, or a device that can't be read: what came from it, what it got, what was bad. */
static void put_cache(struct cb_text *t, const struct cb_boot *b)
{
	struct cb_cache_stats stats;
	struct cb_fetch_stats fetched;

	if (!b->cache)
		return;
	cb_cache_stats(b->cache, &stats);
	if (cb_fetch_cache(b->fetch) != b->cache && stats.n_read_errors == 0)
		return;
	cb_fetch_stats(b->fetch, &fetched);
	put_member(t, "cache");
	cb_text_put(t, "{\"body_bytes\":");
	cb_text_put_u64(t, fetched.cache_bytes);
	put_number(t, "read_bytes", stats.read_bytes);
	put_number(t, "written_bytes", stats.written_bytes);
	put_number(t, "bad_records", stats.n_bad_records);
	put_number(t, "bad_tables", stats.n_lost_segments);
	put_number(t, "read_errors", stats.n_read_errors);
	put_truth(t, "write_failed", stats.write_err != CB_OK);
	put_truth(t, "is_full", stats.is_full);
	cb_text_put(t, "}");
}

/* Only where the boot goes on without a fresh timestamp. */
static void put_offline(struct cb_text *t, const struct cb_boot *b)
{
	if (b->offline_until_s == 0)
		return;
	put_member(t, "offline");
	cb_text_put(t, "{\"network\":");
	cb_text_put(t, b->is_offline ? "false" : "true");
	put_number(t, "since", (uint64_t)cb_tuf_info(b->tuf)->issued_s);
	put_number(t, "until", (uint64_t)b->offline_until_s);
	cb_text_put(t, "}");
}

/* By which address families the mirrors were reached, where the platform knows. */
static void put_network(struct cb_text *t, const struct cb_net *net)
{
	struct cb_net_use use;

	if (!net->use)
		return;
	net->use(net->ctx, &use);
	put_member(t, "network");
	for (unsigned i = 0; i < 2; i++) {
		cb_text_put(t,
			    i > 0 ? ",\"ipv6\":{\"has_address\":" : "{\"ipv4\":{\"has_address\":");
		cb_text_put(t, use.has_address[i] ? "true" : "false");
		put_number(t, "connections", use.n_connections[i]);
		cb_text_put(t, "}");
	}
	cb_text_put(t, "}");
}

/* Milliseconds from the loader's start to the entry of each stage of this boot. */
static void put_timings(struct cb_text *t, const struct cb_boot *b)
{
	put_member(t, "stage_entered_ms");
	cb_text_put(t, "{\"start\":0");
	for (unsigned i = 0; i < sizeof(stage_names) / sizeof(stage_names[0]); i++) {
		if (!stage_names[i] || b->stage_ms[i] == 0)
			continue;
		put_number(t, stage_names[i], b->stage_ms[i] - b->start_ms);
	}
	cb_text_put(t, "}");
}

/* What the sign-in cost; without a passphrase there was none. */
static void put_derivation(struct cb_text *t, const struct cb_boot *b)
{
	if (b->stage_ms[CB_STAGE_DERIVE] > 0) {
		put_member(t, "key_derivation");
		cb_text_put(t, "{\"ms\":");
		cb_text_put_u64(t, b->derived.ms);
		put_number(t, "processor", b->derived.processor);
		put_number(t, "body_bytes", b->derived.bytes);
		cb_text_put(t, "}");
	}
	put_number(t, "workers", b->platform->workers.n);
}

bool cb_boot_json(const struct cb_boot *b, char *out, size_t max, size_t *ret_len)
{
	const struct cb_tuf_target *target = cb_imagefetch_target(b->image);
	const struct cb_manifest *m = cb_imagefetch_manifest(b->image);
	struct cb_text t = cb_text_of(out, max);

	cb_text_put(&t, "{\"type\":\"chunkboot-boot-record\",\"version\":1");
	put_member(&t, "loader");
	cb_text_put_json(&t, cb_bytes_of(CB_LOADER_VERSION_TEXT));
	put_hex_member(&t, "realm", b->config.realm_id);
	put_member(&t, "image");
	cb_text_put_json(&t, cb_bytes_of(b->image_name));
	put_hex_member(&t, "manifest_sha256", target->sha256);
	put_member(&t, "cmdline");
	cb_text_put_json(&t, cb_bytes_of(b->cmdline));
	put_segments(&t, m);
	put_member(&t, "memory_plan");
	cb_text_put_json(&t,
			 cb_bytes_of(cb_imagefetch_is_deferred(b->image) ? "deferred" : "early"));
	put_metadata(&t, cb_tuf_info(b->tuf));
	put_sources(&t, b->fetch);
	put_cache(&t, b);
	put_offline(&t, b);
	put_network(&t, &b->platform->net);
	put_timings(&t, b);
	put_derivation(&t, b);
	cb_text_put(&t, "}\n");
	if (t.overflowed)
		return false;
	*ret_len = t.len;
	return true;
}
