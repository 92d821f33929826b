/* SPDX-License-Identifier: MIT */
/* A hostile machine on the simulated local network, and the list of what it does. */
#ifndef TESTS_SIM_HOSTILE_H
#define TESTS_SIM_HOSTILE_H

#include "sim_frames.h"

/*
 * It sees all that the machine sends, before the router does, and what it says at once arrives before
 * the router's answer. It can't hold frames back, other than by making the machine send them to its own
 * hardware address; what comes there it may pass on.
 */

/* The network that it is on. */
enum sim_lan { SIM_LAN4, SIM_LAN6, SIM_LAN_DHCP6, SIM_LAN_BOTH };

/* What may come of it. */
enum sim_claim {
	SIM_MUST_BOOT, /* it makes noise: no error screen */
	SIM_MAY_FAIL, /* it speaks for DHCP, ARP, DNS or a router: a code of the network is right */
	SIM_MAY_LIE, /* it speaks for the mirrors: codes for what they say are right, too */
};

/* Which frames of the machine's it looks at. */
enum sim_sight {
	SIM_SEES_NOTHING,
	SIM_SEES_DHCP,
	SIM_SEES_DNS,
	SIM_SEES_DHCP6,
	SIM_SEES_TCP,
	SIM_SEES_ARP,
	SIM_SEES_ICMP6,
	SIM_SEES_DIVERTED, /* what was sent to its own hardware address */
};

struct sim_hostile;

struct sim_seen {
	const uint8_t *frame;
	size_t len;
	struct sim_packet packet; /* l4 NULL: an ARP frame, or nothing sound */
};

struct sim_attack {
	const char *name;
	enum sim_lan lan;
	enum sim_claim claim;
	unsigned kind; /* what the functions are to do, where they serve for several attacks */
	enum sim_sight sees;
	void (*see)(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen);
	uint32_t every_us; /* 0: it does nothing by itself */
	void (*tick)(struct sim_hostile *h, unsigned kind);
	unsigned max_ticks; /* then it falls silent; 0: never */
	uint32_t
		typing_ms; /* the person lets that much time pass, for what takes long; 0: little */
	bool is_slow; /* what it says comes after the router's answer */
};

struct sim_hostile {
	struct sim_frames *net;
	const struct sim_attack *attack;
	uint64_t start_us, next_us, random_state;
	uint64_t n_ticks, n_sent; /* frames */
	uint8_t tcp[SIM_FRAME_MAX]; /* the machine's newest TCP segment with ACK, as a frame */
	size_t tcp_len; /* 0: none yet */
	uint8_t dhcp[SIM_FRAME_MAX]; /* its newest DHCP message, without headers */
	size_t dhcp_len;
	uint64_t dhcp_us; /* seen then */
	uint8_t dns[SIM_FRAME_MAX]; /* its newest DNS question, as a frame */
	size_t dns_len;
	uint64_t dns_us; /* seen then */
};

/* From so many microseconds from now on. Replaces an attack that is under way; NULL: it leaves. */
void sim_attack(struct sim *sim, const struct sim_attack *attack, uint64_t after_us);
/* Frames that it has sent so far. */
uint64_t sim_attack_frames(const struct sim *sim);

/* ---- For sim_frames.c ---- */
void sim_hostile_see(struct sim_frames *net, const uint8_t *frame, size_t len);
uint64_t sim_hostile_next(const struct sim_frames *net);
void sim_hostile_turn(struct sim_frames *net);

/* ---- For those that say what it does ---- */

/* Its own addresses, and the machine's. */
extern const uint8_t sim_hostile_mac[6], sim_hostile_ip[4], sim_hostile_link[16],
	sim_hostile_ip6[16];
extern const uint8_t sim_machine_ip[4], sim_machine_link[16], sim_machine_ip6[16];

uint64_t sim_hostile_random(struct sim_hostile *h, uint64_t n);
/* So long after a question the router's answer has come. */
uint64_t sim_hostile_late_us(const struct sim_hostile *h);
void sim_hostile_fill(struct sim_hostile *h, uint8_t *p, size_t len);
/* To the machine; is_slow and the line's delay make it late. */
void sim_hostile_send(struct sim_hostile *h, const uint8_t *frame, size_t len);
/* The same in a datagram back to where that came from; from: the sender's address, of the same family. */
void sim_hostile_answer(struct sim_hostile *h, const struct sim_packet *to, const uint8_t *from,
			const struct packet_data *data);
void sim_hostile_send6(struct sim_hostile *h, const struct packet6 *p);
/* The address of the web server that it runs, where the test has added one with the host "evil". */
void sim_hostile_server(const struct sim_hostile *h, bool is_ipv6, uint8_t out[16]);

struct sim_attacks {
	const struct sim_attack *list;
	unsigned n;
};
extern const struct sim_attacks sim_attacks_dhcp, sim_attacks_dns, sim_attacks_arp,
	sim_attacks_icmp, sim_attacks_frames, sim_attacks_tcp, sim_attacks_nd, sim_attacks_ip6,
	sim_attacks_dhcp6;

#endif
