/* SPDX-License-Identifier: MIT */
/* IPv6 on a wire: advertisements, DHCPv6, static addresses, both families in contest. */
#include <string.h>

#include "wire6.h"

#define SYN 2
#define SYN_ACK 0x12
#define RST_ACK 0x14

static const uint8_t peer_ip4[4] = { 192, 0, 2, 1 };
static const uint8_t our_ip4[4] = { 192, 0, 2, 10 };

static void start(const struct cb_config_ipv4 *ipv4)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = ipv4 }), CB_OK);
	wire_poll(0);
}

static void give_arp(void)
{
	uint8_t f[PACKET_ARP_LEN];

	assert_true(wire_give(f, packet_arp(f, 2, packet_peer_mac, peer_ip4, our_ip4)));
	wire_poll(0);
}

static const uint8_t *sent_tcp4(void)
{
	for (unsigned i = wire.n_sent; i-- > 0;)
		if (packet_get16(wire.sent[i] + 12) == 0x0800 && wire.sent[i][23] == PACKET_TCP)
			return wire.sent[i];
	return NULL;
}

static void answer_tcp4(const uint8_t *segment, uint8_t flags)
{
	uint8_t f[54] = { 0 };

	memcpy(f + 34, segment + 36, 2);
	memcpy(f + 36, segment + 34, 2);
	packet_put32(f + 42, packet_get32(segment + 38) + 1);
	f[46] = 0x50;
	f[47] = flags;
	f[48] = 0xff;
	assert_true(wire_give(f, packet4_wrap(f, PACKET_TCP, peer_ip4, our_ip4, 20, 16)));
	wire_poll(0);
}

/* ---- Addresses ---- */

static void test_advertised_address(void **state)
{
	const uint8_t *f;

	(void)state;
	start(NULL);
	/* Asked at once, with the hop limit that says it comes from here; and is the address free? */
	f = wire6_sent(PACKET_ICMP6, 133);
	assert_non_null(f);
	assert_int_equal(f[21], 255);
	assert_memory_equal(f + 22, wire6_our_link, 16);
	f = wire6_sent(PACKET_ICMP6, 135);
	assert_non_null(f);
	assert_memory_equal(f + 62, wire6_our_link, 16);
	assert_false(wire6_info().has_address);
	wire.n_sent = 0;
	wire6_give_advert();
	/* No time has passed. */
	assert_true(wire6_info().has_address);
	assert_true(wire6_info().has_ipv6);
	assert_false(wire6_info().has_ipv4);
	assert_memory_equal(wire6_info().address6, wire6_our_ip, 16);
	assert_memory_equal(wire6_info().gateway6, wire6_router, 16);
	assert_memory_equal(wire6_info().dns6, wire6_peer_ip, 16);
	assert_int_equal(wire6_info().prefix_len6, 64);
	f = wire6_sent(PACKET_ICMP6, 135);
	assert_non_null(f);
	assert_memory_equal(f + 62, wire6_our_ip, 16);
	/* Nobody is asked any more. */
	wire.n_sent = 0;
	for (unsigned i = 0; i < 200; i++)
		wire_poll(100);
	assert_null(wire6_sent(PACKET_ICMP6, 133));
}

static void test_no_router(void **state)
{
	unsigned n = 0;

	(void)state;
	start(&wire_ipv4);
	assert_true(wire6_info().has_address); /* IPv4 waits for nothing */
	for (unsigned i = 0; i < 600; i++) {
		n += wire6_sent(PACKET_ICMP6, 133) != NULL;
		wire.n_sent = 0;
		wire_poll(100);
	}
	assert_in_range(n, 6, 9); /* at 0, 1, 3, 7, 15, 31, 47 seconds */
	assert_false(wire6_info().has_ipv6);
}

static void test_zero_lifetimes(void **state)
{
	static const uint8_t none[16];
	struct packet6 p = wire6_advert(0, 0);

	(void)state;
	start(NULL);
	wire6_add_prefix(&p, 0xfd, 0);
	wire6_add_dns(&p, 0);
	wire6_give_icmp(&p);
	assert_false(wire6_info().has_ipv6);
	wire.n_sent = 0;
	wire_poll(1000);
	assert_non_null(wire6_sent(PACKET_ICMP6,
				   133)); /* that was no wire6_router: still looking for one */
	wire6_give_advert();
	assert_true(wire6_info().has_ipv6);
	/* It says good-bye; the address stays for a while, without a way out. */
	p = wire6_advert(0, 0);
	wire6_give_icmp(&p);
	for (unsigned i = 0; i < 30; i++)
		wire_poll(100);
	assert_memory_equal(wire6_info().gateway6, none, 16);
	assert_true(wire6_info().has_ipv6);
}

static void test_address_is_taken(void **state)
{
	struct packet6 p = { .next = PACKET_ICMP6,
			     .hop_limit = 255,
			     .from = wire6_our_ip,
			     .to = packet6_all_nodes };

	(void)state;
	start(NULL);
	wire6_give_advert();
	p.payload[0] = 136;
	p.payload[4] = 0x20;
	memcpy(p.payload + 8, wire6_our_ip, 16);
	p.len = 24;
	packet6_add(&p, "\2\1\2\0\0\0\0\2", 8);
	wire6_give_icmp(&p);
	assert_false(wire6_info().has_ipv6);
	wire6_give_advert();
	assert_false(wire6_info().has_ipv6); /* and is not taken again */
}

static void test_fixed_address(void **state)
{
	struct cb_config_ipv6 ipv6 = { .address = { 0xfd, [15] = 7 },
				       .gateway = { 0xfe, 0x80, [15] = 9 },
				       .prefix_len = 60,
				       .n_dns = 1,
				       .dns = { { 0xfd, [15] = 3 } } };
	static const uint8_t near[16] = { 0xfd, [7] = 0x0f, [15] = 1 };
	struct cb_stream *on_link, *beyond;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv6 = &ipv6 }), CB_OK);
	wire_poll(0);
	assert_null(wire6_sent(PACKET_ICMP6, 133));
	/* Somebody typed it: the second for the question is kept. */
	wire_poll(999);
	assert_false(wire6_info().has_ipv6);
	wire_poll(1);
	assert_true(wire6_info().has_ipv6);
	assert_memory_equal(wire6_info().address6, ipv6.address, 16);
	assert_memory_equal(wire6_info().gateway6, ipv6.gateway, 16);
	assert_memory_equal(wire6_info().dns6, ipv6.dns[0], 16);
	assert_int_equal(wire6_info().prefix_len6, 60);
	/* Within the prefix the peer itself is asked for, beyond it the gateway. */
	wire.n_sent = 0;
	on_link = wire6_open_stream("fd00:0:0:f::1");
	assert_non_null(wire6_sent(PACKET_ICMP6, 135));
	assert_memory_equal(wire6_sent(PACKET_ICMP6, 135) + 62, near, 16);
	wire.n_sent = 0;
	beyond = wire6_open_stream("fd00:0:0:10::1");
	assert_non_null(wire6_sent(PACKET_ICMP6, 135));
	assert_memory_equal(wire6_sent(PACKET_ICMP6, 135) + 62, ipv6.gateway, 16);
	wire.net.close(on_link);
	wire.net.close(beyond);
	/* Advertisements are not for us: no address is made of them. */
	wire.n_sent = 0;
	wire6_give_advert();
	assert_null(wire6_sent(PACKET_ICMP6, 135));
	assert_memory_equal(wire6_info().address6, ipv6.address, 16);
	assert_memory_equal(wire6_info().dns6, ipv6.dns[0], 16);
}

/* A DHCPv6 answer to the message f: its transaction and client id, and these options. */
static void answer_dhcp6(const uint8_t *f, uint8_t type, const void *options, size_t len)
{
	struct packet6 p = {
		.next = PACKET_UDP, .hop_limit = 64, .from = wire6_router, .to = wire6_our_link
	};

	packet_put16(p.payload, 547);
	packet_put16(p.payload + 2, 546);
	p.len = 8;
	packet6_add(&p, f + 62, 4 + 14);
	p.payload[8] = type;
	packet6_add(&p, "\0\2\0\1s", 5);
	packet6_add(&p, options, len);
	packet_put16(p.payload + 4, (uint32_t)p.len);
	wire6_give(&p, 6);
	wire_poll(0);
}

static void test_stateless_dhcp6(void **state)
{
	uint8_t dns[20] = { 0, 23, 0, 16, 0xfd, [19] = 5 };
	struct packet6 p = wire6_advert(0x40, 1800);
	const uint8_t *f;

	(void)state;
	start(NULL);
	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_give_icmp(&p);
	f = wire6_sent(PACKET_UDP, -1);
	assert_non_null(f);
	assert_memory_equal(f + 38, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\1\0\2", 16);
	assert_int_equal(packet_get16(f + 56), 547);
	assert_int_equal(f[62], 11);
	answer_dhcp6(f, 7, dns, sizeof(dns));
	assert_memory_equal(wire6_info().dns6, dns + 4, 16);
	assert_memory_equal(wire6_info().address6, wire6_our_ip, 16);
}

static void test_stateful_dhcp6(void **state)
{
	uint8_t options[4 + 12 + 28 + 4] = { 0,	   3,		0,	  40,	    0,
					     0,	   0,		0x0a,	  [17] = 5, [19] = 24,
					     0xfd, [35] = 0x77, [38] = 2, [42] = 2, [45] = 14 };
	struct packet6 p = wire6_advert(0x80, 1800);
	const uint8_t *f;

	(void)state;
	start(NULL);
	wire6_give_icmp(&p);
	f = wire6_sent(PACKET_UDP, -1);
	assert_non_null(f);
	assert_int_equal(f[62], 1);
	answer_dhcp6(f, 7, options, sizeof(options));
	assert_true(wire6_info().has_ipv6);
	assert_int_equal(wire6_info().address6[15], 0x77);
	assert_int_equal(wire6_info().prefix_len6, 128);
	/* The lifetime of 512 s passes with nobody to renew it. */
	for (unsigned i = 0; i < 520; i++)
		wire_poll(1000);
	assert_false(wire6_info().has_ipv6);
}

/* ---- Connections ---- */

static void test_connection(void **state)
{
	struct cb_stream *stream;
	const uint8_t *f;

	(void)state;
	start(NULL);
	/* The family is not there yet: that is no failure while the network is young. */
	stream = wire6_open_stream("fd00::1");
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_CONNECTING);
	wire6_give_advert();
	wire6_answer_neighbour(wire6_peer_ip);
	f = wire6_sent(PACKET_TCP, -1);
	assert_non_null(f);
	assert_int_equal(f[67], SYN);
	assert_memory_equal(f + 22, wire6_our_ip, 16);
	assert_int_equal(packet_get32(f + 74), 0x020405a0); /* segments of 1440 bytes */
	wire6_answer_tcp(f, SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
}

static void test_family_never_comes(void **state)
{
	enum cb_err why = CB_OK;
	struct cb_endpoint to = { .host = "fd00::1", .port = WIRE6_PORT };
	struct cb_stream *stream;

	(void)state;
	start(&wire_ipv4);
	stream = wire6_open_stream("fd00::1");
	wire_poll(2999);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_CONNECTING);
	wire_poll(1);
	assert_int_equal(wire.net.state(stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CONNECT);
	wire.net.close(stream);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_NET_CONNECT); /* at once */
}

/* Both families up, and a name whose two addresses are known. */
static struct cb_stream *open_contest(const char *name)
{
	struct cb_stream *stream;

	wire.n_sent = 0;
	stream = wire6_open_stream(name);
	wire6_answer_neighbour(wire6_peer_ip);
	assert_non_null(wire6_question(28));
	assert_non_null(wire6_question(1));
	wire6_answer_question(wire6_question(1), peer_ip4);
	assert_null(sent_tcp4()); /* waits a moment for the other family */
	wire6_answer_question(wire6_question(28), wire6_peer_ip);
	assert_non_null(wire6_sent(PACKET_TCP, -1));
	return stream;
}

static void start_both(void)
{
	start(&wire_ipv4);
	wire6_give_advert();
	give_arp();
}

static void test_silent_ipv6(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_both();
	stream = open_contest("a.test");
	wire_poll(249);
	assert_null(sent_tcp4());
	wire_poll(1);
	assert_non_null(sent_tcp4());
	answer_tcp4(sent_tcp4(), SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
	/* What has answered goes first from now on. */
	wire.n_sent = 0;
	stream = wire6_open_stream("a.test");
	assert_non_null(sent_tcp4());
	assert_null(wire6_sent(PACKET_TCP, -1));
	wire.net.close(stream);
}

static void test_refusing_ipv6(void **state)
{
	struct cb_stream *stream;
	enum cb_err why = CB_OK;

	(void)state;
	start_both();
	stream = open_contest("b.test");
	wire6_answer_tcp(wire6_sent(PACKET_TCP, -1), RST_ACK);
	assert_non_null(sent_tcp4()); /* at once */
	answer_tcp4(sent_tcp4(), RST_ACK);
	assert_int_equal(wire.net.state(stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CONNECT);
	wire.net.close(stream);
}

static void test_answering_ipv6(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_both();
	stream = open_contest("c.test");
	wire6_answer_tcp(wire6_sent(PACKET_TCP, -1), SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire_poll(1000);
	assert_null(sent_tcp4());
	wire.net.close(stream);
}

static void test_names_of_one_family(void **state)
{
	struct cb_stream *stream;
	enum cb_err why = CB_OK;

	(void)state;
	start_both();
	/* No AAAA: IPv4 without any wait. */
	stream = wire6_open_stream("four.test");
	wire6_answer_neighbour(wire6_peer_ip);
	wire6_answer_question(wire6_question(1), peer_ip4);
	wire6_answer_question(wire6_question(28), NULL);
	assert_non_null(sent_tcp4());
	wire.net.close(stream);
	/* AAAA is not answered: after a moment. */
	wire.n_sent = 0;
	stream = wire6_open_stream("slow.test");
	wire6_answer_question(wire6_question(1), peer_ip4);
	assert_null(sent_tcp4());
	wire_poll(50);
	assert_non_null(sent_tcp4());
	wire.net.close(stream);
	/* Neither. */
	wire.n_sent = 0;
	stream = wire6_open_stream("none.test");
	wire6_answer_question(wire6_question(1), NULL);
	wire6_answer_question(wire6_question(28), NULL);
	assert_int_equal(wire.net.state(stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_DNS);
	wire.net.close(stream);
}

static bool has_asked_over_ipv4(void)
{
	for (unsigned i = 0; i < wire.n_sent; i++)
		if (packet_get16(wire.sent[i] + 12) == 0x0800 && wire.sent[i][23] == PACKET_UDP &&
		    packet_get16(wire.sent[i] + 36) == 53)
			return true;
	return false;
}

/* The DNS server of IPv6 is dead: those of IPv4 are asked at the next try. */
static void test_silent_dns(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_both();
	wire.n_sent = 0;
	stream = wire6_open_stream("silent.test");
	wire6_answer_neighbour(wire6_peer_ip);
	assert_non_null(wire6_question(28));
	for (unsigned i = 0; i < 8; i++)
		wire_poll(100);
	assert_false(has_asked_over_ipv4());
	for (unsigned i = 0; i < 13; i++)
		wire_poll(100);
	assert_true(has_asked_over_ipv4());
	wire.net.close(stream);
	/* And the next name asks them at once. */
	wire.n_sent = 0;
	stream = wire6_open_stream("next.test");
	assert_true(has_asked_over_ipv4());
	assert_null(wire6_question(28));
	wire.net.close(stream);
}

static void test_mtu(void **state)
{
	struct packet6 p = wire6_advert(0, 1800);
	struct cb_stream *stream;

	(void)state;
	start(NULL);
	packet6_add(&p, "\5\1\0\0\0\0\x03\xe8", 8); /* 1000: less than there can be */
	packet6_add(&p, "\5\1\0\0\0\0\x05\x78", 8); /* 1400 */
	wire6_add_prefix(&p, 0xfd, 3600);
	wire6_give_icmp(&p);
	stream = wire6_open_stream("fd00::1");
	wire6_answer_neighbour(wire6_peer_ip);
	assert_non_null(wire6_sent(PACKET_TCP, -1));
	assert_int_equal(packet_get32(wire6_sent(PACKET_TCP, -1) + 74), 0x02040000 + 1400 - 60);
	wire.net.close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_advertised_address, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_no_router, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_zero_lifetimes, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_address_is_taken, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_fixed_address, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_stateless_dhcp6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_stateful_dhcp6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_connection, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_family_never_comes, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_silent_ipv6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_refusing_ipv6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_answering_ipv6, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_names_of_one_family, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_silent_dns, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_mtu, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
