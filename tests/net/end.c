/* SPDX-License-Identifier: MIT */
/* Frames from and to TAP interfaces and Unix datagram sockets, in batches where the kernel has them. */
#include "net/end.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 << 20)

/* ---- Opening ---- */

/* Without offloads: the kernel cuts and sums up what it sends, so that each frame is a real one. */
static bool make_tap(struct cb_end *e, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	e->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (e->fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	return ioctl(e->fd, TUNSETIFF, &request) == 0;
}

static bool make_tap_in(struct cb_end *e, const char *name, const char *namespace)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(namespace, O_RDONLY | O_CLOEXEC);
	bool is_made = here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0 &&
		make_tap(e, name) && setns(here, CLONE_NEWNET) == 0;
	int error = errno;

	if (here >= 0)
		close(here);
	if (there >= 0)
		close(there);
	errno = error;
	return is_made;
}

static bool open_tap(struct cb_end *e, const char *spec)
{
	char name[IFNAMSIZ];
	size_t len = strcspn(spec, "@");

	if (len == 0 || len >= sizeof name) {
		errno = EINVAL;
		return false;
	}
	snprintf(name, sizeof name, "%.*s", (int)len, spec);
	e->is_tap = true;
	return spec[len] == '\0' ? make_tap(e, name) : make_tap_in(e, name, spec + len + 1);
}

static bool open_socket(struct cb_end *e, const char *spec)
{
	struct sockaddr_un ours = { .sun_family = AF_UNIX };
	size_t len = strcspn(spec, ":");
	int size = SOCKET_BUFFER;

	if (spec[len] == '\0' || len >= sizeof ours.sun_path ||
	    strlen(spec + len + 1) >= sizeof e->peer.sun_path) {
		errno = EINVAL;
		return false;
	}
	memcpy(ours.sun_path, spec, len);
	e->peer.sun_family = AF_UNIX;
	snprintf(e->peer.sun_path, sizeof e->peer.sun_path, "%s", spec + len + 1);
	e->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (e->fd < 0)
		return false;
	/* as large as the system allows: what is refused is just tried again later */
	(void)setsockopt(e->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return bind(e->fd, (struct sockaddr *)&ours, sizeof ours) == 0;
}

bool cb_end_open(struct cb_end *e, const char *spec, const char **ret_what)
{
	*e = (struct cb_end){ .fd = -1 };
	*ret_what = spec;
	if (strncmp(spec, "tap:", 4) == 0)
		return open_tap(e, spec + 4);
	if (strncmp(spec, "unix:", 5) == 0)
		return open_socket(e, spec + 5);
	errno = EINVAL;
	return false;
}

void cb_end_close(struct cb_end *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

bool cb_end_recover(struct cb_end *e)
{
	int error;
	socklen_t len = sizeof error;

	return !e->is_tap && getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0;
}

/* ---- Frames in ---- */

static bool receive_tap(struct cb_end *e, struct cb_link *l, uint64_t now_ns)
{
	for (unsigned i = 0; i < CB_LINK_BATCH; i++) {
		uint32_t slot = cb_link_take(l);
		ssize_t len = read(e->fd, l->slots[slot], CB_LINK_FRAME_LEN);
		if (len <= 0) {
			cb_link_put_back(l, slot);
			return false;
		}
		cb_link_accept(l, slot, (size_t)len, now_ns);
	}
	return true;
}

static bool receive_socket(struct cb_end *e, struct cb_link *l, uint64_t now_ns)
{
	struct mmsghdr messages[CB_LINK_BATCH] = { 0 };
	struct iovec parts[CB_LINK_BATCH];
	uint32_t slots[CB_LINK_BATCH];

	for (unsigned i = 0; i < CB_LINK_BATCH; i++) {
		slots[i] = cb_link_take(l);
		parts[i] = (struct iovec){ l->slots[slots[i]], CB_LINK_FRAME_LEN };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	int n = recvmmsg(e->fd, messages, CB_LINK_BATCH, 0, NULL);
	unsigned n_received = n > 0 ? (unsigned)n : 0;
	for (unsigned i = 0; i < n_received; i++)
		cb_link_accept(l, slots[i], messages[i].msg_len, now_ns);
	for (unsigned i = CB_LINK_BATCH; i > n_received; i--)
		cb_link_put_back(l, slots[i - 1]);
	return n_received == CB_LINK_BATCH;
}

bool cb_end_receive(struct cb_end *e, struct cb_link *l, uint64_t now_ns)
{
	return e->is_tap ? receive_tap(e, l, now_ns) : receive_socket(e, l, now_ns);
}

/* ---- Frames out ---- */

/* The first due frame could not be written. True: it was dropped, and the next may be tried. */
static bool refused(struct cb_end *e, struct cb_link *l)
{
	if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
		e->is_blocked = true;
		return false;
	}
	/* the peer ended; another one may have come since */
	e->is_connected = false;
	cb_link_lost(l, CB_LINK_DROP_absent);
	return true;
}

static bool deliver_tap(struct cb_end *e, struct cb_link *l, uint32_t n_due, uint64_t now_ns)
{
	for (uint32_t i = 0; i < n_due; i++) {
		const struct cb_link_item *item = cb_link_item(l, 0);
		if (write(e->fd, l->slots[item->slot], item->len) == (ssize_t)item->len)
			cb_link_arrived(l, now_ns);
		else if (!refused(e, l))
			return false;
	}
	return true;
}

static bool deliver_socket(struct cb_end *e, struct cb_link *l, uint32_t n_due, uint64_t now_ns)
{
	struct mmsghdr messages[CB_LINK_BATCH] = { 0 };
	struct iovec parts[CB_LINK_BATCH];

	if (!e->is_connected) {
		e->is_connected = connect(e->fd, (struct sockaddr *)&e->peer, sizeof e->peer) == 0;
		if (!e->is_connected)
			return refused(e, l);
	}
	for (uint32_t i = 0; i < n_due; i++) {
		const struct cb_link_item *item = cb_link_item(l, i);
		parts[i] = (struct iovec){ l->slots[item->slot], item->len };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	int n = sendmmsg(e->fd, messages, n_due, 0);
	if (n < 0)
		return refused(e, l);
	for (int i = 0; i < n; i++)
		cb_link_arrived(l, now_ns);
	/* had it all been taken there might be room for more; else the next try says why not */
	return true;
}

bool cb_end_deliver(struct cb_end *e, struct cb_link *l, uint64_t now_ns)
{
	uint32_t n_due = cb_link_n_due(l, now_ns);

	if (n_due == 0 || e->is_blocked)
		return false;
	if (n_due > CB_LINK_BATCH)
		n_due = CB_LINK_BATCH;
	return e->is_tap ? deliver_tap(e, l, n_due, now_ns) : deliver_socket(e, l, n_due, now_ns);
}
