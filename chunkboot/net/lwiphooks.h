/* SPDX-License-Identifier: MIT */
/* What we change in lwIP, included by its sources: batched ACKs and random sequence numbers. */
#ifndef CB_NET_LWIPHOOKS_H
#define CB_NET_LWIPHOOKS_H

/* Segments in order are acknowledged together, by cb_net_flush after each batch of frames. */
#undef tcp_ack
#define tcp_ack(pcb) tcp_set_flags(pcb, TF_ACK_DELAY)

/* Any value from a strong generator does: source ports are random too (RFC 6528 §3). */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) cb_net_random32()

#endif
