/* SPDX-License-Identifier: MIT */
/* TCP/IP over an Ethernet-like link: frames in, frames out, the core's byte streams up. */
#ifndef CB_NET_NET_H
#define CB_NET_NET_H

#include "core/config.h"
#include "core/platform.h"

/*
 * There is one stack in a process (lwIP keeps its state in globals), driven from one thread:
 *   cb_net_start; then again and again { cb_net_frame + cb_net_input for each received frame;
 *   cb_net_poll }; cb_net_stop.
 */

#define CB_NET_FRAME_MAX 1536 /* bytes of a frame's buffer; Ethernet header, no CRC */
#define CB_NET_MAX_FRAMES 8192 /* receive buffers at once: what all windows hold, and more */

struct cb_net_params {
	const struct cb_platform *platform; /* clock, randomness, memory; outlives the stack */
	uint8_t mac[6];
	uint16_t mtu; /* bytes of an IP packet, at most 1500 */
	const struct cb_config_ipv4 *ipv4; /* static address; NULL: DHCP */
	/* Static address, and router advertisements are ignored; NULL: SLAAC and DHCPv6. */
	const struct cb_config_ipv6 *ipv6;
	uint16_t vlan_id; /* 802.1Q id of all frames, 1..4094; 0: untagged ones */
	/* Sends one frame; false when the link takes none now: the frame is lost. */
	bool (*transmit)(void *link, const uint8_t *frame, size_t len);
	void *link;
};

struct cb_net_info {
	bool is_started, has_link;
	bool has_address; /* of either family; a link-local one does not count */
	bool has_ipv4, has_ipv6;
	uint8_t address[4], gateway[4], dns[4]; /* zeros: none */
	uint8_t prefix_len;
	uint8_t address6[16], gateway6[16], dns6[16]; /* zeros: none */
	uint8_t prefix_len6;
	unsigned n_streams; /* open, or being opened */
	uint64_t n_frames_in, n_frames_out, n_frames_dropped;
};

/* NO_MEMORY; ENTROPY when the platform has no randomness: predictable ports are no ports. */
enum cb_err cb_net_start(const struct cb_net_params *params);
/* Resets all connections; streams that are still open are FAILED then, and still to be closed. */
void cb_net_stop(void);
/* The cable came or went: the address is asked for again. */
void cb_net_set_link(bool has_link);
void cb_net_info(struct cb_net_info *ret);
/*
 * The base URL of a mirror nearby, as the newest DHCPv4 acknowledgement has it in option
 * CB_NET_DHCP_NEAR, unchecked; "" when there is none. Valid until the next frame.
 */
#define CB_NET_DHCP_NEAR 224 /* the first of those for private use, RFC 3942 §2.1 */
#define CB_NET_NEAR_MAX 255 /* what one option holds */
const char *cb_net_near(void);

/*
 * A buffer of CB_NET_FRAME_MAX bytes to receive into; NULL when there are no more: drop the frame.
 * It stays the driver's until cb_net_input, and may be used for the next frame when none came.
 */
uint8_t *cb_net_frame(void);
/* Hands over a frame of len bytes in a buffer from cb_net_frame. */
void cb_net_input(uint8_t *data, size_t len);
/* Gives an unused buffer back. */
void cb_net_frame_free(uint8_t *data);

/* Sends what is queued: acknowledgements of the frames since the last call, and new data. */
void cb_net_flush(void);
/* Timers, then cb_net_flush. *ret_wake_ms (absolute) gets the time of the next timer. */
void cb_net_poll(uint64_t *ret_wake_ms);

/* The core's interface to it. Streams without TLS only; is_tls fails with NET_CONNECT. */
void cb_net_streams(struct cb_net *ret);

#endif
