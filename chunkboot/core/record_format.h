/* SPDX-License-Identifier: MIT */
/* The layout of the account record CBA1, for its reader and its writer (docs/FORMATS-record.md). */
#ifndef CB_CORE_RECORD_FORMAT_H
#define CB_CORE_RECORD_FORMAT_H

#define CB_RECORD_MAGIC "CBA1"
#define CB_RECORD_VERSION 1
#define CB_RECORD_SUITE 1 /* XChaCha20-Poly1305, BLAKE2b, ed25519 */
/* What the signature covers starts with this and its NUL; the record's bytes follow. */
#define CB_RECORD_CONTEXT "chunkboot account v1"
#define CB_RECORD_TAG_LEN 16 /* Poly1305 */
#define CB_RECORD_NONCE_LEN 24
#define CB_RECORD_SIGNATURE_LEN 64

/* Offsets. */
enum {
	CB_RECORD_AT_MAGIC = 0,
	CB_RECORD_AT_VERSION = 4,
	CB_RECORD_AT_SUITE = 6,
	CB_RECORD_AT_LOCATOR = 8,
	CB_RECORD_AT_BODY_SEQ = 40,
	CB_RECORD_AAD_LEN = 48, /* of the body: everything before here */
	CB_RECORD_AT_COMMIT = 48,
	CB_RECORD_AT_WRAP_NONCE = 80,
	CB_RECORD_AT_WRAPPED = 104,
	CB_RECORD_AT_BODY_NONCE = 152,
	CB_RECORD_AT_BODY_LEN = 176,
	CB_RECORD_AT_EPOCH = 180,
	CB_RECORD_AT_ISSUED = 188,
	CB_RECORD_AT_EXPIRES = 196,
	CB_RECORD_AT_BODY = 204,
};

/* Most bytes of TLV that fit the largest record. */
#define CB_RECORD_MAX_BODY_LEN                                                                     \
	(65536 - CB_RECORD_AT_BODY - CB_RECORD_TAG_LEN - CB_RECORD_SIGNATURE_LEN)

/* An entry of the body, and of what is nested in one: u16 tag, u32 length, value. */
#define CB_RECORD_ENTRY_HEAD_LEN 6
#define CB_RECORD_CRITICAL 0x8000u /* a reader that does not know the tag refuses the record */

enum {
	CB_RECORD_TAG_UID = 1, /* 16 bytes; exactly once */
	CB_RECORD_TAG_DISPLAY_NAME = 2, /* UTF-8; at most once */
	CB_RECORD_TAG_ENVIRONMENT = 3, /* nested CB_RECORD_ENV_*; once for each, in menu order */
	CB_RECORD_TAG_PRIVATE = 4, /* private manifest and key; once for each */
	CB_RECORD_TAG_CREDENTIAL = 6, /* nested CB_RECORD_CREDENTIAL_*; once for each */
	CB_RECORD_TAG_POLICY = 7, /* nested CB_RECORD_POLICY_*; at most once */
};

enum {
	CB_RECORD_ENV_TARGET = 1, /* NAME or NAME/VERSION.cbm; exactly once */
	CB_RECORD_ENV_LABEL = 2,
	CB_RECORD_ENV_DEFAULT = 3, /* empty */
	CB_RECORD_ENV_SUFFIX = 4,
};

enum {
	CB_RECORD_CREDENTIAL_NAME = 1, /* exactly once */
	CB_RECORD_CREDENTIAL_VALUE = 2, /* exactly once */
};

enum {
	CB_RECORD_POLICY_OFFLINE_DAYS = 1, /* u32 */
};

#endif
