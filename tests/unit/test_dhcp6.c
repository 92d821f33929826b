/* SPDX-License-Identifier: MIT */
/* The DHCPv6 client against servers that are good, unkind and hostile. */
#include "testport.h"

#include <string.h>

#include "net/dhcp6.h"
#include "packet.h"

#define ADVERTISE 2u
#define REPLY 7u

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
static const uint8_t given[16] = { 0xfd, [15] = 7 };
static const uint8_t dns[2][16] = { { 0xfd, [15] = 1 }, { 0xfd, [15] = 2 } };

static struct {
	struct cb_dhcp6 d;
	uint64_t now_ms;
	uint8_t sent[CB_DHCP6_MESSAGE_MAX];
	size_t sent_len;
	struct packet_data m; /* the server's message */
} w;

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now_ms = 5000;
	return 0;
}

static bool step(uint64_t pass_ms)
{
	w.now_ms += pass_ms;
	w.sent_len = cb_dhcp6_step(&w.d, w.now_ms, 0xabcdef, w.sent);
	return w.sent_len != 0;
}

static void start(bool wants_address)
{
	cb_dhcp6_start(&w.d, mac, wants_address);
	assert_true(step(0));
}

/* ---- Messages ---- */

static void option(unsigned code, const void *p, size_t len)
{
	packet_dhcp6_option(&w.m, code, p, len);
}

static void begin(unsigned type)
{
	packet_dhcp6(&w.m, type, w.d.transaction);
	option(1, "\0\3\0\1\x52\x54\0\x12\x34\x56", 10);
}

/* An IA_NA with one address. */
static void association(uint32_t iaid, const uint8_t *address, uint32_t preferred, uint32_t valid)
{
	packet_add16(&w.m, 3);
	packet_add16(&w.m, 12 + 28);
	packet_add32(&w.m, iaid);
	packet_add32(&w.m, 0);
	packet_add32(&w.m, 0);
	packet_add16(&w.m, 5);
	packet_add16(&w.m, 24);
	packet_add(&w.m, address, 16);
	packet_add32(&w.m, preferred);
	packet_add32(&w.m, valid);
}

static void whole(unsigned type, const char *server)
{
	begin(type);
	option(2, server, strlen(server));
	association(0x00123456, given, 600, 1200);
	option(23, dns, sizeof(dns));
}

static bool give(void)
{
	struct testport memory = { 0 };
	struct cb_mem mem = testport_mem(&memory);
	uint8_t *copy = cb_alloc_zeroed(&mem, w.m.len ? w.m.len : 1); /* its end is watched */
	bool is_done;

	memcpy(copy, w.m.bytes, w.m.len);
	is_done = cb_dhcp6_input(&w.d, (struct cb_bytes){ copy, w.m.len }, w.now_ms);
	cb_free(&mem, copy);
	return is_done;
}

/* The value of an option that was sent; NULL when it was not. */
static const uint8_t *sent_option(unsigned code, size_t *ret_len)
{
	for (size_t at = 4; at + 4 <= w.sent_len;) {
		size_t len = (size_t)w.sent[at + 2] << 8 | w.sent[at + 3];

		assert_true(at + 4 + len <= w.sent_len);
		*ret_len = len;
		if (((unsigned)w.sent[at] << 8 | w.sent[at + 1]) == code)
			return w.sent + at + 4;
		at += 4 + len;
	}
	return NULL;
}

/* ---- Tests ---- */

static void assert_bound(void)
{
	assert_int_equal(w.d.phase, CB_DHCP6_BOUND);
	assert_memory_equal(w.d.address, given, 16);
	assert_int_equal(w.d.preferred_s, 600);
	assert_int_equal(w.d.valid_s, 1200);
	assert_int_equal(w.d.n_dns, 2);
	assert_memory_equal(w.d.dns, dns, sizeof(dns));
}

static void test_four_messages(void **state)
{
	const uint8_t *value;
	size_t len;

	(void)state;
	start(true);
	assert_int_equal(w.sent[0], 1);
	value = sent_option(1, &len);
	assert_non_null(value);
	assert_memory_equal(value, "\0\3\0\1\x52\x54\0\x12\x34\x56", 10);
	assert_non_null(sent_option(14, &len));
	assert_null(sent_option(2, &len));
	whole(ADVERTISE, "server");
	assert_false(give());
	assert_int_equal(w.d.phase, CB_DHCP6_REQUEST);
	assert_true(step(0));
	assert_int_equal(w.sent[0], 3);
	value = sent_option(2, &len);
	assert_non_null(value);
	assert_int_equal(len, 6);
	assert_memory_equal(value, "server", 6);
	value = sent_option(3, &len);
	assert_non_null(value);
	assert_memory_equal(value + 16, given, 16);
	/* Of another server: not what was asked for. */
	whole(REPLY, "rogue!");
	assert_false(give());
	assert_int_equal(w.d.phase, CB_DHCP6_REQUEST);
	whole(REPLY, "server");
	assert_true(give());
	assert_bound();
	/* Nothing more is believed, and half-way through it is asked for again. */
	assert_false(give());
	assert_false(step(299999));
	assert_true(step(1));
	assert_int_equal(w.sent[0], 1);
	assert_memory_equal(w.d.address, given, 16);
}

static void test_rapid_commit(void **state)
{
	(void)state;
	start(true);
	whole(REPLY, "server");
	assert_false(give()); /* without the option it is no commitment */
	assert_int_equal(w.d.phase, CB_DHCP6_SOLICIT);
	option(14, "", 0);
	assert_true(give());
	assert_bound();
}

static void test_stateless(void **state)
{
	(void)state;
	start(false);
	assert_int_equal(w.sent[0], 11);
	begin(REPLY);
	option(2, "server", 6);
	option(23, dns, 16);
	assert_true(give());
	assert_int_equal(w.d.phase, CB_DHCP6_INFORMED);
	assert_int_equal(w.d.n_dns, 1);
	assert_false(step(1000000000));
	/* Another router wants it stateful after all. */
	cb_dhcp6_start(&w.d, mac, false);
	assert_false(step(0));
	start(true);
	assert_int_equal(w.sent[0], 1);
}

static void test_silence(void **state)
{
	uint64_t last_ms = 0, gap_ms = 0;
	unsigned n = 0;

	(void)state;
	start(true);
	last_ms = w.now_ms;
	for (unsigned i = 0; i < 6000; i++) {
		if (!step(10))
			continue;
		n++;
		gap_ms = w.now_ms - last_ms;
		last_ms = w.now_ms;
		assert_in_range(gap_ms, 990, 8900);
	}
	assert_in_range(n, 7, 12); /* in a minute: 1, 2, 4, 8, 8 ... */
	/* An offer whose server is then silent is forgotten after some tries. */
	whole(ADVERTISE, "server");
	assert_false(give());
	for (n = 0; n < 10000 && w.d.phase == CB_DHCP6_REQUEST; n++)
		(void)step(10);
	assert_int_equal(w.d.phase, CB_DHCP6_SOLICIT);
}

static void test_refusals(void **state)
{
	(void)state;
	start(true);
	/* No addresses. */
	begin(ADVERTISE);
	option(2, "server", 6);
	option(13, "\0\2none", 6);
	assert_false(give());
	assert_int_equal(w.d.phase, CB_DHCP6_SOLICIT);
	/* Offered, then refused: a pause, and all over. */
	whole(ADVERTISE, "server");
	assert_false(give());
	assert_true(step(0));
	begin(REPLY);
	option(2, "server", 6);
	option(13, "\0\4", 2);
	assert_false(give());
	assert_int_equal(w.d.phase, CB_DHCP6_SOLICIT);
	assert_false(step(999));
	assert_true(step(1));
}

/* What is wrong with each of these is in its name; none of them moves the client. */
static void test_wrong_answers(void **state)
{
	static const uint8_t long_id[CB_DHCP6_MAX_DUID + 1] = { 1 };
	static const uint8_t multicast[16] = { 0xff, 2 }, link_local[16] = { 0xfe, 0x80, [15] = 1 };
	enum {
		XID,
		CLIENT,
		NO_CLIENT,
		NO_SERVER,
		EMPTY_SERVER,
		LONG_SERVER,
		OTHER_IAID,
		LIFETIME,
		CROSSED_LIFETIMES,
		MULTICAST,
		LINK_LOCAL,
		CUT_DNS,
		TYPE,
		N
	};

	(void)state;
	start(true);
	for (unsigned i = 0; i < N; i++) {
		begin(i == TYPE ? 1 : ADVERTISE);
		if (i == XID)
			w.m.bytes[3] ^= 1;
		if (i == CLIENT)
			w.m.bytes[17] ^= 1;
		if (i == NO_CLIENT)
			w.m.len = 4;
		if (i == LONG_SERVER)
			option(2, long_id, sizeof(long_id));
		else if (i != NO_SERVER)
			option(2, "server", i == EMPTY_SERVER ? 0 : 6);
		association(i == OTHER_IAID ? 1 : 0x00123456,
			    i == MULTICAST	    ? multicast :
				    i == LINK_LOCAL ? link_local :
						      given,
			    i == CROSSED_LIFETIMES ? 1201 : 0, i == LIFETIME ? 0 : 1200);
		option(23, dns, i == CUT_DNS ? 31 : 32);
		if (give() || w.d.phase != CB_DHCP6_SOLICIT)
			fail_msg("case %u was taken", i);
	}
	begin(ADVERTISE);
	option(2, "server", 6);
	association(0x00123456, given, 0, 1200); /* deprecated, but there */
	assert_false(give());
	assert_int_equal(w.d.phase, CB_DHCP6_REQUEST);
}

/*
 * After PixieFail: CVE-2023-45229 and 45230 (lengths of IA_NA, IA_TA and server id), 45234 and 45235
 * (DNS servers and server id longer than their place). Each length of each option runs over what
 * holds it, by little and by much.
 */
static void test_lengths_that_lie(void **state)
{
	static const uint16_t lies[] = { 0, 1, 3, 11, 13, 27, 39, 41, 100, 0x7fff, 0xfff0, 0xffff };

	(void)state;
	for (unsigned ia = 3; ia <= 4; ia++)
		for (size_t at = 4; at < 110; at++)
			for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
				setup(NULL);
				start(true);
				whole(ADVERTISE, "server");
				w.m.bytes[29] = (uint8_t)ia;
				w.m.bytes[at] = (uint8_t)(lies[i] >> 8);
				w.m.bytes[at + 1] = (uint8_t)lies[i];
				assert_false(give());
				/* What it has of it is within bounds, whatever it thinks. */
				assert_true(w.d.server_len <= CB_DHCP6_MAX_DUID);
				assert_true(w.d.n_dns <= CB_DHCP6_MAX_DNS);
				(void)step(0);
			}
}

static void test_truncated(void **state)
{
	size_t len;

	(void)state;
	start(true);
	whole(REPLY, "server");
	option(14, "", 0);
	len = w.m.len;
	for (w.m.len = 0; w.m.len < len; w.m.len++)
		if (give())
			fail_msg("%zu bytes were taken", w.m.len);
	assert_int_equal(w.d.phase, CB_DHCP6_SOLICIT);
	w.m.len = len;
	assert_true(give());
}

static void test_many_options_and_servers(void **state)
{
	(void)state;
	start(true);
	whole(REPLY, "server");
	for (unsigned i = 0; i < 300; i++)
		option(99, "", 0); /* unknown, empty */
	for (unsigned i = 0; i < 10; i++)
		option(23, dns, 32);
	option(14, "", 0);
	assert_true(give());
	assert_bound();
}

static void test_longest_server_id(void **state)
{
	char id[CB_DHCP6_MAX_DUID + 1];
	size_t len;

	(void)state;
	memset(id, 's', sizeof(id));
	id[CB_DHCP6_MAX_DUID] = 0;
	start(true);
	whole(ADVERTISE, id);
	assert_false(give());
	assert_true(step(0));
	assert_non_null(sent_option(2, &len));
	assert_int_equal(len, CB_DHCP6_MAX_DUID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_four_messages, setup),
		cmocka_unit_test_setup(test_rapid_commit, setup),
		cmocka_unit_test_setup(test_stateless, setup),
		cmocka_unit_test_setup(test_silence, setup),
		cmocka_unit_test_setup(test_refusals, setup),
		cmocka_unit_test_setup(test_wrong_answers, setup),
		cmocka_unit_test_setup(test_lengths_that_lie, setup),
		cmocka_unit_test_setup(test_truncated, setup),
		cmocka_unit_test_setup(test_many_options_and_servers, setup),
		cmocka_unit_test_setup(test_longest_server_id, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
