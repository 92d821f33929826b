/* SPDX-License-Identifier: MIT */
/* A wire that a test of the network stack holds in its hands, with a platform of its own. */
#ifndef TESTS_UNIT_WIRE_H
#define TESTS_UNIT_WIRE_H

#include "net/net.h"
#include "packet.h"
#include "testport.h"

#define WIRE_N_SENT 64

struct wire {
	struct testport memory;
	struct testport_rng rng;
	struct cb_platform platform;
	struct cb_net net;
	uint64_t now_ms;
	bool has_random;
	bool counts; /* random numbers are 1, 2, 3 ... of 32 bits, to see where they go */
	uint32_t count;
	uint8_t sent[WIRE_N_SENT][CB_NET_FRAME_MAX];
	size_t sent_len[WIRE_N_SENT];
	unsigned n_sent; /* a test sets it to 0 to forget them */
};

extern struct wire wire;
/* 192.0.2.10/24; 192.0.2.1 is router and DNS server. */
extern const struct cb_config_ipv4 wire_ipv4;

int wire_setup(void **state);
/* Stops the stack; all memory must have come back. */
int wire_teardown(void **state);
/* Fills in platform, mac, mtu and transmit, and starts. */
enum cb_err wire_start(struct cb_net_params params);
/* Lets time pass, then polls the stack. */
void wire_poll(uint64_t pass_ms);
/* Polls it every 50 ms, for so long. */
void wire_pass(unsigned ms);
/* Hands a frame to the stack; false when it has no buffer. */
bool wire_give(const uint8_t *bytes, size_t len);

#endif
