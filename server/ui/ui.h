/* The page: files of web/ below /ui. Addresses that are not in one of its folders, and have no dot
 * in their first word, are places inside of the page and get index.html; files that do not exist
 * are 404. Every answer has a validator, so that a browser asks and gets 304, and carries a strict
 * Content-Security-Policy: scripts, styles and connections of this origin only, nothing inline, no
 * framing. Mount at "/ui"; needs no context. @thread any */
#ifndef QN_UI_UI_H
#define QN_UI_UI_H

#include "http/router.h"

extern const struct qn_route_table qn_ui_routes;

#endif
