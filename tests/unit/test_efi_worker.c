/* SPDX-License-Identifier: MIT */
/*
 * The loader's workers (efi/worker.c) on threads that stand for processors and a firmware that reports
 * their return late. The clock runs fast, so that workers leave and are started again all the time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "core/platform.h"

/* ---- As much of UEFI as the file under test takes; the real headers are left out ---- */

#define CB_EFI_UEFI_H
#define CB_EFI_RANDOM_H
#define CB_EFI_PROTO_MP_SERVICES_H
#define EFIAPI
#define VOID void
#define FALSE false
#define EFI_SUCCESS 0ull
#define EFI_ABORTED 21ull
#define EFI_NOT_READY 6ull
#define EFI_ERROR(status) ((status) != 0)
#define EfiResetCold 0

typedef uint64_t UINTN, EFI_STATUS;
typedef uint32_t UINT32;
typedef uint64_t UINT64;
typedef bool BOOLEAN;
typedef wchar_t CHAR16;
typedef struct {
	int unused;
} EFI_GUID;
typedef struct event *EFI_EVENT;

#define N_PROCESSORS 6u /* 0 boots; 2 is ill, 4 is off */
#define REPORT_MS 100u /* of the loader: the firmware looks so often */
#define CB_MP_SERVICES_GUID                                                                        \
	{                                                                                          \
		1                                                                                  \
	}
#define CB_MP_IS_BOOT_PROCESSOR 1u
#define CB_MP_IS_ENABLED 2u
#define CB_MP_IS_HEALTHY 4u

struct cb_mp_processor {
	UINT64 id;
	UINT32 status;
};

struct cb_mp_services {
	EFI_STATUS (*count)(struct cb_mp_services *self, UINTN *n, UINTN *n_enabled);
	EFI_STATUS (*info)(struct cb_mp_services *self, UINTN number, struct cb_mp_processor *ret);
	EFI_STATUS(*start)
	(struct cb_mp_services *self, void (*procedure)(void *arg), UINTN number, EFI_EVENT event,
	 UINTN timeout_us, void *arg, BOOLEAN *is_finished);
};

/* One processor, and the event of its last start. */
struct event {
	bool is_open;
	pthread_t thread;
	bool is_started;
	uint32_t has_ended;
	uint64_t look_ms; /* the firmware looks then */
	void (*procedure)(void *arg);
	void *arg;
};

static unsigned fast = 1; /* milliseconds of the loader in one of ours; set before a worker runs */

static struct {
	struct event events[64]; /* those in use at the same time */
	bool is_busy[N_PROCESSORS]; /* started, and its return not yet reported */
	unsigned n_starts;
	bool is_broken; /* no processor can be started */
	UINTN number_of[64];
} firmware;

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000) * fast / 1000;
}

static EFI_STATUS create_event(UINT32 type, UINTN tpl, void *fn, void *ctx, EFI_EVENT *ret)
{
	(void)type, (void)tpl, (void)fn, (void)ctx;
	for (unsigned i = 0; i < 64; i++) {
		if (firmware.events[i].is_open)
			continue;
		firmware.events[i] = (struct event){ .is_open = true };
		*ret = &firmware.events[i];
		return EFI_SUCCESS;
	}
	return EFI_ABORTED;
}

static EFI_STATUS close_event(EFI_EVENT e)
{
	assert_true(e->is_open);
	e->is_open = false;
	return EFI_SUCCESS;
}

static EFI_STATUS check_event(EFI_EVENT e)
{
	uint64_t now_ms = clock_ms();

	assert_true(e->is_open);
	if (now_ms < e->look_ms)
		return EFI_NOT_READY;
	e->look_ms = now_ms + REPORT_MS;
	if (!__atomic_load_n(&e->has_ended, __ATOMIC_ACQUIRE))
		return EFI_NOT_READY;
	pthread_join(e->thread, NULL);
	firmware.is_busy[firmware.number_of[e - firmware.events]] = false;
	return EFI_SUCCESS;
}

static void stall(UINTN us)
{
	(void)us;
	sched_yield();
}

static void *processor(void *arg)
{
	struct event *e = arg;

	e->procedure(e->arg);
	__atomic_store_n(&e->has_ended, 1, __ATOMIC_RELEASE);
	return NULL;
}

static EFI_STATUS mp_count(struct cb_mp_services *self, UINTN *n, UINTN *n_enabled)
{
	(void)self;
	*n = N_PROCESSORS;
	*n_enabled = N_PROCESSORS - 1;
	return EFI_SUCCESS;
}

static EFI_STATUS mp_info(struct cb_mp_services *self, UINTN number, struct cb_mp_processor *ret)
{
	(void)self;
	ret->status = CB_MP_IS_ENABLED | CB_MP_IS_HEALTHY;
	if (number == 0)
		ret->status |= CB_MP_IS_BOOT_PROCESSOR;
	if (number == 2)
		ret->status &= ~CB_MP_IS_HEALTHY;
	if (number == 4)
		ret->status &= ~CB_MP_IS_ENABLED;
	return EFI_SUCCESS;
}

static EFI_STATUS mp_start(struct cb_mp_services *self, void (*procedure)(void *arg), UINTN number,
			   EFI_EVENT event, UINTN timeout_us, void *arg, BOOLEAN *is_finished)
{
	(void)self, (void)timeout_us, (void)is_finished;
	if (firmware.is_broken)
		return EFI_NOT_READY;
	/* Real firmware would reset it in the middle of its work. */
	assert_false(firmware.is_busy[number]);
	assert_true(number == 1 || number == 3 || number == 5);
	firmware.is_busy[number] = true;
	firmware.number_of[event - firmware.events] = number;
	firmware.n_starts++;
	event->procedure = procedure;
	event->arg = arg;
	assert_int_equal(pthread_create(&event->thread, NULL, processor, event), 0);
	return EFI_SUCCESS;
}

static struct cb_mp_services services = { mp_count, mp_info, mp_start };

static void *cb_uefi_locate(const EFI_GUID *guid)
{
	(void)guid;
	return &services;
}

static void output(void *self, CHAR16 *text)
{
	(void)self;
	fail_msg("%ls", text);
}

static void reset_system(int type, EFI_STATUS status, UINTN len, void *data)
{
	(void)type, (void)status, (void)len, (void)data;
}

static void cb_random_wipe(void)
{
}

static struct {
	void (*OutputString)(void *self, CHAR16 *text);
} con_out = { output };

static struct {
	struct {
		EFI_STATUS (*CreateEvent)(UINT32, UINTN, void *, void *, EFI_EVENT *);
		EFI_STATUS (*CloseEvent)(EFI_EVENT);
		EFI_STATUS (*CheckEvent)(EFI_EVENT);
		void (*Stall)(UINTN);
	} * bs;
	struct {
		void (*ResetSystem)(int, EFI_STATUS, UINTN, void *);
	} * rt;
	struct {
		__typeof__(con_out) *ConOut;
	} * st;
} cb_uefi;

#include "../../efi/worker.c"

uint64_t cb_clock_ms(void)
{
	return clock_ms();
}

/* ---- The tests ---- */

#define N_WORK 4000u

static struct cb_workers workers;

static int begin_at(unsigned speed)
{
	static __typeof__(*cb_uefi.bs) bs = { create_event, close_event, check_event, stall };
	static __typeof__(*cb_uefi.rt) rt = { reset_system };
	static __typeof__(*cb_uefi.st) st = { &con_out };

	fast = speed;
	cb_uefi.bs = &bs;
	cb_uefi.rt = &rt;
	cb_uefi.st = &st;
	memset(&pool, 0, sizeof(pool));
	memset(&firmware, 0, sizeof(firmware));
	cb_workers_init(&workers);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	return begin_at(1);
}

static int begin_fast(void **state)
{
	(void)state;
	return begin_at(50);
}

static int end(void **state)
{
	uint64_t until_ms = clock_ms() + (uint64_t)20000 * fast;
	bool is_busy = true;

	(void)state;
	/* The bound in it is short where the clock runs fast. */
	while (is_busy && clock_ms() < until_ms) {
		cb_workers_stop();
		is_busy = false;
		for (unsigned i = 0; i < N_PROCESSORS; i++)
			is_busy = is_busy || firmware.is_busy[i];
	}
	for (unsigned i = 0; i < N_PROCESSORS; i++)
		assert_false(firmware.is_busy[i]);
	for (unsigned i = 0; i < 64; i++)
		assert_false(firmware.events[i].is_open);
	return 0;
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void pass_ms(uint64_t ms)
{
	uint64_t until_ms = clock_ms() + ms;

	while (clock_ms() < until_ms)
		sched_yield();
}

static void the_good_ones(void **state)
{
	(void)state;
	assert_int_equal(workers.n, 3);
	assert_int_equal(pool.workers[0].number, 1);
	assert_int_equal(pool.workers[1].number, 3);
	assert_int_equal(pool.workers[2].number, 5);
	assert_int_equal(firmware.n_starts, 0);
}

/* Pieces with pauses about as long as a worker's patience: each is done once, whoever is leaving. */
static void none_lost_while_workers_leave(void **state)
{
	static struct cb_work work[N_WORK];
	static unsigned n_run[N_WORK];
	unsigned n_elsewhere = 0;

	(void)state;
	memset(n_run, 0, sizeof(n_run));
	for (unsigned i = 0; i < N_WORK; i++) {
		work[i] = (struct cb_work){ .run = count, .arg = &n_run[i] };
		while (!workers.submit(workers.ctx, &work[i]))
			cb_workers_step();
		if (i % 16 == 0)
			pass_ms(IDLE_MS - 20 + i % 48);
	}
	while (!cb_work_is_done(&work[N_WORK - 1]))
		cb_workers_step();
	workers.drain(workers.ctx);
	for (unsigned i = 0; i < N_WORK; i++) {
		assert_true(cb_work_is_done(&work[i]));
		assert_int_equal(n_run[i], 1);
		n_elsewhere += work[i].processor > 0;
	}
	assert_true(n_elsewhere > 0);
	/* They did leave, and were started again. */
	assert_true(firmware.n_starts > 3);
}

static void wait_at(void *arg)
{
	while (!__atomic_load_n((uint32_t *)arg, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* All are busy: short work is done here soon, long work waits for one of them. */
static void busy_workers(void **state)
{
	static struct cb_work held[3], brief, lengthy;
	static uint32_t is_open;
	unsigned n_run = 0;

	(void)state;
	is_open = 0;
	for (unsigned i = 0; i < 3; i++) {
		held[i] = (struct cb_work){ .run = wait_at, .arg = &is_open, .is_long = true };
		assert_true(workers.submit(workers.ctx, &held[i]));
	}
	while (n_running() < 3)
		cb_workers_step();
	brief = (struct cb_work){ .run = count, .arg = &n_run };
	assert_true(workers.submit(workers.ctx, &brief));
	while (!cb_work_is_done(&brief))
		cb_workers_step();
	assert_int_equal(brief.processor, 0);
	lengthy = (struct cb_work){ .run = count, .arg = &n_run, .is_long = true };
	assert_true(workers.submit(workers.ctx, &lengthy));
	for (uint64_t until_ms = clock_ms() + START_MAX_MS + 100; clock_ms() < until_ms;)
		cb_workers_step();
	assert_false(cb_work_is_done(&lengthy));
	__atomic_store_n(&is_open, 1, __ATOMIC_RELEASE);
	while (!cb_work_is_done(&lengthy))
		cb_workers_step();
	workers.drain(workers.ctx);
	assert_true(lengthy.processor > 0);
	assert_int_equal(n_run, 2);
}

/* A firmware that starts nobody: the work is done here, and after some tries at once. */
static void no_processor_comes(void **state)
{
	static struct cb_work work;
	unsigned n_run = 0;

	(void)state;
	firmware.is_broken = true;
	for (unsigned i = 0; i < 3; i++) {
		work = (struct cb_work){ .run = count, .arg = &n_run, .is_long = true };
		assert_true(workers.submit(workers.ctx, &work));
		while (!cb_work_is_done(&work))
			cb_workers_step();
		assert_int_equal(work.processor, 0);
	}
	assert_int_equal(n_usable(), 0);
	work = (struct cb_work){ .run = count, .arg = &n_run };
	assert_true(workers.submit(workers.ctx, &work));
	assert_true(cb_work_is_done(&work));
	assert_int_equal(n_run, 4);
}

static void full_queue_and_stop(void **state)
{
	static struct cb_work work[QUEUE_LEN + 4];
	static uint32_t is_open;
	unsigned n = 0;

	(void)state;
	is_open = 0;
	for (; n < QUEUE_LEN + 4; n++) {
		work[n] = (struct cb_work){ .run = wait_at, .arg = &is_open, .is_long = true };
		if (!workers.submit(workers.ctx, &work[n]))
			break;
	}
	assert_in_range(n, QUEUE_LEN, QUEUE_LEN + 3);
	__atomic_store_n(&is_open, 1, __ATOMIC_RELEASE);
	cb_workers_stop();
	for (unsigned i = 0; i < n; i++)
		assert_true(cb_work_is_done(&work[i]));
	/* And again. */
	work[0] = (struct cb_work){ .run = wait_at, .arg = &is_open };
	assert_true(workers.submit(workers.ctx, &work[0]));
	workers.drain(workers.ctx);
	assert_true(cb_work_is_done(&work[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_good_ones, begin, end),
		cmocka_unit_test_setup_teardown(none_lost_while_workers_leave, begin_fast, end),
		cmocka_unit_test_setup_teardown(busy_workers, begin, end),
		cmocka_unit_test_setup_teardown(no_processor_comes, begin_fast, end),
		cmocka_unit_test_setup_teardown(full_queue_and_stop, begin, end),
	};

	return cmocka_run_group_tests_name("efi_worker", tests, NULL, NULL);
}
