/* SPDX-License-Identifier: MIT */
/* Which network interface to use, and what both ways of driving one share. */
#include "nic.h"

#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "nic_ops.h"
#include "proto/mnp.h"

#define RANK_LOADED_FROM 0u /* the loader came over it, and it is managed as below */
#define RANK_LOADED_FROM_UNMANAGED 1u
#define RANK_MANAGED 2u /* the firmware's network stack sits on it: a real interface */
#define RANK_OTHER 3u

static const EFI_GUID snp_guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;
static const EFI_GUID path_guid = DEVICE_PATH_PROTOCOL;

/* Does the path to the loader begin with the path of this handle? */
static bool is_on_our_path(EFI_HANDLE handle)
{
	const EFI_DEVICE_PATH *path = cb_uefi_protocol(handle, &path_guid);
	const EFI_DEVICE_PATH *ours = cb_uefi_protocol(cb_uefi.loaded->DeviceHandle, &path_guid);
	size_t len = cb_uefi_path_len(path), our_len = cb_uefi_path_len(ours);

	if (len <= 4 || our_len < len)
		return false;
	return memcmp(path, ours, len - 4) == 0; /* without the end node */
}

static unsigned rank_of(EFI_HANDLE handle)
{
	static const EFI_GUID managed_guid = CB_MNP_SERVICE_BINDING_GUID;
	bool is_managed = cb_uefi_protocol(handle, &managed_guid) != NULL;

	if (is_on_our_path(handle))
		return is_managed ? RANK_LOADED_FROM : RANK_LOADED_FROM_UNMANAGED;
	return is_managed ? RANK_MANAGED : RANK_OTHER;
}

/*
 * Of two handles to the same hardware: the better rank; on the way to the loader the end of it, since a network
 * boot program (iPXE) holds the firmware's handle and offers one of its own behind it.
 */
static bool is_better(const struct cb_nic_candidate *a, const struct cb_nic_candidate *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->rank <= RANK_LOADED_FROM_UNMANAGED && a->path_len > b->path_len;
}

/* Keeps the list in order. */
static unsigned insert(struct cb_nic_candidate *list, unsigned n, struct cb_nic_candidate new)
{
	unsigned at = 0;

	for (unsigned i = 0; i < n; i++) {
		if (memcmp(list[i].mac, new.mac, sizeof(new.mac)) != 0)
			continue;
		if (!is_better(&new, &list[i]))
			return n;
		memmove(&list[i], &list[i + 1], (n - i - 1) * sizeof(*list));
		n--;
		break;
	}
	if (n == CB_NIC_MAX)
		return n;
	while (at < n && list[at].rank <= new.rank)
		at++;
	memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
	list[at] = new;
	return n + 1;
}

unsigned cb_nic_list(struct cb_nic_candidate ret[CB_NIC_MAX])
{
	size_t n_handles;
	EFI_HANDLE *handles = cb_uefi_handles(&snp_guid, &n_handles);
	unsigned n = 0;

	for (size_t i = 0; i < n_handles; i++) {
		EFI_SIMPLE_NETWORK_PROTOCOL *snp = cb_uefi_protocol(handles[i], &snp_guid);
		struct cb_nic_candidate candidate = { .handle = handles[i] };

		if (!snp || !snp->Mode || snp->Mode->HwAddressSize != sizeof(candidate.mac))
			continue;
		memcpy(candidate.mac, snp->Mode->CurrentAddress.Addr, sizeof(candidate.mac));
		candidate.rank = rank_of(handles[i]);
		candidate.path_len = cb_uefi_path_len(cb_uefi_protocol(handles[i], &path_guid));
		n = insert(ret, n, candidate);
	}
	cb_uefi_pool_free(handles);
	return n;
}

enum cb_err cb_nic_open(const struct cb_nic_candidate *candidate, struct cb_nic **ret)
{
	struct cb_nic *nic = calloc(1, sizeof(*nic));
	enum cb_err err;

	if (!nic)
		return CB_NO_MEMORY;
	nic->handle = candidate->handle;
	err = cb_snp_open(nic);
	if (err == CB_NET_NO_DEVICE) {
		nic->is_shared = true;
		err = cb_mnp_open(nic);
	}
	if (err) {
		free(nic);
		return err;
	}
	*ret = nic;
	return CB_OK;
}

void cb_nic_close(struct cb_nic *nic)
{
	if (!nic)
		return;
	nic->ops->close(nic);
	cb_net_frame_free(nic->frame);
	free(nic);
}

/* The handle of the bus device whose driver made this interface. */
static EFI_HANDLE bus_handle_of(EFI_HANDLE handle)
{
	EFI_GUID pci_guid = {
		0x4cf5b200, 0x68b8, 0x4ca5, { 0x9e, 0xec, 0xb2, 0x3e, 0x3f, 0x50, 0x02, 0x9a }
	};
	EFI_DEVICE_PATH *path = cb_uefi_protocol(handle, &path_guid);
	EFI_HANDLE bus = NULL;

	if (!path || EFI_ERROR(cb_uefi.bs->LocateDevicePath(&pci_guid, &path, &bus)))
		return NULL;
	return bus;
}

void cb_nic_close_for_good(struct cb_nic *nic)
{
	EFI_HANDLE bus = NULL;

	if (!nic)
		return;
	/* iPXE closes its devices itself, also those of the firmware that it drives. */
	if (!cb_uefi_is_from_ipxe(nic->handle))
		bus = bus_handle_of(nic->handle);
	cb_nic_close(nic);
	if (bus)
		cb_uefi.bs->DisconnectController(bus, NULL, NULL);
}

const uint8_t *cb_nic_mac(const struct cb_nic *nic)
{
	return nic->mac;
}

uint16_t cb_nic_mtu(const struct cb_nic *nic)
{
	return nic->mtu;
}

bool cb_nic_is_shared(const struct cb_nic *nic)
{
	return nic->is_shared;
}

bool cb_nic_has_link(struct cb_nic *nic)
{
	return nic->ops->has_link(nic);
}

unsigned cb_nic_poll(struct cb_nic *nic)
{
	static uint8_t scratch[CB_NET_FRAME_MAX]; /* where frames go that nobody has room for */
	unsigned n = 0;

	while (n < CB_NIC_BATCH) {
		size_t len;

		if (!nic->frame)
			nic->frame = cb_net_frame();
		len = nic->ops->receive(nic, nic->frame ? nic->frame : scratch);
		if (len == 0)
			break;
		n++;
		if (nic->frame)
			cb_net_input(nic->frame, len);
		nic->frame = NULL;
	}
	return n;
}

bool cb_nic_transmit(void *link, const uint8_t *frame, size_t len)
{
	struct cb_nic *nic = link;

	return nic->ops->transmit(nic, frame, len);
}
