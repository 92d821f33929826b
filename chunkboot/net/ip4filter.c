/* SPDX-License-Identifier: MIT */
/* What of IPv4 gets through to lwIP: the packets that a boot needs. */
#include "net/ip4filter.h"

#define TCP 6u
#define UDP 17u
#define HEADER_LEN 20u
#define MORE_OR_OFFSET 0x3fffu /* of fragments */
#define PORT_DNS 53u
#define PORT_DHCP 67u
#define DHCP_COOKIE_AT 236u
#define DHCP_COOKIE 0x63825363u /* RFC 2131 §3 */

static bool is_udp_wanted(struct cb_reader r)
{
	unsigned from = cb_read_be16(&r);
	uint32_t cookie;

	if (from != PORT_DHCP)
		return !r.failed && from == PORT_DNS;
	(void)cb_read_bytes(&r, 6 + DHCP_COOKIE_AT);
	cookie = cb_read_be32(&r);
	return !r.failed && cookie == DHCP_COOKIE;
}

bool cb_ip4_is_wanted(struct cb_bytes packet)
{
	struct cb_reader r = cb_reader_of(packet);
	bool has_options = cb_read_u8(&r) != (0x40 | HEADER_LEN / 4);
	unsigned len, fragment, protocol;

	(void)cb_read_u8(&r);
	len = cb_read_be16(&r);
	(void)cb_read_be16(&r);
	fragment = cb_read_be16(&r);
	(void)cb_read_u8(&r);
	protocol = cb_read_u8(&r);
	(void)cb_read_bytes(&r, 10);
	if (r.failed || has_options || len < HEADER_LEN || len > packet.len ||
	    (fragment & MORE_OR_OFFSET))
		return false;
	r = cb_reader_of(cb_read_bytes(&r, len - HEADER_LEN));
	return protocol == TCP || (protocol == UDP && is_udp_wanted(r));
}
