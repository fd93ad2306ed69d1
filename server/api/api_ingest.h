/* Documents in, as Quickwit has it.
 *
 *   POST /api/v1/{index}/ingest    NDJSON; commit=auto|wait_for|force, detailed_response
 *
 * With commit=auto no worker waits for the disk: the answer is finished by the journal.
 * Mount at "/api/v1" with the struct qn_engine as context. */
#ifndef QN_API_API_INGEST_H
#define QN_API_API_INGEST_H

#include "http/router.h"

extern const struct qn_route_table qn_api_ingest_routes;

#endif
