/* SPDX-License-Identifier: MIT */
/* The loader's entry and its one loop: keys, network, boot machine, screen. */
#include "alloc.h"
#include "cfgsection.h"
#include "clock.h"
#include "console.h"
#include "core/boot.h"
#include "guard.h"
#include "handover.h"
#include "kdf.h"
#include "libsodium.h"
#include "net/net.h"
#include "network.h"
#include "platform.h"
#include "random.h"
#include "room.h"
#include "vars.h"
#include "worker.h"

#define KEY_POLL_MS 15u /* while frames come in; asking for a key costs as much as a frame */
#define QUIET_MS 1000u /* without frames for so long, the loop sleeps between steps */
#define SLEEP_MAX_MS 10u
#define RESTART_PAUSE_MS 2000u /* between two rounds through all interfaces */

struct loader {
	struct cb_screen screen;
	struct cb_platform platform;
	struct cb_network network;
	struct cb_boot *boot;
	EFI_EVENT timer;
	uint64_t next_key_ms, next_start_ms;
	bool was_up; /* what the machine was told last */
};

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
	__attribute__((no_stack_protector));

static void say(void *ctx, const char *text)
{
	cb_screen_line(ctx, text);
}

static void reset(EFI_RESET_TYPE type)
{
	cb_random_wipe();
	cb_uefi.rt->ResetSystem(type, EFI_SUCCESS, 0, NULL);
	for (;;)
		cb_uefi.bs->Stall(1000000);
}

/* Waits until a key is pressed or wake_ms has come, at most SLEEP_MAX_MS. */
static void nap(struct loader *l, uint64_t wake_ms)
{
	EFI_EVENT events[2] = { l->timer, cb_console_key_event() };
	uint64_t now_ms = cb_clock_ms(), left_ms;
	UINTN which;

	if (wake_ms <= now_ms)
		return;
	left_ms = wake_ms - now_ms < SLEEP_MAX_MS ? wake_ms - now_ms : SLEEP_MAX_MS;
	if (EFI_ERROR(cb_uefi.bs->SetTimer(l->timer, TimerRelative, left_ms * 10000)))
		return;
	cb_uefi.bs->WaitForEvent(2, events, &which);
}

/* ---- The network, on the machine's behalf ---- */

static void tell(struct loader *l, enum cb_err err)
{
	l->was_up = err == CB_OK;
	cb_boot_network(l->boot, err);
}

/* The machine tries once more, and does not trust what it was told. */
static void renew(struct loader *l)
{
	l->was_up = false;
	cb_network_renew(&l->network);
}

static void serve_network(struct loader *l)
{
	struct cb_network *net = &l->network;
	struct cb_net_info info;

	cb_network_step(net);
	switch (net->phase) {
	case CB_NETWORK_OFF:
		if (cb_boot_wants_network(l->boot) && cb_clock_ms() >= l->next_start_ms)
			cb_network_start(net);
		break;
	case CB_NETWORK_FAILED:
		l->next_start_ms = cb_clock_ms() + RESTART_PAUSE_MS;
		net->phase = CB_NETWORK_OFF;
		tell(l, net->err);
		break;
	case CB_NETWORK_UP:
		cb_net_info(&info);
		if (info.has_link && info.has_address) {
			cb_boot_near_mirror(l->boot, cb_net_near());
			if (!l->was_up)
				tell(l, CB_OK);
			else if (cb_boot_wants_network(l->boot))
				renew(l);
		} else if (l->was_up) {
			tell(l, info.has_link ? CB_NET_NO_LEASE : CB_NET_NO_LINK);
		} else if (info.has_link && cb_boot_wants_network(l->boot)) {
			renew(l); /* somebody else has the address now, or the lease has ended */
		}
		break;
	default:
		break;
	}
}

/* ---- Starting the kernel ---- */

/*
 * Memory is given back only where the kernel may need it: some firmware overwrites what is freed, at
 * less than 200 MB/s under emulation.
 */
static void clean_up(struct loader *l)
{
	const struct cb_boot_result *result = cb_boot_result(l->boot);

	if (!cb_room_is_ample(result->initrd_len + result->handover.len)) {
		cb_boot_free_kernel(l->boot);
		cb_alloc_trim();
	}
	cb_console_drain();
	cb_alloc_wipe_free();
}

static void start_kernel(struct loader *l)
{
	const struct cb_boot_result *result = cb_boot_result(l->boot);
	struct cb_start start = { 0 };
	struct cb_fmt text = { 0 };
	enum cb_err err;

	cb_fmt_str(&text, "Starting ");
	cb_fmt_str(&text, result->image);
	cb_fmt_str(&text, " ...");
	cb_screen_line(&l->screen, cb_fmt_done(&text));
	err = cb_start_prepare(l->boot, &start);
	if (!err) {
		cb_boot_close_network(l->boot);
		cb_network_stop(&l->network, /*for_good=*/result->kind == CB_KIND_LINUX);
		l->was_up = false;
		cb_workers_stop();
		clean_up(l);
		cb_vars_set_exec_time(cb_clock_us());
		err = cb_start_run(&start);
	}
	cb_start_done(&start);
	cb_boot_start_failed(l->boot, err);
}

static void firmware_setup(struct loader *l)
{
	if (cb_vars_request_firmware_setup() != CB_OK)
		cb_screen_line(&l->screen,
			       "This firmware has no such request; press its setup key "
			       "while it starts.");
	reset(EfiResetCold);
}

/* ---- The loop ---- */

static bool is_quiet(const struct loader *l, uint64_t now_ms)
{
	return l->network.phase != CB_NETWORK_ADDRESS &&
		now_ms - l->network.last_frame_ms > QUIET_MS;
}

static void poll_keys(struct loader *l)
{
	uint64_t now_ms = cb_clock_ms();
	unsigned key;

	if (now_ms < l->next_key_ms && !is_quiet(l, now_ms))
		return;
	l->next_key_ms = now_ms + KEY_POLL_MS;
	while ((key = cb_console_key()) != CB_KEY_NONE) {
		/* Terminals send Delete for the Backspace key; at the end it can mean nothing else. */
		if (key == CB_KEY_DELETE && l->screen.is_prompting && l->screen.is_cursor_at_end)
			key = CB_KEY_BACKSPACE;
		cb_boot_key(l->boot, key);
	}
}

/* Returns when the person chose the next boot option. */
static void run(struct loader *l)
{
	for (;;) {
		uint64_t wake_ms = UINT64_MAX;

		poll_keys(l);
		serve_network(l);
		cb_workers_step();
		switch (cb_boot_step(l->boot, &wake_ms)) {
		case CB_BOOT_RUNNING:
			break;
		case CB_BOOT_IDLE:
			if (is_quiet(l, cb_clock_ms()))
				nap(l, wake_ms);
			break;
		case CB_BOOT_READY:
			start_kernel(l);
			break;
		case CB_BOOT_REBOOT:
			reset(EfiResetCold);
			break;
		case CB_BOOT_FIRMWARE_SETUP:
			firmware_setup(l);
			break;
		case CB_BOOT_NEXT_OPTION:
			return;
		}
		cb_net_flush();
	}
}

/* Without a configuration there is no machine: the error screen with what is left to do. */
static void run_without_machine(struct loader *l, enum cb_err err)
{
	cb_screen_error(&l->screen, err, "");
	for (;;) {
		unsigned key = cb_console_key();

		if (key == 'b' || key == 'B' || key == 'r' || key == 'R')
			reset(EfiResetCold);
		if (key == 'f' || key == 'F')
			firmware_setup(l);
		nap(l, UINT64_MAX);
	}
}

static void show_title(struct loader *l)
{
	cb_screen_line(&l->screen, "chunkboot " CB_LOADER_VERSION_TEXT);
	cb_screen_line(&l->screen, "");
}

static void prepare(struct loader *l)
{
	uint64_t init_us;

	cb_uefi.bs->SetWatchdogTimer(0, 0, 0, NULL);
	cb_clock_init();
	init_us = cb_clock_us();
	cb_random_init();
	cb_sodium_init();
	cb_console_init();
	cb_screen_init(&l->screen, cb_console_write, NULL, cb_console_columns());
	l->screen.offers_firmware_setup = cb_vars_can_firmware_setup();
	cb_vars_set_loader_info(init_us);
}

static void load(struct loader *l)
{
	struct cb_boot_params params = {
		.platform = &l->platform,
		.kdf = cb_efi_kdf,
		.kdf_arena_len = cb_efi_kdf_arena_len,
		.arch = CB_ARCH_X86_64,
	};
	const struct cb_config *config;
	enum cb_err err;

	show_title(l);
	cb_uefi_connect_drivers();
	cb_platform_init(&l->platform, &l->screen);
	params.config_section =
		cb_cfgsection_find(cb_uefi.loaded->ImageBase, (size_t)cb_uefi.loaded->ImageSize);
	err = cb_boot_new(&params, &l->boot);
	if (err)
		run_without_machine(l, err);
	config = cb_boot_config(l->boot);
	l->screen.offers_next_option = config->allow_next_option;
	l->network = (struct cb_network){
		.platform = &l->platform,
		.ipv4 = config->has_ipv4 ? &config->ipv4 : NULL,
		.ipv6 = config->has_ipv6 ? &config->ipv6 : NULL,
		.vlan_id = config->vlan_id,
		.say = say,
		.say_ctx = &l->screen,
	};
	run(l);
	cb_network_stop(&l->network, /*for_good=*/false);
	cb_boot_free(l->boot);
	cb_workers_stop();
	cb_alloc_trim();
	cb_alloc_wipe_free();
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	static struct loader l;

	if (!cb_uefi_init(image, st))
		return EFI_UNSUPPORTED;
	if (EFI_ERROR(cb_uefi.bs->CreateEvent(EVT_TIMER, 0, NULL, NULL, &l.timer)))
		return EFI_OUT_OF_RESOURCES;
	prepare(&l);
	cb_guard_init();
	load(&l);
	/* An error makes the firmware's boot manager go on with the next option. */
	return EFI_NOT_FOUND;
}
