/* SPDX-License-Identifier: MIT */
/* What the files of net/ share. */
#ifndef CB_NET_PRIVATE_H
#define CB_NET_PRIVATE_H

#include "lwip/netif.h"
#include "net/dhcp6.h"
#include "net/ip6filter.h"
#include "net/net.h"

#define CB_NET_TAG_LEN 4u /* bytes of a VLAN tag */
#define CB_NET_TIMERS 7 /* that lwIP has: TCP, ARP, DHCP coarse and fine, DNS, ND6, MLD6 */

enum cb_family { CB_FAMILY_IPV6, CB_FAMILY_IPV4, CB_N_FAMILIES };

/* ip6.c */
struct cb_ip6 {
	struct cb_dhcp6 dhcp6;
	struct udp_pcb *udp; /* for DHCPv6 */
	struct cb_advert advert; /* the last one */
	uint64_t next_solicit_ms; /* UINT64_MAX: a router has answered */
	uint32_t solicit_wait_ms;
	uint64_t next_ask_ms; /* for neighbours that lwIP does not ask for */
	uint64_t fixed_ready_ms; /* when nobody has claimed the static address; 0: not asked yet */
};

struct cb_net_state {
	struct cb_net_params params;
	struct netif netif;
	bool is_started;
	uint64_t started_ms;
	uint64_t timer_ms[CB_NET_TIMERS]; /* when each of lwIP's timers is due */
	struct cb_ip6 ip6;
	ip_addr_t dns4[CB_CONFIG_MAX_DNS];
	char near[CB_NET_NEAR_MAX + 1];
	enum cb_family first_family; /* the one that is tried first */
	enum cb_family first_dns; /* the one whose DNS servers are asked first */
	uint64_t next_dns_switch_ms, next_doubt_ms;
	struct cb_stream *streams;
	unsigned n_streams;
	uint32_t n_opened[CB_N_FAMILIES]; /* connections that stood */
	uint32_t last_stream_id;
	uint64_t n_frames_in, n_frames_out, n_frames_dropped;
	uint8_t tx[CB_NET_FRAME_MAX]; /* a frame put together from several pbufs */
};

extern struct cb_net_state cb_net_state;

/* timers.c: lwIP's timers from now on; runs those that are due, returns when the next one is. */
void cb_timers_start(uint64_t now_ms);
uint64_t cb_timers_poll(uint64_t now_ms);

/* frame.c: the pool of receive buffers. */
void cb_frames_done(void);
/* For lwIP, which sees it by lwiphooks.h: see there. */
int cb_ip4_hook_input(struct pbuf *p, struct netif *from);
/* A packet that is not wanted; 1, for the hooks. */
int cb_frame_drop(struct pbuf *p);

/* net.c: has it an address that reaches beyond the link? */
bool cb_net_has_family(enum cb_family family);
/* An answer is overdue: asks anew who has the router's address. */
void cb_net_doubt(uint64_t now_ms);

/* ip6.c: addresses by advertisements and DHCPv6. */
enum cb_err cb_ip6_start(void);
void cb_ip6_stop(void);
/* Asks for routers anew. */
void cb_ip6_link_up(void);
/* Returns when it wants to be called again, at the latest. */
uint64_t cb_ip6_poll(uint64_t now_ms);
/* Asks all anew for the hardware addresses of neighbours. */
void cb_ip6_doubt(void);
/* Asks for hardware addresses that lwIP does not ask for; after connections went on. */
void cb_ip6_ask_neighbours(uint64_t now_ms);
/* The first address beyond the link; NULL when there is none. */
const ip6_addr_t *cb_ip6_address(void);
/* The default router; NULL when there is none. */
const ip6_addr_t *cb_ip6_router(void);

/* For lwIP, which sees them by lwiphooks.h: see there. */
int cb_ip6_hook_input(struct pbuf *p, struct netif *from);
const ip6_addr_t *cb_ip6_hook_gateway(struct netif *from, const ip6_addr_t *to);

/* servers.c: a DNS server that DHCPv4 or the configuration names; then all of them to lwIP. */
void cb_servers_set_ipv4(uint8_t at, const ip_addr_t *server);
void cb_servers_update(void);
/* Another option of a DHCP message of that type: len bytes at offset of p. */
void cb_servers_hook_option(uint8_t type, uint8_t option, uint8_t len, struct pbuf *p,
			    uint16_t offset);
/* Names and servers, of whatever network told them. */
void cb_servers_forget(void);
/* An answer is overdue: the other family's servers go first, for some seconds at least. */
void cb_servers_silent(uint64_t now_ms);

/* stream.c */
void cb_streams_fail_all(void);
void cb_streams_flush(void);
/* Goes on with connections that are being opened; returns when it wants to be called again. */
uint64_t cb_streams_poll(uint64_t now_ms);

#endif
