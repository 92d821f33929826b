/* SPDX-License-Identifier: MIT */
/* A hostile IPv4 network: DHCP and DNS servers that lie, shout, loop and disagree. */
#include "wire.h"

#include <string.h>

#include "net/ip4filter.h"

static const uint8_t server[4] = { 192, 0, 2, 1 };
static const uint8_t ours[4] = { 192, 0, 2, 10 };
static const uint8_t rogue[4] = { 192, 0, 2, 66 };

static struct cb_net_info info(void)
{
	struct cb_net_info got;

	cb_net_info(&got);
	return got;
}

/* The last UDP frame that was sent to this port over IPv4; NULL: none. */
static const uint8_t *sent(unsigned port)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];

		if (packet_get16(f + 12) == 0x0800 && f[23] == 17 && packet_get16(f + 36) == port)
			return f;
	}
	return NULL;
}

static void give_udp(const uint8_t *from, unsigned from_port, unsigned to_port, const uint8_t *data,
		     size_t len)
{
	struct packet4_udp ends = { from, ours, from_port, to_port };
	uint8_t f[CB_NET_FRAME_MAX];

	assert_true(wire_give(f, packet4_udp(f, &ends, data, len)));
	wire_poll(0);
}

/* ---- DHCP ---- */

/* The head of an answer to the last message, with its type. */
static struct packet_data dhcp(uint8_t type, const uint8_t *from)
{
	const uint8_t *question = sent(67);
	struct packet_data m = { .len = 0 };

	assert_non_null(question);
	packet_dhcp(&m, question + 42, type, from, ours);
	return m;
}

static void finish_and_give(struct packet_data *m, const uint8_t *from)
{
	static const uint8_t usual[] = { 1, 4, 255, 255, 255, 0, 3,  4,	 192, 0,
					 2, 1, 51,  4,	 0,   0, 14, 16, 255 };

	packet_add(m, usual, sizeof(usual));
	give_udp(from, 67, 68, m->bytes, m->len);
}

static void give_plain(uint8_t type, const uint8_t *from)
{
	struct packet_data m = dhcp(type, from);

	finish_and_give(&m, from);
}

static void start(void)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
}

/* lwIP answers an offer by a request; its message type is the first option. */
static bool has_requested(void)
{
	const uint8_t *f = sent(67);

	return f && f[42 + PACKET_DHCP_OPTIONS + 2] == 3;
}

static void get_lease(void)
{
	give_plain(PACKET_DHCP_OFFER, server);
	assert_true(has_requested());
	give_plain(PACKET_DHCP_ACK, server);
	assert_true(info().has_ipv4);
	assert_memory_equal(info().address, ours, 4);
}

static void test_lease(void **state)
{
	(void)state;
	start();
	get_lease();
	assert_memory_equal(info().gateway, server, 4);
	assert_int_equal(info().prefix_len, 24);
}

/* Option 52: more options in the fields for names; with a loop of them into each other there is none. */
static void test_overloaded_options(void **state)
{
	(void)state;
	for (uint8_t overload = 0; overload < 8; overload++) {
		struct packet_data m;

		wire_teardown(NULL);
		wire_setup(NULL);
		start();
		m = dhcp(PACKET_DHCP_OFFER, server);
		memcpy(m.bytes + 44, "\x34\1\3\6\4\7\7\7\7", 9); /* again, in the server's name */
		memcpy(m.bytes + 108, "\x34\1\3\x06\xff", 5); /* and longer than the file's name */
		packet_add(&m, "\x34\1", 2);
		packet_add(&m, &overload, 1);
		finish_and_give(&m, server);
		wire_poll(100);
	}
}

static void test_chains_of_options(void **state)
{
	struct packet_data m;

	(void)state;
	start();
	m = dhcp(PACKET_DHCP_OFFER, server);
	while (m.len < 1300) /* empty ones, and those that should not be */
		packet_add(&m, "\x0c\0\6\0\3\0\1\0\x33\0\0\0", 12);
	give_udp(server, 67, 68, m.bytes, m.len); /* without an end */
	m = dhcp(PACKET_DHCP_OFFER, server);
	while (m.len < 1000)
		packet_add(&m, "\x06\4\x08\x08\x08\x08", 6); /* a hundred DNS servers */
	finish_and_give(&m, server);
	/* Every option cut at every place. */
	for (size_t cut = PACKET_DHCP_OPTIONS; cut < 300; cut++) {
		struct packet_data whole = dhcp(PACKET_DHCP_OFFER, server);

		packet_add(&whole, "\x06\x08\1\1\1\1\2\2\2\2\x3\4\1\1\1\1", 16);
		give_udp(server, 67, 68, whole.bytes, cut < whole.len ? cut : whole.len);
	}
	get_lease();
}

/* The second server is faster with its acknowledgement than the one that was chosen. */
static void test_rogue_server(void **state)
{
	struct packet_data m;

	(void)state;
	start();
	give_plain(PACKET_DHCP_OFFER, server);
	assert_true(has_requested());
	give_plain(PACKET_DHCP_OFFER, rogue);
	m = dhcp(PACKET_DHCP_ACK, server);
	m.bytes[4] ^= 1; /* another machine's */
	finish_and_give(&m, server);
	assert_false(info().has_ipv4);
	give_plain(PACKET_DHCP_ACK, server);
	assert_true(info().has_ipv4);
	assert_memory_equal(info().address, ours, 4);
}

static void test_nak_storm(void **state)
{
	(void)state;
	start();
	for (unsigned i = 0; i < 1000; i++) {
		give_plain(PACKET_DHCP_OFFER, server);
		for (unsigned j = 0; j < 10; j++)
			give_plain(PACKET_DHCP_NAK, server);
		if (i % 10 == 0)
			wire_poll(100);
		/* Forget what was sent, all but the last question. */
		if (wire.n_sent > WIRE_N_SENT - 8) {
			const uint8_t *last = sent(67);

			assert_non_null(last);
			memmove(wire.sent[0], last, CB_NET_FRAME_MAX);
			wire.n_sent = 1;
		}
		assert_false(info().has_ipv4);
	}
	/* It stops, and all is well. */
	wire.n_sent = 0;
	for (unsigned i = 0; i < 100 && !sent(67); i++)
		wire_poll(1000);
	get_lease();
}

/* ---- A mirror nearby, named by DHCP ---- */

/* A lease whose acknowledgement (and whose offer, where that is said) has these options. */
static void get_lease_with(const void *options, size_t len, bool is_offered)
{
	struct packet_data m;

	wire_teardown(NULL);
	wire_setup(NULL);
	start();
	m = dhcp(PACKET_DHCP_OFFER, server);
	if (is_offered)
		packet_add(&m, options, len);
	finish_and_give(&m, server);
	assert_true(has_requested());
	m = dhcp(PACKET_DHCP_ACK, server);
	if (!is_offered)
		packet_add(&m, options, len);
	finish_and_give(&m, server);
}

static void assert_near(const char *url)
{
	assert_true(info().has_ipv4);
	assert_string_equal(cb_net_near(), url);
}

/* Asked for in every message that asks for something. */
static bool asks_for_near(void)
{
	const uint8_t *f = sent(67);
	size_t at = 42 + PACKET_DHCP_OPTIONS;

	while (f[at] != 55) {
		assert_true(f[at] != 255 && at + 2u + f[at + 1] < CB_NET_FRAME_MAX);
		at += 2u + f[at + 1];
	}
	return memchr(f + at + 2, CB_NET_DHCP_NEAR, f[at + 1]) != NULL;
}

static void test_near(void **state)
{
	(void)state;
	start();
	assert_true(asks_for_near());
	give_plain(PACKET_DHCP_OFFER, server);
	assert_true(has_requested());
	assert_true(asks_for_near());
	give_plain(PACKET_DHCP_ACK, server);
	assert_near("");
	get_lease_with("\xe0\x0dhttp://192/a/", 15, /*is_offered=*/false);
	assert_near("http://192/a/");
	/* an offer is not yet ours */
	get_lease_with("\xe0\x0dhttp://192/a/", 15, /*is_offered=*/true);
	assert_near("");
	/* the last one counts; strings may end in NUL */
	get_lease_with("\xe0\3abc\x0c\0\xe0\3de\0", 12, /*is_offered=*/false);
	assert_near("de");
	get_lease_with("\xe0\3abc\xe0\0", 7, /*is_offered=*/false);
	assert_near("");
	/* another network, another answer */
	get_lease_with("\xe0\3abc", 5, /*is_offered=*/false);
	assert_near("abc");
	cb_net_stop();
	start();
	assert_string_equal(cb_net_near(), "");
}

/* Every length there is, and what is said to be longer than the message. */
static void test_near_lengths(void **state)
{
	uint8_t option[2 + 255] = { CB_NET_DHCP_NEAR };
	char text[256] = "";

	(void)state;
	memset(option + 2, 'x', 255);
	for (unsigned len = 0; len <= 255; len++) {
		option[1] = (uint8_t)len;
		text[len > 0 ? len - 1 : 0] = len > 0 ? 'x' : '\0';
		get_lease_with(option, 2 + (size_t)len, /*is_offered=*/false);
		assert_near(text);
	}
	for (size_t cut = 0; cut < sizeof(option); cut++) {
		struct packet_data m;

		wire_teardown(NULL);
		wire_setup(NULL);
		start();
		give_plain(PACKET_DHCP_OFFER, server);
		m = dhcp(PACKET_DHCP_ACK, server);
		packet_add(&m, option, cut);
		give_udp(server, 67, 68, m.bytes, m.len);
		assert_string_equal(cb_net_near(), "");
	}
}

/* ---- What gets through to lwIP ---- */

/* A good answer of a DNS or DHCP server, from the IPv4 header on. */
static size_t good_packet(bool is_dhcp, uint8_t out[600])
{
	struct packet4_udp ends = { server, ours, is_dhcp ? 67 : 53, 68 };
	uint8_t f[CB_NET_FRAME_MAX], data[300] = { 2 };
	size_t len;

	memcpy(data + 236, "\x63\x82\x53\x63", 4);
	len = packet4_udp(f, &ends, data, is_dhcp ? sizeof(data) : 30) - 14;
	memcpy(out, f + 14, len);
	return len;
}

static void test_unwanted_packets(void **state)
{
	static const struct {
		const char *what;
		bool is_dhcp;
		size_t at;
		uint8_t bytes[2], n;
	} cases[] = {
		{ "version 6", false, 0, { 0x65 }, 1 },
		{ "options", false, 0, { 0x46 }, 1 },
		{ "a header too short", false, 0, { 0x44 }, 1 },
		{ "no length", false, 2, { 0, 0 }, 2 },
		{ "a length of 19", false, 2, { 0, 19 }, 2 },
		{ "longer than it is", false, 2, { 4, 0 }, 2 },
		{ "a first fragment", false, 6, { 0x20, 0 }, 2 },
		{ "a later fragment", false, 6, { 0, 1 }, 2 },
		{ "ICMP", false, 9, { 1 }, 1 },
		{ "IGMP", false, 9, { 2 }, 1 },
		{ "IPv6 in it", false, 9, { 41 }, 1 },
		{ "a port that is not asked", false, 20, { 0, 54 }, 2 },
		{ "port 0", false, 20, { 0, 0 }, 2 },
		{ "no DHCP cookie", true, 28 + 236, { 0, 0 }, 2 },
		{ "half a DHCP cookie", true, 28 + 238, { 0, 0 }, 2 },
		{ "cut before the DHCP cookie", true, 2, { 1, 10 }, 2 },
	};
	uint8_t packet[600];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = good_packet(cases[i].is_dhcp, packet);

		assert_true(cb_ip4_is_wanted((struct cb_bytes){ packet, len }));
		memcpy(packet + cases[i].at, cases[i].bytes, cases[i].n);
		if (cb_ip4_is_wanted((struct cb_bytes){ packet, len }))
			fail_msg("%s is let through", cases[i].what);
	}
	packet[0] = 0x45;
	for (size_t len = good_packet(true, packet), cut = 0; cut < len; cut++)
		assert_false(cb_ip4_is_wanted((struct cb_bytes){ packet, cut }));
	(void)good_packet(false, packet);
	packet[9] = PACKET_TCP;
	assert_true(cb_ip4_is_wanted((struct cb_bytes){ packet, 58 }));
}

/* ---- DNS ---- */

static struct cb_stream *ask(const char *name)
{
	static const struct cb_config_ipv4 ipv4 = {
		.address = { 192, 0, 2, 10 },
		.gateway = { 192, 0, 2, 1 },
		.prefix_len = 24,
		.n_dns = 1,
		.dns = { { 192, 0, 2, 1 } },
	};
	struct cb_endpoint to = { .port = 80 };
	struct cb_stream *stream = NULL;
	uint8_t arp[PACKET_ARP_LEN];

	if (!info().is_started)
		assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = &ipv4 }), CB_OK);
	wire_poll(4000);
	wire.n_sent = 0;
	memcpy(to.host, name, strlen(name) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	assert_true(wire_give(arp, packet_arp(arp, 2, packet_peer_mac, server, ours)));
	wire_poll(0);
	assert_non_null(sent(53));
	return stream;
}

static void answer(struct packet_data *m, unsigned n_answers)
{
	const uint8_t *q = sent(53);

	memcpy(m->bytes, q + 42, 2);
	packet_put16(m->bytes + 2, 0x8180);
	packet_put16(m->bytes + 4, 1);
	packet_put16(m->bytes + 6, n_answers);
	give_udp(server, 53, packet_get16(q + 34), m->bytes, m->len);
}

/* Head and question as they were asked. */
static struct packet_data dns(void)
{
	const uint8_t *q = sent(53);
	struct packet_data m = { { 0 }, 0 };

	packet_add(&m, q + 42, packet_get16(q + 38) - 8);
	return m;
}

static bool is_connecting_to(const uint8_t *address)
{
	for (unsigned i = 0; i < wire.n_sent; i++)
		if (wire.sent[i][23] == 6 && memcmp(wire.sent[i] + 30, address, 4) == 0)
			return true;
	return false;
}

static const uint8_t good[16] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 };

/* Whatever the answer is, nobody hangs, and a good one after it is taken where it was no answer. */
static void test_bad_answers(void **state)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t len;
		unsigned n_answers;
	} cases[] = {
		{ "points to itself", "\xc0\x1a\0\1\0\1\0\0\0\x3c\0\4\1\1\1\1", 16, 1 },
		{ "points ahead", "\xc0\xff\0\1\0\1\0\0\0\x3c\0\4", 12, 1 },
		{ "name without end",
		  "\x3f"
		  "a",
		  2, 1 },
		{ "length of 65535", "\xc0\x0c\0\1\0\1\0\0\0\x3c\xff\xff", 12, 2 },
		{ "address of 3 bytes", "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\1\1\1", 15, 1 },
		{ "65535 answers", "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\0", 12, 65535 },
		{ "only the head", "", 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[16] = "bad-0.test";
		struct cb_stream *stream;
		struct packet_data m;

		name[4] = (char)('0' + i);
		stream = ask(name);
		m = dns();
		packet_add(&m, cases[i].bytes, cases[i].len);
		answer(&m, cases[i].n_answers);
		for (unsigned j = 0; j < 200; j++)
			wire_poll(100);
		if (wire.net.state(stream, NULL) != CB_STREAM_FAILED && !is_connecting_to(server))
			fail_msg("%s: hangs", cases[i].what);
		wire.net.close(stream);
	}
}

static void test_wrong_question_or_id(void **state)
{
	struct cb_stream *stream = ask("mine.test");
	struct packet_data m = dns();

	(void)state;
	packet_add(&m, good, sizeof(good));
	m.bytes[12 + 1] = 'y'; /* of another name */
	answer(&m, 1);
	assert_false(is_connecting_to(server));
	m.bytes[12 + 1] = 'm';
	for (unsigned i = 0; i < 65536; i += 97) { /* guesses, while the id is another */
		const uint8_t *q = sent(53);

		if (packet_get16(q + 42) == i)
			continue;
		packet_put16(m.bytes, i);
		packet_put16(m.bytes + 2, 0x8180);
		packet_put16(m.bytes + 6, 1);
		give_udp(server, 53, packet_get16(q + 34), m.bytes, m.len);
	}
	assert_false(is_connecting_to(server));
	/* The right id from another address is no answer either. */
	memcpy(m.bytes, sent(53) + 42, 2);
	give_udp(rogue, 53, packet_get16(sent(53) + 34), m.bytes, m.len);
	assert_false(is_connecting_to(server));
	answer(&m, 1);
	assert_true(is_connecting_to(server));
	wire.net.close(stream);
}

static void test_chain_of_aliases(void **state)
{
	struct cb_stream *stream = ask("alias.test");
	struct packet_data m = dns();

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		packet_add(&m, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x0c", 14);
	packet_add(&m, good, sizeof(good));
	answer(&m, 21);
	assert_true(is_connecting_to(server));
	wire.net.close(stream);
}

static void test_random_answers(void **state)
{
	struct cb_stream *stream = ask("random.test");

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct packet_data m = dns();
		size_t n = testport_below(&wire.rng, 64), at;

		testport_fill(&wire.rng, m.bytes + m.len, n);
		m.len += n;
		at = 2 + testport_below(&wire.rng, m.len - 2);
		m.bytes[at] ^= (uint8_t)(1u << testport_below(&wire.rng, 8));
		answer(&m, 1 + (unsigned)testport_below(&wire.rng, 3));
		if (wire.net.state(stream, NULL) == CB_STREAM_CONNECTING &&
		    !is_connecting_to(server) && wire.n_sent < WIRE_N_SENT / 2)
			continue;
		wire.net.close(stream);
		{
			char name[32] = "random-00000.test";

			for (unsigned j = 0, v = i; j < 5; j++, v /= 10)
				name[11 - j] = (char)('0' + v % 10);
			stream = ask(name);
		}
	}
	wire.net.close(stream);
}

/* A frame that is cut does not say what an earlier one in its buffer said. */
static void test_cut_arp(void **state)
{
	static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x66 };
	struct cb_stream *stream = ask("cut.test");
	uint8_t f[PACKET_ARP_LEN];

	(void)state;
	for (size_t len = 0; len < 42; len++) {
		assert_int_equal(packet_arp(f, 2, other_mac, server, ours), sizeof(f));
		f[13] = 0x07; /* of no type: dropped, and left behind */
		assert_true(wire_give(f, sizeof(f)));
		f[13] = 0x06;
		assert_true(wire_give(f, len));
	}
	wire.n_sent = 0;
	for (unsigned i = 0; i < 30; i++)
		wire_poll(100);
	assert_non_null(sent(53));
	assert_memory_equal(sent(53), packet_peer_mac, 6);
	wire.net.close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lease, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_overloaded_options, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_chains_of_options, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_rogue_server, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_nak_storm, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_near, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_near_lengths, wire_setup, wire_teardown),
		cmocka_unit_test(test_unwanted_packets),
		cmocka_unit_test_setup_teardown(test_cut_arp, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_bad_answers, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_question_or_id, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_chain_of_aliases, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_random_answers, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
