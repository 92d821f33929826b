/* SPDX-License-Identifier: MIT */
/* One network interface of the firmware: Simple Network opened exclusively, else Managed Network. */
#ifndef CB_EFI_NIC_H
#define CB_EFI_NIC_H

#include "core/err.h"
#include "uefi.h"

#define CB_NIC_MAX 16
#define CB_NIC_BATCH 64 /* frames of one poll at most */

/* An interface that may be tried. */
struct cb_nic_candidate {
	EFI_HANDLE handle;
	unsigned rank; /* lower is better */
	size_t path_len; /* of its device path */
	uint8_t mac[6];
};

/* Lists the interfaces, best first; returns how many. */
unsigned cb_nic_list(struct cb_nic_candidate ret[CB_NIC_MAX]);

struct cb_nic; /* opaque */

/* NET_NO_DEVICE when neither way works; NO_MEMORY. */
enum cb_err cb_nic_open(const struct cb_nic_candidate *candidate, struct cb_nic **ret);
/* Stops the hardware and frees. NULL is fine. */
void cb_nic_close(struct cb_nic *nic);
/* The same, and takes the driver off it so that no receive ring stays armed. */
void cb_nic_close_for_good(struct cb_nic *nic);

const uint8_t *cb_nic_mac(const struct cb_nic *nic);
uint16_t cb_nic_mtu(const struct cb_nic *nic);
/* True when it shares the interface with the firmware's own network stack. */
bool cb_nic_is_shared(const struct cb_nic *nic);
/* Asks the hardware; true when it can't tell. */
bool cb_nic_has_link(struct cb_nic *nic);
/* Hands what was received to cb_net_input; returns how many frames. */
unsigned cb_nic_poll(struct cb_nic *nic);
/* For struct cb_net_params: link is the nic. */
bool cb_nic_transmit(void *nic, const uint8_t *frame, size_t len);

#endif
