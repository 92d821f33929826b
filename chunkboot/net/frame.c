/* SPDX-License-Identifier: MIT */
/* Frames that come in: which get to lwIP, and their buffers, where it keeps them until they are consumed. */
#include <string.h>

#include "lwip/pbuf.h"
#include "net/ip4filter.h"
#include "net/net_private.h"

#define SLAB_FRAMES 31
#define HEADER_LEN 14u
#define ARP_LEN 28u

/* The IP header of a frame at data lies on a multiple of 16: 62 + 2 + 14. */
struct frame {
	struct pbuf_custom custom; /* first: lwIP hands back a pointer to it */
	struct frame *next;
	struct slab *slab;
	uint8_t pad[2];
	uint8_t data[CB_NET_FRAME_MAX];
};

struct slab {
	struct slab *next;
	struct frame frames[SLAB_FRAMES];
};

static struct {
	struct frame *unused;
	struct slab *slabs;
	unsigned n_frames, n_used;
	bool is_closing; /* the stack has stopped; the last frame back frees the slabs */
} pool;

static struct frame *frame_of(uint8_t *data)
{
	return (struct frame *)(void *)(data - offsetof(struct frame, data));
}

static void free_slabs(void)
{
	while (pool.slabs) {
		struct slab *slab = pool.slabs;

		pool.slabs = slab->next;
		cb_free(&cb_net_state.params.platform->mem, slab);
	}
	pool.unused = NULL;
	pool.n_frames = 0;
	pool.is_closing = false;
}

static void put_back(struct frame *frame)
{
	frame->next = pool.unused;
	pool.unused = frame;
	pool.n_used--;
	if (pool.is_closing && pool.n_used == 0)
		free_slabs();
}

static void pbuf_is_free(struct pbuf *p)
{
	put_back((struct frame *)(void *)p);
}

static bool grow(void)
{
	struct slab *slab;

	if (pool.n_frames + SLAB_FRAMES > CB_NET_MAX_FRAMES)
		return false;
	slab = cb_alloc_zeroed(&cb_net_state.params.platform->mem, sizeof(*slab));
	if (!slab)
		return false;
	slab->next = pool.slabs;
	pool.slabs = slab;
	pool.n_frames += SLAB_FRAMES;
	for (unsigned i = 0; i < SLAB_FRAMES; i++) {
		slab->frames[i].custom.custom_free_function = pbuf_is_free;
		slab->frames[i].next = pool.unused;
		pool.unused = &slab->frames[i];
	}
	return true;
}

uint8_t *cb_net_frame(void)
{
	struct frame *frame;

	if (!cb_net_state.is_started || (!pool.unused && !grow()))
		return NULL;
	frame = pool.unused;
	pool.unused = frame->next;
	pool.n_used++;
	return frame->data;
}

void cb_net_frame_free(uint8_t *data)
{
	if (data)
		put_back(frame_of(data));
}

/* Firmware may have to receive everything for the sake of multicast: for us, for all, for IPv6. */
static bool is_to_us(const uint8_t *data)
{
	static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return memcmp(data, cb_net_state.params.mac, 6) == 0 ||
		(data[0] == 0x33 && data[1] == 0x33) || memcmp(data, broadcast, 6) == 0;
}

/*
 * With a VLAN only frames that have its tag; without, only frames that have none, or one that gives
 * a priority alone (id 0), which IEEE 802.1Q §6.9 takes for untagged. Takes the tag away: returns
 * by how much the frame has become shorter, or len when it is not for us.
 */
static size_t strip_tag(uint8_t *data, size_t len)
{
	bool is_tagged = len >= HEADER_LEN + CB_NET_TAG_LEN && data[12] == 0x81 && data[13] == 0;
	unsigned id = is_tagged ? (data[14] & 0x0fu) << 8 | data[15] : 0;

	if (id != cb_net_state.params.vlan_id)
		return len;
	if (!is_tagged)
		return 0;
	memmove(data + CB_NET_TAG_LEN, data, HEADER_LEN - 2);
	return CB_NET_TAG_LEN;
}

/* lwIP does not look how long it is, and would read what an earlier frame has left behind its end. */
static bool is_cut_arp(const uint8_t *data, size_t len)
{
	return len < HEADER_LEN + ARP_LEN && data[12] == 0x08 && data[13] == 0x06;
}

void cb_net_input(uint8_t *data, size_t len)
{
	struct frame *frame = frame_of(data);
	struct pbuf *p;
	size_t cut;

	if (!cb_net_state.is_started || len <= HEADER_LEN || len > CB_NET_FRAME_MAX ||
	    !is_to_us(data) || (cut = strip_tag(data, len)) == len ||
	    is_cut_arp(data + cut, len - cut)) {
		cb_net_state.n_frames_dropped++;
		put_back(frame);
		return;
	}
	cb_net_state.n_frames_in++;
	p = pbuf_alloced_custom(PBUF_RAW, (u16_t)(len - cut), PBUF_REF, &frame->custom, data + cut,
				(u16_t)(CB_NET_FRAME_MAX - cut));
	if (cb_net_state.netif.input(p, &cb_net_state.netif) != ERR_OK)
		pbuf_free(p);
}

int cb_frame_drop(struct pbuf *p)
{
	cb_net_state.n_frames_dropped++;
	pbuf_free(p);
	return 1;
}

int cb_ip4_hook_input(struct pbuf *p, struct netif *from)
{
	(void)from;
	return cb_ip4_is_wanted((struct cb_bytes){ p->payload, p->len }) ? 0 : cb_frame_drop(p);
}

void cb_frames_done(void)
{
	if (pool.n_used == 0)
		free_slabs();
	else
		pool.is_closing = true;
}
