/* SPDX-License-Identifier: MIT */
/* Canonical form of JSON: measured, written and compared by one walk over the values. */
#include <string.h>

#include "core/json.h"

/* Where the canonical bytes go. Exactly one of out and expect is set, or neither to count only. */
struct sink {
	uint8_t *out;
	const uint8_t *expect;
	size_t len; /* so far */
	size_t max; /* room at out, or length of expect */
	bool failed; /* did not fit, or differs */
};

static void put(struct sink *s, const void *p, size_t len)
{
	if (s->failed || len == 0)
		return;
	if (len > s->max - s->len ||
	    (s->expect != NULL && memcmp(s->expect + s->len, p, len) != 0)) {
		s->failed = true;
		return;
	}
	if (s->out != NULL)
		memcpy(s->out + s->len, p, len);
	s->len += len;
}

static void put_string(struct sink *s, struct cb_bytes text)
{
	size_t start = 0;

	put(s, "\"", 1);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] != '"' && text.p[i] != '\\')
			continue;
		put(s, text.p + start, i - start);
		put(s, "\\", 1);
		start = i; /* the character itself goes with the next run */
	}
	if (text.len > start)
		put(s, text.p + start, text.len - start);
	put(s, "\"", 1);
}

/* Only integers have a canonical form; minus zero is zero. */
static bool put_number(struct sink *s, struct cb_bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '.' || text.p[i] == 'e' || text.p[i] == 'E')
			return false;
	if (cb_bytes_is(text, "-0"))
		text = cb_bytes_of("0");
	put(s, text.p, text.len);
	return true;
}

static bool put_scalar(struct sink *s, const struct cb_json *node)
{
	switch (node->type) {
	case CB_JSON_NULL:
		put(s, "null", 4);
		return true;
	case CB_JSON_FALSE:
		put(s, "false", 5);
		return true;
	case CB_JSON_TRUE:
		put(s, "true", 4);
		return true;
	case CB_JSON_NUMBER:
		return put_number(s, node->text);
	case CB_JSON_STRING:
		put_string(s, node->text);
		return true;
	case CB_JSON_ARRAY:
		put(s, "[]", 2);
		return true;
	case CB_JSON_OBJECT:
		put(s, "{}", 2);
		return true;
	}
	return false;
}

static bool is_object(const struct cb_json *node)
{
	return node->type == CB_JSON_OBJECT;
}

/* A value without children is written whole; else it is opened, and its first child comes next. */
static bool canonical_walk(struct sink *s, const struct cb_json *top)
{
	const struct cb_json *open[CB_JSON_MAX_DEPTH];
	const struct cb_json *node = top;
	unsigned depth = 0;

	for (;;) {
		if (depth > 0 && is_object(open[depth - 1])) {
			put_string(s, node->name);
			put(s, ":", 1);
		}
		if (node->n_children > 0) {
			put(s, is_object(node) ? "{" : "[", 1);
			open[depth++] = node;
			node = node->first;
			continue;
		}
		if (!put_scalar(s, node))
			return false;
		while (depth > 0 && node->next == NULL) {
			node = open[--depth];
			put(s, is_object(node) ? "}" : "]", 1);
		}
		if (depth == 0)
			return true;
		put(s, ",", 1);
		node = node->next;
	}
}

enum cb_err cb_json_canonical_len(const struct cb_json *node, size_t *ret_len)
{
	struct sink s = { .max = SIZE_MAX };

	if (!canonical_walk(&s, node))
		return CB_META_FORMAT;
	*ret_len = s.len;
	return CB_OK;
}

enum cb_err cb_json_canonical_write(const struct cb_json *node, uint8_t *out, size_t len)
{
	struct sink s = { .out = out, .max = len };

	if (!canonical_walk(&s, node) || s.failed || s.len != len)
		return CB_META_FORMAT;
	return CB_OK;
}

bool cb_json_is_canonical(const struct cb_json *node, struct cb_bytes text)
{
	struct sink s = { .expect = text.p, .max = text.len };

	return canonical_walk(&s, node) && !s.failed && s.len == text.len;
}
