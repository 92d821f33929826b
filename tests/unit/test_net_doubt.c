/* SPDX-License-Identifier: MIT */
/* What the stack stops to believe: names with their network and time, and routers that are silent. */
#include <string.h>

#include "wire6.h"

/* ---- Over IPv4 ---- */

static void start_static(void)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = &wire_ipv4 }), CB_OK);
	wire_pass(4000); /* until no IPv6 is waited for */
}

static void claim_router(const uint8_t mac[6])
{
	uint8_t f[PACKET_ARP_LEN];

	assert_true(wire_give(f, packet_arp(f, 2, mac, wire_ipv4.gateway, wire_ipv4.address)));
	wire_poll(0);
}

/* The newest frame of an IPv4 protocol to a port; NULL when there is none. */
static const uint8_t *sent4(uint8_t protocol, unsigned port)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];

		if (packet_get16(f + 12) == 0x0800 && f[23] == protocol &&
		    packet_get16(f + 36) == port)
			return f;
	}
	return NULL;
}

static unsigned n_arp_questions(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < wire.n_sent; i++)
		n += packet_get16(wire.sent[i] + 12) == 0x0806 &&
			packet_get16(wire.sent[i] + 20) == 1;
	return n;
}

static void answer_name(void)
{
	const uint8_t *q = sent4(PACKET_UDP, 53);
	struct packet4_udp ends = { wire_ipv4.dns[0], wire_ipv4.address, 53, 0 };
	struct packet_data d = { .len = 0 };
	uint8_t f[CB_NET_FRAME_MAX];

	assert_non_null(q);
	ends.to_port = packet_get16(q + 34);
	packet_add(&d, q + 42, packet_get16(q + 38) - 8);
	packet_put16(d.bytes + 2, 0x8180);
	packet_put16(d.bytes + 6, 1);
	packet_add(&d, "\xc0\x0c\0\1\0\1\0\1\x51\x80\0\4\xc0\0\2\1", 16); /* for a day */
	assert_true(wire_give(f, packet4_udp(f, &ends, d.bytes, d.len)));
	wire_poll(0);
}

static bool asks_for_name(const char *name)
{
	struct cb_stream *stream;
	bool has_asked;

	wire.n_sent = 0;
	stream = wire6_open_stream(name);
	claim_router(packet_peer_mac);
	has_asked = sent4(PACKET_UDP, 53) != NULL;
	if (has_asked)
		answer_name();
	assert_non_null(sent4(PACKET_TCP, WIRE6_PORT));
	wire.net.close(stream);
	return has_asked;
}

static void test_names_get_old(void **state)
{
	(void)state;
	start_static();
	assert_true(asks_for_name("old.test"));
	assert_false(asks_for_name("old.test"));
	wire_pass(200000);
	assert_false(asks_for_name("old.test"));
	wire_pass(150000);
	assert_true(asks_for_name("old.test"));
}

static void test_names_end_with_the_network(void **state)
{
	(void)state;
	start_static();
	assert_true(asks_for_name("gone.test"));
	cb_net_stop();
	start_static();
	assert_true(asks_for_name("gone.test"));
}

/* A question that is under way ends, too. */
static void test_questions_end_with_the_network(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_static();
	stream = wire6_open_stream("unanswered.test");
	claim_router(packet_peer_mac);
	assert_non_null(sent4(PACKET_UDP, 53));
	cb_net_stop();
	wire.net.close(stream);
	start_static();
	wire.n_sent = 0;
	wire_pass(5000);
	assert_null(sent4(PACKET_UDP, 53));
}

/* Who answered for the router may not have been it: all are asked, and the next answer counts. */
static void test_silent_router(void **state)
{
	static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x66 };
	struct cb_stream *stream;

	(void)state;
	start_static();
	stream = wire6_open_stream("192.0.2.1");
	claim_router(other_mac);
	assert_memory_equal(sent4(PACKET_TCP, WIRE6_PORT), other_mac, 6);
	wire.n_sent = 0;
	wire_pass(800);
	assert_int_equal(n_arp_questions(), 0);
	wire_pass(300);
	assert_int_equal(n_arp_questions(), 1);
	/* Until then it is believed. */
	wire_pass(3000);
	assert_memory_equal(sent4(PACKET_TCP, WIRE6_PORT), other_mac, 6);
	assert_in_range(n_arp_questions(), 2, 5);
	claim_router(packet_peer_mac);
	wire.n_sent = 0;
	wire_pass(2000);
	assert_memory_equal(sent4(PACKET_TCP, WIRE6_PORT), packet_peer_mac, 6);
	wire.net.close(stream);
}

/* ---- Over IPv6 ---- */

static const uint8_t beyond[] = "2001:db8::1";

static void start6(void)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
	wire6_give_advert();
}

static void claim_router6(const uint8_t mac[6])
{
	struct packet6 p = packet6_neighbour(wire6_router, wire6_our_link, 0xe0, mac);

	wire6_give_icmp(&p);
}

static void test_silent_router6(void **state)
{
	static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x66 };
	struct cb_stream *stream;

	(void)state;
	start6();
	claim_router6(other_mac);
	stream = wire6_open_stream((const char *)beyond);
	assert_memory_equal(wire6_sent(PACKET_TCP, -1), other_mac, 6);
	wire.n_sent = 0;
	wire_pass(800);
	assert_null(wire6_sent(PACKET_ICMP6, 135));
	wire_pass(300);
	assert_non_null(wire6_sent(PACKET_ICMP6, 135));
	assert_memory_equal(wire6_sent(PACKET_ICMP6, 135) + 62, wire6_router, 16);
	assert_int_equal(wire6_sent(PACKET_ICMP6, 135)[0], 0x33); /* all are asked */
	claim_router6(packet_peer_mac);
	wire.n_sent = 0;
	wire_pass(2000);
	assert_memory_equal(wire6_sent(PACKET_TCP, -1), packet_peer_mac, 6);
	wire.net.close(stream);
}

/* A while in which the router answers and nobody else does. */
static void pass_with_router6(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 50) {
		unsigned from = wire.n_sent;

		assert_true(from < WIRE_N_SENT / 2);
		wire_poll(50);
		for (unsigned i = from; i < wire.n_sent; i++)
			if (wire.sent[i][20] == PACKET_ICMP6 && wire.sent[i][54] == 135 &&
			    memcmp(wire.sent[i] + 62, wire6_router, 16) == 0)
				claim_router6(packet_peer_mac);
	}
}

/* Of two routers the one that answers is taken, when the other one is silent. */
static void test_other_router6(void **state)
{
	static const uint8_t first[16] = { 0xfe, 0x80, [15] = 0x66 };
	struct packet6 p = packet6_advert(first, 0, 1800);
	struct cb_stream *stream;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
	p.payload[23] = 0x66; /* its hardware address */
	wire6_give_icmp(&p);
	wire6_give_advert();
	stream = wire6_open_stream((const char *)beyond);
	assert_int_equal(wire6_sent(PACKET_TCP, -1)[5], 0x66);
	wire.n_sent = 0;
	pass_with_router6(3500);
	assert_memory_equal(wire6_sent(PACKET_TCP, -1), packet_peer_mac, 6);
	wire.net.close(stream);
}

/* Who says that it is no router is none, not for a second; what else it says is heard. */
static void test_no_router6(void **state)
{
	static const uint8_t other[16] = { 0xfe, 0x80, [15] = 0x66 };
	struct packet6 p = packet6_advert(other, 0, 0);
	struct cb_stream *stream;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_give_icmp(&p);
	assert_true(wire6_info().has_ipv6);
	stream = wire6_open_stream((const char *)beyond);
	assert_null(wire6_sent(PACKET_TCP, -1));
	wire.net.close(stream);
}

/* The router takes itself back: it, or another one, is asked for again. */
static void test_router_gone6(void **state)
{
	struct packet6 p = wire6_advert(0, 0);

	(void)state;
	start6();
	wire.n_sent = 0;
	wire_pass(20000);
	assert_null(wire6_sent(PACKET_ICMP6, 133));
	wire6_give_icmp(&p);
	wire_pass(100);
	assert_non_null(wire6_sent(PACKET_ICMP6, 133));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_get_old, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_names_end_with_the_network, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_questions_end_with_the_network, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_silent_router, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_silent_router6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_other_router6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_no_router6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_router_gone6, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
