/* SPDX-License-Identifier: MIT */
/* Fuzzes the TCP/IP stack as configured for the loader, by frames from a hostile wire. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/*
 * Input: a byte (bit 0: DHCP instead of a static address; bit 1: a static IPv6 address; bit 2: a
 * VLAN), then records of kind, length (le16) and bytes. Ports, ids and checksums are put right in
 * most kinds, so that the bytes get far.
 */
enum kind {
	RAW,
	TCP,
	TCP_IN_WINDOW,
	DNS,
	DHCP,
	CLOCK,
	DRAIN,
	SEND,
	ICMP6,
	TCP6,
	DNS6,
	DHCP6,
	IP6,
	N_KINDS
};

#define MAX_LEN 1400u
#define STREAMS 3
#define VLAN 42

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
/* Of lwIP's configuration. */
uint16_t cb_net_checksum(const void *data, int len);

static const uint8_t our_ip[4] = { 192, 0, 2, 10 };
static const uint8_t peer_ip[4] = { 192, 0, 2, 1 };
static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 10 };
static const uint8_t our_link[16] = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 10 };
static const uint8_t our_ip6[16] = { 0xfd, [11] = 0xff, 0xfe, 0, 0, 10 };
static const uint8_t router[16] = { 0xfe, 0x80, [15] = 1 };
static const uint8_t peer_ip6[16] = { 0xfd, [15] = 1 };
static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };

static struct {
	struct cb_platform platform;
	struct cb_net net;
	struct cb_stream *streams[STREAMS];
	uint64_t now_ms;
	uint32_t random;
	/* Seen on the wire */
	uint8_t tcp_port[2], tcp_next[4], dns_port[2], dns_id[2], dhcp_xid[4];
	uint8_t tcp6_port[2], tcp6_next[4], dhcp6_transaction[3];
	uint32_t seq; /* of the peer */
	bool has_vlan;
} w;

static void *fuzz_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void fuzz_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return w.now_ms;
}

static enum cb_err random_bytes(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	for (size_t i = 0; i < len; i++) {
		w.random = w.random * 1103515245u + 12345u;
		buf[i] = (uint8_t)(w.random >> 16);
	}
	return CB_OK;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Notes the numbers that an answer has to carry. */
static bool transmit(void *link, const uint8_t *f, size_t len)
{
	(void)link;
	if (w.has_vlan && len > 18) {
		/* f + 4 has type and all that follows at its usual place */
		f += 4;
		len -= 4;
	}
	if (len >= 74 && f[12] == 0x86 && f[13] == 0xdd && f[20] == 6) {
		memcpy(w.tcp6_port, f + 54, 2);
		put32(w.tcp6_next, get32(f + 58) + ((f[67] & 2) ? 1 : 0));
	} else if (len >= 74 && f[12] == 0x86 && f[20] == 17 && f[57] == 53) {
		memcpy(w.dns_port, f + 54, 2);
		memcpy(w.dns_id, f + 62, 2);
	} else if (len >= 74 && f[12] == 0x86 && f[20] == 17) {
		memcpy(w.dhcp6_transaction, f + 63, 3);
	}
	if (len < 54 || f[12] != 8 || f[13] != 0)
		return true;
	if (f[23] == 6) {
		memcpy(w.tcp_port, f + 34, 2);
		put32(w.tcp_next, get32(f + 38) + ((f[47] & 2) ? 1 : 0));
	} else if (f[23] == 17 && f[37] == 53) {
		memcpy(w.dns_port, f + 34, 2);
		memcpy(w.dns_id, f + 42, 2);
	} else if (f[23] == 17 && f[37] == 67) {
		memcpy(w.dhcp_xid, f + 46, 4);
	}
	return true;
}

/* The checksum with another sum added, as the bytes go into a header. */
static void put_checksum(uint8_t *at, const uint8_t *p, size_t len, uint32_t more)
{
	uint32_t sum = cb_net_checksum(p, (int)len);

	sum = ((sum & 0xff) << 8 | sum >> 8) + more;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(at, ~sum);
}

/* To us, unless it is multicast, and with the VLAN's tag where there is one. */
static void give(const uint8_t *bytes, size_t len)
{
	static const uint8_t tag[4] = { 0x81, 0, 0, VLAN };
	uint8_t *frame = cb_net_frame();

	if (!frame)
		return;
	if (len)
		memcpy(frame, bytes, len);
	if (len >= 14 && frame[0] != 0x33)
		memcpy(frame, our_mac, 6);
	if (len >= 14 && w.has_vlan) {
		memmove(frame + 16, frame + 12, len - 12);
		memcpy(frame + 12, tag, sizeof(tag));
		len += 4;
	}
	cb_net_input(frame, len);
}

/* Ethernet and IPv6 headers around len bytes at f + 54. */
static void give_ip6(uint8_t *f, const uint8_t *from, const uint8_t *to, unsigned next, size_t len)
{
	size_t sum_at = next == 58 ? 2 : next == 17 ? 6 : 16;
	uint8_t pseudo[40] = { [39] = (uint8_t)next };

	memset(f, 0, 54);
	if (to[0] == 0xff)
		f[0] = f[1] = 0x33;
	f[12] = 0x86;
	f[13] = 0xdd;
	f[14] = 0x60;
	put16(f + 18, (uint32_t)len);
	f[20] = (uint8_t)next;
	f[21] = 255;
	memcpy(f + 22, from, 16);
	memcpy(f + 38, to, 16);
	memcpy(pseudo, f + 22, 32);
	put16(pseudo + 34, (uint32_t)len);
	if (len >= sum_at + 2) {
		uint32_t sum = cb_net_checksum(pseudo, sizeof(pseudo));

		put16(f + 54 + sum_at, 0);
		put_checksum(f + 54 + sum_at, f + 54, len, (sum & 0xff) << 8 | sum >> 8);
	}
	give(f, 54 + len);
}

/* From the router to all when it is an advertisement, else from the peer to us. */
static void give_icmp6(struct cb_bytes bytes)
{
	uint8_t f[CB_NET_FRAME_MAX];

	if (bytes.len == 0)
		return;
	memcpy(f + 54, bytes.p, bytes.len);
	give_ip6(f, router, bytes.p[0] == 134 ? all_nodes : our_link, 58, bytes.len);
}

static void give_udp6(struct cb_bytes bytes, bool is_dns)
{
	static const uint8_t client[14] = { 0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 10 };
	uint8_t f[CB_NET_FRAME_MAX];
	size_t len = 8 + bytes.len;

	if (bytes.len < 4)
		return;
	put16(f + 54, is_dns ? 53 : 547);
	put16(f + 56, 546);
	memcpy(f + 62, bytes.p, bytes.len);
	if (is_dns) {
		memcpy(f + 56, w.dns_port, 2);
		memcpy(f + 62, w.dns_id, 2);
	} else {
		memcpy(f + 63, w.dhcp6_transaction, 3);
		memcpy(f + 66, client, sizeof(client));
		memcpy(f + 80, bytes.p + 4, bytes.len - 4);
		len += sizeof(client);
	}
	put16(f + 58, (uint32_t)len);
	give_ip6(f, is_dns ? peer_ip6 : router, is_dns ? our_ip6 : our_link, 17, len);
}

/* bytes: the header from its length byte on. */
static void give_tcp6(struct cb_bytes bytes)
{
	uint8_t f[CB_NET_FRAME_MAX];

	if (bytes.len < 8)
		return;
	put16(f + 54, 80);
	memcpy(f + 56, w.tcp6_port, 2);
	put32(f + 58, w.seq);
	memcpy(f + 62, w.tcp6_next, 4);
	memcpy(f + 66, bytes.p, bytes.len);
	give_ip6(f, peer_ip6, our_ip6, 6, 12 + bytes.len);
}

/* bytes: the next header, then what comes behind the IPv6 header. */
static void give_any6(struct cb_bytes bytes)
{
	uint8_t f[CB_NET_FRAME_MAX];

	if (bytes.len < 2)
		return;
	memcpy(f + 54, bytes.p + 1, bytes.len - 1);
	give_ip6(f, router, our_link, bytes.p[0], bytes.len - 1);
}

/* Ethernet and IPv4 headers around len bytes at f + 34; checksum of the payload at sum_at. */
static void give_ip(uint8_t *f, uint8_t protocol, size_t len, size_t sum_at)
{
	static const uint8_t ethernet[14] = { 2, 0, 0, 0, 0, 10, 2, 0, 0, 0, 0, 1, 8, 0 };

	memcpy(f, ethernet, sizeof(ethernet));
	memset(f + 14, 0, 20);
	f[14] = 0x45;
	put16(f + 16, (uint32_t)(20 + len));
	f[22] = 64;
	f[23] = protocol;
	memcpy(f + 26, peer_ip, 4);
	memcpy(f + 30, our_ip, 4);
	put_checksum(f + 24, f + 14, 20, 0);
	if (len >= 8 && sum_at + 2 <= 34 + len) {
		/* 192.0.2.1 and 192.0.2.10 of the pseudo header */
		uint32_t more = 2 * 0xc000u + 0x0201 + 0x020a + protocol + (uint32_t)len;

		put16(f + sum_at, 0);
		put_checksum(f + sum_at, f + 34, len, more);
	}
	give(f, 34 + len);
}

/* bytes: seq (4, relative), ack unused (4), then the header from its length byte on. */
static void give_tcp(struct cb_bytes bytes, bool is_in_window)
{
	uint8_t f[CB_NET_FRAME_MAX] = { 0 };

	if (bytes.len < 16)
		return;
	put16(f + 34, 80);
	memcpy(f + 36, w.tcp_port, 2);
	memcpy(f + 38, bytes.p, bytes.len);
	if (is_in_window) {
		put32(f + 38, w.seq + (bytes.p[0] & 3u) * 700);
		memcpy(f + 42, w.tcp_next, 4);
		if (bytes.p[0] & 4)
			w.seq += (uint32_t)bytes.len - 16 + (bytes.p[9] & 2 ? 1 : 0);
	}
	give_ip(f, 6, 4 + bytes.len, 50);
}

static void give_udp(struct cb_bytes bytes, bool is_dns)
{
	uint8_t f[CB_NET_FRAME_MAX] = { 0 };

	put16(f + 34, is_dns ? 53 : 67);
	put16(f + 36, 68);
	put16(f + 38, (uint32_t)(8 + bytes.len));
	if (bytes.len)
		memcpy(f + 42, bytes.p, bytes.len);
	if (is_dns) {
		memcpy(f + 36, w.dns_port, 2);
		memcpy(f + 42, w.dns_id, 2);
	} else if (bytes.len >= 240) {
		static const uint8_t cookie[4] = { 0x63, 0x82, 0x53, 0x63 };
		static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 10 };

		memcpy(f + 42, "\2\1\6", 3);
		memcpy(f + 46, w.dhcp_xid, 4);
		memcpy(f + 42 + 28, mac, 6);
		memcpy(f + 42 + 236, cookie, 4);
	}
	give_ip(f, 17, 8 + bytes.len, 40);
}

static void open_streams(void)
{
	static const char *const hosts[STREAMS] = { "192.0.2.1", "mirror.test", "fd00::1" };

	for (unsigned i = 0; i < STREAMS; i++) {
		struct cb_endpoint to = { .port = 80 };

		memcpy(to.host, hosts[i], strlen(hosts[i]) + 1);
		if (!w.streams[i] && w.net.open(w.net.ctx, &to, &w.streams[i]) != CB_OK)
			w.streams[i] = NULL;
	}
}

static void drain(void)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		struct cb_bytes bytes;

		if (!w.streams[i])
			continue;
		while ((bytes = w.net.peek(w.streams[i])).len)
			w.net.consume(w.streams[i], bytes.len > 100 ? bytes.len - 50 : bytes.len);
		if (w.net.state(w.streams[i], NULL) == CB_STREAM_FAILED) {
			w.net.close(w.streams[i]);
			w.streams[i] = NULL;
		}
	}
	open_streams();
}

static void play(enum kind kind, struct cb_bytes bytes)
{
	uint64_t wake_ms;

	switch (kind) {
	case RAW:
		give(bytes.p, bytes.len);
		break;
	case TCP:
	case TCP_IN_WINDOW:
		give_tcp(bytes, kind == TCP_IN_WINDOW);
		break;
	case DNS:
	case DHCP:
		give_udp(bytes, kind == DNS);
		break;
	case ICMP6:
		give_icmp6(bytes);
		break;
	case TCP6:
		give_tcp6(bytes);
		break;
	case DNS6:
	case DHCP6:
		give_udp6(bytes, kind == DNS6);
		break;
	case IP6:
		give_any6(bytes);
		break;
	case CLOCK:
		w.now_ms += bytes.len * 50;
		break;
	case DRAIN:
		drain();
		break;
	case SEND:
		for (unsigned i = 0; i < STREAMS; i++)
			if (w.streams[i])
				(void)w.net.send(w.streams[i], bytes.p, bytes.len);
		break;
	default:
		break;
	}
	cb_net_poll(&wake_ms);
}

/* The peer's hardware address, so that what is sent does not wait for ARP. */
static void teach_arp(void)
{
	static const uint8_t arp[42] = {
		2, 0, 0, 0, 0, 10, 2, 0,   0, 0, 0, 1, 8, 6, 0, 1, 8,  0,   6, 4, 0,
		2, 2, 0, 0, 0, 0,  1, 192, 0, 2, 1, 2, 0, 0, 0, 0, 10, 192, 0, 2, 10,
	};

	give(arp, sizeof(arp));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct cb_config_ipv4 ipv4 = {
		.address = { 192, 0, 2, 10 },
		.gateway = { 192, 0, 2, 1 },
		.prefix_len = 24,
		.n_dns = 1,
		.dns = { { 192, 0, 2, 1 } },
	};
	static const struct cb_config_ipv6 ipv6 = {
		.address = { 0xfd, [11] = 0xff, 0xfe, 0, 0, 10 },
		.gateway = { 0xfe, 0x80, [15] = 1 },
		.prefix_len = 60,
		.n_dns = 1,
		.dns = { { 0xfd, [15] = 1 } },
	};
	struct cb_reader r = cb_reader_of((struct cb_bytes){ data, len });
	uint8_t flags = cb_read_u8(&r);
	struct cb_net_params params = {
		.platform = &w.platform,
		.mac = { 2, 0, 0, 0, 0, 10 },
		.mtu = 1500,
		.ipv4 = flags & 1 ? NULL : &ipv4,
		.ipv6 = flags & 2 ? &ipv6 : NULL,
		.vlan_id = flags & 4 ? VLAN : 0,
		.transmit = transmit,
	};

	memset(&w, 0, sizeof(w));
	w.platform.mem = (struct cb_mem){ .alloc = fuzz_alloc, .free = fuzz_free };
	w.platform.now_ms = now_ms;
	w.platform.random = random_bytes;
	w.now_ms = 1000;
	w.seq = 5000;
	w.has_vlan = (flags & 4) != 0;
	cb_net_streams(&w.net);
	if (cb_net_start(&params) != CB_OK)
		return 0;
	teach_arp();
	open_streams();
	for (unsigned i = 0; i < 64 && r.rest.len; i++) {
		enum kind kind = (enum kind)(cb_read_u8(&r) % N_KINDS);
		size_t n = cb_read_le16(&r) % MAX_LEN;

		play(kind, cb_read_bytes(&r, n < r.rest.len ? n : r.rest.len));
		if (strlen(cb_net_near()) > CB_NET_NEAR_MAX)
			abort();
	}
	cb_net_stop();
	for (unsigned i = 0; i < STREAMS; i++)
		if (w.streams[i])
			w.net.close(w.streams[i]);
	return 0;
}
