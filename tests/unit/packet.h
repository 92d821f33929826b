/* SPDX-License-Identifier: MIT */
/* Frames put together by hand, for tests of the network stack and for the simulator. */
#ifndef TESTS_UNIT_PACKET_H
#define TESTS_UNIT_PACKET_H

#include "core/bytes.h"

#define PACKET_TCP 6
#define PACKET_UDP 17
#define PACKET_ICMP6 58
#define PACKET4_AT 34 /* where what IPv4 carries begins in a frame */
#define PACKET6_AT 54 /* the same of IPv6 */
#define PACKET_ARP_LEN 60

/* The machine's hardware address, and that of a router or peer. */
extern const uint8_t packet_our_mac[6], packet_peer_mac[6];

/* RFC 1071, word by word, as the reference for the stack's. */
uint32_t packet_sum16(const uint8_t *p, size_t len, uint32_t sum);
void packet_put16(uint8_t *p, uint32_t v);
void packet_put32(uint8_t *p, uint32_t v);
uint32_t packet_get16(const uint8_t *p);
uint32_t packet_get32(const uint8_t *p);

/* A message that grows; what is too long for it is cut. */
struct packet_data {
	uint8_t bytes[2048];
	size_t len;
};
void packet_add(struct packet_data *d, const void *bytes, size_t len);
void packet_add16(struct packet_data *d, uint32_t v);
void packet_add32(struct packet_data *d, uint32_t v);

/* ---- IPv4 ---- */

/* To the machine: "ip is at mac". operation: 1 asks, 2 answers. Returns PACKET_ARP_LEN. */
size_t packet_arp(uint8_t *f, unsigned operation, const uint8_t mac[6], const uint8_t ip[4],
		  const uint8_t to_ip[4]);
/*
 * Ethernet and IPv4 headers around n bytes at f + PACKET4_AT, from peer to machine, with their check
 * sum at sum_at in these (0: none). Returns the frame's length.
 */
size_t packet4_wrap(uint8_t *f, uint8_t protocol, const uint8_t from[4], const uint8_t to[4],
		    size_t n, size_t sum_at);
struct packet4_udp {
	const uint8_t *from, *to;
	unsigned from_port, to_port;
};
size_t packet4_udp(uint8_t *f, const struct packet4_udp *ends, const void *data, size_t len);

#define PACKET_DHCP_OPTIONS 240 /* where they begin in a DHCP message */
#define PACKET_DHCP_OFFER 2
#define PACKET_DHCP_ACK 5
#define PACKET_DHCP_NAK 6
/* The head of an answer to a DHCP message: an address for the machine, type and server. */
void packet_dhcp(struct packet_data *d, const uint8_t *question, uint8_t type,
		 const uint8_t server[4], const uint8_t yours[4]);
/* Appends an option. */
void packet_dhcp_option(struct packet_data *d, unsigned code, const void *bytes, size_t len);

/* ---- IPv6 ---- */

struct packet6_ends {
	uint8_t next, hop_limit;
	const uint8_t *from, *to;
};
/* Headers around n bytes at f + PACKET6_AT, from peer to machine or to all; sum_at as above. */
size_t packet6_wrap(uint8_t *f, const struct packet6_ends *ends, size_t n, size_t sum_at);

struct packet6 {
	uint8_t next, hop_limit;
	const uint8_t *from, *to;
	uint8_t payload[1460];
	size_t len;
};

extern const uint8_t packet6_all_nodes[16];

/* The frame; sum_at: where the check sum goes in the payload, 0: nowhere. Returns its length. */
size_t packet6_frame(const struct packet6 *p, size_t sum_at, uint8_t *f);
/* Appends to the payload. */
void packet6_add(struct packet6 *p, const void *bytes, size_t len);
/* A router advertisement to all, without options but the router's hardware address. */
struct packet6 packet6_advert(const uint8_t from[16], uint8_t flags, uint16_t lifetime_s);
/* A /64; flags: 0x80 on the link, 0x40 for addresses. */
void packet6_add_prefix(struct packet6 *p, const uint8_t prefix[16], uint8_t flags,
			uint32_t valid_s);
void packet6_add_dns(struct packet6 *p, const uint8_t server[16], uint32_t lifetime_s);
/* A neighbour advertisement: "target is at mac"; flags: 0x80 router, 0x40 asked for, 0x20 override. */
struct packet6 packet6_neighbour(const uint8_t target[16], const uint8_t to[16], uint8_t flags,
				 const uint8_t mac[6]);

/* The head of a DHCPv6 message, and an option. */
void packet_dhcp6(struct packet_data *d, unsigned type, uint32_t transaction);
void packet_dhcp6_option(struct packet_data *d, unsigned code, const void *bytes, size_t len);
/* The content of an option of a whole message; p NULL: it has none. */
struct cb_bytes packet_dhcp6_find(struct cb_bytes message, unsigned code);

#endif
