/* SPDX-License-Identifier: MIT */
/* How the simulated servers send: window, loss recovery with SACK, timers, about as Linux does. */
#include <string.h>

#include "sim_frames.h"

#define FIN 0x01u
#define SYN 0x02u
#define PSH 0x08u
#define ACK 0x10u
#define RTO_MIN_US 200000u /* above the round trip */
#define RTO_MAX_US 60000000u
#define PROBE_MIN_US 10000u
#define MAX_TIMEOUTS 12u
#define MAX_SYN_TIMEOUTS 5u
#define SAME_ACKS 3u

void sim_tcp_write(struct sim_tcp *t, const void *data, size_t len)
{
	if (t->n_out + len > t->max_out) {
		t->max_out = (t->n_out + len) * 2;
		t->out = sim_grow(t->out, t->max_out);
	}
	memcpy(t->out + t->n_out, data, len);
	t->n_out += len;
}

/* ---- What has arrived ---- */

static void measure(struct sim_tcp *t, uint64_t rtt_us)
{
	if (t->min_rtt_us == 0 || rtt_us < t->min_rtt_us)
		t->min_rtt_us = rtt_us > 0 ? rtt_us : 1;
	if (t->srtt_us == 0) {
		t->srtt_us = rtt_us > 0 ? rtt_us : 1;
		t->rttvar_us = rtt_us / 2;
	} else {
		uint64_t off = rtt_us > t->srtt_us ? rtt_us - t->srtt_us : t->srtt_us - rtt_us;
		t->rttvar_us = (3 * t->rttvar_us + off) / 4;
		t->srtt_us = (7 * t->srtt_us + rtt_us) / 8;
	}
	uint64_t spread = 4 * t->rttvar_us;
	t->rto_us = t->srtt_us + (spread > RTO_MIN_US ? spread : RTO_MIN_US);
}

/* A segment has arrived: what that says about time (RFC 8985 §6.2). */
static void arrived(struct sim_tcp *t, const struct sim_segment *s)
{
	uint64_t rtt_us = t->net->now_us - s->sent_us;

	if (!s->is_resent)
		measure(t, rtt_us);
	else if (rtt_us < t->min_rtt_us)
		return; /* it was the first copy that arrived */
	if (s->sent_us > t->newest_us)
		t->newest_us = s->sent_us;
}

/* Removes what ack covers; returns how many bytes had not been reported by SACK before. */
static uint32_t take_acked(struct sim_tcp *t, uint32_t ack)
{
	uint32_t n_new = 0, gone = ack - t->snd_una;
	size_t n = 0;

	for (; n < t->n_segments; n++) {
		struct sim_segment *s = &t->segments[n];
		if ((int32_t)(ack - s->seq) <= 0)
			break;
		uint32_t covered = ack - s->seq;
		if (covered < s->len) { /* a part */
			s->seq = ack;
			s->len -= covered;
			break;
		}
		if (!s->is_sacked) {
			arrived(t, s);
			n_new += s->len;
		}
	}
	if (n > 0)
		memmove(t->segments, t->segments + n, (t->n_segments - n) * sizeof(*t->segments));
	t->n_segments -= n;
	t->snd_una = ack;
	/* The FIN is no byte of out. */
	if (gone > t->n_out)
		gone = (uint32_t)t->n_out;
	if (gone > 0)
		memmove(t->out, t->out + gone, t->n_out - gone);
	t->n_out -= gone;
	return n_new;
}

static uint32_t take_sacks(struct sim_tcp *t, const uint32_t (*sacks)[2], unsigned n_sacks)
{
	uint32_t n_new = 0;

	for (size_t i = 0; i < t->n_segments; i++) {
		struct sim_segment *s = &t->segments[i];
		for (unsigned k = 0; k < n_sacks && !s->is_sacked; k++) {
			if ((int32_t)(s->seq - sacks[k][0]) < 0 ||
			    (int32_t)(sacks[k][1] - (s->seq + s->len)) < 0)
				continue;
			s->is_sacked = true;
			s->is_lost = false;
			arrived(t, s);
			n_new += s->len;
		}
	}
	return n_new;
}

/* ---- What is lost ---- */

static void reduce(struct sim_tcp *t)
{
	if (t->is_recovering || (int32_t)(t->snd_una - t->recover) < 0)
		return;
	t->is_recovering = true;
	t->recover = t->snd_nxt;
	t->ssthresh = t->cwnd / 10 * 7;
	if (t->ssthresh < 2 * t->mss)
		t->ssthresh = 2 * t->mss;
	t->cwnd = t->ssthresh;
}

static void mark_lost(struct sim_tcp *t)
{
	/* Time that frames may overtake each other by; none while mending. */
	uint64_t slack_us = t->is_recovering ? 0 : t->min_rtt_us / 4;
	uint32_t n_above = 0;
	bool is_any = false;

	for (size_t i = t->n_segments; i-- > 0;) {
		struct sim_segment *s = &t->segments[i];
		if (s->is_sacked) {
			n_above += s->len;
			continue;
		}
		bool is_passed = n_above >= SAME_ACKS * t->mss && !s->is_resent;
		bool is_late =
			s->sent_us + slack_us < t->newest_us && (n_above > 0 || s->is_resent);
		if (!s->is_lost && (is_passed || is_late))
			is_any = s->is_lost = true;
	}
	/* Without SACK: three equal acknowledgements, then each partial one (RFC 6582). */
	if (!t->has_sack && t->n_segments > 0 && !t->segments[0].is_lost &&
	    (t->n_same_acks == SAME_ACKS || (t->is_recovering && t->n_same_acks == 0)))
		is_any = t->segments[0].is_lost = true;
	if (is_any)
		reduce(t);
}

static uint32_t in_flight(const struct sim_tcp *t)
{
	uint32_t n = 0;

	for (size_t i = 0; i < t->n_segments; i++)
		if (!t->segments[i].is_sacked && !t->segments[i].is_lost)
			n += t->segments[i].len;
	return n;
}

static void grow(struct sim_tcp *t, uint32_t n_new)
{
	if (t->is_recovering)
		return;
	if (t->cwnd < t->ssthresh) {
		t->cwnd += n_new;
		return;
	}
	/* As steep as suits a decrease to 0.7 (RFC 9438 §4.3). */
	t->grown += n_new / 100 * 53;
	if (t->grown < t->cwnd)
		return;
	t->grown -= t->cwnd;
	t->cwnd += t->mss;
}

void sim_tcp_acked(struct sim_tcp *t, uint32_t ack, const uint32_t (*sacks)[2], unsigned n_sacks)
{
	uint32_t before = t->snd_una, n_flying = in_flight(t);
	bool was_limited = n_flying + t->mss > t->cwnd;

	if ((int32_t)(ack - t->snd_nxt) > 0 || (int32_t)(ack - before) < 0)
		return;
	bool is_same = ack == before && t->n_segments > 0;
	uint32_t n_new = take_acked(t, ack) + take_sacks(t, sacks, n_sacks);
	t->n_same_acks = is_same ? t->n_same_acks + 1 : 0;
	if (!is_same) {
		t->n_timeouts = 0;
		t->has_probed = false;
		t->since_us = t->net->now_us;
	}
	if (t->is_recovering && (int32_t)(ack - t->recover) >= 0)
		t->is_recovering = false;
	mark_lost(t);
	if (was_limited)
		grow(t, n_new);
	sim_tcp_send(t);
}

/* ---- Sending ---- */

static void transmit(struct sim_tcp *t, struct sim_segment *s)
{
	size_t at = s->seq - t->snd_una;
	size_t n = s->len - s->is_fin;

	s->sent_us = t->net->now_us;
	sim_tcp_emit(t, ACK | (n > 0 ? PSH : 0) | (s->is_fin ? FIN : 0), s->seq,
		     n > 0 ? t->out + at : NULL, n);
}

static void resend(struct sim_tcp *t, struct sim_segment *s)
{
	s->is_lost = false;
	s->is_resent = true;
	t->net->stats.n_retransmitted++;
	transmit(t, s);
}

static void send_new(struct sim_tcp *t, uint32_t len, bool is_fin)
{
	if (t->n_segments == t->max_segments) {
		t->max_segments = t->max_segments * 2 + 64;
		t->segments = sim_grow(t->segments, t->max_segments * sizeof(*t->segments));
	}
	if (t->n_segments == 0)
		t->since_us = t->net->now_us;
	struct sim_segment *s = &t->segments[t->n_segments++];
	*s = (struct sim_segment){ .seq = t->snd_nxt, .len = len, .is_fin = is_fin };
	t->snd_nxt += len;
	t->has_fin |= is_fin;
	transmit(t, s);
}

static uint32_t n_unsent(const struct sim_tcp *t)
{
	return t->has_fin ? 0 : (uint32_t)t->n_out - (t->snd_nxt - t->snd_una);
}

void sim_tcp_send(struct sim_tcp *t)
{
	uint32_t n_flying = in_flight(t), n;

	for (size_t i = 0; i < t->n_segments; i++) {
		struct sim_segment *s = &t->segments[i];
		if (!s->is_lost)
			continue;
		if (n_flying > 0 && n_flying + s->len > t->cwnd)
			break;
		resend(t, s);
		n_flying += s->len;
	}
	while ((n = n_unsent(t)) > 0) {
		uint32_t used = t->snd_nxt - t->snd_una;
		uint32_t room = t->window > used ? t->window - used : 0;
		uint32_t len = n < t->mss ? n : t->mss;
		if (len > room) {
			/* No small segments into a window that is about to open (RFC 9293 §3.8.6.2). */
			if (room == 0 || n_flying > 0)
				break;
			len = room;
		}
		if (n_flying > 0 && n_flying + len > t->cwnd)
			break;
		send_new(t, len, /*is_fin=*/false);
		n_flying += len;
	}
	if (t->is_ended && !t->has_fin && n_unsent(t) == 0)
		send_new(t, 1, /*is_fin=*/true);
	sim_tcp_arm(t);
}

/* ---- Timers ---- */

static uint64_t backed_off(const struct sim_tcp *t)
{
	uint64_t wait_us = t->rto_us << (t->n_timeouts < 10 ? t->n_timeouts : 10);

	return wait_us < RTO_MAX_US ? wait_us : RTO_MAX_US;
}

/* Tail loss: a probe before the timeout (RFC 8985 §7). */
static bool wants_probe(const struct sim_tcp *t)
{
	return t->srtt_us > 0 && !t->has_probed && !t->is_recovering && t->n_timeouts == 0;
}

void sim_tcp_arm(struct sim_tcp *t)
{
	if (t->n_segments == 0) {
		/* A closed window is probed. */
		if (n_unsent(t) == 0)
			t->timer_us = UINT64_MAX;
		else if (t->timer_us == UINT64_MAX)
			t->timer_us = t->net->now_us + backed_off(t);
		return;
	}
	t->timer_us = t->since_us + backed_off(t);
	if (wants_probe(t)) {
		uint64_t wait_us = 2 * t->srtt_us > PROBE_MIN_US ? 2 * t->srtt_us : PROBE_MIN_US;
		uint64_t at_us = t->segments[t->n_segments - 1].sent_us + wait_us;
		if (at_us < t->timer_us)
			t->timer_us = at_us;
	}
}

static void answer_again(struct sim_tcp *t)
{
	if (++t->n_timeouts > MAX_SYN_TIMEOUTS) {
		t->state = SIM_TCP_DEAD;
		return;
	}
	sim_tcp_emit(t, SYN | ACK, t->iss, NULL, 0);
	t->timer_us = t->net->now_us + backed_off(t);
}

static void time_out(struct sim_tcp *t)
{
	t->net->stats.n_timeouts++;
	if (t->n_timeouts++ == 0) {
		t->ssthresh = in_flight(t) / 10 * 7;
		if (t->ssthresh < 2 * t->mss)
			t->ssthresh = 2 * t->mss;
	}
	for (size_t i = 0; i < t->n_segments; i++)
		t->segments[i].is_lost = !t->segments[i].is_sacked;
	t->cwnd = t->mss;
	t->is_recovering = false;
	t->recover = t->snd_nxt;
	t->since_us = t->net->now_us;
}

void sim_tcp_timer(struct sim_tcp *t)
{
	bool is_timeout = t->net->now_us >= t->since_us + backed_off(t);

	if (t->state == SIM_TCP_ANSWERED) {
		answer_again(t);
		return;
	}
	if (t->n_timeouts > MAX_TIMEOUTS) {
		t->state = SIM_TCP_DEAD;
		return;
	}
	if (t->n_segments == 0) {
		t->timer_us = UINT64_MAX;
		send_new(t, 1, /*is_fin=*/false);
		t->n_timeouts++;
		sim_tcp_arm(t);
		return;
	}
	if (!is_timeout && wants_probe(t)) {
		t->has_probed = true;
		t->net->stats.n_probes++;
		resend(t, &t->segments[t->n_segments - 1]);
		t->since_us = t->net->now_us;
		sim_tcp_arm(t);
		return;
	}
	time_out(t);
	sim_tcp_send(t);
}
