#include "os/env.h"

#include <stdlib.h>

const char *qn_env_get(const char *name)
{
    return getenv(name);
}
