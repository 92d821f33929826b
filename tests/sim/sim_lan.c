/* SPDX-License-Identifier: MIT */
/* The far side of the line: a router that answers ARP, DHCP and DNS, and the servers behind it. */
#include <string.h>

#include "net/net.h"
#include "sim_frames.h"

#define DNS_TTL_S 300
#define LEASE_S 86400
#define FIRST_SERVER 10 /* 198.51.100.10 is the first server */
#define DHCP_AT (SIM_L4_AT + 8)
#define DHCP_OPTIONS_AT (DHCP_AT + 240)
#define DHCP_MIN 300u /* bytes of a message (RFC 1542 §2.1) */
#define DNS_AT (SIM_L4_AT + 8)

static const uint8_t router_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };
static const uint8_t router_ip[4] = { 192, 0, 2, 1 };
static const uint8_t client_ip[4] = { 192, 0, 2, 50 };
static const uint8_t broadcast_ip[4] = { 255, 255, 255, 255 };
static const uint8_t server_net[3] = { 198, 51, 100 };

static void send_udp(struct sim_frames *net, uint8_t *frame, const uint8_t to[4],
		     unsigned from_port, unsigned to_port, size_t n)
{
	sim_put16(frame + SIM_L4_AT, from_port);
	sim_put16(frame + SIM_L4_AT + 2, to_port);
	sim_put16(frame + SIM_L4_AT + 4, (uint32_t)(8 + n));
	size_t len = sim_wrap(net, frame, 17, router_ip, to, 8 + n, 6);
	sim_line_send(net, SIM_DOWN, frame, len);
}

/* ---- ARP (RFC 826) ---- */

static void answer_arp(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	uint8_t f[60] = { 0 };

	if (len < 42 || sim_get16(frame + 20) != 1 || memcmp(frame + 38, router_ip, 4) != 0)
		return;
	memcpy(f, frame + 6, 6);
	memcpy(f + 6, router_mac, 6);
	memcpy(f + 12, frame + 12, 8);
	sim_put16(f + 20, 2);
	memcpy(f + 22, router_mac, 6);
	memcpy(f + 28, router_ip, 4);
	memcpy(f + 32, frame + 22, 10);
	sim_line_send(net, SIM_DOWN, f, sizeof(f));
}

/* ---- DHCP (RFC 2131) ---- */

/* The message's type, 0 when it has none. */
static unsigned dhcp_type(const uint8_t *frame, size_t len)
{
	size_t at = DHCP_OPTIONS_AT;

	while (at + 2 < len && frame[at] != 255) {
		if (frame[at] == 53)
			return frame[at + 2];
		at += frame[at] == 0 ? 1 : 2u + frame[at + 1];
	}
	return 0;
}

static size_t put_option(uint8_t *p, uint8_t kind, const void *bytes, size_t n)
{
	p[0] = kind;
	p[1] = (uint8_t)n;
	memcpy(p + 2, bytes, n);
	return 2 + n;
}

static void answer_dhcp(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	uint8_t f[SIM_FRAME_MAX] = { 0 }, lease[4], *p = f + DHCP_OPTIONS_AT;
	unsigned asked = dhcp_type(frame, len);
	uint8_t type = asked == 1 ? 2 : 5; /* DISCOVER: OFFER; REQUEST: ACK */

	if (net->link.has_no_dhcp || len < DHCP_OPTIONS_AT || (asked != 1 && asked != 3))
		return;
	memcpy(f + DHCP_AT, frame + DHCP_AT, 44); /* with transaction and hardware address */
	f[DHCP_AT] = 2;
	memcpy(f + DHCP_AT + 16, client_ip, 4);
	memcpy(f + DHCP_AT + 236, frame + DHCP_AT + 236, 4);
	sim_put32(lease, LEASE_S);
	p += put_option(p, 53, &type, 1);
	p += put_option(p, 54, router_ip, 4);
	p += put_option(p, 51, lease, 4);
	p += put_option(p, 1, "\377\377\377\0", 4);
	p += put_option(p, 3, router_ip, 4);
	p += put_option(p, 6, router_ip, 4);
	if (net->link.near)
		p += put_option(p, CB_NET_DHCP_NEAR, net->link.near, strlen(net->link.near));
	*p++ = 255;
	size_t n = (size_t)(p - (f + DHCP_AT));
	send_udp(net, f, broadcast_ip, 67, 68, n > DHCP_MIN ? n : DHCP_MIN);
}

/* ---- DNS (RFC 1035) ---- */

/* The name as text; returns the offset behind the question, 0 when it is malformed. */
static size_t read_question(const uint8_t *frame, size_t len, char name[256])
{
	size_t at = DNS_AT + 12, n = 0;

	while (at < len && frame[at] > 0) {
		size_t label = frame[at];
		if (label > 63 || at + 1 + label >= len || n + label + 1 >= 255)
			return 0;
		memcpy(name + n, frame + at + 1, label);
		n += label;
		name[n++] = '.';
		at += 1 + label;
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	return at + 5 <= len ? at + 5 : 0;
}

static bool find_name(const struct sim_frames *net, const char *name, unsigned *ret_i)
{
	const struct sim *sim = net->sim;

	for (unsigned i = 0; i < sim->n_servers; i++) {
		const struct sim_server *server = sim->servers[i];
		if (server->behaviour.has_no_name || strcmp(server->host, name) != 0)
			continue;
		*ret_i = i;
		return true;
	}
	return false;
}

static void answer_dns(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	uint8_t f[SIM_FRAME_MAX] = { 0 };
	unsigned i = 0;
	char name[256];
	size_t end = len >= DNS_AT + 12 ? read_question(frame, len, name) : 0;

	if (end == 0 || net->link.has_no_dns || end + 16 > sizeof(f))
		return;
	bool is_known = find_name(net, name, &i);
	bool has_answer = is_known && sim_get16(frame + end - 4) == 1;
	memcpy(f + DNS_AT, frame + DNS_AT, end - DNS_AT);
	sim_put16(f + DNS_AT + 2, is_known ? 0x8180 : 0x8183);
	sim_put16(f + DNS_AT + 6, has_answer);
	memset(f + DNS_AT + 8, 0, 4);
	if (has_answer) {
		uint8_t *a = f + end;

		memcpy(a, "\xc0\x0c\0\1\0\1", 6);
		sim_put32(a + 6, DNS_TTL_S);
		sim_put16(a + 10, 4);
		memcpy(a + 12, server_net, 3);
		a[15] = (uint8_t)(FIRST_SERVER + i);
		end += 16;
	}
	send_udp(net, f, frame + 26, 53, sim_get16(frame + SIM_L4_AT), end - DNS_AT);
}

/* ---- Who it is for ---- */

static struct sim_server *server_at(const struct sim_frames *net, const uint8_t ip[4],
				    unsigned port)
{
	const struct sim *sim = net->sim;
	unsigned i = ip[3] - (unsigned)FIRST_SERVER;

	if (memcmp(ip, server_net, 3) != 0 || i >= sim->n_servers)
		return NULL;
	/* Several ports of a host share the address of the first. */
	for (unsigned k = i; k < sim->n_servers; k++)
		if (sim->servers[k]->port == port &&
		    strcmp(sim->servers[k]->host, sim->servers[i]->host) == 0)
			return sim->servers[k];
	return NULL;
}

void sim_lan_input(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	if (len >= SIM_ETHERNET_LEN && sim_get16(frame + 12) == 0x0806)
		answer_arp(net, frame, len);
	if (!sim_is_sound(frame, len, &len))
		return;
	unsigned to_port = len >= SIM_L4_AT + 8 ? sim_get16(frame + SIM_L4_AT + 2) : 0;
	if (frame[23] == 17 && to_port == 67)
		answer_dhcp(net, frame, len);
	else if (frame[23] == 17 && to_port == 53)
		answer_dns(net, frame, len);
	else if (frame[23] == 6 && len >= SIM_L4_AT + 20)
		sim_tcp_input(net, server_at(net, frame + 30, to_port), frame, len);
}
