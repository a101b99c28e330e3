/*
 * unconfined: lets sshd's child for the network run under valgrind, which makes system calls and writes
 * to its log there. To be preloaded: setting a filter of system calls, or a limit of file sizes or of
 * descriptors, succeeds and does nothing. All else of sshd, and the processes that ask PAM, are as they are.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int prctl(int option, ...)
{
	unsigned long values[4];
	va_list rest;
	va_start(rest, option);
	for (int i = 0; i < 4; i++)
		values[i] = va_arg(rest, unsigned long);
	va_end(rest);
	if (option == PR_SET_SECCOMP)
		return 0;
	return (int)syscall(SYS_prctl, option, values[0], values[1], values[2], values[3]);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	if (resource == RLIMIT_FSIZE || resource == RLIMIT_NOFILE)
		return 0;
	return (int)syscall(SYS_prlimit64, 0, resource, limit, NULL);
}
