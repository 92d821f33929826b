/* SPDX-License-Identifier: MIT */
/* The two ways to drive an interface, behind nic.h. */
#ifndef CB_EFI_NIC_OPS_H
#define CB_EFI_NIC_OPS_H

#include "nic.h"

struct cb_nic_ops {
	void (*close)(struct cb_nic *nic);
	bool (*has_link)(struct cb_nic *nic);
	/* Receives one frame into frame[CB_NET_FRAME_MAX]; 0 when none waits. */
	size_t (*receive)(struct cb_nic *nic, uint8_t *frame);
	bool (*transmit)(struct cb_nic *nic, const uint8_t *frame, size_t len);
};

struct cb_nic {
	const struct cb_nic_ops *ops;
	EFI_HANDLE handle;
	uint8_t mac[6];
	uint16_t mtu;
	bool is_shared;
	uint8_t *frame; /* receive buffer that waits for a frame */
	void *driver; /* of snp.c or mnp.c */
};

/* Fill in ops, mac, mtu and driver. NET_NO_DEVICE, NO_MEMORY. */
enum cb_err cb_snp_open(struct cb_nic *nic);
enum cb_err cb_mnp_open(struct cb_nic *nic);

#endif
