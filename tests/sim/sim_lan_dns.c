/* SPDX-License-Identifier: MIT */
/* The local network's DNS server (RFC 1035): knows the simulated servers by name. */
#include <string.h>

#include "sim_frames.h"

#define DNS_TTL_S 300
#define HEAD_LEN 12
#define TYPE_A 1u
#define TYPE_AAAA 28u

/* The name as text; returns the offset behind the question, 0 when it is malformed. */
static size_t read_question(const uint8_t *message, size_t len, char name[256])
{
	size_t at = HEAD_LEN, n = 0;

	while (at < len && message[at] > 0) {
		size_t label = message[at];
		if (label > 63 || at + 1 + label >= len || n + label + 1 >= 255)
			return 0;
		memcpy(name + n, message + at + 1, label);
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

/* Appends the address of server i. */
static void put_answer(struct packet_data *d, unsigned i, bool is_ipv6)
{
	uint8_t address[16];

	sim_server_address(i, is_ipv6, address);
	packet_add(d, "\xc0\x0c", 2); /* the question's name */
	packet_add16(d, is_ipv6 ? TYPE_AAAA : TYPE_A);
	packet_add16(d, 1);
	packet_add32(d, DNS_TTL_S);
	packet_add16(d, is_ipv6 ? 16 : 4);
	packet_add(d, address, is_ipv6 ? 16 : 4);
}

void sim_dns_input(struct sim_frames *net, const struct sim_packet *packet)
{
	const uint8_t *message = packet->l4 + 8;
	struct packet_data d = { .len = 0 };
	uint8_t f[SIM_FRAME_MAX];
	unsigned i = 0, type;
	char name[256];
	size_t end =
		packet->len >= 8 + HEAD_LEN ? read_question(message, packet->len - 8, name) : 0;

	if (end == 0 || net->link.has_no_dns)
		return;
	bool is_known = find_name(net, name, &i);
	type = packet_get16(message + end - 4);
	bool has_answer = is_known && (type == TYPE_A || (type == TYPE_AAAA && net->link.has_ipv6));
	packet_add(&d, message, end);
	packet_put16(d.bytes + 2, is_known ? 0x8180 : 0x8183);
	packet_put16(d.bytes + 6, has_answer);
	memset(d.bytes + 8, 0, 4);
	if (has_answer)
		put_answer(&d, i, type == TYPE_AAAA);
	memcpy(f + SIM_L4_AT + 8, d.bytes, d.len);
	sim_answer_udp(net, f, packet, packet->is_ipv6 ? sim_router_ip6 : sim_router_ip, d.len);
}
