/* SPDX-License-Identifier: MIT */
/* One TUF file: envelope, signatures, and the members that every role has. */
#include "core/tuf_internal.h"

static enum cb_err open_envelope(enum cb_tuf_profile profile, struct cb_bytes bytes,
				 struct cb_tuf_file *file)
{
	const struct cb_json *root = file->doc.root;

	/* One form only: what was signed, hashed and parsed can't be three different things. */
	if (profile == CB_TUF_LOADER && !cb_json_is_canonical(root, bytes))
		return CB_META_FORMAT;
	file->body = cb_json_get(root, "signed");
	file->signatures = cb_json_get(root, "signatures");
	if (!cb_json_is(file->body, CB_JSON_OBJECT) || !cb_json_is(file->signatures, CB_JSON_ARRAY))
		return CB_META_FORMAT;
	return CB_OK;
}

enum cb_err cb_tuf_file_open(const struct cb_mem *mem, enum cb_tuf_profile profile,
			     struct cb_bytes bytes, struct cb_tuf_file *ret)
{
	enum cb_json_rules rules = profile == CB_TUF_LOADER ? CB_JSON_STRICT : CB_JSON_STANDARD;
	struct cb_tuf_file file = { .version = 0 };
	enum cb_err err = cb_json_parse(mem, bytes, rules, &file.doc);

	if (err != CB_OK)
		return err;
	err = open_envelope(profile, bytes, &file);
	if (err != CB_OK) {
		cb_tuf_file_done(&file);
		return err;
	}
	*ret = file;
	return CB_OK;
}

void cb_tuf_file_done(struct cb_tuf_file *file)
{
	cb_json_done(&file->doc);
	*file = (struct cb_tuf_file){ .version = 0 };
}

enum cb_err cb_tuf_file_verify(const struct cb_tuf_file *file, const struct cb_json *keys,
			       const struct cb_json *role)
{
	const struct cb_mem *mem = file->doc.mem;
	struct cb_tuf_role_keys role_keys;
	uint8_t *msg;
	size_t len;
	enum cb_err err = cb_tuf_role_keys(keys, role, &role_keys);

	if (err == CB_OK)
		err = cb_json_canonical_len(file->body, &len);
	if (err != CB_OK)
		return err;
	msg = cb_alloc(mem, len);
	if (msg == NULL)
		return CB_NO_MEMORY;
	err = cb_json_canonical_write(file->body, msg, len);
	if (err == CB_OK)
		err = cb_tuf_verify_threshold(&role_keys, file->signatures,
					      (struct cb_bytes){ .p = msg, .len = len });
	cb_free(mem, msg);
	return err;
}

static const char *type_of(enum cb_tuf_role role)
{
	switch (role) {
	case CB_TUF_ROOT:
		return "root";
	case CB_TUF_TIMESTAMP:
		return "timestamp";
	case CB_TUF_SNAPSHOT:
		return "snapshot";
	default:
		return "targets"; /* delegated roles, too */
	}
}

/* "1.N" or "1.N.M": the major version that we know. */
static bool is_known_spec(struct cb_bytes version)
{
	return version.len >= 3 && version.p[0] == '1' && version.p[1] == '.';
}

enum cb_err cb_tuf_file_head(struct cb_tuf_file *file, enum cb_tuf_role role)
{
	struct cb_bytes type, spec;

	if (cb_json_string(cb_json_get(file->body, "_type"), &type) != CB_OK ||
	    cb_json_string(cb_json_get(file->body, "spec_version"), &spec) != CB_OK ||
	    !cb_bytes_is(type, type_of(role)) || !is_known_spec(spec))
		return CB_META_FORMAT;
	if (cb_json_integer(cb_json_get(file->body, "version"), &file->version) != CB_OK ||
	    file->version == 0)
		return CB_META_FORMAT;
	return cb_tuf_parse_time(cb_json_get(file->body, "expires"), &file->expires_s);
}
