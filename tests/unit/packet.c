/* SPDX-License-Identifier: MIT */
/* Frames put together by hand, for tests of the network stack and for the simulator. */
#include "packet.h"

#include <string.h>

const uint8_t packet_our_mac[6] = { 0x02, 0, 0, 0, 0, 0x0a };
const uint8_t packet_peer_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
const uint8_t packet6_all_nodes[16] = { 0xff, 2, [15] = 1 };

uint32_t packet_sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += packet_get16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

void packet_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void packet_put32(uint8_t *p, uint32_t v)
{
	packet_put16(p, v >> 16);
	packet_put16(p + 2, v);
}

uint32_t packet_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

uint32_t packet_get32(const uint8_t *p)
{
	return packet_get16(p) << 16 | packet_get16(p + 2);
}

void packet_add(struct packet_data *d, const void *bytes, size_t len)
{
	if (len > sizeof(d->bytes) - d->len)
		len = sizeof(d->bytes) - d->len;
	if (len > 0)
		memcpy(d->bytes + d->len, bytes, len);
	d->len += len;
}

void packet_add16(struct packet_data *d, uint32_t v)
{
	uint8_t bytes[2];

	packet_put16(bytes, v);
	packet_add(d, bytes, sizeof(bytes));
}

void packet_add32(struct packet_data *d, uint32_t v)
{
	packet_add16(d, v >> 16);
	packet_add16(d, v);
}

/* ---- IPv4 ---- */

size_t packet_arp(uint8_t *f, unsigned operation, const uint8_t mac[6], const uint8_t ip[4],
		  const uint8_t to_ip[4])
{
	memset(f, 0, PACKET_ARP_LEN);
	memcpy(f, packet_our_mac, 6);
	memcpy(f + 6, mac, 6);
	memcpy(f + 12, "\x08\x06\0\1\x08\0\6\4", 8);
	packet_put16(f + 20, operation);
	memcpy(f + 22, mac, 6);
	memcpy(f + 28, ip, 4);
	memcpy(f + 32, packet_our_mac, 6);
	memcpy(f + 38, to_ip, 4);
	return PACKET_ARP_LEN;
}

size_t packet4_wrap(uint8_t *f, uint8_t protocol, const uint8_t from[4], const uint8_t to[4],
		    size_t n, size_t sum_at)
{
	memcpy(f, packet_our_mac, 6);
	memcpy(f + 6, packet_peer_mac, 6);
	packet_put16(f + 12, 0x0800);
	memset(f + 14, 0, 20);
	f[14] = 0x45;
	packet_put16(f + 16, (uint32_t)(20 + n));
	f[20] = 0x40; /* don't fragment */
	f[22] = 64;
	f[23] = protocol;
	memcpy(f + 26, from, 4);
	memcpy(f + 30, to, 4);
	packet_put16(f + 24, ~packet_sum16(f + 14, 20, 0));
	if (sum_at) {
		uint8_t *sum = f + PACKET4_AT + sum_at;

		packet_put16(sum, 0);
		packet_put16(sum,
			     ~packet_sum16(f + PACKET4_AT, n,
					   packet_sum16(f + 26, 8, protocol + (uint32_t)n)));
	}
	return PACKET4_AT + n;
}

size_t packet4_udp(uint8_t *f, const struct packet4_udp *ends, const void *data, size_t len)
{
	packet_put16(f + PACKET4_AT, ends->from_port);
	packet_put16(f + PACKET4_AT + 2, ends->to_port);
	packet_put16(f + PACKET4_AT + 4, (uint32_t)(8 + len));
	if (len > 0)
		memcpy(f + PACKET4_AT + 8, data, len);
	return packet4_wrap(f, PACKET_UDP, ends->from, ends->to, 8 + len, 6);
}

void packet_dhcp(struct packet_data *d, const uint8_t *question, uint8_t type,
		 const uint8_t server[4], const uint8_t yours[4])
{
	memset(d->bytes, 0, PACKET_DHCP_OPTIONS);
	memcpy(d->bytes, "\2\1\6", 3);
	memcpy(d->bytes + 4, question + 4, 4); /* transaction */
	memcpy(d->bytes + 16, yours, 4);
	memcpy(d->bytes + 28, question + 28, 16);
	memcpy(d->bytes + 236, "\x63\x82\x53\x63", 4);
	d->len = PACKET_DHCP_OPTIONS;
	packet_dhcp_option(d, 53, &type, 1);
	packet_dhcp_option(d, 54, server, 4);
}

void packet_dhcp_option(struct packet_data *d, unsigned code, const void *bytes, size_t len)
{
	uint8_t head[2] = { (uint8_t)code, (uint8_t)len };

	packet_add(d, head, sizeof(head));
	packet_add(d, bytes, len);
}

/* ---- IPv6 ---- */

size_t packet6_wrap(uint8_t *f, const struct packet6_ends *ends, size_t n, size_t sum_at)
{
	memset(f, 0, PACKET6_AT);
	memcpy(f, packet_our_mac, 6);
	if (ends->to[0] == 0xff) {
		f[0] = f[1] = 0x33;
		memcpy(f + 2, ends->to + 12, 4);
	}
	memcpy(f + 6, packet_peer_mac, 6);
	packet_put16(f + 12, 0x86dd);
	f[14] = 0x60;
	packet_put16(f + 18, (uint32_t)n);
	f[20] = ends->next;
	f[21] = ends->hop_limit;
	memcpy(f + 22, ends->from, 16);
	memcpy(f + 38, ends->to, 16);
	if (sum_at) {
		uint32_t sum = packet_sum16(f + 22, 32, ends->next + (uint32_t)n);

		packet_put16(f + PACKET6_AT + sum_at, 0);
		sum = ~packet_sum16(f + PACKET6_AT, n, sum) & 0xffff;
		packet_put16(f + PACKET6_AT + sum_at, sum ? sum : 0xffff);
	}
	return PACKET6_AT + n;
}

size_t packet6_frame(const struct packet6 *p, size_t sum_at, uint8_t *f)
{
	struct packet6_ends ends = { p->next, p->hop_limit, p->from, p->to };

	memcpy(f + PACKET6_AT, p->payload, p->len);
	return packet6_wrap(f, &ends, p->len, sum_at);
}

void packet6_add(struct packet6 *p, const void *bytes, size_t len)
{
	if (len > sizeof(p->payload) - p->len)
		len = sizeof(p->payload) - p->len;
	memcpy(p->payload + p->len, bytes, len);
	p->len += len;
}

struct packet6 packet6_advert(const uint8_t from[16], uint8_t flags, uint16_t lifetime_s)
{
	struct packet6 p = {
		.next = PACKET_ICMP6, .hop_limit = 255, .from = from, .to = packet6_all_nodes
	};

	p.payload[0] = 134;
	p.payload[4] = 64;
	p.payload[5] = flags;
	packet_put16(p.payload + 6, lifetime_s);
	p.len = 16;
	packet6_add(&p, "\1\1", 2);
	packet6_add(&p, packet_peer_mac, 6);
	return p;
}

void packet6_add_prefix(struct packet6 *p, const uint8_t prefix[16], uint8_t flags,
			uint32_t valid_s)
{
	uint8_t option[32] = { 3, 4, 64, flags };

	packet_put32(option + 4, valid_s);
	packet_put32(option + 8, valid_s);
	memcpy(option + 16, prefix, 16);
	packet6_add(p, option, sizeof(option));
}

void packet6_add_dns(struct packet6 *p, const uint8_t server[16], uint32_t lifetime_s)
{
	uint8_t option[24] = { 25, 3 };

	packet_put32(option + 4, lifetime_s);
	memcpy(option + 8, server, 16);
	packet6_add(p, option, sizeof(option));
}

struct packet6 packet6_neighbour(const uint8_t target[16], const uint8_t to[16], uint8_t flags,
				 const uint8_t mac[6])
{
	struct packet6 p = { .next = PACKET_ICMP6, .hop_limit = 255, .from = target, .to = to };

	p.payload[0] = 136;
	p.payload[4] = flags;
	memcpy(p.payload + 8, target, 16);
	p.len = 24;
	packet6_add(&p, "\2\1", 2);
	packet6_add(&p, mac, 6);
	return p;
}

void packet_dhcp6(struct packet_data *d, unsigned type, uint32_t transaction)
{
	d->len = 0;
	packet_add32(d, (uint32_t)type << 24 | transaction);
}

void packet_dhcp6_option(struct packet_data *d, unsigned code, const void *bytes, size_t len)
{
	packet_add16(d, code);
	packet_add16(d, (uint32_t)len);
	packet_add(d, bytes, len);
}

struct cb_bytes packet_dhcp6_find(struct cb_bytes message, unsigned code)
{
	for (size_t at = 4; at + 4 <= message.len;) {
		size_t n = packet_get16(message.p + at + 2);
		if (at + 4 + n > message.len)
			break;
		if (packet_get16(message.p + at) == code)
			return (struct cb_bytes){ message.p + at + 4, n };
		at += 4 + n;
	}
	return (struct cb_bytes){ NULL, 0 };
}
