/* SPDX-License-Identifier: MIT */
/* Boot stage of the hand-over: boot record, hand-over initrd, secrets wiped, result filled in. */
#include "core/boot_internal.h"
#include "core/handover.h"

static enum cb_err build_archive(struct cb_boot *b)
{
	const struct cb_mem *mem = &b->platform->mem;
	struct cb_handover h = {
		.credentials = b->record.credentials,
		.n_credentials = b->record.n_credentials,
	};
	enum cb_err err = b->platform->random(b->platform->ctx, h.salt, sizeof(h.salt));
	char *json;
	size_t len;

	if (err != CB_OK)
		return err;
	json = cb_alloc(mem, CB_BOOT_RECORD_JSON_MAX);
	if (!json)
		return CB_NO_MEMORY;
	err = CB_INTERNAL;
	if (cb_boot_json(b, json, CB_BOOT_RECORD_JSON_MAX, &len)) {
		h.boot_json = (struct cb_bytes){ (const uint8_t *)json, len };
		err = cb_handover_build(mem, &h, &b->handover, &b->handover_len);
	}
	cb_free(mem, json);
	cb_wipe(h.salt, sizeof(h.salt));
	return err;
}

void cb_boot_handover_step(struct cb_boot *b, uint64_t *ret_wake_ms)
{
	const struct cb_manifest *m = cb_imagefetch_manifest(b->image);
	bool has_secrets = b->record.n_credentials > 0 || b->record.has_private_data;
	enum cb_err err = CB_OK;

	(void)ret_wake_ms;
	/* Only Linux is given an initrd through LoadFile2, so only it can be given secrets. */
	if (m->kind == CB_KIND_LINUX)
		err = build_archive(b);
	else if (has_secrets)
		err = CB_IMAGE_ARCH;
	if (err != CB_OK) {
		cb_boot_fail(b, err, b->image_name);
		return;
	}
	b->result = (struct cb_boot_result){
		.kind = m->kind,
		.kernel = cb_imagefetch_segment(b->image, 0),
		.initrd_len = cb_imagefetch_initrd_len(b->image),
		.handover = { b->handover, b->handover_len },
		.cmdline = b->cmdline,
		.image = b->image_name,
		.config = &b->config,
	};
	b->serve_err = CB_OK;
	cb_boot_state_save(b);
	cb_boot_sign_out(b);
	cb_boot_enter(b, CB_STAGE_READY);
}
