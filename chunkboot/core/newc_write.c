/* SPDX-License-Identifier: MIT */
/* Writes newc archives. */
#include <string.h>

#include "core/newc.h"

static size_t round_up_4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

size_t cb_newc_entry_len(size_t name_len, size_t data_len)
{
	return round_up_4(CB_NEWC_HEADER_LEN + name_len + 1) + round_up_4(data_len);
}

/* Where the next len bytes go; NULL, for good, once they do not fit. */
static uint8_t *take(struct cb_newc_writer *w, size_t len)
{
	if (w->overflowed || len > w->max - w->len) {
		w->overflowed = true;
		return NULL;
	}
	uint8_t *p = w->out + w->len;
	w->len += len;
	return p;
}

static void put_hex(uint8_t *p, uint32_t v)
{
	static const char digits[] = "0123456789ABCDEF";
	for (unsigned i = 8; i-- > 0; v >>= 4)
		p[i] = (uint8_t)digits[v & 15];
}

void cb_newc_add(struct cb_newc_writer *w, const char *name, uint32_t mode, struct cb_bytes data)
{
	size_t name_len = strlen(name);
	if (name_len >= CB_NEWC_MAX_NAME || data.len > UINT32_MAX) {
		w->overflowed = true;
		return;
	}
	size_t data_at = round_up_4(CB_NEWC_HEADER_LEN + name_len + 1);
	uint8_t *p = take(w, cb_newc_entry_len(name_len, data.len));
	if (!p)
		return;
	/* Inode, times, owners and devices stay 0: the same content gives the same bytes. */
	memset(p, '0', CB_NEWC_HEADER_LEN);
	memcpy(p, "070701", 6);
	put_hex(p + 14, mode);
	put_hex(p + 38, 1);
	put_hex(p + 54, (uint32_t)data.len);
	put_hex(p + 94, (uint32_t)name_len + 1);
	memcpy(p + CB_NEWC_HEADER_LEN, name, name_len);
	memset(p + CB_NEWC_HEADER_LEN + name_len, 0, data_at - CB_NEWC_HEADER_LEN - name_len);
	if (data.len == 0)
		return;
	memcpy(p + data_at, data.p, data.len);
	memset(p + data_at + data.len, 0, round_up_4(data.len) - data.len);
}

enum cb_err cb_newc_finish(struct cb_newc_writer *w, size_t *ret_len)
{
	cb_newc_add(w, CB_NEWC_TRAILER, 0, (struct cb_bytes){ .p = NULL, .len = 0 });
	if (w->overflowed)
		return CB_NO_MEMORY;
	*ret_len = w->len;
	return CB_OK;
}
