/* SPDX-License-Identifier: MIT */
/* What others must not guess, over 10,000 connections and questions: sequence numbers, ports, ids. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 10000u
#define N_BUCKETS 64u
#define TCP_PORT_MIN 49152u /* RFC 6335 §6 */
#define DNS_PORT_MIN 1024u
#define PORT_MAX 65535u
/* Half a per cent is one standard deviation of a fair bit's share in 10,000. */
#define ONES_MIN (N * 47 / 100)
#define ONES_MAX (N * 53 / 100)

/* What one machine has sent, in order. */
struct machine {
	uint32_t isn[N], port[N]; /* of connections */
	uint32_t id[N], dns_port[N]; /* of questions */
};

static struct machine one, same, other;

/* ---- What goes over the wire ---- */

static const uint8_t our_ip[4] = { 192, 0, 2, 10 };
static const uint8_t peer_ip[4] = { 192, 0, 2, 1 };
static void answer_arp(void)
{
	uint8_t f[PACKET_ARP_LEN];

	for (unsigned i = 0; i < wire.n_sent; i++) {
		if (packet_get16(wire.sent[i] + 12) != 0x0806)
			continue;
		(void)packet_arp(f, 2, packet_peer_mac, wire.sent[i] + 38, our_ip);
		assert_true(wire_give(f, sizeof(f)));
	}
}

/* Its frames are in wire.sent. */
static struct cb_stream *open_stream(const char *host)
{
	struct cb_endpoint to = { .port = 8080 };
	struct cb_stream *stream = NULL;

	wire.n_sent = 0;
	memcpy(to.host, host, strlen(host) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	wire_poll(0);
	answer_arp();
	wire_poll(0);
	return stream;
}

/* The next IPv4 packet of that protocol and destination port, from *at on; NULL: none. */
static const uint8_t *next_sent(unsigned *at, unsigned protocol, unsigned port)
{
	for (; *at < wire.n_sent; ++*at) {
		const uint8_t *f = wire.sent[*at];

		if (packet_get16(f + 12) == 0x0800 && f[23] == protocol &&
		    packet_get16(f + 36) == port)
			return wire.sent[(*at)++];
	}
	return NULL;
}

static void connect_once(uint32_t *ret_isn, uint32_t *ret_port)
{
	struct cb_stream *stream = open_stream("192.0.2.1");
	unsigned at = 0;
	const uint8_t *syn = next_sent(&at, PACKET_TCP, 8080);

	assert_non_null(syn);
	*ret_port = packet_get16(syn + 34);
	*ret_isn = packet_get32(syn + 38);
	wire.net.close(stream);
}

/* There is no such name: the question with other flags. */
static void deny(const uint8_t *question)
{
	size_t len = packet_get16(question + 38);
	uint8_t f[CB_NET_FRAME_MAX] = { 0 };

	memcpy(f + 34, question + 34, len);
	packet_put16(f + 34, 53);
	packet_put16(f + 36, packet_get16(question + 34));
	packet_put16(f + 44, 0x8183);
	assert_true(wire_give(f, packet4_wrap(f, PACKET_UDP, peer_ip, our_ip, len, 6)));
}

/* Questions for a name, up to max; returns how many. */
static unsigned ask_once(unsigned name, uint32_t *ret_ids, uint32_t *ret_ports, unsigned max)
{
	static uint8_t questions[8][CB_NET_FRAME_MAX];
	char host[32];
	unsigned at = 0, n = 0;
	const uint8_t *f;

	snprintf(host, sizeof(host), "n%u.test", name);
	struct cb_stream *stream = open_stream(host);
	while ((f = next_sent(&at, PACKET_UDP, 53)) && n < 8)
		memcpy(questions[n++], f, CB_NET_FRAME_MAX);
	assert_true(n >= 1);
	for (unsigned i = 0; i < n; i++) {
		deny(questions[i]);
		if (i < max) {
			ret_ports[i] = packet_get16(questions[i] + 34);
			ret_ids[i] = packet_get16(questions[i] + 42);
		}
	}
	wire_poll(0);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_FAILED);
	wire.net.close(stream);
	return n < max ? n : max;
}

static void run(struct machine *m, uint64_t seed)
{
	wire.rng.state = seed;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = &wire_ipv4 }), CB_OK);
	wire_poll(3000); /* after that nobody waits for a router of IPv6 */
	for (unsigned i = 0; i < N; i++)
		connect_once(&m->isn[i], &m->port[i]);
	for (unsigned i = 0, name = 0; i < N; name++)
		i += ask_once(name, &m->id[i], &m->dns_port[i], N - i);
	cb_net_stop();
}

/* ---- What chance does ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned n_repeated(const uint32_t *values, unsigned n)
{
	static uint32_t sorted[N];
	unsigned n_same = 0;

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (unsigned i = 1; i < n; i++)
		n_same += sorted[i] == sorted[i - 1];
	return n_same;
}

/* exp(-x) for x in 0..1; the tests link no mathematics. */
static double exp_minus(double x)
{
	double sum = 1, term = 1;

	for (unsigned i = 1; i < 30; i++) {
		term *= -x / i;
		sum += term;
	}
	return sum;
}

/*
 * Of n draws from that many values about n - v (1 - exp(-n/v)) hit one that was there before, with a
 * variance below n: five standard deviations above, and five more, is the limit.
 */
static void assert_repeats_by_chance(const char *what, const uint32_t *values, unsigned n, double v)
{
	unsigned n_same = n_repeated(values, n);
	double expected = n - v * (1 - exp_minus(n / v));
	double off = n_same - expected;

	print_message("%s: %u of %u were there before, %.1f by chance\n", what, n_same, n,
		      expected);
	assert_true(off <= 5 || off * off <= 25 * expected);
	assert_true(-off <= 5 || off * off <= 25 * expected);
}

/* Neither a value nor the step from one to the next comes back more often than chance has it. */
static void assert_no_pattern(const char *what, const uint32_t *values, uint32_t mask)
{
	static uint32_t steps[N];
	double v = (double)mask + 1;

	assert_repeats_by_chance(what, values, N, v);
	for (unsigned i = 0; i + 1 < N; i++)
		steps[i] = (values[i + 1] - values[i]) & mask;
	assert_repeats_by_chance("  steps", steps, N - 1, v);
}

static void assert_fair_bits(const char *what, const uint32_t *values, unsigned n_bits)
{
	unsigned lowest = N, highest = 0;

	for (unsigned bit = 0; bit < n_bits; bit++) {
		unsigned ones = 0;

		for (unsigned i = 0; i < N; i++)
			ones += values[i] >> bit & 1;
		lowest = ones < lowest ? ones : lowest;
		highest = ones > highest ? ones : highest;
	}
	print_message("%s: each bit is one in %.2f to %.2f %%\n", what, lowest * 100.0 / N,
		      highest * 100.0 / N);
	assert_in_range(lowest, ONES_MIN, N);
	assert_in_range(highest, 0, ONES_MAX);
}

/* Over the whole range: no part of it has five standard deviations too many or too few. */
static void assert_spread(const char *what, const uint32_t *ports, uint32_t min, uint32_t max)
{
	unsigned n_in[N_BUCKETS] = { 0 };
	uint32_t lowest = max, highest = min, width = (max - min + N_BUCKETS) / N_BUCKETS;

	for (unsigned i = 0; i < N; i++) {
		assert_in_range(ports[i], min, max);
		lowest = ports[i] < lowest ? ports[i] : lowest;
		highest = ports[i] > highest ? ports[i] : highest;
		n_in[(ports[i] - min) / width]++;
	}
	print_message("%s: %u to %u\n", what, lowest, highest);
	for (unsigned i = 0; i < N_BUCKETS; i++) {
		uint32_t first = min + i * width, end = first + width;
		double want = (double)N * ((end > max ? max + 1 : end) - first) / (max - min + 1);
		double off = n_in[i] - want;

		assert_true(off * off <= 25 * want);
	}
}

/* ---- Tests ---- */

static void sequence_numbers(void **state)
{
	(void)state;
	assert_fair_bits("initial sequence numbers", one.isn, 32);
	assert_no_pattern("initial sequence numbers", one.isn, UINT32_MAX);
}

static void source_ports(void **state)
{
	(void)state;
	assert_spread("source ports of TCP", one.port, TCP_PORT_MIN, PORT_MAX);
	assert_no_pattern("source ports of TCP", one.port, PORT_MAX - TCP_PORT_MIN);
}

static void dns_ids(void **state)
{
	(void)state;
	assert_fair_bits("ids of DNS", one.id, 16);
	assert_no_pattern("ids of DNS", one.id, UINT16_MAX);
}

static void dns_source_ports(void **state)
{
	(void)state;
	assert_spread("source ports of DNS", one.dns_port, DNS_PORT_MIN, PORT_MAX);
	assert_no_pattern("source ports of DNS", one.dns_port, UINT16_MAX);
}

static unsigned n_equal(const uint32_t *a, const uint32_t *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		n += a[i] == b[i];
	return n;
}

/* Another seed, nothing in common; the same seed, all: no other source decides anything. */
static void machines_differ(void **state)
{
	(void)state;
	assert_memory_equal(&one, &same, sizeof(one));
	/* By chance 0, 0.6, 0.15 and 0.16 are equal. */
	assert_int_equal(n_equal(one.isn, other.isn), 0);
	assert_in_range(n_equal(one.port, other.port), 0, 7);
	assert_in_range(n_equal(one.id, other.id), 0, 5);
	assert_in_range(n_equal(one.dns_port, other.dns_port), 0, 5);
}

static int setup(void **state)
{
	(void)wire_setup(state);
	/* The first start in a process draws numbers that later ones don't. */
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = &wire_ipv4 }), CB_OK);
	cb_net_stop();
	run(&one, 1);
	run(&same, 1);
	run(&other, 2);
	return wire_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_numbers), cmocka_unit_test(source_ports),
		cmocka_unit_test(dns_ids),	    cmocka_unit_test(dns_source_ports),
		cmocka_unit_test(machines_differ),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
