/* Routes about indexes, as Quickwit has them.
 *
 *   GET    /api/v1/indexes                     all, or those of index_id_patterns
 *   POST   /api/v1/indexes                     makes one from a configuration in JSON or YAML
 *   GET    /api/v1/indexes/{index}             its metadata
 *   GET    /api/v1/indexes/{index}/describe    counts and sizes
 *   DELETE /api/v1/indexes/{index}             with its data
 *
 * Mount at "/api/v1" with the struct qn_engine as context. */
#ifndef QN_API_API_INDEX_H
#define QN_API_API_INDEX_H

#include "http/router.h"

extern const struct qn_route_table qn_api_index_routes;

#endif
