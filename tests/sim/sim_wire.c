/* SPDX-License-Identifier: MIT */
/* Headers and checksums of the simulated network's packets. */
#include <string.h>

#include "sim_frames.h"

static const uint8_t router_mac[6] = { 0x02, 0, 0, 0, 0, 0x01 };

void sim_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void sim_put32(uint8_t *p, uint32_t v)
{
	sim_put16(p, v >> 16);
	sim_put16(p + 2, v);
}

uint32_t sim_get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

uint32_t sim_get32(const uint8_t *p)
{
	return sim_get16(p) << 16 | sim_get16(p + 2);
}

/* RFC 1071, word by word: not the code that it checks. */
static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += sim_get16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t sum_l4(const uint8_t *frame, size_t n)
{
	uint32_t sum = sum16(frame + 26, 8, frame[23] + (uint32_t)n);

	return sum16(frame + SIM_L4_AT, n, sum);
}

size_t sim_wrap(struct sim_frames *net, uint8_t *frame, uint8_t protocol, const uint8_t from[4],
		const uint8_t to[4], size_t n, size_t sum_at)
{
	memcpy(frame, net->client_mac, 6);
	memcpy(frame + 6, router_mac, 6);
	sim_put16(frame + 12, 0x0800);
	memset(frame + SIM_IP_AT, 0, 20);
	frame[14] = 0x45;
	sim_put16(frame + 16, (uint32_t)(20 + n));
	frame[20] = 0x40; /* don't fragment */
	frame[22] = 64;
	frame[23] = protocol;
	memcpy(frame + 26, from, 4);
	memcpy(frame + 30, to, 4);
	sim_put16(frame + 24, ~sum16(frame + SIM_IP_AT, 20, 0));
	sim_put16(frame + SIM_L4_AT + sum_at, 0);
	sim_put16(frame + SIM_L4_AT + sum_at, ~sum_l4(frame, n));
	return SIM_L4_AT + n;
}

bool sim_is_sound(const uint8_t *frame, size_t len, size_t *ret_len)
{
	if (len < SIM_L4_AT || sim_get16(frame + 12) != 0x0800 || frame[14] != 0x45)
		return false;
	size_t n = sim_get16(frame + 16);
	if (n < 20 || SIM_IP_AT + n > len || sum16(frame + SIM_IP_AT, 20, 0) != 0xffff)
		return false;
	if (frame[23] == 17 && n >= 28 && sim_get16(frame + 40) == 0)
		return false; /* this stack always sums */
	if (sum_l4(frame, n - 20) != 0xffff)
		return false;
	*ret_len = SIM_IP_AT + n;
	return true;
}

void sim_mend_tcp(uint8_t *frame)
{
	size_t n = sim_get16(frame + 16) - 20;

	sim_put16(frame + SIM_L4_AT + 16, 0);
	sim_put16(frame + SIM_L4_AT + 16, ~sum_l4(frame, n));
}
