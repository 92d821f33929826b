/* SPDX-License-Identifier: MIT */
/* A firmware with network adapters: as much of UEFI as efi/network.c, nic.c and snp.c take, on Linux. */
#ifndef TESTS_UNIT_ADAPTERS_H
#define TESTS_UNIT_ADAPTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The real headers are left out. */
#define CB_EFI_UEFI_H
#define CB_EFI_PROTO_MNP_H
#define VOID void
#define TRUE 1
#define EFI_SUCCESS 0ull
#define EFI_NOT_READY 6ull
#define EFI_DEVICE_ERROR 7ull
#define EFI_NOT_FOUND 14ull
#define EFI_ACCESS_DENIED 15ull
#define EFI_ERROR(status) ((status) != 0)
#define EFI_OPEN_PROTOCOL_EXCLUSIVE 0x20u
#define EFI_SIMPLE_NETWORK_RECEIVE_UNICAST 1u
#define EFI_SIMPLE_NETWORK_RECEIVE_BROADCAST 4u
#define EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS 8u
#define EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS_MULTICAST 16u
/* clang-format off */
#define EFI_SIMPLE_NETWORK_PROTOCOL_GUID { 1, 0, 0, { 0 } }
#define DEVICE_PATH_PROTOCOL { 2, 0, 0, { 0 } }
#define CB_MNP_SERVICE_BINDING_GUID { 3, 0, 0, { 0 } }
/* clang-format on */

typedef uint64_t UINTN, EFI_STATUS;
typedef uint32_t UINT32;
typedef uint8_t UINT8, BOOLEAN;
typedef void *EFI_HANDLE;
typedef struct {
	uint32_t a;
	uint16_t b, c;
	uint8_t d[8];
} EFI_GUID;
typedef struct {
	uint8_t type, sub_type, len[2];
} EFI_DEVICE_PATH;

enum { EfiSimpleNetworkStopped, EfiSimpleNetworkStarted, EfiSimpleNetworkInitialized };

typedef struct {
	UINT32 State, HwAddressSize, ReceiveFilterMask, MaxPacketSize;
	struct {
		UINT8 Addr[32];
	} CurrentAddress;
	BOOLEAN MediaPresentSupported, MediaPresent;
} EFI_SIMPLE_NETWORK_MODE;

typedef struct EFI_SIMPLE_NETWORK_PROTOCOL {
	EFI_SIMPLE_NETWORK_MODE *Mode;
	EFI_STATUS (*Start)(struct EFI_SIMPLE_NETWORK_PROTOCOL *self);
	EFI_STATUS (*Stop)(struct EFI_SIMPLE_NETWORK_PROTOCOL *self);
	EFI_STATUS (*Shutdown)(struct EFI_SIMPLE_NETWORK_PROTOCOL *self);
	EFI_STATUS (*Initialize)(struct EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN rx, UINTN tx);
	EFI_STATUS(*ReceiveFilters)
	(struct EFI_SIMPLE_NETWORK_PROTOCOL *self, UINT32 on, UINT32 off, BOOLEAN reset,
	 UINTN n_groups, void *groups);
	EFI_STATUS(*GetStatus)
	(struct EFI_SIMPLE_NETWORK_PROTOCOL *self, UINT32 *interrupts, void **done);
	EFI_STATUS(*Transmit)
	(struct EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN header_len, UINTN len, void *frame,
	 void *from, void *to, void *protocol);
	EFI_STATUS(*Receive)
	(struct EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN *header_len, UINTN *len, void *frame,
	 void *from, void *to, void *protocol);
} EFI_SIMPLE_NETWORK_PROTOCOL;

/* An adapter of the firmware. */
struct adapter {
	EFI_SIMPLE_NETWORK_PROTOCOL snp; /* first: handed back as self */
	EFI_SIMPLE_NETWORK_MODE mode;
	EFI_DEVICE_PATH path[3]; /* the bus, the adapter, the end */
	bool is_absent; /* not there, or not any more */
	bool has_no_cable, has_no_lease;
	bool is_managed; /* the firmware's stack sits on it, and lets us share it */
	bool is_taken; /* by another program */
	bool does_not_start, does_not_initialize, filters_nothing;
	bool is_from_ipxe;
	bool is_open, is_disconnected;
	unsigned n_opened, n_shutdowns, n_waiting; /* waiting: frames */
};

#define MAX_ADAPTERS 20u

#define ADAPTERS_MAX 20u

struct firmware {
	struct adapter at[ADAPTERS_MAX];
	unsigned n, n_pools, n_connects;
	uint64_t now_ms;
};

extern struct firmware firmware;

struct boot_services {
	EFI_STATUS(*OpenProtocol)
	(EFI_HANDLE handle, EFI_GUID *guid, void **ret, EFI_HANDLE agent, EFI_HANDLE controller,
	 UINT32 how);
	EFI_STATUS(*CloseProtocol)
	(EFI_HANDLE handle, EFI_GUID *guid, EFI_HANDLE agent, EFI_HANDLE controller);
	EFI_STATUS (*LocateDevicePath)(EFI_GUID *guid, EFI_DEVICE_PATH **path, EFI_HANDLE *ret);
	EFI_STATUS(*DisconnectController)
	(EFI_HANDLE controller, EFI_HANDLE driver, EFI_HANDLE child);
};

struct loaded_image {
	EFI_HANDLE DeviceHandle;
};

struct cb_uefi {
	EFI_HANDLE image;
	struct boot_services *bs;
	struct loaded_image *loaded;
};

extern struct cb_uefi cb_uefi;

/* What efi/uefi.h has of functions. */
void *cb_uefi_protocol(EFI_HANDLE handle, const EFI_GUID *guid);
EFI_HANDLE *cb_uefi_handles(const EFI_GUID *guid, size_t *ret_n);
void cb_uefi_pool_free(void *p);
bool cb_uefi_is_from_ipxe(EFI_HANDLE handle);
void cb_uefi_connect_drivers(void);
size_t cb_uefi_path_len(const EFI_DEVICE_PATH *path);

/* A firmware without adapters, one second after power-on. */
void adapters_init(void);
/* One more, with cable and lease; its faults are set in it. The n-th has the address 02:00:00:00:00:n. */
struct adapter *adapters_add(void);
EFI_STATUS adapters_close(EFI_HANDLE handle, EFI_GUID *wanted, EFI_HANDLE agent,
			  EFI_HANDLE controller);

#endif
