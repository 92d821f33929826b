/* SPDX-License-Identifier: MIT */
/* IPv6 addresses: router solicitations, duplicate address detection, DHCPv6, static ones. */
#include <string.h>

#include "lwip/inet_chksum.h"
#include "lwip/ip6.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "lwip/udp.h"
#include "net/net_private.h"

#define FIRST_SOLICIT_WAIT_MS 1000u
#define LONGEST_SOLICIT_WAIT_MS 16000u
#define ASK_AGAIN_MS 250u /* for neighbours; lwIP forgets them after three seconds */
#define DETECTION_MS 1000u /* RetransTimer, RFC 4862 §5.1 */
#define SLOT_LINK_LOCAL 0

#define TYPE_SOLICIT_ROUTER 133u
#define TYPE_SOLICIT_NEIGHBOUR 135u

static struct netif *netif(void)
{
	return &cb_net_state.netif;
}

static ip6_addr_t address_of(const uint8_t bytes[16])
{
	ip6_addr_t address = { 0 };

	memcpy(address.addr, bytes, 16);
	return address;
}

static bool is_fixed(unsigned at)
{
	return cb_net_state.params.ipv6 && at != SLOT_LINK_LOCAL;
}

/* ---- Messages of our own ---- */

/* Sends an ICMPv6 message with hop limit 255; source NULL: the unspecified address. */
static void send_icmp(const uint8_t *message, u16_t len, const ip6_addr_t *source,
		      const ip6_addr_t *to)
{
	struct pbuf *p = pbuf_alloc(PBUF_IP, len, PBUF_RAM);
	u16_t sum;

	if (!p)
		return;
	memcpy(p->payload, message, len);
	sum = ip6_chksum_pseudo(p, IP6_NEXTH_ICMP6, len, source ? source : IP6_ADDR_ANY6, to);
	memcpy((uint8_t *)p->payload + 2, &sum, sizeof(sum));
	ip6_output_if(p, source, to, ND6_HOPLIM, 0, IP6_NEXTH_ICMP6, netif());
	pbuf_free(p);
}

/*
 * With our hardware address, although nobody may have confirmed the link-local address yet: it is
 * made of that hardware address, so who else had it would have both (RFC 4429 §3.2 is about
 * addresses that could belong to another).
 */
static void solicit_router(void)
{
	uint8_t message[16] = { TYPE_SOLICIT_ROUTER, [8] = 1, [9] = 1 };
	ip6_addr_t to;

	memcpy(message + 10, cb_net_state.params.mac, 6);
	ip6_addr_set_allrouters_linklocal(&to);
	send_icmp(message, sizeof(message), netif_ip6_addr(netif(), SLOT_LINK_LOCAL), &to);
}

static bool is_in_own_network(const ip6_addr_t *address)
{
	for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		if (ip6_addr_isvalid(netif_ip6_addr_state(netif(), i)) &&
		    ip6_addr_net_eq(address, netif_ip6_addr(netif(), i)))
			return true;
	return false;
}

static void ask_for_neighbour(const struct nd6_neighbor_cache_entry *entry,
			      const ip6_addr_t *source)
{
	uint8_t message[32] = { TYPE_SOLICIT_NEIGHBOUR, [24] = 1, [25] = 1 };
	ip6_addr_t to;

	memcpy(message + 8, entry->next_hop_address.addr, 16);
	memcpy(message + 26, cb_net_state.params.mac, 6);
	ip6_addr_set_solicitednode(&to, entry->next_hop_address.addr[3]);
	send_icmp(message, sizeof(message), source, &to);
}

/*
 * lwIP asks for neighbours only in the /64 of one of our addresses. Others are on the link too: by a
 * static prefix that is shorter, or by an advertised one that we have no address in.
 */
void cb_ip6_ask_neighbours(uint64_t now_ms)
{
	const ip6_addr_t *source = cb_ip6_address();

	if (!source || now_ms < cb_net_state.ip6.next_ask_ms)
		return;
	for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		const struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

		if ((entry->state != ND6_INCOMPLETE && entry->state != ND6_PROBE) ||
		    is_in_own_network(&entry->next_hop_address))
			continue;
		ask_for_neighbour(entry, source);
		cb_net_state.ip6.next_ask_ms = now_ms + ASK_AGAIN_MS;
	}
}

/*
 * lwIP never asks all again for a router that it knows, and stays with the one it chose. Those that
 * answer go before those that don't.
 */
void cb_ip6_doubt(void)
{
	const ip6_addr_t *source = cb_ip6_address();

	for (unsigned i = 0; source && i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		struct nd6_neighbor_cache_entry *entry = &neighbor_cache[i];

		if (entry->state == ND6_NO_ENTRY)
			continue;
		if (entry->state == ND6_REACHABLE) {
			entry->state = ND6_STALE;
			entry->counter.stale_time = 0;
		}
		ask_for_neighbour(entry, source);
	}
	nd6_clear_destination_cache();
}

static void ask_for_owner(const ip6_addr_t *address)
{
	uint8_t message[24] = { TYPE_SOLICIT_NEIGHBOUR };
	ip6_addr_t to;

	memcpy(message + 8, address->addr, 16);
	ip6_addr_set_solicitednode(&to, address->addr[3]);
	send_icmp(message, sizeof(message), NULL, &to);
}

/* ---- Duplicate address detection ---- */

/*
 * Optimistic (RFC 4429): an address made of the hardware address, or given by a DHCPv6 server, is
 * used at once, while the question whether somebody has it is under way. Who says so later takes it
 * away from us. A static one was typed by somebody, who may have typed it before: it waits the
 * second that RFC 4862 asks for, and costs it where there is no IPv4.
 */
static void detect_duplicates(uint64_t now_ms)
{
	struct cb_ip6 *ip6 = &cb_net_state.ip6;

	for (s8_t i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
		u8_t state = netif_ip6_addr_state(netif(), i);
		bool is_deprecated = !netif_ip6_addr_isstatic(netif(), i) &&
			netif_ip6_addr_pref_life(netif(), i) == 0;

		if (!ip6_addr_istentative(state))
			continue;
		if (state == IP6_ADDR_TENTATIVE)
			ask_for_owner(netif_ip6_addr(netif(), i));
		if (is_fixed((unsigned)i) && state == IP6_ADDR_TENTATIVE) {
			ip6->fixed_ready_ms = now_ms + DETECTION_MS;
			netif_ip6_addr_set_state(netif(), i, IP6_ADDR_TENTATIVE_1);
		} else if (!is_fixed((unsigned)i) || now_ms >= ip6->fixed_ready_ms) {
			netif_ip6_addr_set_state(netif(), i,
						 is_deprecated ? IP6_ADDR_DEPRECATED :
								 IP6_ADDR_PREFERRED);
		}
	}
}

/* ---- Addresses ---- */

/*
 * lwIP takes a static address for one with an on-link /64. So ours have lifetimes, and what is on
 * the link says the prefix that was advertised, or cb_ip6_hook_gateway.
 */
static void use_address(const uint8_t bytes[16], uint32_t preferred_s, uint32_t valid_s)
{
	ip6_addr_t address = address_of(bytes);
	s8_t at = LWIP_IPV6_NUM_ADDRESSES - 1;

	if (netif_add_ip6_address(netif(), &address, &at) != ERR_OK) {
		/* Advertisements have filled the table: the last one of them has to go. */
		netif_ip6_addr_set_state(netif(), at, IP6_ADDR_INVALID);
		netif_ip6_addr_set(netif(), at, &address);
		netif_ip6_addr_set_state(netif(), at, IP6_ADDR_TENTATIVE);
	}
	netif_ip6_addr_set_valid_life(netif(), at, valid_s);
	netif_ip6_addr_set_pref_life(netif(), at, preferred_s);
}

const ip6_addr_t *cb_ip6_address(void)
{
	for (unsigned i = SLOT_LINK_LOCAL + 1; i < LWIP_IPV6_NUM_ADDRESSES; i++)
		if (ip6_addr_isvalid(netif_ip6_addr_state(netif(), i)))
			return netif_ip6_addr(netif(), i);
	return NULL;
}

const ip6_addr_t *cb_ip6_router(void)
{
	for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS; i++)
		if (default_router_list[i].neighbor_entry &&
		    default_router_list[i].invalidation_timer)
			return &default_router_list[i].neighbor_entry->next_hop_address;
	return NULL;
}

/*
 * Who advertises and is no router (lifetime 0) would be one for lwIP until its next tick, and so would
 * the last one that takes itself back.
 */
static void drop_ended_routers(void)
{
	for (unsigned i = 0; i < LWIP_ND6_NUM_ROUTERS; i++) {
		struct nd6_router_list_entry *router = &default_router_list[i];

		if (!router->neighbor_entry || router->invalidation_timer)
			continue;
		router->neighbor_entry->isrouter = 0;
		router->neighbor_entry = NULL;
		nd6_clear_destination_cache();
	}
}

static bool is_in_prefix(const uint8_t *a, const uint8_t *b, unsigned prefix_len)
{
	unsigned whole = prefix_len / 8, rest = prefix_len % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

const struct ip6_addr *cb_ip6_hook_gateway(struct netif *from, const struct ip6_addr *to)
{
	static const uint8_t none[16];
	static ip6_addr_t gateway; /* lwIP copies it at once */
	const struct cb_config_ipv6 *fixed = cb_net_state.params.ipv6;

	(void)from;
	if (!fixed)
		return NULL;
	if (is_in_prefix((const uint8_t *)to->addr, fixed->address, fixed->prefix_len))
		return to;
	if (memcmp(fixed->gateway, none, sizeof(none)) == 0)
		return NULL;
	gateway = address_of(fixed->gateway);
	return &gateway;
}

/* ---- Router advertisements ---- */

static bool is_for_us(const struct cb_bytes packet)
{
	ip6_addr_t to = address_of(packet.p + 24);

	return ip6_addr_ismulticast(&to) || netif_get_ip6_addr_match(netif(), &to) >= 0;
}

static void note_advert(const struct cb_advert *advert)
{
	struct cb_ip6 *ip6 = &cb_net_state.ip6;
	unsigned n_dns = ip6->advert.n_dns;

	/* One without servers does not take back those of another. */
	if (advert->n_dns == 0) {
		struct cb_advert with_old_dns = *advert;

		with_old_dns.n_dns = n_dns;
		memcpy(with_old_dns.dns, ip6->advert.dns, sizeof(with_old_dns.dns));
		ip6->advert = with_old_dns;
	} else {
		ip6->advert = *advert;
	}
	if (advert->lifetime_s)
		ip6->next_solicit_ms = UINT64_MAX;
	if (advert->is_managed || advert->has_other)
		cb_dhcp6_start(&ip6->dhcp6, cb_net_state.params.mac, advert->is_managed);
}

int cb_ip6_hook_input(struct pbuf *p, struct netif *from)
{
	struct cb_bytes packet = { p->payload, p->len };
	struct cb_advert advert;
	bool is_wanted = p->next == NULL && cb_ip6_is_wanted(packet);

	(void)from;
	if (is_wanted && packet.p[6] == IP6_NEXTH_ICMP6 && cb_ip6_read_advert(packet, &advert)) {
		if (cb_net_state.params.ipv6)
			is_wanted = false;
		else if (is_for_us(packet))
			note_advert(&advert);
	}
	return is_wanted ? 0 : cb_frame_drop(p);
}

/* ---- DHCPv6 ---- */

static void on_dhcp6(void *arg, struct udp_pcb *udp, struct pbuf *p, const ip_addr_t *from,
		     u16_t port)
{
	struct cb_dhcp6 *d = &cb_net_state.ip6.dhcp6;
	const struct cb_platform *platform = cb_net_state.params.platform;
	struct cb_bytes message = { p->payload, p->len };

	(void)arg;
	(void)udp;
	(void)from;
	(void)port;
	if (cb_dhcp6_input(d, message, platform->now_ms(platform->ctx)) &&
	    d->phase == CB_DHCP6_BOUND)
		use_address(d->address, d->preferred_s, d->valid_s);
	pbuf_free(p);
}

static void send_dhcp6(uint64_t now_ms)
{
	uint8_t message[CB_DHCP6_MESSAGE_MAX];
	ip_addr_t to = IPADDR6_INIT_HOST(0xff020000, 0, 0, 0x00010002);
	struct cb_dhcp6 *d = &cb_net_state.ip6.dhcp6;
	struct pbuf *p;
	size_t len;

	if (d->phase == CB_DHCP6_OFF || now_ms < d->next_ms)
		return;
	len = cb_dhcp6_step(d, now_ms, cb_net_random32(), message);
	p = len ? pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM) : NULL;
	if (!p)
		return;
	memcpy(p->payload, message, len);
	udp_sendto_if(cb_net_state.ip6.udp, p, &to, CB_DHCP6_SERVER_PORT, netif());
	pbuf_free(p);
}

/* ---- Life ---- */

static void start_soliciting(void)
{
	cb_net_state.ip6.next_solicit_ms = cb_net_state.params.ipv6 ? UINT64_MAX : 0;
	cb_net_state.ip6.solicit_wait_ms = FIRST_SOLICIT_WAIT_MS;
}

void cb_ip6_link_up(void)
{
	/* It may be another network: the next advertisement starts DHCPv6 anew. */
	cb_net_state.ip6.dhcp6.phase = CB_DHCP6_OFF;
	start_soliciting();
}

enum cb_err cb_ip6_start(void)
{
	struct cb_ip6 *ip6 = &cb_net_state.ip6;
	const struct cb_config_ipv6 *fixed = cb_net_state.params.ipv6;

	memset(ip6, 0, sizeof(*ip6));
	ip6->udp = udp_new_ip_type(IPADDR_TYPE_V6);
	if (!ip6->udp || udp_bind(ip6->udp, IP6_ADDR_ANY, CB_DHCP6_CLIENT_PORT) != ERR_OK)
		return CB_NO_MEMORY;
	udp_recv(ip6->udp, on_dhcp6, NULL);
	cb_ip6_link_up();
	netif_create_ip6_linklocal_address(netif(), 1);
	if (fixed)
		use_address(fixed->address, IP6_ADDR_LIFE_INFINITE, IP6_ADDR_LIFE_INFINITE);
	return CB_OK;
}

void cb_ip6_stop(void)
{
	struct cb_ip6 *ip6 = &cb_net_state.ip6;

	if (ip6->udp)
		udp_remove(ip6->udp);
	memset(ip6, 0, sizeof(*ip6));
}

uint64_t cb_ip6_poll(uint64_t now_ms)
{
	struct cb_ip6 *ip6 = &cb_net_state.ip6;
	uint64_t wake_ms;

	if (!netif_is_link_up(netif()))
		return UINT64_MAX;
	detect_duplicates(now_ms);
	drop_ended_routers();
	/* The link-local address is somebody else's: nothing can be asked for. */
	if (!ip6_addr_isvalid(netif_ip6_addr_state(netif(), SLOT_LINK_LOCAL)))
		return UINT64_MAX;
	if (ip6->next_solicit_ms == UINT64_MAX && !cb_net_state.params.ipv6 && !cb_ip6_router())
		start_soliciting(); /* it was there, and is gone */
	if (now_ms >= ip6->next_solicit_ms) {
		solicit_router();
		ip6->next_solicit_ms = now_ms + ip6->solicit_wait_ms;
		if (ip6->solicit_wait_ms < LONGEST_SOLICIT_WAIT_MS)
			ip6->solicit_wait_ms *= 2;
	}
	send_dhcp6(now_ms);
	wake_ms = ip6->next_solicit_ms;
	if (ip6->dhcp6.phase != CB_DHCP6_OFF && ip6->dhcp6.next_ms < wake_ms)
		wake_ms = ip6->dhcp6.next_ms;
	if (ip6->fixed_ready_ms > now_ms && ip6->fixed_ready_ms < wake_ms)
		wake_ms = ip6->fixed_ready_ms;
	return wake_ms;
}
