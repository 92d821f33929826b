/* SPDX-License-Identifier: MIT */
/* Builds the configuration section from a repository and puts it into the EFI file. */
#include "host/stamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/line.h"
#include "core/record.h"
#include "host/heap.h"
#include "host/pe.h"
#include "host/repo_view.h"

#define EFI_NAME "chunkboot-x86_64.efi"

enum cb_err cb_stamp_default_efi(char out[CB_PATH_MAX], struct cb_error *e)
{
	char tool[CB_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", tool, sizeof(tool) - 1);
	if (len < 0)
		return cb_fail_errno(e, "/proc/self/exe");
	tool[len] = '\0';
	char *slash = strrchr(tool, '/');
	if (slash != NULL)
		*slash = '\0';
	enum cb_err err = cb_path(out, e, "%s/" EFI_NAME, tool);
	if (err == CB_OK && !cb_path_exists(out))
		err = cb_path(out, e, "%s/../lib/chunkboot/" EFI_NAME, tool);
	if (err == CB_OK && !cb_path_exists(out)) {
		err = cb_fail(e, CB_NOT_FOUND, EFI_NAME);
		cb_fail_hint(e, "build it with 'make efi', or name it with --efi");
	}
	return err;
}

/* ---- Autologin: the account's key, when the account may have one that everybody can read ---- */

static enum cb_err read_record(const char *repo, const struct cb_login_keys *keys,
			       struct cb_file *ret, struct cb_error *e)
{
	char name[CB_RECORD_PATH_MAX], path[CB_PATH_MAX];
	cb_record_path(keys->locator, name);
	enum cb_err err = cb_path(path, e, "%s/%s", repo, name);
	if (err != CB_OK)
		return err;
	return cb_file_read(path, CB_RECORD_MAX_LEN, ret, e);
}

/* Tries the parameter sets as a client does, newest first. LOGIN_UNKNOWN when none leads anywhere. */
static enum cb_err find_record(const struct cb_stamp_params *p, const struct cb_repo_view *view,
			       const char *account, struct cb_login_keys *ret_keys,
			       struct cb_file *ret_file, struct cb_error *e)
{
	const struct cb_tuf_info *info = cb_tuf_info(view->tuf);
	char passphrase[CB_PASSPHRASE_MAX + 1];
	enum cb_err err = cb_passphrase_normalise(cb_bytes_of(p->passphrase), passphrase);
	if (err != CB_OK)
		return cb_fail(e, err, "--autologin %s", account);
	err = CB_LOGIN_UNKNOWN;
	for (unsigned i = 0; i < info->n_kdf && err == CB_LOGIN_UNKNOWN; i++) {
		struct cb_login_params login = {
			.kdf = cb_kdf_argon2id,
			.t = info->kdf[i].t,
			.m_kib = info->kdf[i].m_kib,
			.realm_id = view->realm_id,
			.account = account,
			.passphrase = passphrase,
		};
		err = cb_login_derive(&login, ret_keys);
		if (err == CB_OK)
			err = read_record(p->repo, ret_keys, ret_file, e);
		if (err == CB_NOT_FOUND)
			err = CB_LOGIN_UNKNOWN;
	}
	cb_wipe(passphrase, sizeof(passphrase));
	return err == CB_OK ? CB_OK : cb_fail(e, err, "--autologin %s", account);
}

static enum cb_err judge_record(const struct cb_stamp_params *p, const struct cb_repo_view *view,
				const struct cb_login_keys *keys, const struct cb_file *file,
				struct cb_error *e)
{
	struct cb_record record = { 0 };
	struct cb_record_check check = cb_record_check_of(view->tuf, p->now_s);
	enum cb_err err = cb_record_open(&cb_heap, cb_file_bytes(file), keys, &check, &record);
	if (err != CB_OK)
		return cb_fail(e, err, "--autologin %s", p->autologin);
	bool has_secrets = record.n_credentials != 0 || record.has_private_data;
	cb_record_done(&record);
	if (!has_secrets || p->is_public_key_ok)
		return CB_OK;
	err = cb_fail(e, CB_USAGE,
		      "account %s has credentials or private data, and anyone who gets the loader "
		      "file could read them",
		      p->autologin);
	cb_fail_hint(e, "use an account without them, or --public-key-is-ok");
	return err;
}

static enum cb_err add_autologin(const struct cb_stamp_params *p, const struct cb_repo_view *view,
				 struct cb_config *config, struct cb_error *e)
{
	struct cb_login_keys keys = { 0 };
	cb_cleanup(cb_file_done) struct cb_file file = { 0 };
	if (p->autologin == NULL)
		return CB_OK;
	enum cb_err err =
		cb_account_normalise(cb_bytes_of(p->autologin), config->autologin_account);
	if (err != CB_OK)
		return cb_fail(e, err, "--autologin %s", p->autologin);
	err = find_record(p, view, config->autologin_account, &keys, &file, e);
	if (err == CB_OK)
		err = judge_record(p, view, &keys, &file, e);
	if (err == CB_OK) {
		memcpy(config->autologin_key, keys.k, sizeof(keys.k));
		config->has_autologin = true;
	}
	cb_wipe(&keys, sizeof(keys));
	return err;
}

/* ---- Configuration ---- */

static enum cb_err add_urls(const char *option, const char *const *urls, unsigned n,
			    struct cb_bytes *ret, struct cb_error *e)
{
	for (unsigned i = 0; i < n; i++) {
		struct cb_url url;
		enum cb_err err = cb_url_parse_base(cb_bytes_of(urls[i]), &url);
		if (err != CB_OK)
			return cb_fail(e, err, "%s %s", option, urls[i]);
		ret[i] = cb_bytes_of(urls[i]);
	}
	return CB_OK;
}

static enum cb_err add_mirrors(const struct cb_stamp_params *p, struct cb_config *config,
			       struct cb_error *e)
{
	if (p->n_urls < 1 || p->n_urls > CB_CONFIG_MAX_MIRRORS)
		return cb_fail(e, CB_USAGE, "between 1 and %d mirrors (--url)",
			       CB_CONFIG_MAX_MIRRORS);
	if (p->n_near > CB_CONFIG_MAX_NEAR)
		return cb_fail(e, CB_USAGE, "at most %d nearby mirrors (--near)",
			       CB_CONFIG_MAX_NEAR);
	config->n_mirrors = p->n_urls;
	config->n_near = p->n_near;
	enum cb_err err = add_urls("--url", p->urls, p->n_urls, config->mirrors, e);
	return err == CB_OK ? add_urls("--near", p->near, p->n_near, config->near, e) : err;
}

/* The loader has no list of public authorities: an https mirror needs one of ours, or a pin. */
static enum cb_err add_tls(const struct cb_stamp_params *p, struct cb_tls_files *files,
			   struct cb_config *config, struct cb_error *e)
{
	enum cb_err err = cb_tls_files_read(&p->tls, p->now_s, files, e);
	for (unsigned i = 0; i < p->n_urls && err == CB_OK; i++)
		err = cb_tls_files_check_url(&files->trust, p->urls[i], e);
	for (unsigned i = 0; i < p->n_near && err == CB_OK; i++)
		err = cb_tls_files_check_url(&files->trust, p->near[i], e);
	config->tls = files->trust;
	return err;
}

static enum cb_err add_layout(const struct cb_stamp_params *p, struct cb_config *config,
			      struct cb_error *e)
{
	bool is_known = true;
	if (p->layout == NULL)
		return CB_OK;
	config->layout = cb_bytes_of(p->layout);
	(void)cb_layout_find(config->layout, &is_known);
	return is_known ? CB_OK : cb_fail(e, CB_USAGE, "--layout %s: no such layout", p->layout);
}

static enum cb_err make_config(const struct cb_stamp_params *p, const struct cb_repo_view *view,
			       struct cb_tls_files *tls, struct cb_config *config,
			       struct cb_error *e)
{
	*config = (struct cb_config){
		.root = cb_file_bytes(&view->root),
		.stamped_s = p->now_s,
		.allow_next_option = p->allow_next_option,
		.no_prefetch = p->no_prefetch,
		.no_dhcp_mirror = p->no_dhcp_mirror,
		.has_ipv4 = p->ipv4 != NULL,
		.has_ipv6 = p->ipv6 != NULL,
		.vlan_id = p->vlan_id,
	};
	memcpy(config->realm_id, view->realm_id, sizeof(config->realm_id));
	if (p->ipv4 != NULL)
		config->ipv4 = *p->ipv4;
	if (p->ipv6 != NULL)
		config->ipv6 = *p->ipv6;
	enum cb_err err = add_mirrors(p, config, e);
	if (err == CB_OK)
		err = add_tls(p, tls, config, e);
	if (err == CB_OK)
		err = add_layout(p, config, e);
	if (err == CB_OK)
		err = add_autologin(p, view, config, e);
	return err;
}

static enum cb_err write_loader(const struct cb_stamp_params *p, const struct cb_config *config,
				struct cb_stamp_result *ret, struct cb_error *e)
{
	char default_efi[CB_PATH_MAX];
	cb_cleanup(cb_file_done) struct cb_file efi = { 0 }, section = { 0 }, out = { 0 };
	const char *path = p->efi != NULL ? p->efi : default_efi;
	enum cb_err err = p->efi != NULL ? CB_OK : cb_stamp_default_efi(default_efi, e);
	if (err == CB_OK)
		err = cb_file_read(path, CB_PE_MAX_LEN, &efi, e);
	if (err != CB_OK)
		return err;
	section.p = malloc(CB_CONFIG_MAX_LEN);
	if (section.p == NULL)
		return cb_fail(e, CB_NO_MEMORY, "%s", p->out);
	section.len = CB_CONFIG_MAX_LEN;
	size_t section_len = 0;
	err = cb_config_write(config, section.p, section.len, &section_len);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", p->out);
	struct cb_bytes content = { section.p, section_len };
	err = cb_pe_stamp(cb_file_bytes(&efi), content, &out.p, &out.len);
	if (err != CB_OK)
		return cb_fail(e, err, "%s", path);
	ret->len = out.len;
	return p->is_dry_run ? CB_OK : cb_file_write(p->out, cb_file_bytes(&out), 0644, e);
}

enum cb_err cb_stamp_loader(const struct cb_stamp_params *p, struct cb_stamp_result *ret,
			    struct cb_error *e)
{
	struct cb_repo_view view = { 0 };
	struct cb_tls_files tls;
	struct cb_config config = { 0 };
	struct cb_stamp_result result = { 0 };
	enum cb_err err = cb_repo_view_open(p->repo, p->now_s, &view, e);
	if (err == CB_OK)
		err = make_config(p, &view, &tls, &config, e);
	if (err == CB_OK)
		err = write_loader(p, &config, &result, e);
	if (err == CB_OK) {
		memcpy(result.realm_id, view.realm_id, sizeof(result.realm_id));
		result.root_version = cb_tuf_info(view.tuf)->versions.version[CB_TUF_ROOT];
		*ret = result;
	}
	cb_wipe(&config, sizeof(config));
	cb_repo_view_done(&view);
	return err;
}
