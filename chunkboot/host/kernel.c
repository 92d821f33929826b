/* SPDX-License-Identifier: MIT */
/* Looks at a kernel's headers: PE/COFF, and on x86 the boot protocol (Documentation/arch/x86/boot). */
#include "host/kernel.h"

#include <string.h>

#include "host/pe.h"

#define DOS_PE_OFFSET 0x3c
#define PE_IMAGE_VERSION (4 + 20 + 44) /* MajorImageVersion, from the PE signature on */
#define STUB_WITH_LOADFILE2 1
#define X86_MAGIC 0x202 /* "HdrS" */
#define X86_PROTOCOL 0x206
#define X86_PROTOCOL_2_15 0x020f

static struct cb_reader at(struct cb_bytes file, size_t offset)
{
	struct cb_reader r = cb_reader_of(file);

	cb_read_bytes(&r, offset);
	return r;
}

static bool is_x86_linux(struct cb_bytes file)
{
	struct cb_reader magic = at(file, X86_MAGIC), protocol = at(file, X86_PROTOCOL);

	return cb_bytes_is(cb_read_bytes(&magic, 4), "HdrS") &&
		cb_read_le16(&protocol) >= X86_PROTOCOL_2_15;
}

static enum cb_err too_old(const char *name, const char *hint, struct cb_error *e)
{
	enum cb_err err = cb_fail(e, CB_KERNEL_OLD, "%s", name);

	if (hint != NULL)
		cb_fail_hint(e, "%s", hint);
	return err;
}

static bool has_section(struct cb_bytes file, const char *name)
{
	struct cb_bytes section;

	return cb_pe_find(file, name, &section) == CB_OK;
}

static enum cb_arch arch_of(enum cb_pe_machine machine)
{
	return machine == CB_PE_AARCH64 ? CB_ARCH_AARCH64 : CB_ARCH_X86_64;
}

enum cb_err cb_kernel_check(const char *name, struct cb_bytes file, enum cb_arch *ret_arch,
			    struct cb_error *e)
{
	struct cb_reader dos = at(file, DOS_PE_OFFSET);
	struct cb_reader version = at(file, (size_t)cb_read_le32(&dos) + PE_IMAGE_VERSION);
	enum cb_pe_machine machine;

	if (cb_pe_machine(file, &machine) != CB_OK)
		return too_old(name,
			       "a kernel is a bzImage with EFI stub (CONFIG_EFI_STUB), Linux "
			       "5.8 or newer",
			       e);
	if (has_section(file, ".linux"))
		return too_old(name, "this is a unified kernel image: publish it with --efi", e);
	if (cb_read_le16(&version) < STUB_WITH_LOADFILE2 ||
	    (machine == CB_PE_X86_64 && !is_x86_linux(file)))
		return too_old(name, NULL, e);
	*ret_arch = arch_of(machine);
	return CB_OK;
}

enum cb_err cb_application_check(const char *name, struct cb_bytes file, enum cb_arch *ret_arch,
				 struct cb_error *e)
{
	enum cb_pe_machine machine;
	enum cb_err err = cb_pe_machine(file, &machine);

	if (err != CB_OK) {
		err = cb_fail(e, err, "%s", name);
		cb_fail_hint(e, "publish an EFI application for x86-64 or aarch64 (PE32+)");
		return err;
	}
	*ret_arch = arch_of(machine);
	return CB_OK;
}
