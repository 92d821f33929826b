/* SPDX-License-Identifier: MIT */
/* Hostile DHCPv6 (RFC 8415): lengths that are not so, nesting, refusals, a second server. */
#include <string.h>

#include "sim_hostile.h"

#define SOLICIT 1u
#define ADVERTISE 2u
#define REPLY 7u
#define CLIENT_ID 1
#define SERVER_ID 2
#define IA_NA 3
#define IA_ADDRESS 5
#define STATUS 13
#define RAPID_COMMIT 14
#define DNS_SERVERS 23

static const uint8_t good_address[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x50 };

/* What an answer is made of. */
struct offer {
	unsigned type;
	const char *server;
	size_t server_len;
	const uint8_t *address, *dns;
	uint32_t preferred_s, valid_s;
};

static struct cb_bytes find(const struct sim_seen *seen, unsigned code)
{
	return packet_dhcp6_find((struct cb_bytes){ seen->packet.l4 + 8, seen->packet.len - 8 },
				 code);
}

static bool is_solicit(const struct sim_seen *seen)
{
	return seen->packet.l4[8] == SOLICIT;
}

static void begin(struct packet_data *d, const struct sim_seen *seen, unsigned type)
{
	struct cb_bytes client = find(seen, CLIENT_ID);

	packet_dhcp6(d, type, packet_get32(seen->packet.l4 + 8) & 0xffffff);
	packet_dhcp6_option(d, CLIENT_ID, client.p, client.len);
}

static void add_address(struct packet_data *d, const struct sim_seen *seen, const struct offer *o)
{
	struct cb_bytes ia = find(seen, IA_NA);

	if (ia.len < 4)
		return;
	packet_add16(d, IA_NA);
	packet_add16(d, 12 + 28);
	packet_add(d, ia.p, 4);
	packet_add(d, "\0\0\0\0\0\0\0\0", 8);
	packet_add16(d, IA_ADDRESS);
	packet_add16(d, 24);
	packet_add(d, o->address, 16);
	packet_add32(d, o->preferred_s);
	packet_add32(d, o->valid_s);
}

static struct offer good_offer(const struct sim_seen *seen)
{
	return (struct offer){ .type = is_solicit(seen) ? ADVERTISE : REPLY,
			       .server = "attacker",
			       .server_len = 8,
			       .address = good_address,
			       .dns = sim_router_ip6,
			       .preferred_s = 7200,
			       .valid_s = 7200 };
}

static void send(struct sim_hostile *h, const struct sim_seen *seen, const struct packet_data *d)
{
	sim_hostile_answer(h, &seen->packet, sim_hostile_link, d);
}

static void send_offer(struct sim_hostile *h, const struct sim_seen *seen, const struct offer *o)
{
	struct packet_data d;

	begin(&d, seen, o->type);
	packet_dhcp6_option(&d, SERVER_ID, o->server, o->server_len);
	if (o->type == REPLY && is_solicit(seen))
		packet_dhcp6_option(&d, RAPID_COMMIT, "", 0);
	add_address(&d, seen, o);
	packet_dhcp6_option(&d, DNS_SERVERS, o->dns, 16);
	send(h, seen, &d);
}

/* ---- Broken answers, each before the router's; what else they say would lead elsewhere ---- */

enum broken {
	TRANSACTION,
	OTHER_CLIENT,
	NO_CLIENT,
	NO_SERVER,
	EMPTY_SERVER,
	LONG_SERVER,
	IA_SHORT,
	IA_LONG,
	IA_PAST_END,
	IA_IN_IA,
	ADDRESS_SHORT,
	ADDRESS_LONG,
	ADDRESS_PAST_IA,
	OTHER_IA,
	STATUS_CUT,
	DNS_15,
	DNS_17,
	DNS_EMPTY_AND_CUT,
	PAST_END,
	HALF_OPTION,
	NO_BYTES,
	THREE_BYTES,
	ONLY_HEAD,
	RELAYED,
	RECONFIGURE,
	A_QUESTION,
	RANDOM,
};

/* An association of its own length, with an address option of its own length. */
static void put_association(struct packet_data *d, const struct sim_seen *seen, unsigned ia_len,
			    unsigned address_len)
{
	struct cb_bytes ia = find(seen, IA_NA);

	packet_add16(d, IA_NA);
	packet_add16(d, ia_len);
	packet_add(d, ia.p, ia.len >= 4 ? 4 : 0);
	packet_add(d, "\0\0\0\0\0\0\0\0", 8);
	packet_add16(d, IA_ADDRESS);
	packet_add16(d, address_len);
	packet_add(d, sim_hostile_ip6, 16);
	packet_add32(d, 7200);
	packet_add32(d, 7200);
}

static void break_association(struct packet_data *d, const struct sim_seen *seen, unsigned kind)
{
	static const uint16_t lengths[][2] = {
		[IA_SHORT] = { 11, 24 },	   [IA_LONG] = { 41, 24 },
		[IA_PAST_END] = { 4000, 24 },	   [IA_IN_IA] = { 40, 24 },
		[ADDRESS_SHORT] = { 39, 23 },	   [ADDRESS_LONG] = { 40, 25 },
		[ADDRESS_PAST_IA] = { 40, 60000 },
	};

	if (kind == IA_IN_IA) {
		packet_add16(d, IA_NA);
		packet_add16(d, 12 + 44);
		packet_add(d, find(seen, IA_NA).p, 4);
		packet_add(d, "\0\0\0\0\0\0\0\0", 8);
	}
	put_association(d, seen, lengths[kind][0], lengths[kind][1]);
}

static void break_rest(struct sim_hostile *h, struct packet_data *d, unsigned kind)
{
	static const uint8_t servers[17] = { 0xfd };

	if (kind == STATUS_CUT)
		packet_dhcp6_option(d, STATUS, "", 1);
	else if (kind == DNS_15 || kind == DNS_17)
		packet_dhcp6_option(d, DNS_SERVERS, servers, kind == DNS_15 ? 15 : 17);
	else if (kind == DNS_EMPTY_AND_CUT)
		packet_add(d, "\0\x17\0\0\0\x17\0\x20", 8);
	else if (kind == PAST_END)
		packet_add(d, "\0\x63\xff\xff", 4);
	else if (kind == HALF_OPTION)
		packet_add(d, "\0\x63\0", 3);
	else if (kind == NO_BYTES || kind == THREE_BYTES || kind == ONLY_HEAD)
		d->len = kind == NO_BYTES ? 0 : kind == THREE_BYTES ? 3 : 4;
	else if (kind == RANDOM)
		sim_hostile_fill(h, d->bytes + 4, d->len - 4);
	else if (kind == TRANSACTION)
		d->bytes[3] ^= 1;
	else if (kind == OTHER_CLIENT)
		d->bytes[17] ^= 1;
}

static void answer_broken(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	static const uint8_t long_server[200] = { 0, 3, 0, 1 };
	struct offer o = good_offer(seen);
	struct packet_data d;
	unsigned type = kind == RELAYED ? 13 :
		kind == RECONFIGURE	? 10 :
		kind == A_QUESTION	? SOLICIT :
					  o.type;

	o.address = sim_hostile_ip6;
	o.dns = sim_hostile_ip6;
	begin(&d, seen, type);
	if (kind == NO_CLIENT)
		d.len = 4;
	if (kind == LONG_SERVER) /* as CVE-2023-45230 and 45235 */
		packet_dhcp6_option(&d, SERVER_ID, long_server, sizeof(long_server));
	else if (kind != NO_SERVER)
		packet_dhcp6_option(&d, SERVER_ID, o.server, kind == EMPTY_SERVER ? 0 : 8);
	packet_dhcp6_option(&d, DNS_SERVERS, o.dns, 16);
	if (kind >= IA_SHORT && kind <= ADDRESS_PAST_IA) /* as CVE-2023-45229 and 45234 */
		break_association(&d, seen, kind);
	else
		add_address(&d, seen, &o);
	if (kind == OTHER_IA)
		d.bytes[d.len - 40] ^= 1;
	break_rest(h, &d, kind);
	send(h, seen, &d);
}

/* ---- Good answers in strange words ---- */

enum strange { EMPTY_OPTIONS, LONG_CHAIN, MANY_ADDRESSES, FOR_EVER, AT_ONCE, MANY_SERVERS, NO_DNS };

static void answer_strangely(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct offer o = good_offer(seen);
	struct packet_data d;

	if (kind == FOR_EVER)
		o.preferred_s = o.valid_s = UINT32_MAX;
	if (kind == AT_ONCE && is_solicit(seen))
		o.type = REPLY;
	begin(&d, seen, o.type);
	packet_dhcp6_option(&d, SERVER_ID, o.server, o.server_len);
	if (kind == AT_ONCE)
		packet_dhcp6_option(&d, RAPID_COMMIT, "", 0);
	while (kind == EMPTY_OPTIONS && d.len < 800)
		packet_dhcp6_option(&d, 99, "", 0);
	while (kind == LONG_CHAIN && d.len < 1200)
		packet_dhcp6_option(&d, 16, "abcdefgh", 8);
	add_address(&d, seen, &o);
	for (unsigned i = 0; kind == MANY_ADDRESSES && i < 20; i++)
		add_address(&d, seen, &o);
	for (unsigned i = 0; kind != NO_DNS && i < (kind == MANY_SERVERS ? 20 : 1); i++)
		packet_dhcp6_option(&d, DNS_SERVERS, o.dns, 16);
	send(h, seen, &d);
}

/* ---- Addresses that are of no use: as if nothing had been offered ---- */

static void offer_useless(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	static const uint8_t addresses[][16] = {
		{ 0xff, 2, [15] = 1 },
		{ [15] = 1 },
		{ 0 },
		{ 0xfe, 0x80, [15] = 9 },
	};
	struct offer o = good_offer(seen);

	if (kind < 4)
		o.address = addresses[kind];
	else if (kind == 4)
		o.valid_s = o.preferred_s = 0;
	else
		o.valid_s = 100;
	send_offer(h, seen, &o);
}

/* ---- Who speaks for the server ---- */

enum rogue {
	SILENT_DNS,
	ONLY_OFFERS,
	REFUSES_OFFERS,
	REFUSES,
	REFUSES_AS_ROUTER,
	NO_ADDRESS_LEFT,
	SECOND,
	ROUTERS_ADDRESS,
};

static void act_rogue(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct offer o = good_offer(seen);
	struct packet_data d;

	if (kind == ONLY_OFFERS && !is_solicit(seen))
		return;
	if (kind == SILENT_DNS || kind == SECOND)
		o.dns = sim_hostile_ip6;
	if (kind == ROUTERS_ADDRESS)
		o.address = sim_router_ip6;
	if (kind != REFUSES && kind != REFUSES_AS_ROUTER && kind != REFUSES_OFFERS &&
	    kind != NO_ADDRESS_LEFT) {
		send_offer(h, seen, &o);
		return;
	}
	if (is_solicit(seen) != (kind == REFUSES_OFFERS || kind == NO_ADDRESS_LEFT))
		return;
	begin(&d, seen, o.type);
	packet_dhcp6_option(&d, SERVER_ID, kind == REFUSES_AS_ROUTER ? "router" : "attack", 6);
	if (kind == NO_ADDRESS_LEFT)
		add_address(&d, seen, &o);
	packet_dhcp6_option(&d, STATUS, "\0\2none", 6);
	send(h, seen, &d);
}

static void storm(struct sim_hostile *h, unsigned kind)
{
	struct packet_data d = { .len = 0 };
	uint8_t udp[8] = { 2, 0x22, 2, 0x23 }; /* 546 asked 547 */
	struct sim_packet to = { .is_ipv6 = true, .protocol = PACKET_UDP, .l4 = udp, .len = 8 };

	(void)kind;
	memcpy(to.from, sim_machine_link, 16);
	d.len = sim_hostile_random(h, 300);
	sim_hostile_fill(h, d.bytes, d.len);
	d.bytes[0] = sim_hostile_random(h, 2) ? ADVERTISE : REPLY;
	sim_hostile_answer(h, &to, sim_hostile_link, &d);
}

#define ON_DHCP6 .lan = SIM_LAN_DHCP6, .sees = SIM_SEES_DHCP6
#define BROKEN(text, what)                                                                         \
	{                                                                                          \
		.name = "DHCPv6: " text, ON_DHCP6, .kind = what, .see = answer_broken              \
	}
#define STRANGE(text, what)                                                                        \
	{                                                                                          \
		.name = "DHCPv6 lease: " text, ON_DHCP6, .kind = what, .see = answer_strangely     \
	}
#define USELESS(text, what)                                                                        \
	{                                                                                          \
		.name = "DHCPv6 offers " text, ON_DHCP6, .kind = what, .see = offer_useless        \
	}
#define ROGUE(text, what, may)                                                                     \
	{                                                                                          \
		.name = "rogue DHCPv6: " text, ON_DHCP6, .claim = may, .kind = what,               \
		.see = act_rogue                                                                   \
	}

static const struct sim_attack list[] = {
	BROKEN("another transaction", TRANSACTION),
	BROKEN("another machine's", OTHER_CLIENT),
	BROKEN("nobody's", NO_CLIENT),
	BROKEN("from nobody", NO_SERVER),
	BROKEN("server id of no length", EMPTY_SERVER),
	BROKEN("server id of 200 bytes", LONG_SERVER),
	BROKEN("association of 11 bytes", IA_SHORT),
	BROKEN("association longer by one", IA_LONG),
	BROKEN("association past the end", IA_PAST_END),
	BROKEN("association in an association", IA_IN_IA),
	BROKEN("address of 23 bytes", ADDRESS_SHORT),
	BROKEN("address longer by one", ADDRESS_LONG),
	BROKEN("address past its association", ADDRESS_PAST_IA),
	BROKEN("another association", OTHER_IA),
	BROKEN("status of one byte", STATUS_CUT),
	BROKEN("DNS servers of 15 bytes", DNS_15),
	BROKEN("DNS servers of 17 bytes", DNS_17),
	BROKEN("DNS servers cut", DNS_EMPTY_AND_CUT),
	BROKEN("option past the end", PAST_END),
	BROKEN("half an option", HALF_OPTION),
	BROKEN("empty", NO_BYTES),
	BROKEN("three bytes", THREE_BYTES),
	BROKEN("only the head", ONLY_HEAD),
	BROKEN("relayed", RELAYED),
	BROKEN("reconfiguration", RECONFIGURE),
	BROKEN("a question for an answer", A_QUESTION),
	BROKEN("random bytes", RANDOM),
	STRANGE("empty options", EMPTY_OPTIONS),
	STRANGE("a chain of 1,200 bytes", LONG_CHAIN),
	STRANGE("20 associations more", MANY_ADDRESSES),
	STRANGE("for ever", FOR_EVER),
	STRANGE("at once", AT_ONCE),
	STRANGE("20 DNS options", MANY_SERVERS),
	USELESS("a group", 0),
	USELESS("::1", 1),
	USELESS("::", 2),
	USELESS("a link-local address", 3),
	USELESS("an address for no time", 4),
	USELESS("an address preferred for longer than valid", 5),
	ROGUE("refuses before the router answers", REFUSES_OFFERS, SIM_MUST_BOOT),
	ROGUE("refuses the router's offer", REFUSES, SIM_MUST_BOOT),
	ROGUE("refuses with an address", NO_ADDRESS_LEFT, SIM_MUST_BOOT),
	ROGUE("silent DNS server", SILENT_DNS, SIM_MAY_FAIL),
	ROGUE("offers, and then nothing", ONLY_OFFERS, SIM_MAY_FAIL),
	ROGUE("refuses in the router's name", REFUSES_AS_ROUTER, SIM_MAY_FAIL),
	ROGUE("the router's address", ROUTERS_ADDRESS, SIM_MAY_FAIL),
	{ .name = "rogue DHCPv6: no DNS server",
	  ON_DHCP6,
	  .claim = SIM_MAY_FAIL,
	  .kind = NO_DNS,
	  .see = answer_strangely },
	{ .name = "DHCPv6: a second server, slower",
	  ON_DHCP6,
	  .kind = SECOND,
	  .see = act_rogue,
	  .is_slow = true },
	{ .name = "DHCPv6 storm: random bytes",
	  .lan = SIM_LAN_DHCP6,
	  .every_us = 1000,
	  .tick = storm },
};

const struct sim_attacks sim_attacks_dhcp6 = { list, sizeof(list) / sizeof(list[0]) };
