/* SPDX-License-Identifier: MIT */
/* The boot state machine's state and what its files share. Not for use outside boot*.c. */
#ifndef CB_CORE_BOOT_INTERNAL_H
#define CB_CORE_BOOT_INTERNAL_H

#include "core/boot.h"
#include "core/cache.h"
#include "core/cmdline.h"
#include "core/fetch.h"
#include "core/imagefetch.h"
#include "core/line.h"
#include "core/record.h"
#include "core/refresh.h"
#include "core/state.h"
#include "core/tls.h"
#include "core/tuf.h"

#define CB_BOOT_PROGRESS_MS 250 /* between two progress events */
#define CB_BOOT_WAITING_MS 5000 /* without progress: say that we wait for the network */
#define CB_BOOT_RETRY_FIRST_MS 10000 /* error screens for network trouble retry by themselves */
#define CB_BOOT_RETRY_MAX_MS 60000
#define CB_BOOT_COUNTDOWN_MS                                                                       \
	2000 /* a single environment boots after it; the fetch runs meanwhile */
#define CB_BOOT_RECORD_JSON_MAX 16384
#define CB_BOOT_CACHE_OPEN_MS 250 /* a cache that takes longer to open makes no network wait */
#define CB_BOOT_CACHE_WRITE_MS 1000 /* the start waits no longer for what the cache lacks */
#define CB_BOOT_OFFLINE_AFTER_MS 10000 /* of silence, where the cache has metadata */

enum cb_derive {
	CB_DERIVE_ENTERED, /* nothing to wipe */
	CB_DERIVE_SHOWN,
	CB_DERIVE_PREPARED,
	CB_DERIVE_STARTED, /* derivation and arena belong to the worker until it is done */
};

struct cb_boot {
	const struct cb_platform *platform;
	struct cb_boot_params params;
	struct cb_config config;
	enum cb_stage stage;
	uint64_t n_entries; /* of stages, the same one again too */
	enum cb_boot_status outcome; /* RUNNING, or what the person chose, or READY */
	uint64_t start_ms, entered_ms; /* machine started; stage entered */
	uint64_t stage_ms[CB_STAGE_FAILED + 1]; /* when each stage was entered last */

	/* network and metadata */
	bool is_network_up;
	enum cb_err network_err; /* why it did not come up; CB_OK: no word yet */
	uint64_t network_ms; /* when that was known */
	char announced[CB_BOOT_ANNOUNCED_MAX + 1]; /* mirror nearby; "": none */
	bool was_network_good; /* something had come before the last error screen */
	struct cb_tls tls;
	struct cb_platform secure; /* the platform, its streams with TLS */
	struct cb_fetch *fetch;
	struct cb_tuf *tuf;
	struct cb_refresh *refresh;
	uint64_t below_timestamp; /* what a timestamp of this version promises can't be had */
	struct cb_state_store state; /* rollback state as read at the start */
	int64_t now_s; /* the clock that expiry is judged by */

	/* the cache on a disk, and going on with it alone */
	struct cb_cache *cache; /* NULL: none */
	uint64_t cache_until_ms; /* writing to it ends then; 0: has not begun */
	bool is_offline; /* metadata and record are the cache's */
	bool was_offline; /* in an earlier try, in vain */
	bool waives_expiry; /* an expired timestamp is good enough, within the record's offline days */
	enum cb_err offline_why;
	int64_t offline_until_s; /* 0: not known yet, or not offline */

	/* sign-in */
	struct cb_line account, passphrase;
	enum cb_prompt prompt;
	unsigned layout;
	unsigned n_refused;
	uint64_t prompt_from_ms; /* courtesy back-off: no prompt before */
	bool is_asking; /* a prompt is up */
	unsigned kdf; /* index of the parameter set in use */
	enum cb_derive derive;
	struct cb_derivation derivation;
	uint8_t *arena; /* memory for the derivation, from the prompt to the record */
	size_t arena_len;
	struct { /* the newest derivation; processor as in struct cb_work, bytes as body_bytes */
		uint64_t start_ms, ms, start_bytes, bytes;
		uint32_t processor;
	} derived;
	bool has_keys;
	struct cb_login_keys keys;
	struct cb_job *record_job;
	enum cb_err record_refusal;
	bool has_record;
	struct cb_record record;
	uint8_t *record_file; /* as the cache may get it; NULL: none */
	size_t record_file_len;

	/* what comes in while the person types */
	struct cb_imagefetch *prefetch; /* NULL: none */
	bool was_prefetched; /* tried since the last refresh */

	/* menu and image */
	unsigned selected;
	uint64_t countdown_until_ms; /* 0: none */
	unsigned countdown_shown_s;
	char previous[CB_TARGET_PATH_MAX + 1]; /* of the image tried last; "": none is listed */
	char forced[CB_TARGET_PATH_MAX +
		    1]; /* target chosen instead of the environment's; "": none */
	struct cb_imagefetch *image;
	bool was_cmdline_checked;
	uint64_t progress_ms, waiting_ms; /* last events */
	uint64_t seen_bytes, seen_ms; /* for rate and stall */
	uint64_t rate_bytes_s;
	uint64_t wrong_seen[CB_FETCH_MAX_MIRRORS];

	/* hand-over */
	char cmdline[CB_CMDLINE_MAX + 1 + CB_CMDLINE_FACTS_MAX + 1];
	char image_name[CB_TARGET_PATH_MAX + 1];
	uint8_t *handover;
	size_t handover_len;
	struct cb_boot_result result;
	enum cb_err serve_err; /* of cb_boot_serve_initrd */

	/* failure */
	enum cb_err err;
	char subject[CB_FETCH_PATH_MAX];
	uint64_t need_bytes; /* memory that was not to be had; 0: not the trouble */
	uint64_t retry_at_ms; /* 0: only when asked */
	uint64_t retry_delay_ms;
};

/* A stage's step: does what it can, moves on with cb_boot_enter or cb_boot_fail. */
typedef void cb_boot_stage_fn(struct cb_boot *b, uint64_t *ret_wake_ms);
typedef void cb_boot_key_fn(struct cb_boot *b, unsigned key);

/* boot.c */
void cb_boot_enter(struct cb_boot *b, enum cb_stage stage);
/* subject is copied; "" when there is none. */
void cb_boot_fail(struct cb_boot *b, enum cb_err err, const char *subject);
void cb_boot_emit(struct cb_boot *b, struct cb_event *event);
uint64_t cb_boot_now(const struct cb_boot *b);
/* Lowers *wake_ms to at_ms. */
void cb_boot_wake_at(uint64_t *wake_ms, uint64_t at_ms);
/* A manifest that this metadata lists is nowhere: starts over with another mirror's older
 * timestamp. False when there is none. */
bool cb_boot_older_metadata(struct cb_boot *b);
/* Trouble of the network that may end by itself. */
bool cb_boot_is_network_trouble(enum cb_err err);
/* Wipes keys, passphrase, record and whatever follows from them. */
void cb_boot_sign_out(struct cb_boot *b);

/* boot_signin.c */
cb_boot_stage_fn cb_boot_sign_in_step;
cb_boot_key_fn cb_boot_sign_in_key;
void cb_boot_sign_in_enter(struct cb_boot *b);
/* Account or passphrase are not known: tells, and asks again. */
void cb_boot_refuse(struct cb_boot *b);

/* boot_derive.c */
cb_boot_stage_fn cb_boot_derive_step;
void cb_boot_derive_enter(struct cb_boot *b);
/* Memory for the costliest of the realm's parameter sets; MEMORY_SHORT, with need_bytes. */
enum cb_err cb_boot_arena_reserve(struct cb_boot *b);
void cb_boot_arena_release(struct cb_boot *b);
/* An image is coming in, and no other processor is there to derive meanwhile. */
bool cb_boot_derive_pauses_download(const struct cb_boot *b);
/* Waits for a derivation that is under way; wipes and frees all. */
void cb_boot_derive_stop(struct cb_boot *b);

/* boot_prefetch.c: at most one prefetch a refresh; it may fail or be stopped at any time. */
void cb_boot_prefetch_start(struct cb_boot *b);
cb_boot_stage_fn cb_boot_prefetch_step;
void cb_boot_prefetch_stop(struct cb_boot *b);
/* The prefetched image where it is the target's, now the caller's; else it is stopped, and NULL. */
struct cb_imagefetch *cb_boot_prefetch_take(struct cb_boot *b, const struct cb_tuf_target *target);

/* boot_image.c */
const char *cb_boot_arch_name(const struct cb_boot *b);
cb_boot_stage_fn cb_boot_menu_step, cb_boot_fetch_step;
cb_boot_key_fn cb_boot_menu_key;
void cb_boot_menu_enter(struct cb_boot *b);
void cb_boot_fetch_enter(struct cb_boot *b);

/* boot_cache.c: the cache, where there is one; trouble with it stops nothing */
/* Begins to open it, if it is not open. */
void cb_boot_cache_open(struct cb_boot *b);
/* Reads on; true while the stage NETWORK should wait for it. */
bool cb_boot_cache_is_awaited(struct cb_boot *b, uint64_t *ret_wake_ms);
/* While a person types: one that was too late for the metadata is opened for the image. */
void cb_boot_cache_catch_up(struct cb_boot *b, uint64_t *ret_wake_ms);
/* To a new fetch engine and its refresh; NO_MEMORY. */
enum cb_err cb_boot_cache_attach(struct cb_boot *b);
bool cb_boot_cache_has_metadata(const struct cb_boot *b);
/* It is open, and this boot takes from it and may put in. */
bool cb_boot_cache_is_used(const struct cb_boot *b);
/* The image is complete: writes one more piece of what the cache lacks. False: that is all. */
bool cb_boot_cache_save(struct cb_boot *b);
void cb_boot_cache_close(struct cb_boot *b);

/* boot_offline.c: going on without the network */
/* Network trouble: starts over with the cache's metadata. False: err is none, the cache has none, or that
 * is so already. */
bool cb_boot_go_offline(struct cb_boot *b, enum cb_err err);
/* The record is open: may the account be used with metadata of that age? OFFLINE_OVER, META_EXPIRED. */
enum cb_err cb_boot_offline_check(struct cb_boot *b);
void cb_boot_offline_tell(struct cb_boot *b);
/* What to say instead of err, which came without a network. */
enum cb_err cb_boot_offline_err(const struct cb_boot *b, enum cb_err err);

/* boot_record.c: the account record */
cb_boot_stage_fn cb_boot_record_step;
void cb_boot_record_enter(struct cb_boot *b);
/* Puts it into the cache, where the account may be used offline. */
void cb_boot_record_save(struct cb_boot *b);

/* boot_state.c: rollback state; trouble with it is told and stops nothing */
void cb_boot_state_load(struct cb_boot *b);
void cb_boot_state_save(struct cb_boot *b);

/* boot_handover.c */
cb_boot_stage_fn cb_boot_handover_step;

/* boot_failed.c */
cb_boot_stage_fn cb_boot_failed_step;
cb_boot_key_fn cb_boot_failed_key;
void cb_boot_failed_enter(struct cb_boot *b);

/* boot_json.c: the boot record of a finished fetch; false when it does not fit. */
bool cb_boot_json(const struct cb_boot *b, char *out, size_t max, size_t *ret_len);

#endif
