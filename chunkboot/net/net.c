/* SPDX-License-Identifier: MIT */
/* The stack's life: interface, addresses, timers. */
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "net/net_private.h"
#include "netif/ethernet.h"

#define ADDRESSES_LEN 12u /* of a frame, in front of tag or type */
#define DOUBT_AGAIN_MS 1300u /* not in step with what is sent again: answers come in between */

struct cb_net_state cb_net_state;

static const struct cb_platform *platform(void)
{
	return cb_net_state.params.platform;
}

u32_t sys_now(void)
{
	return (u32_t)platform()->now_ms(platform()->ctx);
}

uint32_t cb_net_random32(void)
{
	uint8_t bytes[4] = { 0 };

	/* cb_net_start has seen the source work; a later failure leaves what the clock says. */
	if (platform()->random(platform()->ctx, bytes, sizeof(bytes)) != CB_OK)
		return sys_now() * 2654435761u;
	return cb_le32(bytes);
}

/* The frame with our VLAN's tag behind the addresses (IEEE 802.1Q §9.3), priority 0. */
static void put_tagged(const struct pbuf *p, uint8_t *out, uint16_t vlan_id)
{
	pbuf_copy_partial(p, out, ADDRESSES_LEN, 0);
	out[ADDRESSES_LEN] = 0x81;
	out[ADDRESSES_LEN + 1] = 0;
	out[ADDRESSES_LEN + 2] = (uint8_t)(vlan_id >> 8);
	out[ADDRESSES_LEN + 3] = (uint8_t)vlan_id;
	pbuf_copy_partial(p, out + ADDRESSES_LEN + CB_NET_TAG_LEN,
			  (u16_t)(p->tot_len - ADDRESSES_LEN), ADDRESSES_LEN);
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct cb_net_state *net = &cb_net_state;
	const uint8_t *frame = p->payload;
	size_t len = p->tot_len;

	(void)netif;
	if (len < ADDRESSES_LEN || len + CB_NET_TAG_LEN > sizeof(net->tx))
		return ERR_BUF;
	if (net->params.vlan_id) {
		put_tagged(p, net->tx, net->params.vlan_id);
		frame = net->tx;
		len += CB_NET_TAG_LEN;
	} else if (p->len != p->tot_len) {
		pbuf_copy_partial(p, net->tx, p->tot_len, 0);
		frame = net->tx;
	}
	net->n_frames_out++;
	return net->params.transmit(net->params.link, frame, len) ? ERR_OK : ERR_IF;
}

static err_t netif_init_link(struct netif *netif)
{
	const struct cb_net_params *params = &cb_net_state.params;

	netif->name[0] = 'n';
	netif->name[1] = 'b';
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = link_output;
	netif->mtu = params->mtu < 1500 ? params->mtu : 1500;
	/* Firmware drivers have receive buffers for 1514 bytes, and a tag is none of their business. */
	if (params->vlan_id)
		netif->mtu = (u16_t)(netif->mtu - CB_NET_TAG_LEN);
	netif->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(netif->hwaddr, params->mac, sizeof(params->mac));
	netif->flags =
		NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
	return ERR_OK;
}

static ip4_addr_t address_of(const uint8_t bytes[4])
{
	ip4_addr_t address;

	memcpy(&address.addr, bytes, 4);
	return address;
}

static ip4_addr_t mask_of(unsigned prefix_len)
{
	ip4_addr_t mask = { 0 };

	if (prefix_len > 0 && prefix_len <= 32)
		mask.addr = lwip_htonl(UINT32_MAX << (32 - prefix_len));
	return mask;
}

static void use_static_address(const struct cb_config_ipv4 *ipv4)
{
	ip4_addr_t address = address_of(ipv4->address), mask = mask_of(ipv4->prefix_len);
	ip4_addr_t gateway = address_of(ipv4->gateway);

	netif_set_addr(&cb_net_state.netif, &address, &mask, &gateway);
	for (unsigned i = 0; i < ipv4->n_dns && i < CB_CONFIG_MAX_DNS; i++) {
		ip_addr_t dns;

		ip_addr_copy_from_ip4(dns, address_of(ipv4->dns[i]));
		cb_servers_set_ipv4((u8_t)i, &dns);
	}
}

static enum cb_err start_addresses(void)
{
	struct cb_net_state *net = &cb_net_state;
	enum cb_err err;

	if (net->params.ipv4)
		use_static_address(net->params.ipv4);
	netif_set_up(&net->netif);
	netif_set_link_up(&net->netif);
	if (!net->params.ipv4 && dhcp_start(&net->netif) != ERR_OK)
		return CB_NO_MEMORY;
	err = cb_ip6_start();
	cb_servers_update();
	return err;
}

enum cb_err cb_net_start(const struct cb_net_params *params)
{
	static bool is_lwip_ready;
	struct cb_net_state *net = &cb_net_state;
	uint8_t probe[4];
	enum cb_err err;

	if (net->is_started)
		return CB_INTERNAL;
	err = params->platform->random(params->platform->ctx, probe, sizeof(probe));
	if (err)
		return err;
	net->params = *params;
	net->n_frames_in = net->n_frames_out = net->n_frames_dropped = 0;
	memset(&net->netif, 0, sizeof(net->netif));
	memset(net->dns4, 0, sizeof(net->dns4));
	net->near[0] = '\0';
	memset(net->n_opened, 0, sizeof(net->n_opened));
	net->started_ms = platform()->now_ms(platform()->ctx);
	net->first_family = net->first_dns = CB_FAMILY_IPV6;
	net->next_dns_switch_ms = net->next_doubt_ms = 0;
	if (!is_lwip_ready)
		lwip_init();
	is_lwip_ready = true;
	cb_timers_start(net->started_ms);
	if (!netif_add(&net->netif, NULL, NULL, NULL, NULL, netif_init_link, ethernet_input))
		return CB_NO_MEMORY;
	net->is_started = true;
	netif_set_default(&net->netif);
	err = start_addresses();
	if (err)
		cb_net_stop();
	return err;
}

static void abort_all(void)
{
	while (tcp_active_pcbs)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs)
		tcp_abort(tcp_tw_pcbs);
	while (tcp_bound_pcbs)
		tcp_abort(tcp_bound_pcbs);
}

void cb_net_stop(void)
{
	struct cb_net_state *net = &cb_net_state;

	if (!net->is_started)
		return;
	cb_streams_fail_all();
	abort_all();
	cb_servers_forget();
	dhcp_stop(&net->netif);
	dhcp_cleanup(&net->netif);
	cb_ip6_stop();
	netif_remove(&net->netif);
	net->is_started = false;
	cb_frames_done();
}

void cb_net_set_link(bool has_link)
{
	struct netif *netif = &cb_net_state.netif;

	if (!cb_net_state.is_started || has_link == (netif_is_link_up(netif) != 0))
		return;
	if (!has_link) {
		netif_set_link_down(netif);
		return;
	}
	netif_set_link_up(netif);
	cb_ip6_link_up();
}

bool cb_net_has_family(enum cb_family family)
{
	if (family == CB_FAMILY_IPV6)
		return cb_ip6_address() != NULL;
	return netif_ip4_addr(&cb_net_state.netif)->addr != 0;
}

/* The first server of a family; ret stays as it is when there is none. */
static void copy_dns(u8_t type, void *ret, size_t len)
{
	for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
		const ip_addr_t *dns = dns_getserver(i);

		if (IP_GET_TYPE(dns) == type && !ip_addr_isany(dns)) {
			memcpy(ret, &dns->u_addr, len);
			return;
		}
	}
}

static void info_ipv4(struct cb_net_info *info)
{
	const struct netif *netif = &cb_net_state.netif;
	uint32_t mask = lwip_ntohl(netif_ip4_netmask(netif)->addr);

	info->has_ipv4 = cb_net_has_family(CB_FAMILY_IPV4);
	memcpy(info->address, &netif_ip4_addr(netif)->addr, 4);
	memcpy(info->gateway, &netif_ip4_gw(netif)->addr, 4);
	copy_dns(IPADDR_TYPE_V4, info->dns, sizeof(info->dns));
	info->prefix_len = (uint8_t)__builtin_popcount(mask);
}

static void info_ipv6(struct cb_net_info *info)
{
	const struct cb_config_ipv6 *fixed = cb_net_state.params.ipv6;
	const ip6_addr_t *address = cb_ip6_address(), *router = cb_ip6_router();
	const struct cb_dhcp6 *dhcp6 = &cb_net_state.ip6.dhcp6;

	if (!address)
		return;
	info->has_ipv6 = true;
	memcpy(info->address6, address->addr, 16);
	copy_dns(IPADDR_TYPE_V6, info->dns6, sizeof(info->dns6));
	if (fixed) {
		memcpy(info->gateway6, fixed->gateway, 16);
		info->prefix_len6 = fixed->prefix_len;
		return;
	}
	/* DHCPv6 gives single addresses; advertised prefixes that make addresses have 64 bits. */
	info->prefix_len6 = memcmp(dhcp6->address, address->addr, 16) == 0 ? 128 : 64;
	if (router)
		memcpy(info->gateway6, router->addr, 16);
}

void cb_net_info(struct cb_net_info *ret)
{
	const struct cb_net_state *net = &cb_net_state;
	struct cb_net_info info = { .is_started = net->is_started };

	if (net->is_started) {
		info.has_link = netif_is_link_up(&net->netif) != 0;
		info_ipv4(&info);
		info_ipv6(&info);
		info.has_address = info.has_ipv4 || info.has_ipv6;
		info.n_streams = net->n_streams;
	}
	info.n_frames_in = net->n_frames_in;
	info.n_frames_out = net->n_frames_out;
	info.n_frames_dropped = net->n_frames_dropped;
	*ret = info;
}

void cb_net_flush(void)
{
	struct tcp_pcb *pcb, *next;

	if (!cb_net_state.is_started)
		return;
	cb_streams_flush();
	for (pcb = tcp_active_pcbs; pcb; pcb = next) {
		next = pcb->next;
		if (!(pcb->flags & TF_ACK_DELAY))
			continue;
		tcp_clear_flags(pcb, TF_ACK_DELAY);
		tcp_ack_now(pcb);
		tcp_output(pcb);
	}
}

/*
 * lwIP believes an answer of ARP or neighbour discovery for minutes, whoever gave it. What is known is
 * used until another answer comes: on a slow line that takes longer than we wait here.
 */
void cb_net_doubt(uint64_t now_ms)
{
	struct eth_addr *mac;
	struct netif *netif;
	ip4_addr_t *address;

	if (now_ms < cb_net_state.next_doubt_ms)
		return;
	cb_net_state.next_doubt_ms = now_ms + DOUBT_AGAIN_MS;
	for (size_t i = 0; i < ARP_TABLE_SIZE; i++)
		if (etharp_get_entry(i, &address, &netif, &mac))
			(void)etharp_request(netif, address);
	cb_ip6_doubt();
}

void cb_net_poll(uint64_t *ret_wake_ms)
{
	uint64_t now_ms, wake_ms, other_ms;

	*ret_wake_ms = UINT64_MAX;
	if (!cb_net_state.is_started)
		return;
	now_ms = platform()->now_ms(platform()->ctx);
	wake_ms = cb_timers_poll(now_ms);
	other_ms = cb_ip6_poll(now_ms);
	if (other_ms < wake_ms)
		wake_ms = other_ms;
	cb_servers_update();
	other_ms = cb_streams_poll(now_ms);
	if (other_ms < wake_ms)
		wake_ms = other_ms;
	cb_net_flush();
	cb_ip6_ask_neighbours(now_ms);
	*ret_wake_ms = wake_ms;
}
