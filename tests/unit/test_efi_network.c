/* SPDX-License-Identifier: MIT */
/* Which of the firmware's adapters brings the network up (efi/network.c, nic.c, snp.c), and what becomes of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters.h"
#include "core/err.h"
#include "core/platform.h"
#include "net/net.h"

/* NOLINTBEGIN(bugprone-suspicious-include): the files under test, above what stands for their headers */
#include "../../efi/format.c"
#include "../../efi/network.c"
#include "../../efi/nic.c"
#include "../../efi/snp.c"
/* NOLINTEND(bugprone-suspicious-include) */

uint64_t cb_clock_ms(void)
{
	return firmware.now_ms;
}

/* ---- Managed Network: the way when another program holds an adapter ---- */

static void shared_close(struct cb_nic *nic)
{
	(void)adapters_close(nic->handle, NULL, NULL, NULL);
}

static bool shared_has_link(struct cb_nic *nic)
{
	return !((struct adapter *)nic->handle)->has_no_cable;
}

static size_t shared_receive(struct cb_nic *nic, uint8_t *frame)
{
	(void)nic;
	(void)frame;
	return 0;
}

enum cb_err cb_mnp_open(struct cb_nic *nic)
{
	static const struct cb_nic_ops ops = {
		.close = shared_close,
		.has_link = shared_has_link,
		.receive = shared_receive,
	};
	struct adapter *a = nic->handle;

	if (!a->is_managed || a->is_absent)
		return CB_NET_NO_DEVICE;
	a->is_open = true;
	a->n_opened++;
	memcpy(nic->mac, a->mode.CurrentAddress.Addr, sizeof(nic->mac));
	nic->ops = &ops;
	nic->mtu = 1500;
	return CB_OK;
}

/* ---- The stack: an address half a second after it has started, where there is a lease ---- */

#define LEASE_MS 500u

static struct {
	struct adapter *on; /* NULL: stopped */
	uint64_t start_ms;
	unsigned n_starts, n_frames, n_buffers;
	bool has_no_buffers, has_link, does_not_start;
} stack;

enum cb_err cb_net_start(const struct cb_net_params *params)
{
	assert_null(stack.on);
	if (stack.does_not_start)
		return CB_ENTROPY;
	for (unsigned i = 0; i < firmware.n; i++)
		if (firmware.at[i].is_open)
			stack.on = &firmware.at[i];
	assert_non_null(stack.on);
	assert_memory_equal(params->mac, stack.on->mode.CurrentAddress.Addr, 6);
	assert_int_equal(params->mtu, 1500);
	stack.start_ms = firmware.now_ms;
	stack.n_starts++;
	return CB_OK;
}

void cb_net_stop(void)
{
	stack.on = NULL;
}

void cb_net_set_link(bool has_link)
{
	assert_non_null(stack.on);
	stack.has_link = has_link;
}

void cb_net_info(struct cb_net_info *ret)
{
	struct adapter *a = stack.on;

	*ret = (struct cb_net_info){ .address = { 192, 0, 2, 10 }, .gateway = { 192, 0, 2, 1 } };
	ret->prefix_len = 24;
	ret->has_ipv4 = a && !a->has_no_lease && !a->has_no_cable && !a->is_absent &&
		firmware.now_ms - stack.start_ms >= LEASE_MS;
	ret->has_address = ret->has_ipv4;
}

void cb_net_poll(uint64_t *ret_wake_ms)
{
	*ret_wake_ms = firmware.now_ms + 100;
}

uint8_t *cb_net_frame(void)
{
	if (stack.has_no_buffers)
		return NULL;
	stack.n_buffers++;
	return malloc(CB_NET_FRAME_MAX);
}

void cb_net_input(uint8_t *data, size_t len)
{
	assert_int_equal(len, 60);
	stack.n_frames++;
	cb_net_frame_free(data);
}

void cb_net_frame_free(uint8_t *data)
{
	if (data)
		stack.n_buffers--;
	free(data);
}

/* ---- A machine ---- */

static char said[4096];

static void hear(void *ctx, const char *text)
{
	(void)ctx;
	assert_true(strlen(said) + strlen(text) + 2 < sizeof(said));
	strcat(strcat(said, text), "\n");
}

static int begin(void **state)
{
	(void)state;
	adapters_init();
	memset(&stack, 0, sizeof(stack));
	said[0] = 0;
	return 0;
}

static struct cb_network network(void)
{
	return (struct cb_network){ .say = hear };
}

/* Steps until it is up or has failed; milliseconds that took. */
static uint64_t settle(struct cb_network *net)
{
	uint64_t from = firmware.now_ms;

	while (net->phase != CB_NETWORK_UP && net->phase != CB_NETWORK_FAILED) {
		assert_true(firmware.now_ms - from < 120000);
		firmware.now_ms += 50;
		(void)cb_network_step(net);
	}
	return firmware.now_ms - from;
}

/* Only that adapter is open; the stack runs on it. */
static void assert_on(const struct cb_network *net, const struct adapter *a)
{
	assert_int_equal(net->phase, CB_NETWORK_UP);
	assert_int_equal(net->err, CB_OK);
	assert_ptr_equal(stack.on, a);
	for (unsigned i = 0; i < firmware.n; i++)
		assert_int_equal(firmware.at[i].is_open, &firmware.at[i] == a);
}

/* Nothing stays open and nothing is leaked (which the sanitizer sees). */
static void end(struct cb_network *net)
{
	cb_network_stop(net, /*for_good=*/false);
	assert_int_equal(net->phase, CB_NETWORK_OFF);
	assert_null(stack.on);
	assert_int_equal(stack.n_buffers, 0);
	assert_int_equal(firmware.n_pools, 0);
	for (unsigned i = 0; i < firmware.n; i++) {
		assert_false(firmware.at[i].is_open);
		if (!firmware.at[i].is_absent)
			assert_int_equal(firmware.at[i].mode.State, EfiSimpleNetworkStopped);
	}
}

/* ---- Cases ---- */

static void the_first_wins(void **state)
{
	struct cb_network net = network();
	struct adapter *first = adapters_add(), *second = adapters_add();

	(void)state;
	cb_network_start(&net);
	assert_true(settle(&net) < 1000);
	assert_on(&net, first);
	assert_int_equal(second->n_opened, 0);
	assert_string_equal(said,
			    "Network: 192.0.2.10/24, gateway 192.0.2.1, "
			    "adapter 02:00:00:00:00:01\n");
	end(&net);
}

static void the_next_one_is_tried(void **state)
{
	static const struct {
		const char *name;
		struct adapter first; /* its faults */
		uint64_t min_ms, max_ms;
	} cases[] = {
		{ "no cable", { .has_no_cable = true }, 2000, 3000 },
		{ "no lease", { .has_no_lease = true }, 5000, 6000 },
		{ "taken", { .is_taken = true }, 0, 1000 },
		{ "does not start", { .does_not_start = true }, 0, 1000 },
		{ "does not initialize", { .does_not_initialize = true }, 0, 1000 },
		{ "filters nothing", { .filters_nothing = true }, 0, 1000 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_network net = network();
		struct adapter *first, *second;
		uint64_t took_ms;

		(void)begin(state);
		first = adapters_add();
		second = adapters_add();
		first->has_no_cable = cases[i].first.has_no_cable;
		first->has_no_lease = cases[i].first.has_no_lease;
		first->is_taken = cases[i].first.is_taken;
		first->does_not_start = cases[i].first.does_not_start;
		first->does_not_initialize = cases[i].first.does_not_initialize;
		first->filters_nothing = cases[i].first.filters_nothing;
		cb_network_start(&net);
		took_ms = settle(&net);
		print_message("%s: up after %u ms\n", cases[i].name, (unsigned)took_ms);
		assert_in_range(took_ms, cases[i].min_ms, cases[i].max_ms);
		assert_on(&net, second);
		/* Who waited for it learns why it was left. */
		assert_int_equal(strstr(said, "Adapter 02:00:00:00:00:01: ") != NULL,
				 cases[i].min_ms > 0);
		end(&net);
	}
}

/* Held by another program, but the firmware's own stack lets us share it. */
static void a_shared_one_is_taken(void **state)
{
	struct cb_network net = network();
	struct adapter *a = adapters_add();

	(void)state;
	a->is_taken = a->is_managed = true;
	cb_network_start(&net);
	(void)settle(&net);
	assert_on(&net, a);
	assert_non_null(strstr(said, "adapter 02:00:00:00:00:01 (shared, slow)\n"));
	end(&net);
}

/* None is of use: the code of what came furthest, whatever the order. */
static void all_without(void **state)
{
	static const struct {
		const char *adapters; /* c: no cable, l: no lease, o: does not open */
		enum cb_err want;
		uint64_t min_ms;
	} cases[] = {
		{ "", CB_NET_NO_DEVICE, 0 },	  { "o", CB_NET_NO_DEVICE, 0 },
		{ "c", CB_NET_NO_LINK, 8000 },	  { "l", CB_NET_NO_LEASE, 20000 },
		{ "oo", CB_NET_NO_DEVICE, 0 },	  { "cc", CB_NET_NO_LINK, 4000 },
		{ "ll", CB_NET_NO_LEASE, 10000 }, { "oc", CB_NET_NO_LINK, 2000 },
		{ "co", CB_NET_NO_LINK, 2000 },	  { "ol", CB_NET_NO_LEASE, 5000 },
		{ "lo", CB_NET_NO_LEASE, 5000 },  { "cl", CB_NET_NO_LEASE, 7000 },
		{ "lc", CB_NET_NO_LEASE, 7000 },  { "lco", CB_NET_NO_LEASE, 7000 },
		{ "ocl", CB_NET_NO_LEASE, 7000 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cb_network net = network();
		uint64_t took_ms;

		(void)begin(state);
		for (const char *p = cases[i].adapters; *p; p++) {
			struct adapter *a = adapters_add();

			a->has_no_cable = *p == 'c';
			a->has_no_lease = *p == 'l';
			a->is_taken = *p == 'o';
		}
		cb_network_start(&net);
		took_ms = settle(&net);
		print_message("\"%s\": %s after %u ms\n", cases[i].adapters,
			      cb_err_info(net.err)->name, (unsigned)took_ms);
		assert_int_equal(net.phase, CB_NETWORK_FAILED);
		assert_int_equal(net.err, cases[i].want);
		assert_in_range(took_ms, cases[i].min_ms, cases[i].min_ms + 1500);
		assert_null(net.nic);
		assert_int_equal(net.n_rounds, 1);
		end(&net);
	}
}

/* In a second round drivers are connected again, new adapters are seen, and each has twice the time. */
static void a_second_round(void **state)
{
	struct cb_network net = network();
	struct adapter *first = adapters_add(), *second = adapters_add(), *third;

	(void)state;
	first->has_no_cable = second->has_no_cable = true;
	cb_network_start(&net);
	(void)settle(&net);
	assert_int_equal(net.err, CB_NET_NO_LINK);
	assert_int_equal(firmware.n_connects, 0);
	assert_non_null(strstr(said, "; starting over\n"));
	third = adapters_add();
	cb_network_start(&net);
	assert_int_equal(firmware.n_connects, 1);
	assert_in_range(settle(&net), 2 * 4000, 2 * 4000 + 1500);
	assert_on(&net, third);
	assert_int_equal(net.n_rounds, 0);
	assert_int_equal(first->n_opened, 2);
	end(&net);
}

/* Gone between the list and its turn; gone in mid-use, and another is there at the next start. */
static void one_vanishes(void **state)
{
	struct cb_network net = network();
	struct adapter *first = adapters_add(), *second = adapters_add(), *third = adapters_add();

	(void)state;
	first->has_no_cable = true;
	cb_network_start(&net);
	second->is_absent = true;
	(void)settle(&net);
	assert_on(&net, third);
	assert_int_equal(second->n_opened, 0);
	third->is_absent = true;
	first->has_no_cable = false;
	third->n_waiting = 1;
	firmware.now_ms += 1000;
	assert_false(cb_network_step(&net));
	assert_false(cb_nic_transmit(net.nic, (const uint8_t[60]){ 0 }, 60));
	cb_network_start(&net);
	(void)settle(&net);
	assert_on(&net, first);
	end(&net);
}

/* Another address is asked for on the same adapter, which stays as it is. */
static void renewing_keeps_the_adapter(void **state)
{
	struct cb_network net = network();
	struct adapter *first = adapters_add(), *second = adapters_add();
	struct cb_nic *nic;

	(void)state;
	cb_network_start(&net);
	(void)settle(&net);
	nic = net.nic;
	said[0] = 0;
	cb_network_renew(&net);
	assert_int_equal(net.phase, CB_NETWORK_ADDRESS);
	(void)settle(&net);
	assert_on(&net, first);
	assert_ptr_equal(net.nic, nic);
	assert_int_equal(stack.n_starts, 2);
	assert_int_equal(first->n_opened, 1);
	assert_int_equal(first->n_shutdowns, 0);
	assert_non_null(strstr(said, "Network: 192.0.2.10/24"));
	/* Renewed in vain: then the others have their turn. */
	first->has_no_lease = true;
	cb_network_renew(&net);
	(void)settle(&net);
	assert_on(&net, second);
	end(&net);
}

static void a_stack_that_does_not_start(void **state)
{
	struct cb_network net = network();

	(void)state;
	(void)adapters_add();
	stack.does_not_start = true;
	cb_network_start(&net);
	(void)settle(&net);
	assert_int_equal(net.phase, CB_NETWORK_FAILED);
	assert_int_equal(net.err, CB_ENTROPY);
	end(&net);
}

/* The cable comes and goes while it is up: the stack is told, the adapter kept. */
static void the_cable_goes(void **state)
{
	struct cb_network net = network();
	struct adapter *a = adapters_add();

	(void)state;
	cb_network_start(&net);
	(void)settle(&net);
	for (unsigned i = 0; i < 4; i++) {
		a->has_no_cable = i % 2 == 0;
		firmware.now_ms += 500;
		(void)cb_network_step(&net);
		assert_int_equal(stack.has_link, !a->has_no_cable);
	}
	assert_int_equal(a->n_opened, 1);
	end(&net);
}

/*
 * Before a kernel starts the driver is taken off, but not iPXE's, which does that itself. When the kernel comes back
 * there is a network again.
 */
static void for_good(void **state)
{
	for (unsigned is_from_ipxe = 0; is_from_ipxe < 2; is_from_ipxe++) {
		struct cb_network net = network();
		struct adapter *a;

		(void)begin(state);
		a = adapters_add();
		a->is_from_ipxe = is_from_ipxe;
		cb_network_start(&net);
		(void)settle(&net);
		cb_network_stop(&net, /*for_good=*/true);
		assert_int_equal(a->is_disconnected, !is_from_ipxe);
		assert_int_equal(a->n_shutdowns, 1);
		cb_network_start(&net);
		(void)settle(&net);
		assert_on(&net, a);
		end(&net);
	}
}

/* The loader's own adapter first, then those that the firmware manages, each piece of hardware once. */
static void order_of_the_list(void **state)
{
	struct cb_nic_candidate list[CB_NIC_MAX];
	struct adapter *plain = adapters_add(), *managed = adapters_add(), *twin = adapters_add(),
		       *odd = adapters_add(), *ours = adapters_add();

	(void)state;
	managed->is_managed = twin->is_managed = true;
	twin->mode.CurrentAddress.Addr[5] = plain->mode.CurrentAddress.Addr[5];
	odd->mode.HwAddressSize = 20; /* no Ethernet */
	cb_uefi.loaded->DeviceHandle = ours;
	assert_int_equal(cb_nic_list(list), 3);
	assert_ptr_equal(list[0].handle, ours);
	assert_ptr_equal(list[1].handle, managed);
	assert_ptr_equal(list[2].handle, twin); /* better than the plain one of the same address */
	while (firmware.n < ADAPTERS_MAX)
		(void)adapters_add();
	assert_int_equal(cb_nic_list(list), CB_NIC_MAX);
	assert_ptr_equal(list[0].handle, ours);
	assert_int_equal(firmware.n_pools, 0);
}

/* A flood is taken in pieces, and without buffers it is dropped, not waited for. */
static void frames(void **state)
{
	struct cb_network net = network();
	struct adapter *a = adapters_add();

	(void)state;
	cb_network_start(&net);
	(void)settle(&net);
	a->n_waiting = 100;
	assert_true(cb_network_step(&net));
	assert_int_equal(stack.n_frames, CB_NIC_BATCH);
	assert_int_equal(a->n_waiting, 100 - CB_NIC_BATCH);
	assert_true(cb_network_step(&net));
	assert_false(cb_network_step(&net));
	assert_int_equal(stack.n_frames, 100);
	assert_int_equal(net.last_frame_ms, firmware.now_ms);
	a->n_waiting = 10;
	stack.has_no_buffers = true;
	(void)cb_network_step(&net);
	(void)cb_network_step(&net);
	assert_int_equal(a->n_waiting, 0);
	end(&net);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_wins, begin),
		cmocka_unit_test_setup(the_next_one_is_tried, begin),
		cmocka_unit_test_setup(a_shared_one_is_taken, begin),
		cmocka_unit_test_setup(all_without, begin),
		cmocka_unit_test_setup(a_second_round, begin),
		cmocka_unit_test_setup(one_vanishes, begin),
		cmocka_unit_test_setup(renewing_keeps_the_adapter, begin),
		cmocka_unit_test_setup(a_stack_that_does_not_start, begin),
		cmocka_unit_test_setup(the_cable_goes, begin),
		cmocka_unit_test_setup(for_good, begin),
		cmocka_unit_test_setup(order_of_the_list, begin),
		cmocka_unit_test_setup(frames, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
