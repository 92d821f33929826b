/* SPDX-License-Identifier: MIT */
/* IPv6 frames on the wire of wire.h: a router, a peer, and what they say. */
#include "wire6.h"

#include <string.h>

const uint8_t wire6_our_link[16] = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 0x0a };
const uint8_t wire6_our_ip[16] = { 0xfd, [11] = 0xff, 0xfe, 0, 0, 0x0a };
const uint8_t wire6_router[16] = { 0xfe, 0x80, [15] = 1 };
const uint8_t wire6_peer_ip[16] = { 0xfd, [15] = 1 };

void wire6_give(const struct packet6 *p, size_t sum_at)
{
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = packet6_frame(p, sum_at, f);

	assert_true(wire_give(f, len));
}

void wire6_give_icmp(const struct packet6 *p)
{
	wire6_give(p, 2);
	wire_poll(0);
}

struct packet6 wire6_advert(uint8_t flags, uint16_t lifetime_s)
{
	return packet6_advert(wire6_router, flags, lifetime_s);
}

void wire6_add_prefix(struct packet6 *p, uint8_t first, uint32_t valid_s)
{
	uint8_t prefix[16] = { first };

	packet6_add_prefix(p, prefix, 0xc0, valid_s);
}

void wire6_add_dns(struct packet6 *p, uint32_t lifetime_s)
{
	packet6_add_dns(p, wire6_peer_ip, lifetime_s);
}

void wire6_give_advert(void)
{
	struct packet6 p = wire6_advert(0, 1800);

	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_add_dns(&p, 600);
	wire6_give_icmp(&p);
}

const uint8_t *wire6_sent(uint8_t next, int type)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];

		if (packet_get16(f + 12) == 0x86dd && f[20] == next && (type < 0 || f[54] == type))
			return f;
	}
	return NULL;
}

void wire6_answer_neighbour(const uint8_t *target)
{
	const uint8_t *ns = wire6_sent(PACKET_ICMP6, 135);
	struct packet6 p;

	if (!ns || memcmp(ns + 62, target, 16) != 0)
		return;
	p = packet6_neighbour(target, ns + 22, 0x60, packet_peer_mac);
	wire6_give_icmp(&p);
}

struct cb_stream *wire6_open_stream(const char *host)
{
	struct cb_endpoint to = { .port = WIRE6_PORT };
	struct cb_stream *stream = NULL;

	memcpy(to.host, host, strlen(host) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	wire_poll(0);
	return stream;
}

void wire6_answer_tcp(const uint8_t *segment, uint8_t flags)
{
	struct packet6 p = {
		.next = PACKET_TCP, .hop_limit = 64, .from = wire6_peer_ip, .to = segment + 22
	};

	memcpy(p.payload, segment + 56, 2);
	memcpy(p.payload + 2, segment + 54, 2);
	packet_put32(p.payload + 8, packet_get32(segment + 58) + 1);
	p.payload[12] = 0x50;
	p.payload[13] = flags;
	p.payload[14] = 0xff;
	p.len = 20;
	wire6_give(&p, 16);
	wire_poll(0);
}

struct cb_net_info wire6_info(void)
{
	struct cb_net_info got;

	cb_net_info(&got);
	return got;
}

const uint8_t *wire6_question(unsigned type)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];
		size_t len = wire.sent_len[i];

		if (packet_get16(f + 12) == 0x86dd && f[20] == PACKET_UDP &&
		    packet_get16(f + 56) == 53 && packet_get16(f + len - 4) == type)
			return f;
	}
	return NULL;
}

void wire6_answer_question(const uint8_t *q, const uint8_t *address)
{
	struct packet6 p = {
		.next = PACKET_UDP, .hop_limit = 64, .from = wire6_peer_ip, .to = q + 22
	};
	unsigned q_len = packet_get16(q + 58) - 8, type = packet_get16(q + 54 + 8 + q_len - 4);
	uint8_t record[12] = { 0xc0, 0x0c, 0, (uint8_t)type,	 0, 1, 0, 0,
			       0,    60,   0, type == 1 ? 4 : 16 };

	memcpy(p.payload, q + 56, 2);
	memcpy(p.payload + 2, q + 54, 2);
	p.len = 8;
	packet6_add(&p, q + 62, q_len);
	packet_put16(p.payload + 10, 0x8180);
	packet_put16(p.payload + 14, address ? 1 : 0);
	if (address) {
		packet6_add(&p, record, sizeof(record));
		packet6_add(&p, address, type == 1 ? 4 : 16);
	}
	packet_put16(p.payload + 4, (uint32_t)p.len);
	wire6_give(&p, 6);
	wire_poll(0);
}
