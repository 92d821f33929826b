/* SPDX-License-Identifier: MIT */
/* What we change in lwIP, included by its sources and by nothing else. */
#ifndef CB_NET_LWIPHOOKS_H
#define CB_NET_LWIPHOOKS_H

/* Segments in order are acknowledged together, by cb_net_flush after each batch of frames. */
#undef tcp_ack
#define tcp_ack(pcb) tcp_set_flags(pcb, TF_ACK_DELAY)

/* Any value from a strong generator does: source ports are random too (RFC 6528 §3). */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) cb_net_random32()

struct netif;
struct pbuf;
struct ip6_addr;
struct ip_addr;

/* frame.c: true when the packet was not wanted and is freed. */
int cb_ip4_hook_input(struct pbuf *p, struct netif *from);
#define LWIP_HOOK_IP4_INPUT(p, netif) cb_ip4_hook_input(p, netif)

/* ip6.c: the same; and the next hop by configuration. */
int cb_ip6_hook_input(struct pbuf *p, struct netif *from);
const struct ip6_addr *cb_ip6_hook_gateway(struct netif *from, const struct ip6_addr *to);
#define LWIP_HOOK_IP6_INPUT(p, netif) cb_ip6_hook_input(p, netif)
#define LWIP_HOOK_ND6_GET_GW(netif, to) cb_ip6_hook_gateway(netif, to)

/* DHCPv4 would put its servers over those of IPv6; only dhcp.c is left to call it. */
void cb_servers_set_ipv4(unsigned char at, const struct ip_addr *server);
#define dns_setserver(at, server) cb_servers_set_ipv4(at, server)

/* DHCP servers send what they are asked for (CB_NET_DHCP_NEAR); lwIP passes on what it doesn't know. */
#define DHCP_ADD_EXTRA_REQUEST_OPTIONS , 224
void cb_servers_hook_option(unsigned char type, unsigned char option, unsigned char len,
			    struct pbuf *p, unsigned short offset);
#define LWIP_HOOK_DHCP_PARSE_OPTION(netif, dhcp, state, msg, type, option, len, p, offset)         \
	((void)(msg), cb_servers_hook_option(type, option, len, p, offset))

#endif
