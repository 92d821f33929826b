/* SPDX-License-Identifier: MIT */
/* Free memory by the firmware's map (efi/memory.c), and the initrd's room in it wherever the kernel goes (efi/room.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- As much of UEFI as the files under test take; the real headers are left out ---- */

#define CB_EFI_UEFI_H
#define EFI_SUCCESS 0ull
#define EFI_BUFFER_TOO_SMALL 5ull
#define EFI_OUT_OF_RESOURCES 9ull
#define EFI_ERROR(status) ((status) != 0)

typedef uint64_t UINTN, EFI_STATUS, EFI_PHYSICAL_ADDRESS;
typedef uint32_t UINT32;
typedef struct {
	UINT32 Type;
	uint64_t PhysicalStart, VirtualStart, NumberOfPages, Attribute;
} EFI_MEMORY_DESCRIPTOR;
enum { EfiLoaderData = 2, EfiConventionalMemory = 7 };
enum { AllocateAnyPages };

static struct {
	struct boot_services {
		EFI_STATUS(*GetMemoryMap)
		(UINTN *len, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *item_len,
		 UINT32 *version);
		EFI_STATUS (*AllocatePages)(int how, int type, UINTN n, EFI_PHYSICAL_ADDRESS *ret);
		EFI_STATUS (*FreePages)(EFI_PHYSICAL_ADDRESS at, UINTN n);
	} * bs;
} cb_uefi;

/* NOLINTBEGIN(bugprone-suspicious-include): the files under test, above what stands for their headers */
#include "../../efi/memory.c"
#include "../../efi/room.c"
/* NOLINTEND(bugprone-suspicious-include) */

/* ---- A firmware's memory, in pieces of MiB: a letter each, '.' is free ---- */

#define MIB (1ull << 20)
#define MAX_MIB 2048u
#define MAP_ITEM_LEN 48u /* more than the descriptor's, as firmware has it */

static struct {
	char mib[MAX_MIB + 1];
	unsigned n_mib;
	bool has_no_map;
} memory;

/* The next stretch of like memory from *at on. */
static bool next_stretch(unsigned *at, unsigned *ret_first)
{
	unsigned first = *at;

	if (first == memory.n_mib)
		return false;
	while (*at < memory.n_mib && memory.mib[*at] == memory.mib[first])
		++*at;
	*ret_first = first;
	return true;
}

static EFI_STATUS get_map(UINTN *len, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *item_len,
			  UINT32 *version)
{
	uint8_t *out = (uint8_t *)map;
	unsigned at = 0, first, n = 0;

	if (memory.has_no_map)
		return EFI_OUT_OF_RESOURCES;
	while (next_stretch(&at, &first))
		n++;
	*key = 1;
	*version = 1;
	*item_len = MAP_ITEM_LEN;
	if (*len < (UINTN)n * MAP_ITEM_LEN) {
		*len = (UINTN)n * MAP_ITEM_LEN;
		return EFI_BUFFER_TOO_SMALL;
	}
	*len = (UINTN)n * MAP_ITEM_LEN;
	for (at = 0; next_stretch(&at, &first); out += MAP_ITEM_LEN) {
		EFI_MEMORY_DESCRIPTOR item = {
			.Type = memory.mib[first] == '.' ? EfiConventionalMemory : EfiLoaderData,
			.PhysicalStart = first * MIB,
			.NumberOfPages = (at - first) * MIB / 4096,
		};

		memcpy(out, &item, sizeof(item));
	}
	return EFI_SUCCESS;
}

static unsigned mib_of(UINTN n_pages)
{
	return (unsigned)((n_pages * 4096 + MIB - 1) / MIB);
}

static bool is_free(unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++)
		if (memory.mib[i] != '.')
			return false;
	return true;
}

/* From the top down, as firmware does. */
static EFI_STATUS allocate(int how, int type, UINTN n_pages, EFI_PHYSICAL_ADDRESS *ret)
{
	unsigned n = mib_of(n_pages);

	assert_int_equal(how, AllocateAnyPages);
	assert_int_equal(type, EfiLoaderData);
	for (unsigned at = memory.n_mib; at-- > 0;)
		if (at + n <= memory.n_mib && is_free(at, n)) {
			memset(memory.mib + at, 'h', n);
			*ret = at * MIB;
			return EFI_SUCCESS;
		}
	return EFI_OUT_OF_RESOURCES;
}

static EFI_STATUS give_back(EFI_PHYSICAL_ADDRESS at, UINTN n_pages)
{
	for (unsigned i = 0; i < mib_of(n_pages); i++) {
		assert_int_equal(memory.mib[at / MIB + i], 'h');
		memory.mib[at / MIB + i] = '.';
	}
	return EFI_SUCCESS;
}

static void fill(unsigned n_mib)
{
	static struct boot_services bs = { get_map, allocate, give_back };

	cb_uefi.bs = &bs;
	memset(&memory, 0, sizeof(memory));
	memset(memory.mib, '.', n_mib);
	memory.n_mib = n_mib;
}

/* ---- Cases ---- */

static void the_map_is_summed_up(void **state)
{
	struct cb_memory m;

	(void)state;
	fill(100);
	memset(memory.mib, 'x', 10);
	memset(memory.mib + 50, 'x', 5);
	m = cb_memory_look();
	assert_int_equal(m.free_bytes, 85 * MIB);
	assert_int_equal(m.largest, 45 * MIB);
	memory.has_no_map = true;
	m = cb_memory_look();
	assert_int_equal(m.free_bytes, 0);
	assert_int_equal(m.largest, 0);
}

/*
 * A kernel of kernel_mib, anywhere; then the initrd in one piece. False: in some place it would not fit.
 * holds: as the loader does it; else as if it did not.
 */
static bool survives_everywhere(unsigned n_mib, unsigned kernel_mib, unsigned initrd_mib,
				bool holds)
{
	for (unsigned at = 0; at + kernel_mib <= n_mib; at++) {
		struct cb_room room = { 0 };
		EFI_PHYSICAL_ADDRESS initrd;
		bool fits;

		fill(n_mib);
		if (holds)
			assert_int_equal(cb_room_hold(&room, initrd_mib * MIB - 1), CB_OK);
		if (!is_free(at, kernel_mib))
			continue;
		memset(memory.mib + at, 'k', kernel_mib);
		cb_room_release(&room);
		cb_room_release(&room);
		fits = !EFI_ERROR(
			allocate(AllocateAnyPages, EfiLoaderData, initrd_mib * 256, &initrd));
		if (!fits)
			return false;
	}
	return true;
}

static void the_kernel_may_go_anywhere(void **state)
{
	(void)state;
	/* What was seen: 566 MiB in one piece, 52 for the kernel, 314 for the initrd. */
	assert_false(survives_everywhere(566, 52, 314, /*holds=*/false));
	assert_true(survives_everywhere(566, 52, 314, /*holds=*/true));
	/* At the edge of ample: just held, just not. */
	assert_true(survives_everywhere(255 + 200, 256, 100, /*holds=*/true));
	assert_true(survives_everywhere(257 + 200, 256, 100, /*holds=*/true));
}

static void nothing_is_held_where_room_is_ample(void **state)
{
	struct cb_room room = { 0 };

	(void)state;
	fill(2 * 300 + 256);
	assert_true(cb_room_is_ample(300 * MIB));
	assert_int_equal(cb_room_hold(&room, 300 * MIB), CB_OK);
	assert_int_equal(room.n_pages, 0);
	assert_false(cb_room_is_ample(301 * MIB));
	assert_int_equal(cb_room_hold(&room, 301 * MIB), CB_OK);
	assert_true(room.n_pages * 4096 >= 301 * MIB);
	cb_room_release(&room);
	assert_true(is_free(0, memory.n_mib));
}

static void no_such_piece(void **state)
{
	struct cb_room room = { 0 };

	(void)state;
	fill(400);
	memset(memory.mib + 200, 'x', 1);
	assert_int_equal(cb_room_hold(&room, 200 * MIB), CB_MEMORY_SHORT);
	assert_int_equal(room.n_pages, 0);
	/* A firmware that tells nothing: held, to be sure. */
	memory.has_no_map = true;
	assert_int_equal(cb_room_hold(&room, 100 * MIB), CB_OK);
	assert_true(room.n_pages > 0);
	cb_room_release(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_map_is_summed_up),
		cmocka_unit_test(the_kernel_may_go_anywhere),
		cmocka_unit_test(nothing_is_held_where_room_is_ample),
		cmocka_unit_test(no_such_piece),
	};

	return cmocka_run_group_tests_name("efi_room", tests, NULL, NULL);
}
