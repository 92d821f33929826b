/* SPDX-License-Identifier: MIT */
/* Appends text to a fixed buffer: strings, decimal numbers, hex, JSON strings. */
#ifndef CB_CORE_TEXT_H
#define CB_CORE_TEXT_H

#include "core/bytes.h"

/* What does not fit is dropped and remembered; the text is always NUL-terminated. max >= 1. */
struct cb_text {
	char *out;
	size_t max, len;
	bool overflowed;
};

struct cb_text cb_text_of(char *out, size_t max);
void cb_text_put(struct cb_text *t, const char *s);
void cb_text_put_bytes(struct cb_text *t, struct cb_bytes s);
void cb_text_put_u64(struct cb_text *t, uint64_t v);
void cb_text_put_hex(struct cb_text *t, const uint8_t *p, size_t len);
/* A JSON string with quotes (RFC 8259 §7): quote, backslash and control characters escaped. */
void cb_text_put_json(struct cb_text *t, struct cb_bytes s);

#endif
