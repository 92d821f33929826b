/* SPDX-License-Identifier: MIT */
/* Looks into account records, metadata, metadata bundles and stamped loaders. */
#include <stdio.h>
#include <string.h>

#include "core/bundle.h"
#include "core/config.h"
#include "core/record.h"
#include "host/inspect.h"
#include "host/pe.h"

/* SECURITY.md §3 has the layout; the part before the encrypted body is public. */
json_t *cb_inspect_record(struct cb_bytes file)
{
	struct cb_reader r = cb_reader_of(file);

	cb_read_bytes(&r, 4);
	uint16_t version = cb_read_le16(&r), suite = cb_read_le16(&r);
	struct cb_bytes locator = cb_read_bytes(&r, 32);
	uint64_t body_seq = cb_read_le64(&r);

	cb_read_bytes(&r, 32 + 24 + 48 + 24);
	uint32_t body_len = cb_read_le32(&r);
	uint64_t epoch = cb_read_le64(&r);
	int64_t issued_s = (int64_t)cb_read_le64(&r), expires_s = (int64_t)cb_read_le64(&r);

	cb_read_bytes(&r, body_len);
	cb_read_bytes(&r, 64);
	if (r.failed || file.len > CB_RECORD_MAX_LEN)
		return NULL;
	return json_pack("{ss si si so sI sI so so sI sI}", "type", "account record", "version",
			 version, "suite", suite, "locator", cb_inspect_hex(locator.p, locator.len),
			 "body_seq", (json_int_t)body_seq, "epoch", (json_int_t)epoch, "issued",
			 cb_inspect_time(issued_s), "expires", cb_inspect_time(expires_s),
			 "body_bytes", (json_int_t)body_len, "bytes", (json_int_t)file.len);
}

/* TUF files are for people already; what matters is put on top, the signed part follows. */
json_t *cb_inspect_metadata(struct cb_bytes file)
{
	json_error_t error;
	json_t *whole = json_loadb((const char *)file.p, file.len, JSON_REJECT_DUPLICATES, &error);
	json_t *body = json_object_get(whole, "signed");
	json_t *role = json_object_get(body, "_type"), *signers = json_array(), *ret;
	const json_t *signatures = json_object_get(whole, "signatures");

	for (size_t i = 0; i < json_array_size(signatures); i++)
		json_array_append(signers, json_object_get(json_array_get(signatures, i), "keyid"));
	ret = json_is_string(role) ?
		json_pack("{ss sO sO sO sO sO}", "type", "metadata", "role", role, "version",
			  json_object_get(body, "version"), "expires",
			  json_object_get(body, "expires"), "signed_by", signers, "signed", body) :
		NULL;
	json_decref(signers);
	json_decref(whole);
	return ret;
}

json_t *cb_inspect_bundle(struct cb_bytes file)
{
	struct cb_bundle bundle;
	json_t *files;

	if (cb_bundle_parse(file, &bundle) != CB_OK)
		return NULL;
	files = json_array();
	for (unsigned i = 0; i < bundle.n; i++) {
		const struct cb_bundle_file *f = &bundle.files[i];

		json_array_append_new(files,
				      json_pack("{so sI}", "name", cb_inspect_text(f->name),
						"bytes", (json_int_t)f->bytes.len));
	}
	return json_pack("{ss so}", "type", "bundle", "files", files);
}

static json_t *address(const uint8_t a[4])
{
	char text[16];

	snprintf(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
	return json_string(text);
}

static json_t *ipv4(const struct cb_config_ipv4 *ip)
{
	json_t *dns = json_array();

	for (unsigned i = 0; i < ip->n_dns; i++)
		json_array_append_new(dns, address(ip->dns[i]));
	return json_pack("{so si so so}", "address", address(ip->address), "prefix", ip->prefix_len,
			 "gateway", address(ip->gateway), "dns", dns);
}

static json_t *configuration(const struct cb_config *c)
{
	json_t *mirrors = json_array(), *near = json_array(), *pins = json_array();

	for (unsigned i = 0; i < c->n_mirrors; i++)
		json_array_append_new(mirrors, cb_inspect_text(c->mirrors[i]));
	for (unsigned i = 0; i < c->n_near; i++)
		json_array_append_new(near, cb_inspect_text(c->near[i]));
	for (unsigned i = 0; i < c->tls.n_pins; i++)
		json_array_append_new(pins, cb_inspect_hex(c->tls.pins[i], CB_TLS_PIN_LEN));
	return json_pack(
		"{so so so so so so* ss* sb sb sb si so}", "realm", cb_inspect_hex(c->realm_id, 32),
		"mirrors", mirrors, "near", near, "stamped", cb_inspect_time(c->stamped_s),
		"layout", cb_inspect_text(c->layout.len > 0 ? c->layout : cb_bytes_of("us")),
		"ipv4", c->has_ipv4 ? ipv4(&c->ipv4) : NULL, "autologin",
		c->has_autologin ? c->autologin_account : NULL, "allow_next_option",
		c->allow_next_option, "prefetch", !c->no_prefetch, "dhcp_mirror",
		!c->no_dhcp_mirror, "tls_authorities", (int)c->tls.n_anchors, "tls_pins", pins);
}

json_t *cb_inspect_loader(struct cb_bytes file)
{
	struct cb_bytes section;
	struct cb_config c;
	enum cb_err err = cb_pe_find(file, CB_PE_CONFIG_SECTION, &section);
	json_t *ret;

	if (err == CB_NOT_FOUND)
		return json_pack("{ss sn}", "type", "EFI application", "configuration");
	if (err != CB_OK || cb_config_parse(section, &c) != CB_OK)
		return NULL;
	ret = json_pack("{ss so}", "type", "loader", "configuration", configuration(&c));
	if (ret != NULL && c.layout.len > 0)
		json_object_set_new(json_object_get(ret, "configuration"), "layout",
				    cb_inspect_text(c.layout));
	return ret;
}
