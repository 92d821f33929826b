/* SPDX-License-Identifier: MIT */
/* Fuzzes the JSON parser: the strict rules accept a part of the standard ones; canonical is stable. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/json.h"
#include "host/heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The canonical form parses again, to the same canonical form. */
static void check_canonical(const struct cb_json *root, enum cb_json_rules rules)
{
	struct cb_json_doc again;
	uint8_t *text;
	size_t len;

	if (cb_json_canonical_len(root, &len) != CB_OK)
		return;
	text = malloc(len);
	if (text == NULL)
		return;
	if (cb_json_canonical_write(root, text, len) != CB_OK ||
	    !cb_json_is_canonical(root, (struct cb_bytes){ text, len }))
		abort();
	/* control characters are not escaped there: only the strict form is JSON for certain */
	if (rules == CB_JSON_STRICT) {
		if (cb_json_parse(&cb_heap, (struct cb_bytes){ text, len }, rules, &again) !=
			    CB_OK ||
		    !cb_json_is_canonical(again.root, (struct cb_bytes){ text, len }))
			abort();
		cb_json_done(&again);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_bytes input = { data, len };
	struct cb_json_doc strict = { 0 }, standard = { 0 };
	enum cb_err err = cb_json_parse(&cb_heap, input, CB_JSON_STANDARD, &standard);

	if (cb_json_parse(&cb_heap, input, CB_JSON_STRICT, &strict) == CB_OK) {
		if (err != CB_OK || strict.n_nodes != standard.n_nodes)
			abort();
		check_canonical(strict.root, CB_JSON_STRICT);
	}
	if (err == CB_OK)
		check_canonical(standard.root, CB_JSON_STANDARD);
	cb_json_done(&strict);
	cb_json_done(&standard);
	return 0;
}
