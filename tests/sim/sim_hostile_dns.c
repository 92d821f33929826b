/* SPDX-License-Identifier: MIT */
/* Hostile DNS (RFC 1035): guesses, nonsense, refusals, and answers that lead to the attacker. */
#include <string.h>

#include "sim_hostile.h"

#define HEAD_LEN 12u

/* Head and question of what was asked, as the beginning of an answer. */
static struct packet_data begin(const struct sim_packet *question, unsigned flags,
				unsigned n_answers)
{
	struct packet_data d = { .len = 0 };

	packet_add(&d, question->l4 + 8, question->len - 8);
	packet_put16(d.bytes + 2, flags);
	packet_put16(d.bytes + 6, n_answers);
	return d;
}

static unsigned type_of(const struct sim_packet *question)
{
	return packet_get16(question->l4 + question->len - 4);
}

static void add_head(struct packet_data *d, unsigned type, uint32_t ttl_s, unsigned len)
{
	packet_add(d, "\xc0\x0c", 2);
	packet_add16(d, type);
	packet_add16(d, 1);
	packet_add32(d, ttl_s);
	packet_add16(d, len);
}

/* An address of the family that was asked for: 4 or 16 bytes. */
static void add_address(struct packet_data *d, const struct sim_packet *question,
			const uint8_t address[16])
{
	unsigned len = type_of(question) == 28 ? 16 : 4;

	add_head(d, type_of(question), 3600, len);
	packet_add(d, address, len);
}

static void evil_address(const struct sim_packet *question, uint8_t out[16])
{
	memset(out, 0, 16);
	if (type_of(question) == 28)
		memcpy(out, sim_hostile_ip6, 16);
	else
		memcpy(out, sim_hostile_ip, 4);
}

/* The DNS server's address, as the question has it. */
static void answer(struct sim_hostile *h, const struct sim_packet *question,
		   const struct packet_data *d)
{
	sim_hostile_answer(h, question, question->to, d);
}

/* ---- What is not an answer to the question ---- */

enum beside {
	WRONG_ID,
	WRONG_NAME,
	WRONG_TYPE,
	WRONG_CLASS,
	WRONG_ADDRESS,
	WRONG_PORT_FROM,
	WRONG_PORT_TO,
	NO_BYTES,
	CUT_HEAD,
	A_QUESTION,
	NO_QUESTION,
	GUESSES,
};

static void send_guesses(struct sim_hostile *h, const struct sim_packet *question,
			 struct packet_data *d)
{
	for (unsigned i = 0; i < 200; i++) {
		struct sim_packet to = *question;
		uint8_t udp[8];

		memcpy(udp, question->l4, 8);
		packet_put16(udp, 49152 + (uint32_t)sim_hostile_random(h, 16384));
		if (packet_get16(udp) == packet_get16(question->l4))
			continue;
		to.l4 = udp;
		packet_put16(d->bytes, (uint32_t)sim_hostile_random(h, 65536));
		answer(h, &to, d);
	}
}

static void change_question(struct packet_data *d, unsigned kind)
{
	size_t end = d->len;

	if (kind == WRONG_NAME)
		d->bytes[HEAD_LEN + 1] ^= 1;
	else if (kind == WRONG_TYPE)
		d->bytes[end - 3] ^= 4;
	else if (kind == WRONG_CLASS)
		d->bytes[end - 1] = 3;
	else if (kind == A_QUESTION)
		d->bytes[2] &= 0x7f;
	else if (kind == NO_QUESTION)
		packet_put16(d->bytes + 4, 0);
}

static void answer_beside(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct packet_data d = begin(&seen->packet, 0x8180, 1);
	struct sim_packet to = seen->packet;
	uint8_t evil[16], udp[8];

	change_question(&d, kind);
	evil_address(&seen->packet, evil);
	add_address(&d, &seen->packet, evil);
	if (kind == GUESSES) {
		send_guesses(h, &seen->packet, &d);
		return;
	}
	if (kind == NO_BYTES || kind == CUT_HEAD)
		d.len = kind == NO_BYTES ? 0 : 1 + sim_hostile_random(h, HEAD_LEN - 1);
	memcpy(udp, to.l4, 8);
	if (kind == WRONG_PORT_FROM)
		packet_put16(udp + 2, 54);
	if (kind == WRONG_PORT_TO)
		packet_put16(udp, packet_get16(udp) ^ 1);
	to.l4 = udp;
	if (kind == WRONG_ADDRESS)
		memcpy(to.to, to.is_ipv6 ? sim_hostile_ip6 : sim_hostile_ip, to.is_ipv6 ? 16 : 4);
	for (unsigned i = 1; i <= (kind == WRONG_ID ? 50 : 1); i++) {
		if (kind == WRONG_ID)
			packet_put16(d.bytes, packet_get16(seen->packet.l4 + 8) + i * 97);
		answer(h, &to, &d);
	}
}

/* ---- Right answers in strange words ---- */

enum strange { ALIASES_20, OTHERS_FIRST, NO_LIFETIME, FOR_EVER, LONG_ANSWER };

static void answer_strangely(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct packet_data d = begin(&seen->packet, 0x8180, 1);
	uint8_t name = seen->packet.l4[8 + HEAD_LEN + 1], address[16];
	bool is_ipv6 = type_of(&seen->packet) == 28;
	unsigned n = 1;

	if (name != 'a' && name != 'b')
		return;
	for (; kind == ALIASES_20 && n <= 20; n++) {
		add_head(&d, 5, 60, 2);
		packet_add(&d, "\xc0\x0c", 2);
	}
	for (; kind == OTHERS_FIRST && n <= 10; n++) {
		add_head(&d, 16, 60, 4);
		packet_add(&d, "\3txt", 4);
	}
	sim_server_address(name == 'a' ? 0 : 1, is_ipv6, address);
	add_head(&d, type_of(&seen->packet),
		 kind == NO_LIFETIME	  ? 0 :
			 kind == FOR_EVER ? ~0u :
					    60,
		 is_ipv6 ? 16 : 4);
	packet_add(&d, address, is_ipv6 ? 16 : 4);
	for (; kind == LONG_ANSWER && d.len < 1430; n++)
		add_address(&d, &seen->packet, address);
	packet_put16(d.bytes + 6, n);
	answer(h, &seen->packet, &d);
}

/* ---- Nonsense with the right id, from somebody who sees the questions ---- */

struct nonsense {
	const char *bytes; /* behind the question */
	size_t len;
	unsigned flags, n_answers;
};

static const struct nonsense nonsense[] = {
	{ "\xc0\x1a\0\1\0\1\0\0\0\x3c\0\4\1\1\1\1", 16, 0x8180, 1 }, /* 0: points to itself */
	{ "\xc0\xff\0\1\0\1\0\0\0\x3c\0\4", 12, 0x8180, 1 }, /* 1: points ahead */
	{ "\x3f"
	  "a",
	  2, 0x8180, 1 }, /* 2: a name without end */
	{ "\xc0\x0c\0\1\0\1\0\0\0\x3c\xff\xff", 12, 0x8180, 2 }, /* 3: length 65535 */
	{ "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\1\1\1", 15, 0x8180, 1 }, /* 4: three bytes */
	{ "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\0", 12, 0x8180, 65535 }, /* 5: 65535 answers */
	{ "", 0, 0x8180, 1 }, /* 6: the answer is missing */
	{ "\xc0\x0c\0\1\0\1\0\0\0", 9, 0x8180, 1 }, /* 7: cut */
	{ "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c", 14, 0x8180, 1 }, /* 8: an alias of itself */
	{ "", 0, 0x8183, 0 }, /* 9: no such name */
	{ "", 0, 0x8182, 0 }, /* 10: server failure */
	{ "", 0, 0x8185, 0 }, /* 11: refused */
	{ "", 0, 0x8380, 0 }, /* 12: truncated, ask by TCP */
	{ "", 0, 0x8180, 0 }, /* 13: nothing */
	{ "\x80\x0c\0\1\0\1\0\0\0\x3c\0\4\1\1\1\1", 16, 0x8180, 1 }, /* 14: a label of no kind */
};

static void answer_nonsense(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	const struct nonsense *n = &nonsense[kind];
	struct packet_data d = begin(&seen->packet, n->flags, n->n_answers);

	packet_add(&d, n->bytes, n->len);
	answer(h, &seen->packet, &d);
}

static void answer_randomly(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	struct packet_data d = begin(&seen->packet, 0x8180, (unsigned)sim_hostile_random(h, 4));
	size_t n = sim_hostile_random(h, 300);

	(void)kind;
	sim_hostile_fill(h, d.bytes + d.len, n);
	d.len += n;
	answer(h, &seen->packet, &d);
}

/* ---- Answers that are good, and lead elsewhere ---- */

enum address { TO_ATTACKER, TO_LOOP, TO_ZERO, TO_ALL, TO_GROUP, TO_MACHINE, TO_ROUTER, TO_SERVER };

static void lead(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	static const uint8_t addresses[][4] = {
		{ 192, 0, 2, 66 },	{ 127, 0, 0, 1 }, { 0 },
		{ 255, 255, 255, 255 }, { 224, 0, 0, 1 }, { 192, 0, 2, 50 },
		{ 192, 0, 2, 1 },
	};
	struct packet_data d = begin(&seen->packet, 0x8180, 1);
	uint8_t address[16] = { 0 };

	if (kind == TO_SERVER)
		sim_hostile_server(h, type_of(&seen->packet) == 28, address);
	else if (type_of(&seen->packet) == 28)
		return;
	else
		memcpy(address, addresses[kind], 4);
	add_address(&d, &seen->packet, address);
	answer(h, &seen->packet, &d);
}

/* Once only: what was believed then must not last. */
static void lead_once(struct sim_hostile *h, unsigned kind, const struct sim_seen *seen)
{
	if (sim_attack_frames(h->net->sim) == 0)
		lead(h, kind, seen);
}

/* ---- Storms ---- */

enum storm { OLD_ANSWERS, RANDOM_ANSWERS };

static void storm(struct sim_hostile *h, unsigned kind)
{
	struct sim_packet question;
	struct packet_data d;
	uint8_t evil[16];

	if (!h->dns_len || !sim_parse(h->dns, h->dns_len, &question))
		return;
	d = begin(&question, 0x8180, 1);
	evil_address(&question, evil);
	add_address(&d, &question, evil);
	if (kind == RANDOM_ANSWERS)
		sim_hostile_fill(h, d.bytes, d.len);
	else if (h->net->now_us < h->dns_us + sim_hostile_late_us(h))
		return; /* not before the right one */
	answer(h, &question, &d);
}

#define BESIDE(text, what)                                                                         \
	{                                                                                          \
		.name = "DNS: " text, .kind = what, .sees = SIM_SEES_DNS, .see = answer_beside     \
	}
#define STRANGE(text, what)                                                                        \
	{                                                                                          \
		.name = "DNS: " text, .kind = what, .sees = SIM_SEES_DNS, .see = answer_strangely  \
	}
/* Where it is no answer in the end, the right one is waited for. */
#define NONSENSE(text, what, may)                                                                  \
	{                                                                                          \
		.name = "DNS with the right id: " text, .claim = may, .kind = what,                \
		.sees = SIM_SEES_DNS, .see = answer_nonsense                                       \
	}
#define LEAD(text, what)                                                                           \
	{                                                                                          \
		.name = "DNS leads to " text, .claim = SIM_MAY_FAIL, .kind = what,                 \
		.sees = SIM_SEES_DNS, .see = lead                                                  \
	}
#define LEAD_6(text, what, where)                                                                  \
	{                                                                                          \
		.name = "DNS leads to " text, .lan = where, .claim = SIM_MAY_LIE, .kind = what,    \
		.sees = SIM_SEES_DNS, .see = lead                                                  \
	}

static const struct sim_attack list[] = {
	BESIDE("wrong ids", WRONG_ID),
	BESIDE("for another name", WRONG_NAME),
	BESIDE("for another type", WRONG_TYPE),
	BESIDE("for another class", WRONG_CLASS),
	BESIDE("from another address", WRONG_ADDRESS),
	BESIDE("from another port", WRONG_PORT_FROM),
	BESIDE("to another port", WRONG_PORT_TO),
	BESIDE("empty", NO_BYTES),
	BESIDE("cut in the head", CUT_HEAD),
	BESIDE("a question for an answer", A_QUESTION),
	BESIDE("guessed ids and ports", GUESSES),
	STRANGE("20 aliases", ALIASES_20),
	STRANGE("texts before the address", OTHERS_FIRST),
	STRANGE("valid for no time", NO_LIFETIME),
	STRANGE("valid for ever", FOR_EVER),
	STRANGE("80 addresses", LONG_ANSWER),
	NONSENSE("a name in a loop", 0, SIM_MAY_FAIL),
	NONSENSE("a pointer past the end", 1, SIM_MUST_BOOT),
	NONSENSE("a name without end", 2, SIM_MUST_BOOT),
	NONSENSE("a length of 64 KiB", 3, SIM_MUST_BOOT),
	NONSENSE("an address of three bytes", 4, SIM_MAY_FAIL),
	NONSENSE("65,535 answers", 5, SIM_MAY_FAIL),
	NONSENSE("without the answer", 6, SIM_MAY_FAIL),
	NONSENSE("cut in the answer", 7, SIM_MUST_BOOT),
	NONSENSE("an alias of itself", 8, SIM_MAY_FAIL),
	NONSENSE("no such name", 9, SIM_MAY_FAIL),
	NONSENSE("server failure", 10, SIM_MAY_FAIL),
	NONSENSE("refused", 11, SIM_MAY_FAIL),
	NONSENSE("truncated", 12, SIM_MAY_FAIL),
	NONSENSE("nothing", 13, SIM_MAY_FAIL),
	NONSENSE("a label of no kind", 14, SIM_MUST_BOOT),
	{ .name = "DNS with the right id: without the question",
	  .kind = NO_QUESTION,
	  .sees = SIM_SEES_DNS,
	  .see = answer_beside },
	{ .name = "DNS with the right id: random bytes",
	  .claim = SIM_MAY_FAIL,
	  .sees = SIM_SEES_DNS,
	  .see = answer_randomly },
	LEAD("a silent machine", TO_ATTACKER),
	LEAD("127.0.0.1", TO_LOOP),
	LEAD("0.0.0.0", TO_ZERO),
	LEAD("255.255.255.255", TO_ALL),
	LEAD("224.0.0.1", TO_GROUP),
	LEAD("the machine itself", TO_MACHINE),
	LEAD("the router", TO_ROUTER),
	LEAD_6("a lying server", TO_SERVER, SIM_LAN4),
	LEAD_6("a lying server, IPv6", TO_SERVER, SIM_LAN6),
	LEAD_6("a lying server, both families", TO_SERVER, SIM_LAN_BOTH),
	{ .name = "DNS leads to a silent machine, once",
	  .claim = SIM_MAY_FAIL,
	  .kind = TO_ATTACKER,
	  .sees = SIM_SEES_DNS,
	  .see = lead_once },
	{ .name = "DNS over IPv6: wrong ids",
	  .lan = SIM_LAN6,
	  .kind = WRONG_ID,
	  .sees = SIM_SEES_DNS,
	  .see = answer_beside },
	{ .name = "DNS over IPv6: from another address",
	  .lan = SIM_LAN6,
	  .kind = WRONG_ADDRESS,
	  .sees = SIM_SEES_DNS,
	  .see = answer_beside },
	{ .name = "DNS storm: answers that come too late",
	  .kind = OLD_ANSWERS,
	  .every_us = 1000,
	  .tick = storm },
	{ .name = "DNS storm: random bytes",
	  .kind = RANDOM_ANSWERS,
	  .every_us = 1000,
	  .tick = storm },
};

const struct sim_attacks sim_attacks_dns = { list, sizeof(list) / sizeof(list[0]) };
