/* SPDX-License-Identifier: MIT */
/* IPv6 frames on the wire of wire.h: a router, a peer, and what they say. */
#ifndef TESTS_UNIT_WIRE6_H
#define TESTS_UNIT_WIRE6_H

#include "wire.h"

#define WIRE6_PORT 8080 /* of the peer */

/* The stack's addresses follow from its hardware address 02:00:00:00:00:0a. */
extern const uint8_t wire6_our_link[16], wire6_our_ip[16], wire6_router[16], wire6_peer_ip[16];

void wire6_give(const struct packet6 *p, size_t sum_at);
/* With the check sum put right; then polls. */
void wire6_give_icmp(const struct packet6 *p);
/* A router advertisement without options but the hardware address. */
struct packet6 wire6_advert(uint8_t flags, uint16_t lifetime_s);
/* A /64 whose first byte is this, for addresses and on the link. */
void wire6_add_prefix(struct packet6 *p, uint8_t first, uint32_t valid_s);
void wire6_add_dns(struct packet6 *p, uint32_t lifetime_s);
/* SLAAC with a DNS server. */
void wire6_give_advert(void);
/* What the stack sent last of a protocol, ICMPv6 of a type (-1: any); NULL when nothing. */
const uint8_t *wire6_sent(uint8_t next, int type);
/* Answers the last neighbour solicitation if it is for that address. */
void wire6_answer_neighbour(const uint8_t *target);
/* Opens a stream to WIRE6_PORT; then polls. */
struct cb_stream *wire6_open_stream(const char *host);
/* A segment back to the sender of this one. */
void wire6_answer_tcp(const uint8_t *segment, uint8_t flags);
struct cb_net_info wire6_info(void);
/* The question of a type (28: AAAA, 1: A) that went to port 53 over IPv6; NULL: none. */
const uint8_t *wire6_question(unsigned type);
/* Answers it with an address; NULL: with none. */
void wire6_answer_question(const uint8_t *q, const uint8_t *address);

#endif
