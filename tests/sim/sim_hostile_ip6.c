/* SPDX-License-Identifier: MIT */
/* Hostile IPv6 and ICMPv6: extension headers, lengths that are not so, news about live connections. */
#include <string.h>

#include "sim_hostile.h"

/* ---- ICMPv6 ---- */

enum news {
	ECHO,
	BIG_ECHO,
	NO_ROUTE,
	NO_PORT,
	TOO_BIG_1280,
	TOO_BIG_1279,
	TOO_BIG_0,
	TOO_BIG_CUT,
	TIME_EXCEEDED,
	PARAMETER,
	UNKNOWN,
	GROUP_QUERIES,
	GROUP_REPORTS,
	RANDOM,
};

static const uint8_t types[][2] = {
	[ECHO] = { 128, 0 },	      [BIG_ECHO] = { 128, 0 },	 [NO_ROUTE] = { 1, 0 },
	[NO_PORT] = { 1, 4 },	      [TOO_BIG_1280] = { 2, 0 }, [TOO_BIG_1279] = { 2, 0 },
	[TOO_BIG_0] = { 2, 0 },	      [TOO_BIG_CUT] = { 2, 0 },	 [TIME_EXCEEDED] = { 3, 0 },
	[PARAMETER] = { 4, 0 },	      [UNKNOWN] = { 200, 0 },	 [GROUP_QUERIES] = { 130, 0 },
	[GROUP_REPORTS] = { 131, 0 },
};

/* With the beginning of the machine's newest segment, as routers quote it. */
static void say(struct sim_hostile *h, unsigned kind)
{
	struct packet6 p = { .next = PACKET_ICMP6,
			     .hop_limit = kind == GROUP_REPORTS ? 1 : 64,
			     .from = kind == GROUP_REPORTS ? sim_hostile_link : sim_router_ip6,
			     .to = sim_machine_ip6,
			     .len = 8 };
	size_t quoted = h->tcp_len > 14 ? h->tcp_len - 14 : 0;

	if (kind == RANDOM) {
		p.len = 1 + sim_hostile_random(h, 120);
		sim_hostile_fill(h, p.payload, p.len);
		p.hop_limit = sim_hostile_random(h, 2) ? 255 : 64;
	} else {
		memcpy(p.payload, types[kind], 2);
	}
	if (kind == TOO_BIG_1280 || kind == TOO_BIG_1279)
		packet_put32(p.payload + 4, kind == TOO_BIG_1280 ? 1280 : 1279);
	if (kind >= NO_ROUTE && kind <= PARAMETER && kind != TOO_BIG_CUT)
		packet6_add(&p, h->tcp + 14, quoted < 1200 ? quoted : 1200);
	if (kind == BIG_ECHO)
		p.len = 1440;
	if (kind == GROUP_REPORTS)
		p.len = 24;
	sim_hostile_send6(h, &p);
}

/* A multicast query as it is to be: behind a router alert. Asks for an answer at once. */
static void ask_groups(struct sim_hostile *h, unsigned kind)
{
	struct packet6 p = {
		.next = 0, .hop_limit = 1, .from = sim_router_link, .to = packet6_all_nodes
	};
	uint32_t sum;

	(void)kind;
	packet6_add(&p, "\x3a\0\5\2\0\0\1\0", 8);
	packet6_add(&p, "\x82\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	sum = packet_sum16(p.from, 16, PACKET_ICMP6 + 24);
	sum = packet_sum16(p.payload + 8, 24, packet_sum16(p.to, 16, sum));
	packet_put16(p.payload + 10, ~sum);
	sim_hostile_send6(h, &p);
}

/* ---- Extension headers and their like, in front of a router advertisement or nothing ---- */

struct extension {
	uint8_t next, hop_limit;
	size_t len;
	uint8_t bytes[48];
};

static const struct extension extensions[] = {
	{ 0, 255, 8, { 58, 0, 1, 0, 1, 0, 1, 0 } }, /* 0: hop-by-hop, PadN of no length */
	{ 0, 255, 8, { 58, 0, 0x63, 0, 0x63, 0, 0x63, 0 } }, /* 1: unknown ones of no length */
	{ 0, 255, 8, { 58, 255, 1, 4 } }, /* 2: longer than the packet */
	{ 0, 255, 8, { 58, 0, 1, 200 } }, /* 3: option longer than the header */
	{ 60, 255, 8, { 58, 0, 0x63, 0, 0, 0 } }, /* 4: CVE-2023-45232 */
	{ 60, 255, 8, { 58, 0, 1, 0, 1, 0, 1, 0 } }, /* 5: CVE-2023-45233 */
	{ 60, 255, 16, { 60, 0, 1, 4, 0, 0, 0, 0, 60, 0, 1, 4 } }, /* 6: one behind the other */
	{ 43, 255, 24, { 58, 2, 0, 1 } }, /* 7: routing, type 0 */
	{ 43, 255, 8, { 58, 200, 0, 255 } }, /* 8: routing, longer than the packet */
	{ 44, 255, 8, { 58, 0, 0, 1, 0, 0, 0, 7 } }, /* 9: first fragments */
	{ 44, 255, 8, { 58, 0, 0, 0, 0, 0, 0, 7 } }, /* 10: atomic fragments */
	{ 44, 255, 8, { 58, 0, 0xff, 0xf9, 0, 0, 0, 7 } }, /* 11: fragments at the end of 64 KiB */
	{ 51, 255, 8, { 58, 200, 0, 0 } }, /* 12: authentication */
	{ 50, 255, 8, { 0 } }, /* 13: encrypted */
	{ 59, 255, 0, { 0 } }, /* 14: no next header */
	{ 41, 255, 40, { 0x60 } }, /* 15: a packet in a packet */
	{ 4, 255, 20, { 0x45 } }, /* 16: IPv4 in a packet */
	{ 135, 255, 8, { 58, 0 } }, /* 17: mobility */
	{ 0, 255, 8, { 58, 0, 0xc2, 4, 0, 1, 0, 0 } }, /* 18: jumbo */
};

static void extend(struct sim_hostile *h, unsigned kind)
{
	static const uint8_t servers[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0c };
	const struct extension *e = &extensions[kind];
	struct packet6 inner = packet6_advert(sim_router_link, 0, 0), p = inner;
	uint8_t f[SIM_FRAME_MAX];

	packet6_add_prefix(&inner, servers, 0xc0, 7200);
	(void)packet6_frame(&inner, 2, f); /* for the check sum */
	p.next = e->next;
	p.hop_limit = e->hop_limit;
	p.len = 0;
	packet6_add(&p, e->bytes, e->len);
	packet6_add(&p, f + PACKET6_AT, inner.len);
	sim_hostile_send6(h, &p);
}

/* ---- The header itself ---- */

enum header {
	TOO_LONG,
	TOO_SHORT,
	NO_LENGTH,
	VERSION,
	FROM_GROUP,
	FROM_LOOP,
	FROM_YOU,
	TO_LOOP,
	TO_OTHERS,
	CUT_HEADER,
	NO_SUM,
};

static void header(struct sim_hostile *h, unsigned kind)
{
	struct packet6 p = { .next = PACKET_UDP,
			     .hop_limit = 64,
			     .from = sim_router_ip6,
			     .to = sim_machine_ip6,
			     .len = 60 };
	static const uint8_t loop[16] = { [15] = 1 };
	uint8_t f[SIM_FRAME_MAX];
	size_t len;

	sim_hostile_fill(h, p.payload, p.len);
	packet_put16(p.payload, 53);
	packet_put16(p.payload + 4, 60);
	if (kind == FROM_GROUP || kind == FROM_LOOP || kind == FROM_YOU)
		p.from = kind == FROM_GROUP ? packet6_all_nodes :
			kind == FROM_LOOP   ? loop :
					      sim_machine_ip6;
	if (kind == TO_LOOP || kind == TO_OTHERS)
		p.to = kind == TO_LOOP ? loop : sim_hostile_ip6;
	len = packet6_frame(&p, 6, f);
	if (kind == TOO_LONG || kind == TOO_SHORT || kind == NO_LENGTH)
		packet_put16(f + 18, kind == TOO_LONG ? 1400 : kind == TOO_SHORT ? 7 : 0);
	if (kind == VERSION)
		f[14] = 0x50;
	if (kind == CUT_HEADER)
		len = 14 + sim_hostile_random(h, 40);
	if (kind == NO_SUM)
		packet_put16(f + PACKET6_AT + 6, 0);
	sim_hostile_send(h, f, len);
}

#define NEWS(text, what)                                                                           \
	{                                                                                          \
		.name = "ICMPv6: " text, .lan = SIM_LAN6, .kind = what, .every_us = 1000,          \
		.tick = say                                                                        \
	}
#define EXTENSION(text, what)                                                                      \
	{                                                                                          \
		.name = "IPv6: " text, .lan = SIM_LAN6, .kind = what, .every_us = 2000,            \
		.tick = extend                                                                     \
	}
#define HEADER(text, what)                                                                         \
	{                                                                                          \
		.name = "IPv6: " text, .lan = SIM_LAN6, .kind = what, .every_us = 1000,            \
		.tick = header                                                                     \
	}

static const struct sim_attack list[] = {
	NEWS("echo flood", ECHO),
	NEWS("flood of echoes of 1,440 bytes", BIG_ECHO),
	NEWS("no route for live connections", NO_ROUTE),
	NEWS("no port for live connections", NO_PORT),
	NEWS("packet too big, MTU 1280", TOO_BIG_1280),
	NEWS("packet too big, MTU 1279", TOO_BIG_1279),
	NEWS("packet too big, MTU 0", TOO_BIG_0),
	NEWS("packet too big, of nothing", TOO_BIG_CUT),
	NEWS("time exceeded", TIME_EXCEEDED),
	NEWS("parameter problem", PARAMETER),
	NEWS("unknown types", UNKNOWN),
	NEWS("multicast queries without alert", GROUP_QUERIES),
	NEWS("multicast reports", GROUP_REPORTS),
	NEWS("random bytes", RANDOM),
	{ .name = "ICMPv6: multicast queries",
	  .lan = SIM_LAN6,
	  .every_us = 2000,
	  .tick = ask_groups },
	EXTENSION("hop-by-hop padding of no length", 0),
	EXTENSION("hop-by-hop options of no length", 1),
	EXTENSION("hop-by-hop header past the end", 2),
	EXTENSION("hop-by-hop option past the end", 3),
	EXTENSION("destination options of no length", 4),
	EXTENSION("destination padding of no length", 5),
	EXTENSION("destination options one behind the other", 6),
	EXTENSION("routing header of type 0", 7),
	EXTENSION("routing header past the end", 8),
	EXTENSION("first fragments", 9),
	EXTENSION("atomic fragments", 10),
	EXTENSION("fragments behind 64 KiB", 11),
	EXTENSION("authentication header", 12),
	EXTENSION("encrypted", 13),
	EXTENSION("no next header", 14),
	EXTENSION("a packet in a packet", 15),
	EXTENSION("IPv4 in a packet", 16),
	EXTENSION("mobility header", 17),
	EXTENSION("jumbo payload", 18),
	HEADER("longer than the frame", TOO_LONG),
	HEADER("shorter than what is in it", TOO_SHORT),
	HEADER("of no length", NO_LENGTH),
	HEADER("version 5", VERSION),
	HEADER("from a group", FROM_GROUP),
	HEADER("from ::1", FROM_LOOP),
	HEADER("from the machine itself", FROM_YOU),
	HEADER("to ::1", TO_LOOP),
	HEADER("to others", TO_OTHERS),
	HEADER("cut in the header", CUT_HEADER),
	HEADER("UDP without check sum", NO_SUM),
};

const struct sim_attacks sim_attacks_ip6 = { list, sizeof(list) / sizeof(list[0]) };
