/* SPDX-License-Identifier: MIT */
/* One direction of a line: a queue, a rate, a delay, and what happens to frames on the way. */
#ifndef CB_NET_LINK_H
#define CB_NET_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CB_LINK_FRAME_LEN 2048 /* room of a slot */
#define CB_LINK_MAX_FRAME 1518 /* with one VLAN tag; longer ones are dropped and counted */
#define CB_LINK_MAX_HELD 32768 /* frames held at once */
#define CB_LINK_BATCH 64 /* slots that may be taken at once */
/* Preamble, check sequence and gap: on the line, not in the frame (IEEE 802.3 §3.1.1, §4.4.2). */
#define CB_LINK_OVERHEAD 24
#define CB_LINK_NEVER UINT64_MAX

struct cb_link_settings {
	uint64_t rate_bit_s; /* 0: no limit */
	uint64_t delay_ns;
	uint64_t
		queue_bytes; /* in front of the rate, with what the receiver does not take; 0: none */
	double loss, duplicate, reorder; /* chance of a frame, 0 to 1 */
	uint64_t hold_ns; /* how much later a reordered frame comes */
};

/* Why a frame was dropped: it found the queue full, was lost on the line, the line is cut, too many
 * frames are held, nobody is at the other end, it is too long. */
#define CB_LINK_DROPS(X) X(queue) X(loss) X(cut) X(full) X(absent) X(oversize)
#define CB_LINK_DROP_ENUM(name) CB_LINK_DROP_##name,
enum cb_link_drop { CB_LINK_DROPS(CB_LINK_DROP_ENUM) CB_LINK_N_DROPS };

struct cb_link_counts {
	uint64_t in_frames, in_bytes; /* offered */
	uint64_t sent_frames, sent_bytes; /* went onto the line, lost ones and copies too */
	uint64_t out_frames, out_bytes; /* arrived */
	uint64_t dropped[CB_LINK_N_DROPS];
	uint64_t duplicated, reordered;
	uint64_t max_queue_bytes;
	uint64_t late_ns, max_late_ns; /* sum and maximum of delivery after the due time */
};

struct cb_link_item {
	uint64_t due_ns;
	uint32_t slot;
	uint32_t len;
};

struct cb_link {
	struct cb_link_settings settings;
	struct cb_link_counts counts;
	bool is_cut;
	uint64_t random; /* state of the generator */
	uint64_t free_ns; /* the line is busy until then */
	uint64_t late_bytes; /* due but not taken, of the first n_late items */
	uint32_t first, n_held, n_late; /* of the ring of items, in the order of their due times */
	uint32_t n_free;
	struct cb_link_item *items;
	uint32_t *free;
	uint8_t (*slots)[CB_LINK_FRAME_LEN];
};

/* All times are CLOCK_MONOTONIC in nanoseconds. False: no memory. */
bool cb_link_init(struct cb_link *l, uint64_t seed);
void cb_link_done(struct cb_link *l);

/* A slot to receive a frame into, at most CB_LINK_BATCH at once; each is accepted or put back. */
uint32_t cb_link_take(struct cb_link *l);
void cb_link_put_back(struct cb_link *l, uint32_t slot);
/* The frame of len bytes in slot has come to this end of the line. */
void cb_link_accept(struct cb_link *l, uint32_t slot, size_t len, uint64_t now_ns);

/* When the first frame is due; CB_LINK_NEVER: none is held. */
uint64_t cb_link_due(const struct cb_link *l);
/* How many frames are due, and the i-th of them. Calls of cb_link_accept between the two are fine. */
uint32_t cb_link_n_due(struct cb_link *l, uint64_t now_ns);
const struct cb_link_item *cb_link_item(const struct cb_link *l, uint32_t i);
/* The first due frame has arrived, or could not, for the reason given. */
void cb_link_arrived(struct cb_link *l, uint64_t now_ns);
void cb_link_lost(struct cb_link *l, enum cb_link_drop why);

/* Cut: what is on the way is lost, and so is what comes. */
void cb_link_cut(struct cb_link *l, bool is_cut);

#endif
