/* SPDX-License-Identifier: MIT */
/* Trust anchors: read and written. */
#include "core/tls_trust.h"

#include <string.h>

#define HEAD_LEN 8u

enum anchor_kind { ANCHOR_RSA = 1, ANCHOR_P256 = 2, ANCHOR_P384 = 3 };

/* BearSSL's structures have no const; it only reads. */
static unsigned char *as_unsigned(struct cb_bytes bytes)
{
	return (unsigned char *)(uintptr_t)bytes.p;
}

static bool parse_rsa(struct cb_bytes n, struct cb_bytes e, br_x509_pkey *ret)
{
	if (n.len < CB_TLS_RSA_MIN || n.len > CB_TLS_RSA_MAX || e.len < 1 ||
	    e.len > CB_TLS_EXPONENT_MAX || n.p[0] == 0 || e.p[0] == 0)
		return false;
	ret->key_type = BR_KEYTYPE_RSA;
	ret->key.rsa = (br_rsa_public_key){ as_unsigned(n), n.len, as_unsigned(e), e.len };
	return true;
}

static bool parse_point(int curve, struct cb_bytes q, struct cb_bytes e, br_x509_pkey *ret)
{
	size_t want = curve == BR_EC_secp256r1 ? 65 : 97;

	if (q.len != want || e.len != 0 || q.p[0] != 4)
		return false;
	ret->key_type = BR_KEYTYPE_EC;
	ret->key.ec = (br_ec_public_key){ curve, as_unsigned(q), q.len };
	return true;
}

static bool parse_key(unsigned kind, struct cb_bytes key, struct cb_bytes e, br_x509_pkey *ret)
{
	switch (kind) {
	case ANCHOR_RSA:
		return parse_rsa(key, e, ret);
	case ANCHOR_P256:
		return parse_point(BR_EC_secp256r1, key, e, ret);
	case ANCHOR_P384:
		return parse_point(BR_EC_secp384r1, key, e, ret);
	default:
		return false;
	}
}

bool cb_tls_anchor_parse(struct cb_bytes anchor, br_x509_trust_anchor *ret)
{
	struct cb_reader r = cb_reader_of(anchor);
	br_x509_trust_anchor a = { .flags = BR_X509_TA_CA };
	uint8_t kind = cb_read_u8(&r), zero = cb_read_u8(&r);
	uint16_t dn_len = cb_read_le16(&r), key_len = cb_read_le16(&r), e_len = cb_read_le16(&r);
	struct cb_bytes dn = cb_read_bytes(&r, dn_len);
	struct cb_bytes key = cb_read_bytes(&r, key_len);
	struct cb_bytes e = cb_read_bytes(&r, e_len);

	if (!cb_reader_is_done(&r) || zero != 0 || dn_len < 2 || dn_len > CB_TLS_DN_MAX ||
	    dn.p[0] != 0x30 || !parse_key(kind, key, e, &a.pkey))
		return false;
	a.dn.data = as_unsigned(dn);
	a.dn.len = dn.len;
	*ret = a;
	return true;
}

size_t cb_tls_anchor_write(const br_x509_trust_anchor *a, uint8_t out[CB_TLS_ANCHOR_MAX])
{
	bool is_rsa = a->pkey.key_type == BR_KEYTYPE_RSA;
	struct cb_bytes dn = { a->dn.data, a->dn.len }, key, e = { NULL, 0 };
	br_x509_trust_anchor back;
	uint8_t *p = out + HEAD_LEN;

	if (is_rsa) {
		key = (struct cb_bytes){ a->pkey.key.rsa.n, a->pkey.key.rsa.nlen };
		e = (struct cb_bytes){ a->pkey.key.rsa.e, a->pkey.key.rsa.elen };
		out[0] = ANCHOR_RSA;
	} else {
		key = (struct cb_bytes){ a->pkey.key.ec.q, a->pkey.key.ec.qlen };
		out[0] = a->pkey.key.ec.curve == BR_EC_secp256r1 ? ANCHOR_P256 : ANCHOR_P384;
	}
	if (dn.len > CB_TLS_DN_MAX || key.len > CB_TLS_RSA_MAX || e.len > CB_TLS_EXPONENT_MAX)
		return 0;
	out[1] = 0;
	cb_put_le16(out + 2, (uint16_t)dn.len);
	cb_put_le16(out + 4, (uint16_t)key.len);
	cb_put_le16(out + 6, (uint16_t)e.len);
	memcpy(p, dn.p, dn.len);
	memcpy(p + dn.len, key.p, key.len);
	if (e.len > 0)
		memcpy(p + dn.len + key.len, e.p, e.len);
	size_t len = HEAD_LEN + dn.len + key.len + e.len;
	return cb_tls_anchor_parse((struct cb_bytes){ out, len }, &back) ? len : 0;
}
