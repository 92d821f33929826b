/* SPDX-License-Identifier: MIT */
/* The far side of the line: a router that answers ARP and DHCP, and the servers behind it. */
#include <string.h>

#include "net/net.h"
#include "sim_frames.h"

#define LEASE_S 86400
#define FIRST_SERVER 10 /* 198.51.100.10 and 2001:db8:c::10 are the first server */

const uint8_t sim_router_ip[4] = { 192, 0, 2, 1 };

static const uint8_t client_ip[4] = { 192, 0, 2, 50 };
static const uint8_t server_net[3] = { 198, 51, 100 };
static const uint8_t server_net6[15] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0x0c };

void sim_answer_udp(struct sim_frames *net, uint8_t *buffer, const struct sim_packet *to,
		    const uint8_t *from, size_t len)
{
	struct sim_packet head = { .is_ipv6 = to->is_ipv6, .protocol = PACKET_UDP };
	uint8_t *udp = buffer + SIM_L4_AT;

	memcpy(head.from, from, to->is_ipv6 ? 16 : 4);
	memcpy(head.to, to->from, sizeof(head.to));
	memcpy(udp, to->l4 + 2, 2);
	memcpy(udp + 2, to->l4, 2);
	packet_put16(udp + 4, (uint32_t)(8 + len));
	sim_packet_send(net, buffer, &head, 8 + len, 6);
}

/* ---- ARP (RFC 826) ---- */

static void answer_arp(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	uint8_t f[PACKET_ARP_LEN];

	if (len < 42 || packet_get16(frame + 20) != 1 || memcmp(frame + 38, sim_router_ip, 4) != 0)
		return;
	sim_line_send(net, SIM_DOWN, f,
		      packet_arp(f, 2, packet_peer_mac, sim_router_ip, frame + 28));
}

/* ---- DHCP (RFC 2131) ---- */

/* The value of an option; NULL when it is not there. */
static const uint8_t *find_option(const uint8_t *message, size_t len, unsigned code)
{
	size_t at = PACKET_DHCP_OPTIONS;

	while (at + 2 < len && message[at] != 255) {
		if (message[at] == code)
			return message + at + 2;
		at += message[at] == 0 ? 1 : 2u + message[at + 1];
	}
	return NULL;
}

static void answer_dhcp(struct sim_frames *net, const struct sim_packet *packet)
{
	const uint8_t *message = packet->l4 + 8;
	const uint8_t *type = find_option(message, packet->len - 8, 53);
	const uint8_t *server = find_option(message, packet->len - 8, 54);
	struct packet_data d = { .len = 0 };
	struct sim_packet to = *packet;
	uint8_t f[SIM_FRAME_MAX], lease[4];

	if (net->link.has_no_dhcp || !type || (*type != 1 && *type != 3) ||
	    (server && memcmp(server, sim_router_ip, 4) != 0)) /* asks another server */
		return;
	packet_dhcp(&d, message, *type == 1 ? PACKET_DHCP_OFFER : PACKET_DHCP_ACK, sim_router_ip,
		    client_ip);
	packet_put32(lease, LEASE_S);
	packet_dhcp_option(&d, 51, lease, 4);
	packet_dhcp_option(&d, 1, "\377\377\377\0", 4);
	packet_dhcp_option(&d, 3, sim_router_ip, 4);
	packet_dhcp_option(&d, 6, sim_router_ip, 4);
	if (net->link.near)
		packet_dhcp_option(&d, CB_NET_DHCP_NEAR, net->link.near, strlen(net->link.near));
	packet_add(&d, "\377", 1);
	memset(to.from, 255, 4);
	memcpy(f + SIM_L4_AT + 8, d.bytes, d.len);
	sim_answer_udp(net, f, &to, sim_router_ip, d.len);
}

/* ---- Who it is for ---- */

void sim_server_address(unsigned i, bool is_ipv6, uint8_t out[16])
{
	memset(out, 0, 16);
	memcpy(out, is_ipv6 ? server_net6 : server_net, is_ipv6 ? 15 : 3);
	out[is_ipv6 ? 15 : 3] = (uint8_t)(FIRST_SERVER + i);
}

static struct sim_server *server_at(const struct sim_frames *net, const struct sim_packet *packet)
{
	const struct sim *sim = net->sim;
	unsigned port = packet_get16(packet->l4 + 2);

	for (unsigned i = 0; i < sim->n_servers; i++) {
		uint8_t address[16];

		sim_server_address(i, packet->is_ipv6, address);
		if (memcmp(address, packet->to, sizeof(address)) != 0)
			continue;
		/* Several ports of a host share the address of the first. */
		for (unsigned k = i; k < sim->n_servers; k++)
			if (sim->servers[k]->port == port &&
			    strcmp(sim->servers[k]->host, sim->servers[i]->host) == 0)
				return sim->servers[k];
	}
	return NULL;
}

/* Would a switch bring it to the router? */
static bool is_seen(const uint8_t *frame, size_t len)
{
	return len >= SIM_ETHERNET_LEN &&
		((frame[0] & 1) || memcmp(frame, packet_peer_mac, 6) == 0);
}

void sim_lan_input(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	struct sim_packet packet;
	unsigned to_port;

	if (!is_seen(frame, len))
		return;
	if (packet_get16(frame + 12) == 0x0806)
		answer_arp(net, frame, len);
	if (!sim_parse(frame, len, &packet) || (packet.is_ipv6 && !net->link.has_ipv6))
		return;
	to_port = packet.len >= 8 ? packet_get16(packet.l4 + 2) : 0;
	if (packet.protocol == PACKET_TCP && packet.len >= 20)
		sim_tcp_input(net, server_at(net, &packet), &packet);
	else if (packet.protocol == PACKET_UDP && to_port == 53)
		sim_dns_input(net, &packet);
	else if (packet.is_ipv6)
		sim_lan6_input(net, &packet);
	else if (packet.protocol == PACKET_UDP && to_port == 67)
		answer_dhcp(net, &packet);
}
