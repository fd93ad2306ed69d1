#include "os/mmap.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int qn_mmap_open(struct qn_mmap *mm, int fd, size_t n)
{
    *mm = (struct qn_mmap){0};
    struct stat st;
    if (fstat(fd, &st) < 0)
        return qn_err_from_errno(errno);
    if ((uint64_t)st.st_size < n)
        return QN_E_TRUNCATED;
    size_t page = page_bytes();
    if (n > SIZE_MAX - QN_PAD - page)
        return QN_E_TOO_LARGE;
    size_t whole = (n + QN_PAD + page - 1) / page * page;
    void *base = mmap(NULL, whole, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return errno == ENOMEM ? QN_E_BUDGET : qn_err_from_errno(errno);
    if (n > 0 && mmap(base, n, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int rc = errno == ENOMEM ? QN_E_BUDGET : qn_err_from_errno(errno);
        munmap(base, whole);
        return rc;
    }
    *mm = (struct qn_mmap){.p = base, .n = n, .base = base, .base_bytes = whole};
    return QN_OK;
}

void qn_mmap_close(struct qn_mmap *mm)
{
    if (mm->base != NULL)
        munmap(mm->base, mm->base_bytes);
    *mm = (struct qn_mmap){0};
}

void qn_mmap_advise(const struct qn_mmap *mm, size_t offset, size_t n, enum qn_mmap_advice advice)
{
    if (mm->base == NULL || offset >= mm->n || n == 0)
        return;
    if (n > mm->n - offset)
        n = mm->n - offset;
    size_t down = offset % page_bytes(); /* madvise wants whole pages at the front */
    int how = MADV_NORMAL;
    switch (advice) {
    case QN_MMAP_NORMAL:
        break;
    case QN_MMAP_RANDOM:
        how = MADV_RANDOM;
        break;
    case QN_MMAP_SEQUENTIAL:
        how = MADV_SEQUENTIAL;
        break;
    case QN_MMAP_WILLNEED:
        how = MADV_WILLNEED;
        break;
    }
    int rc = madvise((char *)mm->base + offset - down, n + down, how);
    (void)rc; /* a hint */
}
