/* SPDX-License-Identifier: MIT */
/* IPv6 on a wire: advertisements, DHCPv6, both families in contest, hostile neighbours, VLAN. */
#include "wire.h"

#include <string.h>

#include "net/ip6filter.h"

#define PORT 8080
#define ICMP 58
#define UDP 17
#define TCP 6
#define SYN 2
#define SYN_ACK 0x12
#define RST_ACK 0x14

/* The stack's addresses follow from its hardware address 02:00:00:00:00:0a. */
static const uint8_t our_link[16] = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 0x0a };
static const uint8_t our_ip[16] = { 0xfd, [11] = 0xff, 0xfe, 0, 0, 0x0a };
static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t peer_ip[16] = { 0xfd, [15] = 1 };
static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
static const uint8_t peer_ip4[4] = { 192, 0, 2, 1 };
static const uint8_t our_ip4[4] = { 192, 0, 2, 10 };

static const struct cb_config_ipv4 static_ipv4 = {
	.address = { 192, 0, 2, 10 },
	.gateway = { 192, 0, 2, 1 },
	.prefix_len = 24,
	.n_dns = 1,
	.dns = { { 192, 0, 2, 1 } },
};

static void start(const struct cb_config_ipv4 *ipv4)
{
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = ipv4 }), CB_OK);
	wire_poll(0);
}

static struct cb_net_info info(void)
{
	struct cb_net_info got;

	cb_net_info(&got);
	return got;
}

/* ---- Frames ---- */

struct packet {
	uint8_t next, hop_limit;
	const uint8_t *from, *to;
	uint8_t payload[1460];
	size_t len;
};

/* The frame; sum_at: where the check sum goes in the payload, 0: nowhere. */
static size_t frame_of(const struct packet *p, size_t sum_at, uint8_t *f)
{
	memset(f, 0, 54);
	memcpy(f, wire_our_mac, 6);
	if (p->to[0] == 0xff) {
		f[0] = f[1] = 0x33;
		memcpy(f + 2, p->to + 12, 4);
	}
	memcpy(f + 6, wire_peer_mac, 6);
	wire_put16(f + 12, 0x86dd);
	f[14] = 0x60;
	wire_put16(f + 18, (uint32_t)p->len);
	f[20] = p->next;
	f[21] = p->hop_limit;
	memcpy(f + 22, p->from, 16);
	memcpy(f + 38, p->to, 16);
	memcpy(f + 54, p->payload, p->len);
	if (sum_at) {
		uint32_t sum = wire_sum16(f + 22, 32, p->next + (uint32_t)p->len);

		wire_put16(f + 54 + sum_at, 0);
		sum = ~wire_sum16(f + 54, p->len, sum) & 0xffff;
		wire_put16(f + 54 + sum_at, sum ? sum : 0xffff);
	}
	return 54 + p->len;
}

static void give(const struct packet *p, size_t sum_at)
{
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = frame_of(p, sum_at, f);

	assert_true(wire_give(f, len));
}

static void give_icmp(const struct packet *p)
{
	give(p, 2);
	wire_poll(0);
}

static void add(struct packet *p, const void *bytes, size_t len)
{
	memcpy(p->payload + p->len, bytes, len);
	p->len += len;
}

/* A router advertisement without options. */
static struct packet advert(uint8_t flags, uint16_t lifetime_s)
{
	struct packet p = { .next = ICMP, .hop_limit = 255, .from = router, .to = all_nodes };

	p.payload[0] = 134;
	p.payload[4] = 64;
	p.payload[5] = flags;
	wire_put16(p.payload + 6, lifetime_s);
	p.len = 16;
	add(&p, "\1\1\2\0\0\0\0\1", 8); /* the router's hardware address */
	return p;
}

static void add_prefix(struct packet *p, uint8_t first, uint32_t valid_s)
{
	uint8_t option[32] = { 3, 4, 64, 0xc0 };

	wire_put32(option + 4, valid_s);
	wire_put32(option + 8, valid_s);
	option[16] = first;
	add(p, option, sizeof(option));
}

static void add_dns(struct packet *p, uint32_t lifetime_s)
{
	uint8_t option[24] = { 25, 3 };

	wire_put32(option + 4, lifetime_s);
	memcpy(option + 8, peer_ip, 16);
	add(p, option, sizeof(option));
}

/* SLAAC with a DNS server. */
static void give_advert(void)
{
	struct packet p = advert(0, 1800);

	add_prefix(&p, 0xfd, 3600);
	add_dns(&p, 600);
	give_icmp(&p);
}

/* What the stack sent last of a protocol, ICMPv6 of a type; NULL when nothing. Len is its payload's. */
static const uint8_t *sent(uint8_t next, int type)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];

		if (wire_get16(f + 12) == 0x86dd && f[20] == next && (type < 0 || f[54] == type))
			return f;
	}
	return NULL;
}

/* Answers all neighbour solicitations for that address. */
static void answer_neighbour(const uint8_t *target)
{
	struct packet p = { .next = ICMP, .hop_limit = 255, .from = target };
	const uint8_t *ns = sent(ICMP, 135);

	if (!ns || memcmp(ns + 62, target, 16) != 0)
		return;
	p.to = ns + 22;
	p.payload[0] = 136;
	p.payload[4] = 0x60;
	memcpy(p.payload + 8, target, 16);
	p.len = 24;
	add(&p, "\2\1\2\0\0\0\0\1", 8);
	give_icmp(&p);
}

static void give_arp(void)
{
	uint8_t f[60] = { 0 };

	memcpy(f, wire_our_mac, 6);
	memcpy(f + 6, wire_peer_mac, 6);
	memcpy(f + 12, "\x08\x06\0\1\x08\0\6\4\0\2", 10);
	memcpy(f + 22, wire_peer_mac, 6);
	memcpy(f + 28, peer_ip4, 4);
	memcpy(f + 32, wire_our_mac, 6);
	memcpy(f + 38, our_ip4, 4);
	assert_true(wire_give(f, sizeof(f)));
	wire_poll(0);
}

static struct cb_stream *open_stream(const char *host)
{
	struct cb_endpoint to = { .port = PORT };
	struct cb_stream *stream = NULL;

	memcpy(to.host, host, strlen(host) + 1);
	assert_int_equal(wire.net.open(wire.net.ctx, &to, &stream), CB_OK);
	wire_poll(0);
	return stream;
}

/* A segment back to the sender of this one. */
static void answer_tcp(const uint8_t *segment, uint8_t flags)
{
	struct packet p = { .next = TCP, .hop_limit = 64, .from = peer_ip, .to = segment + 22 };

	memcpy(p.payload, segment + 56, 2);
	memcpy(p.payload + 2, segment + 54, 2);
	wire_put32(p.payload + 8, wire_get32(segment + 58) + 1);
	p.payload[12] = 0x50;
	p.payload[13] = flags;
	p.payload[14] = 0xff;
	p.len = 20;
	give(&p, 16);
	wire_poll(0);
}

static const uint8_t *sent_tcp4(void)
{
	for (unsigned i = wire.n_sent; i-- > 0;)
		if (wire_get16(wire.sent[i] + 12) == 0x0800 && wire.sent[i][23] == TCP)
			return wire.sent[i];
	return NULL;
}

static void answer_tcp4(const uint8_t *segment, uint8_t flags)
{
	uint8_t f[54];

	memcpy(f, wire_our_mac, 6);
	memcpy(f + 6, wire_peer_mac, 6);
	memcpy(f + 12, "\x08\0\x45\0\0\x28\0\0\0\0\x40\6\0\0", 14);
	memcpy(f + 26, peer_ip4, 4);
	memcpy(f + 30, our_ip4, 4);
	wire_put16(f + 24, ~wire_sum16(f + 14, 20, 0));
	memset(f + 34, 0, 20);
	memcpy(f + 34, segment + 36, 2);
	memcpy(f + 36, segment + 34, 2);
	wire_put32(f + 42, wire_get32(segment + 38) + 1);
	f[46] = 0x50;
	f[47] = flags;
	f[48] = 0xff;
	wire_put16(f + 50, ~wire_sum16(f + 34, 20, wire_sum16(f + 26, 8, TCP + 20)));
	assert_true(wire_give(f, sizeof(f)));
	wire_poll(0);
}

/* The question of a type (28: AAAA, 1: A) that went to port 53 over IPv6; NULL when there is none. */
static const uint8_t *question(unsigned type)
{
	for (unsigned i = wire.n_sent; i-- > 0;) {
		const uint8_t *f = wire.sent[i];
		size_t len = wire.sent_len[i];

		if (wire_get16(f + 12) == 0x86dd && f[20] == UDP && wire_get16(f + 56) == 53 &&
		    wire_get16(f + len - 4) == type)
			return f;
	}
	return NULL;
}

/* Answers it with an address; NULL: with none. */
static void answer_question(const uint8_t *q, const uint8_t *address)
{
	struct packet p = { .next = UDP, .hop_limit = 64, .from = peer_ip, .to = q + 22 };
	unsigned q_len = wire_get16(q + 58) - 8, type = wire_get16(q + 54 + 8 + q_len - 4);
	uint8_t record[12] = { 0xc0, 0x0c, 0, (uint8_t)type,	 0, 1, 0, 0,
			       0,    60,   0, type == 1 ? 4 : 16 };

	memcpy(p.payload, q + 56, 2);
	memcpy(p.payload + 2, q + 54, 2);
	p.len = 8;
	add(&p, q + 62, q_len);
	wire_put16(p.payload + 10, 0x8180);
	wire_put16(p.payload + 14, address ? 1 : 0);
	if (address) {
		add(&p, record, sizeof(record));
		add(&p, address, type == 1 ? 4 : 16);
	}
	wire_put16(p.payload + 4, (uint32_t)p.len);
	give(&p, 6);
	wire_poll(0);
}

/* ---- Addresses ---- */

static void test_advertised_address(void **state)
{
	const uint8_t *f;

	(void)state;
	start(NULL);
	/* Asked at once, with the hop limit that says it comes from here; and is the address free? */
	f = sent(ICMP, 133);
	assert_non_null(f);
	assert_int_equal(f[21], 255);
	assert_memory_equal(f + 22, our_link, 16);
	f = sent(ICMP, 135);
	assert_non_null(f);
	assert_memory_equal(f + 62, our_link, 16);
	assert_false(info().has_address);
	wire.n_sent = 0;
	give_advert();
	/* No time has passed. */
	assert_true(info().has_address);
	assert_true(info().has_ipv6);
	assert_false(info().has_ipv4);
	assert_memory_equal(info().address6, our_ip, 16);
	assert_memory_equal(info().gateway6, router, 16);
	assert_memory_equal(info().dns6, peer_ip, 16);
	assert_int_equal(info().prefix_len6, 64);
	f = sent(ICMP, 135);
	assert_non_null(f);
	assert_memory_equal(f + 62, our_ip, 16);
	/* Nobody is asked any more. */
	wire.n_sent = 0;
	for (unsigned i = 0; i < 200; i++)
		wire_poll(100);
	assert_null(sent(ICMP, 133));
}

static void test_no_router(void **state)
{
	unsigned n = 0;

	(void)state;
	start(&static_ipv4);
	assert_true(info().has_address); /* IPv4 waits for nothing */
	for (unsigned i = 0; i < 600; i++) {
		n += sent(ICMP, 133) != NULL;
		wire.n_sent = 0;
		wire_poll(100);
	}
	assert_in_range(n, 6, 9); /* at 0, 1, 3, 7, 15, 31, 47 seconds */
	assert_false(info().has_ipv6);
}

static void test_zero_lifetimes(void **state)
{
	static const uint8_t none[16];
	struct packet p = advert(0, 0);

	(void)state;
	start(NULL);
	add_prefix(&p, 0xfd, 0);
	add_dns(&p, 0);
	give_icmp(&p);
	assert_false(info().has_ipv6);
	wire.n_sent = 0;
	wire_poll(1000);
	assert_non_null(sent(ICMP, 133)); /* that was no router: still looking for one */
	give_advert();
	assert_true(info().has_ipv6);
	/* It says good-bye; the address stays for a while, without a way out. */
	p = advert(0, 0);
	give_icmp(&p);
	for (unsigned i = 0; i < 30; i++)
		wire_poll(100);
	assert_memory_equal(info().gateway6, none, 16);
	assert_true(info().has_ipv6);
}

static void test_address_is_taken(void **state)
{
	struct packet p = { .next = ICMP, .hop_limit = 255, .from = our_ip, .to = all_nodes };

	(void)state;
	start(NULL);
	give_advert();
	p.payload[0] = 136;
	p.payload[4] = 0x20;
	memcpy(p.payload + 8, our_ip, 16);
	p.len = 24;
	add(&p, "\2\1\2\0\0\0\0\2", 8);
	give_icmp(&p);
	assert_false(info().has_ipv6);
	give_advert();
	assert_false(info().has_ipv6); /* and is not taken again */
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
	assert_null(sent(ICMP, 133));
	/* Somebody typed it: the second for the question is kept. */
	wire_poll(999);
	assert_false(info().has_ipv6);
	wire_poll(1);
	assert_true(info().has_ipv6);
	assert_memory_equal(info().address6, ipv6.address, 16);
	assert_memory_equal(info().gateway6, ipv6.gateway, 16);
	assert_memory_equal(info().dns6, ipv6.dns[0], 16);
	assert_int_equal(info().prefix_len6, 60);
	/* Within the prefix the peer itself is asked for, beyond it the gateway. */
	wire.n_sent = 0;
	on_link = open_stream("fd00:0:0:f::1");
	assert_non_null(sent(ICMP, 135));
	assert_memory_equal(sent(ICMP, 135) + 62, near, 16);
	wire.n_sent = 0;
	beyond = open_stream("fd00:0:0:10::1");
	assert_non_null(sent(ICMP, 135));
	assert_memory_equal(sent(ICMP, 135) + 62, ipv6.gateway, 16);
	wire.net.close(on_link);
	wire.net.close(beyond);
	/* Advertisements are not for us. */
	give_advert();
	assert_memory_equal(info().address6, ipv6.address, 16);
	assert_memory_equal(info().dns6, ipv6.dns[0], 16);
}

/* A DHCPv6 answer to the message f: its transaction and client id, and these options. */
static void answer_dhcp6(const uint8_t *f, uint8_t type, const void *options, size_t len)
{
	struct packet p = { .next = UDP, .hop_limit = 64, .from = router, .to = our_link };

	wire_put16(p.payload, 547);
	wire_put16(p.payload + 2, 546);
	p.len = 8;
	add(&p, f + 62, 4 + 14);
	p.payload[8] = type;
	add(&p, "\0\2\0\1s", 5);
	add(&p, options, len);
	wire_put16(p.payload + 4, (uint32_t)p.len);
	give(&p, 6);
	wire_poll(0);
}

static void test_stateless_dhcp6(void **state)
{
	uint8_t dns[20] = { 0, 23, 0, 16, 0xfd, [19] = 5 };
	struct packet p = advert(0x40, 1800);
	const uint8_t *f;

	(void)state;
	start(NULL);
	add_prefix(&p, 0xfd, 3600);
	give_icmp(&p);
	f = sent(UDP, -1);
	assert_non_null(f);
	assert_memory_equal(f + 38, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\1\0\2", 16);
	assert_int_equal(wire_get16(f + 56), 547);
	assert_int_equal(f[62], 11);
	answer_dhcp6(f, 7, dns, sizeof(dns));
	assert_memory_equal(info().dns6, dns + 4, 16);
	assert_memory_equal(info().address6, our_ip, 16);
}

static void test_stateful_dhcp6(void **state)
{
	uint8_t options[4 + 12 + 28 + 4] = { 0,	   3,		0,	  40,	    0,
					     0,	   0,		0x0a,	  [17] = 5, [19] = 24,
					     0xfd, [35] = 0x77, [38] = 2, [42] = 2, [45] = 14 };
	struct packet p = advert(0x80, 1800);
	const uint8_t *f;

	(void)state;
	start(NULL);
	give_icmp(&p);
	f = sent(UDP, -1);
	assert_non_null(f);
	assert_int_equal(f[62], 1);
	answer_dhcp6(f, 7, options, sizeof(options));
	assert_true(info().has_ipv6);
	assert_int_equal(info().address6[15], 0x77);
	assert_int_equal(info().prefix_len6, 128);
	/* The lifetime of 512 s passes with nobody to renew it. */
	for (unsigned i = 0; i < 520; i++)
		wire_poll(1000);
	assert_false(info().has_ipv6);
}

/* ---- Connections ---- */

static void test_connection(void **state)
{
	struct cb_stream *stream;
	const uint8_t *f;

	(void)state;
	start(NULL);
	/* The family is not there yet: that is no failure while the network is young. */
	stream = open_stream("fd00::1");
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_CONNECTING);
	give_advert();
	answer_neighbour(peer_ip);
	f = sent(TCP, -1);
	assert_non_null(f);
	assert_int_equal(f[67], SYN);
	assert_memory_equal(f + 22, our_ip, 16);
	assert_int_equal(wire_get32(f + 74), 0x020405a0); /* segments of 1440 bytes */
	answer_tcp(f, SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
}

static void test_family_never_comes(void **state)
{
	enum cb_err why = CB_OK;
	struct cb_endpoint to = { .host = "fd00::1", .port = PORT };
	struct cb_stream *stream;

	(void)state;
	start(&static_ipv4);
	stream = open_stream("fd00::1");
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
	stream = open_stream(name);
	answer_neighbour(peer_ip);
	assert_non_null(question(28));
	assert_non_null(question(1));
	answer_question(question(1), peer_ip4);
	assert_null(sent_tcp4()); /* waits a moment for the other family */
	answer_question(question(28), peer_ip);
	assert_non_null(sent(TCP, -1));
	return stream;
}

static void start_both(void)
{
	start(&static_ipv4);
	give_advert();
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
	stream = open_stream("a.test");
	assert_non_null(sent_tcp4());
	assert_null(sent(TCP, -1));
	wire.net.close(stream);
}

static void test_refusing_ipv6(void **state)
{
	struct cb_stream *stream;
	enum cb_err why = CB_OK;

	(void)state;
	start_both();
	stream = open_contest("b.test");
	answer_tcp(sent(TCP, -1), RST_ACK);
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
	answer_tcp(sent(TCP, -1), SYN_ACK);
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
	stream = open_stream("four.test");
	answer_neighbour(peer_ip);
	answer_question(question(1), peer_ip4);
	answer_question(question(28), NULL);
	assert_non_null(sent_tcp4());
	wire.net.close(stream);
	/* AAAA is not answered: after a moment. */
	wire.n_sent = 0;
	stream = open_stream("slow.test");
	answer_question(question(1), peer_ip4);
	assert_null(sent_tcp4());
	wire_poll(50);
	assert_non_null(sent_tcp4());
	wire.net.close(stream);
	/* Neither. */
	wire.n_sent = 0;
	stream = open_stream("none.test");
	answer_question(question(1), NULL);
	answer_question(question(28), NULL);
	assert_int_equal(wire.net.state(stream, &why), CB_STREAM_FAILED);
	assert_int_equal(why, CB_NET_DNS);
	wire.net.close(stream);
}

static bool has_asked_over_ipv4(void)
{
	for (unsigned i = 0; i < wire.n_sent; i++)
		if (wire_get16(wire.sent[i] + 12) == 0x0800 && wire.sent[i][23] == UDP &&
		    wire_get16(wire.sent[i] + 36) == 53)
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
	stream = open_stream("silent.test");
	answer_neighbour(peer_ip);
	assert_non_null(question(28));
	for (unsigned i = 0; i < 8; i++)
		wire_poll(100);
	assert_false(has_asked_over_ipv4());
	for (unsigned i = 0; i < 13; i++)
		wire_poll(100);
	assert_true(has_asked_over_ipv4());
	wire.net.close(stream);
	/* And the next name asks them at once. */
	wire.n_sent = 0;
	stream = open_stream("next.test");
	assert_true(has_asked_over_ipv4());
	assert_null(question(28));
	wire.net.close(stream);
}

static void test_mtu(void **state)
{
	struct packet p = advert(0, 1800);
	struct cb_stream *stream;

	(void)state;
	start(NULL);
	add(&p, "\5\1\0\0\0\0\x03\xe8", 8); /* 1000: less than there can be */
	add(&p, "\5\1\0\0\0\0\x05\x78", 8); /* 1400 */
	add_prefix(&p, 0xfd, 3600);
	give_icmp(&p);
	stream = open_stream("fd00::1");
	answer_neighbour(peer_ip);
	assert_non_null(sent(TCP, -1));
	assert_int_equal(wire_get32(sent(TCP, -1) + 74), 0x02040000 + 1400 - 60);
	wire.net.close(stream);
}

/* ---- VLAN ---- */

static void test_vlan(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX], tagged[CB_NET_FRAME_MAX];
	struct packet p = advert(0, 1800);
	size_t len;

	(void)state;
	assert_int_equal(wire_start((struct cb_net_params){ .vlan_id = 0x123 }), CB_OK);
	wire_poll(0);
	assert_true(wire.n_sent >= 2);
	for (unsigned i = 0; i < wire.n_sent; i++)
		assert_memory_equal(wire.sent[i] + 12, "\x81\0\x01\x23", 4);
	add_prefix(&p, 0xfd, 3600);
	len = frame_of(&p, 2, f);
	memcpy(tagged, f, 12);
	memcpy(tagged + 16, f + 12, len - 12);
	/* Untagged, with a priority alone, of another VLAN. */
	assert_true(wire_give(f, len));
	memcpy(tagged + 12, "\x81\0\xe0\0", 4);
	assert_true(wire_give(tagged, len + 4));
	memcpy(tagged + 12, "\x81\0\x01\x24", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_false(info().has_ipv6);
	assert_int_equal(info().n_frames_in, 0);
	memcpy(tagged + 12, "\x81\0\xa1\x23", 4); /* priority 5 */
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_true(info().has_ipv6);
	for (len = 0; len < 40; len++)
		assert_true(wire_give(tagged, len));
}

static void test_priority_tag_without_vlan(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX], tagged[CB_NET_FRAME_MAX];
	struct packet p = advert(0, 1800);
	size_t len;

	(void)state;
	start(NULL);
	add_prefix(&p, 0xfd, 3600);
	len = frame_of(&p, 2, f);
	memcpy(tagged, f, 12);
	memcpy(tagged + 16, f + 12, len - 12);
	memcpy(tagged + 12, "\x81\0\0\5", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_false(info().has_ipv6);
	memcpy(tagged + 12, "\x81\0\xe0\0", 4);
	assert_true(wire_give(tagged, len + 4));
	wire_poll(0);
	assert_true(info().has_ipv6);
}

static void test_frames_of_others(void **state)
{
	uint8_t f[CB_NET_FRAME_MAX];
	struct packet p = advert(0, 1800);
	size_t len;

	(void)state;
	start(NULL);
	add_prefix(&p, 0xfd, 3600);
	len = frame_of(&p, 2, f);
	memcpy(f, "\2\0\0\0\0\x0b", 6); /* seen because everything is received */
	assert_true(wire_give(f, len));
	wire_poll(0);
	assert_false(info().has_ipv6);
	assert_int_equal(info().n_frames_dropped, 1);
}

/* ---- Hostile neighbours ---- */

static bool is_wanted(const struct packet *p, size_t sum_at)
{
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = frame_of(p, sum_at, f);

	return cb_ip6_is_wanted((struct cb_bytes){ f + 14, len - 14 });
}

/* Advertisements that break one rule of RFC 4861 §6.1.2 each. */
static void test_bad_adverts(void **state)
{
	enum { GOOD, HOPS, SOURCE, CODE, EMPTY_OPTION, LONG_OPTION, CUT, SUM, N };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct packet p = advert(0, 1800);

		add_prefix(&p, 0xfd, 3600);
		if (i == HOPS)
			p.hop_limit = 254;
		if (i == SOURCE)
			p.from = peer_ip;
		if (i == CODE)
			p.payload[1] = 1;
		if (i == EMPTY_OPTION) /* CVE-2023-45232: a loop that does not move */
			add(&p, "\x63\0\0\0\0\0\0\0", 8);
		if (i == LONG_OPTION) /* CVE-2023-45234: longer than the packet */
			add(&p, "\x19\xff\0\0\0\0\0\0", 8);
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
			struct packet p = {
				.next = ICMP, .hop_limit = 255, .from = router, .to = our_link
			};
			bool is_good = i == GOOD || (type == 136 && i == NO_OPTION) ||
				(type == 136 && i == FROM_NOBODY) ||
				(type == 135 && i == FROM_NOBODY);

			p.payload[0] = (uint8_t)type;
			memcpy(p.payload + 8, our_link, 16);
			p.len = 24;
			if (i == FROM_NOBODY)
				p.from = nobody;
			else if (i != NO_OPTION)
				add(&p, type == 135 ? "\1\1\2\0\0\0\0\1" : "\2\1\2\0\0\0\0\1", 8);
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
		{ 58, 1, 24, { 130 } }, /* a query without router alert */
		{ 58, 255, 3, { 134 } },
		{ 17, 64, 8, { 0, 53, 0, 99, 0, 8, 0, 0 } }, /* no check sum */
		{ 17, 64, 8, { 0, 99, 0, 99, 0, 8, 0, 1 } }, /* to nobody */
		{ 17, 64, 7, { 0, 53, 0, 99, 0, 8, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct packet p = { cases[i].next, cases[i].hop_limit, router, our_link, { 0 }, 0 };

		add(&p, cases[i].payload, cases[i].len);
		if (is_wanted(&p, p.next == ICMP && p.len > 3 ? 2 : 0))
			fail_msg("case %zu is let through", i);
	}
	/* The header alone, cut everywhere. */
	struct packet p = advert(0, 1800);
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = frame_of(&p, 2, f) - 14;

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
	start(NULL);
	give_advert();
	for (unsigned i = 0; i < 10000; i++) {
		struct packet ra = advert(0xc0, 1800), ns = ra;

		wire_put32(from + 12, 0x10000 + i);
		ra.from = ns.from = from;
		add_prefix(&ra, (uint8_t)(0x20 + i % 32), 3600);
		add_dns(&ra, 3600);
		give(&ra, 2);
		ns.to = our_ip;
		memset(ns.payload, 0, 8);
		ns.payload[0] = 135;
		memcpy(ns.payload + 8, our_ip, 16);
		memcpy(ns.payload + 24, "\1\1\2\0\0\0\0\2", 8);
		ns.len = 32;
		give(&ns, 2);
		wire.n_sent = 0;
		wire_poll(i % 100 == 0 ? 100 : 0);
	}
	assert_memory_equal(info().address6, our_ip, 16);
	assert_memory_equal(info().gateway6, router, 16);
	wire.n_sent = 0;
	stream = open_stream("fd00::1");
	answer_neighbour(peer_ip);
	assert_non_null(sent(TCP, -1));
	answer_tcp(sent(TCP, -1), SYN_ACK);
	assert_int_equal(wire.net.state(stream, NULL), CB_STREAM_OPEN);
	wire.net.close(stream);
}

/* CVE-2023-45236 and 45237: with a counter for a source of randomness, one sees where it goes. */
static void test_numbers_come_from_the_platform(void **state)
{
	struct packet p = advert(0x80, 1800);
	struct cb_stream *stream;
	uint32_t first;
	const uint8_t *f;

	(void)state;
	wire.counts = true;
	assert_int_equal(wire_start((struct cb_net_params){ .ipv4 = NULL }), CB_OK);
	/* DHCPv4's transaction */
	assert_int_equal(wire_get16(wire.sent[0] + 36), 67);
	assert_in_range(__builtin_bswap32(wire_get32(wire.sent[0] + 46)) ?
				wire_get32(wire.sent[0] + 46) :
				0,
			1, wire.count);
	add_prefix(&p, 0xfd, 3600);
	add_dns(&p, 600);
	first = wire.count;
	wire_poll(0);
	give_icmp(&p);
	f = sent(UDP, -1);
	assert_non_null(f);
	assert_in_range(wire_get32(f + 62) & 0xffffff, first + 1, wire.count);
	/* DNS: id and source port */
	first = wire.count;
	stream = open_stream("d.test");
	answer_neighbour(peer_ip);
	f = question(28);
	assert_non_null(f);
	assert_in_range(wire_get16(f + 62), first + 1, wire.count);
	assert_in_range(wire_get16(f + 54) & 0x3fff, first + 1, wire.count);
	/* TCP: sequence number and source port */
	first = wire.count;
	answer_question(f, peer_ip);
	f = sent(TCP, -1);
	assert_non_null(f);
	assert_in_range(wire_get32(f + 58), first + 1, wire.count);
	assert_in_range(wire_get16(f + 54) & 0x3fff, first + 1, wire.count);
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
