/* SPDX-License-Identifier: MIT */
/* Fetches one image: its manifest, then its chunks, verified and decoded to their final place. */
#ifndef CB_CORE_IMAGEFETCH_H
#define CB_CORE_IMAGEFETCH_H

#include "core/fetch.h"
#include "core/manifest.h"
#include "core/tuf.h"

struct cb_imagefetch; /* opaque; owns manifest and segment buffers */

/* platform and fetch outlive it. The caller owns *ret. */
enum cb_err cb_imagefetch_new(const struct cb_platform *platform, struct cb_fetch *fetch,
			      const struct cb_tuf_target *target, struct cb_imagefetch **ret);
/* Frees the segment buffers too. NULL is fine. */
void cb_imagefetch_free(struct cb_imagefetch *im);
/* Ends all use of the fetch engine; buffers and manifest stay. Before cb_fetch_free. */
void cb_imagefetch_detach(struct cb_imagefetch *im);

/* Bytes of memory that fetching and starting it takes at least; 0 until the manifest is known. */
uint64_t cb_imagefetch_need(const struct cb_imagefetch *im);

/*
 * Call before each cb_fetch_step, and when a worker has done its work. Lowers *ret_wake_ms when there
 * is more to do at once. FAILED: *ret_err says why and stays.
 * Chunks are verified and decoded by the platform's workers; here, one a call, where there are none,
 * or while nothing comes from the network: the engine is full, or all has come.
 */
enum cb_job_status cb_imagefetch_step(struct cb_imagefetch *im, uint64_t *ret_wake_ms,
				      enum cb_err *ret_err);
/* What it was working on, e.g. a chunk's path; for messages. */
const char *cb_imagefetch_subject(const struct cb_imagefetch *im);

/* NULL until it has arrived and was verified. */
const struct cb_manifest *cb_imagefetch_manifest(const struct cb_imagefetch *im);
const struct cb_tuf_target *cb_imagefetch_target(const struct cb_imagefetch *im);
/* Stored bytes verified so far and needed in all (0 until the manifest is known). */
void cb_imagefetch_progress(const struct cb_imagefetch *im, uint64_t *ret_done,
			    uint64_t *ret_total);

/*
 * Only when DONE, before detach. Writes one more record that the cache lacks; false: all has been
 * written, or it takes no more. To commit is the caller's affair.
 */
bool cb_imagefetch_write_back(struct cb_imagefetch *im);
/* Only when DONE, before detach: are its manifest and all chunks in the cache? */
bool cb_imagefetch_is_cached(const struct cb_imagefetch *im);
/*
 * Only when DONE. Segment i, uncompressed; the initrds only where free_memory is not known, so that
 * the plan is the early one.
 */
struct cb_bytes cb_imagefetch_segment(const struct cb_imagefetch *im, unsigned i);
/* Frees the kernel, application or disk: somebody else has a copy. */
void cb_imagefetch_free_first(struct cb_imagefetch *im);
/* The initrds wait compressed until they are served (imageplan.h). */
bool cb_imagefetch_is_deferred(const struct cb_imagefetch *im);
/* Only when DONE; after cb_imagefetch_detach too. Bytes of all initrds, each zero-padded to 4. */
size_t cb_imagefetch_initrd_len(const struct cb_imagefetch *im);
/*
 * Writes them, in order, to out: once. Allocates and frees nothing.
 * CHUNK_DECODE: a verified chunk does not decompress; the subject names it.
 */
enum cb_err cb_imagefetch_serve(struct cb_imagefetch *im, uint8_t *out);

#endif
