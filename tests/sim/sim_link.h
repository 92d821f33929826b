/* SPDX-License-Identifier: MIT */
/* The simulator's network of frames: lwIP on one side, TCP servers on the other, a bad line between. */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include "sim.h"

/* One direction of the line. Chances are in parts per million, of each frame by itself. */
struct sim_path {
	uint32_t delay_us; /* one way */
	uint32_t rate_bytes_ms; /* 0: no limit (12,500 is 100 Mbit/s) */
	uint32_t queue_bytes; /* in front of the rate; more is dropped. 0: no limit */
	uint32_t loss_ppm;
	uint32_t duplicate_ppm;
	uint32_t reorder_ppm; /* comes later than those sent after it, up to reorder_us */
	uint32_t reorder_us;
	uint32_t
		corrupt_ppm; /* one to three bits behind the Ethernet header; checksums catch that */
	uint32_t damage_ppm; /* a bit of TCP payload, checksum mended: only hashes catch that */
};

/* All zero but mtu: a perfect line. */
struct sim_link {
	struct sim_path up, down; /* from the machine to the servers; from them to it */
	uint16_t mtu; /* bytes of an IP packet; 0: 1500 */
	bool is_mtu_hidden; /* the servers keep to it, the machine believes in 1500 */
	uint32_t flap_up_ms, flap_down_ms; /* works for, is down for, and so on; 0: always works */
	bool is_carrier; /* the machine sees the cable come and go when it flaps */
	uint32_t window0_ms; /* servers take nothing for so long after a connection stands */
	bool has_no_dhcp, has_no_dns; /* these do not answer */
	const char *near; /* what DHCP says of a mirror nearby (borrowed); NULL: nothing */
	bool has_ipv6; /* beside IPv4: advertised prefix and DNS server, addresses of the servers */
	bool has_dhcp6; /* with has_ipv6: address and DNS server come by DHCPv6 */
};

/*
 * From now on the machine's network is chunkboot/net over this line, in place of streams in memory.
 * The servers and all their behaviours stay as they are; host names are found by DNS. Before the
 * boot machine is made. There is one stack in a process: one sim at a time may use frames.
 * sim_cut_link drops all frames; sim_split_reads has no effect.
 */
void sim_use_frames(struct sim *sim, const struct sim_link *link);
/* Changes the line in mid-run. */
void sim_set_link(struct sim *sim, const struct sim_link *link);
bool sim_has_frames(const struct sim *sim);

/*
 * Brings the network up, as efi/network.c does: starts it when it is off, and waits for an address.
 * False: not yet. True: ready or not, *ret_err says; a later call starts it anew.
 */
bool sim_bring_up(struct sim *sim, enum cb_err *ret_err);
/* The mirror nearby that the network has announced; "": none, or streams in memory are the network. */
const char *sim_near(const struct sim *sim);
/* Was up, and its last address is gone. */
bool sim_has_lost_address(const struct sim *sim);
/* Stops the stack; streams that are open become FAILED. */
void sim_take_down(struct sim *sim);

struct sim_link_stats {
	uint64_t n_frames, n_bytes; /* put on the line, both directions */
	uint64_t n_lost, n_overflowed, n_down; /* by chance; queue full; line down */
	uint64_t n_duplicated, n_reordered, n_corrupted, n_damaged;
	uint64_t n_retransmitted, n_timeouts, n_probes; /* of the servers' TCP */
	unsigned n_connections; /* that the servers hold now */
};
void sim_link_stats(const struct sim *sim, struct sim_link_stats *ret);

#endif
