/* SPDX-License-Identifier: MIT */
/* What the files of the simulated network of frames share. */
#ifndef TESTS_SIM_FRAMES_H
#define TESTS_SIM_FRAMES_H

#include "packet.h"
#include "sim_internal.h"
#include "sim_link.h"

#define SIM_ETHERNET_LEN 14
#define SIM_L4_AT PACKET6_AT /* in a buffer: in front is room for the longer headers */
#define SIM_FRAME_MAX 1536
#define SIM_SEGMENT_MAX 1460
#define SIM_TCP_MAX_PIECES 64 /* received out of order */
#define SIM_TCP_MAX_SACKS 4

enum sim_direction { SIM_UP, SIM_DOWN };

/* A packet as it is in a frame; addresses of IPv4 are the first four bytes. */
struct sim_packet {
	bool is_ipv6;
	uint8_t protocol;
	uint8_t from[16], to[16];
	const uint8_t *l4; /* what the IP header carries */
	size_t len;
};

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
	bool is_ipv6;
	uint8_t client_ip[16], server_ip[16];
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
	struct sim_hostile *hostile; /* sim_hostile.h; NULL: all are friendly */
	/* Bring-up. */
	bool is_started, is_up;
	uint64_t give_up_ms, check_link_ms;
	struct sim_link_stats stats;
};

/* ---- sim_wire.c: headers and checksums ---- */
/* True when the frame is a whole packet with right check sums. */
bool sim_parse(const uint8_t *frame, size_t len, struct sim_packet *ret);
/* Sends n bytes at buffer + SIM_L4_AT to the machine, from and to as head says, check sum at sum_at. */
void sim_packet_send(struct sim_frames *net, uint8_t *buffer, const struct sim_packet *head,
		     size_t n, size_t sum_at);
/* Sets the TCP checksum of a frame anew. */
void sim_mend_tcp(uint8_t *frame, size_t len);

/* ---- sim_link.c: the line ---- */
uint64_t sim_line_random(struct sim_frames *net);
void sim_line_send(struct sim_frames *net, enum sim_direction direction, const uint8_t *frame,
		   size_t len);
/* To the machine, later by delay_us than the line is; past its faults and its queue. */
void sim_line_inject(struct sim_frames *net, const uint8_t *frame, size_t len, uint64_t delay_us);
/* When the next frame arrives; UINT64_MAX: none is on its way. */
uint64_t sim_line_next(const struct sim_frames *net);
/* Takes that frame; the caller frees its bytes. */
struct sim_flight sim_line_take(struct sim_frames *net);
/* Works at that time? */
bool sim_line_works(const struct sim_frames *net, uint64_t at_us);

/* ---- sim_lan.c, sim_lan6.c, sim_lan_dns.c: who answers ---- */
extern const uint8_t sim_router_ip[4]; /* it is DHCP and DNS server, too */
extern const uint8_t sim_router_link[16], sim_router_ip6[16];
/* What the machine sends: only what goes to the router or to all is seen. */
void sim_lan_input(struct sim_frames *net, const uint8_t *frame, size_t len);
/* A datagram of len bytes at buffer + SIM_L4_AT + 8, back to where that one came from. */
void sim_answer_udp(struct sim_frames *net, uint8_t *buffer, const struct sim_packet *to,
		    const uint8_t *from, size_t len);
/* IPv6 of the local network: advertisements, neighbours, DHCPv6. */
void sim_lan6_input(struct sim_frames *net, const struct sim_packet *packet);
void sim_dns_input(struct sim_frames *net, const struct sim_packet *packet);
/* The address of the i-th server. */
void sim_server_address(unsigned i, bool is_ipv6, uint8_t out[16]);

/* ---- sim_tcp.c, sim_tcp_send.c ---- */
/* A TCP packet for a server's address; server NULL: nobody is there. */
void sim_tcp_input(struct sim_frames *net, struct sim_server *server,
		   const struct sim_packet *packet);
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
