/* Routes about the node itself, and the front door.
 *
 *   GET /api/v1/version    build and run-time facts
 *   GET /api/v1/cluster    this node, alone
 *   GET /api/v1/config     the effective configuration, passwords redacted
 *   GET /                  Elasticsearch clients: name, cluster and version; browsers: to /ui/
 *
 * Mount qn_api_node_routes at "/api/v1", and qn_api_root_routes at "" and at "/api/v1/_elastic",
 * all with the same struct qn_api_node as their context. All but the port is immutable. @thread any
 */
#ifndef QN_API_API_NODE_H
#define QN_API_API_NODE_H

#include <stdatomic.h>
#include <stdint.h>

#include "api/build.h"
#include "config/config.h"
#include "http/router.h"

struct qn_api_node {
    const struct qn_config *cfg;
    const struct qn_build *build;
    const char *simd; /* the instruction set in use */
    unsigned n_cpus, n_io_threads, n_workers;
    int64_t generation;    /* start of this process: nanoseconds since 1970 */
    char cluster_uuid[23]; /* 22 characters of base64url, from the cluster's name */
    _Atomic unsigned port; /* as bound: requests may come before it is known */
};

extern const struct qn_route_table qn_api_node_routes;
extern const struct qn_route_table qn_api_root_routes;

/* Writes the 22 characters for a cluster's name: the same on every node and after every start. */
void qn_api_cluster_uuid(char out[23], struct qn_str cluster_id);

#endif
