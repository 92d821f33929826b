/* SPDX-License-Identifier: MIT */
/* The stack protector's support (-fstack-protector-strong on the Windows ABI). */
#include "guard.h"

#include "clock.h"
#include "random.h"
#include "uefi.h"

/* The compiler's names. */
extern uintptr_t __security_cookie;
void __security_check_cookie(uintptr_t cookie);

uintptr_t __security_cookie = 0x2b992ddfa232u;

void cb_guard_init(void)
{
	uintptr_t cookie = 0;

	if (cb_random((uint8_t *)&cookie, sizeof(cookie)) != CB_OK)
		cookie = cb_clock_ticks() * 0x9e3779b97f4a7c15u;
	/* Its first byte in memory is zero: string functions don't copy across it. */
	__security_cookie = cookie << 8;
}

/* A function's frame was overwritten: nothing on the stack can be trusted any more. */
__attribute__((no_stack_protector)) void __security_check_cookie(uintptr_t cookie)
{
	static CHAR16 message[] = L"\r\nCB-E507 internal error: stack overwritten\r\n";

	if (cookie == __security_cookie)
		return;
	cb_uefi.st->ConOut->OutputString(cb_uefi.st->ConOut, message);
	cb_uefi.bs->Stall(10000000);
	cb_uefi.rt->ResetSystem(EfiResetCold, EFI_ABORTED, 0, NULL);
	__builtin_trap();
}
