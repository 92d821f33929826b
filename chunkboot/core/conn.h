/* SPDX-License-Identifier: MIT */
/* Inside the fetch engine: one HTTP connection of a mirror. */
#ifndef CB_CORE_CONN_H
#define CB_CORE_CONN_H

#include "core/http.h"
#include "core/source.h"

#define CB_CONN_MAX_ASKS 32
#define CB_CONN_FIRST_DEPTH 4 /* requests outstanding at first; as many more with each answer */
#define CB_CONN_CONNECT_MS 5000u
#define CB_CONN_COMING_MS 250u /* a connection attempt this young is waited for */
#define CB_CONN_SILENT_MS 10000u /* without a byte while requests are outstanding */
#define CB_CONN_UNPIPELINED_MS 2000u /* the same where the server may have dropped pipelined ones */
#define CB_CONN_SLOW_MS 20000u /* with less than CB_CONN_SLOW_BYTES in it: given up */
#define CB_CONN_SLOW_BYTES 5120u
#define CB_CONN_AHEAD_MS 100u /* answers outstanding last so long beyond the path's delay */
#define CB_CONN_WINDOW_START 262144u /* bytes of them, while the rate is not known */
#define CB_CONN_WINDOW_MAX 2097152u
#define CB_CONN_FRESH_BYTES 262144u /* over which a new connection is judged */
#define CB_CONN_WORN_BYTES 524288u /* before a connection may count as worn */
#define CB_CONN_WORN_PERCENT 70u /* of the rate of new ones: less is worn */
#define CB_CONN_LIMIT_ALL 1048576u /* bytes that a mirror has under way at least, when it can */
#define CB_CONN_LIMIT_MIN 65536u /* the same for one connection */
#define CB_CONN_DRAIN_MAX 65536u /* bytes of an unwanted body read to keep the connection */
#define CB_CONN_KEEP_BUFFER (1u << 20) /* larger ones are freed after each item */
#define CB_CONN_OUT_LEN 8192

struct cb_mirror;

enum cb_conn_mode {
	CB_CONN_BETWEEN, /* answers */
	CB_CONN_RECEIVE,
	CB_CONN_DRAIN,
};

/* One connection: requests in order, answers in the same order (RFC 9112 §9.3.2). */
struct cb_conn {
	struct cb_mirror *mirror;
	unsigned number; /* no other connection of the mirror has or had it */
	struct cb_stream *stream;
	struct cb_url url; /* base URL; of a detour the whole URL */
	char authority[CB_URL_AUTHORITY_MAX + 1];
	unsigned generation; /* of the mirror's base that it leads to */
	bool is_open, is_dead, is_detour;
	bool is_retiring; /* gets no more requests, and is closed when the last is answered */
	unsigned n_hops; /* of a detour */
	uint64_t opened_ms, last_byte_ms, slow_since_ms, rate_since_ms;
	uint64_t slow_bytes, rate_bytes;
	uint32_t rate_bytes_ms, rtt_ms; /* smoothed, 0 before; least seen, UINT32_MAX before */
	uint32_t limit; /* bytes under way, as told to the stream; 0: not told */
	uint64_t n_body, fresh_since_ms; /* bytes of bodies received; since the first request */
	bool was_idle; /* since then */
	unsigned n_asked, n_answered;
	struct cb_ask asks[CB_CONN_MAX_ASKS]; /* ring */
	unsigned first, n_asks;
	uint64_t n_expected; /* bytes of outstanding answers */
	bool is_first_sent_alone; /* asks[first] had no other request before it */
	bool is_pipelined; /* the answer that comes in: its request had */
	enum cb_conn_mode mode;
	uint64_t n_drained;
	uint8_t *buf;
	size_t buf_len, n_got;
	enum cb_digest_kind digest;
	struct cb_blake2b blake2b;
	br_sha256_context sha256;
	size_t n_out;
	struct cb_http http;
	uint8_t out[CB_CONN_OUT_LEN];
};

/* Starts to connect to where the mirror is now, or for a detour with its one request to url. */
enum cb_err cb_conn_new(struct cb_mirror *m, const struct cb_url *url, struct cb_conn **ret);
/* Closes; its asks must have been answered. */
void cb_conn_free(struct cb_conn *c);
/* Moves bytes; sets is_dead when the connection is to be freed, its asks answered. */
bool cb_conn_step(struct cb_conn *c, uint32_t *budget, uint64_t *wake_ms);
bool cb_conn_has_room(const struct cb_conn *c);
enum cb_err cb_conn_ask(struct cb_conn *c, const struct cb_ask *ask, const char *path,
			bool is_no_cache);
/* Gives all its asks back, the first with that answer, the others as not answered. */
void cb_conn_end(struct cb_conn *c, enum cb_answer answer, enum cb_err err);
struct cb_ask *cb_conn_ask_at(struct cb_conn *c, unsigned i);

/* Removes the first ask and reports its answer. False when bytes were refused. */
bool cb_conn_answer_first(struct cb_conn *c, enum cb_answer answer, enum cb_err err,
			  struct cb_received *received);
void cb_conn_free_buffer(struct cb_conn *c);
/* conn_answer.c: a part of an answer, as the parser found it; *budget becomes 0 with one that is
 * judged at once. */
void cb_conn_part(struct cb_conn *c, enum cb_http_part part, struct cb_bytes body,
		  uint32_t *budget);
/* conn_pace.c. The first request after none; then each piece of a body. */
void cb_conn_pace_begin(struct cb_conn *c);
void cb_conn_pace_count(struct cb_conn *c, size_t len);
/* Bytes a millisecond: its own, or while that is not known those of its mirror's new ones; 0: unknown. */
uint32_t cb_conn_rate(const struct cb_conn *c);
/* Bytes of answers still to come, and how many of them keep the server busy. */
uint64_t cb_conn_outstanding(const struct cb_conn *c);
uint64_t cb_conn_window(const struct cb_conn *c);
/* Its share of what should be under way; a full queue on the path helps nobody. */
void cb_conn_limit(struct cb_conn *c, uint64_t bytes);
/* Much slower than new ones are. */
bool cb_conn_is_worn(const struct cb_conn *c);
/* conn_redirect.c: the first ask was answered with a redirect. */
void cb_conn_redirect(struct cb_conn *c);

#endif
