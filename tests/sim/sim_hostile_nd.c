/* SPDX-License-Identifier: MIT */
/* Hostile neighbour discovery (RFC 4861, 4862): routers, prefixes, neighbours and redirects. */
#include <string.h>

#include "sim_hostile.h"

#define ON_LINK 0x80
#define FOR_ADDRESSES 0x40
#define MANAGED 0x80

static const uint8_t our_prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 };
static const uint8_t server_prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0c };
static const uint8_t other_prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x66 };
static const uint8_t nobody[16];

/* ---- Advertisements that are not to be believed ---- */

enum bad_advert {
	HOPS,
	FROM_AFAR,
	FROM_NOBODY,
	CODE,
	NO_OPTION_LENGTH,
	LONG_OPTION,
	CUT,
	SUM,
	TINY_MTU,
	SMALL_MTU,
	EXTREME_TIMES,
	ONE_HOP,
	LONG_PREFIX,
	PREFERRED_LONGER,
	LINK_LOCAL_PREFIX,
	NO_DNS_LEFT,
	DNS_GROUP,
	MANAGED_TOO,
	OLD_PREFIX,
};

static void put_mtu(struct packet6 *p, uint32_t mtu)
{
	uint8_t option[8] = { 5, 1 };

	packet_put32(option + 4, mtu);
	packet6_add(p, option, sizeof(option));
}

/* Rules of RFC 4861 §6.1.2 that it breaks; what else it says would lead elsewhere. */
static void break_advert(struct packet6 *p, unsigned kind)
{
	packet6_add_prefix(p, server_prefix, ON_LINK | FOR_ADDRESSES, 7200);
	packet6_add_dns(p, sim_hostile_ip6, 600);
	if (kind == HOPS)
		p->hop_limit = 254;
	else if (kind == FROM_AFAR || kind == FROM_NOBODY)
		p->from = kind == FROM_AFAR ? sim_hostile_ip6 : nobody;
	else if (kind == CODE)
		p->payload[1] = 1;
	else if (kind == NO_OPTION_LENGTH) /* as CVE-2023-45232 */
		packet6_add(p, "\x63\0\0\0\0\0\0\0", 8);
	else if (kind == LONG_OPTION)
		packet6_add(p, "\x19\xff\0\0\0\0\0\0", 8);
	else if (kind == CUT)
		p->len -= 3;
}

/* Within the rules, in the router's name. */
static void strange_advert(struct packet6 *p, unsigned kind)
{
	if (kind == TINY_MTU || kind == SMALL_MTU)
		put_mtu(p, kind == TINY_MTU ? 68 : 1280);
	else if (kind == EXTREME_TIMES)
		memcpy(p->payload + 8, "\0\0\0\1\xff\xff\xff\xff", 8);
	else if (kind == ONE_HOP)
		p->payload[4] = 1;
	else if (kind == NO_DNS_LEFT)
		packet6_add_dns(p, sim_router_ip6, 0);
	else if (kind == DNS_GROUP)
		packet6_add_dns(p, packet6_all_nodes, 600);
	else if (kind == LINK_LOCAL_PREFIX)
		packet6_add_prefix(p, sim_router_link, ON_LINK | FOR_ADDRESSES, 7200);
	else if (kind == OLD_PREFIX)
		packet6_add_prefix(p, our_prefix, ON_LINK | FOR_ADDRESSES, 0);
	if (kind == LONG_PREFIX || kind == PREFERRED_LONGER) {
		packet6_add_prefix(p, other_prefix, ON_LINK | FOR_ADDRESSES, 100);
		if (kind == LONG_PREFIX)
			p->payload[p->len - 30] = 128;
		else
			packet_put32(p->payload + p->len - 24, 200);
	}
}

static void bad_advert(struct sim_hostile *h, unsigned kind)
{
	bool is_of_router = kind >= TINY_MTU;
	struct packet6 p = packet6_advert(is_of_router ? sim_router_link : sim_hostile_link,
					  kind == MANAGED_TOO ? MANAGED : 0, 1800);
	uint8_t f[SIM_FRAME_MAX];

	if (is_of_router)
		strange_advert(&p, kind);
	else
		break_advert(&p, kind);
	if (kind == SUM)
		sim_hostile_send(h, f, packet6_frame(&p, 0, f));
	else
		sim_hostile_send6(h, &p);
}

/* ---- Another router, or the router taken away ---- */

enum router {
	ROUTER_GONE,
	ROUTER_TOO,
	ROUTER_FIRST,
	SERVERS_ON_LINK,
	SILENT_DNS,
	MANY_PREFIXES,
	MANY_ROUTERS,
	MANY_OPTIONS,
	PREFIX_ONLY,
};

static void many_options(struct sim_hostile *h, struct packet6 *p, unsigned kind)
{
	uint8_t prefix[16];

	memcpy(prefix, other_prefix, sizeof(prefix));
	while (kind == MANY_OPTIONS && p->len < 1400)
		packet6_add(p, "\x63\1\0\0\0\0\0\0", 8);
	for (unsigned i = 0; kind == MANY_PREFIXES && i < 40; i++) {
		prefix[6] = (uint8_t)sim_hostile_random(h, 256);
		prefix[7] = (uint8_t)i;
		packet6_add_prefix(p, prefix, ON_LINK | FOR_ADDRESSES, 7200);
	}
}

static void say_router(struct sim_hostile *h, unsigned kind)
{
	uint8_t from[16];
	struct packet6 p;

	memcpy(from, kind == ROUTER_GONE ? sim_router_link : sim_hostile_link, 16);
	if (kind == MANY_ROUTERS)
		from[14] = (uint8_t)sim_hostile_random(h, 256);
	/* The last of these are no routers of anything, and say what else they have. */
	p = packet6_advert(
		from, 0,
		kind == ROUTER_GONE || kind >= MANY_OPTIONS || kind == SILENT_DNS ? 0 : 1800);
	memcpy(p.payload + 18, kind == ROUTER_GONE ? packet_peer_mac : sim_hostile_mac, 6);
	if (kind == SERVERS_ON_LINK)
		packet6_add_prefix(&p, server_prefix, ON_LINK, 7200);
	if (kind == SILENT_DNS)
		packet6_add_dns(&p, sim_hostile_ip6, 600);
	if (kind == PREFIX_ONLY)
		packet6_add_prefix(&p, other_prefix, ON_LINK | FOR_ADDRESSES, 7200);
	many_options(h, &p, kind);
	sim_hostile_send6(h, &p);
}

static void race_router(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	if (seen->packet.l4[0] == 133)
		say_router(h, kind);
}

/* On a network without IPv6: all of it is the attacker's. */
enum only { ONLY_ADDRESS, ONLY_DNS };

static void only_router(struct sim_hostile *h, unsigned kind)
{
	struct packet6 p = packet6_advert(sim_hostile_link, 0, 1800);

	memcpy(p.payload + 18, sim_hostile_mac, 6);
	packet6_add_prefix(&p, our_prefix, ON_LINK | FOR_ADDRESSES, 7200);
	if (kind != ONLY_ADDRESS)
		packet6_add_dns(&p, sim_hostile_ip6, 600);
	sim_hostile_send6(h, &p);
}

/* ---- Neighbours ---- */

enum neighbour {
	ROUTER_IS_HERE,
	ROUTER_IS_HERE_TO_ALL,
	ROUTER_IS_YOU,
	DNS_IS_HERE,
	NO_ROUTER_ANY_MORE,
	WITHOUT_ADDRESS,
	YOUR_ADDRESS,
	YOUR_LINK_ADDRESS,
	OTHERS,
	LONG_ADDRESS,
	NEIGHBOUR_HOPS,
	GROUP,
};

static void break_neighbour(struct packet6 *p, unsigned kind)
{
	if (kind == LONG_ADDRESS)
		p->payload[25] = 5;
	else if (kind == NEIGHBOUR_HOPS)
		p->hop_limit = 254;
	else if (kind == WITHOUT_ADDRESS)
		p->len = 24;
	else if (kind == GROUP)
		memcpy(p->payload + 8, packet6_all_nodes, 16);
}

static void say_neighbour(struct sim_hostile *h, unsigned kind)
{
	const uint8_t *target = kind == DNS_IS_HERE ? sim_router_ip6 :
		kind == YOUR_ADDRESS		    ? sim_machine_ip6 :
		kind == YOUR_LINK_ADDRESS	    ? sim_machine_link :
						      sim_router_link;
	bool is_to_all =
		kind == ROUTER_IS_HERE_TO_ALL || kind == YOUR_ADDRESS || kind == YOUR_LINK_ADDRESS;
	uint8_t other[16];
	struct packet6 p;

	memcpy(other, target, 16);
	if (kind == OTHERS)
		sim_hostile_fill(h, other + 12, 4);
	p = packet6_neighbour(other, is_to_all ? packet6_all_nodes : sim_machine_link,
			      kind == NO_ROUTER_ANY_MORE ? 0x60 :
				      is_to_all		 ? 0xa0 :
							   0xe0,
			      kind == ROUTER_IS_YOU		 ? packet_our_mac :
				      kind == NO_ROUTER_ANY_MORE ? packet_peer_mac :
								   sim_hostile_mac);
	break_neighbour(&p, kind);
	sim_hostile_send6(h, &p);
}

/* Before the router says where it is. */
static void race_neighbour(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	if (seen->packet.l4[0] == 135 && memcmp(seen->packet.from, nobody, 16) != 0 &&
	    memcmp(seen->packet.l4 + 8, sim_router_link, 16) == 0)
		say_neighbour(h, kind);
}

enum question { FROM_MANY, FROM_NOBODY_FOR_YOU, WITHOUT_SOURCE, FROM_ROUTER, ROUTERS_WANTED };

static void ask_neighbour(struct sim_hostile *h, unsigned kind)
{
	uint8_t from[16];
	struct packet6 p = {
		.next = PACKET_ICMP6, .hop_limit = 255, .from = from, .to = sim_machine_ip6
	};

	memcpy(from, sim_hostile_link, 16);
	if (kind == FROM_MANY)
		sim_hostile_fill(h, from + 12, 4);
	if (kind == FROM_ROUTER)
		memcpy(from, sim_router_link, 16);
	if (kind == FROM_NOBODY_FOR_YOU)
		memset(from, 0, 16);
	p.payload[0] = kind == ROUTERS_WANTED ? 133 : 135;
	memcpy(p.payload + 8, sim_machine_ip6, 16);
	p.len = kind == ROUTERS_WANTED ? 8 : 24;
	if (kind != WITHOUT_SOURCE && kind != FROM_NOBODY_FOR_YOU) {
		packet6_add(&p, "\1\1", 2);
		packet6_add(&p, sim_hostile_mac, 6);
	}
	sim_hostile_send6(h, &p);
}

/* ---- Redirects ---- */

enum redirect { REDIRECT_ROUTER, REDIRECT_CUT };

static void redirect(struct sim_hostile *h, unsigned kind)
{
	struct packet6 p = { .next = PACKET_ICMP6,
			     .hop_limit = 255,
			     .from = sim_router_link,
			     .to = sim_machine_ip6 };

	p.payload[0] = 137;
	memcpy(p.payload + 8, sim_hostile_link, 16);
	sim_server_address(0, /*is_ipv6=*/true, p.payload + 24);
	p.len = 40;
	packet6_add(&p, "\2\1", 2);
	packet6_add(&p, sim_hostile_mac, 6);
	if (kind == REDIRECT_CUT) /* as CVE-2023-45231 */
		p.len = 8 + sim_hostile_random(h, 39);
	sim_hostile_send6(h, &p);
}

#define ADVERT(text, what)                                                                         \
	{                                                                                          \
		.name = "RA: " text, .lan = SIM_LAN6, .kind = what, .every_us = 5000,              \
		.tick = bad_advert                                                                 \
	}
#define ROUTER(text, what)                                                                         \
	{                                                                                          \
		.name = "rogue router: " text, .lan = SIM_LAN6, .claim = SIM_MAY_FAIL,             \
		.kind = what, .every_us = 20000, .tick = say_router                                \
	}
#define NEIGHBOUR(text, what, may)                                                                 \
	{                                                                                          \
		.name = "ND: " text, .lan = SIM_LAN6, .claim = may, .kind = what,                  \
		.every_us = 20000, .tick = say_neighbour                                           \
	}
#define PASSING(text, what)                                                                        \
	{                                                                                          \
		.name = "ND, for a second: " text, .lan = SIM_LAN6, .kind = what,                  \
		.every_us = 100000, .max_ticks = 10, .tick = say_neighbour                         \
	}
#define QUESTION(text, what)                                                                       \
	{                                                                                          \
		.name = "ND: " text, .lan = SIM_LAN6, .kind = what, .every_us = 1000,              \
		.tick = ask_neighbour                                                              \
	}

static const struct sim_attack list[] = {
	ADVERT("hop limit 254", HOPS),
	ADVERT("from beyond the link", FROM_AFAR),
	ADVERT("from nobody", FROM_NOBODY),
	ADVERT("a code", CODE),
	ADVERT("option of no length", NO_OPTION_LENGTH),
	ADVERT("option past the end", LONG_OPTION),
	ADVERT("cut", CUT),
	ADVERT("wrong check sum", SUM),
	ADVERT("MTU 68", TINY_MTU),
	ADVERT("MTU 1280", SMALL_MTU),
	ADVERT("extreme times", EXTREME_TIMES),
	ADVERT("one hop", ONE_HOP),
	ADVERT("prefix of 128 bits", LONG_PREFIX),
	ADVERT("preferred for longer than valid", PREFERRED_LONGER),
	ADVERT("link-local prefix", LINK_LOCAL_PREFIX),
	ADVERT("DNS server taken back", NO_DNS_LEFT),
	ADVERT("DNS server that is a group", DNS_GROUP),
	ADVERT("DHCPv6 that nobody serves", MANAGED_TOO),
	ADVERT("prefix taken back", OLD_PREFIX),
	ROUTER("the router is none", ROUTER_GONE),
	ROUTER("another one", ROUTER_TOO),
	ROUTER("servers are on the link", SERVERS_ON_LINK),
	ROUTER("silent DNS server", SILENT_DNS),
	ROUTER("40 prefixes each", MANY_PREFIXES),
	ROUTER("256 of them", MANY_ROUTERS),
	{ .name = "rogue router: options without end",
	  .lan = SIM_LAN6,
	  .kind = MANY_OPTIONS,
	  .every_us = 5000,
	  .tick = say_router },
	{ .name = "rogue router: is none, and has a prefix",
	  .lan = SIM_LAN6,
	  .kind = PREFIX_ONLY,
	  .every_us = 20000,
	  .tick = say_router },
	{ .name = "rogue router, first to answer",
	  .lan = SIM_LAN6,
	  .claim = SIM_MAY_FAIL,
	  .kind = ROUTER_FIRST,
	  .sees = SIM_SEES_ICMP6,
	  .see = race_router },
	{ .name = "rogue router, for a second: the router is none",
	  .lan = SIM_LAN6,
	  .kind = ROUTER_GONE,
	  .every_us = 100000,
	  .max_ticks = 10,
	  .tick = say_router },
	{ .name = "rogue router, for a second: another one",
	  .lan = SIM_LAN6,
	  .kind = ROUTER_TOO,
	  .every_us = 100000,
	  .max_ticks = 10,
	  .tick = say_router },
	{ .name = "IPv6 where there is none: addresses",
	  .kind = ONLY_ADDRESS,
	  .every_us = 20000,
	  .tick = only_router },
	{ .name = "IPv6 where there is none: silent DNS server",
	  .kind = ONLY_DNS,
	  .every_us = 20000,
	  .tick = only_router },
	NEIGHBOUR("the router is the attacker", ROUTER_IS_HERE, SIM_MAY_FAIL),
	NEIGHBOUR("the router is the attacker, to all", ROUTER_IS_HERE_TO_ALL, SIM_MAY_FAIL),
	NEIGHBOUR("the router is the machine", ROUTER_IS_YOU, SIM_MAY_FAIL),
	NEIGHBOUR("the DNS server is the attacker", DNS_IS_HERE, SIM_MAY_FAIL),
	NEIGHBOUR("the router is no router", NO_ROUTER_ANY_MORE, SIM_MUST_BOOT),
	NEIGHBOUR("without hardware address", WITHOUT_ADDRESS, SIM_MUST_BOOT),
	NEIGHBOUR("the machine's address is taken", YOUR_ADDRESS, SIM_MAY_FAIL),
	NEIGHBOUR("the machine's link-local address is taken", YOUR_LINK_ADDRESS, SIM_MAY_FAIL),
	NEIGHBOUR("answers nobody asked for", OTHERS, SIM_MUST_BOOT),
	NEIGHBOUR("address longer than the packet", LONG_ADDRESS, SIM_MUST_BOOT),
	NEIGHBOUR("hop limit 254", NEIGHBOUR_HOPS, SIM_MUST_BOOT),
	NEIGHBOUR("for a group", GROUP, SIM_MUST_BOOT),
	PASSING("the router is the attacker", ROUTER_IS_HERE),
	PASSING("the router is the attacker, to all", ROUTER_IS_HERE_TO_ALL),
	PASSING("the router is the machine", ROUTER_IS_YOU),
	PASSING("the DNS server is the attacker", DNS_IS_HERE),
	{ .name = "ND: the machine's addresses are taken, and there is IPv4",
	  .lan = SIM_LAN_BOTH,
	  .kind = YOUR_ADDRESS,
	  .every_us = 20000,
	  .tick = say_neighbour },
	{ .name = "ND: the attacker answers first",
	  .lan = SIM_LAN6,
	  .kind = ROUTER_IS_HERE,
	  .sees = SIM_SEES_ICMP6,
	  .see = race_neighbour },
	QUESTION("questions of many", FROM_MANY),
	QUESTION("somebody looks for a duplicate of the machine", FROM_NOBODY_FOR_YOU),
	QUESTION("questions without source", WITHOUT_SOURCE),
	QUESTION("routers wanted", ROUTERS_WANTED),
	{ .name = "ND: questions in the router's name",
	  .lan = SIM_LAN6,
	  .claim = SIM_MAY_FAIL,
	  .kind = FROM_ROUTER,
	  .every_us = 1000,
	  .tick = ask_neighbour },
	{ .name = "ND: redirects to the attacker",
	  .lan = SIM_LAN6,
	  .kind = REDIRECT_ROUTER,
	  .every_us = 5000,
	  .tick = redirect },
	{ .name = "ND: redirects that are cut",
	  .lan = SIM_LAN6,
	  .kind = REDIRECT_CUT,
	  .every_us = 5000,
	  .tick = redirect },
};

const struct sim_attacks sim_attacks_nd = { list, sizeof(list) / sizeof(list[0]) };
