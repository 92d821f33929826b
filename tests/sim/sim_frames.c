/* SPDX-License-Identifier: MIT */
/* The machine's end of the simulated line: chunkboot/net, brought up and driven in virtual time. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"
#include "sim_hostile.h"

#define ADDRESS_WAIT_MS 20000u /* as efi/network.c */
#define LINK_CHECK_MS 500u
#define MAX_ROUNDS 100000u

static bool transmit(void *link, const uint8_t *frame, size_t len)
{
	struct sim_frames *net = link;

	sim_line_send(net, SIM_UP, frame, len);
	return true;
}

void sim_use_frames(struct sim *sim, const struct sim_link *link)
{
	struct sim_frames *net = sim_grow(NULL, sizeof(*net));

	memset(net, 0, sizeof(*net));
	net->sim = sim;
	net->link = *link;
	net->random_state = sim_random(sim) | 1;
	net->now_us = net->line_since_us = sim->now_ms * 1000;
	net->streams = sim->platform.net;
	cb_net_streams(&sim->platform.net);
	sim->frames = net;
}

void sim_set_link(struct sim *sim, const struct sim_link *link)
{
	sim->frames->link = *link;
	sim->frames->line_since_us = sim->now_ms * 1000;
}

bool sim_has_frames(const struct sim *sim)
{
	return sim->frames != NULL;
}

void sim_take_down(struct sim *sim)
{
	cb_net_stop();
	sim->frames->is_started = sim->frames->is_up = false;
}

static enum cb_err start(struct sim_frames *net)
{
	uint16_t mtu = net->link.mtu && !net->link.is_mtu_hidden ? net->link.mtu : 1500;
	struct cb_net_params params = {
		.platform = &net->sim->platform,
		.mtu = mtu,
		.transmit = transmit,
		.link = net,
	};

	memcpy(params.mac, packet_our_mac, sizeof(params.mac));
	if (net->is_started)
		sim_take_down(net->sim);
	enum cb_err err = cb_net_start(&params);
	net->is_started = err == CB_OK;
	net->give_up_ms = net->sim->now_ms + ADDRESS_WAIT_MS;
	return err;
}

bool sim_bring_up(struct sim *sim, enum cb_err *ret_err)
{
	struct sim_frames *net = sim->frames;
	enum cb_err err = CB_OK;
	struct cb_net_info info;

	if (!net->is_started || net->is_up) {
		net->is_up = false;
		err = start(net);
	}
	cb_net_info(&info);
	if (err == CB_OK && !info.has_address) {
		if (sim->now_ms < net->give_up_ms)
			return false;
		sim_take_down(sim);
		err = CB_NET_NO_LEASE;
	}
	net->is_up = err == CB_OK;
	*ret_err = err;
	return true;
}

const char *sim_near(const struct sim *sim)
{
	return sim->frames ? cb_net_near() : "";
}

bool sim_has_lost_address(const struct sim *sim)
{
	struct cb_net_info info;

	if (!sim->frames || !sim->frames->is_up)
		return false;
	cb_net_info(&info);
	return !info.has_address;
}

/* The cable, looked at twice a second. */
static void check_link(struct sim_frames *net)
{
	if (!net->link.is_carrier || net->sim->now_ms < net->check_link_ms)
		return;
	net->check_link_ms = net->sim->now_ms + LINK_CHECK_MS;
	cb_net_set_link(sim_line_works(net, net->sim->now_ms * 1000));
}

static void to_machine(const struct sim_flight *flight)
{
	uint8_t *frame = cb_net_frame();

	if (!frame)
		return;
	memcpy(frame, flight->bytes,
	       flight->len < CB_NET_FRAME_MAX ? flight->len : CB_NET_FRAME_MAX);
	cb_net_input(frame, flight->len);
}

/* True when the machine got it. */
static bool arrive(struct sim_frames *net)
{
	struct sim_flight flight = sim_line_take(net);

	if (flight.direction == SIM_UP) {
		sim_hostile_see(net, flight.bytes, flight.len);
		sim_lan_input(net, flight.bytes, flight.len);
	} else {
		to_machine(&flight);
	}
	free(flight.bytes);
	return flight.direction == SIM_DOWN;
}

/* The earliest of what comes by itself: servers' timers, what a hostile machine is up to. */
static uint64_t next_by_itself(const struct sim_frames *net)
{
	uint64_t timer_us = sim_tcp_next(net), hostile_us = sim_hostile_next(net);

	return timer_us < hostile_us ? timer_us : hostile_us;
}

/* Frames and the servers' timers up to now, in order. True when the machine got frames. */
static bool run_line(struct sim_frames *net)
{
	uint64_t limit_us = net->sim->now_ms * 1000;
	bool has_input = false;

	for (;;) {
		uint64_t line_us = sim_line_next(net), other_us = next_by_itself(net);
		uint64_t at_us = line_us < other_us ? line_us : other_us;
		if (at_us > limit_us)
			break;
		if (at_us > net->now_us)
			net->now_us = at_us;
		if (line_us <= other_us)
			has_input |= arrive(net);
		sim_hostile_turn(net);
		sim_tcp_turn(net);
	}
	net->now_us = limit_us;
	sim_tcp_turn(net);
	return has_input;
}

bool sim_frames_turn(struct sim *sim)
{
	struct sim_frames *net = sim->frames;
	uint64_t wake_ms;
	bool has_input = false;

	for (unsigned i = 0; i < MAX_ROUNDS; i++) {
		if (net->is_started)
			check_link(net);
		cb_net_poll(&wake_ms);
		if (!run_line(net))
			return has_input;
		has_input = true;
	}
	abort(); /* frames without end in no time */
}

static uint64_t up_to_ms(uint64_t us)
{
	return us == UINT64_MAX ? us : us / 1000 + (us % 1000 != 0);
}

uint64_t sim_frames_next(const struct sim *sim)
{
	const struct sim_frames *net = sim->frames;
	uint64_t next, at;

	cb_net_poll(&next);
	if ((at = up_to_ms(sim_line_next(net))) < next)
		next = at;
	if ((at = up_to_ms(next_by_itself(net))) < next)
		next = at;
	if (net->is_started && !net->is_up && net->give_up_ms < next)
		next = net->give_up_ms;
	if (net->is_started && net->link.is_carrier && net->check_link_ms < next)
		next = net->check_link_ms;
	return next;
}

unsigned sim_frames_open_streams(void)
{
	struct cb_net_info info;

	cb_net_info(&info);
	return info.n_streams;
}

void sim_frames_free(struct sim *sim)
{
	struct sim_frames *net = sim->frames;

	if (!net)
		return;
	sim_take_down(sim);
	sim_tcp_free_all(net);
	for (size_t i = 0; i < net->n_heap; i++)
		free(net->heap[i].bytes);
	free(net->heap);
	free(net->hostile);
	free(net);
	sim->frames = NULL;
}

void sim_link_stats(const struct sim *sim, struct sim_link_stats *ret)
{
	*ret = sim->frames->stats;
}
