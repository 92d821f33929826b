/* SPDX-License-Identifier: MIT */
/* The hostile machine of the simulated local network: what it sees, when it acts. */
#include "sim_hostile.h"

#include <stdlib.h>
#include <string.h>

#include "sim_campaign.h"

#define SLOW_US 30000u /* longer than the router takes for an answer */

const uint8_t sim_hostile_mac[6] = { 0x02, 0, 0, 0, 0, 0x66 };
const uint8_t sim_hostile_ip[4] = { 192, 0, 2, 66 };
const uint8_t sim_hostile_link[16] = { 0xfe, 0x80, [15] = 0x66 };
const uint8_t sim_hostile_ip6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 0x66 };
const uint8_t sim_machine_ip[4] = { 192, 0, 2, 50 };
const uint8_t sim_machine_link[16] = { 0xfe, 0x80, [11] = 0xff, 0xfe, 0, 0, 0x0a };
const uint8_t sim_machine_ip6[16] = { 0x20, 0x01, 0x0d, 0xb8, 0, 1, [11] = 0xff, 0xfe, 0, 0, 0x0a };

void sim_attack(struct sim *sim, const struct sim_attack *attack, uint64_t after_us)
{
	struct sim_frames *net = sim->frames;
	struct sim_hostile *h = net->hostile;

	if (!h) {
		h = net->hostile = sim_grow(NULL, sizeof(*h));
		memset(h, 0, sizeof(*h));
		h->net = net;
		h->random_state = sim_line_random(net);
	}
	h->attack = attack;
	h->n_ticks = 0;
	h->start_us = net->now_us + after_us;
	h->next_us = attack && attack->every_us ? h->start_us : UINT64_MAX;
}

uint64_t sim_attack_frames(const struct sim *sim)
{
	return sim->frames->hostile ? sim->frames->hostile->n_sent : 0;
}

/* ---- What it sees ---- */

static void keep(uint8_t *copy, size_t *copy_len, const uint8_t *bytes, size_t len)
{
	if (len > SIM_FRAME_MAX)
		return;
	memcpy(copy, bytes, len);
	*copy_len = len;
}

/* What kind of frame it is; the newest of some kinds are kept. */
static enum sim_sight look(struct sim_hostile *h, const struct sim_seen *seen)
{
	const struct sim_packet *p = &seen->packet;
	unsigned port;

	if (seen->len >= 42 && packet_get16(seen->frame + 12) == 0x0806)
		return SIM_SEES_ARP;
	if (!p->l4 || p->len < 8)
		return SIM_SEES_NOTHING;
	port = packet_get16(p->l4 + 2);
	if (p->protocol == PACKET_TCP && p->len >= 20) {
		if (p->l4[13] & 0x10)
			keep(h->tcp, &h->tcp_len, seen->frame, seen->len);
		return SIM_SEES_TCP;
	}
	if (p->protocol == PACKET_ICMP6)
		return SIM_SEES_ICMP6;
	if (p->protocol == PACKET_UDP && port == 53) {
		keep(h->dns, &h->dns_len, seen->frame, seen->len);
		h->dns_us = h->net->now_us;
		return SIM_SEES_DNS;
	}
	if (p->protocol == PACKET_UDP && port == 67) {
		keep(h->dhcp, &h->dhcp_len, p->l4 + 8, p->len - 8);
		h->dhcp_us = h->net->now_us;
		return SIM_SEES_DHCP;
	}
	return p->protocol == PACKET_UDP && port == 547 ? SIM_SEES_DHCP6 : SIM_SEES_NOTHING;
}

void sim_hostile_see(struct sim_frames *net, const uint8_t *frame, size_t len)
{
	struct sim_seen seen = { .frame = frame, .len = len };
	struct sim_hostile *h = net->hostile;
	enum sim_sight sight;

	if (!h || !h->attack)
		return;
	if (!sim_parse(frame, len, &seen.packet))
		memset(&seen.packet, 0, sizeof(seen.packet));
	sight = look(h, &seen);
	if (memcmp(frame, sim_hostile_mac, 6) == 0 && h->attack->sees == SIM_SEES_DIVERTED)
		sight = SIM_SEES_DIVERTED;
	if (net->now_us >= h->start_us && h->attack->see && sight == h->attack->sees)
		h->attack->see(h, h->attack->kind, &seen);
}

/* ---- When it acts ---- */

uint64_t sim_hostile_next(const struct sim_frames *net)
{
	return net->hostile ? net->hostile->next_us : UINT64_MAX;
}

void sim_hostile_turn(struct sim_frames *net)
{
	struct sim_hostile *h = net->hostile;

	if (!h || net->now_us < h->next_us)
		return;
	h->attack->tick(h, h->attack->kind);
	h->n_ticks++;
	h->next_us += h->attack->every_us;
	if (h->attack->max_ticks && h->n_ticks >= h->attack->max_ticks)
		h->next_us = UINT64_MAX;
}

/* ---- What it sends ---- */

uint64_t sim_hostile_random(struct sim_hostile *h, uint64_t n)
{
	return sim_pick(&h->random_state, n);
}

uint64_t sim_hostile_late_us(const struct sim_hostile *h)
{
	const struct sim_link *link = &h->net->link;

	return link->up.delay_us + link->down.delay_us +
		(link->down.rate_bytes_ms ? 400000 / link->down.rate_bytes_ms : 0);
}

void sim_hostile_fill(struct sim_hostile *h, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)sim_hostile_random(h, 256);
}

void sim_hostile_send(struct sim_hostile *h, const uint8_t *frame, size_t len)
{
	h->n_sent++;
	sim_line_inject(h->net, frame, len, h->attack->is_slow ? SLOW_US : 0);
}

void sim_hostile_answer(struct sim_hostile *h, const struct sim_packet *to, const uint8_t *from,
			const struct packet_data *data)
{
	uint8_t f[SIM_FRAME_MAX + 600], *udp = f + (to->is_ipv6 ? PACKET6_AT : PACKET4_AT);
	struct packet6_ends ends = { PACKET_UDP, 64, from, to->from };
	size_t n = data->len < 1480 ? data->len : 1480;

	memcpy(udp, to->l4 + 2, 2);
	memcpy(udp + 2, to->l4, 2);
	packet_put16(udp + 4, (uint32_t)(8 + n));
	memcpy(udp + 8, data->bytes, n);
	sim_hostile_send(h, f,
			 to->is_ipv6 ? packet6_wrap(f, &ends, 8 + n, 6) :
				       packet4_wrap(f, PACKET_UDP, from, to->from, 8 + n, 6));
}

void sim_hostile_send6(struct sim_hostile *h, const struct packet6 *p)
{
	size_t sum_at = p->next == PACKET_ICMP6 ? 2 : p->next == PACKET_TCP ? 16 : 6;
	uint8_t f[SIM_FRAME_MAX];

	if (p->next != PACKET_ICMP6 && p->next != PACKET_TCP && p->next != PACKET_UDP)
		sum_at = 0;
	sim_hostile_send(h, f, packet6_frame(p, sum_at, f));
}

void sim_hostile_server(const struct sim_hostile *h, bool is_ipv6, uint8_t out[16])
{
	const struct sim *sim = h->net->sim;

	for (unsigned i = 0; i < sim->n_servers; i++)
		if (strcmp(sim->servers[i]->host, "evil") == 0) {
			sim_server_address(i, is_ipv6, out);
			return;
		}
	abort(); /* only attacks that may lie have a server */
}
