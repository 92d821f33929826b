/* SPDX-License-Identifier: MIT */
/* Prefetch: while the person types, the realm's default image comes in; nothing of it runs yet. */
#include <string.h>

#include "core/boot_internal.h"

void cb_boot_prefetch_start(struct cb_boot *b)
{
	const struct cb_tuf_info *info = cb_tuf_info(b->tuf);
	struct cb_tuf_target target;

	if (b->config.no_prefetch || b->was_prefetched || info->default_image[0] == '\0')
		return;
	b->was_prefetched = true;
	if (cb_tuf_newest(b->tuf, cb_bytes_of(info->default_image), cb_boot_arch_name(b),
			  &target) != CB_OK)
		return;
	/* What the key derivation will need is taken already (cb_boot_arena_reserve). */
	if (cb_imagefetch_new(b->platform, b->fetch, &target, &b->prefetch) != CB_OK)
		b->prefetch = NULL;
}

/* A failure is not worth a word here: if the image is chosen, its fetch will tell. */
void cb_boot_prefetch_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	enum cb_err err = CB_OK;

	if (b->prefetch && cb_imagefetch_step(b->prefetch, ret_wake_ms, &err) == CB_JOB_FAILED)
		cb_boot_prefetch_stop(b);
}

void cb_boot_prefetch_stop(struct cb_boot *b)
{
	cb_imagefetch_free(b->prefetch);
	b->prefetch = NULL;
}

struct cb_imagefetch *cb_boot_prefetch_take(struct cb_boot *b, const struct cb_tuf_target *target)
{
	struct cb_imagefetch *image = b->prefetch;
	const struct cb_tuf_target *had;

	if (!image)
		return NULL;
	had = cb_imagefetch_target(image);
	if (strcmp(had->path, target->path) != 0 ||
	    memcmp(had->sha256, target->sha256, sizeof(had->sha256)) != 0) {
		cb_boot_prefetch_stop(b);
		return NULL;
	}
	b->prefetch = NULL;
	return image;
}
