/* SPDX-License-Identifier: MIT */
/* IPv6 of the local network: the router's advertisements, its neighbours, its DHCPv6 server. */
#include <string.h>

#include "sim_frames.h"

#define LIFETIME_S 1800
#define LEASE_S 7200
#define MANAGED 0x80
#define ON_LINK 0x80
#define FOR_ADDRESSES 0x40

const uint8_t sim_router_link[16] = { 0xfe, 0x80, [15] = 1 };
const uint8_t sim_router_ip6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1 };

static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1 };
static const uint8_t leased[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x50 };

static void send_icmp(struct sim_frames *net, const struct packet6 *p)
{
	uint8_t f[SIM_FRAME_MAX];

	sim_line_send(net, SIM_DOWN, f, packet6_frame(p, 2, f));
}

static void advertise(struct sim_frames *net)
{
	struct packet6 p =
		packet6_advert(sim_router_link, net->link.has_dhcp6 ? MANAGED : 0, LIFETIME_S);

	packet6_add_prefix(&p, prefix, net->link.has_dhcp6 ? ON_LINK : ON_LINK | FOR_ADDRESSES,
			   LEASE_S);
	if (!net->link.has_dhcp6)
		packet6_add_dns(&p, sim_router_ip6, LIFETIME_S);
	send_icmp(net, &p);
}

/* Who asks from no address looks for a duplicate: the router is none. */
static void answer_neighbour(struct sim_frames *net, const struct sim_packet *packet)
{
	static const uint8_t nobody[16];
	const uint8_t *target = packet->l4 + 8;
	struct packet6 p;

	if (packet->len < 24 || memcmp(packet->from, nobody, 16) == 0 ||
	    (memcmp(target, sim_router_link, 16) != 0 && memcmp(target, sim_router_ip6, 16) != 0))
		return;
	p = packet6_neighbour(target, packet->from, 0xe0, packet_peer_mac);
	send_icmp(net, &p);
}

/* ---- DHCPv6 (RFC 8415) ---- */

static void add_address(struct packet_data *d, const uint8_t *iaid)
{
	packet_add16(d, 3);
	packet_add16(d, 12 + 28);
	packet_add(d, iaid, 4);
	packet_add32(d, 0);
	packet_add32(d, 0);
	packet_add16(d, 5);
	packet_add16(d, 24);
	packet_add(d, leased, sizeof(leased));
	packet_add32(d, LEASE_S);
	packet_add32(d, LEASE_S);
}

/* Four messages to an address: SOLICIT is answered by ADVERTISE, all else by REPLY. */
static void answer_dhcp6(struct sim_frames *net, const struct sim_packet *packet)
{
	struct cb_bytes message = { packet->l4 + 8, packet->len - 8 };
	struct cb_bytes client = packet_dhcp6_find(message, 1), ia = packet_dhcp6_find(message, 3);
	struct cb_bytes server = packet_dhcp6_find(message, 2);
	struct packet_data d;
	uint8_t f[SIM_FRAME_MAX];

	if (!net->link.has_dhcp6 || message.len < 4 || !client.p ||
	    (server.p && !cb_bytes_is(server, "router"))) /* asks another server */
		return;
	packet_dhcp6(&d, message.p[0] == 1 ? 2 : 7, packet_get32(message.p) & 0xffffff);
	packet_dhcp6_option(&d, 1, client.p, client.len);
	packet_dhcp6_option(&d, 2, "router", 6);
	if (ia.len >= 4)
		add_address(&d, ia.p);
	packet_dhcp6_option(&d, 23, sim_router_ip6, 16);
	memcpy(f + SIM_L4_AT + 8, d.bytes, d.len);
	sim_answer_udp(net, f, packet, sim_router_link, d.len);
}

void sim_lan6_input(struct sim_frames *net, const struct sim_packet *packet)
{
	if (packet->protocol == PACKET_ICMP6 && packet->len >= 8 && packet->l4[0] == 133)
		advertise(net);
	else if (packet->protocol == PACKET_ICMP6 && packet->len >= 8 && packet->l4[0] == 135)
		answer_neighbour(net, packet);
	else if (packet->protocol == PACKET_UDP && packet->len >= 8 &&
		 packet_get16(packet->l4 + 2) == 547)
		answer_dhcp6(net, packet);
}
