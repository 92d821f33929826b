/* SPDX-License-Identifier: MIT */
/* Unit tests of host/record_seal.h: what is written, carried over, renewed and refused. */
#include "testport.h"

#include <string.h>

#include "core/record_format.h"
#include "host/heap.h"
#include "record_fixture.h"

static uint8_t first[CB_RECORD_MAX_LEN], second[CB_RECORD_MAX_LEN];

static struct cb_record_seal seal_of(const struct record_fixture *f)
{
	return (struct cb_record_seal){
		.content = &f->content,
		.record_key = f->record_key,
		.login = &f->login,
		.accounts_key = &f->key,
	};
}

static void layout(void **state)
{
	struct record_fixture f;
	uint8_t zero[32] = { 0 };

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, first);
	assert_memory_equal(first, "CBA1\1\0\1\0", 8);
	assert_memory_equal(first + 8, f.login.locator, 32);
	assert_int_equal(cb_le64(first + 40), 2);
	assert_int_equal(cb_le64(first + 180), 5);
	assert_int_equal(cb_le64(first + 188), RECORD_NOW);
	assert_int_equal(cb_le64(first + 196), RECORD_NOW + 30 * 86400);
	uint32_t body_len = cb_le32(first + 176);
	assert_true(body_len > 16 && 204 + body_len < len - 64);
	assert_memory_equal(first + 204 + body_len, zero, sizeof(zero));
	/* fresh nonces, so everything sealed differs */
	record_fixture_seal(&f, second);
	assert_memory_not_equal(first + 80, second + 80, 24);
	assert_memory_not_equal(first + 104, second + 104, 48);
	assert_memory_not_equal(first + 152, second + 152, 24);
	assert_memory_not_equal(first + 204, second + 204, body_len);
}

/* The stored size tells a reader of the store as little as three steps can. */
static void padding(void **state)
{
	static uint8_t value[CB_RECORD_MAX_CREDENTIAL_LEN];
	static char suffix[CB_CMDLINE_MAX];
	struct record_fixture f;
	size_t len = 0;

	(void)state;
	memset(suffix, 's', sizeof(suffix));
	record_fixture_init(&f);
	f.content.n_credentials = 1;
	for (size_t n = 0; n <= sizeof(value); n += 256) {
		f.content.credentials[0].value = (struct cb_bytes){ value, n };
		size_t now = record_fixture_seal(&f, first);
		assert_true(now >= len && now <= 16384);
		len = now;
	}
	assert_int_equal(len, 16384);
	f.content.n_envs = 16;
	for (unsigned i = 0; i < 16; i++)
		f.content.envs[i] = (struct cb_environment){
			.target = cb_bytes_of("a"),
			.cmdline_suffix = { (const uint8_t *)suffix, sizeof(suffix) },
		};
	assert_int_equal(record_fixture_seal(&f, first), 65536);
}

/* Sealed anew with the record key: the person's wrapping stays, byte for byte. */
static void without_passphrase(void **state)
{
	struct record_fixture f;
	struct cb_record r;
	size_t len = 0;

	(void)state;
	record_fixture_init(&f);
	struct cb_record_seal seal = seal_of(&f);
	seal.login = NULL;
	seal.previous = (struct cb_bytes){ first, record_fixture_seal(&f, first) };
	f.content.body_seq = 3;
	f.content.n_envs = 1;
	assert_int_equal(cb_record_seal(&seal, second, &len), CB_OK);
	assert_memory_equal(first + 8, second + 8, 32);
	assert_memory_equal(first + 48, second + 48, 104);
	assert_int_equal(
		cb_record_open(&cb_heap, (struct cb_bytes){ second, len }, &f.login, &f.check, &r),
		CB_OK);
	assert_int_equal(r.body_seq, 3);
	assert_int_equal(r.n_envs, 1);
	cb_record_done(&r);

	seal.previous.len = 4095;
	assert_int_equal(cb_record_seal(&seal, second, &len), CB_RECORD_FORMAT);
	seal.previous.len = 4096;
	first[0] ^= 1;
	assert_int_equal(cb_record_seal(&seal, second, &len), CB_RECORD_FORMAT);
}

/* What a newer version put into the record survives a change by this one. */
static void carried_over(void **state)
{
	struct record_fixture f;
	struct cb_record r;
	uint8_t body[64], unknown[] = { 0x63, 0, 2, 0, 0, 0, 'h', 'i' };

	(void)state;
	record_fixture_init(&f);
	size_t len = testport_hex("0100 00000000 6300 02000000 6869 0400 01000000 70", body,
				  sizeof(body));
	f.content.body = body;
	f.content.body_len = len;
	len = record_fixture_seal(&f, first);
	assert_int_equal(
		cb_record_open(&cb_heap, (struct cb_bytes){ first, len }, &f.login, &f.check, &r),
		CB_OK);
	assert_true(r.has_private_data);
	assert_int_equal(r.n_envs, 2);
	bool is_found = false;
	for (size_t i = 0; i + sizeof(unknown) <= r.body_len; i++)
		is_found |= memcmp(r.body + i, unknown, sizeof(unknown)) == 0;
	assert_true(is_found);
	cb_record_done(&r);
}

static void renewal(void **state)
{
	struct record_fixture f;
	struct cb_record_dates dates = { 0 };

	(void)state;
	record_fixture_init(&f);
	size_t len = record_fixture_seal(&f, first);
	const struct cb_bytes bytes = { first, len };
	assert_int_equal(cb_record_read_dates(bytes, &dates), CB_OK);
	assert_int_equal(dates.epoch, 5);
	assert_int_equal(dates.issued_s, RECORD_NOW);

	memcpy(second, first, len);
	dates = (struct cb_record_dates){ 6, RECORD_NOW + 100, RECORD_NOW + 200 };
	assert_int_equal(cb_record_renew(second, len, &dates, &f.key), CB_OK);
	/* nothing but the dates and the signature changed */
	assert_memory_equal(first, second, CB_RECORD_AT_EPOCH);
	assert_memory_equal(first + CB_RECORD_AT_BODY, second + CB_RECORD_AT_BODY,
			    len - 64 - CB_RECORD_AT_BODY);
	struct cb_record r;
	f.check.min_epoch = 6;
	f.check.now_s = RECORD_NOW + 199;
	assert_int_equal(
		cb_record_open(&cb_heap, (struct cb_bytes){ second, len }, &f.login, &f.check, &r),
		CB_OK);
	assert_int_equal(r.expires_s, RECORD_NOW + 200);
	cb_record_done(&r);

	dates.expires_s = dates.issued_s + CB_RECORD_MAX_LIFETIME_S + 1;
	assert_int_equal(cb_record_renew(second, len, &dates, &f.key), CB_RECORD_FORMAT);
	dates.expires_s = dates.issued_s - 1;
	assert_int_equal(cb_record_renew(second, len, &dates, &f.key), CB_RECORD_FORMAT);
	assert_int_equal(cb_record_renew(second, len - 1, &dates, &f.key), CB_RECORD_FORMAT);
	assert_int_equal(cb_record_read_dates((struct cb_bytes){ first, 3 }, &dates),
			 CB_RECORD_FORMAT);
}

/* Everything that the reader refuses is not written in the first place. */
static void refusals(void **state)
{
	static uint8_t value[CB_RECORD_MAX_CREDENTIAL_LEN + 1];
	static char text[CB_CMDLINE_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 12; i++) {
		struct record_fixture f;
		size_t len = 77;

		record_fixture_init(&f);
		struct cb_record *c = &f.content;
		switch (i) {
		case 0:
			c->uid.len = 15;
			break;
		case 1:
			c->n_envs = CB_RECORD_MAX_ENVS + 1;
			break;
		case 2:
			c->n_credentials = CB_RECORD_MAX_CREDENTIALS + 1;
			break;
		case 3:
			c->envs[0].target = cb_bytes_of("UPPER");
			break;
		case 4:
			c->envs[0].label = (struct cb_bytes){ (const uint8_t *)text, 65 };
			break;
		case 5:
			c->envs[0].cmdline_suffix =
				(struct cb_bytes){ (const uint8_t *)text, 2048 };
			break;
		case 6:
			c->envs[1].is_default = true;
			break;
		case 7:
			c->credentials[0].value = (struct cb_bytes){ value, sizeof(value) };
			break;
		case 8:
			c->credentials[1].name = c->credentials[0].name;
			break;
		case 9:
			c->expires_s = c->issued_s + CB_RECORD_MAX_LIFETIME_S + 1;
			break;
		case 10:
			c->issued_s = -1;
			break;
		case 11: /* four of 4 KiB are more than 12 KiB */
			c->n_credentials = 4;
			for (unsigned j = 0; j < 4; j++)
				c->credentials[j] =
					(struct cb_credential){ { (const uint8_t *)"abcd" + j, 1 },
								{ value, 4096 } };
			break;
		}
		struct cb_record_seal seal = seal_of(&f);
		if (cb_record_seal(&seal, first, &len) != CB_RECORD_FORMAT || len != 77)
			fail_msg("case %u was sealed", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(padding),
		cmocka_unit_test(without_passphrase),
		cmocka_unit_test(carried_over),
		cmocka_unit_test(renewal),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
