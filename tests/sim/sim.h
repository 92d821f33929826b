/* SPDX-License-Identifier: MIT */
/*
 * Deterministic simulator: a struct cb_platform with a virtual clock, in-memory web servers that
 * behave well or badly on demand, a variable store and an allocator that fail at the n-th call,
 * seeded randomness and a recorder of events. Same seed, same run. Nothing here ever waits.
 *
 * Typical use:
 *	struct sim *sim = sim_new(1);
 *	struct sim_server *server = sim_add_server(sim, "mirror-a", 80);
 *	sim_file(server, "/repo/metadata/root.json", root, root_len);
 *	cb_fetch_new(sim_platform(sim), &fetch); ... step; sim_sleep(sim, wake_ms); step ...
 *	sim_free(sim);		// asserts nothing; ask sim_live_allocations() before
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "core/event.h"
#include "core/platform.h"

struct sim;
struct sim_server;

struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);
/* Valid until sim_free. platform.ctx, net.ctx, ... all are the sim. */
const struct cb_platform *sim_platform(struct sim *sim);

/* ---- Clock: milliseconds, starts at 1,000 ---- */
uint64_t sim_now(const struct sim *sim);
/* Sets the virtual clock forward to ms (never back). */
void sim_advance_to(struct sim *sim, uint64_t ms);
/* The next time at which something happens in the network by itself; UINT64_MAX: never. */
uint64_t sim_next_event(const struct sim *sim);
/* Forward to the earliest of wake_ms, the network's next event and the end of a worker's work (at
 * least 1 ms, so that a loop ends); false, clock untouched, when all are UINT64_MAX: nothing would
 * ever happen again. */
bool sim_sleep(struct sim *sim, uint64_t wake_ms);

enum sim_status { SIM_AGAIN, SIM_IDLE, SIM_DONE };
/*
 * Calls step until it returns SIM_DONE (true), virtual time passes deadline_ms, or nothing can happen
 * any more (false: a hang). SIM_AGAIN: call again at once; SIM_IDLE: sleep until *wake_ms or traffic.
 * Many SIM_AGAIN in a row without the clock moving count as a hang too.
 */
bool sim_run_until(struct sim *sim, enum sim_status (*step)(void *ctx, uint64_t *wake_ms),
		   void *ctx, uint64_t deadline_ms);
/* Unix time of the machine's clock at the current virtual time; default 2026-07-01 00:00:00 UTC at
 * start. has_clock false: wall_clock answers CB_FIRMWARE. */
void sim_set_wall_clock(struct sim *sim, bool has_clock, int64_t unix_s);

/* ---- Servers ---- */

/* A server that listens as host:port (host lower case, as cb_endpoint has it). */
struct sim_server *sim_add_server(struct sim *sim, const char *host, uint16_t port);
/* Offers a copy of bytes under an absolute path without query; replaces an older one. */
void sim_file(struct sim_server *server, const char *path, const void *bytes, size_t len);
/* Every file of another server (a mirror's copy). */
void sim_copy_files(struct sim_server *to, const struct sim_server *from);
/* Takes a file away: 404. False when there was none. */
bool sim_remove_file(struct sim_server *server, const char *path);
/* Flips a bit of the file at byte `at` (modulo its length). False when there is none. */
bool sim_flip(struct sim_server *server, const char *path, size_t at, unsigned bit);
/* The bytes of a file, or an empty span. Valid until the file is replaced or removed. */
struct cb_bytes sim_file_bytes(const struct sim_server *server, const char *path);
/* The path of the i-th file, in the order they were added; NULL past the end. */
const char *sim_file_path(const struct sim_server *server, unsigned i);
/* This path always answers with that status and an empty body (0: normal again). */
void sim_file_status(struct sim_server *server, const char *path, unsigned status);

/* Where a server stops answering for good. */
enum sim_hang {
	SIM_HANG_NEVER,
	SIM_HANG_CONNECT, /* no connection is ever completed */
	SIM_HANG_ACCEPT, /* accepts, answers nothing */
	SIM_HANG_HEAD, /* half of the head */
	SIM_HANG_BODY, /* half of the body */
};

/* What a server does wrong; all zero is a good HTTP/1.1 server without delay. May be changed at any
 * time through sim_behaviour(); counts are over the server's life. */
struct sim_behaviour {
	uint32_t latency_ms; /* one way */
	uint32_t rate_bytes_ms; /* of each connection; 0: no limit (12,500 is 100 Mbit/s) */
	uint32_t
		wears_after; /* answers after which a connection has a tenth of the rate; 0: never */
	uint32_t drip_ms; /* one byte each drip_ms, instead of rate */
	bool refuses; /* every connection */
	bool has_no_name; /* the name does not resolve */
	uint32_t refuse_first; /* the first n connections */
	uint32_t flap_ms; /* refuses and resets in every other period of so long */
	uint32_t max_connections; /* refuses more at once; 0: any number */
	enum sim_hang hang;
	uint32_t hang_after; /* answers before it hangs */
	uint32_t close_after; /* closes after n answers on a connection, silently; 0: never */
	bool says_close; /* the last of close_after answers says Connection: close */
	bool ignores_pipelined; /* drops requests that came while it was still answering */
	bool is_http10; /* HTTP/1.0 without keep-alive: closes after each answer */
	bool is_chunked; /* Transfer-Encoding: chunked, with some trailers */
	bool is_until_close; /* no Content-Length, body ends with the connection */
	uint32_t reset_first; /* resets the connection in mid-body, for the first n answers */
	bool resets_always; /* the same for all answers */
	bool closes_at_once; /* accepts and closes */
	unsigned status; /* instead of 200 for everything; 0: normal */
	uint32_t status_first; /* only for the first n answers; 0: all */
	uint32_t retry_after_s; /* with status: Retry-After; 0: none */
	bool is_portal; /* captive portal: 200 and a page of HTML for everything */
	bool is_portal_redirect; /* captive portal: 302 to http://portal/login */
	int32_t length_delta; /* added to Content-Length */
	bool flips_all; /* a bit of every body, always */
	uint32_t flips_first; /* a bit of the first n bodies */
	bool flips_cached; /* a bit of each body, unless the request says no-cache */
	bool truncates; /* sends half of the body and closes cleanly */
	unsigned redirect_status; /* 301, 302, 303, 307, 308: redirects everything */
	const char *redirect_to; /* to this prefix + path (borrowed); NULL: to itself */
	const char *extra_field; /* "Name: value\r\n" in every head (borrowed); NULL: none */
	bool is_garbage; /* answers are random bytes */
	bool is_endless; /* body never ends (until-close, 1 MiB then hang) */
};
struct sim_behaviour *sim_behaviour(struct sim_server *server);

/*
 * Full control: answers one request (NUL-terminated head) with raw bytes in out[max]; returns how
 * many. Replaces files; connection handling of the behaviour (latency, rate, resets) still applies.
 */
typedef size_t (*sim_handler)(void *ctx, const char *request, uint8_t *out, size_t max);
#define SIM_HANDLER_MAX (256u * 1024)
void sim_set_handler(struct sim_server *server, sim_handler handler, void *ctx);

/* Requests that reached the server: all, and those whose path (query cut off) is path. */
unsigned sim_n_requests(const struct sim_server *server);
unsigned sim_n_requests_for(const struct sim_server *server, const char *path);
unsigned sim_n_connections(const struct sim_server *server); /* accepted so far */
unsigned sim_max_connections(const struct sim_server *server); /* most at once */
unsigned sim_max_pipelined(const struct sim_server *server); /* most requests waiting on one */
uint64_t sim_body_bytes(const struct sim_server *server); /* sent in bodies of status 200 */
/* The head of the newest request, "" before the first. */
const char *sim_last_request(const struct sim_server *server);

/* The client sees received bytes in pieces of 1..max bytes (seeded); 0: whole (default). */
void sim_split_reads(struct sim *sim, size_t max);
/* All connections together share a line of so many bytes a millisecond; 0: no limit (default). */
void sim_limit_line(struct sim *sim, uint32_t rate_bytes_ms);
/* While cut, nothing gets through in either direction; connections stay. */
void sim_cut_link(struct sim *sim, bool is_cut);

/* Resets the connections that a server has now; what was on its way is lost. */
void sim_reset_connections(struct sim_server *server);

/* ---- Faults of the machine ---- */

/* The n-th allocation from now on (1: the next) fails; with is_forever all later ones too. 0: none. */
void sim_fail_alloc(struct sim *sim, uint64_t n, bool is_forever);
uint64_t sim_n_allocations(const struct sim *sim); /* calls so far */
uint64_t sim_live_allocations(const struct sim *sim); /* not freed yet */
uint64_t sim_live_bytes(const struct sim *sim);
uint64_t sim_peak_bytes(const struct sim *sim);
/* What free_memory answers (default 4 GiB; 0: unknown). */
void sim_set_free_memory(struct sim *sim, uint64_t bytes);
/* The machine has so many bytes in all: allocations fail beyond, free_memory answers what is left. */
void sim_set_memory(struct sim *sim, uint64_t bytes);
unsigned sim_open_streams(const struct sim *sim); /* opened and not closed by the client */

/* The n-th access of a variable from now on fails with CB_VARIABLE; 0: none. */
void sim_fail_vars(struct sim *sim, uint64_t n, bool is_forever);
uint64_t sim_n_var_writes(const struct sim *sim);
/* Sets (or with len 0 deletes) a variable behind the machine's back. */
void sim_set_var(struct sim *sim, const char *name, const void *bytes, size_t len);

/* From now on that variable is one that the operating system can reach: reading it answers
 * CB_STATE_FOREIGN, once, and removes it. */
void sim_plant_var(struct sim *sim, const char *name);

/* The machine has this block device from now on; ctx NULL: none, as at the start. */
void sim_set_block(struct sim *sim, const struct cb_block *block);

/* random answers CB_ENTROPY. */
void sim_fail_random(struct sim *sim, bool fails);
/* The simulator's own seeded numbers, for tests. */
uint64_t sim_random(struct sim *sim);

/* ---- Other processors ---- */

#define SIM_MAX_WORK 8 /* submitted and not done; submit answers false then */
/*
 * n other processors (0, as at the start: none; at most 4), each with one piece of work at a time,
 * which takes work_ms of virtual time and runs, all of it, when that is over; at the latest in drain.
 * While it runs, any call of the platform ends the test: another processor may not make one.
 */
void sim_set_workers(struct sim *sim, unsigned n, uint32_t work_ms);
uint64_t sim_n_submitted(const struct sim *sim); /* since sim_set_workers */
unsigned sim_n_waiting(const struct sim *sim); /* submitted and not done yet */

/* ---- Events ---- */

/* Called for each event, after it was recorded; may be NULL. */
void sim_on_event(struct sim *sim, void (*fn)(void *ctx, const struct cb_event *event), void *ctx);
unsigned sim_n_events(const struct sim *sim, enum cb_event_kind kind);
/* Stage of the newest event. */
enum cb_stage sim_stage(const struct sim *sim);
/* Error and subject of the newest ERROR, REFUSED or NOTICE; CB_OK and "" before the first. */
enum cb_err sim_last_err(const struct sim *sim, enum cb_event_kind kind);
const char *sim_last_subject(const struct sim *sim, enum cb_event_kind kind);
/* Of all events so far with their times: equal for equal runs. */
uint64_t sim_digest(const struct sim *sim);
/* True when a NOTICE with this err was seen. */
bool sim_saw_notice(const struct sim *sim, enum cb_err err);

#endif
