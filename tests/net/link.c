/* SPDX-License-Identifier: MIT */
/* The model of one direction of a line. It neither waits nor reads a clock. */
#include "net/link.h"

#include <stdlib.h>
#include <string.h>

#define N_SLOTS (CB_LINK_MAX_HELD + CB_LINK_BATCH)
#define NS_PER_S 1000000000u

/* What fate has in store for a frame. The same numbers are drawn for each, whatever becomes of it,
 * so that a frame's fate depends on the seed and its number only. */
struct fate {
	bool is_lost, is_doubled, is_held;
};

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint64_t next_random(struct cb_link *l)
{
	uint64_t z = l->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static bool happens(struct cb_link *l, double chance)
{
	return (double)(next_random(l) >> 11) * 0x1p-53 < chance;
}

static struct fate draw(struct cb_link *l)
{
	struct fate fate;

	fate.is_lost = happens(l, l->settings.loss);
	fate.is_doubled = happens(l, l->settings.duplicate);
	fate.is_held = happens(l, l->settings.reorder);
	return fate;
}

bool cb_link_init(struct cb_link *l, uint64_t seed)
{
	*l = (struct cb_link){ .random = seed };
	l->items = calloc(CB_LINK_MAX_HELD, sizeof *l->items);
	l->free = calloc(N_SLOTS, sizeof *l->free);
	l->slots = calloc(N_SLOTS, sizeof *l->slots);
	if (!l->items || !l->free || !l->slots) {
		cb_link_done(l);
		return false;
	}
	while (l->n_free < N_SLOTS) {
		l->free[l->n_free] = l->n_free;
		l->n_free++;
	}
	return true;
}

void cb_link_done(struct cb_link *l)
{
	free(l->items);
	free(l->free);
	free(l->slots);
	*l = (struct cb_link){ 0 };
}

/* The slot used last comes first: it is still in the processor's cache. */
uint32_t cb_link_take(struct cb_link *l)
{
	return l->free[--l->n_free];
}

void cb_link_put_back(struct cb_link *l, uint32_t slot)
{
	l->free[l->n_free++] = slot;
}

static struct cb_link_item *item_at(const struct cb_link *l, uint32_t i)
{
	return &l->items[(l->first + i) % CB_LINK_MAX_HELD];
}

const struct cb_link_item *cb_link_item(const struct cb_link *l, uint32_t i)
{
	return item_at(l, i);
}

static void insert(struct cb_link *l, struct cb_link_item item)
{
	uint32_t at = l->n_held++;

	for (; at > l->n_late && item_at(l, at - 1)->due_ns > item.due_ns; at--)
		*item_at(l, at) = *item_at(l, at - 1);
	*item_at(l, at) = item;
}

static uint64_t time_on_line(const struct cb_link *l, size_t len)
{
	if (l->settings.rate_bit_s == 0)
		return 0;
	return (len + CB_LINK_OVERHEAD) * 8 * NS_PER_S / l->settings.rate_bit_s;
}

/* Bytes that wait for the line, and those that have crossed it and wait for the receiver. */
static uint64_t queued_bytes(struct cb_link *l, uint64_t now_ns)
{
	double waiting = 0;

	(void)cb_link_n_due(l, now_ns);
	if (l->free_ns > now_ns)
		waiting = (double)(l->free_ns - now_ns) * (double)l->settings.rate_bit_s / 8e9;
	return l->late_bytes + (uint64_t)waiting;
}

/* Puts the frame onto the line. Returns when its last bit has left. */
static uint64_t send(struct cb_link *l, size_t len, uint64_t now_ns)
{
	if (l->free_ns < now_ns)
		l->free_ns = now_ns;
	l->free_ns += time_on_line(l, len);
	l->counts.sent_frames++;
	l->counts.sent_bytes += len;
	return l->free_ns;
}

static void drop(struct cb_link *l, uint32_t slot, enum cb_link_drop why)
{
	l->counts.dropped[why]++;
	cb_link_put_back(l, slot);
}

/* May a frame join the queue? */
static bool has_room(struct cb_link *l, size_t len, uint64_t now_ns)
{
	uint64_t queued = queued_bytes(l, now_ns);

	/* an idle line takes a frame without any queue */
	if (queued > 0 && queued + len > l->settings.queue_bytes)
		return false;
	if (queued + len > l->counts.max_queue_bytes)
		l->counts.max_queue_bytes = queued + len;
	return true;
}

static void carry(struct cb_link *l, uint32_t slot, size_t len, uint64_t now_ns)
{
	struct fate fate = draw(l);

	if (l->is_cut) {
		drop(l, slot, CB_LINK_DROP_cut);
		return;
	}
	if (l->n_held + 2 > CB_LINK_MAX_HELD) {
		drop(l, slot, CB_LINK_DROP_full);
		return;
	}
	if (!has_room(l, len, now_ns)) {
		drop(l, slot, CB_LINK_DROP_queue);
		return;
	}
	uint64_t due_ns = send(l, len, now_ns) + l->settings.delay_ns;
	if (fate.is_lost) {
		drop(l, slot, CB_LINK_DROP_loss);
		return;
	}
	if (fate.is_held) {
		due_ns += l->settings.hold_ns;
		l->counts.reordered++;
	}
	insert(l, (struct cb_link_item){ due_ns, slot, (uint32_t)len });
	if (fate.is_doubled) {
		uint32_t copy = cb_link_take(l);
		memcpy(l->slots[copy], l->slots[slot], len);
		due_ns = send(l, len, now_ns) + l->settings.delay_ns;
		insert(l, (struct cb_link_item){ due_ns, copy, (uint32_t)len });
		l->counts.duplicated++;
	}
}

void cb_link_accept(struct cb_link *l, uint32_t slot, size_t len, uint64_t now_ns)
{
	l->counts.in_frames++;
	l->counts.in_bytes += len;
	if (len > CB_LINK_MAX_FRAME)
		drop(l, slot, CB_LINK_DROP_oversize);
	else
		carry(l, slot, len, now_ns);
}

uint64_t cb_link_due(const struct cb_link *l)
{
	return l->n_held > 0 ? item_at(l, 0)->due_ns : CB_LINK_NEVER;
}

uint32_t cb_link_n_due(struct cb_link *l, uint64_t now_ns)
{
	while (l->n_late < l->n_held && item_at(l, l->n_late)->due_ns <= now_ns)
		l->late_bytes += item_at(l, l->n_late++)->len;
	return l->n_late;
}

static struct cb_link_item remove_first(struct cb_link *l)
{
	struct cb_link_item item = *item_at(l, 0);

	l->first = (l->first + 1) % CB_LINK_MAX_HELD;
	l->n_held--;
	if (l->n_late > 0) {
		l->n_late--;
		l->late_bytes -= item.len;
	}
	cb_link_put_back(l, item.slot);
	return item;
}

void cb_link_arrived(struct cb_link *l, uint64_t now_ns)
{
	struct cb_link_item item = remove_first(l);
	uint64_t late_ns = now_ns - item.due_ns;

	l->counts.out_frames++;
	l->counts.out_bytes += item.len;
	l->counts.late_ns += late_ns;
	if (late_ns > l->counts.max_late_ns)
		l->counts.max_late_ns = late_ns;
}

void cb_link_lost(struct cb_link *l, enum cb_link_drop why)
{
	(void)remove_first(l);
	l->counts.dropped[why]++;
}

void cb_link_cut(struct cb_link *l, bool is_cut)
{
	l->is_cut = is_cut;
	while (is_cut && l->n_held > 0)
		cb_link_lost(l, CB_LINK_DROP_cut);
}
