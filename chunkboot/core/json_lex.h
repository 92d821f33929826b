/* SPDX-License-Identifier: MIT */
/* The tokens of JSON, for json.c only: strings, numbers, literals. */
#ifndef CB_CORE_JSON_LEX_H
#define CB_CORE_JSON_LEX_H

#include "core/json.h"

struct cb_json_lexer {
	const uint8_t *p, *end; /* rest of the input */
	uint8_t *text; /* where the next unescaped byte goes; never overtakes the input */
	bool is_strict;
};

void cb_json_skip_space(struct cb_json_lexer *lex);
/* Consumes c when it comes next. */
bool cb_json_take(struct cb_json_lexer *lex, uint8_t c);
/* A string, from its opening quote on; *ret leads into the text buffer. META_FORMAT. */
enum cb_err cb_json_lex_string(struct cb_json_lexer *lex, struct cb_bytes *ret);
/* A number, true, false or null; fills type, text, integer. META_FORMAT. */
enum cb_err cb_json_lex_scalar(struct cb_json_lexer *lex, struct cb_json *node);

#endif
