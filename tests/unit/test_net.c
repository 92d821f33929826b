/* SPDX-License-Identifier: MIT */
/* The TCP/IP stack on a wire that the test holds in its hands: frames in, frames out. */
#include "wire.h"

#include <string.h>

/* lwIP's configuration names these two; the tests look at them directly. */
uint16_t cb_net_checksum(const void *data, int len);
uint32_t cb_net_random32(void);

#define PORT 8080
#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static const uint8_t our_ip[4] = { 192, 0, 2, 10 };
static const uint8_t peer_ip[4] = { 192, 0, 2, 1 };

static enum cb_err start(const struct cb_config_ipv4 *ipv4)
{
	return wire_start((struct cb_net_params){ .ipv4 = ipv4 });
}

/* ---- A TCP peer of a few lines ---- */

struct peer {
	struct cb_stream *stream;
	uint32_t port; /* theirs, that is: ours is PORT */
	uint32_t isn; /* the stack's */
	uint32_t seq, ack; /* ours next, expected next */
	bool scales; /* offers window scaling */
};

static void peer_send(struct peer *p, unsigned flags, uint32_t seq, const void *data, size_t len)
{
	uint8_t f[CB_NET_FRAME_MAX] = { 0 };
	size_t head = flags & SYN ? 24 + (p->scales ? 4 : 0) : 20;

	packet_put16(f + 34, PORT);
	packet_put16(f + 36, p->port);
	packet_put32(f + 38, seq);
	packet_put32(f + 42, p->ack);
	f[46] = (uint8_t)(head / 4 << 4);
	f[47] = (uint8_t)flags;
	packet_put16(f + 48, 65535);
	if (flags & SYN) {
		memcpy(f + 54, "\x02\x04\x05\xb4\x03\x03\x07", p->scales ? 7 : 4);
	}
	if (len)
		memcpy(f + 34 + head, data, len);
	assert_true(wire_give(f, packet4_wrap(f, PACKET_TCP, peer_ip, our_ip, head + len, 16)));
}

/* The last TCP segment that was sent, NULL when none; forgets all. */
static const uint8_t *last_segment(void)
{
	static uint8_t copy[CB_NET_FRAME_MAX];
	const uint8_t *found = NULL;

	for (unsigned i = 0; i < wire.n_sent; i++) {
		if (packet_get16(wire.sent[i] + 12) != 0x0800 || wire.sent[i][23] != 6)
			continue;
		memcpy(copy, wire.sent[i], sizeof(copy));
		found = copy;
	}
	wire.n_sent = 0;
	return found;
}

static void answer_arp(void)
{
	uint8_t f[PACKET_ARP_LEN];

	for (unsigned i = 0; i < wire.n_sent; i++) {
		const uint8_t *asked = wire.sent[i];

		if (packet_get16(asked + 12) != 0x0806 || packet_get16(asked + 20) != 1)
			continue;
		(void)packet_arp(f, 2, packet_peer_mac, asked + 38, our_ip);
		assert_true(wire_give(f, sizeof(f)));
	}
}

static struct cb_stream *open_stream(const char *host)
{
	struct cb_endpoint to = { .port = PORT };
	struct cb_stream *stream = NULL;

	memcpy(to.host, host, strlen(host) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	wire_poll(0);
	answer_arp();
	wire_poll(0);
	return stream;
}

/* Takes up the SYN that the stack has sent. */
static void peer_meet(struct peer *p, struct cb_stream *stream)
{
	const uint8_t *syn = last_segment();

	assert_non_null(syn);
	assert_int_equal(syn[47], SYN);
	p->stream = stream;
	p->port = packet_get16(syn + 34);
	p->isn = packet_get32(syn + 38);
	p->ack = p->isn + 1;
	p->seq = 5000;
}

static void peer_open(struct peer *p)
{
	peer_meet(p, open_stream("192.0.2.1"));
	assert_int_equal(wire.net.state(p->stream, NULL), CB_STREAM_CONNECTING);
	peer_send(p, SYN | ACK, p->seq++, NULL, 0);
	wire_poll(0);
	assert_int_equal(wire.net.state(p->stream, NULL), CB_STREAM_OPEN);
	wire.n_sent = 0;
}

static void peer_data(struct peer *p, const void *data, size_t len)
{
	peer_send(p, ACK, p->seq, data, len);
	p->seq += (uint32_t)len;
}

static size_t drain(struct peer *p)
{
	size_t total = 0;
	struct cb_bytes bytes;

	while ((bytes = wire.net.peek(p->stream)).len) {
		total += bytes.len;
		wire.net.consume(p->stream, bytes.len);
	}
	return total;
}

/* ---- Tests ---- */

static void test_checksum(void **state)
{
	uint8_t bytes[1600 + 8];

	(void)state;
	testport_fill(&wire.rng, bytes, sizeof(bytes));
	for (size_t len = 0; len <= 1600; len = len < 70 ? len + 1 : len + 17)
		for (size_t at = 0; at < 8; at++) {
			uint32_t want = packet_sum16(bytes + at, len, 0);
			uint16_t got = cb_net_checksum(bytes + at, (int)len);

			/* Ours is in memory order. */
			assert_int_equal((got & 0xff) << 8 | got >> 8, want);
		}
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(cb_net_checksum(bytes, 1600), 0xffff);
}

static void test_needs_randomness(void **state)
{
	(void)state;
	wire.has_random = false;
	assert_int_equal(start(&wire_ipv4), CB_ENTROPY);
	assert_null(cb_net_frame());
}

static void test_dhcp_asks(void **state)
{
	struct cb_net_info info;

	(void)state;
	assert_int_equal(start(NULL), CB_OK);
	wire_poll(0);
	assert_true(wire.n_sent >= 1);
	assert_int_equal(packet_get16(wire.sent[0] + 36), 67); /* to a DHCP server */
	cb_net_info(&info);
	assert_true(info.has_link);
	assert_false(info.has_address);
}

static void test_static_address(void **state)
{
	struct cb_net_info info;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	assert_int_equal(start(&wire_ipv4), CB_INTERNAL); /* one stack at a time */
	cb_net_info(&info);
	assert_true(info.has_address);
	assert_memory_equal(info.address, our_ip, 4);
	assert_memory_equal(info.gateway, peer_ip, 4);
	assert_memory_equal(info.dns, peer_ip, 4);
	assert_int_equal(info.prefix_len, 24);
}

static void test_stream_both_ways(void **state)
{
	struct peer p = { .scales = true };
	const uint8_t *segment;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	assert_int_equal(wire.net.send(p.stream, "GET /", 5), 5);
	assert_int_equal(wire.net.send(p.stream, " x", 2), 2);
	cb_net_flush();
	segment = last_segment(); /* both in one segment */
	assert_non_null(segment);
	assert_int_equal(packet_get16(segment + 16), 20 + 20 + 7);
	assert_memory_equal(segment + 54, "GET / x", 7);
	p.ack += 7;
	peer_data(&p, "hello", 5);
	assert_int_equal(wire.net.peek(p.stream).len, 5);
	wire.net.consume(p.stream, 2);
	assert_memory_equal(wire.net.peek(p.stream).p, "llo", 3);
	wire.net.consume(p.stream, 4); /* more than there is: ignored */
	assert_int_equal(wire.net.peek(p.stream).len, 3);
	wire.net.consume(p.stream, 3);
	assert_int_equal(wire.net.peek(p.stream).len, 0);
	wire.net.close(p.stream);
}

static void test_acks_are_batched(void **state)
{
	struct peer p = { .scales = true };
	static const uint8_t data[1000];
	const uint8_t *segment;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	for (unsigned i = 0; i < 10; i++)
		peer_data(&p, data, sizeof(data));
	assert_int_equal(wire.n_sent, 0);
	cb_net_flush();
	assert_int_equal(wire.n_sent, 1);
	segment = last_segment();
	assert_non_null(segment);
	assert_int_equal(packet_get32(segment + 42), p.seq);
	assert_int_equal(drain(&p), 10000);
	wire.net.close(p.stream);
}

static void test_order_is_restored(void **state)
{
	struct peer p = { .scales = true };
	struct cb_bytes got;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	peer_send(&p, ACK, p.seq + 3, "def", 3);
	assert_int_equal(wire.net.peek(p.stream).len, 0);
	assert_int_equal(wire.n_sent, 1); /* the gap is told at once */
	peer_send(&p, ACK, p.seq, "abc", 3);
	peer_send(&p, ACK, p.seq, "abcdef", 6); /* a late double */
	got = wire.net.peek(p.stream);
	assert_memory_equal(got.p, "abc", 3);
	wire.net.consume(p.stream, 3);
	assert_memory_equal(wire.net.peek(p.stream).p, "def", 3);
	assert_int_equal(drain(&p), 3);
	wire.net.close(p.stream);
}

/* A window that closes has to open again by itself, or the peer waits for its probe timer. */
static void test_window_opens_again(void **state)
{
	static const uint8_t data[1460];

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	for (int scales = 0; scales < 2; scales++) {
		struct peer p = { .scales = scales };
		unsigned shift = scales ? 7 : 0;
		uint32_t window = 65535;
		const uint8_t *segment;

		peer_open(&p);
		for (unsigned i = 0; window >= sizeof(data) && i < 1000; i++) {
			peer_data(&p, data, sizeof(data));
			cb_net_flush();
			segment = last_segment();
			assert_non_null(segment);
			window = packet_get16(segment + 48) << shift;
		}
		assert_true(window < sizeof(data));
		assert_true(drain(&p) > 60000);
		cb_net_flush();
		segment = last_segment();
		assert_non_null(segment);
		assert_true(packet_get16(segment + 48) << shift > 40000);
		wire.net.close(p.stream);
		wire.n_sent = 0;
	}
}

/* What is consumed is offered again only up to the limit, and all of it once the limit is gone. */
static void test_window_limit(void **state)
{
	static const uint8_t data[1460];
	struct peer p = { .scales = true };
	uint32_t window = 0;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	wire.net.limit(p.stream, 65536);
	for (unsigned i = 0; i < 250; i++) {
		const uint8_t *segment;

		peer_data(&p, data, sizeof(data));
		wire.net.consume(p.stream, sizeof(data));
		wire_poll(1);
		segment = last_segment();
		assert_non_null(segment);
		window = packet_get16(segment + 48) << 7;
	}
	assert_in_range(window, 65536 - 1460, 65536);
	wire.net.limit(p.stream, 0);
	cb_net_flush();
	assert_in_range(packet_get16(last_segment() + 48) << 7, 200000, 262144);
	wire.net.close(p.stream);
}

static void test_ends(void **state)
{
	struct peer p = { .scales = true };
	enum cb_err why = CB_OK;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	/* The peer finishes: what it sent still waits. */
	peer_open(&p);
	peer_data(&p, "last", 4);
	peer_send(&p, FIN | ACK, p.seq, NULL, 0);
	assert_int_equal(wire.net.state(p.stream, &why), CB_STREAM_CLOSED);
	assert_int_equal(drain(&p), 4);
	wire.net.close(p.stream);
	/* The peer resets: nothing waits. */
	peer_open(&p);
	peer_data(&p, "lost", 4);
	peer_send(&p, RST | ACK, p.seq, NULL, 0);
	assert_int_equal(wire.net.state(p.stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CLOSED);
	assert_int_equal(wire.net.peek(p.stream).len, 0);
	assert_int_equal(wire.net.send(p.stream, "x", 1), 0);
	wire.net.close(p.stream);
	/* Refused. */
	wire.n_sent = 0;
	peer_meet(&p, open_stream("192.0.2.1"));
	peer_send(&p, RST | ACK, 0, NULL, 0);
	assert_int_equal(wire.net.state(p.stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CONNECT);
	wire.net.close(p.stream);
}

static void test_close_resets_when_bytes_wait(void **state)
{
	struct peer p = { .scales = true };
	const uint8_t *segment;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	peer_data(&p, "unread", 6);
	wire.net.close(p.stream);
	segment = last_segment();
	assert_non_null(segment);
	assert_true(segment[47] & RST);
}

static void test_no_answer_gives_up(void **state)
{
	struct peer p = { .scales = true };
	enum cb_err why = CB_OK;
	unsigned n = 0;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_meet(&p, open_stream("192.0.2.1"));
	while (wire.net.state(p.stream, &why) == CB_STREAM_CONNECTING && n++ < 10000) {
		wire_poll(100);
		answer_arp();
		wire.n_sent = 0;
	}
	assert_int_equal(why, CB_NET_CONNECT);
	assert_in_range(n, 50, 200); /* 5 s .. 20 s */
	wire.net.close(p.stream);
}

/* The DNS question that was sent: fills in id and port; false when there is none. */
static bool dns_question(uint32_t *ret_id, uint32_t *ret_port)
{
	for (unsigned i = 0; i < wire.n_sent; i++) {
		const uint8_t *f = wire.sent[i];

		if (packet_get16(f + 12) != 0x0800 || f[23] != 17 || packet_get16(f + 36) != 53)
			continue;
		*ret_port = packet_get16(f + 34);
		*ret_id = packet_get16(f + 42);
		return true;
	}
	return false;
}

static void dns_answer(uint32_t id, uint32_t port, const char *name, unsigned code)
{
	uint8_t f[200] = { 0 };
	size_t name_len = strlen(name) + 1, len = 8 + 12 + name_len + 4;

	packet_put16(f + 34, 53);
	packet_put16(f + 36, port);
	packet_put16(f + 42, id);
	packet_put16(f + 44, 0x8180 | code);
	packet_put16(f + 46, 1);
	packet_put16(f + 48, code ? 0 : 1);
	memcpy(f + 54, name, name_len);
	packet_put16(f + 54 + name_len, 1);
	packet_put16(f + 56 + name_len, 1);
	if (!code) {
		uint8_t *answer = f + 58 + name_len;

		packet_put16(answer, 0xc00c);
		packet_put16(answer + 2, 1);
		packet_put16(answer + 4, 1);
		packet_put32(answer + 6, 60);
		packet_put16(answer + 10, 4);
		memcpy(answer + 12, peer_ip, 4);
		len += 16;
	}
	packet_put16(f + 38, (uint32_t)len);
	assert_true(wire_give(f, packet4_wrap(f, PACKET_UDP, peer_ip, our_ip, len, 6)));
	wire_poll(0);
}

static void test_names(void **state)
{
	struct cb_stream *stream, *closed;
	struct peer p = { .scales = true };
	enum cb_err why = CB_OK;
	uint32_t id, port;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	/* Found, after a forged answer that is ignored. */
	stream = open_stream("a.test");
	closed = open_stream("a.test");
	wire.net.close(closed); /* its answer is still under way */
	assert_true(dns_question(&id, &port));
	dns_answer(id ^ 1, port, "\1a\4test", 3);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_CONNECTING);
	dns_answer(id, port, "\1a\4test", 0);
	peer_meet(&p, stream);
	peer_send(&p, SYN | ACK, p.seq++, NULL, 0);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
	wire.n_sent = 0;
	/* Not found, and IPv6 is not waited for any more. */
	wire_poll(3000);
	wire.n_sent = 0;
	stream = open_stream("b.test");
	assert_true(dns_question(&id, &port));
	dns_answer(id, port, "\1b\4test", 3);
	assert_int_equal(wire.net.state(stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_DNS);
	wire.net.close(stream);
}

static void test_refusals(void **state)
{
	struct cb_endpoint to = { .host = "192.0.2.1", .port = PORT, .is_tls = true };
	struct cb_stream *stream = NULL;

	(void)state;
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream),
			 CB_NET_CONNECT); /* not started */
	assert_int_equal(start(&wire_ipv4), CB_OK);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_NET_CONNECT);
	to.is_tls = false;
	testport_fail_at(&wire.memory, 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_NO_MEMORY);
	testport_fail_at(&wire.memory, 1);
	assert_null(cb_net_frame());
	assert_null(stream);
}

/* What the core has not closed when the network goes stays its own, and FAILED. */
static void test_stop_and_start_again(void **state)
{
	struct peer p = { .scales = true };
	enum cb_err why = CB_OK;

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	peer_data(&p, "unread", 6);
	cb_net_stop();
	assert_int_equal(wire.net.state(p.stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_CLOSED);
	assert_int_equal(start(&wire_ipv4), CB_OK);
	assert_int_equal(wire.net.state(p.stream, &why), CB_STREAM_FAILED);
	wire.net.close(p.stream);
	wire.n_sent = 0;
	peer_open(&p);
	wire.net.close(p.stream);
}

/* Frames of every length, cut and changed at random: nothing breaks, nothing leaks. */
static void test_damaged_frames(void **state)
{
	struct peer p = { .scales = true };
	uint8_t frame[CB_NET_FRAME_MAX] = { 0 };

	(void)state;
	assert_int_equal(start(&wire_ipv4), CB_OK);
	peer_open(&p);
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = testport_below(&wire.rng, 128) + 1;

		testport_fill(&wire.rng, frame, len);
		if (len > 60)
			packet_put16(frame + 34, PORT);
		if (len > 60 && i % 4 != 0)
			packet_put16(frame + 36, p.port);
		if (len > 60)
			packet_put32(frame + 38, p.seq + (uint32_t)testport_below(&wire.rng, 100));
		(void)packet4_wrap(frame, i % 3 ? PACKET_TCP : PACKET_UDP, peer_ip, our_ip,
				   len > 34 ? len - 34 : 0,
				   len <= 60	 ? 0 :
					   i % 3 ? 16 :
						   6);
		(void)wire_give(frame, len);
		(void)drain(&p);
		wire.n_sent = 0;
	}
	assert_true(wire_give(frame, CB_NET_FRAME_MAX + 1)); /* refused, not read */
	wire.net.close(p.stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_checksum, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_needs_randomness, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_dhcp_asks, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_static_address, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_stream_both_ways, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_acks_are_batched, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_order_is_restored, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_window_opens_again, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_window_limit, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_ends, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_close_resets_when_bytes_wait, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_no_answer_gives_up, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_names, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_refusals, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_start_again, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_frames, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
