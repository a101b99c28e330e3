/* Loads a PAM module as libpam does, and prints how long that takes.
 *
 * In C, because sshd, sudo and su have no libgcc_s: a module in Rust brings it, and its time counts. */

#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

int main(int count, char **arguments)
{
    struct timespec start, end;
    void *module;

    if (count != 2)
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &start);
    module = dlopen(arguments[1], RTLD_NOW);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (module == NULL)
        return 1;
    printf("{\"dlopen_ms\": %.6f}\n",
           (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6);
    return 0;
}
