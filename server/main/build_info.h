/* What this binary was built from; build_info.cmake writes the values at build time. */
#ifndef QN_MAIN_BUILD_INFO_H
#define QN_MAIN_BUILD_INFO_H

#include "api/build.h"

extern const struct qn_build qn_build;

#endif
