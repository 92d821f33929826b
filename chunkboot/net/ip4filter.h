/* SPDX-License-Identifier: MIT */
/* What of IPv4 gets through to lwIP: the packets that a boot needs. */
#ifndef CB_NET_IP4FILTER_H
#define CB_NET_IP4FILTER_H

#include "core/bytes.h"

/*
 * True for TCP, answers of DNS servers, and answers of DHCP servers that are marked as such (lwIP looks
 * at neither port 53 nor the magic cookie). Everything else is not wanted: options, fragments, ICMP.
 * Check sums are lwIP's affair. Reads packet, from the IPv4 header on, and nothing behind it.
 */
bool cb_ip4_is_wanted(struct cb_bytes packet);

#endif
