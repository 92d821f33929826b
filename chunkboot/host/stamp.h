/* SPDX-License-Identifier: MIT */
/* Stamping a loader: a repository's root, mirrors and options into the EFI file. */
#ifndef CB_HOST_STAMP_H
#define CB_HOST_STAMP_H

#include "core/config.h"
#include "host/files.h"
#include "host/tls_files.h"

struct cb_stamp_params {
	const char *repo;
	const char *efi; /* the loader to stamp; NULL: cb_stamp_default_efi */
	const char *out; /* file to write */
	const char *const *urls; /* base URLs of mirrors, 1..CB_CONFIG_MAX_MIRRORS */
	unsigned n_urls;
	const char *const *near; /* base URLs of nearby mirrors, up to CB_CONFIG_MAX_NEAR */
	unsigned n_near;
	struct cb_tls_options tls; /* what https mirrors are trusted by */
	const char *layout; /* keyboard layout; NULL: us */
	const struct cb_config_ipv4 *ipv4; /* static addressing; NULL: DHCP */
	const struct cb_config_ipv6 *ipv6; /* static addressing; NULL: SLAAC and DHCPv6 */
	uint16_t vlan_id; /* 0: none */
	const char *autologin; /* account name; NULL: none */
	const char *passphrase; /* of autologin, as typed */
	bool is_public_key_ok; /* autologin for an account with credentials or private data */
	bool allow_next_option;
	bool no_prefetch, no_dhcp_mirror;
	bool is_dry_run; /* do everything but write */
	int64_t now_s; /* stamp time, and the time that dates are judged by */
};

struct cb_stamp_result {
	uint8_t realm_id[32];
	uint64_t root_version;
	size_t len; /* bytes of the file */
};

/*
 * Verifies the repository's metadata, then writes the loader, atomically. With autologin the
 * account's record is opened first: LOGIN_UNKNOWN when there is none, USAGE when it holds what a
 * public file must not give access to. META_*, RECORD_*, URL_FORMAT, LOADER_FORMAT, IO.
 */
enum cb_err cb_stamp_loader(const struct cb_stamp_params *p, struct cb_stamp_result *ret,
			    struct cb_error *e);

/* The loader that belongs to this tool: beside it (build), or in ../lib/chunkboot (installed). */
enum cb_err cb_stamp_default_efi(char out[CB_PATH_MAX], struct cb_error *e);

#endif
