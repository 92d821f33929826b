/* SPDX-License-Identifier: MIT */
/* Hostile DHCP (RFC 2131): broken answers, refusals, a second server, leases that lead nowhere. */
#include <string.h>

#include "sim_hostile.h"

#define DISCOVER 1u

/* What it lends; all of it right but for what a kind says. */
struct lease {
	uint8_t yours[4], mask[4], gateway[4], dns[4];
	uint32_t seconds;
};

static const struct lease good = {
	{ 192, 0, 2, 50 }, { 255, 255, 255, 0 }, { 192, 0, 2, 1 }, { 192, 0, 2, 1 }, 86400
};

static unsigned type_of(const struct sim_seen *seen)
{
	/* lwIP's first option is the type. */
	return seen->packet.len > 8 + PACKET_DHCP_OPTIONS + 2 ?
		seen->packet.l4[8 + PACKET_DHCP_OPTIONS + 2] :
		0;
}

static void send(struct sim_hostile *h, const uint8_t *server, unsigned from_port, unsigned to_port,
		 const struct packet_data *d)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 };
	struct packet4_udp ends = { server, all, from_port, to_port };
	uint8_t f[SIM_FRAME_MAX + 64];

	sim_hostile_send(h, f, packet4_udp(f, &ends, d->bytes, d->len < 1472 ? d->len : 1472));
}

static void add_lease(struct packet_data *d, const struct lease *lease)
{
	uint8_t seconds[4];

	packet_put32(seconds, lease->seconds);
	packet_dhcp_option(d, 51, seconds, 4);
	packet_dhcp_option(d, 1, lease->mask, 4);
	packet_dhcp_option(d, 3, lease->gateway, 4);
	packet_dhcp_option(d, 6, lease->dns, 4);
}

/* An offer to a DISCOVER, an acknowledgement to a REQUEST. */
static void lend(struct sim_hostile *h, const struct sim_seen *seen, const uint8_t *server,
		 const struct lease *lease)
{
	struct packet_data d = { .len = 0 };
	bool asks = type_of(seen) == DISCOVER;

	packet_dhcp(&d, seen->packet.l4 + 8, asks ? PACKET_DHCP_OFFER : PACKET_DHCP_ACK, server,
		    lease->yours);
	add_lease(&d, lease);
	packet_add(&d, "\377", 1);
	send(h, server, 67, 68, &d);
}

/* ---- Broken answers, each before the router's ---- */

enum broken {
	BAD_MAGIC,
	BAD_OP,
	BAD_TRANSACTION,
	OTHER_MACHINE,
	CUT_HEAD,
	NO_BYTES,
	NO_OPTIONS,
	PAST_END,
	NO_TYPE,
	UNKNOWN_TYPE,
	FROM_PORT,
	TO_PORT,
	CUT_OPTIONS,
	SHORT_MASK,
	LONG_TYPE,
	OWN_QUESTION,
};

static void break_head(struct packet_data *d, unsigned kind)
{
	switch (kind) {
	case BAD_MAGIC:
		d->bytes[237] ^= 1;
		break;
	case BAD_OP:
		d->bytes[0] = 1;
		break;
	case BAD_TRANSACTION:
		d->bytes[5] ^= 1;
		break;
	case OTHER_MACHINE:
		d->bytes[33] ^= 1;
		break;
	case NO_TYPE:
		d->bytes[PACKET_DHCP_OPTIONS] = 12;
		break;
	case UNKNOWN_TYPE:
		d->bytes[PACKET_DHCP_OPTIONS + 2] = 99;
		break;
	case LONG_TYPE:
		d->bytes[PACKET_DHCP_OPTIONS + 1] = 200;
		break;
	default:
		break;
	}
}

static void answer_broken(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct packet_data d = { .len = 0 };
	struct lease lease = good;

	memcpy(lease.gateway, sim_hostile_ip, 4);
	packet_dhcp(&d, seen->packet.l4 + 8, type_of(seen) == DISCOVER ? 2 : 5, sim_hostile_ip,
		    lease.yours);
	add_lease(&d, &lease);
	if (kind == SHORT_MASK)
		packet_dhcp_option(&d, 1, "\377\377\377", 3);
	if (kind == PAST_END)
		packet_add(&d,
			   "\x0c\xff"
			   "a",
			   3);
	else
		packet_add(&d, "\377", 1);
	break_head(&d, kind);
	if (kind == CUT_HEAD || kind == NO_BYTES || kind == NO_OPTIONS)
		d.len = kind == CUT_HEAD ? 100 : kind == NO_BYTES ? 0 : 239;
	if (kind == CUT_OPTIONS)
		d.len = PACKET_DHCP_OPTIONS + 3 + sim_hostile_random(h, 20);
	if (kind == OWN_QUESTION) {
		d.len = 0;
		packet_add(&d, seen->packet.l4 + 8, seen->packet.len - 8);
	}
	send(h, sim_hostile_ip, kind == FROM_PORT ? 1067 : 67, kind == TO_PORT ? 69 : 68, &d);
}

/* ---- Right leases in strange words ---- */

enum strange {
	EMPTY_OPTIONS,
	LONG_CHAIN,
	LONG_OPTIONS,
	ONLY_PADDING,
	MANY_SERVERS,
	NO_END,
	OVERLOAD_FILE,
	OVERLOAD_BOTH,
	OVERLOAD_LOOP,
	OVERLOAD_UNKNOWN,
	TWO_TYPES,
	FOR_EVER,
	NO_TIME,
	T1_BEHIND,
	TEXT_OPTIONS,
};

static void add_strange(struct packet_data *d, unsigned kind)
{
	static const uint8_t long_option[255] = { 0 };

	while (kind == EMPTY_OPTIONS && d->len < 700)
		packet_add(d, "\x0c\0\x0f\0\x42\0\x43\0\x2b\0", 10);
	while (kind == LONG_CHAIN && d->len < 1440)
		packet_add(d, "\xe0\3abc", 5);
	while (kind == LONG_OPTIONS && d->len < 1100)
		packet_dhcp_option(d, 43, long_option, sizeof(long_option));
	while (kind == ONLY_PADDING && d->len < 1440)
		packet_add(d, long_option, 16);
	while (kind == MANY_SERVERS && d->len < 1000)
		packet_add(d, "\6\x10\x08\x08\x08\x08\1\1\1\1\2\2\2\2\3\3\3\3", 18);
	if (kind == TWO_TYPES)
		packet_add(d, "\x35\1\6", 3);
	if (kind == T1_BEHIND)
		packet_add(d, "\x3a\4\0\1\0\0\x3b\4\0\0\0\1", 12);
	if (kind == TEXT_OPTIONS)
		packet_add(d, "\x0f\5a\0b\n\xff\x42\4%s%n\x43\3../", 18);
}

/* Options in the fields for names (option 52): 1 file, 2 server's name, 3 both. */
static void overload(struct packet_data *d, unsigned kind)
{
	uint8_t fields = kind == OVERLOAD_FILE ? 1 : kind == OVERLOAD_UNKNOWN ? 200 : 3;

	memset(d->bytes + 44, 0, 64 + 128);
	memcpy(d->bytes + 108, "\x3\4\xc0\0\2\1\xff", 7);
	memcpy(d->bytes + 44, "\x0c\3abc\xff", 6);
	if (kind == OVERLOAD_LOOP) {
		memcpy(d->bytes + 44, "\x34\1\3\x34\1\1", 6);
		memcpy(d->bytes + 108, "\x34\1\3\x34\1\2", 6);
	}
	packet_dhcp_option(d, 52, &fields, 1);
}

static void lend_strangely(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct packet_data d = { .len = 0 };
	struct lease lease = good;

	lease.seconds = kind == FOR_EVER ? UINT32_MAX : kind == NO_TIME ? 0 : lease.seconds;
	packet_dhcp(&d, seen->packet.l4 + 8, type_of(seen) == DISCOVER ? 2 : 5, sim_hostile_ip,
		    lease.yours);
	add_lease(&d, &lease);
	if (kind >= OVERLOAD_FILE && kind <= OVERLOAD_UNKNOWN)
		overload(&d, kind);
	else
		add_strange(&d, kind);
	if (kind != NO_END)
		packet_add(&d, "\377", 1);
	send(h, sim_hostile_ip, 67, 68, &d);
}

/* ---- Leases that lead nowhere ---- */

enum nowhere {
	TO_SILENT_GATEWAY,
	TO_BLACK_HOLE,
	TO_ITSELF,
	NO_GATEWAY,
	SILENT_DNS,
	DNS_EVERYWHERE,
	DNS_ITSELF,
	NO_DNS,
	WIDE_MASK,
	NARROW_MASK,
	ADDRESS_OF_ROUTER,
	ADDRESS_ZERO,
	ADDRESS_ALL,
	ADDRESS_LOOP,
	ADDRESS_GROUP,
};

static void choose_nowhere(struct lease *l, unsigned kind)
{
	static const uint8_t addresses[][4] = {
		{ 192, 0, 2, 1 }, { 0 }, { 255, 255, 255, 255 }, { 127, 0, 0, 1 }, { 224, 0, 0, 1 },
	};

	if (kind >= ADDRESS_OF_ROUTER)
		memcpy(l->yours, addresses[kind - ADDRESS_OF_ROUTER], 4);
	else if (kind == TO_SILENT_GATEWAY)
		l->gateway[3] = 250;
	else if (kind == TO_BLACK_HOLE)
		memcpy(l->gateway, sim_hostile_ip, 4);
	else if (kind == TO_ITSELF)
		memcpy(l->gateway, l->yours, 4);
	else if (kind == NO_GATEWAY)
		memset(l->gateway, 0, 4);
	else if (kind == SILENT_DNS)
		l->dns[3] = 250;
	else if (kind == DNS_EVERYWHERE || kind == NO_DNS)
		memset(l->dns, kind == NO_DNS ? 0 : 255, 4);
	else if (kind == DNS_ITSELF)
		memcpy(l->dns, l->yours, 4);
	else
		memset(l->mask, kind == WIDE_MASK ? 0 : 255, 4);
}

static void lend_nowhere(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct lease lease = good;
	uint8_t f[PACKET_ARP_LEN];

	choose_nowhere(&lease, kind);
	lend(h, seen, sim_hostile_ip, &lease);
	if (kind == TO_BLACK_HOLE)
		sim_hostile_send(h, f,
				 packet_arp(f, 2, sim_hostile_mac, sim_hostile_ip, lease.yours));
}

/* ---- Refusals ---- */

enum refusal { NAK_ALL, NAK_OFFERS, NAK_TEN_TIMES, NAK_OTHERS, OFFERS_ONLY, ACK_RACE };

static void refuse(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	bool asks = type_of(seen) == DISCOVER;
	struct packet_data d = { .len = 0 };
	struct lease lease = good;

	if ((kind == OFFERS_ONLY || kind == NAK_OFFERS) != asks)
		return;
	if (kind == NAK_TEN_TIMES && sim_attack_frames(h->net->sim) >= 3)
		return;
	memcpy(lease.gateway, sim_hostile_ip, 4);
	if (kind == OFFERS_ONLY || kind == ACK_RACE) {
		lend(h, seen, kind == ACK_RACE ? sim_router_ip : sim_hostile_ip, &lease);
		return;
	}
	packet_dhcp(&d, seen->packet.l4 + 8, PACKET_DHCP_NAK, sim_router_ip, lease.yours);
	packet_add(&d, "\377", 1);
	if (kind == NAK_OTHERS)
		d.bytes[6] ^= 1;
	send(h, sim_router_ip, 67, 68, &d);
}

/* ---- A second server, and storms ---- */

static void compete(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct lease lease = good;

	(void)kind;
	memcpy(lease.gateway, sim_hostile_ip, 4);
	memcpy(lease.dns, sim_hostile_ip, 4);
	if (type_of(seen) == DISCOVER)
		lend(h, seen, sim_hostile_ip, &lease);
}

enum storm { STORM_OFFERS, STORM_ACKS, STORM_NAKS, STORM_RANDOM };

static void storm(struct sim_hostile *h, unsigned kind)
{
	struct packet_data d = { .len = 0 };
	struct lease lease = good;
	uint8_t server[4] = { 192, 0, 2, (uint8_t)(100 + sim_hostile_random(h, 100)) };

	if (kind == STORM_RANDOM) {
		d.len = sim_hostile_random(h, 600);
		sim_hostile_fill(h, d.bytes, d.len);
		if (sim_hostile_random(h, 2))
			memcpy(d.bytes + 236, "\x63\x82\x53\x63", 4);
		send(h, server, 67, 68, &d);
	}
	if (kind == STORM_RANDOM || h->dhcp_len < PACKET_DHCP_OPTIONS ||
	    h->dhcp[PACKET_DHCP_OPTIONS + 2] == DISCOVER)
		return; /* in the storms all is right but the time */
	memcpy(lease.gateway, sim_hostile_ip, 4);
	lease.yours[3] = 99;
	packet_dhcp(&d, h->dhcp,
		    kind == STORM_OFFERS       ? PACKET_DHCP_OFFER :
			    kind == STORM_ACKS ? PACKET_DHCP_ACK :
						 PACKET_DHCP_NAK,
		    server, lease.yours);
	add_lease(&d, &lease);
	packet_add(&d, "\377", 1);
	/* As soon as the right answer has come. */
	if (h->net->now_us > h->dhcp_us + sim_hostile_late_us(h))
		send(h, server, 67, 68, &d);
}

/* ---- A lease that changes in mid-boot ---- */

enum change { OTHER_ADDRESS, REFUSED_LATER, OTHER_MASK };

static void change(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct lease lease = good;
	bool renews = packet_get32(seen->packet.l4 + 8 + 12) != 0; /* ciaddr */
	struct packet_data d = { .len = 0 };

	lease.seconds = 60;
	if (kind == OTHER_ADDRESS && renews)
		lease.yours[3] = (uint8_t)(60 + sim_hostile_random(h, 4));
	if (kind == OTHER_MASK && renews)
		lease.mask[2] = 0xf0;
	if (kind != REFUSED_LATER || !renews) {
		lend(h, seen, sim_router_ip, &lease);
		return;
	}
	packet_dhcp(&d, seen->packet.l4 + 8, PACKET_DHCP_NAK, sim_router_ip, lease.yours);
	packet_add(&d, "\377", 1);
	send(h, sim_router_ip, 67, 68, &d);
}

#define BROKEN(text, what)                                                                         \
	{                                                                                          \
		.name = "DHCP: " text, .kind = what, .sees = SIM_SEES_DHCP, .see = answer_broken   \
	}
#define STRANGE(text, what)                                                                        \
	{                                                                                          \
		.name = "DHCP lease: " text, .kind = what, .sees = SIM_SEES_DHCP,                  \
		.see = lend_strangely                                                              \
	}
#define NOWHERE(text, what)                                                                        \
	{                                                                                          \
		.name = "rogue DHCP: " text, .claim = SIM_MAY_FAIL, .kind = what,                  \
		.sees = SIM_SEES_DHCP, .see = lend_nowhere                                         \
	}
#define REFUSAL(text, what, may)                                                                   \
	{                                                                                          \
		.name = "DHCP: " text, .claim = may, .kind = what, .sees = SIM_SEES_DHCP,          \
		.see = refuse                                                                      \
	}
#define STORM(text, what)                                                                          \
	{                                                                                          \
		.name = "DHCP storm: " text, .kind = what, .every_us = 1000, .tick = storm         \
	}
#define CHANGE(text, what)                                                                         \
	{                                                                                          \
		.name = "DHCP renewal: " text, .kind = what, .sees = SIM_SEES_DHCP, .see = change, \
		.typing_ms = 59500                                                                 \
	}

static const struct sim_attack list[] = {
	BROKEN("malformed magic", BAD_MAGIC),
	BROKEN("a request for an answer", BAD_OP),
	BROKEN("another transaction", BAD_TRANSACTION),
	BROKEN("another machine's", OTHER_MACHINE),
	BROKEN("cut in the head", CUT_HEAD),
	BROKEN("empty", NO_BYTES),
	BROKEN("cut in the magic", NO_OPTIONS),
	BROKEN("option past the end", PAST_END),
	BROKEN("without type", NO_TYPE),
	BROKEN("unknown type", UNKNOWN_TYPE),
	BROKEN("from another port", FROM_PORT),
	BROKEN("to another port", TO_PORT),
	BROKEN("mask of three bytes", SHORT_MASK),
	BROKEN("type of 200 bytes", LONG_TYPE),
	BROKEN("the question itself", OWN_QUESTION),
	STRANGE("empty options", EMPTY_OPTIONS),
	STRANGE("a chain of 1,200 bytes", LONG_CHAIN),
	STRANGE("options of 255 bytes", LONG_OPTIONS),
	STRANGE("padding of 1,200 bytes", ONLY_PADDING),
	STRANGE("200 DNS servers more", MANY_SERVERS),
	STRANGE("no end", NO_END),
	STRANGE("overload of the file name", OVERLOAD_FILE),
	STRANGE("overload of both names", OVERLOAD_BOTH),
	STRANGE("overload in a loop", OVERLOAD_LOOP),
	STRANGE("overload of nothing known", OVERLOAD_UNKNOWN),
	STRANGE("for ever", FOR_EVER),
	STRANGE("of no time", NO_TIME),
	STRANGE("renewal behind its end", T1_BEHIND),
	STRANGE("texts that are none", TEXT_OPTIONS),
	NOWHERE("silent gateway", TO_SILENT_GATEWAY),
	NOWHERE("gateway that swallows", TO_BLACK_HOLE),
	NOWHERE("machine as gateway", TO_ITSELF),
	NOWHERE("no gateway", NO_GATEWAY),
	NOWHERE("silent DNS server", SILENT_DNS),
	NOWHERE("DNS server 255.255.255.255", DNS_EVERYWHERE),
	NOWHERE("machine as DNS server", DNS_ITSELF),
	NOWHERE("DNS server 0.0.0.0", NO_DNS),
	NOWHERE("mask 0.0.0.0", WIDE_MASK),
	NOWHERE("mask 255.255.255.255", NARROW_MASK),
	NOWHERE("the router's address", ADDRESS_OF_ROUTER),
	NOWHERE("address 0.0.0.0", ADDRESS_ZERO),
	NOWHERE("address 255.255.255.255", ADDRESS_ALL),
	NOWHERE("address 127.0.0.1", ADDRESS_LOOP),
	NOWHERE("address 224.0.0.1", ADDRESS_GROUP),
	{ .name = "DHCP: options cut anywhere",
	  .kind = CUT_OPTIONS,
	  .sees = SIM_SEES_DHCP,
	  .see = answer_broken },
	{ .name = "DHCP: an offer that is a refusal, too",
	  .kind = TWO_TYPES,
	  .sees = SIM_SEES_DHCP,
	  .see = lend_strangely },
	REFUSAL("each request refused", NAK_ALL, SIM_MAY_FAIL),
	REFUSAL("three requests refused", NAK_TEN_TIMES, SIM_MUST_BOOT),
	REFUSAL("each question refused", NAK_OFFERS, SIM_MUST_BOOT),
	REFUSAL("others' requests refused", NAK_OTHERS, SIM_MUST_BOOT),
	REFUSAL("offers, and then nothing", OFFERS_ONLY, SIM_MAY_FAIL),
	REFUSAL("wrong lease in the router's name", ACK_RACE, SIM_MAY_FAIL),
	{ .name = "DHCP: a second server, slower",
	  .sees = SIM_SEES_DHCP,
	  .see = compete,
	  .is_slow = true },
	STORM("offers", STORM_OFFERS),
	STORM("acknowledgements", STORM_ACKS),
	STORM("refusals", STORM_NAKS),
	STORM("random bytes", STORM_RANDOM),
	CHANGE("another address", OTHER_ADDRESS),
	CHANGE("refused", REFUSED_LATER),
	CHANGE("another mask", OTHER_MASK),
};

const struct sim_attacks sim_attacks_dhcp = { list, sizeof(list) / sizeof(list[0]) };
