/* SPDX-License-Identifier: MIT */
/* Where BearSSL decides other than Wycheproof, or Wycheproof leaves it open: each class with its reason. */
#include "answers.h"

#define NO_IV "br_gcm takes an empty IV; the IV of a TLS record always has 12 bytes"
#define ZERO "the client refuses a product of zero, RFC 8422 5.11"
#define TWIST "points of the twist are multiplied like others, RFC 7748 6.1"
#define REDUCED "coordinates of p or more are reduced, RFC 7748 5"
#define COMPRESSED "TLS offers uncompressed points only, RFC 8422 5.1.2"
#define FORM "TLS has the bare point; around it nothing but the named curve in DER is meant"
#define SIGNED "r and s are read as unsigned: their top bit needs no zero before it"
#define LONG_LENGTH "a length below 128 may have the long form of two bytes"
#define ZEROS "zeros before r and s are skipped"
#define HALVES "the raw form is cut in halves, whatever its length; what is in DER has none"
#define NO_NULL "RFC 8017 8.2, note 2: the digest's NULL parameter may be missing"

/* Another encoding of r and s with the same values is no forgery: nothing is named by a signature's bytes. */
const struct answer_class answer_classes[] = {
	{ ANSWER_AES_GCM, "ZeroLengthIv", NULL, true, 6, NO_IV },
	{ ANSWER_X25519, "ZeroSharedSecret", NULL, false, 31, ZERO },
	{ ANSWER_X25519, "Twist", NULL, true, 216, TWIST },
	{ ANSWER_X25519, "NonCanonicalPublic", NULL, true, 7, REDUCED },
	{ ANSWER_ECDH_P256, "CompressedPublic", NULL, false, 1, COMPRESSED },
	{ ANSWER_ECDH_P256_SPKI, "CompressedPublic", NULL, false, 1, COMPRESSED },
	{ ANSWER_ECDH_P256_SPKI, "UnusedParam", NULL, false, 7, FORM },
	{ ANSWER_ECDH_P256_SPKI, "InvalidAsn", NULL, false, 222, FORM },
	{ ANSWER_ECDSA_P256, "MissingZero", NULL, true, 1, SIGNED },
	{ ANSWER_ECDSA_P256, "BerEncodedSignature", " 8 ", true, 1, LONG_LENGTH },
	{ ANSWER_ECDSA_P256, "InvalidEncoding", " 84 128 ", true, 2, ZEROS },
	{ ANSWER_ECDSA_P256_RAW, "SignatureSize", NULL, true, 12, HALVES },
	{ ANSWER_ECDSA_P384, "MissingZero", NULL, true, 1, SIGNED },
	{ ANSWER_ECDSA_P384, "BerEncodedSignature", " 8 ", true, 1, LONG_LENGTH },
	{ ANSWER_ECDSA_P384, "InvalidEncoding", " 84 128 ", true, 2, ZEROS },
	{ ANSWER_ECDSA_P384_RAW, "SignatureSize", NULL, true, 10, HALVES },
	{ ANSWER_RSA_2048, "MissingNull", NULL, true, 1, NO_NULL },
	{ ANSWER_RSA_3072, "MissingNull", NULL, true, 1, NO_NULL },
	{ ANSWER_RSA_4096, "MissingNull", NULL, true, 1, NO_NULL },
	{ ANSWER_RSA_4096_SHA512, "MissingNull", NULL, true, 1, NO_NULL },
};
const unsigned n_answer_classes = sizeof(answer_classes) / sizeof(answer_classes[0]);
