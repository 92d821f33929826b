/* SPDX-License-Identifier: MIT */
/* IPv6 and VLAN on a wire with hostile neighbours: what gets through, and what it can do. */
#include <string.h>

#include "net/ip6filter.h"
#include "wire6.h"

#define SYN_ACK 0x12

static void start(void)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
}

/* ---- VLAN ---- */

static void test_vlan(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX], tagged[CB_NET_FRAME_MAX];
	struct packet6 p = wire6_advert(0, 1800);
	size_t len;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .vlan_id = 0x123 }), CB_OK);
	wire_poll(0);
	assert_true(wire.n_sent >= 2);
	for (unsigned i = 0; i < wire.n_sent; i++)
		assert_memory_equal(wire.sent[i] + 12, "\x81\0\x01\x23", 4);
	wire6_add_prefix(&p, 0xfd, 3600);
	len = packet6_frame(&p, 2, f);
	memcpy(tagged, f, 12);
	memcpy(tagged + 16, f + 12, len - 12);
	/* Untagged, with a priority alone, of another VLAN. */
	assert_true(wire_give(f, len));
	memcpy(tagged + 12, "\x81\0\xe0\0", 4);
	assert_true(wire_give(tagged, len + 4));
	memcpy(tagged + 12, "\x81\0\x01\x24", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_false(wire6_info().has_ipv6);
	assert_int_equal(wire6_info().n_frames_in, 0);
	memcpy(tagged + 12, "\x81\0\xa1\x23", 4); /* priority 5 */
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_true(wire6_info().has_ipv6);
	for (len = 0; len < 40; len++)
		assert_true(wire_give(tagged, len));
}

static void test_priority_tag_without_vlan(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX], tagged[CB_NET_FRAME_MAX];
	struct packet6 p = wire6_advert(0, 1800);
	size_t len;

	(void)state;
	start();
	wire6_add_prefix(&p, 0xfd, 3600);
	len = packet6_frame(&p, 2, f);
	memcpy(tagged, f, 12);
	memcpy(tagged + 16, f + 12, len - 12);
	memcpy(tagged + 12, "\x81\0\0\5", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_false(wire6_info().has_ipv6);
	memcpy(tagged + 12, "\x81\0\xe0\0", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_true(wire6_info().has_ipv6);
}

static void test_frames_of_others(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX];
	struct packet6 p = wire6_advert(0, 1800);
	size_t len;

	(void)state;
	start();
	wire6_add_prefix(&p, 0xfd, 3600);
	len = packet6_frame(&p, 2, f);
	memcpy(f, "\2\0\0\0\0\x0b", 6); /* seen because everything is received */
	assert_true(wire_give(f, len));
	wire_poll(0);
	assert_false(wire6_info().has_ipv6);
	assert_int_equal(wire6_info().n_frames_dropped, 1);
}

/* ---- Hostile neighbours ---- */

static bool is_wanted(const struct packet6 *p, size_t sum_at)
{
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = packet6_frame(p, sum_at, f);

	return cb_ip6_is_wanted((struct cb_bytes){ f + 14, len - 14 });
}

/* Advertisements that break one rule of RFC 4861 §6.1.2 each. */
static void test_bad_adverts(void **state)
{
	enum { GOOD, HOPS, SOURCE, CODE, EMPTY_OPTION, LONG_OPTION, CUT, SUM, N };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct packet6 p = wire6_advert(0, 1800);

		wire6_add_prefix(&p, 0xfd, 3600);
		if (i == HOPS)
			p.hop_limit = 254;
		if (i == SOURCE)
			p.from = wire6_peer_ip;
		if (i == CODE)
			p.payload[1] = 1;
		if (i == EMPTY_OPTION) /* CVE-2023-45232: a loop that does not move */
			packet6_add(&p, "\x63\0\0\0\0\0\0\0", 8);
		if (i == LONG_OPTION) /* CVE-2023-45234: longer than the packet */
			packet6_add(&p, "\x19\xff\0\0\0\0\0\0", 8);
		if (i == CUT)
			p.len = 15;
		assert_int_equal(is_wanted(&p, i == SUM ? 0 : 2), i == GOOD);
	}
}

/* Neighbour discovery that would make lwIP read what is not there, or believe who is far away. */
static void test_bad_neighbours(void **state)
{
	enum { GOOD, NO_OPTION, HOPS, EMPTY, NONCE_FIRST, LONG, MULTICAST, FROM_NOBODY, N };
	static const uint8_t nobody[16];

	(void)state;
	for (unsigned type = 135; type <= 136; type++)
		for (unsigned i = 0; i < N; i++) {
			struct packet6 p = { .next = PACKET_ICMP6,
					     .hop_limit = 255,
					     .from = wire6_router,
					     .to = wire6_our_link };
			bool is_good = i == GOOD || (type == 136 && i == NO_OPTION) ||
				(type == 136 && i == FROM_NOBODY) ||
				(type == 135 && i == FROM_NOBODY);

			p.payload[0] = (uint8_t)type;
			memcpy(p.payload + 8, wire6_our_link, 16);
			p.len = 24;
			if (i == FROM_NOBODY)
				p.from = nobody;
			else if (i != NO_OPTION)
				packet6_add(&p,
					    type == 135 ? "\1\1\2\0\0\0\0\1" : "\2\1\2\0\0\0\0\1",
					    8);
			if (i == HOPS)
				p.hop_limit = 64;
			if (i == EMPTY)
				p.payload[25] = 0;
			if (i == NONCE_FIRST)
				p.payload[24] = 14;
			if (i == LONG)
				p.payload[25] = 2;
			if (i == MULTICAST)
				p.payload[8] = 0xff;
			if (is_wanted(&p, 2) != is_good)
				fail_msg("type %u case %u", type, i);
		}
}

/*
 * CVE-2023-45231 (redirects that are cut), 45232 and 45233 (endless loops in unknown and PadN
 * options of destination options), and what else nobody needs: refused before anything is parsed.
 */
static void test_unwanted_packets(void **state)
{
	static const struct {
		uint8_t next, hop_limit;
		size_t len;
		uint8_t payload[48];
	} cases[] = {
		{ 0, 64, 8, { 59, 0, 1, 4 } }, /* hop-by-hop */
		{ 0, 64, 16, { 58, 1, 0x63, 0, 1, 0 } },
		{ 0, 1, 40, { 58, 0, 5, 2, 0, 0, 1, 0, 134 } }, /* not a query */
		{ 60, 64, 8, { 59, 0, 0x63, 0, 0, 0 } }, /* destination options */
		{ 60, 64, 8, { 60, 0, 1, 0, 1, 0, 1, 0 } },
		{ 60, 64, 8, { 6, 255 } },
		{ 43, 64, 8, { 6, 0, 0, 1 } }, /* routing */
		{ 44, 64, 8, { 6, 0, 0, 1 } }, /* fragments */
		{ 44, 64, 8, { 6, 0, 0, 0 } },
		{ 4, 64, 20, { 0x45 } }, /* tunnels */
		{ 41, 64, 40, { 0x60 } },
		{ 50, 64, 8, { 0 } },
		{ 59, 64, 0, { 0 } },
		{ 58, 255, 40, { 137 } }, /* redirect */
		{ 58, 64, 8, { 128 } }, /* echo request */
		{ 58, 64, 48, { 2, [6] = 4, [7] = 0xff } }, /* too big: 1279 */
		{ 58, 64, 8, { 2, [6] = 5 } }, /* and one that does not say of what */
		{ 58, 64, 48, { 1 } }, /* unreachable */
		{ 58, 1, 24, { 130 } }, /* a query without wire6_router alert */
		{ 58, 255, 3, { 134 } },
		{ 17, 64, 8, { 0, 53, 0, 99, 0, 8, 0, 0 } }, /* no check sum */
		{ 17, 64, 8, { 0, 99, 0, 99, 0, 8, 0, 1 } }, /* to nobody */
		{ 17, 64, 7, { 0, 53, 0, 99, 0, 8, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet6 p = { cases[i].next, cases[i].hop_limit,
				     wire6_router,  wire6_our_link,
				     { 0 },	    0 };

		packet6_add(&p, cases[i].payload, cases[i].len);
		if (is_wanted(&p, p.next == PACKET_ICMP6 && p.len > 3 ? 2 : 0))
			fail_msg("case %zu is let through", i);
	}
	/* The header alone, cut everywhere. */
	struct packet6 p = wire6_advert(0, 1800);
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = packet6_frame(&p, 2, f) - 14;

	for (size_t cut = 0; cut < len; cut++)
		assert_false(cb_ip6_is_wanted((struct cb_bytes){ f + 14, cut }));
	assert_true(cb_ip6_is_wanted((struct cb_bytes){ f + 14, len }));
}

/* Ten thousand routers, prefixes and neighbours: tables stay as they are, and we go on. */
static void test_floods(void **state)
{
	uint8_t from[16] = { 0xfe, 0x80 };
	struct cb_stream *stream;

	(void)state;
	start();
	wire6_give_advert();
	for (unsigned i = 0; i < 10000; i++) {
		struct packet6 ra = wire6_advert(0xc0, 1800), ns = ra;

		packet_put32(from + 12, 0x10000 + i);
		ra.from = ns.from = from;
		wire6_add_prefix(&ra, (uint8_t)(0x20 + i % 32), 3600);
		wire6_add_dns(&ra, 3600);
		wire6_give(&ra, 2);
		ns.to = wire6_our_ip;
		memset(ns.payload, 0, 8);
		ns.payload[0] = 135;
		memcpy(ns.payload + 8, wire6_our_ip, 16);
		memcpy(ns.payload + 24, "\1\1\2\0\0\0\0\2", 8);
		ns.len = 32;
		wire6_give(&ns, 2);
		wire.n_sent = 0;
		wire_poll(i % 100 == 0 ? 100 : 0);
	}
	assert_memory_equal(wire6_info().address6, wire6_our_ip, 16);
	assert_memory_equal(wire6_info().gateway6, wire6_router, 16);
	wire.n_sent = 0;
	stream = wire6_open_stream("fd00::1");
	wire6_answer_neighbour(wire6_peer_ip);
	assert_non_null(wire6_sent(PACKET_TCP, -1));
	wire6_answer_tcp(wire6_sent(PACKET_TCP, -1), SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
}

/* CVE-2023-45236 and 45237: with a counter for a source of randomness, one sees where it goes. */
static void test_numbers_come_from_the_platform(void **state)
{
	struct packet6 p = wire6_advert(0x80, 1800);
	struct cb_stream *stream;
	uint32_t first;
	const uint8_t *f;

	(void)state;
	wire.counts = true;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	/* DHCPv4's transaction */
	assert_int_equal(packet_get16(wire.sent[0] + 36), 67);
	assert_in_range(__builtin_bswap32(packet_get32(wire.sent[0] + 46)) ?
				packet_get32(wire.sent[0] + 46) :
				0,
			1, wire.count);
	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_add_dns(&p, 600);
	first = wire.count;
	wire_poll(0);
	wire6_give_icmp(&p);
	f = wire6_sent(PACKET_UDP, -1);
	assert_non_null(f);
	assert_in_range(packet_get32(f + 62) & 0xffffff, first + 1, wire.count);
	/* DNS: id and source port */
	first = wire.count;
	stream = wire6_open_stream("d.test");
	wire6_answer_neighbour(wire6_peer_ip);
	f = wire6_question(28);
	assert_non_null(f);
	assert_in_range(packet_get16(f + 62), first + 1, wire.count);
	assert_in_range(packet_get16(f + 54) & 0x3fff, first + 1, wire.count);
	/* PACKET_TCP: sequence number and source port */
	first = wire.count;
	wire6_answer_question(f, wire6_peer_ip);
	f = wire6_sent(PACKET_TCP, -1);
	assert_non_null(f);
	assert_in_range(packet_get32(f + 58), first + 1, wire.count);
	assert_in_range(packet_get16(f + 54) & 0x3fff, first + 1, wire.count);
	wire.net.close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_vlan, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_priority_tag_without_vlan, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_frames_of_others, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_bad_adverts, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_bad_neighbours, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_unwanted_packets, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_floods, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_numbers_come_from_the_platform, wire_setup,
						wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
