/* SPDX-License-Identifier: MIT */
/* Brings the network up without blocking: interface after interface until one has an address. */
#include "network.h"

#include "clock.h"
#include "format.h"
#include "net/net.h"

/*
 * With one interface there is nothing else to wait for. With several, each gets a moment, twice as
 * long in each round: a switch may need half a minute until it lets the first frame through.
 */
#define LINK_WAIT_MS 8000u
#define LINK_WAIT_OTHERS_MS 2000u
#define ADDRESS_WAIT_MS 20000u
#define ADDRESS_WAIT_OTHERS_MS 5000u
#define LINK_CHECK_MS 500u

static void say(const struct cb_network *net, struct cb_fmt *text)
{
	net->say(net->say_ctx, cb_fmt_done(text));
}

static void say_adapter(const struct cb_network *net, struct cb_fmt *text)
{
	cb_fmt_str(text, ", adapter ");
	cb_fmt_mac(text, cb_nic_mac(net->nic));
	if (cb_nic_is_shared(net->nic))
		cb_fmt_str(text, " (shared, slow)");
	if (net->vlan_id) {
		cb_fmt_str(text, ", VLAN ");
		cb_fmt_uint(text, net->vlan_id);
	}
	say(net, text);
}

static void say_ipv4(const struct cb_network *net, const struct cb_net_info *info)
{
	struct cb_fmt text = { 0 };

	cb_fmt_str(&text, "Network: ");
	cb_fmt_ipv4(&text, info->address);
	cb_fmt_str(&text, "/");
	cb_fmt_uint(&text, info->prefix_len);
	cb_fmt_str(&text, ", gateway ");
	cb_fmt_ipv4(&text, info->gateway);
	say_adapter(net, &text);
}

static void say_ipv6(const struct cb_network *net, const struct cb_net_info *info)
{
	struct cb_fmt text = { 0 };

	cb_fmt_str(&text, "Network: ");
	cb_fmt_ipv6(&text, info->address6);
	cb_fmt_str(&text, "/");
	cb_fmt_uint(&text, info->prefix_len6);
	cb_fmt_str(&text, ", gateway ");
	cb_fmt_ipv6(&text, info->gateway6);
	say_adapter(net, &text);
}

/* A line for each family, when it has come; the second one may follow later. */
static void tell_addresses(struct cb_network *net, const struct cb_net_info *info)
{
	if (info->has_ipv4 && !net->has_told_ipv4)
		say_ipv4(net, info);
	if (info->has_ipv6 && !net->has_told_ipv6)
		say_ipv6(net, info);
	net->has_told_ipv4 |= info->has_ipv4;
	net->has_told_ipv6 |= info->has_ipv6;
}

static uint64_t deadline(const struct cb_network *net, unsigned alone_ms, unsigned others_ms)
{
	unsigned ms = alone_ms;

	if (net->n_candidates > 1) {
		ms = others_ms << (net->n_rounds < 3 ? net->n_rounds : 3);
		ms = ms < alone_ms ? ms : alone_ms;
	}
	return cb_clock_ms() + ms;
}

static void drop_nic(struct cb_network *net, bool for_good)
{
	cb_net_stop();
	if (for_good)
		cb_nic_close_for_good(net->nic);
	else
		cb_nic_close(net->nic);
	net->nic = NULL;
}

/* Of several failures the one that came furthest is told: they are numbered in that order. */
static void note(struct cb_network *net, enum cb_err err)
{
	if (err > net->err)
		net->err = err;
}

/* Opens candidates from net->at on until one can be waited for. */
static void try_candidates(struct cb_network *net)
{
	for (; net->at < net->n_candidates; net->at++) {
		enum cb_err err = cb_nic_open(&net->candidates[net->at], &net->nic);

		if (err) {
			note(net, err);
			continue;
		}
		net->phase = CB_NETWORK_LINK;
		net->deadline_ms = deadline(net, LINK_WAIT_MS, LINK_WAIT_OTHERS_MS);
		net->next_link_check_ms = 0;
		return;
	}
	net->phase = CB_NETWORK_FAILED;
	net->n_rounds++;
}

/* Where there are several, the person learns why one of them was left. */
static void say_left(const struct cb_network *net, enum cb_err err)
{
	struct cb_fmt text = { 0 };

	if (net->n_candidates < 2)
		return;
	cb_fmt_str(&text, "Adapter ");
	cb_fmt_mac(&text, cb_nic_mac(net->nic));
	cb_fmt_str(&text, ": ");
	cb_fmt_str(&text, cb_err_info(err)->message);
	cb_fmt_str(&text,
		   net->at + 1 < net->n_candidates ? "; trying the next one" : "; starting over");
	say(net, &text);
}

static void try_next(struct cb_network *net, enum cb_err err)
{
	say_left(net, err);
	drop_nic(net, /*for_good=*/false);
	note(net, err);
	net->at++;
	try_candidates(net);
}

void cb_network_start(struct cb_network *net)
{
	if (net->nic)
		drop_nic(net, /*for_good=*/false);
	net->err = CB_NET_NO_DEVICE;
	net->at = 0;
	/* The first time that is done already; later there may be something new. */
	if (net->n_rounds > 0 || net->is_driver_off)
		cb_uefi_connect_drivers();
	net->is_driver_off = false;
	net->n_candidates = cb_nic_list(net->candidates);
	try_candidates(net);
}

static void start_stack(struct cb_network *net)
{
	struct cb_net_params params = {
		.platform = net->platform,
		.mtu = cb_nic_mtu(net->nic),
		.ipv4 = net->ipv4,
		.ipv6 = net->ipv6,
		.vlan_id = net->vlan_id,
		.transmit = cb_nic_transmit,
		.link = net->nic,
	};
	enum cb_err err;

	for (unsigned i = 0; i < sizeof(params.mac); i++)
		params.mac[i] = cb_nic_mac(net->nic)[i];
	err = cb_net_start(&params);
	if (err) {
		try_next(net, err);
		return;
	}
	net->phase = CB_NETWORK_ADDRESS;
	net->has_told_ipv4 = net->has_told_ipv6 = false;
	net->deadline_ms = deadline(net, ADDRESS_WAIT_MS, ADDRESS_WAIT_OTHERS_MS);
}

void cb_network_renew(struct cb_network *net)
{
	cb_net_stop();
	start_stack(net);
}

static void check_link(struct cb_network *net, uint64_t now_ms)
{
	bool has_link;

	if (now_ms < net->next_link_check_ms)
		return;
	net->next_link_check_ms = now_ms + LINK_CHECK_MS;
	has_link = cb_nic_has_link(net->nic);
	if (net->phase != CB_NETWORK_LINK)
		cb_net_set_link(has_link);
	else if (has_link)
		start_stack(net);
}

static void check_address(struct cb_network *net)
{
	struct cb_net_info info;

	cb_net_info(&info);
	tell_addresses(net, &info);
	if (net->phase == CB_NETWORK_UP || !info.has_address)
		return;
	net->phase = CB_NETWORK_UP;
	net->err = CB_OK;
	net->n_rounds = 0;
}

bool cb_network_step(struct cb_network *net)
{
	uint64_t now_ms = cb_clock_ms(), wake_ms;
	unsigned n = 0;

	if (!net->nic)
		return false;
	check_link(net, now_ms);
	if (net->phase == CB_NETWORK_ADDRESS || net->phase == CB_NETWORK_UP) {
		n = cb_nic_poll(net->nic);
		cb_net_poll(&wake_ms);
		if (!net->has_told_ipv4 || !net->has_told_ipv6)
			check_address(net);
	}
	if (n)
		net->last_frame_ms = now_ms;
	if (now_ms < net->deadline_ms)
		return n > 0;
	if (net->phase == CB_NETWORK_LINK)
		try_next(net, CB_NET_NO_LINK);
	else if (net->phase == CB_NETWORK_ADDRESS)
		try_next(net, CB_NET_NO_LEASE);
	return n > 0;
}

void cb_network_stop(struct cb_network *net, bool for_good)
{
	if (net->nic)
		drop_nic(net, for_good);
	net->is_driver_off |= for_good;
	net->phase = CB_NETWORK_OFF;
}
