/* SPDX-License-Identifier: MIT */
/* Firmware variables: our own store, the Boot Loader Interface, and boot to firmware setup. */
#include "vars.h"

#include "core/boot.h"
#include "uefi.h"

#define NAME_MAX 64
#define ATTRIBUTES (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS)
#define VOLATILE_RUNTIME (EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS)
#define OS_INDICATIONS_BOOT_TO_FW_UI 1ull

static EFI_GUID own_guid = {
	0x9b1f7c52, 0x5e0a, 0x4d3c, { 0x8a, 0x61, 0x2f, 0x0c, 0x74, 0xd9, 0xe3, 0x15 }
};
/* LOADER_GUID of the Boot Loader Interface. */
static EFI_GUID loader_guid = {
	0x4a67b082, 0x0a4c, 0x41cf, { 0xb6, 0xc7, 0x44, 0x0b, 0x29, 0xbb, 0x8c, 0x4f }
};
static EFI_GUID global_guid = EFI_GLOBAL_VARIABLE;

/*
 * A variable that the operating system can reach, or longer than ours can be, was not written by
 * us: it is removed with the attributes it has.
 */
static enum cb_err vars_read(void *ctx, const char *name, uint8_t *buf, size_t max, size_t *ret_len)
{
	CHAR16 wide[NAME_MAX];
	UINT32 attributes = 0;
	uint8_t value[CB_VAR_MAX];
	UINTN len = sizeof(value);
	EFI_STATUS status;

	(void)ctx;
	cb_uefi_widen(name, wide, NAME_MAX);
	status = cb_uefi.rt->GetVariable(wide, &own_guid, &attributes, &len, value);
	if (status == EFI_NOT_FOUND)
		return CB_NOT_FOUND;
	if (EFI_ERROR(status) && status != EFI_BUFFER_TOO_SMALL)
		return CB_VARIABLE;
	if (status == EFI_BUFFER_TOO_SMALL || attributes != ATTRIBUTES) {
		cb_uefi.rt->SetVariable(wide, &own_guid, attributes, 0, NULL);
		return CB_STATE_FOREIGN;
	}
	if (len > max)
		return CB_VARIABLE;
	for (size_t i = 0; i < len; i++)
		buf[i] = value[i];
	*ret_len = len;
	return CB_OK;
}

static enum cb_err vars_write(void *ctx, const char *name, const uint8_t *buf, size_t len)
{
	CHAR16 wide[NAME_MAX];
	uint8_t value[CB_VAR_MAX];

	(void)ctx;
	if (len == 0 || len > CB_VAR_MAX)
		return CB_VARIABLE;
	cb_uefi_widen(name, wide, NAME_MAX);
	for (size_t i = 0; i < len; i++)
		value[i] = buf[i];
	if (EFI_ERROR(cb_uefi.rt->SetVariable(wide, &own_guid, ATTRIBUTES, len, value)))
		return CB_VARIABLE;
	return CB_OK;
}

const struct cb_vars cb_efi_vars = { .read = vars_read, .write = vars_write };

/* ---- Boot Loader Interface ---- */

/* These inform and nothing depends on them: a failure is of no consequence. */
static void set_text(CHAR16 *name, const char *text)
{
	CHAR16 wide[NAME_MAX];
	UINTN len = 0;

	cb_uefi_widen(text, wide, NAME_MAX);
	while (wide[len])
		len++;
	cb_uefi.rt->SetVariable(name, &loader_guid, VOLATILE_RUNTIME, (len + 1) * sizeof(*wide),
				wide);
}

static void set_number(CHAR16 *name, uint64_t number)
{
	char digits[21];
	size_t at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	set_text(name, &digits[at]);
}

void cb_vars_set_loader_info(uint64_t init_us)
{
	static CHAR16 info[] = L"LoaderInfo", time[] = L"LoaderTimeInitUSec";

	set_text(info, "chunkboot " CB_LOADER_VERSION_TEXT);
	set_number(time, init_us);
}

void cb_vars_set_exec_time(uint64_t exec_us)
{
	static CHAR16 time[] = L"LoaderTimeExecUSec";

	set_number(time, exec_us);
}

/* ---- Firmware setup (UEFI 2.10 §8.5.4) ---- */

static uint64_t read_u64(CHAR16 *name)
{
	uint64_t value = 0;
	UINTN len = sizeof(value);

	if (EFI_ERROR(cb_uefi.rt->GetVariable(name, &global_guid, NULL, &len, &value)) ||
	    len != sizeof(value))
		return 0;
	return value;
}

bool cb_vars_can_firmware_setup(void)
{
	static CHAR16 supported[] = L"OsIndicationsSupported";

	return (read_u64(supported) & OS_INDICATIONS_BOOT_TO_FW_UI) != 0;
}

enum cb_err cb_vars_request_firmware_setup(void)
{
	static CHAR16 name[] = L"OsIndications";
	uint64_t value = read_u64(name) | OS_INDICATIONS_BOOT_TO_FW_UI;

	if (!cb_vars_can_firmware_setup())
		return CB_FIRMWARE;
	if (EFI_ERROR(cb_uefi.rt->SetVariable(name, &global_guid,
					      ATTRIBUTES | EFI_VARIABLE_RUNTIME_ACCESS,
					      sizeof(value), &value)))
		return CB_VARIABLE;
	return CB_OK;
}
