/* SPDX-License-Identifier: MIT */
/* Time: the processor's counter, and the machine's clock. */
#include "clock.h"

#include "uefi.h"

#define CALIBRATE_US 10000u
#define TIME_ZONE_NONE 2047

static uint64_t ticks_per_ms = 1000000; /* until it is measured */

uint64_t cb_clock_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

void cb_clock_init(void)
{
	uint64_t start = cb_clock_ticks(), ticks;

	cb_uefi.bs->Stall(CALIBRATE_US);
	ticks = (cb_clock_ticks() - start) / (CALIBRATE_US / 1000);
	if (ticks)
		ticks_per_ms = ticks;
}

uint64_t cb_clock_ms(void)
{
	return cb_clock_ticks() / ticks_per_ms;
}

uint64_t cb_clock_us(void)
{
	uint64_t ticks = cb_clock_ticks();

	return ticks / ticks_per_ms * 1000 + ticks % ticks_per_ms * 1000 / ticks_per_ms;
}

/* Days from 1970-01-01 of a date in the Gregorian calendar (year >= 1970). */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[12] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
	};
	unsigned y = month > 2 ? year : year - 1; /* leap days before this month */
	int64_t leaps = (int64_t)(y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);

	return (int64_t)(year - 1970) * 365 + leaps + before[month - 1] + (int64_t)day - 1;
}

enum cb_err cb_clock_wall(int64_t *ret_unix_s)
{
	EFI_TIME t = { 0 };
	int64_t unix_s;

	if (EFI_ERROR(cb_uefi.rt->GetTime(&t, NULL)))
		return CB_FIRMWARE;
	if (t.Year < 1970 || t.Year > 9998 || t.Month < 1 || t.Month > 12 || t.Day < 1 ||
	    t.Day > 31 || t.Hour > 23 || t.Minute > 59 || t.Second > 59)
		return CB_FIRMWARE;
	unix_s = days_of(t.Year, t.Month, t.Day) * 86400 + t.Hour * 3600 + t.Minute * 60 + t.Second;
	/* Local time = UTC - TimeZone (UEFI 2.10 §8.3). */
	if (t.TimeZone != TIME_ZONE_NONE && t.TimeZone >= -1440 && t.TimeZone <= 1440)
		unix_s += (int64_t)t.TimeZone * 60;
	*ret_unix_s = unix_s;
	return CB_OK;
}
