/* SPDX-License-Identifier: MIT */
/* Unit tests of the stamped configuration. */
#include "testport.h"

#include <stdlib.h>
#include <string.h>

#include "core/config.h"

#define MAX_LEN 4096

/* Two anchors, on P-256 and P-384; the points are on no curve, which nobody looks at here. */
static uint8_t anchors[2][8 + 4 + 97] = {
	{ 2, 0, 4, 0, 65, 0, 0, 0, 0x30, 2, 0x31, 0, 4, 1 },
	{ 3, 0, 4, 0, 97, 0, 0, 0, 0x30, 2, 0x31, 0, 4, 2 },
};

/* Every field that there is. */
static struct cb_config full(void)
{
	struct cb_config c;
	memset(&c, 0, sizeof(c));
	c.root = cb_bytes_of("{\"signed\":{},\"signatures\":[]}");
	memset(c.realm_id, 0x5a, sizeof(c.realm_id));
	c.n_mirrors = 2;
	c.mirrors[0] = cb_bytes_of("http://10.0.2.2:8080/");
	c.mirrors[1] = cb_bytes_of("https://mirror.example/repo/");
	c.n_near = 2;
	c.near[0] = cb_bytes_of("http://192.0.2.80/");
	c.near[1] = cb_bytes_of("https://cache.example/");
	c.stamped_s = 1764547200;
	c.layout = cb_bytes_of("de");
	c.has_ipv4 = true;
	c.ipv4 = (struct cb_config_ipv4){ .address = { 10, 0, 2, 15 },
					  .gateway = { 10, 0, 2, 2 },
					  .prefix_len = 24,
					  .n_dns = 2,
					  .dns = { { 10, 0, 2, 3 }, { 9, 9, 9, 9 } } };
	c.has_ipv6 = true;
	c.ipv6 = (struct cb_config_ipv6){ .address = { 0xfd, [15] = 7 },
					  .gateway = { 0xfe, 0x80, [15] = 1 },
					  .prefix_len = 64,
					  .n_dns = 2,
					  .dns = { { 0xfd, [15] = 1 }, { 0x20, 1, [15] = 2 } } };
	c.vlan_id = 4094;
	c.has_autologin = true;
	strcpy(c.autologin_account, "kiosk-1");
	memset(c.autologin_key, 0xa7, sizeof(c.autologin_key));
	c.tls.n_anchors = 2;
	c.tls.anchors[0] = (struct cb_bytes){ anchors[0], 8 + 4 + 65 };
	c.tls.anchors[1] = (struct cb_bytes){ anchors[1], 8 + 4 + 97 };
	c.tls.n_pins = 3;
	memset(c.tls.pins, 0x17, 3 * (size_t)CB_TLS_PIN_LEN);
	c.allow_next_option = true;
	c.no_dhcp_mirror = true;
	return c;
}

static struct cb_config least(void)
{
	struct cb_config c, f = full();
	memset(&c, 0, sizeof(c));
	c.root = f.root;
	c.n_mirrors = 1;
	c.mirrors[0] = f.mirrors[0];
	return c;
}

static void assert_same(const struct cb_config *a, const struct cb_config *b)
{
	testport_assert_bytes(a->root, b->root);
	assert_memory_equal(a->realm_id, b->realm_id, 32);
	assert_int_equal(a->n_mirrors, b->n_mirrors);
	for (unsigned i = 0; i < a->n_mirrors; i++)
		testport_assert_bytes(a->mirrors[i], b->mirrors[i]);
	assert_int_equal(a->n_near, b->n_near);
	for (unsigned i = 0; i < a->n_near; i++)
		testport_assert_bytes(a->near[i], b->near[i]);
	assert_true(a->stamped_s == b->stamped_s);
	testport_assert_bytes(a->layout, b->layout);
	assert_int_equal(a->has_ipv4, b->has_ipv4);
	assert_memory_equal(a->ipv4.address, b->ipv4.address, 4);
	assert_memory_equal(a->ipv4.gateway, b->ipv4.gateway, 4);
	assert_int_equal(a->ipv4.prefix_len, b->ipv4.prefix_len);
	assert_int_equal(a->ipv4.n_dns, b->ipv4.n_dns);
	assert_memory_equal(a->ipv4.dns, b->ipv4.dns, 8);
	assert_int_equal(a->has_ipv6, b->has_ipv6);
	assert_memory_equal(a->ipv6.address, b->ipv6.address, 16);
	assert_memory_equal(a->ipv6.gateway, b->ipv6.gateway, 16);
	assert_int_equal(a->ipv6.prefix_len, b->ipv6.prefix_len);
	assert_int_equal(a->ipv6.n_dns, b->ipv6.n_dns);
	assert_memory_equal(a->ipv6.dns, b->ipv6.dns, 32);
	assert_int_equal(a->vlan_id, b->vlan_id);
	assert_int_equal(a->has_autologin, b->has_autologin);
	assert_string_equal(a->autologin_account, b->autologin_account);
	assert_memory_equal(a->autologin_key, b->autologin_key, CB_LOGIN_KEY_LEN);
	assert_int_equal(a->allow_next_option, b->allow_next_option);
	assert_int_equal(a->no_prefetch, b->no_prefetch);
	assert_int_equal(a->no_dhcp_mirror, b->no_dhcp_mirror);
	assert_int_equal(a->tls.n_anchors, b->tls.n_anchors);
	for (unsigned i = 0; i < a->tls.n_anchors; i++)
		testport_assert_bytes(a->tls.anchors[i], b->tls.anchors[i]);
	assert_int_equal(a->tls.n_pins, b->tls.n_pins);
	assert_memory_equal(a->tls.pins, b->tls.pins, a->tls.n_pins * CB_TLS_PIN_LEN);
}

static void round_trip(void **state)
{
	(void)state;
	uint8_t out[MAX_LEN];
	struct cb_config in[2] = { full(), least() };
	for (unsigned i = 0; i < 2; i++) {
		size_t len = 0;
		struct cb_config back;
		assert_int_equal(cb_config_write(&in[i], out, sizeof(out), &len), CB_OK);
		assert_memory_equal(out, "CBCFG001", 8);
		assert_int_equal(cb_le32(out + 8), len - 16);
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len }, &back), CB_OK);
		assert_same(&back, &in[i]);
		/* A section that is larger than what was stamped into it. */
		memset(out + len, 0, 100);
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len + 100 }, &back),
				 CB_OK);
		assert_same(&back, &in[i]);
		out[len + 99] = 1;
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len + 100 }, &back),
				 CB_CONFIG);
	}
}

static void room(void **state)
{
	(void)state;
	uint8_t out[MAX_LEN];
	struct cb_config c = full();
	size_t len = 0, again = 77;
	assert_int_equal(cb_config_write(&c, out, sizeof(out), &len), CB_OK);
	for (size_t max = 0; max < len; max++) {
		uint8_t *tight = malloc(max ? max : 1);
		assert_int_equal(cb_config_write(&c, tight, max, &again), CB_CONFIG);
		assert_int_equal(again, 77);
		free(tight);
	}
	assert_int_equal(cb_config_write(&c, out, len, &again), CB_OK);
	assert_int_equal(again, len);
}

static void assert_refused(const uint8_t *section, size_t len)
{
	struct cb_config c;
	uint8_t *copy = malloc(len ? len : 1);
	memcpy(copy, section, len);
	memset(&c, 0x77, sizeof(c));
	struct cb_config before = c;
	assert_int_equal(cb_config_parse((struct cb_bytes){ copy, len }, &c), CB_CONFIG);
	assert_memory_equal(&c, &before, sizeof(c));
	free(copy);
}

static void damaged(void **state)
{
	(void)state;
	uint8_t out[MAX_LEN] = { 0 };
	struct cb_config c = full();
	size_t len = 0;
	assert_refused(out, 0);
	assert_refused(out, 64);
	assert_refused(out, MAX_LEN);
	assert_int_equal(cb_config_write(&c, out, sizeof(out), &len), CB_OK);
	for (size_t cut = 0; cut < len; cut++)
		assert_refused(out, cut);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		out[bit / 8] = (uint8_t)(out[bit / 8] ^ (1u << bit % 8));
		assert_refused(out, len);
		out[bit / 8] = (uint8_t)(out[bit / 8] ^ (1u << bit % 8));
	}
}

static void refused_when_written(void **state)
{
	(void)state;
	static uint8_t out[2 * CB_CONFIG_MAX_LEN], root[CB_TUF_ROOT_MAX + 1];
	static char url[CB_URL_MAX + 1];
	memset(url, 'u', sizeof(url));
	struct cb_config bad[24];
	for (unsigned i = 0; i < 24; i++)
		bad[i] = full();
	bad[0].n_mirrors = 0;
	bad[1].n_mirrors = CB_CONFIG_MAX_MIRRORS + 1;
	bad[2].root.len = 0;
	bad[3].root = (struct cb_bytes){ root, sizeof(root) };
	bad[4].mirrors[1].len = 0;
	bad[5].mirrors[1] = cb_bytes_of("http://a b\n/");
	bad[6].mirrors[1] = (struct cb_bytes){ (uint8_t *)url, CB_URL_MAX + 1 };
	bad[7].stamped_s = -1;
	bad[8].layout = cb_bytes_of("abcdefghijklmnopq");
	bad[9].layout = cb_bytes_of("../x");
	bad[10].ipv4.prefix_len = 33;
	bad[11].ipv4.n_dns = CB_CONFIG_MAX_DNS + 1;
	bad[12].autologin_account[0] = '\0';
	strcpy(bad[13].autologin_account, "Kiosk");
	bad[14].ipv6.prefix_len = 129;
	bad[15].ipv6.n_dns = CB_CONFIG_MAX_DNS + 1;
	bad[16].ipv6.address[0] = 0xff; /* multicast */
	bad[17].vlan_id = CB_CONFIG_MAX_VLAN + 1;
	bad[18].tls.n_anchors = CB_TLS_MAX_ANCHORS + 1;
	bad[19].tls.n_pins = CB_TLS_MAX_PINS + 1;
	bad[20].tls.anchors[1].len--;
	bad[21].n_near = CB_CONFIG_MAX_NEAR + 1;
	bad[22].near[1].len = 0;
	bad[23].near[1] = (struct cb_bytes){ (uint8_t *)url, CB_URL_MAX + 1 };
	for (unsigned i = 0; i < 24; i++) {
		size_t len = 77;
		if (cb_config_write(&bad[i], out, sizeof(out), &len) != CB_CONFIG)
			fail_msg("case %u was written", i);
		assert_int_equal(len, 77);
	}
}

static void largest(void **state)
{
	(void)state;
	static uint8_t out[CB_CONFIG_MAX_LEN + 1], root[CB_TUF_ROOT_MAX];
	static char url[CB_URL_MAX];
	struct cb_config c = full(), back;
	size_t len = 0;
	memset(url, 'u', sizeof(url));
	c.root = (struct cb_bytes){ root, sizeof(root) };
	c.n_mirrors = CB_CONFIG_MAX_MIRRORS;
	for (unsigned i = 0; i < CB_CONFIG_MAX_MIRRORS; i++)
		c.mirrors[i] = (struct cb_bytes){ (uint8_t *)url, CB_URL_MAX };
	c.n_near = CB_CONFIG_MAX_NEAR;
	for (unsigned i = 0; i < CB_CONFIG_MAX_NEAR; i++)
		c.near[i] = c.mirrors[0];
	memset(c.autologin_account, 'k', CB_ACCOUNT_MAX);
	c.autologin_account[CB_ACCOUNT_MAX] = '\0';
	assert_int_equal(cb_config_write(&c, out, sizeof(out), &len), CB_OK);
	assert_int_equal(cb_config_parse((struct cb_bytes){ out, CB_CONFIG_MAX_LEN }, &back),
			 CB_OK);
	assert_same(&back, &c);
	assert_refused(out, CB_CONFIG_MAX_LEN + 1);
}

/* A section made of a configuration and one more entry of any form. */
static size_t with_entry_of(const struct cb_config *c, uint8_t *out, unsigned tag, unsigned flags,
			    const void *value, uint32_t value_len)
{
	size_t len = 0;
	assert_int_equal(cb_config_write(c, out, MAX_LEN / 2, &len), CB_OK);
	uint8_t *p = out + len - CB_DIGEST_LEN;
	cb_put_le16(p, (uint16_t)tag);
	cb_put_le16(p + 2, (uint16_t)flags);
	cb_put_le32(p + 4, value_len);
	if (value_len)
		memcpy(p + 8, value, value_len);
	p += 8 + value_len;
	cb_put_le32(out + 8, (uint32_t)((size_t)(p - out) + CB_DIGEST_LEN - 16));
	cb_blake2b_256((struct cb_bytes){ out, (size_t)(p - out) }, p);
	return (size_t)(p - out) + CB_DIGEST_LEN;
}

static size_t with_entry(uint8_t *out, unsigned tag, unsigned flags, const void *value,
			 uint32_t value_len)
{
	struct cb_config c = least();
	return with_entry_of(&c, out, tag, flags, value, value_len);
}

/* One more authority, pin or mirror nearby than there is room for. */
static void one_too_many(void **state)
{
	(void)state;
	uint8_t out[MAX_LEN], pin[CB_TLS_PIN_LEN] = { 0 };
	struct cb_config c = full(), ret;
	c.tls.n_anchors = CB_TLS_MAX_ANCHORS - 1;
	c.tls.anchors[2] = c.tls.anchors[0];
	c.tls.n_pins = CB_TLS_MAX_PINS - 1;
	c.n_near = CB_CONFIG_MAX_NEAR - 1;
	c.near[2] = c.near[0];
	for (unsigned n = 0; n < 2; n++) {
		enum cb_err want = n == 0 ? CB_OK : CB_CONFIG;
		struct cb_bytes anchor = c.tls.anchors[1];
		size_t len =
			with_entry_of(&c, out, CB_CONFIG_TLS_CA, 1, anchor.p, (uint32_t)anchor.len);
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len }, &ret), want);
		len = with_entry_of(&c, out, CB_CONFIG_TLS_PIN, 1, pin, sizeof(pin));
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len }, &ret), want);
		len = with_entry_of(&c, out, CB_CONFIG_NEAR, 1, c.near[0].p,
				    (uint32_t)c.near[0].len);
		assert_int_equal(cb_config_parse((struct cb_bytes){ out, len }, &ret), want);
		c.tls.anchors[c.tls.n_anchors++] = anchor;
		c.tls.n_pins++;
		c.near[c.n_near++] = c.near[0];
	}
}

static void entries(void **state)
{
	static const uint8_t zeros[100];
	static const struct {
		unsigned tag, flags;
		uint32_t len;
		bool is_good;
	} cases[] = {
		{ 0, 0, 0, true },
		{ 200, 0, 0, true }, /* unknown, may be skipped */
		{ 200, 0, 100, true },
		{ 200, 1, 0, false }, /* unknown and critical */
		{ 65535, 0, 7, true },
		{ 65535, 1, 7, false },
		{ 200, 2, 0, false }, /* unknown flag */
		{ CB_CONFIG_ROOT, 1, 10, false }, /* a second one */
		{ CB_CONFIG_REALM_ID, 1, 32, false },
		{ CB_CONFIG_STAMPED, 1, 8, false },
		{ CB_CONFIG_FLAGS, 1, 4, false },
		{ CB_CONFIG_IPV4, 1, 10, true },
		{ CB_CONFIG_IPV4, 0, 10, true },
		{ CB_CONFIG_IPV4, 1, 9, false },
		{ CB_CONFIG_IPV4, 1, 11, false },
		{ CB_CONFIG_IPV6, 1, 34, false }, /* the unspecified address */
		{ CB_CONFIG_VLAN, 1, 2, false }, /* 0 */
		{ CB_CONFIG_VLAN, 1, 3, false },
		{ CB_CONFIG_AUTOLOGIN, 1, 0, false },
		{ CB_CONFIG_AUTOLOGIN, 1, 65, false }, /* empty account */
		{ CB_CONFIG_LAYOUT, 1, 0, false },
		{ CB_CONFIG_MIRROR, 1, 3, false }, /* not text */
		{ CB_CONFIG_NEAR, 1, 0, false },
		{ CB_CONFIG_NEAR, 1, 3, false },
		{ CB_CONFIG_TLS_CA, 1, 80, false },
		{ CB_CONFIG_TLS_PIN, 1, 32, true },
		{ CB_CONFIG_TLS_PIN, 1, 31, false },
		{ CB_CONFIG_TLS_PIN, 1, 33, false },
	};
	(void)state;
	uint8_t out[MAX_LEN];
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = with_entry(out, cases[i].tag, cases[i].flags, zeros, cases[i].len);
		struct cb_config c;
		bool is_good = cb_config_parse((struct cb_bytes){ out, len }, &c) == CB_OK;
		if (is_good != cases[i].is_good)
			fail_msg("case %zu", i);
	}
}

static void ipv6_lengths(void **state)
{
	(void)state;
	uint8_t value[34 + 3 * 16] = { 0xfd, [15] = 1, [32] = 64 };
	uint8_t out[MAX_LEN];
	for (unsigned n_dns = 0; n_dns <= 3; n_dns++)
		for (uint32_t value_len = 0; value_len <= sizeof(value); value_len++) {
			struct cb_config c;
			value[33] = (uint8_t)n_dns;
			size_t len = with_entry(out, CB_CONFIG_IPV6, 1, value, value_len);
			bool is_good = cb_config_parse((struct cb_bytes){ out, len }, &c) == CB_OK;
			assert_int_equal(is_good, n_dns <= 2 && value_len == 34 + 16 * n_dns);
		}
}

static void no_autologin_after_nul(void **state)
{
	(void)state;
	uint8_t value[1 + 3 + CB_LOGIN_KEY_LEN] = { 3, 'a', 0, 'b' };
	uint8_t out[MAX_LEN];
	size_t len = with_entry(out, CB_CONFIG_AUTOLOGIN, 1, value, sizeof(value));
	assert_refused(out, len);
	value[2] = '@';
	struct cb_config c;
	len = with_entry(out, CB_CONFIG_AUTOLOGIN, 1, value, sizeof(value));
	assert_int_equal(cb_config_parse((struct cb_bytes){ out, len }, &c), CB_OK);
	assert_string_equal(c.autologin_account, "a@b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(room),
		cmocka_unit_test(damaged),
		cmocka_unit_test(refused_when_written),
		cmocka_unit_test(largest),
		cmocka_unit_test(entries),
		cmocka_unit_test(one_too_many),
		cmocka_unit_test(ipv6_lengths),
		cmocka_unit_test(no_autologin_after_nul),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
