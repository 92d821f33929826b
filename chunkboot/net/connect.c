/* SPDX-License-Identifier: MIT */
/* Opening a connection: names, and both families against each other (after RFC 8305). */
#include <string.h>

#include "lwip/dns.h"
#include "net/stream.h"

/*
 * A and AAAA are asked for at once, as far as the family has an address of its own. lwIP's DNS gives
 * one address of each, the first; that is what there is to try. The family that won the last contest
 * goes first, at the beginning IPv6; the other one follows after CONTEST_WAIT_MS, or at once when
 * the first has failed. A family that is not there is waited for only while the network is young.
 */

#define PORT_FIRST 49152u
#define PORT_TRIES 32
#define SILENCE_MS 900u /* before lwIP asks again, the other family's DNS servers go first */
#define LOOKUP_WAIT_MS 50u /* for the name's address in the family that goes first, §3 */
#define CONTEST_WAIT_MS 250u /* "Connection Attempt Delay", §5 */
#define FAMILY_WAIT_MS 3000u /* after the start of the network */

static enum cb_family other(enum cb_family family)
{
	return family == CB_FAMILY_IPV6 ? CB_FAMILY_IPV4 : CB_FAMILY_IPV6;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void abort_attempt(struct cb_attempt *a)
{
	struct tcp_pcb *pcb = a->pcb;

	a->state = CB_ATTEMPT_FAILED;
	a->pcb = NULL;
	if (pcb) {
		cb_stream_detach(pcb);
		tcp_abort(pcb);
	}
}

void cb_stream_connect_cancel(struct cb_stream *s)
{
	for (unsigned i = 0; i < CB_N_FAMILIES; i++)
		abort_attempt(&s->attempts[i]);
}

/* ---- Names ---- */

static void on_resolved(const char *name, const ip_addr_t *address, void *arg)
{
	const struct cb_platform *platform = cb_net_state.params.platform;
	uint32_t key = (uint32_t)(uintptr_t)arg;
	struct cb_stream *s = cb_net_state.streams;
	struct cb_attempt *a;

	(void)name;
	while (s && s->id != key / CB_N_FAMILIES)
		s = s->next;
	if (!s || s->state != CB_STREAM_CONNECTING)
		return;
	a = &s->attempts[key % CB_N_FAMILIES];
	if (a->state != CB_ATTEMPT_LOOKUP)
		return;
	a->state = address ? CB_ATTEMPT_READY : CB_ATTEMPT_FAILED;
	a->is_unknown = !address;
	a->since_ms = platform->now_ms(platform->ctx);
	if (address)
		a->address = *address;
}

static void look_up(struct cb_stream *s, enum cb_family family, uint64_t now_ms)
{
	struct cb_attempt *a = &s->attempts[family];
	uint32_t key = s->id * CB_N_FAMILIES + (uint32_t)family;
	u8_t type = family == CB_FAMILY_IPV6 ? LWIP_DNS_ADDRTYPE_IPV6 : LWIP_DNS_ADDRTYPE_IPV4;

	a->state = CB_ATTEMPT_LOOKUP;
	a->since_ms = now_ms;
	switch (dns_gethostbyname_addrtype(s->to.host, &a->address, on_resolved,
					   (void *)(uintptr_t)key, type)) {
	case ERR_OK:
		a->state = CB_ATTEMPT_READY;
		break;
	case ERR_INPROGRESS:
		break;
	case ERR_VAL: /* no server known yet */
		a->state = CB_ATTEMPT_NONE;
		break;
	default:
		a->state = CB_ATTEMPT_FAILED;
		a->is_unknown = true;
		break;
	}
}

void cb_stream_connect(struct cb_stream *s, uint64_t now_ms)
{
	ip_addr_t address;

	s->state = CB_STREAM_CONNECTING;
	for (unsigned i = 0; i < CB_N_FAMILIES; i++)
		s->attempts[i].stream = s;
	if (ipaddr_aton(s->to.host, &address)) {
		enum cb_family family = IP_IS_V6(&address) ? CB_FAMILY_IPV6 : CB_FAMILY_IPV4;

		s->attempts[family].address = address;
		s->attempts[other(family)].state = CB_ATTEMPT_FAILED;
	}
	(void)cb_stream_connect_step(s, now_ms);
}

/* ---- Connections ---- */

static bool bind_random_port(struct tcp_pcb *pcb, const ip_addr_t *any)
{
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		u16_t port = (u16_t)(PORT_FIRST | (cb_net_random32() & 0x3fff));

		if (tcp_bind(pcb, any, port) == ERR_OK)
			return true;
	}
	return false;
}

static err_t on_connect(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct cb_attempt *a = arg;
	struct cb_stream *s = a->stream;
	enum cb_family family = a == &s->attempts[CB_FAMILY_IPV6] ? CB_FAMILY_IPV6 : CB_FAMILY_IPV4;

	(void)err;
	if (s->attempts[other(family)].was_tried)
		cb_net_state.first_family = family;
	cb_net_state.n_opened[family]++;
	a->pcb = NULL;
	cb_stream_connect_cancel(s);
	cb_stream_opened(s, pcb);
	return ERR_OK;
}

/* The pcb is gone already. */
static void on_refused(void *arg, err_t err)
{
	struct cb_attempt *a = arg;

	(void)err;
	a->pcb = NULL;
	a->state = CB_ATTEMPT_FAILED;
}

static void start(struct cb_attempt *a, uint64_t now_ms)
{
	bool is_ipv6 = IP_IS_V6(&a->address);

	a->state = CB_ATTEMPT_RUNNING;
	a->since_ms = now_ms;
	a->was_tried = true;
	a->pcb = tcp_new_ip_type(is_ipv6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
	if (!a->pcb) {
		a->state = CB_ATTEMPT_FAILED;
		return;
	}
	tcp_nagle_disable(a->pcb);
	tcp_arg(a->pcb, a);
	tcp_err(a->pcb, on_refused);
	if (!bind_random_port(a->pcb, is_ipv6 ? IP6_ADDR_ANY : IP4_ADDR_ANY) ||
	    tcp_connect(a->pcb, &a->address, a->stream->to.port, on_connect) != ERR_OK)
		abort_attempt(a);
}

/* When the address of this family may be tried; UINT64_MAX while there is none. */
static uint64_t due(const struct cb_stream *s, enum cb_family family)
{
	const struct cb_attempt *a = &s->attempts[family], *b = &s->attempts[other(family)];

	if (a->state != CB_ATTEMPT_READY)
		return UINT64_MAX;
	if (b->state == CB_ATTEMPT_RUNNING)
		return b->since_ms + CONTEST_WAIT_MS;
	if (family == cb_net_state.first_family)
		return 0;
	if (b->state == CB_ATTEMPT_READY)
		return UINT64_MAX; /* it goes first, in this very step */
	return b->state == CB_ATTEMPT_LOOKUP ? a->since_ms + LOOKUP_WAIT_MS : 0;
}

/* A literal address is there already, and just waits for the family. */
static void begin(struct cb_stream *s, enum cb_family family, uint64_t now_ms)
{
	struct cb_attempt *a = &s->attempts[family];

	if (a->state != CB_ATTEMPT_NONE || !cb_net_has_family(family))
		return;
	if (ip_addr_isany(&a->address)) {
		look_up(s, family, now_ms);
		return;
	}
	a->state = CB_ATTEMPT_READY;
	a->since_ms = now_ms;
}

bool cb_stream_waits_for_name(const struct cb_stream *s)
{
	const struct cb_attempt *a = s->attempts;
	bool was_tried = a[CB_FAMILY_IPV6].was_tried || a[CB_FAMILY_IPV4].was_tried;

	return !was_tried &&
		(a[CB_FAMILY_IPV6].state == CB_ATTEMPT_LOOKUP ||
		 a[CB_FAMILY_IPV4].state == CB_ATTEMPT_LOOKUP);
}

static void give_up(struct cb_stream *s)
{
	const struct cb_attempt *a = s->attempts;
	bool was_tried = a[CB_FAMILY_IPV6].was_tried || a[CB_FAMILY_IPV4].was_tried;
	bool is_unknown = a[CB_FAMILY_IPV6].is_unknown || a[CB_FAMILY_IPV4].is_unknown;

	cb_stream_fail(s, is_unknown && !was_tried ? CB_NET_DNS : CB_NET_CONNECT);
}

/* What is overdue may have been asked of the wrong server, or sent to the wrong router. */
static void look_for_silence(const struct cb_attempt *a, uint64_t now_ms)
{
	bool is_lookup = a->state == CB_ATTEMPT_LOOKUP;

	if ((!is_lookup && a->state != CB_ATTEMPT_RUNNING) || now_ms - a->since_ms < SILENCE_MS)
		return;
	cb_net_doubt(now_ms);
	if (is_lookup)
		cb_servers_silent(now_ms);
}

uint64_t cb_stream_connect_step(struct cb_stream *s, uint64_t now_ms)
{
	uint64_t young_ms = cb_net_state.started_ms + FAMILY_WAIT_MS, wake_ms = UINT64_MAX;
	bool is_hopeless = true;

	for (unsigned i = 0; i < CB_N_FAMILIES; i++) {
		begin(s, (enum cb_family)i, now_ms);
		look_for_silence(&s->attempts[i], now_ms);
	}
	for (unsigned i = 0; i < CB_N_FAMILIES; i++) {
		enum cb_family family =
			i ? other(cb_net_state.first_family) : cb_net_state.first_family;

		if (due(s, family) <= now_ms)
			start(&s->attempts[family], now_ms);
	}
	for (unsigned i = 0; i < CB_N_FAMILIES; i++) {
		enum cb_attempt_state state = s->attempts[i].state;

		wake_ms = earlier(wake_ms, due(s, (enum cb_family)i));
		if (state == CB_ATTEMPT_NONE && now_ms < young_ms)
			wake_ms = earlier(wake_ms, young_ms);
		if (state == CB_ATTEMPT_NONE ? now_ms < young_ms : state != CB_ATTEMPT_FAILED)
			is_hopeless = false;
	}
	if (is_hopeless)
		give_up(s);
	return wake_ms;
}
