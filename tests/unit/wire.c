/* SPDX-License-Identifier: MIT */
/* A wire that a test of the network stack holds in its hands. */
#include "wire.h"

#include <string.h>

struct wire wire;
const struct cb_config_ipv4 wire_ipv4 = {
	.address = { 192, 0, 2, 10 },
	.gateway = { 192, 0, 2, 1 },
	.prefix_len = 24,
	.n_dns = 1,
	.dns = { { 192, 0, 2, 1 } },
};

static uint64_t now_ms(void *ctx)
{
	(void)ctx;
	return wire.now_ms;
}

static enum cb_err random_bytes(void *ctx, uint8_t *buf, size_t len)
{
	(void)ctx;
	if (!wire.has_random)
		return CB_ENTROPY;
	if (wire.counts && len == 4)
		cb_put_le32(buf, ++wire.count);
	else
		testport_fill(&wire.rng, buf, len);
	return CB_OK;
}

static bool transmit(void *link, const uint8_t *frame, size_t len)
{
	(void)link;
	assert_true(len >= 14 && len <= CB_NET_FRAME_MAX);
	if (wire.n_sent == WIRE_N_SENT)
		return false;
	memcpy(wire.sent[wire.n_sent], frame, len);
	wire.sent_len[wire.n_sent++] = len;
	return true;
}

int wire_setup(void **state)
{
	(void)state;
	memset(&wire, 0, sizeof(wire));
	wire.has_random = true;
	wire.now_ms = 1000;
	wire.platform.mem = testport_mem(&wire.memory);
	wire.platform.now_ms = now_ms;
	wire.platform.random = random_bytes;
	cb_net_streams(&wire.net);
	return 0;
}

int wire_teardown(void **state)
{
	(void)state;
	cb_net_stop();
	testport_assert_no_leak(&wire.memory);
	return 0;
}

enum cb_err wire_start(struct cb_net_params params)
{
	params.platform = &wire.platform;
	params.mtu = 1500;
	params.transmit = transmit;
	memcpy(params.mac, packet_our_mac, sizeof(packet_our_mac));
	return cb_net_start(&params);
}

void wire_poll(uint64_t pass_ms)
{
	uint64_t wake_ms;

	wire.now_ms += pass_ms;
	cb_net_poll(&wake_ms);
}

void wire_pass(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 50)
		wire_poll(50);
}

bool wire_give(const uint8_t *bytes, size_t len)
{
	uint8_t *frame = cb_net_frame();

	if (!frame)
		return false;
	memcpy(frame, bytes, len < CB_NET_FRAME_MAX ? len : CB_NET_FRAME_MAX);
	cb_net_input(frame, len);
	return true;
}
