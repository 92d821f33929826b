/* SPDX-License-Identifier: MIT */
/* Drives the core's step machines over sockets until the image is in memory. */
#include "host/client.h"

#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"
#include "host/client_private.h"
#include "host/hash.h"

static uint64_t now_ms(const struct cb_client *c)
{
	return c->platform.now_ms(c->platform.ctx);
}

static enum cb_err add_mirrors(struct cb_client *c, const char *const *urls, unsigned n,
			       enum cb_preference preference, struct cb_error *e)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned source;
		enum cb_err err = cb_fetch_add_mirror(c->fetch, cb_bytes_of(urls[i]), &source);
		if (err != CB_OK)
			return cb_fail(e, err, "%s", urls[i]);
		cb_fetch_prefer(c->fetch, source, preference);
	}
	return CB_OK;
}

static enum cb_err use_cache(struct cb_client *c)
{
	uint8_t key[CB_DIGEST_LEN], *bytes;
	size_t len;
	enum cb_err err = cb_fetch_add_cache(c->fetch, c->params.cache);
	if (err != CB_OK)
		return err;
	cb_refresh_key(key);
	err = cb_cache_read_whole(c->params.cache, CB_CACHE_METADATA, key, CB_BUNDLE_MAX_LEN,
				  &bytes, &len);
	if (err == CB_OK)
		cb_refresh_use_kept(c->refresh, bytes, len);
	return err == CB_NOT_FOUND ? CB_OK : err;
}

/* NOLINTNEXTLINE(readability-function-size): a list of parts */
enum cb_err cb_client_new(const struct cb_client_params *params, struct cb_client **ret,
			  struct cb_error *e)
{
	struct cb_client *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return cb_fail(e, CB_NO_MEMORY, "client");
	c->params = *params;
	enum cb_err err = cb_linux_new(&c->linux_platform);
	if (err == CB_OK) {
		const struct cb_platform *p = cb_linux_platform(c->linux_platform);
		c->platform = *p;
		cb_tls_init(&c->tls, p, params->tls);
		c->tls.now_s = params->now_s;
		cb_tls_net(&c->tls, &c->platform.net);
		c->platform.free_memory = NULL; /* Linux makes room, and says so when it can't */
		c->times.start_ms = now_ms(c);
		err = cb_tuf_new(&c->platform.mem, CB_TUF_LOADER, params->root, params->now_s, NULL,
				 &c->tuf);
	}
	if (err == CB_OK)
		err = cb_fetch_new(&c->platform, &c->fetch);
	if (err == CB_OK)
		err = cb_refresh_new(&c->platform, c->fetch, c->tuf, &c->refresh);
	if (err == CB_OK && params->cache != NULL)
		err = use_cache(c);
	if (err != CB_OK)
		err = cb_fail(e, err, "trusted root");
	if (err == CB_OK)
		err = add_mirrors(c, params->urls, params->n_urls, CB_PREFER_LAST, e);
	if (err == CB_OK)
		err = add_mirrors(c, params->near, params->n_near, CB_PREFER_NEAR, e);
	if (err != CB_OK) {
		cb_client_free(c);
		return err;
	}
	*ret = c;
	return CB_OK;
}

void cb_client_free(struct cb_client *c)
{
	if (c == NULL)
		return;
	cb_imagefetch_free(c->image);
	cb_refresh_free(c->refresh);
	if (c->fetch != NULL)
		cb_fetch_free(c->fetch);
	cb_tuf_free(c->tuf);
	cb_linux_free(c->linux_platform);
	free(c);
}

void cb_client_wait(struct cb_client *c, uint64_t wake_ms)
{
	uint64_t fetch_wake_ms = UINT64_MAX;
	bool is_busy = cb_fetch_step(c->fetch, &fetch_wake_ms);
	if (fetch_wake_ms < wake_ms)
		wake_ms = fetch_wake_ms;
	cb_linux_wait(c->linux_platform, is_busy ? 0 : wake_ms);
}

enum cb_err cb_client_refresh(struct cb_client *c, struct cb_error *e)
{
	enum cb_job_status status;
	enum cb_err err = CB_OK;
	/* what a step asks for is sent before the wait */
	for (;;) {
		uint64_t wake_ms = UINT64_MAX;
		status = cb_refresh_step(c->refresh, &wake_ms, &err);
		if (status != CB_JOB_RUNNING)
			break;
		cb_client_wait(c, wake_ms);
	}
	c->times.metadata_ms = now_ms(c);
	if (status == CB_JOB_DONE)
		return CB_OK;
	return cb_fail(e, err, "%s", cb_refresh_subject(c->refresh));
}

enum cb_err cb_client_find(const struct cb_client *c, const char *image, struct cb_tuf_target *ret)
{
	char path[CB_TARGET_PATH_MAX + 1];
	const char *at = strchr(image, '@');
	if (at == NULL)
		return cb_tuf_newest(c->tuf, cb_bytes_of(image), NULL, ret);
	size_t name_len = (size_t)(at - image), version_len = strlen(at + 1);
	if (name_len > CB_NAME_MAX || version_len > CB_NAME_MAX)
		return CB_META_NO_IMAGE;
	memcpy(path, image, name_len);
	path[name_len] = '/';
	memcpy(path + name_len + 1, at + 1, version_len);
	memcpy(path + name_len + 1 + version_len, ".cbm", sizeof(".cbm"));
	return cb_tuf_find(c->tuf, cb_bytes_of(path), ret);
}

static void report(const struct cb_client *c)
{
	uint64_t done, total;
	if (c->params.progress == NULL)
		return;
	cb_imagefetch_progress(c->image, &done, &total);
	c->params.progress(c->params.ctx, done, total);
}

static enum cb_err run_image(struct cb_client *c, struct cb_error *e)
{
	enum cb_job_status status;
	enum cb_err err = CB_OK;
	for (;;) {
		uint64_t wake_ms = UINT64_MAX;
		status = cb_imagefetch_step(c->image, &wake_ms, &err);
		report(c);
		if (status != CB_JOB_RUNNING)
			break;
		cb_client_wait(c, wake_ms);
	}
	c->times.fetched_ms = now_ms(c);
	if (status == CB_JOB_DONE)
		return CB_OK;
	return cb_fail(e, err, "%s", cb_imagefetch_subject(c->image));
}

enum cb_err cb_client_keep_metadata(struct cb_client *c, struct cb_error *e)
{
	uint8_t key[CB_DIGEST_LEN], *bytes;
	size_t len;
	if (!cb_refresh_has_news(c->refresh))
		return CB_OK;
	enum cb_err err = cb_refresh_compose(c->refresh, &bytes, &len);
	if (err != CB_OK)
		return cb_fail(e, err, "metadata");
	cb_refresh_key(key);
	bool is_in = cb_cache_append(c->params.cache, CB_CACHE_METADATA, key,
				     (struct cb_bytes){ bytes, len }) &&
		cb_cache_commit(c->params.cache);
	cb_free(&c->platform.mem, bytes);
	return is_in ? CB_OK : cb_fail(e, CB_IO, "the cache");
}

/* A cache that fails takes nothing more, and that is all. */
static void write_back(struct cb_client *c)
{
	while (cb_imagefetch_write_back(c->image))
		;
	(void)!cb_cache_commit(c->params.cache);
}

static enum cb_err check_segment(const struct cb_client *c, unsigned i, struct cb_error *e)
{
	const struct cb_manifest *m = cb_client_manifest(c);
	const struct cb_segment *segment = &m->segments[i];
	struct cb_bytes raw = cb_client_segment(c, i), rest = raw;
	uint8_t digest[CB_DIGEST_LEN];
	char name[16];
	bool is_good = true;
	for (uint32_t n = 0; n < segment->n_chunks; n++) {
		struct cb_chunk chunk;
		cb_manifest_chunk(m, segment->first_chunk + n, &chunk);
		cb_hash_sha512_256((struct cb_bytes){ rest.p, chunk.raw_len }, digest);
		is_good = is_good && memcmp(digest, chunk.id, sizeof(digest)) == 0;
		rest = (struct cb_bytes){ rest.p + chunk.raw_len, rest.len - chunk.raw_len };
	}
	cb_hash_sha256(raw, digest);
	if (is_good && memcmp(digest, segment->sha256, sizeof(digest)) == 0)
		return CB_OK;
	cb_segment_name(m, i, name);
	return cb_fail(e, CB_SEGMENT_HASH, "%s of %s", name, cb_client_target(c)->path);
}

enum cb_err cb_client_fetch(struct cb_client *c, const char *image, struct cb_error *e)
{
	struct cb_tuf_target target;
	enum cb_err err = cb_client_find(c, image, &target);
	if (err == CB_OK)
		err = cb_imagefetch_new(&c->platform, c->fetch, &target, &c->image);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", image);
	err = run_image(c, e);
	if (err == CB_OK && c->params.cache != NULL)
		write_back(c);
	for (unsigned i = 0; err == CB_OK && i < cb_client_manifest(c)->n_segments; i++)
		err = check_segment(c, i, e);
	return err;
}

const struct cb_tuf_target *cb_client_target(const struct cb_client *c)
{
	return cb_imagefetch_target(c->image);
}

const struct cb_manifest *cb_client_manifest(const struct cb_client *c)
{
	return cb_imagefetch_manifest(c->image);
}

struct cb_bytes cb_client_segment(const struct cb_client *c, unsigned i)
{
	return cb_imagefetch_segment(c->image, i);
}

char *cb_client_boot_json(const struct cb_client *c)
{
	struct cb_client_record record = {
		.tuf = c->tuf,
		.fetch = c->fetch,
		.target = cb_client_target(c),
		.manifest = cb_client_manifest(c),
		.root = c->params.root,
		.times = c->times,
	};
	return cb_client_json(&record);
}

uint64_t cb_client_body_bytes(const struct cb_client *c)
{
	struct cb_fetch_stats stats;
	cb_fetch_stats(c->fetch, &stats);
	return stats.body_bytes;
}

uint64_t cb_client_cache_bytes(const struct cb_client *c)
{
	struct cb_fetch_stats stats;
	cb_fetch_stats(c->fetch, &stats);
	return stats.cache_bytes;
}

uint64_t cb_client_elapsed_ms(const struct cb_client *c)
{
	return now_ms(c) - c->times.start_ms;
}
