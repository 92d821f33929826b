/* SPDX-License-Identifier: MIT */
/* Our allocator over the firmware's pages: the firmware's own pool is slow. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "memory.h"
#include "uefi.h"

/*
 * Three kinds of block, by length:
 *  small   classes of 32 << n bytes with a 16-byte head, cut from slabs; kept on free lists
 *  medium  whole pages in classes of (1 << n) pages; kept on free lists up to a bound, since a
 *          page allocation costs the firmware hundreds of microseconds
 *  large   pages of the firmware, given back when freed. Not wiped: images are so large, and wiping
 *          them costs a start tenths of a second; a secret's owner wipes it
 * Blocks on free lists are wiped all together by cb_alloc_wipe_free, before the kernel runs.
 * Page blocks keep their head in a page of its own, so that they are page-aligned; small blocks
 * are never page-aligned, because their classes are multiples of 32 and their heads 16 long.
 */
#define SMALL_HEAD 16u
#define SMALL_FIRST_SHIFT 5 /* 32 bytes */
#define SMALL_CLASSES 11 /* up to 32 KiB */
#define SLAB_LEN (256u << 10)
#define MEDIUM_FIRST_SHIFT 3 /* 8 pages */
#define MEDIUM_CLASSES 9 /* up to 2,048 pages, 8 MiB */
#define MEDIUM_CACHE_MAX (48u << 20) /* bytes on medium free lists */
#define PAGE_BLOCK 0x43424c4bu /* marks a head */
#define SMALL_BLOCK 0x43424c53u

struct small_head {
	uint32_t mark;
	uint32_t class;
	struct small_head *next; /* on a free list */
};
_Static_assert(sizeof(struct small_head) == SMALL_HEAD, "head keeps 16-byte alignment");

struct page_head {
	uint32_t mark;
	uint32_t class; /* MEDIUM_CLASSES: large */
	uint64_t n_pages; /* with the head's */
	struct page_head *next; /* on a free list */
};

static struct {
	struct small_head *small[SMALL_CLASSES];
	uint8_t *slab; /* the rest of the newest slab */
	size_t slab_left;
	struct page_head *medium[MEDIUM_CLASSES];
	size_t n_medium_cached; /* bytes */
} heap;

static void *pages_get(size_t n_pages)
{
	EFI_PHYSICAL_ADDRESS address = 0;

	if (EFI_ERROR(
		    cb_uefi.bs->AllocatePages(AllocateAnyPages, EfiLoaderData, n_pages, &address)))
		return NULL;
	return (void *)(uintptr_t)address;
}

static void pages_put(void *p, size_t n_pages)
{
	cb_uefi.bs->FreePages((EFI_PHYSICAL_ADDRESS)(uintptr_t)p, n_pages);
}

static void medium_put(struct page_head *head)
{
	size_t n_pages = head->n_pages;

	cb_wipe(head, n_pages * CB_EFI_PAGE_LEN);
	pages_put(head, n_pages);
}

/* ---- Small ---- */

static bool slab_grow(void)
{
	uint8_t *slab = pages_get(SLAB_LEN / CB_EFI_PAGE_LEN);

	/* What was left of the old slab is lost: at most one block of the largest class. */
	if (!slab)
		return false;
	heap.slab = slab;
	heap.slab_left = SLAB_LEN;
	return true;
}

static void *small_get(unsigned class)
{
	size_t block_len = (size_t)1 << (class + SMALL_FIRST_SHIFT);
	struct small_head *head = heap.small[class];

	if (head) {
		heap.small[class] = head->next;
	} else {
		if (heap.slab_left < block_len && !slab_grow())
			return NULL;
		head = (struct small_head *)(void *)heap.slab;
		heap.slab += block_len;
		heap.slab_left -= block_len;
	}
	*head = (struct small_head){ .mark = SMALL_BLOCK, .class = class };
	return head + 1;
}

/* ---- Pages ---- */

static void *medium_get(unsigned class)
{
	struct page_head *head = heap.medium[class];
	size_t n_pages = ((size_t)1 << (class + MEDIUM_FIRST_SHIFT)) + 1;

	if (head) {
		heap.medium[class] = head->next;
		heap.n_medium_cached -= n_pages * CB_EFI_PAGE_LEN;
	} else {
		head = pages_get(n_pages);
		if (!head)
			return NULL;
	}
	*head = (struct page_head){ .mark = PAGE_BLOCK, .class = class, .n_pages = n_pages };
	return (uint8_t *)head + CB_EFI_PAGE_LEN;
}

static void *large_get(size_t len)
{
	size_t n_pages = (len + CB_EFI_PAGE_LEN - 1) / CB_EFI_PAGE_LEN + 1;
	struct page_head *head = pages_get(n_pages);

	if (!head)
		return NULL;
	*head = (struct page_head){ .mark = PAGE_BLOCK,
				    .class = MEDIUM_CLASSES,
				    .n_pages = n_pages };
	return (uint8_t *)head + CB_EFI_PAGE_LEN;
}

static void page_block_free(struct page_head *head)
{
	size_t len = head->n_pages * CB_EFI_PAGE_LEN;

	if (head->mark != PAGE_BLOCK)
		abort();
	if (head->class == MEDIUM_CLASSES) {
		pages_put(head, head->n_pages);
		return;
	}
	if (heap.n_medium_cached + len > MEDIUM_CACHE_MAX) {
		medium_put(head);
		return;
	}
	head->next = heap.medium[head->class];
	heap.medium[head->class] = head;
	heap.n_medium_cached += len;
}

/* ---- The interface ---- */

void *malloc(size_t len)
{
	if (len > SIZE_MAX - 2 * CB_EFI_PAGE_LEN)
		return NULL;
	if (len <= ((size_t)1 << (SMALL_FIRST_SHIFT + SMALL_CLASSES - 1)) - SMALL_HEAD) {
		size_t whole = len + SMALL_HEAD;
		unsigned class = 0;

		while (((size_t)1 << (class + SMALL_FIRST_SHIFT)) < whole)
			class ++;
		return small_get(class);
	}
	for (unsigned class = 0; class < MEDIUM_CLASSES; class ++)
		if (len <= (size_t)CB_EFI_PAGE_LEN << (class + MEDIUM_FIRST_SHIFT))
			return medium_get(class);
	return large_get(len);
}

void *calloc(size_t n, size_t len)
{
	size_t whole;
	void *p;

	if (!cb_mul(n, len, &whole))
		return NULL;
	p = malloc(whole);
	if (p)
		memset(p, 0, whole);
	return p;
}

void free(void *p)
{
	struct small_head *head;

	if (!p)
		return;
	if ((uintptr_t)p % CB_EFI_PAGE_LEN == 0) {
		page_block_free((struct page_head *)(void *)((uint8_t *)p - CB_EFI_PAGE_LEN));
		return;
	}
	head = (struct small_head *)p - 1;
	if (head->mark != SMALL_BLOCK || head->class >= SMALL_CLASSES)
		abort();
	head->mark = 0;
	head->next = heap.small[head->class];
	heap.small[head->class] = head;
}

void cb_alloc_wipe_free(void)
{
	for (unsigned class = 0; class < SMALL_CLASSES; class ++) {
		size_t len = ((size_t)1 << (class + SMALL_FIRST_SHIFT)) - SMALL_HEAD;

		for (struct small_head *h = heap.small[class]; h; h = h->next)
			cb_wipe(h + 1, len);
	}
	for (unsigned class = 0; class < MEDIUM_CLASSES; class ++)
		for (struct page_head *h = heap.medium[class]; h; h = h->next)
			cb_wipe((uint8_t *)h + CB_EFI_PAGE_LEN, (h->n_pages - 1) * CB_EFI_PAGE_LEN);
}

void cb_alloc_trim(void)
{
	for (unsigned class = 0; class < MEDIUM_CLASSES; class ++) {
		while (heap.medium[class]) {
			struct page_head *head = heap.medium[class];

			heap.medium[class] = head->next;
			medium_put(head);
		}
	}
	heap.n_medium_cached = 0;
}

static void *mem_alloc(void *ctx, size_t len)
{
	(void)ctx;
	return malloc(len);
}

static void mem_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

const struct cb_mem cb_efi_mem = { .alloc = mem_alloc, .free = mem_free };
