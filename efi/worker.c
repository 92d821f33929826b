/* SPDX-License-Identifier: MIT */
/* The machine's other processors do the core's work. */
#include "worker.h"

#include "clock.h"
#include "proto/mp_services.h"
#include "random.h"
#include "uefi.h"

/*
 * The queue is the only truth: what the boot processor put there is taken by exactly one processor,
 * by compare-and-swap on n_taken. A worker leaves when it has been idle for a while, and nothing
 * needs to know the moment: as long as work waits, cb_workers_step starts whoever the firmware
 * reports as returned (which it does up to 100 ms late; a processor that is started before that
 * would be reset in the middle of its work), and what waits for too long the boot processor does
 * itself. The counters only grow; they may wrap.
 */
#define QUEUE_LEN 64u /* a power of two */
#define IDLE_MS 50u /* then a worker leaves, so that a machine at the prompt burns no power */
#define START_MAX_MS 300u /* no worker comes: the boot processor does the work itself */
#define START_LONG_MAX_MS 3000u /* the same for long work, which would hold everything up */
#define BUSY_MAX_MS 10u /* all are busy: the boot processor helps out with short work */
#define STUCK_MS 600000u /* no derivation takes so long, on the slowest machine */
#define STOP_MAX_MS 2000u
#define RETRY_MS 50u
#define MAX_FAILURES 5u

struct worker {
	UINTN number; /* the firmware's */
	EFI_EVENT returned; /* NULL: it is with the firmware, and may be started */
	uint64_t retry_ms; /* not before, after a failed start */
	unsigned n_failures;
};

static struct {
	struct cb_mp_services *mp;
	struct worker workers[CB_WORKERS_MAX];
	unsigned n;
	struct cb_work *queue[QUEUE_LEN];
	uint32_t n_put; /* the boot processor's */
	uint32_t n_taken, n_done; /* everyone's */
	uint32_t is_stopping;
	/* When the front of the queue changed last, as far as the boot processor has seen. */
	uint32_t seen_taken;
	uint64_t seen_ms;
} pool;

static uint32_t load(const uint32_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

/* ---- On any processor ---- */

/* Does the work at the front; false when there is none. */
static bool run_one(UINTN processor)
{
	uint32_t i = load(&pool.n_taken);
	struct cb_work *work;

	do {
		if (i == load(&pool.n_put))
			return false;
		/* Overwritten only when n_taken has moved on, and then the exchange fails. */
		work = __atomic_load_n(&pool.queue[i % QUEUE_LEN], __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&pool.n_taken, &i, i + 1, /*weak=*/false,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	cb_work_run(work, (uint32_t)processor);
	__atomic_fetch_add(&pool.n_done, 1, __ATOMIC_RELEASE);
	return true;
}

static VOID EFIAPI serve(VOID *arg)
{
	const struct worker *w = arg;
	uint64_t idle_ms = cb_clock_ms();

	while (!load(&pool.is_stopping) && cb_clock_ms() - idle_ms < IDLE_MS) {
		if (run_one(w->number))
			idle_ms = cb_clock_ms();
		else
			__builtin_ia32_pause();
	}
}

/* ---- On the boot processor ---- */

static uint32_t n_waiting(void)
{
	return pool.n_put - load(&pool.n_taken);
}

static uint32_t n_running(void)
{
	uint32_t n_done = load(&pool.n_done); /* first: it never overtakes n_taken */

	return load(&pool.n_taken) - n_done;
}

static bool is_usable(const struct worker *w)
{
	return w->n_failures < MAX_FAILURES;
}

static unsigned n_usable(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pool.n; i++)
		n += is_usable(&pool.workers[i]);
	return n;
}

/* Is it with the firmware? */
static bool has_returned(struct worker *w)
{
	if (w->returned && !EFI_ERROR(cb_uefi.bs->CheckEvent(w->returned))) {
		cb_uefi.bs->CloseEvent(w->returned);
		w->returned = NULL;
	}
	return !w->returned;
}

static void start(struct worker *w)
{
	if (EFI_ERROR(cb_uefi.bs->CreateEvent(0, 0, NULL, NULL, &w->returned))) {
		w->returned = NULL;
	} else if (EFI_ERROR(pool.mp->start(pool.mp, serve, w->number, w->returned, 0, w, NULL))) {
		cb_uefi.bs->CloseEvent(w->returned);
		w->returned = NULL;
	} else {
		w->n_failures = 0;
		return;
	}
	w->n_failures++;
	w->retry_ms = cb_clock_ms() + RETRY_MS;
}

/* Starts as many as there is work for. */
static void start_workers(void)
{
	uint32_t n_wanted = n_waiting() + n_running(), n_there = 0;

	for (unsigned i = 0; i < pool.n; i++)
		n_there += !has_returned(&pool.workers[i]);
	for (unsigned i = 0; i < pool.n && n_there < n_wanted; i++) {
		struct worker *w = &pool.workers[i];

		if (w->returned || !is_usable(w) || cb_clock_ms() < w->retry_ms)
			continue;
		start(w);
		n_there += w->returned != NULL;
	}
}

/* How long work may wait at the front of the queue for another processor. */
static uint64_t patience_ms(const struct cb_work *front)
{
	unsigned n = n_usable();

	if (n == 0)
		return 0;
	if (n_running() < n)
		return front->is_long ? START_LONG_MAX_MS : START_MAX_MS;
	return front->is_long ? UINT64_MAX : BUSY_MAX_MS;
}

void cb_workers_step(void)
{
	uint32_t first = load(&pool.n_taken);
	uint64_t now_ms;

	if (first == pool.n_put)
		return;
	start_workers();
	now_ms = cb_clock_ms();
	if (pool.seen_taken != first) {
		pool.seen_taken = first;
		pool.seen_ms = now_ms;
	}
	/* Taken and done meanwhile, it is there all the same: only this processor frees work. */
	if (now_ms - pool.seen_ms >= patience_ms(pool.queue[first % QUEUE_LEN]))
		(void)run_one(0);
}

static bool submit(void *ctx, struct cb_work *work)
{
	(void)ctx;
	if (n_waiting() == QUEUE_LEN)
		return false;
	if (n_waiting() == 0)
		pool.seen_ms = cb_clock_ms();
	__atomic_store_n(&work->is_done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&pool.queue[pool.n_put % QUEUE_LEN], work, __ATOMIC_RELAXED);
	__atomic_store_n(&pool.n_put, pool.n_put + 1, __ATOMIC_RELEASE);
	cb_workers_step();
	return true;
}

/*
 * A processor that never comes back still writes to memory that we would give away, in the end to
 * the kernel: there is nothing safe to go on with.
 */
static void give_up(void)
{
	static CHAR16 message[] = L"\r\nCB-E507 internal error: a processor is stuck\r\n";

	cb_uefi.st->ConOut->OutputString(cb_uefi.st->ConOut, message);
	cb_uefi.bs->Stall(10000000);
	cb_random_wipe();
	cb_uefi.rt->ResetSystem(EfiResetCold, EFI_ABORTED, 0, NULL);
	__builtin_trap();
}

static void drain(void *ctx)
{
	uint64_t since_ms = cb_clock_ms();
	uint32_t seen_done = load(&pool.n_done);

	(void)ctx;
	while (seen_done != pool.n_put) {
		if (!run_one(0))
			__builtin_ia32_pause();
		if (load(&pool.n_done) != seen_done) {
			seen_done = load(&pool.n_done);
			since_ms = cb_clock_ms();
		}
		if (cb_clock_ms() - since_ms > STUCK_MS)
			give_up();
	}
}

void cb_workers_stop(void)
{
	uint64_t until_ms;

	drain(NULL);
	until_ms = cb_clock_ms() + STOP_MAX_MS;
	__atomic_store_n(&pool.is_stopping, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < pool.n; i++)
		while (!has_returned(&pool.workers[i]) && cb_clock_ms() < until_ms)
			cb_uefi.bs->Stall(1000);
	__atomic_store_n(&pool.is_stopping, 0, __ATOMIC_RELEASE);
}

static bool is_worker(UINTN number)
{
	struct cb_mp_processor p = { 0 };
	const UINT32 good = CB_MP_IS_ENABLED | CB_MP_IS_HEALTHY;

	return !EFI_ERROR(pool.mp->info(pool.mp, number, &p)) &&
		(p.status & (good | CB_MP_IS_BOOT_PROCESSOR)) == good;
}

void cb_workers_init(struct cb_workers *ret)
{
	static const EFI_GUID guid = CB_MP_SERVICES_GUID;
	UINTN n = 0, n_enabled = 0;

	pool.mp = cb_uefi_locate(&guid);
	if (pool.mp && EFI_ERROR(pool.mp->count(pool.mp, &n, &n_enabled)))
		n = 0;
	for (UINTN i = 0; i < n && pool.n < CB_WORKERS_MAX; i++)
		if (is_worker(i))
			pool.workers[pool.n++].number = i;
	*ret = (struct cb_workers){ .n = pool.n, .submit = submit, .drain = drain };
}
