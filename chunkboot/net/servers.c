/* SPDX-License-Identifier: MIT */
/* Servers that the network names: DNS servers of every source, the family first that answers; a mirror. */
#include <string.h>

#include "lwip/dns.h"
#include "lwip/prot/dhcp.h"
#include "net/net_private.h"

#define SWITCH_AGAIN_MS 3000u /* so long a server that is slow has for its answer */

static ip_addr_t ipv6_of(const uint8_t bytes[16])
{
	ip_addr_t address = { 0 };

	memcpy(ip_2_ip6(&address)->addr, bytes, 16);
	IP_SET_TYPE_VAL(address, IPADDR_TYPE_V6);
	return address;
}

void cb_servers_set_ipv4(uint8_t at, const ip_addr_t *server)
{
	if (at < CB_CONFIG_MAX_DNS)
		cb_net_state.dns4[at] = *server;
}

void cb_servers_hook_option(uint8_t type, uint8_t option, uint8_t len, struct pbuf *p,
			    uint16_t offset)
{
	struct cb_net_state *net = &cb_net_state;

	/* Offers are many. One that is longer than its message is none. */
	if (type != DHCP_ACK || option != CB_NET_DHCP_NEAR)
		return;
	if (pbuf_copy_partial(p, net->near, len, offset) != len)
		len = 0;
	net->near[len] = '\0';
}

const char *cb_net_near(void)
{
	return cb_net_state.near;
}

/* Appends to the list unless it is there; returns its new length. */
static unsigned append(ip_addr_t *list, unsigned n, const ip_addr_t *server)
{
	for (unsigned i = 0; i < n; i++)
		if (ip_addr_eq(&list[i], server))
			return n;
	if (n < DNS_MAX_SERVERS && !ip_addr_isany(server))
		list[n++] = *server;
	return n;
}

/* DHCPv6 goes before advertisements (RFC 8106 §5.3.1); two of them all. */
static unsigned append_ipv6(ip_addr_t *list, unsigned n)
{
	const struct cb_net_state *net = &cb_net_state;
	const struct cb_config_ipv6 *fixed = net->params.ipv6;
	unsigned max = n + CB_CONFIG_MAX_DNS;

	for (unsigned i = 0; fixed && i < fixed->n_dns && i < CB_CONFIG_MAX_DNS; i++) {
		ip_addr_t server = ipv6_of(fixed->dns[i]);

		n = append(list, n, &server);
	}
	for (unsigned i = 0; i < net->ip6.dhcp6.n_dns && n < max; i++) {
		ip_addr_t server = ipv6_of(net->ip6.dhcp6.dns[i]);

		n = append(list, n, &server);
	}
	for (unsigned i = 0; i < net->ip6.advert.n_dns && n < max; i++) {
		ip_addr_t server = ipv6_of(net->ip6.advert.dns[i]);

		n = append(list, n, &server);
	}
	return n;
}

static unsigned append_ipv4(ip_addr_t *list, unsigned n)
{
	for (unsigned i = 0; i < CB_CONFIG_MAX_DNS; i++)
		n = append(list, n, &cb_net_state.dns4[i]);
	return n;
}

void cb_servers_update(void)
{
	ip_addr_t list[DNS_MAX_SERVERS] = { 0 };
	bool is_ipv6_first = cb_net_state.first_dns == CB_FAMILY_IPV6;
	unsigned n = 0;

	if (cb_net_has_family(CB_FAMILY_IPV4) && !is_ipv6_first)
		n = append_ipv4(list, n);
	if (cb_net_has_family(CB_FAMILY_IPV6))
		n = append_ipv6(list, n);
	if (cb_net_has_family(CB_FAMILY_IPV4) && is_ipv6_first)
		n = append_ipv4(list, n);
	for (uint8_t i = 0; i < DNS_MAX_SERVERS; i++)
		dns_setserver(i, i < n ? &list[i] : NULL);
}

/* lwIP's table would outlive the network, with what somebody said who is not there any more. */
void cb_servers_forget(void)
{
	for (uint8_t i = 0; i < DNS_MAX_SERVERS; i++)
		dns_setserver(i, NULL);
	for (unsigned s = 0; s < DNS_MAX_TTL; s++)
		dns_tmr();
}

/* lwIP asks a server again each second, and takes its address from the list when it does. */
void cb_servers_silent(uint64_t now_ms)
{
	struct cb_net_state *net = &cb_net_state;

	if (now_ms < net->next_dns_switch_ms)
		return;
	net->first_dns = net->first_dns == CB_FAMILY_IPV6 ? CB_FAMILY_IPV4 : CB_FAMILY_IPV6;
	net->next_dns_switch_ms = now_ms + SWITCH_AGAIN_MS;
	cb_servers_update();
}
