/* Force-included everywhere: what these do, something safer in base/ does. */
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atof gmtime localtime ctime \
    asctime rand srand strerror
