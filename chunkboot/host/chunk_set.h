/* SPDX-License-Identifier: MIT */
/* The different chunks that the listed images of a repository consist of. */
#ifndef CB_HOST_CHUNK_SET_H
#define CB_HOST_CHUNK_SET_H

#include "core/manifest.h"
#include "core/tuf.h"
#include "host/error.h"

/* Zero it first; cb_chunk_set_done in every case. */
struct cb_chunk_set {
	size_t n;
	struct cb_chunk *at; /* each once, in order of id */
	uint64_t n_used; /* chunks of all images, a shared one as often as it is used */
	uint64_t used_raw_bytes; /* of these */
};

/* Adds the chunks of a parsed manifest. NO_MEMORY. */
enum cb_err cb_chunk_set_add(struct cb_chunk_set *set, const struct cb_manifest *m,
			     struct cb_error *e);
bool cb_chunk_set_has(const struct cb_chunk_set *set, const uint8_t id[CB_DIGEST_LEN]);
/* Of the different chunks. */
uint64_t cb_chunk_set_raw_bytes(const struct cb_chunk_set *set);
uint64_t cb_chunk_set_stored_bytes(const struct cb_chunk_set *set);
void cb_chunk_set_done(struct cb_chunk_set *set);

#endif
