/* SPDX-License-Identifier: MIT */
/* Parses the decrypted body of an account record: nested lists of tag, length, value. */
#include "core/record_body.h"

#include "core/record_format.h"

struct entry {
	uint16_t tag;
	struct cb_bytes value;
};

/* The next entry; false at the end and on malformed bytes (then r->failed). */
static bool next_entry(struct cb_reader *r, struct entry *ret)
{
	if (r->failed || r->rest.len == 0)
		return false;
	ret->tag = cb_read_le16(r);
	ret->value = cb_read_bytes(r, cb_read_le32(r));
	return !r->failed;
}

/* Unknown entries: the critical ones refuse. */
static bool may_skip(const struct entry *e)
{
	return (e->tag & CB_RECORD_CRITICAL) == 0;
}

/* Takes a value that may occur once. */
static bool take_once(struct cb_bytes *to, bool *has, struct cb_bytes value)
{
	if (*has)
		return false;
	*has = true;
	*to = value;
	return true;
}

static bool is_lower_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool is_image_word(struct cb_bytes s)
{
	if (s.len == 0 || s.len > CB_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!is_lower_name_char(s.p[i]))
			return false;
	return true;
}

bool cb_record_is_target(struct cb_bytes target)
{
	static const char suffix[] = ".cbm";
	const size_t suffix_len = sizeof(suffix) - 1;
	size_t slash = 0;

	while (slash < target.len && target.p[slash] != '/')
		slash++;
	if (!is_image_word((struct cb_bytes){ target.p, slash }))
		return false;
	if (slash == target.len)
		return true;
	struct cb_bytes rest = { target.p + slash + 1, target.len - slash - 1 };
	if (rest.len <= suffix_len)
		return false;
	rest.len -= suffix_len;
	return cb_bytes_is((struct cb_bytes){ rest.p + rest.len, suffix_len }, suffix) &&
		is_image_word(rest);
}

bool cb_record_is_credential_name(struct cb_bytes name)
{
	if (name.len == 0 || name.len > CB_RECORD_MAX_LABEL)
		return false;
	/* it becomes the name of a file */
	if (cb_bytes_is(name, ".") || cb_bytes_is(name, ".."))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_lower_name_char(name.p[i]) && !(name.p[i] >= 'A' && name.p[i] <= 'Z'))
			return false;
	return true;
}

bool cb_record_is_suffix(struct cb_bytes suffix)
{
	if (suffix.len > CB_CMDLINE_MAX)
		return false;
	for (size_t i = 0; i < suffix.len; i++)
		if (suffix.p[i] < ' ' || suffix.p[i] > '~')
			return false;
	return true;
}

bool cb_record_is_label(struct cb_bytes label)
{
	return label.len <= CB_RECORD_MAX_LABEL && cb_bytes_is_text(label);
}

static bool parse_environment(struct cb_bytes value, struct cb_environment *ret)
{
	struct cb_reader r = cb_reader_of(value);
	struct cb_environment env = { 0 };
	struct cb_bytes nothing = { 0 };
	bool has_target = false, has_label = false, has_suffix = false, is_good = true;
	struct entry e;

	while (is_good && next_entry(&r, &e)) {
		switch (e.tag) {
		case CB_RECORD_ENV_TARGET:
			is_good = take_once(&env.target, &has_target, e.value);
			break;
		case CB_RECORD_ENV_LABEL:
			is_good = take_once(&env.label, &has_label, e.value);
			break;
		case CB_RECORD_ENV_DEFAULT:
			is_good = take_once(&nothing, &env.is_default, e.value) && e.value.len == 0;
			break;
		case CB_RECORD_ENV_SUFFIX:
			is_good = take_once(&env.cmdline_suffix, &has_suffix, e.value);
			break;
		default:
			is_good = may_skip(&e);
		}
	}
	if (!is_good || r.failed || !cb_record_is_target(env.target) ||
	    !cb_record_is_label(env.label) || !cb_record_is_suffix(env.cmdline_suffix))
		return false;
	*ret = env;
	return true;
}

static bool add_environment(struct cb_record *r, struct cb_bytes value)
{
	if (r->n_envs == CB_RECORD_MAX_ENVS || !parse_environment(value, &r->envs[r->n_envs]))
		return false;
	for (unsigned i = 0; i < r->n_envs; i++)
		if (r->envs[i].is_default && r->envs[r->n_envs].is_default)
			return false;
	r->n_envs++;
	return true;
}

static bool parse_credential(struct cb_bytes value, struct cb_credential *ret)
{
	struct cb_reader r = cb_reader_of(value);
	struct cb_credential c = { 0 };
	bool has_name = false, has_value = false, is_good = true;
	struct entry e;

	while (is_good && next_entry(&r, &e)) {
		if (e.tag == CB_RECORD_CREDENTIAL_NAME)
			is_good = take_once(&c.name, &has_name, e.value);
		else if (e.tag == CB_RECORD_CREDENTIAL_VALUE)
			is_good = take_once(&c.value, &has_value, e.value);
		else
			is_good = may_skip(&e);
	}
	if (!is_good || r.failed || !has_value || !cb_record_is_credential_name(c.name) ||
	    c.value.len > CB_RECORD_MAX_CREDENTIAL_LEN)
		return false;
	*ret = c;
	return true;
}

static bool add_credential(struct cb_record *r, struct cb_bytes value)
{
	struct cb_credential c;
	size_t total;

	if (r->n_credentials == CB_RECORD_MAX_CREDENTIALS || !parse_credential(value, &c))
		return false;
	total = c.value.len;
	for (unsigned i = 0; i < r->n_credentials; i++) {
		if (cb_bytes_equal(r->credentials[i].name, c.name))
			return false;
		total += r->credentials[i].value.len; /* at most 16 x 4 KiB */
	}
	if (total > CB_RECORD_MAX_CREDENTIALS_LEN)
		return false;
	r->credentials[r->n_credentials++] = c;
	return true;
}

static bool parse_policy(struct cb_bytes value, struct cb_record_policy *ret)
{
	struct cb_reader r = cb_reader_of(value);
	struct cb_record_policy policy = { 0 };
	struct cb_bytes days = { 0 };
	bool has_days = false, is_good = true;
	struct entry e;

	while (is_good && next_entry(&r, &e)) {
		if (e.tag == CB_RECORD_POLICY_OFFLINE_DAYS)
			is_good = take_once(&days, &has_days, e.value) && days.len == 4;
		else
			is_good = may_skip(&e);
	}
	if (!is_good || r.failed)
		return false;
	if (has_days)
		policy.offline_days = cb_le32(days.p);
	*ret = policy;
	return true;
}

/* Which of the single entries were there. */
struct seen {
	bool uid, display_name, policy;
};

static bool take_entry(struct cb_record *r, const struct entry *e, struct seen *seen)
{
	struct cb_bytes policy = { 0 };

	switch (e->tag) {
	case CB_RECORD_TAG_UID:
		return take_once(&r->uid, &seen->uid, e->value) && e->value.len == 16;
	case CB_RECORD_TAG_DISPLAY_NAME:
		return take_once(&r->display_name, &seen->display_name, e->value) &&
			cb_record_is_label(e->value);
	case CB_RECORD_TAG_ENVIRONMENT:
		return add_environment(r, e->value);
	case CB_RECORD_TAG_PRIVATE:
		r->has_private_data = true;
		return true;
	case CB_RECORD_TAG_CREDENTIAL:
		return add_credential(r, e->value);
	case CB_RECORD_TAG_POLICY:
		return take_once(&policy, &seen->policy, e->value) &&
			parse_policy(policy, &r->policy);
	default:
		return may_skip(e);
	}
}

enum cb_err cb_record_parse_body(struct cb_bytes body, struct cb_record *r)
{
	struct cb_reader reader = cb_reader_of(body);
	struct cb_record parsed = *r;
	struct seen seen = { 0 };
	struct entry e;

	while (next_entry(&reader, &e))
		if (!take_entry(&parsed, &e, &seen))
			return CB_RECORD_FORMAT;
	if (reader.failed || !seen.uid)
		return CB_RECORD_FORMAT;
	*r = parsed;
	return CB_OK;
}
