/* SPDX-License-Identifier: MIT */
/* The loader's own client on Linux: metadata, manifest and chunks from untrusted mirrors. */
#ifndef CB_HOST_CLIENT_H
#define CB_HOST_CLIENT_H

#include "core/cache.h"
#include "core/fetch.h"
#include "core/manifest.h"
#include "core/tls_trust.h"
#include "core/tuf.h"
#include "host/error.h"

struct cb_client; /* opaque; owns all that it hands out */

struct cb_client_params {
	struct cb_bytes root; /* trusted root file, any version */
	const char *const *urls; /* base URLs of mirrors, at least one */
	unsigned n_urls;
	const char *const *near; /* of mirrors nearby, which go first */
	unsigned n_near;
	int64_t now_s; /* dates are judged by it */
	const struct cb_tls_trust *tls; /* of https mirrors; outlives the client */
	struct cb_cache *cache; /* open, outlives the client; NULL: none */
	/* Stored bytes verified and needed (0: not known yet); may be NULL. */
	void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

/* URL_FORMAT, META_*, NO_MEMORY. The caller owns *ret. */
enum cb_err cb_client_new(const struct cb_client_params *params, struct cb_client **ret,
			  struct cb_error *e);
void cb_client_free(struct cb_client *c);

/* Brings the metadata up to date. NET_*, HTTP_*, META_*. */
enum cb_err cb_client_refresh(struct cb_client *c, struct cb_error *e);
/*
 * After refresh, once: fetches NAME (its newest version) or NAME@VERSION into memory, and checks
 * chunk ids and segment hashes as well, which the loader leaves out. META_NO_IMAGE, MANIFEST_*,
 * CHUNK_*, SEGMENT_HASH, NET_*, HTTP_*.
 */
enum cb_err cb_client_fetch(struct cb_client *c, const char *image, struct cb_error *e);

/* Below: after a successful fetch. */
const struct cb_tuf_target *cb_client_target(const struct cb_client *c);
const struct cb_manifest *cb_client_manifest(const struct cb_client *c);
/* Segment i of the manifest, uncompressed. */
struct cb_bytes cb_client_segment(const struct cb_client *c, unsigned i);
/* The boot record of this fetch as JSON text; the caller frees it. NULL: no memory. */
char *cb_client_boot_json(const struct cb_client *c);
struct cb_fill_stats {
	uint64_t n_chunks, n_missing; /* of the image; that were not in the cache */
	uint64_t n_put, put_bytes;
	bool is_full; /* something found no room in the cache */
};

/*
 * After refresh, any number of times, instead of fetch: brings into the cache what the newest version
 * of NAME needs and the cache lacks, and makes it the version that is kept beside the one before.
 * rate: body bytes a second, 0: no limit. META_NO_IMAGE, MANIFEST_*, CHUNK_*, NET_*, HTTP_*; IO: the
 * cache cannot be written.
 */
enum cb_err cb_client_fill(struct cb_client *c, const char *name, uint64_t rate,
			   struct cb_fill_stats *ret, struct cb_error *e);

/*
 * After refresh, when the images are filled in: keeps the metadata in the cache too, as a loader does, so
 * that it asks for less and can do without the network. What is there already is not written again. IO.
 */
enum cb_err cb_client_keep_metadata(struct cb_client *c, struct cb_error *e);

/* Bytes that came from the cache. */
uint64_t cb_client_cache_bytes(const struct cb_client *c);
/* HTTP body bytes received, and milliseconds since cb_client_new. */
uint64_t cb_client_body_bytes(const struct cb_client *c);
uint64_t cb_client_elapsed_ms(const struct cb_client *c);

#endif
