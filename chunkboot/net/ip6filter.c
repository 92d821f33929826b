/* SPDX-License-Identifier: MIT */
/* What of IPv6 gets through to lwIP: the packets that a boot needs, whole and well-formed. */
#include "net/ip6filter.h"

#include <string.h>

#include "lwip/opt.h"
#include "net/dhcp6.h"

/* Next headers */
#define HOP_BY_HOP 0u
#define TCP 6u
#define UDP 17u
#define ICMP 58u

/* ICMPv6 types */
#define TOO_BIG 2u
#define LISTENER_QUERY 130u
#define ADVERT 134u
#define SOLICITATION 135u
#define NEIGHBOUR 136u

/* Options of neighbour discovery */
#define SOURCE_ADDRESS 1u
#define TARGET_ADDRESS 2u
#define DNS_SERVERS 25u

#define HEADER_LEN 40u
#define LEAST_MTU 1280u /* RFC 8200 §5 */
#define PORT_DNS 53u

struct packet {
	unsigned next, hop_limit;
	const uint8_t *source, *target;
	struct cb_bytes payload;
};

static bool read_header(struct cb_bytes bytes, struct packet *ret)
{
	struct cb_reader r = cb_reader_of(bytes);
	bool is_ipv6 = cb_read_u8(&r) >> 4 == 6;
	unsigned len;

	(void)cb_read_bytes(&r, 3);
	len = cb_read_be16(&r);
	ret->next = cb_read_u8(&r);
	ret->hop_limit = cb_read_u8(&r);
	ret->source = cb_read_bytes(&r, 16).p;
	ret->target = cb_read_bytes(&r, 16).p;
	ret->payload = cb_read_bytes(&r, len);
	return is_ipv6 && !r.failed;
}

static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static bool is_unspecified(const uint8_t *address)
{
	static const uint8_t none[16];

	return memcmp(address, none, sizeof(none)) == 0;
}

static bool is_sum_right(const struct packet *p)
{
	uint8_t pseudo[40] = { [39] = ICMP };
	uint32_t sum;

	memcpy(pseudo, p->source, 16);
	memcpy(pseudo + 16, p->target, 16);
	pseudo[34] = (uint8_t)(p->payload.len >> 8);
	pseudo[35] = (uint8_t)p->payload.len;
	sum = (uint32_t)cb_net_checksum(pseudo, sizeof(pseudo)) +
		cb_net_checksum(p->payload.p, (int)p->payload.len);
	return sum == 0xffff || sum == 0x1fffe;
}

/* False at the end, and at an option that is empty or too long (RFC 4861 §4.6). */
static bool next_option(struct cb_reader *r, unsigned *ret_type, struct cb_reader *ret_value)
{
	unsigned len;

	if (r->rest.len == 0)
		return false;
	*ret_type = cb_read_u8(r);
	len = 8u * cb_read_u8(r);
	if (len == 0)
		r->failed = true;
	*ret_value = cb_reader_of(cb_read_bytes(r, len - 2));
	return !r->failed;
}

/* lwIP takes the first option for the hardware address, whatever it is: first is its type. */
static bool are_options_good(struct cb_reader r, unsigned first)
{
	struct cb_reader value;
	unsigned type, n = 0;

	for (; next_option(&r, &type, &value); n++)
		if (n == 0 && first && (type != first || value.rest.len != 6))
			return false;
	return !r.failed;
}

static bool is_discovery_wanted(const struct packet *p, unsigned type, struct cb_reader r)
{
	uint8_t target[16];

	/* 255: no router has touched it, so it comes from this link (RFC 4861 §6.1.2, §7.1). */
	if (p->hop_limit != 255)
		return false;
	if (type == ADVERT) {
		(void)cb_read_bytes(&r, 12);
		return !r.failed && is_link_local(p->source) && are_options_good(r, 0);
	}
	(void)cb_read_bytes(&r, 4);
	cb_read_copy(&r, target, sizeof(target));
	if (r.failed || !cb_config_is_ipv6_host(target))
		return false;
	if (type == NEIGHBOUR)
		return are_options_good(r, TARGET_ADDRESS);
	if (is_unspecified(p->source))
		return are_options_good(r, 0);
	return r.rest.len != 0 && are_options_good(r, SOURCE_ADDRESS);
}

static bool is_icmp_wanted(const struct packet *p)
{
	struct cb_reader r = cb_reader_of(p->payload);
	unsigned type = cb_read_u8(&r), code = cb_read_u8(&r);

	(void)cb_read_bytes(&r, 2);
	if (r.failed || code != 0 || !is_sum_right(p))
		return false;
	switch (type) {
	case ADVERT:
	case SOLICITATION:
	case NEIGHBOUR:
		return is_discovery_wanted(p, type, r);
	case TOO_BIG:
		return cb_read_be32(&r) >= LEAST_MTU && r.rest.len >= HEADER_LEN;
	default:
		return false;
	}
}

/* A switch that looks into multicast wants its queries answered (RFC 2710 §3). */
static bool is_query(const struct packet *p)
{
	static const uint8_t alerts[2][8] = { { ICMP, 0, 5, 2, 0, 0, 1, 0 },
					      { ICMP, 0, 1, 0, 5, 2, 0, 0 } };
	struct packet inner = *p;
	struct cb_reader r = cb_reader_of(p->payload);
	struct cb_bytes head = cb_read_bytes(&r, 8);

	if (r.failed || p->hop_limit != 1 || !is_link_local(p->source) ||
	    (memcmp(head.p, alerts[0], 8) != 0 && memcmp(head.p, alerts[1], 8) != 0))
		return false;
	inner.payload = r.rest;
	return r.rest.len >= 24 && r.rest.p[0] == LISTENER_QUERY && is_sum_right(&inner);
}

static bool is_udp_wanted(struct cb_reader r)
{
	unsigned from = cb_read_be16(&r), to = cb_read_be16(&r), len = cb_read_be16(&r);
	/* Over IPv6 a datagram without check sum is to be dropped (RFC 8200 §8.1). */
	bool has_sum = cb_read_be16(&r) != 0;

	return !r.failed && has_sum && len >= 8 && (from == PORT_DNS || to == CB_DHCP6_CLIENT_PORT);
}

bool cb_ip6_is_wanted(struct cb_bytes packet)
{
	struct packet p;

	if (!read_header(packet, &p))
		return false;
	switch (p.next) {
	case TCP:
		return true;
	case UDP:
		return is_udp_wanted(cb_reader_of(p.payload));
	case ICMP:
		return is_icmp_wanted(&p);
	case HOP_BY_HOP:
		return is_query(&p);
	default:
		return false;
	}
}

static void read_dns(struct cb_reader *r, struct cb_advert *a)
{
	(void)cb_read_be16(r);
	if (cb_read_be32(r) == 0) /* lifetime: not to be used any more */
		return;
	while (r->rest.len >= 16 && a->n_dns < CB_CONFIG_MAX_DNS) {
		cb_read_copy(r, a->dns[a->n_dns], 16);
		if (cb_config_is_ipv6_host(a->dns[a->n_dns]))
			a->n_dns++;
	}
}

bool cb_ip6_read_advert(struct cb_bytes packet, struct cb_advert *ret)
{
	struct cb_advert a = { 0 };
	struct cb_reader r, value;
	struct packet p;
	unsigned flags, type;

	if (!read_header(packet, &p) || p.next != ICMP)
		return false;
	r = cb_reader_of(p.payload);
	if (cb_read_u8(&r) != ADVERT)
		return false;
	(void)cb_read_bytes(&r, 4); /* code, check sum, hop limit */
	flags = cb_read_u8(&r);
	a.is_managed = (flags & 0x80) != 0;
	a.has_other = (flags & 0x40) != 0;
	a.lifetime_s = (uint16_t)cb_read_be16(&r);
	(void)cb_read_bytes(&r, 8);
	while (next_option(&r, &type, &value))
		if (type == DNS_SERVERS)
			read_dns(&value, &a);
	*ret = a;
	return true;
}
