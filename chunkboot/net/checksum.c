/* SPDX-License-Identifier: MIT */
/* The Internet checksum (RFC 1071), eight bytes at a time. */
#include <string.h>

#include "lwip/opt.h"

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Sum of native 16-bit words, folded, not inverted: what lwIP expects of LWIP_CHKSUM. */
uint16_t cb_net_checksum(const void *data, int len)
{
	const uint8_t *p = data;
	uint64_t low = 0, high = 0;
	uint16_t word;

	for (; len >= 16; len -= 16, p += 16) {
		uint64_t a = load64(p), b = load64(p + 8);

		low += (a & UINT32_MAX) + (b & UINT32_MAX);
		high += (a >> 32) + (b >> 32);
	}
	low += high;
	for (; len >= 2; len -= 2, p += 2) {
		memcpy(&word, p, sizeof(word));
		low += word;
	}
	if (len == 1) {
		const uint8_t last[2] = { *p, 0 };

		memcpy(&word, last, sizeof(word));
		low += word;
	}
	while (low >> 16)
		low = (low & 0xffff) + (low >> 16);
	return (uint16_t)low;
}
