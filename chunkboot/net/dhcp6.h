/* SPDX-License-Identifier: MIT */
/* A DHCPv6 client as a step machine (RFC 8415): bytes in, bytes out, no stack, no clock. */
#ifndef CB_NET_DHCP6_H
#define CB_NET_DHCP6_H

#include "core/bytes.h"

/*
 * It asks for one address and DNS servers (stateful), or for DNS servers alone (stateless), as
 * router advertisements say. The first offer is taken, as with DHCPv4: waiting a second for better
 * ones (§18.2.9) would cost each boot that second, and the network is not believed anyway. A server
 * that knows Rapid Commit is done after two messages. In place of RENEW the whole exchange is run
 * again half-way through the preferred lifetime; the server knows us by the same DUID and IAID.
 */

#define CB_DHCP6_MAX_DNS 2
#define CB_DHCP6_MAX_DUID 130 /* bytes of a server's DUID, §11.1 */
#define CB_DHCP6_MESSAGE_MAX 256 /* bytes of what is sent */
#define CB_DHCP6_CLIENT_PORT 546
#define CB_DHCP6_SERVER_PORT 547

enum cb_dhcp6_phase {
	CB_DHCP6_OFF,
	CB_DHCP6_SOLICIT,
	CB_DHCP6_REQUEST,
	CB_DHCP6_INFORM,
	CB_DHCP6_BOUND, /* has an address */
	CB_DHCP6_INFORMED, /* has what there is without an address */
};

struct cb_dhcp6 {
	enum cb_dhcp6_phase phase;
	uint8_t mac[6];
	uint32_t transaction; /* 24 bits */
	unsigned n_sent; /* times of this message */
	uint32_t wait_ms; /* between the last two of them */
	uint64_t first_ms, next_ms; /* of the first one; of the next event */
	uint8_t server[CB_DHCP6_MAX_DUID];
	size_t server_len;
	/* What was offered, and in BOUND and INFORMED what is so. */
	uint8_t address[16];
	uint32_t preferred_s, valid_s; /* UINT32_MAX: for ever */
	unsigned n_dns;
	uint8_t dns[CB_DHCP6_MAX_DNS][16];
};

/* Starts, or goes over from stateless to stateful; without effect when it is that far already. */
void cb_dhcp6_start(struct cb_dhcp6 *d, const uint8_t mac[6], bool wants_address);
/* What is to be sent now; 0 when nothing is due before d->next_ms. random: fresh at each call. */
size_t cb_dhcp6_step(struct cb_dhcp6 *d, uint64_t now_ms, uint32_t random,
		     uint8_t out[CB_DHCP6_MESSAGE_MAX]);
/* A datagram from port 547. True when it has led to BOUND or INFORMED. */
bool cb_dhcp6_input(struct cb_dhcp6 *d, struct cb_bytes message, uint64_t now_ms);

#endif
