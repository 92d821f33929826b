/* SPDX-License-Identifier: MIT */
/* Hostile ARP (RFC 826): floods, claims for the router's address and the machine's, a machine in the middle. */
#include <string.h>

#include "sim_hostile.h"

static void claim(struct sim_hostile *h, unsigned operation, const uint8_t mac[6],
		  const uint8_t ip[4])
{
	uint8_t f[PACKET_ARP_LEN];

	sim_hostile_send(h, f, packet_arp(f, operation, mac, ip, sim_machine_ip));
}

/* ---- Floods ---- */

enum flood { QUESTIONS, ANSWERS, FOR_OTHERS, STRANGE_SENDERS, BROKEN, ANNOUNCEMENTS };

/* Claims for the router of wrong types and lengths, and cut. */
static void break_arp(struct sim_hostile *h, uint8_t *f, size_t *len)
{
	f[14 + sim_hostile_random(h, 6)] ^= (uint8_t)(1 + sim_hostile_random(h, 255));
	if (sim_hostile_random(h, 2))
		*len = 14 + sim_hostile_random(h, 28);
	memcpy(f + 28, sim_router_ip, 4);
}

static void flood(struct sim_hostile *h, unsigned kind)
{
	static const uint8_t strange[][4] = { { 0 },
					      { 255, 255, 255, 255 },
					      { 224, 0, 0, 1 },
					      { 127, 0, 0, 1 },
					      { 192, 0, 2, 255 } };
	uint8_t f[PACKET_ARP_LEN], mac[6] = { 2, 0, 1 }, ip[4] = { 192, 0, 2, 0 };
	size_t len;

	sim_hostile_fill(h, mac + 3, 3);
	ip[3] = (uint8_t)(100 + sim_hostile_random(h, 150));
	if (kind == STRANGE_SENDERS)
		memcpy(ip, strange[sim_hostile_random(h, 5)], 4);
	len = packet_arp(f, kind == QUESTIONS ? 1 : 2, mac, ip,
			 kind == FOR_OTHERS ? sim_hostile_ip : sim_machine_ip);
	if (kind == FOR_OTHERS)
		memset(f, 255, 6);
	if (kind == ANNOUNCEMENTS) {
		memset(f, 255, 6);
		memcpy(f + 38, ip, 4);
	}
	if (kind == STRANGE_SENDERS && sim_hostile_random(h, 2))
		memset(f + 22, 255, 6);
	if (kind == BROKEN)
		break_arp(h, f, &len);
	sim_hostile_send(h, f, len);
}

/* ---- Claims ---- */

enum claims {
	ROUTER_IS_HERE, /* where the attacker is, who keeps what comes */
	ROUTER_IS_YOU,
	ROUTER_IS_ALL,
	ROUTER_IS_NOBODY,
	ROUTER_IS_ASKING, /* the same by a question */
	ROUTER_TO_ALL, /* announced to all */
	YOU_ARE_HERE, /* the machine's address is somebody else's */
	DNS_IS_HERE,
};

static void say_claim(struct sim_hostile *h, unsigned kind)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t nobody[6] = { 0 };
	uint8_t f[PACKET_ARP_LEN];

	switch (kind) {
	case ROUTER_IS_YOU:
		claim(h, 2, packet_our_mac, sim_router_ip);
		break;
	case ROUTER_IS_ALL:
		claim(h, 2, all, sim_router_ip);
		break;
	case ROUTER_IS_NOBODY:
		claim(h, 2, nobody, sim_router_ip);
		break;
	case ROUTER_IS_ASKING:
		claim(h, 1, sim_hostile_mac, sim_router_ip);
		break;
	case ROUTER_TO_ALL:
		(void)packet_arp(f, 2, sim_hostile_mac, sim_router_ip, sim_router_ip);
		memset(f, 255, 6);
		sim_hostile_send(h, f, sizeof(f));
		break;
	case YOU_ARE_HERE:
		claim(h, 1 + (unsigned)sim_hostile_random(h, 2), sim_hostile_mac, sim_machine_ip);
		break;
	default:
		claim(h, 2, sim_hostile_mac, sim_router_ip);
		break;
	}
}

/* It answers each question for the router, before the router does. */
static void race(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	if (memcmp(seen->frame + 38, sim_router_ip, 4) == 0)
		say_claim(h, kind);
}

/* ---- In the middle ---- */

enum middle { PASSES, DROPS_HALF, DROPS_SOME, FLIPS, TURNS_BACK };

static void pass_on(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	uint8_t f[SIM_FRAME_MAX];
	struct sim_packet p;
	size_t at, head;

	if ((kind == DROPS_HALF && sim_hostile_random(h, 2)) ||
	    (kind == DROPS_SOME && sim_hostile_random(h, 10) == 0))
		return;
	memcpy(f, seen->frame, seen->len);
	if (kind == TURNS_BACK) {
		sim_hostile_send(h, f, seen->len); /* to the machine that it came from */
		return;
	}
	memcpy(f, packet_peer_mac, 6);
	if (kind == FLIPS && sim_parse(f, seen->len, &p) && p.protocol == PACKET_TCP) {
		head = (size_t)(p.l4[12] >> 4) * 4;
		at = (size_t)(p.l4 - f) + head;
		if (head >= 20 && head < p.len)
			f[at + sim_hostile_random(h, p.len - head)] ^= 1;
		sim_mend_tcp(f, seen->len);
	}
	sim_lan_input(h->net, f, seen->len);
}

static void divert(struct sim_hostile *h, unsigned kind)
{
	(void)kind;
	say_claim(h, ROUTER_IS_HERE);
}

#define FLOOD(text, what)                                                                          \
	{                                                                                          \
		.name = "ARP flood: " text, .kind = what, .every_us = 500, .tick = flood           \
	}
#define CLAIM(text, what)                                                                          \
	{                                                                                          \
		.name = "ARP: " text, .claim = SIM_MAY_FAIL, .kind = what, .every_us = 50000,      \
		.tick = say_claim                                                                  \
	}
/* It appears, and goes after a second. */
#define PASSING(text, what)                                                                        \
	{                                                                                          \
		.name = "ARP, for a second: " text, .kind = what, .every_us = 100000,              \
		.max_ticks = 10, .tick = say_claim                                                 \
	}
#define MIDDLE(text, what, may)                                                                    \
	{                                                                                          \
		.name = "in the middle: " text, .claim = may, .kind = what,                        \
		.sees = SIM_SEES_DIVERTED, .see = pass_on, .every_us = 100000, .tick = divert      \
	}

static const struct sim_attack list[] = {
	FLOOD("questions", QUESTIONS),
	FLOOD("answers", ANSWERS),
	FLOOD("answers for others", FOR_OTHERS),
	FLOOD("announcements", ANNOUNCEMENTS),
	FLOOD("from strange addresses", STRANGE_SENDERS),
	FLOOD("malformed", BROKEN),
	CLAIM("the router is the attacker", ROUTER_IS_HERE),
	CLAIM("the router is the machine", ROUTER_IS_YOU),
	CLAIM("the router is nobody", ROUTER_IS_NOBODY),
	CLAIM("the router is the attacker, by questions", ROUTER_IS_ASKING),
	CLAIM("the router is the attacker, to all", ROUTER_TO_ALL),
	PASSING("the router is the attacker", ROUTER_IS_HERE),
	PASSING("the router is the machine", ROUTER_IS_YOU),
	PASSING("the router is all", ROUTER_IS_ALL),
	PASSING("the router is nobody", ROUTER_IS_NOBODY),
	PASSING("the router is the attacker, by questions", ROUTER_IS_ASKING),
	PASSING("the router is the attacker, to all", ROUTER_TO_ALL),
	{ .name = "ARP: the machine is the attacker",
	  .kind = YOU_ARE_HERE,
	  .every_us = 20000,
	  .tick = say_claim },
	{ .name = "ARP: the attacker answers first",
	  .kind = ROUTER_IS_HERE,
	  .sees = SIM_SEES_ARP,
	  .see = race },
	{ .name = "ARP: the attacker answers last",
	  .claim = SIM_MAY_FAIL,
	  .kind = ROUTER_IS_HERE,
	  .sees = SIM_SEES_ARP,
	  .see = race,
	  .is_slow = true },
	MIDDLE("passes all on", PASSES, SIM_MUST_BOOT),
	MIDDLE("drops a tenth", DROPS_SOME, SIM_MUST_BOOT),
	MIDDLE("drops half", DROPS_HALF, SIM_MAY_FAIL),
	MIDDLE("flips bits of requests", FLIPS, SIM_MAY_LIE),
	MIDDLE("sends all back", TURNS_BACK, SIM_MAY_FAIL),
};

const struct sim_attacks sim_attacks_arp = { list, sizeof(list) / sizeof(list[0]) };
