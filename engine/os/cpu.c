#include "os/cpu.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"

/* The n-th white-space-separated word of a small file of /proc or /sys; false when there is none.
 */
static bool read_word(const char *path, unsigned index, char *out, size_t cap)
{
    struct qn_buf text;
    qn_buf_init(&text, 1 << 20);
    bool found = false;
    if (qn_fs_read_file(qn_fs_posix(), path, 64 << 10, &text, NULL) == QN_OK) {
        struct qn_str rest = qn_buf_str(&text), word;
        for (size_t i = 0; i < text.n; i++)
            if (text.p[i] == '\n' || text.p[i] == '\t')
                text.p[i] = ' ';
        while (qn_str_split(&rest, ' ', &word)) {
            if (word.n == 0)
                continue;
            if (index-- > 0)
                continue;
            found = word.n < cap;
            if (found) {
                memcpy(out, word.p, word.n);
                out[word.n] = '\0';
            }
            break;
        }
    }
    qn_buf_release(&text);
    return found;
}

static bool read_u64(const char *path, unsigned index, uint64_t *out)
{
    char word[32];
    return read_word(path, index, word, sizeof word) &&
           qn_str_to_u64(qn_str_of(word), out) == QN_OK;
}

/* CPUs' worth of time this container may use, rounded up; 0 = no limit. */
static unsigned cgroup_cpus(void)
{
    uint64_t quota, period;
    if (!(read_u64("/sys/fs/cgroup/cpu.max", 0, &quota) &&
          read_u64("/sys/fs/cgroup/cpu.max", 1, &period)) &&
        !(read_u64("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", 0, &quota) &&
          read_u64("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 0, &period)))
        return 0;
    if (period == 0 || quota == 0)
        return 0;
    return (unsigned)((quota + period - 1) / period);
}

unsigned qn_cpu_count(void)
{
    unsigned n = 0;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    if (n == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        n = online > 0 ? (unsigned)online : 1;
    }
    unsigned limit = cgroup_cpus();
    return limit != 0 && limit < n ? limit : n;
}

uint64_t qn_memory_total(void)
{
    uint64_t total = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t limit;
    if ((read_u64("/sys/fs/cgroup/memory.max", 0, &limit) ||
         read_u64("/sys/fs/cgroup/memory/memory.limit_in_bytes", 0, &limit)) &&
        limit != 0 && limit < total)
        total = limit;
    return total;
}

uint64_t qn_memory_rss(void)
{
    uint64_t pages;
    return read_u64("/proc/self/statm", 1, &pages) ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
