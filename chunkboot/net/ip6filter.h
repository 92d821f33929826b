/* SPDX-License-Identifier: MIT */
/* What of IPv6 gets through to lwIP: the packets that a boot needs, whole and well-formed. */
#ifndef CB_NET_IP6FILTER_H
#define CB_NET_IP6FILTER_H

#include "core/bytes.h"
#include "core/config.h"

/* What a router advertisement says that lwIP does not tell (RFC 4861 §4.2, RFC 8106 §5.1). */
struct cb_advert {
	bool is_managed; /* addresses come by DHCPv6 */
	bool has_other; /* DNS servers come by DHCPv6 */
	uint16_t lifetime_s; /* as default router; 0: it is none */
	unsigned n_dns;
	uint8_t dns[CB_CONFIG_MAX_DNS][16];
};

/*
 * True for TCP, answers of DNS and DHCPv6 servers, and those messages of neighbour discovery, path
 * MTU discovery and multicast listener discovery that are right in every length, check sum, hop
 * limit and option. Everything else is not wanted: extension headers (but the router alert of a
 * multicast query), fragments, redirects, echo requests, tunnels. Reads packet, from the IPv6
 * header on, and nothing behind it.
 */
bool cb_ip6_is_wanted(struct cb_bytes packet);
/* False when a packet that is wanted is no router advertisement. */
bool cb_ip6_read_advert(struct cb_bytes packet, struct cb_advert *ret);

#endif
