/* SPDX-License-Identifier: MIT */
/* The boot record of a fetch on Linux: the same members as the loader's (core/boot_json.c). */
#ifndef CB_HOST_CLIENT_JSON_H
#define CB_HOST_CLIENT_JSON_H

#include "core/fetch.h"
#include "core/manifest.h"
#include "core/tuf.h"

/* Milliseconds, as the platform counts. */
struct cb_client_times {
	uint64_t start_ms, metadata_ms, fetched_ms;
};

struct cb_client_record {
	const struct cb_tuf *tuf;
	const struct cb_fetch *fetch;
	const struct cb_tuf_target *target;
	const struct cb_manifest *manifest;
	struct cb_bytes root; /* as trusted; names the realm when it is of version 1 */
	struct cb_client_times times;
};

/* JSON text with a line feed at its end; the caller frees it. NULL: no memory. */
char *cb_client_json(const struct cb_client_record *r);

#endif
