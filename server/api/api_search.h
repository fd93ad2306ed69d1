/* Answers out, as Quickwit has it.
 *
 *   GET  /api/v1/{index}/search?query=..    parameters in the query string
 *   POST /api/v1/{index}/search             the same keys in a JSON body
 *
 * Mount at "/api/v1" with the struct qn_engine as context. */
#ifndef QN_API_API_SEARCH_H
#define QN_API_API_SEARCH_H

#include "http/router.h"

extern const struct qn_route_table qn_api_search_routes;

#endif
