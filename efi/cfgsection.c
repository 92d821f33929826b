/* SPDX-License-Identifier: MIT */
/* The stamped configuration inside our own loaded image. */
#include "cfgsection.h"

#include <string.h>

#define PE_OFFSET_AT 0x3c
#define PE_HEADER_LEN 24 /* signature and COFF header */
#define SECTION_LEN 40
#define MAX_SECTIONS 96

/* Microsoft's PE/COFF specification, "COFF File Header" and "Section Table". */
struct cb_bytes cb_cfgsection_find(const void *base, size_t size)
{
	const struct cb_bytes none = { NULL, 0 };
	struct cb_reader r = cb_reader_of((struct cb_bytes){ base, size });
	uint32_t pe_at;
	uint16_t n_sections, optional_len;

	(void)cb_read_bytes(&r, PE_OFFSET_AT);
	pe_at = cb_read_le32(&r);
	r = cb_reader_of((struct cb_bytes){ base, size });
	(void)cb_read_bytes(&r, pe_at);
	if (cb_read_le32(&r) != 0x4550) /* "PE", 0, 0 */
		return none;
	(void)cb_read_le16(&r);
	n_sections = cb_read_le16(&r);
	(void)cb_read_bytes(&r, 12);
	optional_len = cb_read_le16(&r);
	(void)cb_read_le16(&r);
	(void)cb_read_bytes(&r, optional_len);
	for (unsigned i = 0; i < n_sections && i < MAX_SECTIONS && !r.failed; i++) {
		struct cb_bytes name = cb_read_bytes(&r, 8);
		uint32_t virtual_len = cb_read_le32(&r), address = cb_read_le32(&r);
		uint32_t raw_len = cb_read_le32(&r);
		uint32_t len = raw_len < virtual_len ? raw_len : virtual_len;

		(void)cb_read_bytes(&r, SECTION_LEN - 20);
		if (r.failed || memcmp(name.p, ".cbcfg\0", 8) != 0)
			continue;
		if (address > size || len > size - address)
			return none;
		return (struct cb_bytes){ (const uint8_t *)base + address, len };
	}
	return none;
}
