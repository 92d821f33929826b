/* SPDX-License-Identifier: MIT */
/* An end of the line: a TAP interface, or QEMU's "-netdev dgram" on Unix sockets. */
#ifndef CB_NET_END_H
#define CB_NET_END_H

#include <sys/un.h>

#include "net/link.h"

struct cb_end {
	int fd; /* non-blocking */
	bool is_tap;
	bool is_connected; /* of a socket: the peer was there when last looked */
	bool is_blocked; /* the peer takes no more for now: wait until fd is writable */
	struct sockaddr_un peer;
};

/*
 * Opens what spec says:
 *   tap:NAME          a TAP interface of this name, made in this network namespace
 *   tap:NAME@FILE     the same in the network namespace that FILE is (/proc/PID/ns/net)
 *   unix:OURS:THEIRS  a datagram socket bound to OURS, a frame a datagram; the peer's is THEIRS and may
 *                     come, go, and come again
 * The interface goes away with the end. False: errno and *ret_what say why.
 */
bool cb_end_open(struct cb_end *e, const char *spec, const char **ret_what);
void cb_end_close(struct cb_end *e);

/* Takes away the error that poll has reported. False: it will stay. */
bool cb_end_recover(struct cb_end *e);

/* Reads frames into the link, at most CB_LINK_BATCH. True when there may be more. */
bool cb_end_receive(struct cb_end *e, struct cb_link *l, uint64_t now_ns);
/* Writes the link's due frames. True when there may be more. */
bool cb_end_deliver(struct cb_end *e, struct cb_link *l, uint64_t now_ns);

#endif
