/* SPDX-License-Identifier: MIT */
/* The signed extension members x-chunkboot; unknown members in them are skipped. */
#include <string.h>

#include "core/login.h"
#include "core/tuf_internal.h"

static const struct cb_json *extension(const struct cb_json *body)
{
	return cb_json_get(body, "x-chunkboot");
}

static bool has_control(struct cb_bytes s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* An optional member of type string, copied with a NUL; empty when absent. */
static enum cb_err copy_optional(const struct cb_json *node, char *out, size_t max)
{
	struct cb_bytes s = { .p = NULL };

	if (node != NULL && (!cb_json_is(node, CB_JSON_STRING) || has_control(node->text)))
		return CB_META_FORMAT;
	if (node != NULL)
		s = node->text;
	if (s.len > max)
		return CB_META_LIMIT;
	if (s.len > 0)
		memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return CB_OK;
}

static enum cb_err optional_integer(const struct cb_json *node, uint64_t *ret)
{
	*ret = 0;
	return node == NULL ? CB_OK : cb_json_integer(node, ret);
}

/* An http(s) URL: printable ASCII without blanks, quotes and backslashes. */
static bool is_url(const struct cb_json *node)
{
	struct cb_bytes s;

	if (cb_json_string(node, &s) != CB_OK || s.len > CB_TUF_MAX_URL)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return (s.len > 7 && memcmp(s.p, "http://", 7) == 0) ||
		(s.len > 8 && memcmp(s.p, "https://", 8) == 0);
}

/* An optional list of URLs; out has room for CB_TUF_MAX_MIRRORS. */
static enum cb_err optional_urls(const struct cb_json *list, struct cb_bytes *out, unsigned *ret_n)
{
	unsigned n = 0;

	*ret_n = 0;
	if (list == NULL)
		return CB_OK;
	if (!cb_json_is(list, CB_JSON_ARRAY))
		return CB_META_FORMAT;
	if (list->n_children > CB_TUF_MAX_MIRRORS)
		return CB_META_LIMIT;
	for (const struct cb_json *url = list->first; url != NULL; url = url->next) {
		if (!is_url(url))
			return CB_META_FORMAT;
		out[n++] = url->text;
	}
	*ret_n = n;
	return CB_OK;
}

static enum cb_err parse_kdf(const struct cb_json *node, struct cb_tuf_kdf *ret)
{
	uint64_t t, m_kib;

	if (cb_json_integer(cb_json_get(node, "t"), &t) != CB_OK ||
	    cb_json_integer(cb_json_get(node, "m_kib"), &m_kib) != CB_OK)
		return CB_META_FORMAT;
	if (t < CB_KDF_MIN_T || t > CB_KDF_MAX_T || m_kib < CB_KDF_MIN_KIB ||
	    m_kib > CB_KDF_MAX_KIB)
		return CB_META_LIMIT;
	*ret = (struct cb_tuf_kdf){ .t = (uint32_t)t, .m_kib = (uint32_t)m_kib };
	return CB_OK;
}

static enum cb_err parse_kdfs(const struct cb_json *list, struct cb_tuf_info *info)
{
	info->n_kdf = 0;
	if (list == NULL)
		return CB_OK;
	if (!cb_json_is(list, CB_JSON_ARRAY))
		return CB_META_FORMAT;
	if (list->n_children > sizeof(info->kdf) / sizeof(info->kdf[0]))
		return CB_META_LIMIT;
	for (const struct cb_json *node = list->first; node != NULL; node = node->next) {
		enum cb_err err = parse_kdf(node, &info->kdf[info->n_kdf]);

		if (err != CB_OK)
			return err;
		info->n_kdf++;
	}
	return CB_OK;
}

enum cb_err cb_tuf_extend_root(const struct cb_json *body, struct cb_tuf_info *info)
{
	const struct cb_json *policy = cb_json_get(extension(body), "clock_policy");

	info->is_clock_strict =
		cb_json_is(policy, CB_JSON_STRING) && cb_bytes_is(policy->text, "strict");
	if (policy != NULL && !info->is_clock_strict &&
	    !(cb_json_is(policy, CB_JSON_STRING) && cb_bytes_is(policy->text, "ask")))
		return CB_META_FORMAT;
	return copy_optional(cb_json_get(extension(body), "title"), info->title, CB_TITLE_MAX);
}

enum cb_err cb_tuf_extend_timestamp(const struct cb_json *body, int64_t expires_s,
				    struct cb_tuf_info *info)
{
	const struct cb_json *issued = cb_json_get(extension(body), "issued");

	info->issued_s = 0;
	info->timestamp_expires_s = expires_s;
	if (issued == NULL)
		return CB_OK;
	if (cb_tuf_parse_time(issued, &info->issued_s) != CB_OK || info->issued_s > expires_s ||
	    expires_s - info->issued_s > CB_TUF_TIMESTAMP_MAX_LIFE_S)
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_extend_targets(const struct cb_json *body, struct cb_tuf_info *info)
{
	const struct cb_json *x = extension(body);
	enum cb_err err = optional_integer(cb_json_get(x, "min_loader"), &info->min_loader);

	if (err == CB_OK)
		err = copy_optional(cb_json_get(x, "default_image"), info->default_image,
				    CB_NAME_MAX);
	if (err == CB_OK && info->default_image[0] != '\0' &&
	    !cb_tuf_is_name(cb_bytes_of(info->default_image)))
		err = CB_META_FORMAT;
	if (err == CB_OK)
		err = optional_urls(cb_json_get(x, "mirrors"), info->mirrors, &info->n_mirrors);
	if (err == CB_OK)
		err = optional_urls(cb_json_get(x, "login_servers"), info->login_servers,
				    &info->n_login_servers);
	return err != CB_OK ? err : parse_kdfs(cb_json_get(x, "kdf"), info);
}

/* Each entry: the first 16 hex digits of a locator. */
static enum cb_err check_revoked(const struct cb_json *list)
{
	uint8_t prefix[8];

	if (!cb_json_is(list, CB_JSON_ARRAY))
		return CB_META_FORMAT;
	if (list->n_children > CB_TUF_MAX_REVOKED)
		return CB_META_LIMIT;
	for (const struct cb_json *node = list->first; node != NULL; node = node->next)
		if (!cb_json_is(node, CB_JSON_STRING) || !cb_hex_decode(node->text, prefix, 8))
			return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_extend_accounts(const struct cb_json *body, enum cb_tuf_profile profile,
				   struct cb_tuf_info *info)
{
	const struct cb_json *x = extension(body);
	enum cb_err err;

	info->min_epoch = 0;
	if (x == NULL && profile == CB_TUF_STANDARD)
		return CB_OK;
	err = cb_json_integer(cb_json_get(x, "min_epoch"), &info->min_epoch);
	return err != CB_OK ? err : check_revoked(cb_json_get(x, "revoked"));
}
