/* SPDX-License-Identifier: MIT */
/* The line between machine and servers: delay, rate, queue, and everything that goes wrong on it. */
#include "sim_link.h"

#include <stdlib.h>
#include <string.h>

#include "sim_frames.h"

#define MILLION 1000000u

/* The line's own numbers: what the machine draws does not shift them. */
uint64_t sim_line_random(struct sim_frames *net)
{
	uint64_t x = net->random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	net->random_state = x;
	return (x * 0x2545f4914f6cdd1dull) >> 8;
}

static bool happens(struct sim_frames *net, uint32_t ppm)
{
	return ppm > 0 && sim_line_random(net) % MILLION < ppm;
}

bool sim_line_works(const struct sim_frames *net, uint64_t at_us)
{
	const struct sim_link *l = &net->link;
	uint64_t period_us = 1000ull * (l->flap_up_ms + l->flap_down_ms);

	if (net->sim->is_cut)
		return false;
	if (l->flap_down_ms == 0)
		return true;
	return (at_us - net->line_since_us) % period_us < 1000ull * l->flap_up_ms;
}

/* ---- Frames under way: a heap by time, then number ---- */

static bool is_before(const struct sim_flight *a, const struct sim_flight *b)
{
	return a->at_us < b->at_us || (a->at_us == b->at_us && a->number < b->number);
}

static void swap(struct sim_flight *a, struct sim_flight *b)
{
	struct sim_flight t = *a;

	*a = *b;
	*b = t;
}

static void push(struct sim_frames *net, struct sim_flight flight)
{
	size_t i = net->n_heap++;

	if (i == net->max_heap) {
		net->max_heap = net->max_heap * 2 + 64;
		net->heap = sim_grow(net->heap, net->max_heap * sizeof(*net->heap));
	}
	net->heap[i] = flight;
	for (; i > 0 && is_before(&net->heap[i], &net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&net->heap[i], &net->heap[(i - 1) / 2]);
}

uint64_t sim_line_next(const struct sim_frames *net)
{
	return net->n_heap > 0 ? net->heap[0].at_us : UINT64_MAX;
}

struct sim_flight sim_line_take(struct sim_frames *net)
{
	struct sim_flight first = net->heap[0];

	net->heap[0] = net->heap[--net->n_heap];
	for (size_t i = 0;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < net->n_heap && is_before(&net->heap[child], &net->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&net->heap[i], &net->heap[least]);
		i = least;
	}
}

/* ---- Faults ---- */

static void flip(struct sim_frames *net, uint8_t *frame, size_t from, size_t to)
{
	frame[from + sim_line_random(net) % (to - from)] ^=
		(uint8_t)(1u << sim_line_random(net) % 8);
}

static void corrupt(struct sim_frames *net, uint8_t *frame, size_t len)
{
	struct sim_packet packet;

	/* ARP and the header of IPv6 have no checksum of their own; there the Ethernet one stands for it. */
	if (packet_get16(frame + 12) != 0x0800 || len <= PACKET4_AT)
		return;
	/* Flips that make up for each other are not for this kind of fault. */
	do {
		for (uint64_t n = 1 + sim_line_random(net) % 3; n > 0; n--)
			flip(net, frame, SIM_ETHERNET_LEN, len);
	} while (sim_parse(frame, len, &packet));
	net->stats.n_corrupted++;
}

static void damage(struct sim_frames *net, uint8_t *frame, size_t len)
{
	struct sim_packet packet;
	size_t head;

	if (!sim_parse(frame, len, &packet) || packet.protocol != PACKET_TCP || packet.len < 20)
		return;
	head = (size_t)(packet.l4[12] >> 4) * 4;
	if (head >= packet.len)
		return;
	flip(net, frame, (size_t)(packet.l4 - frame) + head,
	     (size_t)(packet.l4 - frame) + packet.len);
	sim_mend_tcp(frame, len);
	net->stats.n_damaged++;
}

static void launch(struct sim_frames *net, enum sim_direction direction, const uint8_t *frame,
		   size_t len, uint64_t at_us)
{
	const struct sim_path *path = direction == SIM_UP ? &net->link.up : &net->link.down;
	struct sim_flight flight = { at_us, net->n_sent++, direction, len, NULL };

	flight.bytes = sim_grow(NULL, len);
	memcpy(flight.bytes, frame, len);
	if (happens(net, path->corrupt_ppm))
		corrupt(net, flight.bytes, len);
	if (happens(net, path->damage_ppm))
		damage(net, flight.bytes, len);
	push(net, flight);
}

/* When the frame has left through the queue; false: the queue is full. */
static bool queue(struct sim_frames *net, enum sim_direction direction, size_t len,
		  uint64_t *ret_left_us)
{
	const struct sim_path *path = direction == SIM_UP ? &net->link.up : &net->link.down;
	uint64_t *busy_us = &net->busy_us[direction];

	*ret_left_us = net->now_us;
	if (path->rate_bytes_ms == 0)
		return true;
	if (*busy_us < net->now_us)
		*busy_us = net->now_us;
	uint64_t waiting = (*busy_us - net->now_us) * path->rate_bytes_ms / 1000;
	if (path->queue_bytes > 0 && waiting + len > path->queue_bytes)
		return false;
	*busy_us += len * 1000 / path->rate_bytes_ms;
	*ret_left_us = *busy_us;
	return true;
}

void sim_line_send(struct sim_frames *net, enum sim_direction direction, const uint8_t *frame,
		   size_t len)
{
	const struct sim_path *path = direction == SIM_UP ? &net->link.up : &net->link.down;
	uint64_t at_us;

	net->stats.n_frames++;
	net->stats.n_bytes += len;
	if (!sim_line_works(net, net->now_us)) {
		net->stats.n_down++;
		return;
	}
	if (happens(net, path->loss_ppm)) {
		net->stats.n_lost++;
		return;
	}
	if (!queue(net, direction, len, &at_us)) {
		net->stats.n_overflowed++;
		return;
	}
	at_us += path->delay_us;
	if (path->reorder_us > 0 && happens(net, path->reorder_ppm)) {
		at_us += 1 + sim_line_random(net) % path->reorder_us;
		net->stats.n_reordered++;
	}
	launch(net, direction, frame, len, at_us);
	if (happens(net, path->duplicate_ppm)) {
		net->stats.n_duplicated++;
		launch(net, direction, frame, len, at_us + sim_line_random(net) % 2000);
	}
}

void sim_line_inject(struct sim_frames *net, const uint8_t *frame, size_t len, uint64_t delay_us)
{
	struct sim_flight flight = { net->now_us + net->link.down.delay_us + delay_us,
				     net->n_sent++, SIM_DOWN, len, NULL };

	flight.bytes = sim_grow(NULL, len > 0 ? len : 1);
	memcpy(flight.bytes, frame, len);
	push(net, flight);
}
