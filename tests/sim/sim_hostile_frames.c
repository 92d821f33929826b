/* SPDX-License-Identifier: MIT */
/* Hostile Ethernet and IPv4 frames: runts, giants, tags, fragments, lengths that are not so. */
#include <string.h>

#include "sim_hostile.h"

enum shape {
	RUNTS,
	EMPTY,
	GIANTS,
	JUMBO,
	OTHER_VLAN,
	TWO_TAGS,
	CUT_TAGS,
	TYPES,
	LENGTHS_802_3,
	FOR_OTHERS,
	FROM_MACHINE,
	RANDOM,
};

/* A wrong DNS answer in a good frame, so that something would happen where it was let through. */
static size_t bait(struct sim_hostile *h, uint8_t *f)
{
	struct packet4_udp ends = { sim_router_ip, sim_machine_ip, 53, 49152 };
	uint8_t bytes[64];

	sim_hostile_fill(h, bytes, sizeof(bytes));
	return packet4_udp(f, &ends, bytes, sizeof(bytes));
}

static void tag(uint8_t *f, size_t *len, unsigned type, unsigned id)
{
	memmove(f + 16, f + 12, *len - 12);
	packet_put16(f + 12, type);
	packet_put16(f + 14, id);
	*len += 4;
}

static void shape(struct sim_hostile *h, unsigned kind)
{
	static const uint16_t odd_types[] = { 0x8863, 0x888e, 0x88cc, 0x8847, 0x0842,
					      0x8035, 0x9000, 0xffff, 0x0600 };
	uint8_t f[9000] = { 0 };
	size_t len = bait(h, f);

	if (kind == RUNTS)
		len = 1 + sim_hostile_random(h, 40);
	else if (kind == EMPTY)
		len = 0;
	else if (kind == GIANTS)
		len = 1515 + sim_hostile_random(h, 60);
	else if (kind == JUMBO)
		len = sizeof(f);
	else if (kind == OTHER_VLAN)
		tag(f, &len, 0x8100, 1 + (unsigned)sim_hostile_random(h, 4094));
	else if (kind == TWO_TAGS || kind == CUT_TAGS) {
		tag(f, &len, 0x8100, 0);
		tag(f, &len, kind == TWO_TAGS ? 0x88a8 : 0x8100, 0);
	} else if (kind == TYPES)
		packet_put16(f + 12, odd_types[sim_hostile_random(h, 9)]);
	else if (kind == LENGTHS_802_3)
		packet_put16(f + 12, (uint32_t)sim_hostile_random(h, 1501));
	else if (kind == FOR_OTHERS)
		memcpy(f, sim_hostile_mac, 6);
	else if (kind == FROM_MACHINE)
		memcpy(f + 6, packet_our_mac, 6);
	else
		sim_hostile_fill(h, f + 12, len - 12);
	if (kind == CUT_TAGS)
		len = 12 + sim_hostile_random(h, 8);
	sim_hostile_send(h, f, len);
}

enum header {
	LONG_LENGTH,
	SHORT_LENGTH,
	NO_LENGTH,
	LONG_HEADER,
	SHORT_HEADER,
	ROUTE_OPTIONS,
	EMPTY_OPTIONS,
	FIRST_FRAGMENTS,
	LATER_FRAGMENTS,
	LAST_FRAGMENTS,
	TINY_FRAGMENTS,
	WRONG_SUM,
	WRONG_UDP_SUM,
	VERSION_5,
	PROTOCOLS,
	FROM_ALL,
	FROM_LOOP,
	FROM_YOU,
	TO_GROUP,
	TO_LOOP,
	LIVES_ZERO,
};

/* Options between header and rest, with the header's length set. */
static void put_options(uint8_t *f, size_t *len, const void *options, size_t n)
{
	memmove(f + PACKET4_AT + n, f + PACKET4_AT, *len - PACKET4_AT);
	memcpy(f + PACKET4_AT, options, n);
	f[14] = (uint8_t)(0x45 + n / 4);
	*len += n;
	packet_put16(f + 16, (uint32_t)(*len - 14));
}

static void break_addresses(uint8_t *ip, unsigned kind)
{
	static const uint8_t all[4] = { 255, 255, 255, 255 }, loop[4] = { 127, 0, 0, 1 };
	static const uint8_t group[4] = { 224, 0, 0, 251 };

	if (kind == FROM_ALL || kind == FROM_LOOP || kind == FROM_YOU)
		memcpy(ip + 12,
		       kind == FROM_ALL		 ? all :
			       kind == FROM_LOOP ? loop :
						   sim_machine_ip,
		       4);
	if (kind == TO_GROUP || kind == TO_LOOP)
		memcpy(ip + 16, kind == TO_GROUP ? group : loop, 4);
}

static void break_header(struct sim_hostile *h, unsigned kind, uint8_t *f, size_t *len)
{
	static const uint16_t fragments[] = { 0x2000, 0x2040, 0x0040, 0x2001 };
	uint8_t *ip = f + 14;

	if (kind == LONG_LENGTH)
		packet_put16(ip + 2, 1500);
	else if (kind == SHORT_LENGTH)
		packet_put16(ip + 2, 20 + (uint32_t)sim_hostile_random(h, 8));
	else if (kind == NO_LENGTH)
		packet_put16(ip + 2, (uint32_t)sim_hostile_random(h, 20));
	else if (kind == LONG_HEADER)
		ip[0] = 0x4f;
	else if (kind == SHORT_HEADER)
		ip[0] = (uint8_t)(0x40 + sim_hostile_random(h, 5));
	else if (kind == ROUTE_OPTIONS)
		put_options(f, len, "\x83\7\4\xc0\0\2\x42\0", 8);
	else if (kind == EMPTY_OPTIONS)
		put_options(f, len, "\x44\0\x44\0\7\0\7\0", 8);
	else if (kind >= FIRST_FRAGMENTS && kind <= TINY_FRAGMENTS)
		packet_put16(ip + 6, fragments[kind - FIRST_FRAGMENTS]);
	else if (kind == WRONG_UDP_SUM)
		f[PACKET4_AT + 6] ^= 1;
	else if (kind == VERSION_5)
		ip[0] = 0x55;
	else if (kind == PROTOCOLS)
		ip[9] = (uint8_t)(18 + sim_hostile_random(h, 230));
	else if (kind == LIVES_ZERO)
		ip[8] = 0;
	break_addresses(ip, kind);
}

static void header(struct sim_hostile *h, unsigned kind)
{
	uint8_t f[SIM_FRAME_MAX];
	size_t len = bait(h, f), head;

	break_header(h, kind, f, &len);
	head = (size_t)(f[14] & 15) * 4;
	packet_put16(f + 24, 0);
	packet_put16(f + 24, ~packet_sum16(f + 14, head < len - 14 ? head : len - 14, 0));
	if (kind == WRONG_SUM)
		f[24] ^= 1;
	sim_hostile_send(h, f, len);
}

#define SHAPE(text, what)                                                                          \
	{                                                                                          \
		.name = "frames: " text, .kind = what, .every_us = 500, .tick = shape              \
	}
#define HEADER(text, what)                                                                         \
	{                                                                                          \
		.name = "IPv4: " text, .kind = what, .every_us = 500, .tick = header               \
	}

static const struct sim_attack list[] = {
	SHAPE("runts", RUNTS),
	SHAPE("empty", EMPTY),
	SHAPE("giants", GIANTS),
	SHAPE("jumbo", JUMBO),
	SHAPE("of other VLANs", OTHER_VLAN),
	SHAPE("two tags", TWO_TAGS),
	SHAPE("cut in the tags", CUT_TAGS),
	SHAPE("strange types", TYPES),
	SHAPE("lengths for types", LENGTHS_802_3),
	SHAPE("for others", FOR_OTHERS),
	SHAPE("from the machine itself", FROM_MACHINE),
	SHAPE("random bytes", RANDOM),
	HEADER("longer than the frame", LONG_LENGTH),
	HEADER("shorter than what is in it", SHORT_LENGTH),
	HEADER("shorter than its header", NO_LENGTH),
	HEADER("header longer than the packet", LONG_HEADER),
	HEADER("header too short", SHORT_HEADER),
	HEADER("source routes", ROUTE_OPTIONS),
	HEADER("options of no length", EMPTY_OPTIONS),
	HEADER("first fragments", FIRST_FRAGMENTS),
	HEADER("later fragments", LATER_FRAGMENTS),
	HEADER("last fragments", LAST_FRAGMENTS),
	HEADER("overlapping fragments", TINY_FRAGMENTS),
	HEADER("wrong check sums", WRONG_SUM),
	HEADER("wrong check sums of UDP", WRONG_UDP_SUM),
	HEADER("version 5", VERSION_5),
	HEADER("unknown protocols", PROTOCOLS),
	HEADER("from 255.255.255.255", FROM_ALL),
	HEADER("from 127.0.0.1", FROM_LOOP),
	HEADER("from the machine itself", FROM_YOU),
	HEADER("to a group", TO_GROUP),
	HEADER("to 127.0.0.1", TO_LOOP),
	HEADER("with no time to live", LIVES_ZERO),
};

const struct sim_attacks sim_attacks_frames = { list, sizeof(list) / sizeof(list[0]) };
