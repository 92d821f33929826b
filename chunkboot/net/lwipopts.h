/* SPDX-License-Identifier: MIT */
/* lwIP's configuration: a TCP client with DHCP and DNS, and nothing that a boot does not need. */
#ifndef CB_NET_LWIPOPTS_H
#define CB_NET_LWIPOPTS_H

#include <stdint.h>

/* One thread polls it; there is no operating system below. */
#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0
#define LWIP_TIMERS 0 /* timers.c */
#define LWIP_SINGLE_NETIF 1

/* Memory: the platform's malloc for everything; frames received come as custom pbufs. */
#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 16
#define LWIP_SUPPORT_CUSTOM_PBUF 1
#define PBUF_POOL_SIZE 0

/* Protocols. No reassembly: nothing we talk to fragments, and fragments were a source of holes. */
#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ETHERNET 1
#define LWIP_ARP 1
#define LWIP_ICMP 0
#define LWIP_RAW 0
#define LWIP_UDP 1
#define LWIP_TCP 1
#define LWIP_IGMP 0
#define LWIP_AUTOIP 0
#define LWIP_ACD 0
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define IP_FORWARD 0
#define IP_OPTIONS_ALLOWED 0
#define LWIP_STATS 0
#define LWIP_NETIF_LINK_CALLBACK 0
#define LWIP_NETIF_STATUS_CALLBACK 0

/*
 * IPv6: ip6filter.c stands before all of it. Router solicitations, DNS servers of advertisements
 * and DHCPv6 are our own (ip6.c), as lwIP knows no stateful DHCPv6 and would wait a second before
 * it asks. Duplicate address detection: see ip6.c; three is the number of questions for a static
 * address before lwIP would take it by itself.
 */
#define LWIP_IPV6_REASS 0
#define LWIP_IPV6_FRAG 0
#define LWIP_IPV6_FORWARD 0
#define LWIP_IPV6_SEND_ROUTER_SOLICIT 0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 3
#define LWIP_IPV6_NUM_ADDRESSES 4
#define LWIP_ND6_RDNSS_MAX_DNS_SERVERS 0
#define LWIP_ND6_NUM_NEIGHBORS 16
#define LWIP_ND6_NUM_DESTINATIONS 32
#define MEMP_NUM_ND6_QUEUE 32

/* Without a queue, connections opened together wait for each other's ARP answer. */
#define ARP_QUEUEING 1
#define ARP_QUEUE_LEN 32
#define ARP_TABLE_SIZE 8

#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DHCP_MAX_DNS_SERVERS 2
#define LWIP_DNS 1
#define DNS_MAX_SERVERS 4 /* two of each family */
#define DNS_TABLE_SIZE 32 /* names, once for each family */
#define DNS_MAX_REQUESTS DNS_TABLE_SIZE /* with more, lwIP 2.2.1 looks past the end of the table */
#define DNS_MAX_NAME_LENGTH 256
#define DNS_MAX_TTL 300 /* seconds at most that an answer is believed: it may be an attacker's */
#define DNS_MAX_RETRIES 3 /* of a server: four seconds until the next one is asked */

/*
 * Several moderate windows instead of one large one: a path's queue overflows on the latter. The
 * coarse timer runs at 200 ms, so that a lost request costs a fraction of a second.
 */
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 7
#define TCP_WND (256 * 1024)
/* Below a quarter of 64 KiB, the window of peers that can't scale: else it would close for good. */
#define TCP_WND_UPDATE_THRESHOLD (16 * 1024 - 1)
#define TCP_SND_BUF (16 * TCP_MSS)
#define TCP_SND_QUEUELEN 64
#define TCP_SNDLOWAT (4 * TCP_MSS)
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_MAX_SACK_NUM 4
#define LWIP_TCP_RTO_TIME 1000
#define TCP_TMR_INTERVAL 100
#define TCP_SYNMAXRTX 9 /* one a second, with LWIP_TCP_RTO_TIME: ten seconds in all */
#define TCP_LISTEN_BACKLOG 0
#define SO_REUSE 0
#define MEMP_NUM_TCP_PCB 64

/* Checked in software, by our own unrolled loop. */
uint16_t cb_net_checksum(const void *data, int len);
#define LWIP_CHKSUM cb_net_checksum
#define LWIP_CHECKSUM_ON_COPY 0

/* Unpredictable ports, DNS and DHCP ids, and initial sequence numbers (lwiphooks.h). */
uint32_t cb_net_random32(void);
#define LWIP_RAND() cb_net_random32()
#define LWIP_HOOK_FILENAME "lwiphooks.h"

#define LWIP_NOASSERT 1
#define LWIP_ERR_T int

#endif
