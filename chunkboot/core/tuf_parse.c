/* SPDX-License-Identifier: MIT */
/* Members of TUF metadata: dates, meta entries, targets, roles, delegations. */
#include <string.h>

#include "core/text.h"
#include "core/tuf_internal.h"

/* ---- Dates ---- */

/* n digits as a number. */
static bool parse_digits(const uint8_t *p, unsigned n, int64_t *ret)
{
	int64_t v = 0;

	for (unsigned i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (p[i] - '0');
	}
	*ret = v;
	return true;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in_month(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the first day of the year (>= 1). */
static int64_t days_before_year(int64_t year)
{
	int64_t y = year - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 - 719162;
}

enum cb_err cb_tuf_parse_time(const struct cb_json *node, int64_t *ret_s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	int64_t year, month, day, hour, minute, second, days;
	struct cb_bytes s;

	if (cb_json_string(node, &s) != CB_OK || s.len != sizeof(form) - 1)
		return CB_META_FORMAT;
	for (size_t i = 0; i < s.len; i++)
		if (form[i] != 'd' && s.p[i] != (uint8_t)form[i])
			return CB_META_FORMAT;
	if (!parse_digits(s.p, 4, &year) || !parse_digits(s.p + 5, 2, &month) ||
	    !parse_digits(s.p + 8, 2, &day) || !parse_digits(s.p + 11, 2, &hour) ||
	    !parse_digits(s.p + 14, 2, &minute) || !parse_digits(s.p + 17, 2, &second))
		return CB_META_FORMAT;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return CB_META_FORMAT;
	days = days_before_year(year) + day - 1;
	for (int64_t m = 1; m < month; m++)
		days += days_in_month(year, m);
	*ret_s = ((days * 24 + hour) * 60 + minute) * 60 + second;
	return CB_OK;
}

/* ---- Meta entries ---- */

/* "hashes": sha256 when it is there. */
static enum cb_err parse_hashes(const struct cb_json *hashes, bool *ret_has, uint8_t sha256[32])
{
	const struct cb_json *hex = cb_json_get(hashes, "sha256");

	*ret_has = hex != NULL;
	if (hashes != NULL && !cb_json_is(hashes, CB_JSON_OBJECT))
		return CB_META_FORMAT;
	if (hex == NULL)
		return CB_OK;
	if (!cb_json_is(hex, CB_JSON_STRING) || !cb_hex_decode(hex->text, sha256, 32))
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_parse_meta(const struct cb_json *body, const char *file_name, uint32_t max_len,
			      enum cb_tuf_profile profile, struct cb_tuf_meta *ret)
{
	const struct cb_json *entry = cb_json_get(cb_json_get(body, "meta"), file_name);
	const struct cb_json *len = cb_json_get(entry, "length");
	struct cb_tuf_meta meta = { .has_len = len != NULL };
	uint64_t value = 0;
	enum cb_err err = cb_json_integer(cb_json_get(entry, "version"), &meta.version);

	if (err == CB_OK && meta.has_len)
		err = cb_json_integer(len, &value);
	if (err == CB_OK)
		err = parse_hashes(cb_json_get(entry, "hashes"), &meta.has_sha256, meta.sha256);
	if (err != CB_OK)
		return err;
	if (meta.version == 0 || (profile == CB_TUF_LOADER && (!meta.has_len || !meta.has_sha256)))
		return CB_META_FORMAT;
	if (value > max_len)
		return CB_META_LIMIT;
	meta.len = (uint32_t)value;
	*ret = meta;
	return CB_OK;
}

/* ---- Targets ---- */

bool cb_tuf_is_name(struct cb_bytes s)
{
	if (s.len < 1 || s.len > CB_NAME_MAX || cb_bytes_is(s, ".") || cb_bytes_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-')
			return false;
	}
	return true;
}

/* Copies a string member of at most max bytes, printable ASCII, with a NUL. */
static enum cb_err copy_string(const struct cb_json *node, char *out, size_t max)
{
	struct cb_bytes s;

	if (cb_json_string(node, &s) != CB_OK || s.len > max)
		return CB_META_FORMAT;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return CB_META_FORMAT;
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return CB_OK;
}

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (cb_bytes_is(cb_bytes_of(s), *list))
			return true;
	return false;
}

/* Is the path NAME/VERSION.cbm, with the names that custom gives? */
static bool is_path_of(const struct cb_tuf_target *t)
{
	char path[CB_TARGET_PATH_MAX + 1];
	struct cb_text text = cb_text_of(path, sizeof(path));

	cb_text_put(&text, t->name);
	cb_text_put(&text, "/");
	cb_text_put(&text, t->version);
	cb_text_put(&text, ".cbm");
	return !text.overflowed && cb_bytes_is(cb_bytes_of(path), t->path);
}

static enum cb_err parse_custom(const struct cb_json *custom, struct cb_tuf_target *t)
{
	static const char *const kinds[] = { "linux", "efi", "disk", NULL };
	static const char *const archs[] = { "x86_64", "aarch64", NULL };

	if (!cb_json_is(custom, CB_JSON_OBJECT) ||
	    copy_string(cb_json_get(custom, "name"), t->name, CB_NAME_MAX) != CB_OK ||
	    copy_string(cb_json_get(custom, "version"), t->version, CB_NAME_MAX) != CB_OK ||
	    copy_string(cb_json_get(custom, "kind"), t->kind, sizeof(t->kind) - 1) != CB_OK ||
	    copy_string(cb_json_get(custom, "arch"), t->arch, sizeof(t->arch) - 1) != CB_OK ||
	    cb_json_integer(cb_json_get(custom, "serial"), &t->serial) != CB_OK)
		return CB_META_FORMAT;
	if (!cb_tuf_is_name(cb_bytes_of(t->name)) || !cb_tuf_is_name(cb_bytes_of(t->version)) ||
	    !is_one_of(t->kind, kinds) || !is_one_of(t->arch, archs) || !is_path_of(t))
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_parse_target(const struct cb_json *node, enum cb_tuf_profile profile,
				struct cb_tuf_target *ret)
{
	const struct cb_json *custom = cb_json_get(node, "custom");
	struct cb_tuf_target t = { .serial = 0 };
	bool has_sha256;

	if (node->name.len > CB_TARGET_PATH_MAX)
		return CB_META_LIMIT;
	if (node->name.len == 0)
		return CB_META_FORMAT;
	memcpy(t.path, node->name.p, node->name.len);
	if (cb_json_integer(cb_json_get(node, "length"), &t.len) != CB_OK ||
	    parse_hashes(cb_json_get(node, "hashes"), &has_sha256, t.sha256) != CB_OK ||
	    !has_sha256)
		return CB_META_FORMAT;
	/* In the standard profile custom is anybody's business, and often not ours. */
	if (custom != NULL && parse_custom(custom, &t) != CB_OK) {
		if (profile == CB_TUF_LOADER)
			return CB_META_FORMAT;
		t.name[0] = t.version[0] = t.kind[0] = t.arch[0] = '\0';
		t.serial = 0;
	}
	*ret = t;
	return CB_OK;
}

/* ---- Roles ---- */

enum cb_err cb_tuf_check_root(const struct cb_json *body, enum cb_tuf_profile profile,
			      bool *ret_consistent)
{
	static const char *const names[] = { "root", "timestamp", "snapshot", "targets" };
	const struct cb_json *roles = cb_json_get(body, "roles");
	const struct cb_json *consistent = cb_json_get(body, "consistent_snapshot");
	struct cb_tuf_role_keys keys;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum cb_err err = cb_tuf_role_keys(cb_json_get(body, "keys"),
						   cb_json_get(roles, names[i]), &keys);

		if (err != CB_OK)
			return err;
	}
	if (profile == CB_TUF_LOADER && !cb_json_is(consistent, CB_JSON_TRUE))
		return CB_META_FORMAT;
	*ret_consistent = cb_json_is(consistent, CB_JSON_TRUE);
	return CB_OK;
}

/* Is role the delegation that DESIGN §5.3 describes? */
static bool is_accounts_role(const struct cb_json *role)
{
	const struct cb_json *paths = cb_json_get(role, "paths");
	struct cb_bytes name;

	if (cb_json_string(cb_json_get(role, "name"), &name) != CB_OK ||
	    !cb_bytes_is(name, "accounts") || !cb_json_is(paths, CB_JSON_ARRAY) ||
	    paths->n_children != 1 || !cb_json_is(paths->first, CB_JSON_STRING))
		return false;
	return cb_bytes_is(paths->first->text, "accounts/*/*") &&
		cb_json_is(cb_json_get(role, "terminating"), CB_JSON_TRUE);
}

enum cb_err cb_tuf_check_delegations(const struct cb_mem *mem, const struct cb_json *body,
				     enum cb_tuf_profile profile, const struct cb_json **ret_role)
{
	const struct cb_json *delegations = cb_json_get(body, "delegations");
	const struct cb_json *roles = cb_json_get(delegations, "roles");
	const struct cb_json *keys = cb_json_get(delegations, "keys");
	struct cb_tuf_role_keys role_keys;
	enum cb_err err;

	if (!cb_json_is(roles, CB_JSON_ARRAY) || roles->n_children != 1 ||
	    !is_accounts_role(roles->first)) {
		*ret_role = NULL; /* other delegations are not followed */
		return profile == CB_TUF_LOADER ? CB_META_FORMAT : CB_OK;
	}
	err = cb_tuf_role_keys(keys, roles->first, &role_keys);
	if (err == CB_OK && profile == CB_TUF_LOADER)
		err = cb_tuf_check_keys(mem, keys);
	if (err != CB_OK)
		return err;
	*ret_role = roles->first;
	return CB_OK;
}
