/* SPDX-License-Identifier: MIT */
/* Sections of an EFI file (PE32+): finding one, and writing the configuration section. */
#ifndef CB_HOST_PE_H
#define CB_HOST_PE_H

#include "core/bytes.h"
#include "core/err.h"

#define CB_PE_CONFIG_SECTION ".cbcfg"
#define CB_PE_MAX_LEN (64u << 20) /* bytes of an EFI file that is stamped; images may be larger */
#define CB_PE_MAX_SECTIONS 96 /* Microsoft PE/COFF: what loaders accept */

enum cb_pe_machine { CB_PE_X86_64 = 0x8664, CB_PE_AARCH64 = 0xaa64 };

/* The machine an EFI application is for. LOADER_FORMAT for any other file. */
enum cb_err cb_pe_machine(struct cb_bytes file, enum cb_pe_machine *ret);

/*
 * The content of the section called `name` (at most 8 characters), without file padding: a span
 * into `file`. LOADER_FORMAT when the file is malformed, NOT_FOUND when it has no such section.
 */
enum cb_err cb_pe_find(struct cb_bytes file, const char *name, struct cb_bytes *ret);

/*
 * A copy of the EFI application `file` whose last section is .cbcfg with `content`; one that is
 * there already as last section is replaced. The same input gives the same bytes. The caller frees
 * *ret with free(). LOADER_FORMAT: malformed, signed already, data behind the last section, or no
 * room for a section header; NO_MEMORY.
 */
enum cb_err cb_pe_stamp(struct cb_bytes file, struct cb_bytes content, uint8_t **ret,
			size_t *ret_len);

#endif
