/* SPDX-License-Identifier: MIT */
/* Line editor for the sign-in prompts, and keyboard layouts for firmware that only knows US. */
#ifndef CB_CORE_LINE_H
#define CB_CORE_LINE_H

#include "core/event.h"

#define CB_LINE_MAX 256

struct cb_line {
	char text[CB_LINE_MAX + 1];
	size_t len, cursor;
	size_t max; /* 1..CB_LINE_MAX */
};

enum cb_line_result { CB_LINE_EDITING, CB_LINE_IGNORED, CB_LINE_ENTERED, CB_LINE_ESCAPED };

void cb_line_init(struct cb_line *l, size_t max);
/* key: enum cb_keypress or a printable ASCII character. Anything else is ignored. */
enum cb_line_result cb_line_key(struct cb_line *l, unsigned key);
void cb_line_wipe(struct cb_line *l);

/* Layouts: "us", "de", "fr", ...; index 0 is us. NULL past the end. */
const char *cb_layout_name(unsigned i);
/* Index of a name; 0 (us) for an unknown one, ret_known (may be NULL) tells. */
unsigned cb_layout_find(struct cb_bytes name, bool *ret_known);
/* The ASCII character that the key producing `us` on a US keyboard has in the layout; characters
 * outside ASCII in that layout give 0. */
unsigned cb_layout_map(unsigned layout, unsigned us);

#endif
