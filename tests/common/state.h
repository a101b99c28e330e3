/*
 * state.h: what a PAM application records of its own process before and after its logins, so that a
 * test sees everything that a module changed. Included by application.c and threads.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { INPUT = 100, ANSWER = 101, OUTPUT = 102 };
enum { SIZE = 32768 };

extern char **environ;

/* Prints a line on the saved descriptor of standard output. */
static void out(const char *format, ...)
{
	char line[SIZE];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (write(OUTPUT, line, (size_t)length) != length)
		_exit(3);
}

struct text {
	char bytes[SIZE];
	size_t length;
};

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text->length += (size_t)vsnprintf(text->bytes + text->length, SIZE - text->length, format, arguments);
	va_end(arguments);
}

static void add_signals(struct text *text)
{
	sigset_t mask;
	stack_t stack;
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigaltstack(NULL, &stack);
	add(text, "alternate stack %p\n", stack.ss_sp);
	for (int number = 1; number < 65; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) == 0)
			add(text, "signal %d %p %x blocked %d\n", number, (void *)action.sa_handler,
			    action.sa_flags, sigismember(&mask, number));
	}
}

static void add_descriptors(struct text *text)
{
	for (int number = 0; number < 512; number++) {
		char path[64], target[256];
		snprintf(path, sizeof path, "/proc/self/fd/%d", number);
		ssize_t length = readlink(path, target, sizeof target - 1);
		if (length > 0)
			add(text, "descriptor %d %.*s flags %d\n", number, (int)length, target,
			    fcntl(number, F_GETFD));
	}
}

static int count_threads(void)
{
	int count = 0;
	DIR *folder = opendir("/proc/self/task");
	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count - 2;
}

/* Waits up to 100 ms, because the kernel still lists a thread shortly after it was joined. */
static void add_threads(struct text *text)
{
	for (int i = 0; i < 20 && count_threads() > 1; i++)
		usleep(5000);
	add(text, "threads %d\n", count_threads());
}

/* Records the children of all threads: also one that has ended and was not reaped. */
static void add_children(struct text *text)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	while (folder && (entry = readdir(folder))) {
		char path[300], line[4096];
		snprintf(path, sizeof path, "/proc/self/task/%s/children", entry->d_name);
		FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!file)
			continue;
		if (fgets(line, sizeof line, file))
			add(text, "children %s\n", line);
		fclose(file);
	}
	if (folder)
		closedir(folder);
}

/* Records what the kernel's scheduler and other processes see of this one. */
static void add_attributes(struct text *text)
{
	cpu_set_t processors;
	CPU_ZERO(&processors);
	sched_getaffinity(0, sizeof processors, &processors);
	add(text, "policy %d processors %d I/O priority %ld\n", sched_getscheduler(0),
	    CPU_COUNT(&processors), syscall(SYS_ioprio_get, 1, 0));
	char score[16] = "";
	FILE *file = fopen("/proc/self/oom_score_adj", "r");
	if (file && fgets(score, sizeof score, file))
		add(text, "score %s", score);
	if (file)
		fclose(file);
	add(text, "session %d group %d\n", getsid(0), getpgrp());
	add(text, "dumpable %d slack %d\n", prctl(PR_GET_DUMPABLE), prctl(PR_GET_TIMERSLACK));
}

/* Records every attribute of this process that a module must not change, one per line. */
static void record_state(struct text *text)
{
	char folder[4096];
	gid_t groups[256];
	uid_t real, effective, saved;
	text->length = 0;
	add_descriptors(text);
	add_threads(text);
	add_children(text);
	add_attributes(text);
	add_signals(text);
	getresuid(&real, &effective, &saved);
	add(text, "uid %d %d %d\n", real, effective, saved);
	getresgid(&real, &effective, &saved);
	add(text, "gid %d %d %d\ngroups", real, effective, saved);
	int count = getgroups(256, groups);
	for (int i = 0; i < count; i++)
		add(text, " %d", groups[i]);
	mode_t mask = umask(0);
	umask(mask);
	add(text, "\numask %o\nfolder %s\nlocale %s\n", mask, getcwd(folder, sizeof folder),
	    setlocale(LC_ALL, NULL));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;
		getrlimit(i, &limit);
		add(text, "limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
		    (unsigned long long)limit.rlim_max);
	}
	struct itimerval timer;
	getitimer(ITIMER_REAL, &timer);
	add(text, "timer %ld\npriority %d\n", (long)timer.it_value.tv_sec, getpriority(PRIO_PROCESS, 0));
	for (char **variable = environ; *variable; variable++)
		add(text, "variable %s\n", *variable);
}

/* Prints the lines of `after` that are not in `before`. */
static void print_changes(const char *before, const char *after)
{
	int same = 1;
	char *copy = strdup(after), *rest = NULL;
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strstr(before, line)) {
			out("state changed: %s\n", line);
			same = 0;
		}
	}
	if (strlen(before) != strlen(after) && same)
		out("state changed: a line is missing\n");
	else if (same)
		out("state same\n");
	free(copy);
}

