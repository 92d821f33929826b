/* SPDX-License-Identifier: MIT */
/* Says what a file of ours is and what is in it, without judging signatures. */
#ifndef CB_HOST_INSPECT_H
#define CB_HOST_INSPECT_H

#include <jansson.h>

#include "core/bytes.h"
#include "host/error.h"

#define CB_INSPECT_MAX_LEN (256u << 20) /* bytes of a file that is looked at */

/*
 * Recognises manifests, casync indexes, chunk files, account records, metadata, metadata bundles
 * and loaders by their content. `path` matters for chunk files only: their name is their id.
 * *ret: an object with member "type", for the caller to release. USAGE for anything else;
 * MANIFEST_FORMAT, CHUNK_DECODE, CHUNK_HASH, RECORD_FORMAT, META_FORMAT, CONFIG for a damaged one.
 */
enum cb_err cb_inspect(const char *path, struct cb_bytes file, json_t **ret, struct cb_error *e);

/* The parts of cb_inspect that live in files of their own; NULL: malformed. */
json_t *cb_inspect_manifest(struct cb_bytes file);
json_t *cb_inspect_index(struct cb_bytes file);
json_t *cb_inspect_record(struct cb_bytes file);
json_t *cb_inspect_metadata(struct cb_bytes file);
json_t *cb_inspect_bundle(struct cb_bytes file);
json_t *cb_inspect_loader(struct cb_bytes file);

/* Helpers of these: hex digits and a span as strings, a Unix time as 2026-11-22T07:30:00Z. */
json_t *cb_inspect_hex(const uint8_t *p, size_t len);
json_t *cb_inspect_text(struct cb_bytes text);
json_t *cb_inspect_time(int64_t unix_s);

#endif
