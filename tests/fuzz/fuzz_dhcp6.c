/* SPDX-License-Identifier: MIT */
/* Fuzzes the DHCPv6 client by what servers send; transaction and client are put right mostly. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dhcp6.h"

#define MAX_LEN 1400u
#define MAX_MESSAGES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct cb_dhcp6 *d)
{
	if (d->server_len > CB_DHCP6_MAX_DUID || d->n_dns > CB_DHCP6_MAX_DNS)
		abort();
	if (d->phase == CB_DHCP6_BOUND &&
	    (d->valid_s == 0 || d->preferred_s > d->valid_s || d->address[0] == 0xff))
		abort();
}

/*
 * Input: a byte (bit 0: stateful), then records of a byte (bit 0: as it is; else in front of it come
 * the transaction and the client's id), length (le16) and bytes from the message type on.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 10 };
	static const uint8_t client[14] = { 0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 10 };
	struct cb_reader r = cb_reader_of((struct cb_bytes){ data, len });
	struct cb_dhcp6 d = { 0 };
	uint8_t out[CB_DHCP6_MESSAGE_MAX], message[MAX_LEN + 32];
	uint64_t now_ms = 1000;

	cb_dhcp6_start(&d, mac, cb_read_u8(&r) & 1);
	for (unsigned i = 0; i < MAX_MESSAGES && r.rest.len; i++) {
		bool is_raw = cb_read_u8(&r) & 1;
		size_t n = cb_read_le16(&r) % MAX_LEN;
		struct cb_bytes bytes = cb_read_bytes(&r, n < r.rest.len ? n : r.rest.len);
		size_t at = 0;

		if (cb_dhcp6_step(&d, now_ms, 0x123456u * (i + 1), out) > sizeof(out))
			abort();
		if (!is_raw && bytes.len) {
			message[0] = bytes.p[0];
			message[1] = (uint8_t)(d.transaction >> 16);
			message[2] = (uint8_t)(d.transaction >> 8);
			message[3] = (uint8_t)d.transaction;
			memcpy(message + 4, client, sizeof(client));
			at = 4 + sizeof(client);
			bytes.p++;
			bytes.len--;
		}
		if (bytes.len)
			memcpy(message + at, bytes.p, bytes.len);
		(void)cb_dhcp6_input(&d, (struct cb_bytes){ message, at + bytes.len }, now_ms);
		check(&d);
		now_ms += 700;
	}
	return 0;
}
