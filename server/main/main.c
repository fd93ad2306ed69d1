/* Quern's entry: everything is in the command table. */
#include <stdio.h>
#include <unistd.h>

#include "main/cli.h"

int main(int argc, char **argv)
{
    return qn_cli_main(argc, argv, (const char *const *)environ, stdout, stderr);
}
