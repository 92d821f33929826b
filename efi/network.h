/* SPDX-License-Identifier: MIT */
/* Brings the network up without blocking: interface after interface until one has an address. */
#ifndef CB_EFI_NETWORK_H
#define CB_EFI_NETWORK_H

#include "core/config.h"
#include "core/platform.h"
#include "nic.h"

enum cb_network_phase {
	CB_NETWORK_OFF,
	CB_NETWORK_LINK, /* waits for the cable */
	CB_NETWORK_ADDRESS, /* waits for the address */
	CB_NETWORK_UP,
	CB_NETWORK_FAILED, /* err says why */
};

struct cb_network {
	const struct cb_platform *platform;
	const struct cb_config_ipv4 *ipv4; /* NULL: DHCP */
	const struct cb_config_ipv6 *ipv6; /* NULL: advertisements and DHCPv6 */
	uint16_t vlan_id; /* 0: none */
	/* Says a line to the person; text is valid during the call. */
	void (*say)(void *ctx, const char *text);
	void *say_ctx;

	enum cb_network_phase phase;
	enum cb_err err;
	struct cb_nic_candidate candidates[CB_NIC_MAX];
	unsigned n_candidates, at;
	unsigned n_rounds; /* through all of them, in vain */
	bool is_driver_off; /* stopped for good before a kernel that came back */
	bool has_told_ipv4, has_told_ipv6; /* the address */
	struct cb_nic *nic;
	uint64_t deadline_ms, next_link_check_ms, last_frame_ms;
};

/* Starts (again) with the best interface. Fill in the members above phase before. */
void cb_network_start(struct cb_network *net);
/* Asks for addresses, routers and servers anew, on the interface that it has. */
void cb_network_renew(struct cb_network *net);
/* Receives, sends, runs timers. Returns true when frames came in. */
bool cb_network_step(struct cb_network *net);
/* Stops; for_good takes the driver off the hardware, as is due before a kernel starts. */
void cb_network_stop(struct cb_network *net, bool for_good);

#endif
