/* SPDX-License-Identifier: MIT */
/* Appends text to a fixed buffer. */
#include "core/text.h"

#include <string.h>

struct cb_text cb_text_of(char *out, size_t max)
{
	out[0] = '\0';
	return (struct cb_text){ .out = out, .max = max };
}

void cb_text_put_bytes(struct cb_text *t, struct cb_bytes s)
{
	if (t->overflowed || s.len >= t->max - t->len) {
		t->overflowed = true;
		return;
	}
	if (s.len > 0)
		memcpy(t->out + t->len, s.p, s.len);
	t->len += s.len;
	t->out[t->len] = '\0';
}

void cb_text_put(struct cb_text *t, const char *s)
{
	cb_text_put_bytes(t, cb_bytes_of(s));
}

void cb_text_put_u64(struct cb_text *t, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	cb_text_put_bytes(t, (struct cb_bytes){ digits + at, sizeof(digits) - at });
}

void cb_text_put_hex(struct cb_text *t, const uint8_t *p, size_t len)
{
	char pair[3];

	for (size_t i = 0; i < len; i++) {
		cb_hex_encode(p + i, 1, pair);
		cb_text_put(t, pair);
	}
}

void cb_text_put_json(struct cb_text *t, struct cb_bytes s)
{
	cb_text_put(t, "\"");
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c < 0x20) {
			cb_text_put(t, "\\u00");
			cb_text_put_hex(t, &c, 1);
			continue;
		}
		if (c == '"' || c == '\\')
			cb_text_put(t, "\\");
		cb_text_put_bytes(t, (struct cb_bytes){ s.p + i, 1 });
	}
	cb_text_put(t, "\"");
}
