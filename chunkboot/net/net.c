/* SPDX-License-Identifier: MIT */
/* The stack's life: interface, addresses, timers. */
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "net/net_private.h"
#include "netif/ethernet.h"

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

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct cb_net_state *net = &cb_net_state;
	const uint8_t *frame = p->payload;

	(void)netif;
	if (p->tot_len > sizeof(net->tx))
		return ERR_BUF;
	if (p->len != p->tot_len) {
		pbuf_copy_partial(p, net->tx, p->tot_len, 0);
		frame = net->tx;
	}
	net->n_frames_out++;
	return net->params.transmit(net->params.link, frame, p->tot_len) ? ERR_OK : ERR_IF;
}

static err_t netif_init_link(struct netif *netif)
{
	const struct cb_net_params *params = &cb_net_state.params;

	netif->name[0] = 'n';
	netif->name[1] = 'b';
	netif->output = etharp_output;
	netif->linkoutput = link_output;
	netif->mtu = params->mtu < 1500 ? params->mtu : 1500;
	netif->hwaddr_len = ETH_HWADDR_LEN;
	memcpy(netif->hwaddr, params->mac, sizeof(params->mac));
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
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
		ip_addr_t dns = address_of(ipv4->dns[i]);

		dns_setserver((u8_t)i, &dns);
	}
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
	if (!is_lwip_ready)
		lwip_init();
	is_lwip_ready = true;
	sys_restart_timeouts();
	if (!netif_add(&net->netif, NULL, NULL, NULL, NULL, netif_init_link, ethernet_input))
		return CB_NO_MEMORY;
	net->is_started = true;
	netif_set_default(&net->netif);
	if (params->ipv4)
		use_static_address(params->ipv4);
	netif_set_up(&net->netif);
	netif_set_link_up(&net->netif);
	if (!params->ipv4 && dhcp_start(&net->netif) != ERR_OK) {
		cb_net_stop();
		return CB_NO_MEMORY;
	}
	return CB_OK;
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
	dhcp_stop(&net->netif);
	dhcp_cleanup(&net->netif);
	netif_remove(&net->netif);
	net->is_started = false;
	cb_frames_done();
}

void cb_net_set_link(bool has_link)
{
	struct netif *netif = &cb_net_state.netif;

	if (!cb_net_state.is_started || has_link == (netif_is_link_up(netif) != 0))
		return;
	if (has_link)
		netif_set_link_up(netif);
	else
		netif_set_link_down(netif);
}

void cb_net_info(struct cb_net_info *ret)
{
	const struct cb_net_state *net = &cb_net_state;
	struct cb_net_info info = { .is_started = net->is_started };

	if (net->is_started) {
		const ip_addr_t *dns = dns_getserver(0);
		uint32_t mask = lwip_ntohl(netif_ip4_netmask(&net->netif)->addr);

		info.has_link = netif_is_link_up(&net->netif) != 0;
		info.has_address = netif_ip4_addr(&net->netif)->addr != 0;
		memcpy(info.address, &netif_ip4_addr(&net->netif)->addr, 4);
		memcpy(info.gateway, &netif_ip4_gw(&net->netif)->addr, 4);
		memcpy(info.dns, &dns->addr, 4);
		info.prefix_len = (uint8_t)__builtin_popcount(mask);
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

void cb_net_poll(uint64_t *ret_wake_ms)
{
	uint64_t wake_ms = UINT64_MAX;

	if (cb_net_state.is_started) {
		u32_t sleep_ms;

		sys_check_timeouts();
		cb_net_flush();
		sleep_ms = sys_timeouts_sleeptime();
		if (sleep_ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE)
			wake_ms = platform()->now_ms(platform()->ctx) + sleep_ms;
	}
	*ret_wake_ms = wake_ms;
}
