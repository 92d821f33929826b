/* SPDX-License-Identifier: MIT */
/* Managed Network Protocol (UEFI 2.10 §25.1), as far as it is used here. */
#ifndef CB_EFI_PROTO_MNP_H
#define CB_EFI_PROTO_MNP_H

#include <efi.h>

#define CB_MNP_SERVICE_BINDING_GUID                                                                \
	{                                                                                          \
		0xf36ff770, 0xa7e1, 0x42cf,                                                        \
		{                                                                                  \
			0x9e, 0xd2, 0x56, 0xf0, 0xf2, 0x71, 0xf4, 0x4c                             \
		}                                                                                  \
	}
#define CB_MNP_GUID                                                                                \
	{                                                                                          \
		0x7ab33a91, 0xace5, 0x4326,                                                        \
		{                                                                                  \
			0xb5, 0x72, 0xe7, 0xee, 0x33, 0xd3, 0x9f, 0x16                             \
		}                                                                                  \
	}

struct cb_service_binding {
	EFI_STATUS(EFIAPI *create_child)(struct cb_service_binding *self, EFI_HANDLE *child);
	EFI_STATUS(EFIAPI *destroy_child)(struct cb_service_binding *self, EFI_HANDLE child);
};

struct cb_mnp_config {
	UINT32 receive_timeout, transmit_timeout; /* 100 ns; 0: none */
	UINT16 protocol_filter; /* 0: all */
	BOOLEAN unicast, multicast, broadcast, promiscuous;
	BOOLEAN flush_on_reset, timestamps, no_background_polling;
};

struct cb_mnp_receive_data {
	EFI_TIME timestamp;
	EFI_EVENT recycle;
	UINT32 packet_len, header_len, address_len, data_len;
	BOOLEAN is_broadcast, is_multicast, is_promiscuous;
	UINT16 protocol;
	VOID *destination, *source, *header, *data;
};

struct cb_mnp_transmit_data {
	EFI_MAC_ADDRESS *destination, *source; /* NULL: the fragment holds the header */
	UINT16 protocol;
	UINT32 data_len;
	UINT16 header_len, n_fragments;
	struct {
		UINT32 len;
		VOID *p;
	} fragment[1];
};

struct cb_mnp_token {
	EFI_EVENT event;
	EFI_STATUS status;
	union {
		struct cb_mnp_receive_data *rx;
		struct cb_mnp_transmit_data *tx;
	} packet;
};

struct cb_mnp {
	EFI_STATUS(EFIAPI *get_mode_data)
	(struct cb_mnp *self, struct cb_mnp_config *config, EFI_SIMPLE_NETWORK_MODE *mode);
	EFI_STATUS(EFIAPI *configure)(struct cb_mnp *self, struct cb_mnp_config *config);
	VOID *mcast_ip_to_mac, *groups;
	EFI_STATUS(EFIAPI *transmit)(struct cb_mnp *self, struct cb_mnp_token *token);
	EFI_STATUS(EFIAPI *receive)(struct cb_mnp *self, struct cb_mnp_token *token);
	EFI_STATUS(EFIAPI *cancel)(struct cb_mnp *self, struct cb_mnp_token *token);
	EFI_STATUS(EFIAPI *poll)(struct cb_mnp *self);
};

#endif
