/* SPDX-License-Identifier: MIT */
/* Randomness: firmware, processor and timing jitter through one HMAC-DRBG (SP 800-90A, SHA-512). */
#include "random.h"

#include <bearssl.h>
#include <cpuid.h>
#include <string.h>

#include "clock.h"
#include "core/bytes.h"
#include "uefi.h"

#define SEED_LEN 64
#define JITTER_SAMPLES 64
#define REQUEST_MAX 65536u /* bytes that HMAC-DRBG gives at once */

static struct {
	br_hmac_drbg_context drbg;
	bool is_seeded;
} pool;

static bool from_firmware(uint8_t out[SEED_LEN])
{
	static const EFI_GUID guid = EFI_RNG_PROTOCOL_GUID;
	EFI_RNG_PROTOCOL *rng = cb_uefi_locate(&guid);

	return rng && !EFI_ERROR(rng->GetRNG(rng, NULL, SEED_LEN, out));
}

__attribute__((target("rdrnd"))) static bool rdrand64(uint64_t *out)
{
	for (unsigned i = 0; i < 10; i++) {
		unsigned long long v;

		if (__builtin_ia32_rdrand64_step(&v)) {
			*out = v;
			return true;
		}
	}
	return false;
}

static bool from_processor(uint8_t out[SEED_LEN])
{
	unsigned a, b, c, d;
	uint64_t words[SEED_LEN / 8];
	bool differs = false;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND))
		return false;
	for (size_t i = 0; i < SEED_LEN / 8; i++) {
		if (!rdrand64(&words[i]))
			return false;
		/* Some processors return the same value for ever after a suspend. */
		differs = differs || words[i] != words[0];
	}
	memcpy(out, words, SEED_LEN);
	cb_wipe(words, sizeof(words));
	return differs;
}

static void add_jitter(br_hmac_drbg_context *drbg)
{
	uint64_t samples[JITTER_SAMPLES];
	EFI_TIME now = { 0 };

	for (size_t i = 0; i < JITTER_SAMPLES; i++) {
		cb_uefi.bs->Stall(1);
		samples[i] = cb_clock_ticks();
	}
	br_hmac_drbg_update(drbg, samples, sizeof(samples));
	if (!EFI_ERROR(cb_uefi.rt->GetTime(&now, NULL)))
		br_hmac_drbg_update(drbg, &now, sizeof(now));
}

enum cb_err cb_random(uint8_t *buf, size_t len)
{
	if (!pool.is_seeded)
		return CB_ENTROPY;
	while (len) {
		size_t n = len < REQUEST_MAX ? len : REQUEST_MAX;

		br_hmac_drbg_generate(&pool.drbg, buf, n);
		buf += n;
		len -= n;
	}
	return CB_OK;
}

void cb_random_init(void)
{
	uint8_t seed[SEED_LEN];

	br_hmac_drbg_init(&pool.drbg, &br_sha512_vtable, "chunkboot", 9);
	if (from_firmware(seed)) {
		br_hmac_drbg_update(&pool.drbg, seed, sizeof(seed));
		pool.is_seeded = true;
	}
	if (from_processor(seed)) {
		br_hmac_drbg_update(&pool.drbg, seed, sizeof(seed));
		pool.is_seeded = true;
	}
	add_jitter(&pool.drbg);
	cb_wipe(seed, sizeof(seed));
}

void cb_random_wipe(void)
{
	cb_wipe(&pool, sizeof(pool));
}
