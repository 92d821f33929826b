/* SPDX-License-Identifier: MIT */
/* Inside the Linux client: what fetching an image and filling a cache share. */
#ifndef CB_HOST_CLIENT_PRIVATE_H
#define CB_HOST_CLIENT_PRIVATE_H

#include "core/imagefetch.h"
#include "core/refresh.h"
#include "core/tls.h"
#include "host/client.h"
#include "host/client_json.h"
#include "host/linux_platform.h"

struct cb_client {
	struct cb_client_params params;
	struct cb_linux *linux_platform;
	struct cb_tls tls;
	struct cb_platform platform; /* its streams with TLS */
	struct cb_tuf *tuf;
	struct cb_fetch *fetch;
	struct cb_refresh *refresh;
	struct cb_imagefetch *image;
	struct cb_client_times times;
};

/* One step of the engine; then until the network or a timer has something, unless it was busy. */
void cb_client_wait(struct cb_client *c, uint64_t wake_ms);
/* NAME (its newest version), or NAME@VERSION. META_NO_IMAGE. */
enum cb_err cb_client_find(const struct cb_client *c, const char *image, struct cb_tuf_target *ret);

#endif
