/* SPDX-License-Identifier: MIT */
/* What the files of the simulator share. */
#ifndef TESTS_SIM_INTERNAL_H
#define TESTS_SIM_INTERNAL_H

#include "sim.h"

#define SIM_MAX_SERVERS 16
#define SIM_MAX_VARS 16
#define SIM_NAME_MAX 64
#define SIM_SUBJECT_MAX 512
#define SIM_REQUEST_MAX 4096
#define SIM_N_EVENT_KINDS (CB_EVENT_OFFLINE + 1)
#define SIM_N_NOTICES 64
#define SIM_MAX_WORKERS 4

struct sim_entry {
	char *path;
	uint8_t *bytes;
	size_t len;
	unsigned status;
	unsigned n_requests;
	bool is_removed;
};

struct sim_server {
	struct sim *sim;
	char host[CB_HOST_MAX + 1];
	uint16_t port;
	struct sim_behaviour behaviour;
	sim_handler handler;
	void *handler_ctx;
	struct sim_entry *files;
	size_t n_files, max_files;
	unsigned n_attempts, n_connections, n_now, max_now, max_pipelined, n_requests, n_answers;
	unsigned n_bodies;
	uint64_t body_bytes;
	char last_request[SIM_REQUEST_MAX];
};

/* A stretch of the answer stream that starts to arrive at start_ms. */
struct sim_mark {
	size_t at; /* offset of its first byte */
	uint64_t start_ms;
	uint32_t rate_bytes_ms; /* from here on; 0: no limit */
};

struct cb_stream {
	struct sim *sim;
	struct cb_stream *next;
	struct sim_server *server; /* NULL: nobody is there */
	uint64_t open_ms; /* when the connection stands, or fails */
	enum cb_err why; /* CB_OK, or why it fails at open_ms */
	bool is_counted; /* in server->n_now */
	/* Client to server: requests arrive after the latency. */
	uint8_t *in;
	size_t n_in, max_in;
	/* Server to client. */
	uint8_t *out;
	size_t n_out, max_out, n_taken, n_shown;
	struct sim_mark *marks;
	size_t n_marks, max_marks;
	uint64_t busy_until_ms; /* the last byte queued so far has arrived then */
	unsigned n_answers;
	bool is_ended; /* the server closes (or resets) after the last byte of out */
	bool is_reset;
	bool is_deaf; /* answers nothing any more */
};

struct sim_var {
	char name[SIM_NAME_MAX];
	uint8_t bytes[CB_VAR_MAX];
	size_t len;
	bool is_set, is_planted;
};

struct sim_frames; /* sim_frames.h */

struct sim_work {
	struct cb_work *work;
	uint64_t done_ms;
	unsigned worker;
};

struct sim_workers {
	unsigned n;
	uint32_t work_ms;
	uint64_t busy_until_ms[SIM_MAX_WORKERS];
	struct sim_work waiting[SIM_MAX_WORK]; /* in the order in which they will be done */
	unsigned n_waiting;
	uint64_t n_submitted;
	bool is_running; /* the code that runs now is on another processor */
};

struct sim {
	struct cb_platform platform;
	struct sim_workers workers;
	struct sim_frames *frames; /* NULL: streams in memory are the network */
	uint64_t digest; /* of all events */
	uint64_t now_ms, random_state;
	uint32_t line_rate; /* bytes a millisecond; 0: no limit */
	uint64_t line_busy_us;
	uint64_t cut_since_ms, cut_total_ms;
	bool is_cut;
	bool has_clock;
	int64_t clock_offset_s; /* Unix time minus virtual seconds */
	struct sim_server *servers[SIM_MAX_SERVERS];
	unsigned n_servers;
	struct cb_stream *streams;
	size_t split_max;
	uint64_t alloc_fail_at, n_allocs, n_live, live_bytes, peak_bytes, free_memory;
	uint64_t total_memory; /* 0: no end of it, and free_memory is what it is said to be */
	bool alloc_fails_on;
	struct sim_var vars[SIM_MAX_VARS];
	uint64_t var_fail_at, n_var_calls, n_var_writes;
	bool vars_fail_on, random_fails;
	void (*on_event)(void *ctx, const struct cb_event *event);
	void *on_event_ctx;
	unsigned n_events[SIM_N_EVENT_KINDS];
	enum cb_err last_err[SIM_N_EVENT_KINDS];
	char last_subject[SIM_N_EVENT_KINDS][SIM_SUBJECT_MAX];
	enum cb_stage stage;
	enum cb_err notices[SIM_N_NOTICES];
	unsigned n_notices;
};

/* Fills platform.net. */
void sim_net_init(struct sim *sim);
void sim_net_done(struct sim *sim);
/* When the next piece of work is done; UINT64_MAX: none waits. */
uint64_t sim_workers_next(const struct sim *sim);
/* Runs what is done by now. After each move of the clock. */
void sim_workers_run(struct sim *sim);
/* The next time at which a stream in memory has something to say. */
uint64_t sim_streams_next(const struct sim *sim);
/* Queues the answer to one request that is complete in s->in[0..len). */
void sim_server_answer(struct cb_stream *s, const char *request);
void sim_server_free(struct sim_server *server);
/* Where the server hangs by now. */
enum sim_hang sim_server_hang(const struct sim_server *server);
/* In a bad period of flap_ms? */
bool sim_server_is_away(const struct sim_server *server);
/* Appends bytes to the stream's answers. */
void sim_queue(struct cb_stream *s, const void *bytes, size_t len);
/* realloc that ends the process when there is no memory: tests have enough. */
void *sim_grow(void *p, size_t len);

#endif
