/* SPDX-License-Identifier: MIT */
/* Hostile ICMP and IGMP over IPv4: floods, and news about connections that are alive. */
#include <string.h>

#include "sim_hostile.h"

#define ICMP 1
#define IGMP 2

/* Of the machine's newest segment: header and eight bytes (RFC 792); 0 when there is none yet. */
static size_t quote(const struct sim_hostile *h, uint8_t *out)
{
	if (h->tcp_len < PACKET4_AT + 8)
		return 0;
	memcpy(out, h->tcp + 14, 28);
	return 28;
}

static void send(struct sim_hostile *h, uint8_t protocol, const uint8_t *from, uint8_t *f, size_t n)
{
	packet_put16(f + PACKET4_AT + 2, 0);
	packet_put16(f + PACKET4_AT + 2, ~packet_sum16(f + PACKET4_AT, n, 0));
	sim_hostile_send(h, f, packet4_wrap(f, protocol, from, sim_machine_ip, n, 0));
}

enum news {
	ECHO,
	BIG_ECHO,
	NET_UNREACHABLE,
	HOST_UNREACHABLE,
	PORT_UNREACHABLE,
	TOO_BIG,
	REDIRECT,
	QUENCH,
	TIME_EXCEEDED,
	PARAMETER,
	ROUTER_NEWS,
	MASK_REPLY,
	RANDOM,
	GROUP_QUERY,
};

static const uint8_t types[][2] = {
	[ECHO] = { 8, 0 },
	[BIG_ECHO] = { 8, 0 },
	[NET_UNREACHABLE] = { 3, 0 },
	[HOST_UNREACHABLE] = { 3, 1 },
	[PORT_UNREACHABLE] = { 3, 3 },
	[TOO_BIG] = { 3, 4 },
	[REDIRECT] = { 5, 1 },
	[QUENCH] = { 4, 0 },
	[TIME_EXCEEDED] = { 11, 0 },
	[PARAMETER] = { 12, 0 },
	[ROUTER_NEWS] = { 9, 0 },
	[MASK_REPLY] = { 18, 0 },
	[GROUP_QUERY] = { 0x11, 100 },
};

static void say(struct sim_hostile *h, unsigned kind)
{
	uint8_t f[SIM_FRAME_MAX] = { 0 }, *icmp = f + PACKET4_AT;
	size_t n = 8;

	if (kind == RANDOM) {
		n = 4 + sim_hostile_random(h, 100);
		sim_hostile_fill(h, icmp, n);
	} else {
		memcpy(icmp, types[kind], 2);
	}
	if (kind == BIG_ECHO)
		n = 1480;
	else if (kind == TOO_BIG)
		packet_put16(icmp + 6, 68);
	else if (kind == REDIRECT)
		memcpy(icmp + 4, sim_hostile_ip, 4);
	else if (kind == ROUTER_NEWS) {
		memcpy(icmp + 4, "\1\2\7\x08\xc0\0\2\x42\x7f\xff\xff\xff", 12);
		n = 16;
	}
	if (kind >= NET_UNREACHABLE && kind <= PARAMETER)
		n += quote(h, icmp + 8);
	if (kind == MASK_REPLY)
		n = 12;
	send(h, kind == GROUP_QUERY ? IGMP : ICMP,
	     kind == REDIRECT || kind == ROUTER_NEWS ? sim_router_ip : sim_hostile_ip, f, n);
}

#define NEWS(text, what)                                                                           \
	{                                                                                          \
		.name = "ICMP: " text, .kind = what, .every_us = 1000, .tick = say                 \
	}

static const struct sim_attack list[] = {
	NEWS("echo flood", ECHO),
	NEWS("flood of echoes of 1,480 bytes", BIG_ECHO),
	NEWS("network unreachable for live connections", NET_UNREACHABLE),
	NEWS("host unreachable for live connections", HOST_UNREACHABLE),
	NEWS("port unreachable for live connections", PORT_UNREACHABLE),
	NEWS("packet too big, MTU 68", TOO_BIG),
	NEWS("redirects to the attacker", REDIRECT),
	NEWS("source quench", QUENCH),
	NEWS("time exceeded", TIME_EXCEEDED),
	NEWS("parameter problem", PARAMETER),
	NEWS("router advertisements", ROUTER_NEWS),
	NEWS("mask replies", MASK_REPLY),
	NEWS("random bytes", RANDOM),
	NEWS("IGMP queries", GROUP_QUERY),
};

const struct sim_attacks sim_attacks_icmp = { list, sizeof(list) / sizeof(list[0]) };
