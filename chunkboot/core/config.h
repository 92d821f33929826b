/* SPDX-License-Identifier: MIT */
/* The stamped configuration: PE section .cbcfg of the loader file (docs/FORMATS.md). */
#ifndef CB_CORE_CONFIG_H
#define CB_CORE_CONFIG_H

#include "core/login.h"
#include "core/tls_trust.h"
#include "core/tuf.h"
#include "core/url.h"

#define CB_CONFIG_MAX_LEN 65536
#define CB_CONFIG_MAX_MIRRORS 8
#define CB_CONFIG_MAX_NEAR 4
#define CB_CONFIG_MAX_DNS 2
#define CB_CONFIG_MAX_VLAN 4094
#define CB_CONFIG_MAX_TIME_S 253402300799ull /* end of the year 9999 */

/* Entry flag: a loader that does not know the tag must refuse the section. */
#define CB_CONFIG_CRITICAL 1u

/* Tags of entries. A number, once released, keeps its meaning. */
enum cb_config_tag {
	CB_CONFIG_ROOT = 1, /* root.json as it is served */
	CB_CONFIG_REALM_ID = 2, /* 32 bytes */
	CB_CONFIG_MIRROR = 3, /* base URL; 1 to 8 of them, in order of preference */
	CB_CONFIG_STAMPED = 4, /* u64 Unix time */
	CB_CONFIG_LAYOUT = 5, /* name of a keyboard layout; absent: us */
	CB_CONFIG_IPV4 = 6, /* address[4], gateway[4], u8 prefix, u8 n_dns <= 2, dns[4] each */
	CB_CONFIG_AUTOLOGIN = 7, /* u8 length, account, K[64] */
	CB_CONFIG_FLAGS = 8, /* u32, bits below; absent: 0 */
	CB_CONFIG_IPV6 = 9, /* address[16], gateway[16], u8 prefix, u8 n_dns <= 2, dns[16] each */
	CB_CONFIG_VLAN = 10, /* u16 id, 1 to 4094; absent: untagged frames */
	CB_CONFIG_TLS_CA = 11, /* anchor (core/tls_trust.h); up to 4 */
	CB_CONFIG_TLS_PIN = 12, /* 32 bytes, SHA-256 of a SubjectPublicKeyInfo; up to 8 */
	CB_CONFIG_NEAR = 13, /* base URL of a nearby mirror; up to 4 */
};

#define CB_CONFIG_FLAG_NEXT_OPTION 1u /* allow_next_option */
#define CB_CONFIG_FLAG_NO_PREFETCH 2u /* no_prefetch */
#define CB_CONFIG_FLAG_NO_DHCP_MIRROR 4u /* no_dhcp_mirror */

/* Static IPv4 addressing; all in network byte order, four bytes each. */
struct cb_config_ipv4 {
	uint8_t address[4], gateway[4];
	uint8_t prefix_len;
	unsigned n_dns;
	uint8_t dns[CB_CONFIG_MAX_DNS][4];
};

/* Static IPv6 addressing; sixteen bytes each. A gateway of zeros: none. */
struct cb_config_ipv6 {
	uint8_t address[16], gateway[16];
	uint8_t prefix_len;
	unsigned n_dns;
	uint8_t dns[CB_CONFIG_MAX_DNS][16];
};

struct cb_config {
	struct cb_bytes root; /* root.json, newest known when stamped */
	uint8_t realm_id[32];
	unsigned n_mirrors;
	struct cb_bytes mirrors[CB_CONFIG_MAX_MIRRORS]; /* base URLs */
	unsigned n_near;
	struct cb_bytes
		near[CB_CONFIG_MAX_NEAR]; /* base URLs of mirrors that go before all others */
	int64_t stamped_s; /* Unix time of stamping: floor of the clock */
	struct cb_bytes layout; /* keyboard layout name; empty: us */
	bool has_ipv4;
	struct cb_config_ipv4 ipv4;
	bool has_ipv6;
	struct cb_config_ipv6 ipv6;
	uint16_t vlan_id; /* 0: none */
	bool has_autologin;
	char autologin_account[CB_ACCOUNT_MAX + 1];
	uint8_t autologin_key[CB_LOGIN_KEY_LEN]; /* K; not secret: the loader file is public */
	struct cb_tls_trust tls; /* what https mirrors are trusted by */
	bool allow_next_option; /* error screen offers "continue with the next boot option" */
	bool no_prefetch; /* fetch nothing of an image before sign-in */
	bool no_dhcp_mirror; /* a mirror that DHCP announces is not used */
};

/*
 * Section: "CBCFG001", u32 length of all that follows the 16-byte head, u32 zero; then entries u16
 * tag, u16 flags (bit 0: critical), u32 len, value; then BLAKE2b-256 of everything before it.
 * Unknown critical entries refuse, others are skipped. Zero fill may follow. CONFIG, *ret untouched
 * then. Spans lead into `section`.
 */
enum cb_err cb_config_parse(struct cb_bytes section, struct cb_config *ret);
/* Can a host have it? Not a multicast address, nor one of ::/96: unspecified, loopback. */
bool cb_config_is_ipv6_host(const uint8_t address[16]);
/* Writes the section to out[max]; CONFIG when it does not fit or would not be accepted. */
enum cb_err cb_config_write(const struct cb_config *c, uint8_t *out, size_t max, size_t *ret_len);

#endif
