/* SPDX-License-Identifier: MIT */
/* A firmware with network adapters. */
#include "adapters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/net.h"

struct firmware firmware;
struct cb_uefi cb_uefi;

/* ---- efi/uefi.h ---- */

void *cb_uefi_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	struct adapter *a = handle;

	if (!a || a->is_absent)
		return NULL;
	if (guid->a == 1)
		return &a->snp;
	if (guid->a == 2)
		return a->path;
	return a->is_managed ? a : NULL;
}

EFI_HANDLE *cb_uefi_handles(const EFI_GUID *guid, size_t *ret_n)
{
	EFI_HANDLE *handles = calloc(ADAPTERS_MAX, sizeof(*handles));
	size_t n = 0;

	assert_int_equal(guid->a, 1);
	for (unsigned i = 0; i < firmware.n; i++)
		if (!firmware.at[i].is_absent && !firmware.at[i].is_disconnected)
			handles[n++] = &firmware.at[i];
	firmware.n_pools++;
	*ret_n = n;
	return handles;
}

void cb_uefi_pool_free(void *p)
{
	firmware.n_pools--;
	free(p);
}

bool cb_uefi_is_from_ipxe(EFI_HANDLE handle)
{
	return ((struct adapter *)handle)->is_from_ipxe;
}

void cb_uefi_connect_drivers(void)
{
	firmware.n_connects++;
	for (unsigned i = 0; i < firmware.n; i++)
		firmware.at[i].is_disconnected = false;
}

size_t cb_uefi_path_len(const EFI_DEVICE_PATH *path)
{
	size_t len = 0;

	if (!path)
		return 0;
	while (path[len / sizeof(*path)].type != 0x7f)
		len += sizeof(*path);
	return len + sizeof(*path);
}

/* ---- Simple Network ---- */

static struct adapter *adapter_of(EFI_SIMPLE_NETWORK_PROTOCOL *snp)
{
	struct adapter *a = (struct adapter *)snp;

	assert_true(a->is_open);
	return a;
}

static EFI_STATUS snp_start(EFI_SIMPLE_NETWORK_PROTOCOL *self)
{
	struct adapter *a = adapter_of(self);

	assert_int_equal(a->mode.State, EfiSimpleNetworkStopped);
	if (a->does_not_start || a->is_absent)
		return EFI_DEVICE_ERROR;
	a->mode.State = EfiSimpleNetworkStarted;
	return EFI_SUCCESS;
}

static EFI_STATUS snp_initialize(EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN rx, UINTN tx)
{
	struct adapter *a = adapter_of(self);

	(void)rx;
	(void)tx;
	assert_int_equal(a->mode.State, EfiSimpleNetworkStarted);
	if (a->does_not_initialize)
		return EFI_DEVICE_ERROR;
	a->mode.State = EfiSimpleNetworkInitialized;
	return EFI_SUCCESS;
}

static EFI_STATUS snp_filters(EFI_SIMPLE_NETWORK_PROTOCOL *self, UINT32 on, UINT32 off,
			      BOOLEAN reset, UINTN n_groups, void *groups)
{
	struct adapter *a = adapter_of(self);

	(void)off;
	(void)reset;
	(void)n_groups;
	(void)groups;
	assert_int_equal(on & ~a->mode.ReceiveFilterMask, 0);
	return a->filters_nothing ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static EFI_STATUS snp_shutdown(EFI_SIMPLE_NETWORK_PROTOCOL *self)
{
	struct adapter *a = adapter_of(self);

	a->n_shutdowns++;
	if (a->mode.State == EfiSimpleNetworkInitialized)
		a->mode.State = EfiSimpleNetworkStarted;
	return EFI_SUCCESS;
}

static EFI_STATUS snp_stop(EFI_SIMPLE_NETWORK_PROTOCOL *self)
{
	adapter_of(self)->mode.State = EfiSimpleNetworkStopped;
	return EFI_SUCCESS;
}

static EFI_STATUS snp_status(EFI_SIMPLE_NETWORK_PROTOCOL *self, UINT32 *interrupts, void **done)
{
	struct adapter *a = adapter_of(self);

	if (a->is_absent)
		return EFI_DEVICE_ERROR;
	if (done)
		*done = NULL;
	if (interrupts)
		a->mode.MediaPresent = !a->has_no_cable;
	return EFI_SUCCESS;
}

static EFI_STATUS snp_send(EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN header_len, UINTN len,
			   void *frame, void *from, void *to, void *protocol)
{
	(void)header_len;
	(void)len;
	(void)frame;
	(void)from;
	(void)to;
	(void)protocol;
	return adapter_of(self)->is_absent ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static EFI_STATUS snp_get(EFI_SIMPLE_NETWORK_PROTOCOL *self, UINTN *header_len, UINTN *len,
			  void *frame, void *from, void *to, void *protocol)
{
	struct adapter *a = adapter_of(self);

	(void)header_len;
	(void)from;
	(void)to;
	(void)protocol;
	assert_int_equal(*len, CB_NET_FRAME_MAX);
	if (a->n_waiting == 0 || a->is_absent)
		return EFI_NOT_READY;
	a->n_waiting--;
	*len = 60;
	memset(frame, 0, 60);
	return EFI_SUCCESS;
}

static EFI_STATUS open_protocol(EFI_HANDLE handle, EFI_GUID *wanted, void **ret, EFI_HANDLE agent,
				EFI_HANDLE controller, UINT32 how)
{
	struct adapter *a = handle;

	(void)agent;
	(void)controller;
	assert_int_equal(wanted->a, 1);
	assert_int_equal(how, EFI_OPEN_PROTOCOL_EXCLUSIVE);
	if (a->is_taken || a->is_absent)
		return EFI_ACCESS_DENIED;
	assert_false(a->is_open);
	a->is_open = true;
	a->n_opened++;
	*ret = &a->snp;
	return EFI_SUCCESS;
}

EFI_STATUS adapters_close(EFI_HANDLE handle, EFI_GUID *wanted, EFI_HANDLE agent,
			  EFI_HANDLE controller)
{
	struct adapter *a = handle;

	(void)wanted;
	(void)agent;
	(void)controller;
	assert_true(a->is_open);
	a->is_open = false;
	return EFI_SUCCESS;
}

/* The adapter itself stands for the bus device that it sits on. */
static EFI_STATUS locate_path(EFI_GUID *wanted, EFI_DEVICE_PATH **path, EFI_HANDLE *ret)
{
	assert_int_equal(wanted->a, 0x4cf5b200);
	for (unsigned i = 0; i < firmware.n; i++)
		if (firmware.at[i].path == *path) {
			*ret = &firmware.at[i];
			return EFI_SUCCESS;
		}
	return EFI_NOT_FOUND;
}

static EFI_STATUS disconnect(EFI_HANDLE controller, EFI_HANDLE driver, EFI_HANDLE child)
{
	struct adapter *a = controller;

	assert_null(driver);
	assert_null(child);
	assert_false(a->is_open);
	a->is_disconnected = true;
	return EFI_SUCCESS;
}

/* ---- For tests ---- */

void adapters_init(void)
{
	static struct boot_services bs = { open_protocol, adapters_close, locate_path, disconnect };
	static struct loaded_image loaded;

	memset(&firmware, 0, sizeof(firmware));
	firmware.now_ms = 1000;
	loaded.DeviceHandle = NULL;
	cb_uefi.loaded = &loaded;
	cb_uefi.bs = &bs;
}

struct adapter *adapters_add(void)
{
	struct adapter *a = &firmware.at[firmware.n];

	assert_true(firmware.n < ADAPTERS_MAX);
	a->mode = (EFI_SIMPLE_NETWORK_MODE){
		.HwAddressSize = 6,
		.ReceiveFilterMask = 0x1f,
		.MaxPacketSize = 1500,
		.MediaPresentSupported = true,
		.CurrentAddress.Addr = { 2, 0, 0, 0, 0, (UINT8)++firmware.n },
	};
	a->snp = (EFI_SIMPLE_NETWORK_PROTOCOL){
		&a->mode,    snp_start,	 snp_stop, snp_shutdown, snp_initialize,
		snp_filters, snp_status, snp_send, snp_get,
	};
	a->path[0] = (EFI_DEVICE_PATH){ 1, 1, { 4, 0 } };
	a->path[1] = (EFI_DEVICE_PATH){ 1, (uint8_t)firmware.n, { 4, 0 } };
	a->path[2] = (EFI_DEVICE_PATH){ 0x7f, 0xff, { 4, 0 } };
	return a;
}
