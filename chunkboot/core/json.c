/* SPDX-License-Identifier: MIT */
/* JSON parser: a flat array of values in one allocation, without recursion. */
#include "core/json.h"

#include <string.h>

#include "core/json_lex.h"

/* An array or object that is not closed yet. */
struct level {
	struct cb_json *node;
	struct cb_json *last; /* its newest child */
};

struct parser {
	struct cb_json_lexer lex;
	struct cb_json *nodes;
	size_t n_nodes, max_nodes;
	struct level levels[CB_JSON_MAX_DEPTH];
	unsigned depth;
	struct cb_bytes name; /* of the value that comes next */
};

/* ---- Members in order of name ---- */

static int compare_names(struct cb_bytes a, struct cb_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.p, b.p, len) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

/* Cuts a list after n entries (or its end) and gives back the rest. */
static struct cb_json *split_list(struct cb_json *list, size_t n)
{
	struct cb_json *rest;

	for (; list != NULL && n > 1; n--)
		list = (struct cb_json *)list->next;
	if (list == NULL)
		return NULL;
	rest = (struct cb_json *)list->next;
	list->next = NULL;
	return rest;
}

/* Appends the merge of two sorted lists at *tail; gives back the new tail. False on equal names. */
static bool merge_lists(struct cb_json *a, struct cb_json *b, struct cb_json **tail)
{
	while (a != NULL && b != NULL) {
		int order = compare_names(a->name, b->name);
		struct cb_json **from = order < 0 ? &a : &b;

		if (order == 0)
			return false;
		(*tail)->next = *from;
		*tail = *from;
		*from = (struct cb_json *)(*from)->next;
	}
	(*tail)->next = a != NULL ? a : b;
	while ((*tail)->next != NULL)
		*tail = (struct cb_json *)(*tail)->next;
	return true;
}

/* Bottom-up merge sort: n log n whatever comes, no recursion. False when a name comes twice. */
static bool sort_members(struct cb_json *object)
{
	for (size_t width = 1; width < object->n_children; width *= 2) {
		struct cb_json head = { .next = NULL };
		struct cb_json *tail = &head, *rest = (struct cb_json *)object->first;

		while (rest != NULL) {
			struct cb_json *a = rest, *b = split_list(a, width);

			rest = split_list(b, width);
			if (!merge_lists(a, b, &tail))
				return false;
		}
		object->first = head.next;
	}
	return true;
}

/* ---- Structure ---- */

/* Makes room for the next value and hangs it below the innermost open array or object. */
static enum cb_err add_node(struct parser *p, struct cb_json **ret)
{
	struct cb_json *node;

	if (p->n_nodes == p->max_nodes)
		return CB_META_LIMIT;
	node = &p->nodes[p->n_nodes++];
	*node = (struct cb_json){ .name = p->name };
	if (p->depth > 0) {
		struct level *top = &p->levels[p->depth - 1];

		if (top->last == NULL)
			top->node->first = node;
		else
			top->last->next = node;
		top->last = node;
		top->node->n_children++;
	}
	*ret = node;
	return CB_OK;
}

static enum cb_err open_level(struct parser *p, struct cb_json *node, enum cb_json_type type)
{
	if (p->depth == CB_JSON_MAX_DEPTH)
		return CB_META_LIMIT;
	node->type = type;
	p->levels[p->depth++] = (struct level){ .node = node };
	return CB_OK;
}

static enum cb_err parse_value(struct parser *p, bool *ret_opened)
{
	struct cb_json *node;
	enum cb_err err;

	cb_json_skip_space(&p->lex);
	if (p->lex.p == p->lex.end)
		return CB_META_FORMAT;
	err = add_node(p, &node);
	if (err != CB_OK)
		return err;
	*ret_opened = true;
	if (cb_json_take(&p->lex, '{'))
		return open_level(p, node, CB_JSON_OBJECT);
	if (cb_json_take(&p->lex, '['))
		return open_level(p, node, CB_JSON_ARRAY);
	*ret_opened = false;
	if (*p->lex.p != '"')
		return cb_json_lex_scalar(&p->lex, node);
	node->type = CB_JSON_STRING;
	return cb_json_lex_string(&p->lex, &node->text);
}

/* Before a value: in an object, its name and colon. */
static enum cb_err parse_name(struct parser *p)
{
	enum cb_err err;

	p->name = (struct cb_bytes){ .p = NULL };
	if (p->levels[p->depth - 1].node->type != CB_JSON_OBJECT)
		return CB_OK;
	cb_json_skip_space(&p->lex);
	err = cb_json_lex_string(&p->lex, &p->name);
	if (err != CB_OK)
		return err;
	for (size_t i = 0; p->lex.is_strict && i < p->name.len; i++)
		if (p->name.p[i] >= 0x80)
			return CB_META_FORMAT;
	cb_json_skip_space(&p->lex);
	return cb_json_take(&p->lex, ':') ? CB_OK : CB_META_FORMAT;
}

/* Consumes the innermost closing bracket when it comes next. */
static enum cb_err try_close(struct parser *p, bool *ret_closed)
{
	struct cb_json *node = p->levels[p->depth - 1].node;

	cb_json_skip_space(&p->lex);
	*ret_closed = cb_json_take(&p->lex, node->type == CB_JSON_OBJECT ? '}' : ']');
	if (!*ret_closed)
		return CB_OK;
	p->depth--;
	if (node->type == CB_JSON_OBJECT && !sort_members(node))
		return CB_META_FORMAT;
	return CB_OK;
}

/* After a value: closes what closes here; else a comma says that one more value comes. */
static enum cb_err parse_after(struct parser *p)
{
	while (p->depth > 0) {
		bool closed;
		enum cb_err err = try_close(p, &closed);

		if (err != CB_OK)
			return err;
		if (!closed)
			return cb_json_take(&p->lex, ',') ? parse_name(p) : CB_META_FORMAT;
	}
	return CB_OK;
}

static enum cb_err parse_document(struct parser *p)
{
	do {
		bool opened, closed = true;
		enum cb_err err = parse_value(p, &opened);

		if (err == CB_OK && opened) {
			err = try_close(p, &closed);
			if (err == CB_OK && !closed)
				err = parse_name(p);
		}
		if (err == CB_OK && closed)
			err = parse_after(p);
		if (err != CB_OK)
			return err;
	} while (p->depth > 0);
	cb_json_skip_space(&p->lex);
	return p->lex.p == p->lex.end ? CB_OK : CB_META_FORMAT;
}

/* Every value but the first follows an opening bracket or a comma. */
static size_t most_nodes(struct cb_bytes input)
{
	size_t n = 1;

	for (size_t i = 0; i < input.len; i++)
		n += input.p[i] == ',' || input.p[i] == '[' || input.p[i] == '{';
	return n < CB_JSON_MAX_NODES ? n : CB_JSON_MAX_NODES;
}

enum cb_err cb_json_parse(const struct cb_mem *mem, struct cb_bytes input, enum cb_json_rules rules,
			  struct cb_json_doc *ret)
{
	struct parser p = { .max_nodes = most_nodes(input) };
	enum cb_err err;

	if (input.len > CB_JSON_MAX_LEN)
		return CB_META_LIMIT;
	if (input.len == 0)
		return CB_META_FORMAT;
	/* Unescaped text is never longer than what it came from. */
	p.nodes = cb_alloc(mem, p.max_nodes * sizeof(*p.nodes) + input.len);
	if (p.nodes == NULL)
		return CB_NO_MEMORY;
	p.lex = (struct cb_json_lexer){
		.p = input.p,
		.end = input.p + input.len,
		.text = (uint8_t *)(p.nodes + p.max_nodes),
		.is_strict = rules == CB_JSON_STRICT,
	};
	err = parse_document(&p);
	if (err != CB_OK) {
		cb_free(mem, p.nodes);
		return err;
	}
	*ret = (struct cb_json_doc){ .mem = mem, .root = p.nodes, .n_nodes = p.n_nodes };
	return CB_OK;
}

void cb_json_done(struct cb_json_doc *doc)
{
	if (doc->root != NULL)
		cb_free(doc->mem, doc->root);
	*doc = (struct cb_json_doc){ .mem = NULL };
}

/* ---- Access ---- */

const struct cb_json *cb_json_get_bytes(const struct cb_json *node, struct cb_bytes name)
{
	if (!cb_json_is(node, CB_JSON_OBJECT))
		return NULL;
	for (const struct cb_json *child = node->first; child != NULL; child = child->next)
		if (cb_bytes_equal(child->name, name))
			return child;
	return NULL;
}

const struct cb_json *cb_json_get(const struct cb_json *node, const char *name)
{
	return cb_json_get_bytes(node, cb_bytes_of(name));
}

bool cb_json_is(const struct cb_json *node, enum cb_json_type type)
{
	return node != NULL && node->type == type;
}

enum cb_err cb_json_string(const struct cb_json *node, struct cb_bytes *ret)
{
	if (!cb_json_is(node, CB_JSON_STRING))
		return CB_META_FORMAT;
	*ret = node->text;
	return CB_OK;
}

enum cb_err cb_json_integer(const struct cb_json *node, uint64_t *ret)
{
	if (!cb_json_is(node, CB_JSON_NUMBER) || !node->is_integer)
		return CB_META_FORMAT;
	*ret = node->integer;
	return CB_OK;
}
