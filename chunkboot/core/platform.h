/* SPDX-License-Identifier: MIT */
/* What the core asks of the machine it runs on: one struct of functions per platform. */
#ifndef CB_CORE_PLATFORM_H
#define CB_CORE_PLATFORM_H

#include "core/bytes.h"
#include "core/err.h"
#include "core/mem.h"

#define CB_HOST_MAX 253 /* characters of a DNS name or literal address */
#define CB_VAR_MAX 256 /* bytes of a variable */

/* Where a byte stream leads to. Name resolution is the platform's affair. */
struct cb_endpoint {
	char host[CB_HOST_MAX + 1]; /* name or literal; IPv6 without brackets */
	uint16_t port;
	bool is_tls;
};

struct cb_stream; /* opaque; the platform's own */

enum cb_stream_state {
	CB_STREAM_CONNECTING,
	CB_STREAM_OPEN,
	CB_STREAM_CLOSED, /* the peer has finished; received bytes may still wait */
	CB_STREAM_FAILED, /* refused, reset, unresolvable; nothing waits */
};

/* What was there and what was used of each address family; indexes: 0 IPv4, 1 IPv6. */
struct cb_net_use {
	bool has_address[2];
	uint32_t n_connections[2]; /* that stood, since the network came up last */
};

/*
 * Non-blocking byte streams. Nothing here waits: the driver of the step machines polls the
 * network between steps, and these functions report what has happened so far.
 */
struct cb_net {
	void *ctx;
	/* Starts to connect. On CB_OK the caller owns *ret until close. */
	enum cb_err (*open)(void *ctx, const struct cb_endpoint *to, struct cb_stream **ret);
	/* ret_why (may be NULL) gets NET_DNS, NET_CONNECT or NET_CLOSED when the state is FAILED,
	 * with TLS (core/tls.h) NET_TLS* too; and NET_DNS while CONNECTING still waits for the name. */
	enum cb_stream_state (*state)(struct cb_stream *s, enum cb_err *ret_why);
	/* Queues up to len bytes; returns how many were taken (0: full or not open yet). */
	size_t (*send)(struct cb_stream *s, const void *data, size_t len);
	/* The next contiguous received bytes (zero-copy); valid until consume, close or polling. */
	struct cb_bytes (*peek)(struct cb_stream *s);
	/* Drops n <= peek().len received bytes; the window opens again with the next polling. */
	void (*consume)(struct cb_stream *s, size_t n);
	/* The peer should have no more than so many bytes under way; a hint. NULL: not possible. */
	void (*limit)(struct cb_stream *s, uint32_t bytes);
	/* Ends the connection at once (resets it when bytes are outstanding) and frees s. */
	void (*close)(struct cb_stream *s);
	/* For the boot record. NULL: not known. */
	void (*use)(void *ctx, struct cb_net_use *ret);
};

/* Small persistent variables that the operating system cannot reach (UEFI: NV|BS without RT). */
struct cb_vars {
	void *ctx;
	/* NOT_FOUND when absent; STATE_FOREIGN when there was one that is not ours (attributes,
	 * length): it has been removed; VARIABLE on trouble or len > max. */
	enum cb_err (*read)(void *ctx, const char *name, uint8_t *buf, size_t max, size_t *ret_len);
	enum cb_err (*write)(void *ctx, const char *name, const uint8_t *buf, size_t len);
};

/* A block device for the cache; absent (ctx == NULL) is normal. */
struct cb_block {
	void *ctx;
	uint32_t block_len; /* bytes */
	uint64_t n_blocks;
	enum cb_err (*read)(void *ctx, uint64_t lba, uint8_t *buf, size_t len);
	enum cb_err (*write)(void *ctx, uint64_t lba, const uint8_t *buf, size_t len);
	enum cb_err (*flush)(void *ctx);
};

/*
 * Something for another processor to do. The caller owns it, and keeps it and all that run touches
 * until cb_work_is_done. run may use the memory it was given and nothing of the platform: no
 * allocation, no clock, no random bytes, no events. At most CB_WORK_STACK_MAX bytes of stack.
 */
struct cb_work {
	void (*run)(void *arg);
	void *arg;
	/* Takes seconds, not milliseconds: the caller's own processor does it only when it must. */
	bool is_long;
	uint32_t processor; /* who has done it: 0 the caller's own, else the number of another */
	uint32_t is_done; /* set by the worker; submit clears it */
};

#define CB_WORK_STACK_MAX 24576 /* UEFI gives its other processors 32 KiB */

/* True when run has returned; what it wrote can be read then. */
static inline bool cb_work_is_done(const struct cb_work *work)
{
	return __atomic_load_n(&work->is_done, __ATOMIC_ACQUIRE) != 0;
}

/* For workers: does the work, on this processor. Afterwards its memory may be gone. */
static inline void cb_work_run(struct cb_work *work, uint32_t processor)
{
	work->run(work->arg);
	work->processor = processor;
	__atomic_store_n(&work->is_done, 1, __ATOMIC_RELEASE);
}

/* Other processors. Only the thread that steps the machines calls these. */
struct cb_workers {
	void *ctx;
	unsigned n; /* 0: none; the functions are not called then, and may be NULL */
	/*
	 * Hands work to whichever worker is free first. False: too much waits already, try later.
	 * Between steps, the driver's wait for input and network ends when work is done, too.
	 */
	bool (*submit)(void *ctx, struct cb_work *work);
	/* Returns when all that was submitted is done. For ends, and before memory is freed. */
	void (*drain)(void *ctx);
};

struct cb_event; /* core/event.h */

struct cb_platform {
	struct cb_mem mem;
	struct cb_net net;
	struct cb_vars vars;
	struct cb_block block;
	struct cb_workers workers;
	void *ctx; /* for the functions below */
	/* Monotonic milliseconds since any fixed point. */
	uint64_t (*now_ms)(void *ctx);
	/* Seconds since 1970 UTC as the machine's clock has it; CB_FIRMWARE when it has none. */
	enum cb_err (*wall_clock)(void *ctx, int64_t *ret_unix_s);
	/* Fills buf with bytes fit for keys; CB_ENTROPY when the machine has no source. */
	enum cb_err (*random)(void *ctx, uint8_t *buf, size_t len);
	/* Tells the outside what happened; must not call back into the machine. */
	void (*event)(void *ctx, const struct cb_event *event);
	/* Bytes of memory that are free now (for the memory plan); 0 when unknown. */
	uint64_t (*free_memory)(void *ctx);
};

#endif
