/* SPDX-License-Identifier: MIT */
/* What the files of net/ share. */
#ifndef CB_NET_PRIVATE_H
#define CB_NET_PRIVATE_H

#include "lwip/netif.h"
#include "net/net.h"

struct cb_net_state {
	struct cb_net_params params;
	struct netif netif;
	bool is_started;
	struct cb_stream *streams;
	unsigned n_streams;
	uint32_t last_stream_id;
	uint64_t n_frames_in, n_frames_out, n_frames_dropped;
	uint8_t tx[CB_NET_FRAME_MAX]; /* a frame put together from several pbufs */
};

extern struct cb_net_state cb_net_state;

/* frame.c: the pool of receive buffers. */
void cb_frames_done(void);

/* stream.c */
void cb_streams_fail_all(void);
void cb_streams_flush(void);

#endif
