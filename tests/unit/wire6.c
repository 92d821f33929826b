/* SPDX-License-Identifier: MIT */
/* IPv6 frames on the wire of wire.h: a router, a peer, and what they say. */
#include "wire6.h"

#include <string.h>

const uint8_t wire6_our_link[16] = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 0x0a };
const uint8_t wire6_our_ip[16] = { 0xfd, [11] = 0xff, 0xfe, 0, 0, 0x0a };
const uint8_t wire6_router[16] = { 0xfe, 0x80, [15] = 1 };
const uint8_t wire6_peer_ip[16] = { 0xfd, [15] = 1 };
const uint8_t wire6_all_nodes[16] = { 0xff, 2, [15] = 1 };

size_t wire6_frame_of(const struct wire6_packet *p, size_t sum_at, uint8_t *f)
{
	memset(f, 0, 54);
	memcpy(f, wire_our_mac, 6);
	if (p->to[0] == 0xff) {
		f[0] = f[1] = 0x33;
		memcpy(f + 2, p->to + 12, 4);
	}
	memcpy(f + 6, wire_peer_mac, 6);
	wire_put16(f + 12, 0x86dd);
	f[14] = 0x60;
	wire_put16(f + 18, (uint32_t)p->len);
	f[20] = p->next;
	f[21] = p->hop_limit;
	memcpy(f + 22, p->from, 16);
	memcpy(f + 38, p->to, 16);
	memcpy(f + 54, p->payload, p->len);
	if (sum_at) {
		uint32_t sum = wire_sum16(f + 22, 32, p->next + (uint32_t)p->len);

		wire_put16(f + 54 + sum_at, 0);
		sum = ~wire_sum16(f + 54, p->len, sum) & 0xffff;
		wire_put16(f + 54 + sum_at, sum ? sum : 0xffff);
	}
	return 54 + p->len;
}

void wire6_give(const struct wire6_packet *p, size_t sum_at)
{
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = wire6_frame_of(p, sum_at, f);

	assert_true(wire_give(f, len));
}

void wire6_give_icmp(const struct wire6_packet *p)
{
	wire6_give(p, 2);
	wire_poll(0);
}

void wire6_add(struct wire6_packet *p, const void *bytes, size_t len)
{
	memcpy(p->payload + p->len, bytes, len);
	p->len += len;
}

struct wire6_packet wire6_advert(uint8_t flags, uint16_t lifetime_s)
{
	struct wire6_packet p = {
		.next = WIRE6_ICMP, .hop_limit = 255, .from = wire6_router, .to = wire6_all_nodes
	};

	p.payload[0] = 134;
	p.payload[4] = 64;
	p.payload[5] = flags;
	wire_put16(p.payload + 6, lifetime_s);
	p.len = 16;
	wire6_add(&p, "\1\1\2\0\0\0\0\1", 8); /* the wire6_router's hardware address */
	return p;
}

void wire6_add_prefix(struct wire6_packet *p, uint8_t first, uint32_t valid_s)
{
	uint8_t option[32] = { 3, 4, 64, 0xc0 };

	wire_put32(option + 4, valid_s);
	wire_put32(option + 8, valid_s);
	option[16] = first;
	wire6_add(p, option, sizeof(option));
}

void wire6_add_dns(struct wire6_packet *p, uint32_t lifetime_s)
{
	uint8_t option[24] = { 25, 3 };

	wire_put32(option + 4, lifetime_s);
	memcpy(option + 8, wire6_peer_ip, 16);
	wire6_add(p, option, sizeof(option));
}

void wire6_give_advert(void)
{
	struct wire6_packet p = wire6_advert(0, 1800);

	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_add_dns(&p, 600);
	wire6_give_icmp(&p);
}

const uint8_t *wire6_sent(uint8_t next, int type)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];

		if (wire_get16(f + 12) == 0x86dd && f[20] == next && (type < 0 || f[54] == type))
			return f;
	}
	return NULL;
}

void wire6_answer_neighbour(const uint8_t *target)
{
	struct wire6_packet p = { .next = WIRE6_ICMP, .hop_limit = 255, .from = target };
	const uint8_t *ns = wire6_sent(WIRE6_ICMP, 135);

	if (!ns || memcmp(ns + 62, target, 16) != 0)
		return;
	p.to = ns + 22;
	p.payload[0] = 136;
	p.payload[4] = 0x60;
	memcpy(p.payload + 8, target, 16);
	p.len = 24;
	wire6_add(&p, "\2\1\2\0\0\0\0\1", 8);
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
	struct wire6_packet p = {
		.next = WIRE6_TCP, .hop_limit = 64, .from = wire6_peer_ip, .to = segment + 22
	};

	memcpy(p.payload, segment + 56, 2);
	memcpy(p.payload + 2, segment + 54, 2);
	wire_put32(p.payload + 8, wire_get32(segment + 58) + 1);
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

		if (wire_get16(f + 12) == 0x86dd && f[20] == WIRE6_UDP &&
		    wire_get16(f + 56) == 53 && wire_get16(f + len - 4) == type)
			return f;
	}
	return NULL;
}

void wire6_answer_question(const uint8_t *q, const uint8_t *address)
{
	struct wire6_packet p = {
		.next = WIRE6_UDP, .hop_limit = 64, .from = wire6_peer_ip, .to = q + 22
	};
	unsigned q_len = wire_get16(q + 58) - 8, type = wire_get16(q + 54 + 8 + q_len - 4);
	uint8_t record[12] = { 0xc0, 0x0c, 0, (uint8_t)type,	 0, 1, 0, 0,
			       0,    60,   0, type == 1 ? 4 : 16 };

	memcpy(p.payload, q + 56, 2);
	memcpy(p.payload + 2, q + 54, 2);
	p.len = 8;
	wire6_add(&p, q + 62, q_len);
	wire_put16(p.payload + 10, 0x8180);
	wire_put16(p.payload + 14, address ? 1 : 0);
	if (address) {
		wire6_add(&p, record, sizeof(record));
		wire6_add(&p, address, type == 1 ? 4 : 16);
	}
	wire_put16(p.payload + 4, (uint32_t)p.len);
	wire6_give(&p, 6);
	wire_poll(0);
}
