/* Force-included everywhere: what these do, something safer in base/ does. The headers that declare
 * them come first, because a poisoned name may not even be declared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atof gmtime localtime ctime \
    asctime rand srand strerror
