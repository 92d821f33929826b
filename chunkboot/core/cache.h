/* SPDX-License-Identifier: MIT */
/* The cache: what was fetched before, on a block device that nobody trusts (docs/FORMATS-cache.md). */
#ifndef CB_CORE_CACHE_H
#define CB_CORE_CACHE_H

#include "core/digest.h"
#include "core/platform.h"
#include "core/tuf.h"

/* GPT type of a partition that is a cache, as text and as it lies in a partition entry. */
#define CB_CACHE_GUID "c1b7a3d0-6b0e-4a57-9c43-5f2f9a6e70c8"
#define CB_CACHE_GUID_BYTES                                                                        \
	{                                                                                          \
		0xd0, 0xa3, 0xb7, 0xc1, 0x0e, 0x6b, 0x57, 0x4a, 0x9c, 0x43, 0x5f, 0x2f, 0x9a,      \
			0x6e, 0x70, 0xc8                                                           \
	}

#define CB_CACHE_PAGE 4096u /* all reads and writes are whole pages; a block must divide it */
#define CB_CACHE_STEP_LEN (512u << 10) /* most bytes that a step reads */
#define CB_CACHE_ID_LEN 16
#define CB_CACHE_MIN_LEN (512u << 10) /* smallest device that can be formatted, bytes */
#define CB_CACHE_MAX_SEGMENTS 65536u
#define CB_CACHE_MAX_RECORDS (1u << 20) /* in the index; about 60 bytes of memory each */
#define CB_CACHE_MAX_KEEP 16 /* image names whose newest two versions are kept */
#define CB_CACHE_MAX_ERRORS 8 /* failed reads until the device counts as broken */

enum cb_cache_kind {
	CB_CACHE_NOTHING, /* in a fetch item: never asked of a cache, and never put into one */
	CB_CACHE_CHUNK, /* key: BLAKE2b-256 of the content; whoever reads it checks that */
	CB_CACHE_MANIFEST, /* key: SHA-256 of the content, which the reader checks, too */
	CB_CACHE_METADATA, /* key: BLAKE2b-256 of a name; TUF verifies the content */
	CB_CACHE_ACCOUNT, /* key: the locator; the record is signed */
	CB_CACHE_N_KINDS
};

enum cb_cache_state {
	CB_CACHE_OPENING, /* call cb_cache_step */
	CB_CACHE_OPEN,
	CB_CACHE_ABSENT, /* no cache there, or a broken one: finds nothing, takes nothing */
};

struct cb_cache; /* opaque */

/*
 * Writes an empty cache over the whole device. segment_len: a power of two of bytes, 64 KiB to
 * 32 MiB, or 0 for what suits the size; nothing larger than a segment can be kept. id: random. After
 * a power cut within it there is the old cache, an empty one, or none. NO_MEMORY, the device's
 * errors; USAGE: the device is too small or its blocks do not divide a page.
 */
enum cb_err cb_cache_format(const struct cb_mem *mem, const struct cb_block *block,
			    uint32_t segment_len, const uint8_t id[CB_CACHE_ID_LEN]);

/* Does the device begin with a cache's label? Reads one page. */
bool cb_cache_is_there(const struct cb_mem *mem, const struct cb_block *block);

/* Reads nothing yet. mem and block (whose struct is copied) outlive it. NO_MEMORY. */
enum cb_err cb_cache_new(const struct cb_mem *mem, const struct cb_block *block,
			 struct cb_cache **ret);
/* Writes nothing: what was not committed may be lost. NULL is fine. */
void cb_cache_free(struct cb_cache *c);
/* One step of opening: reads at most CB_CACHE_STEP_LEN bytes. */
enum cb_cache_state cb_cache_step(struct cb_cache *c);
enum cb_cache_state cb_cache_state(const struct cb_cache *c);

/* A record that is being read; plain data, nothing to free. */
struct cb_cache_reading {
	uint32_t ref; /* which record: for cb_cache_drop */
	uint64_t generation;
	uint32_t len; /* bytes of content */
	uint32_t room; /* bytes that the buffer must have */
	uint32_t n_read;
};

enum cb_cache_progress {
	CB_CACHE_AGAIN, /* call once more */
	CB_CACHE_DONE, /* the buffer begins with len bytes of content */
	CB_CACHE_GONE, /* could not be read, or was damaged: forgotten */
};

/* Looks in the index. False: not there. */
bool cb_cache_find(const struct cb_cache *c, enum cb_cache_kind kind,
		   const uint8_t key[CB_DIGEST_LEN], struct cb_cache_reading *ret);
/* Reads the next piece, at most CB_CACHE_STEP_LEN bytes, into buf[r->room]. What is no chunk is DONE
 * only when it is what was written; the content of a chunk must be compared with its key. */
enum cb_cache_progress cb_cache_read(struct cb_cache *c, struct cb_cache_reading *r, uint8_t *buf);
/*
 * A whole record of at most max bytes of content at once, in memory to be freed with the cache's mem.
 * NOT_FOUND (also for what is damaged), NO_MEMORY.
 */
enum cb_err cb_cache_read_whole(struct cb_cache *c, enum cb_cache_kind kind,
				const uint8_t key[CB_DIGEST_LEN], size_t max, uint8_t **ret,
				size_t *ret_len);
/* Whether reading may go beyond the record, up to CB_CACHE_STEP_LEN, where records lie in a row: on a
 * fast device that pays. Off at first. */
void cb_cache_look_ahead(struct cb_cache *c, bool may);
/* Bytes read from the device so far. */
uint64_t cb_cache_read_bytes(const struct cb_cache *c);
/* Forgets the record of a reading that turned out to be wrong. The next one with this key is appended anew. */
void cb_cache_drop(struct cb_cache *c, uint32_t ref);

/*
 * Puts a record in; for a key that is there already: CHUNK and MANIFEST do nothing, the others
 * replace it. Writes about len bytes in large pieces, some of them later. True when it is in the
 * cache, to stay after the next commit. False: no cache, it failed before, it is full of what is
 * needed, or the record is longer than a segment.
 */
bool cb_cache_append(struct cb_cache *c, enum cb_cache_kind kind, const uint8_t key[CB_DIGEST_LEN],
		     struct cb_bytes content);
/* False: append will not take anything any more, see there. */
bool cb_cache_takes(const struct cb_cache *c);
/* All that was appended is on the device now. False: it failed, and nothing is written any more. */
bool cb_cache_commit(struct cb_cache *c);
/*
 * The newest version of an image has this manifest; the one before is kept, too, and what neither
 * of them nor another image needs may be overwritten. Append the manifest before.
 */
void cb_cache_keep(struct cb_cache *c, const char name[CB_NAME_MAX + 1],
		   const uint8_t manifest[CB_DIGEST_LEN]);

struct cb_cache_keeper {
	char name[CB_NAME_MAX + 1];
	uint8_t current[CB_DIGEST_LEN], previous[CB_DIGEST_LEN]; /* of manifests; zero: none */
};

/* The i-th image that is kept, most recent first; NULL past the end. */
const struct cb_cache_keeper *cb_cache_keeper(const struct cb_cache *c, unsigned i);

struct cb_cache_stats {
	uint8_t id[CB_CACHE_ID_LEN];
	uint64_t device_bytes; /* that the cache takes up */
	uint32_t segment_bytes, n_segments, n_used_segments;
	uint64_t sequence; /* commits so far */
	uint32_t n_records[CB_CACHE_N_KINDS];
	uint64_t record_bytes; /* in whole pages */
	uint64_t read_bytes, written_bytes; /* since cb_cache_new */
	uint32_t n_reads, n_writes, n_read_errors;
	uint32_t n_bad_records; /* dropped: damaged, unreadable, or not what they should be */
	uint32_t n_lost_segments; /* with a table that is damaged, or with too many records */
	enum cb_err write_err; /* the first error of writing; sticks */
	bool is_full; /* every segment holds mostly what is needed */
};

void cb_cache_stats(const struct cb_cache *c, struct cb_cache_stats *ret);
/* The i-th record, in the order of the device; for checks. False past the end. Start with *at = 0. */
bool cb_cache_next(const struct cb_cache *c, uint64_t *at, enum cb_cache_kind *ret_kind,
		   uint8_t ret_key[CB_DIGEST_LEN], struct cb_cache_reading *ret);

#endif
