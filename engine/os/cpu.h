/* How much machine there is, as this process may use it: affinity masks and cgroup (v1, v2) limits
 * are taken into account, so that containers get what they were given. @thread any */
#ifndef QN_OS_CPU_H
#define QN_OS_CPU_H

#include <stdint.h>

unsigned qn_cpu_count(void);    /* >= 1 */
uint64_t qn_memory_total(void); /* bytes */
uint64_t qn_memory_rss(void);   /* bytes this process holds now; 0 when unknown */

#endif
