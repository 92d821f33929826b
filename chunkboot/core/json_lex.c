/* SPDX-License-Identifier: MIT */
/* Tokens of JSON: strings with their escapes and UTF-8, numbers, literals. */
#include "core/json_lex.h"

#include <string.h>

void cb_json_skip_space(struct cb_json_lexer *lex)
{
	while (lex->p < lex->end &&
	       (*lex->p == ' ' || *lex->p == '\t' || *lex->p == '\n' || *lex->p == '\r'))
		lex->p++;
}

bool cb_json_take(struct cb_json_lexer *lex, uint8_t c)
{
	if (lex->p == lex->end || *lex->p != c)
		return false;
	lex->p++;
	return true;
}

/* ---- Strings ---- */

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* Four hex digits of either case. */
static bool lex_hex4(struct cb_json_lexer *lex, uint32_t *ret)
{
	uint32_t v = 0;

	if (lex->end - lex->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		uint8_t c = *lex->p++;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}
	*ret = v;
	return true;
}

/* After "\u": one code point, from two escapes when the first is a high surrogate. */
static bool lex_unicode_escape(struct cb_json_lexer *lex, uint32_t *ret)
{
	uint32_t high, low;

	if (!lex_hex4(lex, &high))
		return false;
	if (!is_surrogate(high)) {
		*ret = high;
		return true;
	}
	if (high > 0xdbff || !cb_json_take(lex, '\\') || !cb_json_take(lex, 'u') ||
	    !lex_hex4(lex, &low) || low < 0xdc00 || low > 0xdfff)
		return false;
	*ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* After a backslash. */
static bool lex_escape(struct cb_json_lexer *lex, uint32_t *ret)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";

	if (cb_json_take(lex, 'u'))
		return lex_unicode_escape(lex, ret);
	for (size_t i = 0; names[i] != '\0'; i++) {
		if (cb_json_take(lex, (uint8_t)names[i])) {
			*ret = (uint8_t)values[i];
			return true;
		}
	}
	return false;
}

/* A lead byte of 2..4 bytes: how many follow, the bits it carries, the least value of that length. */
static bool utf8_lead(uint8_t c, unsigned *ret_more, uint32_t *ret_bits, uint32_t *ret_least)
{
	if (c >= 0xc2 && c <= 0xdf) {
		*ret_more = 1, *ret_bits = c & 0x1fu, *ret_least = 0x80;
		return true;
	}
	if (c >= 0xe0 && c <= 0xef) {
		*ret_more = 2, *ret_bits = c & 0x0fu, *ret_least = 0x800;
		return true;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		*ret_more = 3, *ret_bits = c & 0x07u, *ret_least = 0x10000;
		return true;
	}
	return false;
}

/* One code point of well-formed UTF-8 (RFC 3629). */
static bool lex_utf8(struct cb_json_lexer *lex, uint32_t *ret)
{
	uint8_t c = *lex->p++;
	unsigned more;
	uint32_t v, least;

	if (c < 0x80) {
		*ret = c;
		return true;
	}
	if (!utf8_lead(c, &more, &v, &least) || lex->end - lex->p < (ptrdiff_t)more)
		return false;
	for (; more > 0; more--) {
		c = *lex->p++;
		if ((c & 0xc0) != 0x80)
			return false;
		v = v << 6 | (c & 0x3fu);
	}
	if (v < least || v > 0x10ffff || is_surrogate(v))
		return false;
	*ret = v;
	return true;
}

static void put_utf8(struct cb_json_lexer *lex, uint32_t c)
{
	uint8_t *t = lex->text;

	if (c < 0x80) {
		*t++ = (uint8_t)c;
	} else if (c < 0x800) {
		*t++ = (uint8_t)(0xc0 | c >> 6);
		*t++ = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*t++ = (uint8_t)(0xe0 | c >> 12);
		*t++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*t++ = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		*t++ = (uint8_t)(0xf0 | c >> 18);
		*t++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		*t++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		*t++ = (uint8_t)(0x80 | (c & 0x3f));
	}
	lex->text = t;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

enum cb_err cb_json_lex_string(struct cb_json_lexer *lex, struct cb_bytes *ret)
{
	const uint8_t *start = lex->text;
	uint32_t c;

	if (!cb_json_take(lex, '"'))
		return CB_META_FORMAT;
	while (lex->p < lex->end && *lex->p != '"') {
		if (cb_json_take(lex, '\\')) {
			if (!lex_escape(lex, &c))
				return CB_META_FORMAT;
		} else if (!lex_utf8(lex, &c) || c < 0x20) {
			return CB_META_FORMAT;
		}
		if (lex->is_strict && is_control(c))
			return CB_META_FORMAT;
		put_utf8(lex, c);
	}
	if (!cb_json_take(lex, '"'))
		return CB_META_FORMAT;
	*ret = (struct cb_bytes){ .p = start, .len = (size_t)(lex->text - start) };
	return CB_OK;
}

/* ---- Numbers and literals ---- */

/* Copies the digits that come next; false when there is none. */
static bool lex_digits(struct cb_json_lexer *lex)
{
	const uint8_t *start = lex->p;

	while (lex->p < lex->end && *lex->p >= '0' && *lex->p <= '9')
		lex->p++;
	return lex->p > start;
}

/* int [frac] [exp] of RFC 8259 §6; *ret_plain when there is neither sign nor fraction nor exponent. */
static bool lex_number_span(struct cb_json_lexer *lex, bool *ret_plain)
{
	bool plain = !cb_json_take(lex, '-');

	if (!cb_json_take(lex, '0') && !lex_digits(lex))
		return false;
	if (cb_json_take(lex, '.')) {
		plain = false;
		if (!lex_digits(lex))
			return false;
	}
	if (cb_json_take(lex, 'e') || cb_json_take(lex, 'E')) {
		plain = false;
		if (!cb_json_take(lex, '+'))
			(void)cb_json_take(lex, '-');
		if (!lex_digits(lex))
			return false;
	}
	*ret_plain = plain;
	return true;
}

static bool integer_of(struct cb_bytes digits, uint64_t *ret)
{
	uint64_t v = 0;

	if (digits.len > 16)
		return false;
	for (size_t i = 0; i < digits.len; i++)
		v = v * 10 + (uint64_t)(digits.p[i] - '0');
	if (v > CB_JSON_MAX_INTEGER)
		return false;
	*ret = v;
	return true;
}

static enum cb_err lex_number(struct cb_json_lexer *lex, struct cb_json *node)
{
	const uint8_t *start = lex->p;
	bool plain;
	size_t len;

	if (!lex_number_span(lex, &plain))
		return CB_META_FORMAT;
	len = (size_t)(lex->p - start);
	memcpy(lex->text, start, len);
	node->type = CB_JSON_NUMBER;
	node->text = (struct cb_bytes){ .p = lex->text, .len = len };
	lex->text += len;
	node->is_integer = plain && integer_of(node->text, &node->integer);
	if (lex->is_strict && !node->is_integer)
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_json_lex_scalar(struct cb_json_lexer *lex, struct cb_json *node)
{
	static const struct {
		const char *word;
		size_t len;
		enum cb_json_type type;
	} literals[] = {
		{ "null", 4, CB_JSON_NULL },
		{ "false", 5, CB_JSON_FALSE },
		{ "true", 4, CB_JSON_TRUE },
	};

	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		if ((size_t)(lex->end - lex->p) < literals[i].len ||
		    memcmp(lex->p, literals[i].word, literals[i].len) != 0)
			continue;
		lex->p += literals[i].len;
		node->type = literals[i].type;
		return CB_OK;
	}
	return lex_number(lex, node);
}
