/* SPDX-License-Identifier: MIT */
/* An interface through the Simple Network Protocol, opened exclusively: the fast way. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "net/net.h"
#include "nic_ops.h"

#define N_TX 64
#define TX_REAP_ABOVE 16 /* buffers with the hardware before we look for finished ones */
#define TX_TRIES 2000 /* times to retry a full hardware queue; lost ACKs would stall transfers */
#define TX_STUCK_MS 1000 /* firmware that never gives a buffer back has sent it by then */

struct snp {
	EFI_SIMPLE_NETWORK_PROTOCOL *snp;
	uint64_t busy; /* bit i: tx[i] is with the hardware */
	unsigned n_busy, next;
	uint64_t last_reap_ms;
	uint8_t tx[N_TX][CB_NET_FRAME_MAX];
};

static EFI_GUID guid = EFI_SIMPLE_NETWORK_PROTOCOL_GUID;

static void reap(struct snp *s)
{
	for (unsigned i = 0; i < N_TX; i++) {
		VOID *done = NULL;
		size_t offset;

		if (EFI_ERROR(s->snp->GetStatus(s->snp, NULL, &done)) || !done)
			break;
		s->last_reap_ms = cb_clock_ms();
		offset = (size_t)((uint8_t *)done - s->tx[0]);
		if (offset >= sizeof(s->tx) || !(s->busy & 1ull << offset / CB_NET_FRAME_MAX))
			continue;
		s->busy &= ~(1ull << offset / CB_NET_FRAME_MAX);
		s->n_busy--;
	}
	if (s->n_busy == N_TX && cb_clock_ms() - s->last_reap_ms > TX_STUCK_MS) {
		s->busy = 0;
		s->n_busy = 0;
	}
}

static bool snp_transmit(struct cb_nic *nic, const uint8_t *frame, size_t len)
{
	struct snp *s = nic->driver;
	EFI_STATUS status = EFI_NOT_READY;

	if (len > CB_NET_FRAME_MAX)
		return false;
	if (s->n_busy > TX_REAP_ABOVE)
		reap(s);
	for (unsigned i = 0; i < TX_TRIES && s->n_busy == N_TX; i++)
		reap(s);
	if (s->n_busy == N_TX)
		return false;
	while (s->busy & 1ull << s->next)
		s->next = (s->next + 1) % N_TX;
	memcpy(s->tx[s->next], frame, len);
	for (unsigned i = 0; i < TX_TRIES && status == EFI_NOT_READY; i++) {
		status = s->snp->Transmit(s->snp, 0, len, s->tx[s->next], NULL, NULL, NULL);
		if (status == EFI_NOT_READY)
			reap(s);
	}
	if (EFI_ERROR(status))
		return false;
	if (s->n_busy == 0)
		s->last_reap_ms = cb_clock_ms();
	s->busy |= 1ull << s->next;
	s->n_busy++;
	return true;
}

static size_t snp_receive(struct cb_nic *nic, uint8_t *frame)
{
	struct snp *s = nic->driver;
	UINTN len = CB_NET_FRAME_MAX;

	if (EFI_ERROR(s->snp->Receive(s->snp, NULL, &len, frame, NULL, NULL, NULL)))
		return 0;
	return len <= CB_NET_FRAME_MAX ? len : 0;
}

static bool snp_has_link(struct cb_nic *nic)
{
	struct snp *s = nic->driver;
	UINT32 interrupts = 0;

	/* Asking for the interrupt status refreshes Mode->MediaPresent (UEFI 2.10 §24.1). */
	if (!s->snp->Mode->MediaPresentSupported)
		return true;
	if (EFI_ERROR(s->snp->GetStatus(s->snp, &interrupts, NULL)))
		return true;
	return s->snp->Mode->MediaPresent;
}

static void snp_close(struct cb_nic *nic)
{
	struct snp *s = nic->driver;

	s->snp->Shutdown(s->snp);
	s->snp->Stop(s->snp);
	cb_uefi.bs->CloseProtocol(nic->handle, &guid, cb_uefi.image, NULL);
	free(s);
}

static const struct cb_nic_ops snp_ops = {
	.close = snp_close,
	.has_link = snp_has_link,
	.receive = snp_receive,
	.transmit = snp_transmit,
};

/*
 * IPv6 wants multicast, of groups that follow from its addresses. Many drivers (edk2's for virtio
 * among them) know no single groups, so everything is received; the stack drops what is not ours.
 */
static UINT32 filters_for(UINT32 known)
{
	UINT32 filters = EFI_SIMPLE_NETWORK_RECEIVE_UNICAST | EFI_SIMPLE_NETWORK_RECEIVE_BROADCAST;

	if (known & EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS_MULTICAST)
		filters |= EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS_MULTICAST;
	else
		filters |= EFI_SIMPLE_NETWORK_RECEIVE_PROMISCUOUS;
	return filters & known;
}

static bool set_filters(EFI_SIMPLE_NETWORK_PROTOCOL *snp)
{
	UINT32 plain = EFI_SIMPLE_NETWORK_RECEIVE_UNICAST | EFI_SIMPLE_NETWORK_RECEIVE_BROADCAST;
	UINT32 known = snp->Mode->ReceiveFilterMask;

	/* Without multicast IPv4 works still. */
	return !EFI_ERROR(snp->ReceiveFilters(snp, filters_for(known), 0, TRUE, 0, NULL)) ||
		!EFI_ERROR(snp->ReceiveFilters(snp, plain & known, 0, TRUE, 0, NULL));
}

static bool bring_up(EFI_SIMPLE_NETWORK_PROTOCOL *snp)
{
	if (snp->Mode->State == EfiSimpleNetworkStopped && EFI_ERROR(snp->Start(snp)))
		return false;
	if (snp->Mode->State == EfiSimpleNetworkStarted && EFI_ERROR(snp->Initialize(snp, 0, 0)))
		return false;
	return set_filters(snp);
}

enum cb_err cb_snp_open(struct cb_nic *nic)
{
	struct snp *s = calloc(1, sizeof(*s));
	VOID *interface = NULL;

	if (!s)
		return CB_NO_MEMORY;
	if (EFI_ERROR(cb_uefi.bs->OpenProtocol(nic->handle, &guid, &interface, cb_uefi.image, NULL,
					       EFI_OPEN_PROTOCOL_EXCLUSIVE))) {
		free(s);
		return CB_NET_NO_DEVICE;
	}
	s->snp = interface;
	if (!bring_up(s->snp)) {
		s->snp->Stop(s->snp);
		cb_uefi.bs->CloseProtocol(nic->handle, &guid, cb_uefi.image, NULL);
		free(s);
		return CB_NET_NO_DEVICE;
	}
	memcpy(nic->mac, s->snp->Mode->CurrentAddress.Addr, sizeof(nic->mac));
	nic->mtu =
		s->snp->Mode->MaxPacketSize < 1500 ? (uint16_t)s->snp->Mode->MaxPacketSize : 1500;
	nic->ops = &snp_ops;
	nic->driver = s;
	return CB_OK;
}
