/* SPDX-License-Identifier: MIT */
/* A byte stream's inside, shared by stream.c (use) and connect.c (opening). */
#ifndef CB_NET_STREAM_H
#define CB_NET_STREAM_H

#include "lwip/tcp.h"
#include "net/net_private.h"

enum cb_attempt_state {
	CB_ATTEMPT_NONE, /* the family has no address yet, or no DNS server */
	CB_ATTEMPT_LOOKUP,
	CB_ATTEMPT_READY, /* address known */
	CB_ATTEMPT_RUNNING,
	CB_ATTEMPT_FAILED,
};

/* A try to reach the host over one family. */
struct cb_attempt {
	struct cb_stream *stream;
	enum cb_attempt_state state;
	bool was_tried; /* to connect */
	bool is_unknown; /* the name has no address of this family, as far as DNS says */
	ip_addr_t address;
	uint64_t since_ms; /* of READY or RUNNING */
	struct tcp_pcb *pcb; /* of RUNNING */
};

struct cb_stream {
	struct cb_stream *next;
	uint32_t id; /* names it in DNS callbacks, which may come after close */
	struct cb_endpoint to;
	enum cb_stream_state state;
	enum cb_err why; /* of FAILED */
	struct cb_attempt attempts[CB_N_FAMILIES]; /* while it is CONNECTING */
	struct tcp_pcb *pcb; /* NULL: connecting, or gone */
	struct pbuf *head, *tail; /* received, not consumed; linked by next only */
	size_t offset; /* consumed bytes of head */
	uint32_t n_consumed; /* bytes that the peer has not been told of */
	uint32_t limit; /* most bytes to have under way; 0: the whole window */
	bool has_output; /* written since the last flush */
};

/* connect.c: starts to connect. */
void cb_stream_connect(struct cb_stream *s, uint64_t now_ms);
/* Goes on; returns when it wants to be called again. On failure the stream is FAILED. */
uint64_t cb_stream_connect_step(struct cb_stream *s, uint64_t now_ms);
/* Connecting, and no address is known yet. */
bool cb_stream_waits_for_name(const struct cb_stream *s);
/* Ends all attempts. */
void cb_stream_connect_cancel(struct cb_stream *s);

/* stream.c */
void cb_stream_fail(struct cb_stream *s, enum cb_err why);
/* Takes over a connection that is open. */
void cb_stream_opened(struct cb_stream *s, struct tcp_pcb *pcb);
/* Callbacks off, so that nothing of the connection reaches a stream any more. */
void cb_stream_detach(struct tcp_pcb *pcb);

#endif
