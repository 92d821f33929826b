/* SPDX-License-Identifier: MIT */
/* An interface through the Managed Network Protocol: slower, shared with the firmware's stack. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "nic_ops.h"
#include "proto/mnp.h"

#define HEADER_LEN 14u
#define TX_POLLS 1000

struct mnp {
	struct cb_service_binding *binding;
	EFI_HANDLE child;
	struct cb_mnp *mnp;
	struct cb_mnp_token rx, tx;
	bool is_receiving;
};

static EFI_GUID binding_guid = CB_MNP_SERVICE_BINDING_GUID;
static EFI_GUID mnp_guid = CB_MNP_GUID;

static bool is_signalled(EFI_EVENT event)
{
	return cb_uefi.bs->CheckEvent(event) == EFI_SUCCESS;
}

static void arm(struct mnp *m)
{
	if (!m->is_receiving) {
		m->rx.status = EFI_NOT_READY;
		m->rx.packet.rx = NULL;
		m->is_receiving = !EFI_ERROR(m->mnp->receive(m->mnp, &m->rx));
	}
}

static size_t mnp_receive(struct cb_nic *nic, uint8_t *frame)
{
	struct mnp *m = nic->driver;
	struct cb_mnp_receive_data *data;
	size_t len = 0;

	arm(m);
	m->mnp->poll(m->mnp);
	if (!m->is_receiving || !is_signalled(m->rx.event))
		return 0;
	m->is_receiving = false;
	data = m->rx.packet.rx;
	if (EFI_ERROR(m->rx.status) || !data)
		return 0;
	if (data->header && data->packet_len <= CB_NET_FRAME_MAX) {
		len = data->packet_len;
		memcpy(frame, data->header, len);
	}
	cb_uefi.bs->SignalEvent(data->recycle);
	return len;
}

static bool mnp_transmit(struct cb_nic *nic, const uint8_t *frame, size_t len)
{
	struct mnp *m = nic->driver;
	uint8_t copy[CB_NET_FRAME_MAX];
	struct cb_mnp_transmit_data data = {
		.header_len = HEADER_LEN,
		.n_fragments = 1,
		.fragment[0] = { .len = (UINT32)len, .p = copy },
	};

	if (len <= HEADER_LEN || len > sizeof(copy))
		return false;
	memcpy(copy, frame, len);
	data.data_len = (UINT32)(len - HEADER_LEN);
	m->tx.packet.tx = &data;
	if (EFI_ERROR(m->mnp->transmit(m->mnp, &m->tx)))
		return false;
	for (unsigned i = 0; i < TX_POLLS; i++) {
		if (is_signalled(m->tx.event))
			return !EFI_ERROR(m->tx.status);
		m->mnp->poll(m->mnp);
	}
	m->mnp->cancel(m->mnp, &m->tx);
	(void)is_signalled(m->tx.event);
	return false;
}

static bool mnp_has_link(struct cb_nic *nic)
{
	struct mnp *m = nic->driver;
	EFI_SIMPLE_NETWORK_MODE mode;

	if (EFI_ERROR(m->mnp->get_mode_data(m->mnp, NULL, &mode)))
		return true;
	return !mode.MediaPresentSupported || mode.MediaPresent;
}

static void mnp_free(struct mnp *m)
{
	if (m->mnp) {
		m->mnp->cancel(m->mnp, NULL);
		m->mnp->configure(m->mnp, NULL);
	}
	if (m->child)
		m->binding->destroy_child(m->binding, m->child);
	if (m->rx.event)
		cb_uefi.bs->CloseEvent(m->rx.event);
	if (m->tx.event)
		cb_uefi.bs->CloseEvent(m->tx.event);
	free(m);
}

static void mnp_close(struct cb_nic *nic)
{
	mnp_free(nic->driver);
}

static const struct cb_nic_ops mnp_ops = {
	.close = mnp_close,
	.has_link = mnp_has_link,
	.receive = mnp_receive,
	.transmit = mnp_transmit,
};

/* All frames, for multicast: the groups of IPv6 would have to be joined one by one. */
static bool configure(struct cb_mnp *mnp, struct cb_mnp_config *config)
{
	config->promiscuous = TRUE;
	if (!EFI_ERROR(mnp->configure(mnp, config)))
		return true;
	/* A driver that can't: IPv4 works still. */
	config->promiscuous = FALSE;
	return !EFI_ERROR(mnp->configure(mnp, config));
}

static bool set_up(struct mnp *m)
{
	struct cb_mnp_config config = {
		.unicast = TRUE,
		.broadcast = TRUE,
		.flush_on_reset = TRUE,
		.no_background_polling = TRUE,
	};

	if (EFI_ERROR(m->binding->create_child(m->binding, &m->child)))
		return false;
	m->mnp = cb_uefi_protocol(m->child, &mnp_guid);
	return m->mnp && configure(m->mnp, &config) &&
		!EFI_ERROR(cb_uefi.bs->CreateEvent(0, 0, NULL, NULL, &m->rx.event)) &&
		!EFI_ERROR(cb_uefi.bs->CreateEvent(0, 0, NULL, NULL, &m->tx.event));
}

enum cb_err cb_mnp_open(struct cb_nic *nic)
{
	struct mnp *m = calloc(1, sizeof(*m));
	EFI_SIMPLE_NETWORK_MODE mode;

	if (!m)
		return CB_NO_MEMORY;
	m->binding = cb_uefi_protocol(nic->handle, &binding_guid);
	if (!m->binding || !set_up(m) || EFI_ERROR(m->mnp->get_mode_data(m->mnp, NULL, &mode))) {
		mnp_free(m);
		return CB_NET_NO_DEVICE;
	}
	memcpy(nic->mac, mode.CurrentAddress.Addr, sizeof(nic->mac));
	nic->mtu = mode.MaxPacketSize < 1500 ? (uint16_t)mode.MaxPacketSize : 1500;
	nic->ops = &mnp_ops;
	nic->driver = m;
	return CB_OK;
}
