/* SPDX-License-Identifier: MIT */
/* What the stack repeats by itself it goes on repeating after its memory has failed for a while. */
#include <string.h>

#include "lwip/timeouts.h"
#include "net/net_private.h"
#include "sim_lwip_memory.h"
#include "wire.h"

#define SHORTAGE_MS 5000 /* several rounds of every timer but DHCP's coarse one */

static void fall_short(void)
{
	sim_lwip_fail(1, /*is_forever=*/true);
	wire_pass(SHORTAGE_MS);
	sim_lwip_fail(0, false);
	wire.n_sent = 0;
}

static bool is_arp(const uint8_t *f)
{
	return packet_get16(f + 12) == 0x0806;
}

static bool is_syn(const uint8_t *f)
{
	return packet_get16(f + 12) == 0x0800 && f[23] == 6 && f[47] == 2;
}

static bool is_discover(const uint8_t *f)
{
	return packet_get16(f + 12) == 0x0800 && f[23] == 17 && packet_get16(f + 36) == 67;
}

static bool is_name_question(const uint8_t *f)
{
	return packet_get16(f + 12) == 0x0800 && f[23] == 17 && packet_get16(f + 36) == 53;
}

static bool is_neighbour_question(const uint8_t *f)
{
	return packet_get16(f + 12) == 0x86dd && f[20] == 58 && f[54] == 135;
}

static bool was_sent(bool (*is)(const uint8_t *frame))
{
	for (unsigned i = 0; i < wire.n_sent; i++)
		if (is(wire.sent[i]))
			return true;
	return false;
}

static void answer_arp(void)
{
	uint8_t f[PACKET_ARP_LEN];

	assert_true(wire_give(
		f, packet_arp(f, 2, packet_peer_mac, wire_ipv4.gateway, wire_ipv4.address)));
}

static struct cb_stream *open_stream(const char *host)
{
	struct cb_endpoint to = { .port = 80 };
	struct cb_stream *stream = NULL;

	memcpy(to.host, host, strlen(host) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	wire_poll(0);
	return stream;
}

static void start_static(void)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = &wire_ipv4 }), CB_OK);
	wire_pass(4000); /* until no IPv6 is waited for */
}

static void test_all_are_run(void **state)
{
	(void)state;
	assert_int_equal(lwip_num_cyclic_timers, CB_NET_TIMERS);
}

static void test_tcp(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_static();
	stream = open_stream("192.0.2.1");
	answer_arp();
	wire_poll(0);
	assert_true(was_sent(is_syn));
	fall_short();
	answer_arp();
	wire_pass(3000);
	assert_true(was_sent(is_syn));
	wire.net.close(stream);
}

static void test_arp(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_static();
	wire.n_sent = 0;
	stream = open_stream("192.0.2.1");
	assert_true(was_sent(is_arp));
	fall_short();
	wire_pass(3000);
	assert_true(was_sent(is_arp));
	wire.net.close(stream);
}

static void test_dhcp(void **state)
{
	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	wire_poll(0);
	assert_true(was_sent(is_discover));
	fall_short();
	for (unsigned i = 0; i < 20 && !was_sent(is_discover); i++) {
		wire.n_sent = 0;
		wire_pass(1000);
	}
	assert_true(was_sent(is_discover));
}

static void test_dns(void **state)
{
	struct cb_stream *stream;

	(void)state;
	start_static();
	answer_arp();
	wire.n_sent = 0;
	stream = open_stream("shortage.test");
	wire_poll(0);
	answer_arp();
	wire_poll(0);
	assert_true(was_sent(is_name_question));
	sim_lwip_fail(1, /*is_forever=*/true);
	wire_pass(1500);
	sim_lwip_fail(0, false);
	wire.n_sent = 0;
	answer_arp();
	wire_pass(3000);
	assert_true(was_sent(is_name_question));
	wire.net.close(stream);
}

/* A static address: the questions whether somebody has it. */
static void test_neighbours(void **state)
{
	static const struct cb_config_ipv6 static_ipv6 = {
		.address = { 0xfd, [15] = 10 },
		.gateway = { 0xfd, [15] = 1 },
		.prefix_len = 64,
	};
	struct cb_stream *stream;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv6 = &static_ipv6 }), CB_OK);
	wire_pass(3000);
	wire.n_sent = 0;
	stream = open_stream("fd00::1");
	assert_true(was_sent(is_neighbour_question));
	fall_short();
	wire_pass(3000);
	assert_true(was_sent(is_neighbour_question));
	wire.net.close(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_run),
		cmocka_unit_test_setup_teardown(test_tcp, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_arp, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_dhcp, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_dns, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
