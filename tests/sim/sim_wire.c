/* SPDX-License-Identifier: MIT */
/* Headers and checksums of the simulated network's packets. */
#include <string.h>

#include "sim_frames.h"

#define HEADER4 20u
#define HEADER6 40u

/* Over what is carried, with the pseudo header. */
static uint32_t sum_l4(const struct sim_packet *p)
{
	size_t n = p->is_ipv6 ? 16 : 4;
	uint32_t sum = packet_sum16(p->from, n, p->protocol + (uint32_t)p->len);

	return packet_sum16(p->l4, p->len, packet_sum16(p->to, n, sum));
}

static bool parse4(const uint8_t *frame, size_t len, struct sim_packet *p)
{
	const uint8_t *ip = frame + SIM_ETHERNET_LEN;
	size_t n;

	if (len < SIM_ETHERNET_LEN + HEADER4 || ip[0] != 0x45)
		return false;
	n = packet_get16(ip + 2);
	if (n < HEADER4 || SIM_ETHERNET_LEN + n > len || packet_sum16(ip, HEADER4, 0) != 0xffff)
		return false;
	*p = (struct sim_packet){ .protocol = ip[9], .l4 = ip + HEADER4, .len = n - HEADER4 };
	memcpy(p->from, ip + 12, 4);
	memcpy(p->to, ip + 16, 4);
	return true;
}

static bool parse6(const uint8_t *frame, size_t len, struct sim_packet *p)
{
	const uint8_t *ip = frame + SIM_ETHERNET_LEN;
	size_t n;

	if (len < SIM_ETHERNET_LEN + HEADER6 || ip[0] >> 4 != 6)
		return false;
	n = packet_get16(ip + 4);
	if (SIM_ETHERNET_LEN + HEADER6 + n > len)
		return false;
	*p = (struct sim_packet){
		.is_ipv6 = true, .protocol = ip[6], .l4 = ip + HEADER6, .len = n
	};
	memcpy(p->from, ip + 8, 16);
	memcpy(p->to, ip + 24, 16);
	return true;
}

bool sim_parse(const uint8_t *frame, size_t len, struct sim_packet *ret)
{
	unsigned type = len >= SIM_ETHERNET_LEN ? packet_get16(frame + 12) : 0;

	if (type == 0x0800 ? !parse4(frame, len, ret) : type != 0x86dd || !parse6(frame, len, ret))
		return false;
	if (ret->protocol == PACKET_UDP && ret->len >= 8 && packet_get16(ret->l4 + 6) == 0)
		return false; /* this stack always sums */
	return sum_l4(ret) == 0xffff;
}

void sim_packet_send(struct sim_frames *net, uint8_t *buffer, const struct sim_packet *head,
		     size_t n, size_t sum_at)
{
	struct packet6_ends ends = { head->protocol, head->protocol == PACKET_ICMP6 ? 255 : 64,
				     head->from, head->to };
	uint8_t *frame = head->is_ipv6 ? buffer : buffer + HEADER6 - HEADER4;
	size_t len = head->is_ipv6 ?
		packet6_wrap(frame, &ends, n, sum_at) :
		packet4_wrap(frame, head->protocol, head->from, head->to, n, sum_at);

	sim_line_send(net, SIM_DOWN, frame, len);
}

void sim_mend_tcp(uint8_t *frame, size_t len)
{
	struct sim_packet p = { 0 };
	uint8_t *sum;

	(void)sim_parse(frame, len, &p); /* all of it is there, but the sum is wrong */
	if (!p.l4)
		return;
	sum = frame + (p.l4 - frame) + 16;
	packet_put16(sum, 0);
	packet_put16(sum, ~sum_l4(&p));
}
