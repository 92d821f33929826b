/* SPDX-License-Identifier: MIT */
/* What the files of the simulated network of frames share. */
#ifndef TESTS_SIM_FRAMES_H
#define TESTS_SIM_FRAMES_H

#include "sim_internal.h"
#include "sim_link.h"

#define SIM_ETHERNET_LEN 14
#define SIM_IP_AT 14
#define SIM_L4_AT 34
#define SIM_FRAME_MAX 1514
#define SIM_SEGMENT_MAX 1460
#define SIM_TCP_MAX_PIECES 64 /* received out of order */
#define SIM_TCP_MAX_SACKS 4

enum sim_direction { SIM_UP, SIM_DOWN };

/* A frame on its way. */
struct sim_flight {
	uint64_t at_us, number; /* arrives; same time: in the order they were sent */
	enum sim_direction direction;
	size_t len;
	uint8_t *bytes;
};

/* A stretch of what a server has sent and the client has not acknowledged. */
struct sim_segment {
	uint32_t seq, len; /* a FIN counts as one byte */
	uint64_t sent_us; /* newest time */
	bool is_fin, is_sacked, is_lost, is_resent;
};

struct sim_piece {
	uint32_t seq;
	size_t len;
	uint8_t bytes[SIM_SEGMENT_MAX];
};

enum sim_tcp_state { SIM_TCP_WAITS, SIM_TCP_ANSWERED, SIM_TCP_OPEN, SIM_TCP_DEAD };

/* The server's side of one TCP connection; what is said on it comes from and goes to a stream. */
struct sim_tcp {
	struct sim_tcp *next;
	struct sim_frames *net;
	struct sim_server *server;
	struct cb_stream *relay; /* the connection in memory behind it */
	uint8_t client_ip[4], server_ip[4];
	uint16_t client_port, server_port;
	enum sim_tcp_state state;
	/* Receiving. */
	uint32_t rcv_nxt;
	bool has_client_ended;
	uint64_t takes_from_us; /* window 0 before */
	struct sim_piece *pieces;
	unsigned n_pieces;
	/* Sending: out holds the bytes from snd_una on. */
	uint32_t iss, snd_una, snd_nxt, window, mss;
	unsigned scale;
	bool has_sack, has_scale, is_ended, has_fin;
	uint8_t *out;
	size_t n_out, max_out;
	struct sim_segment *segments;
	size_t n_segments, max_segments;
	/* Congestion (RFC 5681, 6298, 8985; the decrease and slope of RFC 9438). */
	uint32_t cwnd, ssthresh, grown, recover;
	bool is_recovering, has_probed;
	unsigned n_same_acks, n_timeouts;
	uint64_t srtt_us, rttvar_us, min_rtt_us, rto_us;
	uint64_t newest_us; /* when the newest segment that has arrived was sent */
	uint64_t timer_us; /* UINT64_MAX: none */
	uint64_t since_us; /* the retransmission timer runs from here */
};

struct sim_frames {
	struct sim *sim;
	struct sim_link link;
	uint64_t now_us, random_state, n_sent;
	uint64_t line_since_us; /* flapping counts from here */
	uint64_t busy_us[2]; /* of each direction: its queue is empty then */
	struct sim_flight *heap;
	size_t n_heap, max_heap;
	struct sim_tcp *connections;
	struct cb_net streams; /* the servers behind the line */
	uint8_t client_mac[6];
	/* Bring-up. */
	bool is_started, is_up;
	uint64_t give_up_ms, check_link_ms;
	struct sim_link_stats stats;
};

/* ---- sim_wire.c: headers and checksums ---- */
void sim_put16(uint8_t *p, uint32_t v);
void sim_put32(uint8_t *p, uint32_t v);
uint32_t sim_get16(const uint8_t *p);
uint32_t sim_get32(const uint8_t *p);
/* Ethernet and IPv4 headers around n bytes at frame + SIM_L4_AT, and the checksum of these at sum_at. */
size_t sim_wrap(struct sim_frames *net, uint8_t *frame, uint8_t protocol, const uint8_t from[4],
		const uint8_t to[4], size_t n, size_t sum_at);
/* True when the frame is a whole IPv4 packet with right checksums; *ret_len gets its length. */
bool sim_is_sound(const uint8_t *frame, size_t len, size_t *ret_len);
/* Sets the TCP checksum of a frame anew. */
void sim_mend_tcp(uint8_t *frame);

/* ---- sim_link.c: the line ---- */
uint64_t sim_line_random(struct sim_frames *net);
void sim_line_send(struct sim_frames *net, enum sim_direction direction, const uint8_t *frame,
		   size_t len);
/* When the next frame arrives; UINT64_MAX: none is on its way. */
uint64_t sim_line_next(const struct sim_frames *net);
/* Takes that frame; the caller frees its bytes. */
struct sim_flight sim_line_take(struct sim_frames *net);
/* Works at that time? */
bool sim_line_works(const struct sim_frames *net, uint64_t at_us);

/* ---- sim_lan.c: who answers ---- */
void sim_lan_input(struct sim_frames *net, const uint8_t *frame, size_t len);

/* ---- sim_tcp.c, sim_tcp_send.c ---- */
/* A sound TCP packet for a server's address; server NULL: nobody is there. */
void sim_tcp_input(struct sim_frames *net, struct sim_server *server, const uint8_t *frame,
		   size_t len);
/* Moves bytes between the connections and what is behind them, and fires timers that are due. */
void sim_tcp_turn(struct sim_frames *net);
/* When the next timer fires. */
uint64_t sim_tcp_next(const struct sim_frames *net);
void sim_tcp_free_all(struct sim_frames *net);
void sim_tcp_emit(struct sim_tcp *t, unsigned flags, uint32_t seq, const void *data, size_t len);
void sim_tcp_write(struct sim_tcp *t, const void *data, size_t len);
void sim_tcp_acked(struct sim_tcp *t, uint32_t ack, const uint32_t (*sacks)[2], unsigned n_sacks);
void sim_tcp_send(struct sim_tcp *t);
void sim_tcp_timer(struct sim_tcp *t);
void sim_tcp_arm(struct sim_tcp *t);

/* ---- sim_frames.c ---- */
void sim_frames_free(struct sim *sim);
/* Lets everything happen that is due by now. True when the machine got frames. */
bool sim_frames_turn(struct sim *sim);
/* Next time in milliseconds at which something is due. */
uint64_t sim_frames_next(const struct sim *sim);
unsigned sim_frames_open_streams(void);

#endif
