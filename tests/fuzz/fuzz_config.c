/* SPDX-License-Identifier: MIT */
/* Fuzzes the stamped configuration's entries behind a frame and digest that are always right. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/config.h"

#define HEAD_LEN 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was accepted can be written, and says the same when it is read again. */
static void check(const struct cb_config *c)
{
	static uint8_t out[2 * CB_CONFIG_MAX_LEN];
	struct cb_config back;
	size_t len;
	if (cb_config_write(c, out, CB_CONFIG_MAX_LEN, &len) != CB_OK) {
		/* Only when entries without a critical mark left more room than there is. */
		return;
	}
	if (cb_config_parse((struct cb_bytes){ out, len }, &back) != CB_OK)
		abort();
	if (!cb_bytes_equal(back.root, c->root) || back.n_mirrors != c->n_mirrors ||
	    back.stamped_s != c->stamped_s || !cb_bytes_equal(back.layout, c->layout) ||
	    strcmp(back.autologin_account, c->autologin_account) != 0 || back.n_near != c->n_near ||
	    back.no_dhcp_mirror != c->no_dhcp_mirror || back.tls.n_anchors != c->tls.n_anchors ||
	    back.tls.n_pins != c->tls.n_pins)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cb_config c;
	if (cb_config_parse((struct cb_bytes){ data, len }, &c) == CB_OK)
		check(&c);
	if (len > CB_CONFIG_MAX_LEN)
		return 0;
	size_t framed_len = HEAD_LEN + len + CB_DIGEST_LEN;
	uint8_t *framed = calloc(1, framed_len);
	if (!framed)
		return 0;
	memcpy(framed, "CBCFG001", 8);
	cb_put_le32(framed + 8, (uint32_t)(len + CB_DIGEST_LEN));
	if (len != 0)
		memcpy(framed + HEAD_LEN, data, len);
	cb_blake2b_256((struct cb_bytes){ framed, HEAD_LEN + len }, framed + HEAD_LEN + len);
	if (cb_config_parse((struct cb_bytes){ framed, framed_len }, &c) == CB_OK)
		check(&c);
	free(framed);
	return 0;
}
