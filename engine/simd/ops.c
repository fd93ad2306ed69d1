#include "simd/ops.h"

#include <cpuid.h>
#include <string.h>

#include "kernels_int.h"

#define FULL_TABLE(label, lv, L, intersect)                                                        \
    {                                                                                              \
        .name = label, .level = lv, .crc32c = qn__crc32c_##L, .unpack32 = qn__unpack32_##L,        \
        .unpack32_delta = qn__unpack32_delta_##L, .unpack64 = qn__unpack64_##L,                    \
        .pack32 = qn__pack32_##L, .pack64 = qn__pack64_##L, .or32 = qn__or32_##L,                  \
        .deltas32 = qn__deltas32_##L, .gather_packed = qn__gather_packed_##L,                      \
        .range_packed = qn__range_packed_##L, .stats_packed = qn__stats_packed_##L,                \
        .range32 = qn__range32_##L, .range64 = qn__range64_##L, .stats64 = qn__stats64_##L,        \
        .affine64 = qn__affine64_##L, .ramp64 = qn__ramp64_##L, .prefix64 = qn__prefix64_##L,      \
        .decimal64 = qn__decimal64_##L, .compress32 = qn__compress32_##L,                          \
        .compress64 = qn__compress64_##L, .count32 = qn__count32_##L,                              \
        .count32_masked = qn__count32_masked_##L, .bits_and = qn__bits_and_##L,                    \
        .bits_or = qn__bits_or_##L, .bits_andnot = qn__bits_andnot_##L,                            \
        .bits_not = qn__bits_not_##L, .popcount = qn__popcount_##L,                                \
        .popcount_and = qn__popcount_and_##L, .popcount_andnot = qn__popcount_andnot_##L,          \
        .bits_from_ids = qn__bits_from_ids_##L, .ids_from_bits = qn__ids_from_bits_##L,            \
        .intersect32 = intersect, .lower_bound32 = qn__lower_bound32_##L,                          \
        .find_byte = qn__find_byte_##L, .find_set = qn__find_set_##L,                              \
        .find_bytes = qn__find_bytes_##L, .byte_bits = qn__byte_bits_##L,                          \
        .set_bits = qn__set_bits_##L, .classify_ascii = qn__classify_ascii_##L,                    \
        .max8 = qn__max8_##L, .lut_scores = qn__lut_scores_##L, .score_add = qn__score_add_##L,    \
        .scores_above = qn__scores_above_##L,                                                      \
    }

static const struct qn_simd_ops scalar_ops =
    FULL_TABLE("scalar", QN_SIMD_SCALAR, scalar, qn__intersect32_scalar);
static const struct qn_simd_ops avx2_ops =
    FULL_TABLE("avx2", QN_SIMD_AVX2, avx2, qn__intersect32_avx2);
static const struct qn_simd_ops avx512_ops =
    FULL_TABLE("avx512", QN_SIMD_AVX512, avx512, qn__intersect32_avx512);
static const struct qn_simd_ops vp2_ops =
    FULL_TABLE("avx512vp2", QN_SIMD_VP2, avx512, qn__intersect32_vp2);

/* __builtin_cpu_supports also asks whether the operating system saves the registers. */
static bool has_avx2(void)
{
    unsigned eax, ebx, ecx, edx;
    bool has_lzcnt = __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx >> 5 & 1) != 0;
    return has_lzcnt && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("sse4.2") &&
           __builtin_cpu_supports("pclmul");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq");
}

/* Not a name that every supported compiler knows: leaf 7, EDX bit 8. */
static bool has_vp2(void)
{
    unsigned eax, ebx, ecx, edx;
    return has_avx512() && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx >> 8 & 1) != 0;
}

const struct qn_simd_ops *qn_simd_level(enum qn_simd_level level)
{
    switch (level) {
    case QN_SIMD_SCALAR:
        return &scalar_ops;
    case QN_SIMD_AVX2:
        return has_avx2() ? &avx2_ops : NULL;
    case QN_SIMD_AVX512:
        return has_avx512() ? &avx512_ops : NULL;
    case QN_SIMD_VP2:
        return has_vp2() ? &vp2_ops : NULL;
    default:
        return NULL;
    }
}

const struct qn_simd_ops *qn_simd_pick(const char *name)
{
    bool any = strcmp(name, "auto") == 0;
    for (int level = QN_SIMD_LEVELS - 1; level >= 0; level--) {
        const struct qn_simd_ops *ops = qn_simd_level((enum qn_simd_level)level);
        if (ops != NULL && (any || strcmp(name, ops->name) == 0))
            return ops;
    }
    return NULL;
}
