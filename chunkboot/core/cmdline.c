/* SPDX-License-Identifier: MIT */
/* Kernel command line: the signed line plus permitted tokens of the account's suffix plus facts. */
#include "core/cmdline.h"

#include <string.h>

/* Cuts the next blank-separated token off *rest; an empty one means there is none left. */
static struct cb_bytes next_token(struct cb_bytes *rest)
{
	while (rest->len != 0 && rest->p[0] == ' ') {
		rest->p++;
		rest->len--;
	}
	struct cb_bytes token = { .p = rest->p, .len = 0 };
	while (token.len < rest->len && rest->p[token.len] != ' ')
		token.len++;
	if (token.len != 0) {
		rest->p += token.len;
		rest->len -= token.len;
	}
	return token;
}

static bool matches(struct cb_bytes token, struct cb_bytes allow)
{
	if (cb_bytes_equal(token, allow))
		return true;
	if (allow.len == 0 || token.len < allow.len)
		return false;
	uint8_t last = allow.p[allow.len - 1];
	if (last != '=' && last != '.' && last != ',')
		return false;
	return memcmp(token.p, allow.p, allow.len) == 0;
}

static bool is_allowed(const struct cb_manifest *m, struct cb_bytes token)
{
	/* A quote could make the kernel join or split tokens differently from us. */
	for (size_t i = 0; i < token.len; i++)
		if (token.p[i] == '"' || token.p[i] == '\'')
			return false;
	for (unsigned i = 0; i < m->n_allow; i++)
		if (matches(token, m->allow[i]))
			return true;
	return false;
}

/* Checks all tokens; *ret_len: their length with one blank between two. */
static enum cb_err check_suffix(const struct cb_manifest *m, struct cb_bytes suffix,
				size_t *ret_len)
{
	size_t len = 0;
	if (!cb_bytes_is_ascii(suffix))
		return CB_CMDLINE_REFUSED;
	for (;;) {
		struct cb_bytes token = next_token(&suffix);
		if (token.len == 0)
			break;
		if (!is_allowed(m, token))
			return CB_CMDLINE_REFUSED;
		len += token.len + (len != 0 ? 1 : 0);
	}
	*ret_len = len;
	return CB_OK;
}

static char *append(char *at, const char *start, struct cb_bytes part)
{
	if (part.len == 0)
		return at;
	if (at != start)
		*at++ = ' ';
	memcpy(at, part.p, part.len);
	return at + part.len;
}

enum cb_err cb_cmdline_compose(const struct cb_manifest *m, struct cb_bytes suffix,
			       struct cb_bytes facts,
			       char out[CB_CMDLINE_MAX + 1 + CB_CMDLINE_FACTS_MAX + 1])
{
	size_t suffix_len, len = m->cmdline.len;
	enum cb_err err = check_suffix(m, suffix, &suffix_len);
	if (err != CB_OK)
		return err;
	if (!cb_bytes_is_ascii(m->cmdline) || !cb_bytes_is_ascii(facts))
		return CB_CMDLINE_REFUSED;
	if (suffix_len != 0 && !cb_add(len, suffix_len + (len != 0 ? 1 : 0), &len))
		return CB_CMDLINE_TOO_LONG;
	if (len > CB_CMDLINE_MAX || facts.len > CB_CMDLINE_FACTS_MAX)
		return CB_CMDLINE_TOO_LONG;
	char *at = append(out, out, m->cmdline);
	for (;;) {
		struct cb_bytes token = next_token(&suffix);
		if (token.len == 0)
			break;
		at = append(at, out, token);
	}
	at = append(at, out, facts);
	*at = '\0';
	return CB_OK;
}
