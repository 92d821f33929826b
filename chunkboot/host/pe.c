/* SPDX-License-Identifier: MIT */
/* PE32+ files (Microsoft PE/COFF specification): section lookup and the configuration section. */
#include "host/pe.h"

#include <stdlib.h>
#include <string.h>

#include "core/config.h"

/* Offsets within the optional header of PE32+, and of what precedes it. */
#define DOS_LFANEW_AT 0x3c
#define COFF_LEN 24 /* "PE\0\0" and the COFF file header */
#define OPT_MIN_LEN 112 /* up to the data directories */
#define OPT_INIT_DATA_AT 8
#define OPT_IMAGE_LEN_AT 56
#define OPT_CHECKSUM_AT 64
#define DIRECTORY_SECURITY 4u
#define SECTION_LEN 40
#define PE32_PLUS 0x20b
#define SUBSYSTEM_EFI_APPLICATION 10
#define SECTION_READ_DATA 0x40000040u /* initialised data, readable, neither writable nor code */
#define MAX_ALIGNMENT (1u << 20)

struct section {
	char name[9];
	uint32_t virtual_len, virtual_at, raw_len, raw_at;
};

struct pe {
	struct cb_bytes file;
	size_t coff_at, opt_at, table_at;
	uint16_t machine, n_sections;
	uint32_t init_data_len, section_align, file_align, image_len, headers_len;
	bool is_signed;
	uint64_t raw_end, virtual_end; /* behind the last byte of headers and sections */
};

static bool is_alignment(uint32_t v)
{
	return v != 0 && v <= MAX_ALIGNMENT && (v & (v - 1)) == 0;
}

static uint64_t align_up(uint64_t v, uint32_t alignment)
{
	return (v + alignment - 1) / alignment * alignment;
}

static struct cb_reader reader_at(struct cb_bytes file, size_t at)
{
	struct cb_reader r = cb_reader_of(file);
	(void)cb_read_bytes(&r, at);
	return r;
}

static void read_section(struct cb_reader *r, struct section *ret)
{
	*ret = (struct section){ 0 };
	cb_read_copy(r, ret->name, 8);
	ret->virtual_len = cb_read_le32(r);
	ret->virtual_at = cb_read_le32(r);
	ret->raw_len = cb_read_le32(r);
	ret->raw_at = cb_read_le32(r);
	(void)cb_read_bytes(r, SECTION_LEN - 24);
}

static enum cb_err read_optional(struct cb_reader r, uint16_t opt_len, struct pe *pe)
{
	struct cb_reader o = cb_reader_of(cb_read_bytes(&r, opt_len));
	uint16_t magic = cb_read_le16(&o);
	(void)cb_read_bytes(&o, OPT_INIT_DATA_AT - 2);
	pe->init_data_len = cb_read_le32(&o);
	(void)cb_read_bytes(&o, 20);
	pe->section_align = cb_read_le32(&o);
	pe->file_align = cb_read_le32(&o);
	(void)cb_read_bytes(&o, 16);
	pe->image_len = cb_read_le32(&o);
	pe->headers_len = cb_read_le32(&o);
	(void)cb_read_le32(&o); /* checksum */
	uint16_t subsystem = cb_read_le16(&o);
	(void)cb_read_bytes(&o, 38);
	uint32_t n_directories = cb_read_le32(&o);
	if (n_directories > DIRECTORY_SECURITY) {
		(void)cb_read_bytes(&o, DIRECTORY_SECURITY * 8);
		pe->is_signed = (cb_read_le32(&o) | cb_read_le32(&o)) != 0;
	}
	if (r.failed || o.failed || opt_len < OPT_MIN_LEN || magic != PE32_PLUS ||
	    subsystem != SUBSYSTEM_EFI_APPLICATION)
		return CB_LOADER_FORMAT;
	if (!is_alignment(pe->section_align) || !is_alignment(pe->file_align) ||
	    pe->section_align < pe->file_align || pe->headers_len > pe->file.len)
		return CB_LOADER_FORMAT;
	return CB_OK;
}

/* Sections must lie within the file; linkers differ in all else. */
static enum cb_err check_sections(const struct pe *pe)
{
	struct cb_reader r = reader_at(pe->file, pe->table_at);
	for (unsigned i = 0; i < pe->n_sections; i++) {
		struct section s;
		read_section(&r, &s);
		if (r.failed || (s.raw_len != 0 && (uint64_t)s.raw_at + s.raw_len > pe->file.len))
			return CB_LOADER_FORMAT;
	}
	return CB_OK;
}

/*
 * To put a section behind the others they must follow each other, in memory and in the file: as our
 * own linker lays them out.
 */
static enum cb_err measure_sections(struct pe *pe)
{
	struct cb_reader r = reader_at(pe->file, pe->table_at);
	pe->raw_end = pe->headers_len;
	pe->virtual_end = pe->headers_len;
	for (unsigned i = 0; i < pe->n_sections; i++) {
		struct section s;
		read_section(&r, &s);
		uint64_t raw_end = (uint64_t)s.raw_at + s.raw_len;
		if (s.virtual_at < pe->virtual_end || s.virtual_at % pe->section_align != 0)
			return CB_LOADER_FORMAT;
		if (s.raw_len != 0 && s.raw_at < pe->raw_end)
			return CB_LOADER_FORMAT;
		if (s.raw_len != 0)
			pe->raw_end = raw_end;
		pe->virtual_end = (uint64_t)s.virtual_at + s.virtual_len;
	}
	if (align_up(pe->virtual_end, pe->section_align) != pe->image_len)
		return CB_LOADER_FORMAT;
	return CB_OK;
}

static enum cb_err parse(struct cb_bytes file, struct pe *ret)
{
	struct pe pe = { .file = file };
	struct cb_reader r = reader_at(file, DOS_LFANEW_AT);
	pe.coff_at = cb_read_le32(&r);
	if (r.failed || file.p[0] != 'M' || file.p[1] != 'Z')
		return CB_LOADER_FORMAT;

	r = reader_at(file, pe.coff_at);
	struct cb_bytes magic = cb_read_bytes(&r, 4);
	pe.machine = cb_read_le16(&r);
	pe.n_sections = cb_read_le16(&r);
	(void)cb_read_bytes(&r, 12); /* time stamp, symbol table */
	uint16_t opt_len = cb_read_le16(&r);
	(void)cb_read_le16(&r); /* characteristics */
	if (r.failed || memcmp(magic.p, "PE\0\0", 4) != 0 || pe.n_sections == 0 ||
	    pe.n_sections > CB_PE_MAX_SECTIONS)
		return CB_LOADER_FORMAT;

	pe.opt_at = pe.coff_at + COFF_LEN;
	pe.table_at = pe.opt_at + opt_len;
	enum cb_err err = read_optional(r, opt_len, &pe);
	if (err == CB_OK && pe.table_at + (size_t)pe.n_sections * SECTION_LEN > pe.headers_len)
		err = CB_LOADER_FORMAT;
	if (err == CB_OK)
		err = check_sections(&pe);
	if (err != CB_OK)
		return err;
	*ret = pe;
	return CB_OK;
}

static bool find_section(const struct pe *pe, const char *name, unsigned *ret_index,
			 struct section *ret)
{
	struct cb_reader r = reader_at(pe->file, pe->table_at);
	for (unsigned i = 0; i < pe->n_sections; i++) {
		struct section s;
		read_section(&r, &s);
		if (strcmp(s.name, name) != 0)
			continue;
		*ret_index = i;
		*ret = s;
		return true;
	}
	return false;
}

enum cb_err cb_pe_machine(struct cb_bytes file, enum cb_pe_machine *ret)
{
	struct pe pe;
	enum cb_err err = parse(file, &pe);
	if (err != CB_OK)
		return err;
	if (pe.machine != CB_PE_X86_64 && pe.machine != CB_PE_AARCH64)
		return CB_LOADER_FORMAT;
	*ret = (enum cb_pe_machine)pe.machine;
	return CB_OK;
}

enum cb_err cb_pe_find(struct cb_bytes file, const char *name, struct cb_bytes *ret)
{
	struct pe pe;
	enum cb_err err = parse(file, &pe);
	if (err != CB_OK)
		return err;
	struct section s;
	unsigned index;
	if (!find_section(&pe, name, &index, &s))
		return CB_NOT_FOUND;
	size_t len = s.virtual_len < s.raw_len ? s.virtual_len : s.raw_len;
	*ret = (struct cb_bytes){ .p = len != 0 ? file.p + s.raw_at : NULL, .len = len };
	return CB_OK;
}

/* Turns `pe` into what the file was before its .cbcfg section was added. */
static enum cb_err without_config(struct pe *pe)
{
	struct section s;
	unsigned index;
	if (!find_section(pe, CB_PE_CONFIG_SECTION, &index, &s))
		return CB_OK;
	if (index + 1u != pe->n_sections || s.raw_len == 0)
		return CB_LOADER_FORMAT;
	pe->n_sections = (uint16_t)index;
	pe->raw_end = s.raw_at;
	pe->virtual_end = s.virtual_at;
	pe->init_data_len -= s.raw_len <= pe->init_data_len ? s.raw_len : pe->init_data_len;
	return CB_OK;
}

/* The new header must lie within the headers, on bytes that nothing uses. */
static bool has_room(const struct pe *pe, bool was_stamped)
{
	size_t at = pe->table_at + (size_t)pe->n_sections * SECTION_LEN;
	struct cb_reader r = reader_at(pe->file, at);
	if (was_stamped)
		return true;
	cb_read_zeros(&r, SECTION_LEN);
	return !r.failed && at + SECTION_LEN <= pe->headers_len &&
		pe->n_sections < CB_PE_MAX_SECTIONS;
}

static void write_section(uint8_t *out, const struct section *s)
{
	memset(out, 0, SECTION_LEN);
	memcpy(out, s->name, 8);
	cb_put_le32(out + 8, s->virtual_len);
	cb_put_le32(out + 12, s->virtual_at);
	cb_put_le32(out + 16, s->raw_len);
	cb_put_le32(out + 20, s->raw_at);
	cb_put_le32(out + 36, SECTION_READ_DATA);
}

static void write_headers(uint8_t *out, const struct pe *pe, const struct section *s)
{
	uint64_t image_len = align_up((uint64_t)s->virtual_at + s->virtual_len, pe->section_align);
	write_section(out + pe->table_at + (size_t)pe->n_sections * SECTION_LEN, s);
	cb_put_le16(out + pe->coff_at + 6, (uint16_t)(pe->n_sections + 1));
	cb_put_le32(out + pe->opt_at + OPT_INIT_DATA_AT, pe->init_data_len + s->raw_len);
	cb_put_le32(out + pe->opt_at + OPT_IMAGE_LEN_AT, (uint32_t)image_len);
	cb_put_le32(out + pe->opt_at + OPT_CHECKSUM_AT, 0);
}

enum cb_err cb_pe_stamp(struct cb_bytes file, struct cb_bytes content, uint8_t **ret,
			size_t *ret_len)
{
	struct pe pe;
	enum cb_err err = parse(file, &pe);
	if (err == CB_OK)
		err = measure_sections(&pe);
	if (err != CB_OK)
		return err;
	if (pe.is_signed || file.len > CB_PE_MAX_LEN || pe.raw_end != file.len ||
	    content.len == 0 || content.len > CB_CONFIG_MAX_LEN)
		return CB_LOADER_FORMAT;
	uint16_t n_before = pe.n_sections;
	err = without_config(&pe);
	if (err != CB_OK)
		return err;
	if (!has_room(&pe, /*was_stamped=*/pe.n_sections != n_before))
		return CB_LOADER_FORMAT;

	uint64_t raw_at = align_up(pe.raw_end, pe.file_align);
	uint64_t virtual_at = align_up(pe.virtual_end, pe.section_align);
	if (virtual_at > UINT32_MAX - 2u * MAX_ALIGNMENT)
		return CB_LOADER_FORMAT;
	struct section s = {
		.name = CB_PE_CONFIG_SECTION,
		.virtual_len = (uint32_t)content.len,
		.virtual_at = (uint32_t)virtual_at,
		.raw_len = (uint32_t)align_up(content.len, pe.file_align),
		.raw_at = (uint32_t)raw_at,
	};
	size_t len = (size_t)raw_at + s.raw_len;
	uint8_t *out = calloc(1, len);
	if (out == NULL)
		return CB_NO_MEMORY;
	memcpy(out, file.p, (size_t)pe.raw_end);
	write_headers(out, &pe, &s);
	memcpy(out + s.raw_at, content.p, content.len);
	*ret = out;
	*ret_len = len;
	return CB_OK;
}
