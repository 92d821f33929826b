/* SPDX-License-Identifier: MIT */
/* A DHCPv6 client as a step machine (RFC 8415). */
#include "net/dhcp6.h"

#include <string.h>

#include "core/config.h"

/* Message types, §7.3 */
#define SOLICIT 1u
#define ADVERTISE 2u
#define REQUEST 3u
#define REPLY 7u
#define INFORMATION_REQUEST 11u

/* Options, §21 and RFC 3646 */
#define CLIENT_ID 1u
#define SERVER_ID 2u
#define IA_NA 3u
#define IA_ADDRESS 5u
#define OPTION_REQUEST 6u
#define ELAPSED_TIME 8u
#define STATUS_CODE 13u
#define RAPID_COMMIT 14u
#define DNS_SERVERS 23u

#define DUID_LEN 10u /* DUID-LL: type, hardware type, address */
#define FIRST_WAIT_MS 1000u
#define LONGEST_WAIT_MS 8000u /* §7.6 has up to an hour; somebody sits and waits here */
#define MAX_REQUESTS 4u
#define RENEW_LEAST_S 60u
#define FOR_EVER UINT32_MAX

/* ---- Writing ---- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* Appends an option's head; returns the place of its value. */
static uint8_t *put_option(uint8_t *out, size_t *len, unsigned code, size_t value_len)
{
	uint8_t *p = out + *len;

	put16(p, code);
	put16(p + 2, (unsigned)value_len);
	*len += 4 + value_len;
	return p + 4;
}

static void make_duid(const struct cb_dhcp6 *d, uint8_t out[DUID_LEN])
{
	put16(out, 3); /* §11.4: based on the link-layer address */
	put16(out + 2, 1); /* Ethernet */
	memcpy(out + 4, d->mac, sizeof(d->mac));
}

/* One interface association, named by the end of the hardware address. */
static uint32_t iaid_of(const struct cb_dhcp6 *d)
{
	return (uint32_t)d->mac[2] << 24 | (uint32_t)d->mac[3] << 16 | (uint32_t)d->mac[4] << 8 |
		d->mac[5];
}

static void put_association(const struct cb_dhcp6 *d, uint8_t *out, size_t *len)
{
	bool has_offer = d->phase == CB_DHCP6_REQUEST;
	uint8_t *p = put_option(out, len, IA_NA, 12 + (has_offer ? 28u : 0u));

	memset(p, 0, 12);
	put32(p, iaid_of(d));
	if (!has_offer)
		return;
	put16(p + 12, IA_ADDRESS);
	put16(p + 14, 24);
	memcpy(p + 16, d->address, 16);
	memset(p + 32, 0, 8);
}

static size_t write_message(const struct cb_dhcp6 *d, uint64_t now_ms, uint8_t *out)
{
	uint64_t elapsed_cs = (now_ms - d->first_ms) / 10;
	unsigned type = d->phase == CB_DHCP6_SOLICIT ? SOLICIT :
		d->phase == CB_DHCP6_REQUEST	     ? REQUEST :
						       INFORMATION_REQUEST;
	size_t len = 4;

	put32(out, type << 24 | d->transaction);
	make_duid(d, put_option(out, &len, CLIENT_ID, DUID_LEN));
	put16(put_option(out, &len, OPTION_REQUEST, 2), DNS_SERVERS);
	put16(put_option(out, &len, ELAPSED_TIME, 2),
	      elapsed_cs < 0xffff ? (unsigned)elapsed_cs : 0xffff);
	if (d->phase == CB_DHCP6_SOLICIT)
		(void)put_option(out, &len, RAPID_COMMIT, 0);
	if (d->phase == CB_DHCP6_REQUEST)
		memcpy(put_option(out, &len, SERVER_ID, d->server_len), d->server, d->server_len);
	if (d->phase != CB_DHCP6_INFORM)
		put_association(d, out, &len);
	return len;
}

static void enter(struct cb_dhcp6 *d, enum cb_dhcp6_phase phase)
{
	d->phase = phase;
	d->n_sent = 0;
	d->next_ms = 0;
}

void cb_dhcp6_start(struct cb_dhcp6 *d, const uint8_t mac[6], bool wants_address)
{
	bool is_stateless = d->phase == CB_DHCP6_INFORM || d->phase == CB_DHCP6_INFORMED;

	if (d->phase != CB_DHCP6_OFF && !(is_stateless && wants_address))
		return;
	memcpy(d->mac, mac, sizeof(d->mac));
	enter(d, wants_address ? CB_DHCP6_SOLICIT : CB_DHCP6_INFORM);
}

size_t cb_dhcp6_step(struct cb_dhcp6 *d, uint64_t now_ms, uint32_t random,
		     uint8_t out[CB_DHCP6_MESSAGE_MAX])
{
	if (d->phase == CB_DHCP6_OFF || now_ms < d->next_ms)
		return 0;
	if (d->phase == CB_DHCP6_BOUND ||
	    (d->phase == CB_DHCP6_REQUEST && d->n_sent == MAX_REQUESTS))
		enter(d, CB_DHCP6_SOLICIT);
	if (d->phase == CB_DHCP6_INFORMED)
		return 0;
	if (d->n_sent == 0) {
		d->transaction = random & 0xffffff;
		d->first_ms = now_ms;
		d->wait_ms = FIRST_WAIT_MS;
	} else if (d->wait_ms < LONGEST_WAIT_MS) {
		d->wait_ms *= 2;
	}
	d->n_sent++;
	/* Up to a tenth more, so that a room full of machines does not stay in step (§15). */
	d->next_ms = now_ms + d->wait_ms + d->wait_ms * ((random >> 24) % 100) / 1000;
	return write_message(d, now_ms, out);
}

/* ---- Reading ---- */

struct answer {
	unsigned type;
	struct cb_bytes client, server;
	bool has_rapid_commit, has_address, has_failed;
	uint8_t address[16];
	uint32_t preferred_s, valid_s;
	unsigned n_dns;
	uint8_t dns[CB_DHCP6_MAX_DNS][16];
};

/* False at the end, and at an option that is longer than what holds it. */
static bool next_option(struct cb_reader *r, unsigned *ret_code, struct cb_reader *ret_value)
{
	unsigned len;

	if (r->rest.len == 0)
		return false;
	*ret_code = cb_read_be16(r);
	len = cb_read_be16(r);
	*ret_value = cb_reader_of(cb_read_bytes(r, len));
	return !r->failed;
}

/* Success has the code 0; a broken status is none. */
static bool is_failure(struct cb_reader *value)
{
	return cb_read_be16(value) != 0 || value->failed;
}

/* A host's address that is valid beyond this link. */
static bool is_usable(const uint8_t address[16])
{
	return cb_config_is_ipv6_host(address) &&
		!(address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}

static bool read_address(struct cb_reader *r, struct answer *a)
{
	struct cb_reader value;
	uint8_t address[16];
	uint32_t preferred_s, valid_s;
	bool has_failed = false;
	unsigned code;

	cb_read_copy(r, address, sizeof(address));
	preferred_s = cb_read_be32(r);
	valid_s = cb_read_be32(r);
	while (next_option(r, &code, &value))
		has_failed |= code == STATUS_CODE && is_failure(&value);
	if (r->failed)
		return false;
	/* §21.6: an address whose lifetimes contradict each other is left out. */
	if (has_failed || valid_s == 0 || preferred_s > valid_s || !is_usable(address) ||
	    a->has_address)
		return true;
	memcpy(a->address, address, sizeof(address));
	a->preferred_s = preferred_s;
	a->valid_s = valid_s;
	a->has_address = true;
	return true;
}

static bool read_association(struct cb_reader *r, uint32_t iaid, struct answer *a)
{
	bool is_ours = cb_read_be32(r) == iaid;
	struct cb_reader value;
	unsigned code;

	(void)cb_read_be32(r); /* T1 and T2: see the header */
	(void)cb_read_be32(r);
	while (next_option(r, &code, &value)) {
		if (is_ours && code == IA_ADDRESS && !read_address(&value, a))
			return false;
		if (is_ours && code == STATUS_CODE)
			a->has_failed |= is_failure(&value);
	}
	return !r->failed;
}

static bool read_dns(struct cb_reader *r, struct answer *a)
{
	if (r->rest.len % 16 != 0)
		return false;
	while (r->rest.len && a->n_dns < CB_DHCP6_MAX_DNS)
		cb_read_copy(r, a->dns[a->n_dns++], 16);
	return true;
}

static bool read_option(struct cb_reader *value, unsigned code, uint32_t iaid, struct answer *a)
{
	switch (code) {
	case CLIENT_ID:
		a->client = value->rest;
		return true;
	case SERVER_ID:
		a->server = value->rest;
		return value->rest.len >= 1 && value->rest.len <= CB_DHCP6_MAX_DUID;
	case IA_NA:
		return read_association(value, iaid, a);
	case STATUS_CODE:
		a->has_failed |= is_failure(value);
		return true;
	case RAPID_COMMIT:
		a->has_rapid_commit = true;
		return true;
	case DNS_SERVERS:
		return read_dns(value, a);
	default:
		return true;
	}
}

/* False for anything that is not an answer to our last message, in full order. */
static bool read_answer(const struct cb_dhcp6 *d, struct cb_bytes message, struct answer *ret)
{
	struct cb_reader r = cb_reader_of(message), value;
	struct answer a = { 0 };
	uint8_t duid[DUID_LEN];
	uint32_t head = cb_read_be32(&r);
	unsigned code;

	a.type = head >> 24;
	if (r.failed || d->n_sent == 0 || (head & 0xffffff) != d->transaction)
		return false;
	while (next_option(&r, &code, &value))
		if (!read_option(&value, code, iaid_of(d), &a))
			return false;
	make_duid(d, duid);
	if (r.failed || a.server.len == 0 ||
	    !cb_bytes_equal(a.client, (struct cb_bytes){ duid, sizeof(duid) }))
		return false;
	*ret = a;
	return true;
}

/* ---- What follows from it ---- */

static void take_address(struct cb_dhcp6 *d, const struct answer *a)
{
	memcpy(d->server, a->server.p, a->server.len);
	d->server_len = a->server.len;
	memcpy(d->address, a->address, sizeof(d->address));
	d->preferred_s = a->preferred_s;
	d->valid_s = a->valid_s;
}

static bool finish(struct cb_dhcp6 *d, const struct answer *a, enum cb_dhcp6_phase phase,
		   uint64_t now_ms)
{
	uint32_t again_s = a->preferred_s / 2;

	d->n_dns = a->n_dns;
	memcpy(d->dns, a->dns, sizeof(d->dns));
	enter(d, phase);
	d->next_ms = UINT64_MAX;
	if (phase != CB_DHCP6_BOUND)
		return true;
	take_address(d, a);
	if (a->preferred_s != FOR_EVER)
		d->next_ms = now_ms + 1000ull * (again_s > RENEW_LEAST_S ? again_s : RENEW_LEAST_S);
	return true;
}

bool cb_dhcp6_input(struct cb_dhcp6 *d, struct cb_bytes message, uint64_t now_ms)
{
	struct answer a;
	bool has_offer;

	if (d->phase != CB_DHCP6_SOLICIT && d->phase != CB_DHCP6_REQUEST &&
	    d->phase != CB_DHCP6_INFORM)
		return false;
	if (!read_answer(d, message, &a))
		return false;
	has_offer = a.has_address && !a.has_failed;
	if (d->phase == CB_DHCP6_INFORM)
		return a.type == REPLY && !a.has_failed && finish(d, &a, CB_DHCP6_INFORMED, now_ms);
	if (d->phase == CB_DHCP6_SOLICIT && a.type == ADVERTISE && has_offer) {
		take_address(d, &a);
		enter(d, CB_DHCP6_REQUEST);
		return false;
	}
	if (a.type != REPLY)
		return false;
	if (d->phase == CB_DHCP6_SOLICIT)
		return a.has_rapid_commit && has_offer && finish(d, &a, CB_DHCP6_BOUND, now_ms);
	if (!cb_bytes_equal(a.server, (struct cb_bytes){ d->server, d->server_len }))
		return false;
	if (has_offer)
		return finish(d, &a, CB_DHCP6_BOUND, now_ms);
	/* Refused: another server may be kinder, after the pause that a lost message takes. */
	enter(d, CB_DHCP6_SOLICIT);
	d->next_ms = now_ms + FIRST_WAIT_MS;
	return false;
}
