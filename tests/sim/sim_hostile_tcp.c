/* SPDX-License-Identifier: MIT */
/* Hostile TCP (RFC 9293, 5961): segments in the servers' name for live connections, and others. */
#include <string.h>

#include "sim_hostile.h"

#define FIN 0x01u
#define SYN 0x02u
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u
#define URG 0x20u

struct segment {
	struct sim_packet of; /* the machine's, that this one seems to answer */
	uint32_t seq, ack;
	unsigned flags, window, head;
	uint8_t rest[1440]; /* options and data */
	size_t n_rest;
};

/* An answer to the machine's segment that would be right: no flags but ACK, no data. */
static void answer_to(struct segment *s, const struct sim_packet *of)
{
	size_t head = (size_t)(of->l4[12] >> 4) * 4;
	uint32_t len = head <= of->len ? (uint32_t)(of->len - head) : 0;

	memset(s, 0, sizeof(*s));
	s->of = *of;
	s->seq = packet_get32(of->l4 + 8);
	s->ack = packet_get32(of->l4 + 4) + len + (of->l4[13] & (SYN | FIN) ? 1 : 0);
	s->flags = ACK;
	s->window = 65535;
	s->head = 20;
}

static void add(struct segment *s, const void *bytes, size_t len)
{
	memcpy(s->rest + s->n_rest, bytes, len);
	s->n_rest += len;
}

static void send(struct sim_hostile *h, const struct segment *s)
{
	uint8_t f[SIM_FRAME_MAX + 64], *tcp = f + (s->of.is_ipv6 ? PACKET6_AT : PACKET4_AT);
	struct packet6_ends ends = { PACKET_TCP, 64, s->of.to, s->of.from };
	size_t n = 20 + s->n_rest;

	memset(tcp, 0, 20);
	memcpy(tcp, s->of.l4 + 2, 2);
	memcpy(tcp + 2, s->of.l4, 2);
	packet_put32(tcp + 4, s->seq);
	packet_put32(tcp + 8, s->ack);
	tcp[12] = (uint8_t)(s->head / 4 << 4);
	tcp[13] = (uint8_t)s->flags;
	packet_put16(tcp + 14, s->window);
	memcpy(tcp + 20, s->rest, s->n_rest);
	sim_hostile_send(h, f,
			 s->of.is_ipv6 ? packet6_wrap(f, &ends, n, 16) :
					 packet4_wrap(f, PACKET_TCP, s->of.to, s->of.from, n, 16));
}

/* ---- From who does not see the connection: the numbers are guesses, all else is right ---- */

enum blind {
	RESET_GUESSED,
	RESET_IN_WINDOW,
	RESET_BEHIND,
	SYN_IN_WINDOW,
	SYN_GUESSED,
	ACK_OF_UNSENT,
	ACK_OF_OLD,
	DATA_GUESSED,
	DATA_BEHIND,
	DATA_BEYOND,
	FIN_GUESSED,
	NO_FLAGS,
	ALL_FLAGS,
	SHORT_HEAD,
	LONG_HEAD,
	BROKEN_OPTIONS,
	EMPTY_OPTION,
	WINDOW_ZERO_OLD,
	SACKS_OF_UNSENT,
};

static void guess_reset(struct sim_hostile *h, unsigned kind, struct segment *s)
{
	s->flags = kind == SYN_IN_WINDOW || kind == SYN_GUESSED ? SYN : RST;
	if (kind == RESET_IN_WINDOW || kind == SYN_IN_WINDOW)
		s->seq += 1 + (uint32_t)sim_hostile_random(h, 20000);
	else if (kind == RESET_BEHIND)
		s->seq -= 1 + (uint32_t)sim_hostile_random(h, 1000);
	else
		s->seq += 0x40000000u + (uint32_t)sim_hostile_random(h, 0x40000000u);
}

static void guess_data(struct sim_hostile *h, unsigned kind, struct segment *s)
{
	sim_hostile_fill(h, s->rest, 600);
	s->n_rest = 600;
	if (kind == DATA_BEHIND)
		s->seq -= 600 + (uint32_t)sim_hostile_random(h, 100);
	else if (kind == DATA_BEYOND)
		s->seq += 300000 + (uint32_t)sim_hostile_random(h, 100000);
	else
		s->seq += 0x40000000u + (uint32_t)sim_hostile_random(h, 0x40000000u);
}

static void break_head(unsigned kind, struct segment *s)
{
	if (kind == NO_FLAGS || kind == ALL_FLAGS)
		s->flags = kind == NO_FLAGS ? 0 : SYN | FIN | RST | PSH | ACK | URG;
	if (kind == ALL_FLAGS)
		s->seq += 500000;
	if (kind == SHORT_HEAD || kind == LONG_HEAD) {
		s->head = kind == SHORT_HEAD ? 16 : 60;
		add(s, "abcd", 4);
	}
	if (kind == BROKEN_OPTIONS || kind == EMPTY_OPTION) {
		s->head = 32;
		add(s,
		    kind == EMPTY_OPTION ? "\2\0\3\0\5\0\x08\0\1\1\1\0" :
					   "\1\1\1\1\1\1\1\1\1\1\1\x05",
		    12);
	}
	if (kind == SACKS_OF_UNSENT) {
		uint8_t option[12] = { 1, 1, 5, 10 };

		packet_put32(option + 4, s->ack + 1000);
		packet_put32(option + 8, s->ack + 900);
		s->head = 32;
		add(s, option, sizeof(option));
	}
}

static void blind(struct sim_hostile *h, unsigned kind)
{
	struct sim_packet of;
	struct segment s;

	if (!h->tcp_len || !sim_parse(h->tcp, h->tcp_len, &of))
		return;
	answer_to(&s, &of);
	if (kind <= SYN_GUESSED)
		guess_reset(h, kind, &s);
	else if (kind == ACK_OF_UNSENT)
		s.ack += 100000;
	else if (kind == ACK_OF_OLD)
		s.ack -= 100000;
	else if (kind <= DATA_BEYOND)
		guess_data(h, kind, &s);
	else if (kind == FIN_GUESSED) {
		s.flags |= FIN;
		s.seq += 400000;
	} else if (kind == WINDOW_ZERO_OLD) {
		s.window = 0;
		s.seq -= 1000;
		s.ack -= 1000;
	}
	break_head(kind, &s);
	send(h, &s);
}

/* ---- Segments for nobody ---- */

enum stray { SYN_FLOOD, LAND, STRAY_ACKS, TO_PORT_ZERO, CUT };

static void stray(struct sim_hostile *h, unsigned kind)
{
	uint8_t f[SIM_FRAME_MAX] = { 0 }, from[4] = { 10, 0, 0, 1 }, *tcp = f + PACKET4_AT;
	size_t n = 20;

	sim_hostile_fill(h, from + 1, 3);
	if (kind == LAND)
		memcpy(from, sim_machine_ip, 4);
	sim_hostile_fill(h, tcp, 12);
	if (kind == LAND)
		memcpy(tcp + 2, tcp, 2);
	if (kind == TO_PORT_ZERO)
		memset(tcp, 0, 4);
	tcp[12] = 0x50;
	tcp[13] = kind == STRAY_ACKS ? ACK : SYN;
	packet_put16(tcp + 14, 1024);
	if (kind == CUT)
		n = 18 + sim_hostile_random(h, 2);
	sim_hostile_send(h, f, packet4_wrap(f, PACKET_TCP, from, sim_machine_ip, n, 16));
}

/* ---- At the beginning of a connection ---- */

enum hand {
	WRONG_ACK,
	NEAR_ACK, /* the reset that this brings about is in the server's window */
	RESET_WRONG_ACK,
	RESET_WITHOUT_ACK,
	REFUSED,
	REFUSED_TWICE,
	MSS_TINY,
	ANSWERED,
};

/* "Right" ones come from somebody who sees the SYN: that is to speak for the server. */
static void shake(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct segment s;

	if ((seen->packet.l4[13] & (SYN | ACK)) != SYN)
		return;
	if (kind == REFUSED_TWICE && sim_attack_frames(h->net->sim) >= 2)
		return;
	answer_to(&s, &seen->packet);
	s.seq = (uint32_t)sim_hostile_random(h, UINT32_MAX);
	if (kind <= RESET_WITHOUT_ACK)
		s.ack += 1 + (uint32_t)sim_hostile_random(h, 60000);
	if (kind == WRONG_ACK)
		s.ack += 0x20000000u;
	s.flags = kind == RESET_WITHOUT_ACK				 ? RST :
		kind <= NEAR_ACK || kind == MSS_TINY || kind == ANSWERED ? SYN | ACK :
									   RST | ACK;
	if (kind == MSS_TINY) {
		s.head = 24;
		add(&s, "\2\4\0\1", 4);
	}
	send(h, &s);
}

/* ---- From who sees the connection: right in all ---- */

enum seeing { RESET, RESET_SOME, INJECT, INJECT_AHEAD, END, WINDOW_ZERO, URGENT };

static void strike(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct segment s;

	if ((seen->packet.l4[13] & (SYN | ACK | RST)) != ACK)
		return;
	if (kind == RESET_SOME && sim_attack_frames(h->net->sim) >= 3)
		return;
	/* Some of them, or there would be an echo between the two without end. */
	if (kind != RESET && kind != RESET_SOME && sim_attack_frames(h->net->sim) > 0 &&
	    sim_hostile_random(h, kind == INJECT ? 2 : 8) != 0)
		return;
	answer_to(&s, &seen->packet);
	if (kind == RESET || kind == RESET_SOME)
		s.flags = RST;
	else if (kind == END)
		s.flags |= FIN;
	else if (kind == WINDOW_ZERO)
		s.window = 0;
	else
		sim_hostile_fill(h, s.rest, s.n_rest = 1 + sim_hostile_random(h, 1400));
	if (kind == INJECT_AHEAD)
		s.seq += 1460 * (1 + (uint32_t)sim_hostile_random(h, 8));
	if (kind == URGENT)
		s.flags |= URG;
	send(h, &s);
}

#define BLIND(text, what)                                                                          \
	{                                                                                          \
		.name = "TCP: " text, .kind = what, .every_us = 1000, .tick = blind                \
	}
#define BLIND_6(text, what)                                                                        \
	{                                                                                          \
		.name = "TCP over IPv6: " text, .lan = SIM_LAN6, .kind = what, .every_us = 1000,   \
		.tick = blind                                                                      \
	}
#define STRAY(text, what)                                                                          \
	{                                                                                          \
		.name = "TCP: " text, .kind = what, .every_us = 500, .tick = stray                 \
	}
#define SHAKE(text, what, may)                                                                     \
	{                                                                                          \
		.name = "TCP: " text, .claim = may, .kind = what, .sees = SIM_SEES_TCP,            \
		.see = shake                                                                       \
	}
#define STRIKE(text, what, may)                                                                    \
	{                                                                                          \
		.name = "TCP, seen: " text, .claim = may, .kind = what, .sees = SIM_SEES_TCP,      \
		.see = strike                                                                      \
	}

static const struct sim_attack list[] = {
	BLIND("guessed resets", RESET_GUESSED),
	BLIND("resets in the window", RESET_IN_WINDOW),
	BLIND("resets from the past", RESET_BEHIND),
	BLIND("SYNs in the window", SYN_IN_WINDOW),
	BLIND("guessed SYNs", SYN_GUESSED),
	BLIND("ACKs of what was not sent", ACK_OF_UNSENT),
	BLIND("old ACKs", ACK_OF_OLD),
	BLIND("data at guessed places", DATA_GUESSED),
	BLIND("data from the past", DATA_BEHIND),
	BLIND("data beyond the window", DATA_BEYOND),
	BLIND("ends beyond the window", FIN_GUESSED),
	BLIND("no flags", NO_FLAGS),
	BLIND("all flags", ALL_FLAGS),
	BLIND("header too short", SHORT_HEAD),
	BLIND("header longer than the segment", LONG_HEAD),
	BLIND("options past the end", BROKEN_OPTIONS),
	BLIND("options of no length", EMPTY_OPTION),
	BLIND("a closed window from the past", WINDOW_ZERO_OLD),
	BLIND("SACKs that can't be", SACKS_OF_UNSENT),
	BLIND_6("guessed resets", RESET_GUESSED),
	BLIND_6("resets in the window", RESET_IN_WINDOW),
	BLIND_6("SYNs in the window", SYN_IN_WINDOW),
	BLIND_6("data at guessed places", DATA_GUESSED),
	BLIND_6("ACKs of what was not sent", ACK_OF_UNSENT),
	STRAY("SYN flood to the machine", SYN_FLOOD),
	STRAY("SYNs from itself", LAND),
	STRAY("ACKs for nobody", STRAY_ACKS),
	STRAY("port 0", TO_PORT_ZERO),
	STRAY("cut in the header", CUT),
	SHAKE("answers of a wrong number", WRONG_ACK, SIM_MUST_BOOT),
	SHAKE("answers of a number nearby", NEAR_ACK, SIM_MAY_FAIL),
	SHAKE("refusals of a wrong number", RESET_WRONG_ACK, SIM_MUST_BOOT),
	SHAKE("refusals without number", RESET_WITHOUT_ACK, SIM_MUST_BOOT),
	SHAKE("two connections refused", REFUSED_TWICE, SIM_MUST_BOOT),
	SHAKE("every connection refused", REFUSED, SIM_MAY_FAIL),
	SHAKE("segments of one byte", MSS_TINY, SIM_MAY_FAIL),
	SHAKE("answered by nobody", ANSWERED, SIM_MAY_FAIL),
	STRIKE("every connection reset", RESET, SIM_MAY_FAIL),
	STRIKE("three connections reset", RESET_SOME, SIM_MUST_BOOT),
	STRIKE("random bytes put in", INJECT, SIM_MAY_LIE),
	STRIKE("random bytes put in ahead", INJECT_AHEAD, SIM_MAY_LIE),
	STRIKE("ends put in", END, SIM_MAY_LIE),
	STRIKE("windows closed", WINDOW_ZERO, SIM_MAY_FAIL),
	STRIKE("urgent bytes put in", URGENT, SIM_MAY_LIE),
};

const struct sim_attacks sim_attacks_tcp = { list, sizeof(list) / sizeof(list[0]) };
