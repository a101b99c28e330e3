/*
 * threads: a PAM application whose threads log in side by side while others allocate and fork.
 *
 *   threads FOLDER USER LOGINS SERVICE CODE SERVICE CODE
 *
 * Eight threads perform LOGINS logins in all, in turn at the first and at the second SERVICE; each
 * must return the CODE behind it. Prints `wrong NUMBER`, and `state same` or each change of the
 * process. tests/module/engine/threads.rs compiles and runs it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "state.h"

enum { THREADS = 8 };

static char **arguments;
static atomic_long left, wrong;
static atomic_int is_over;

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
		    void *data)
{
	(void)messages;
	(void)data;
	*responses = calloc((size_t)count, sizeof **responses);
	for (int i = 0; *responses && i < count; i++)
		(*responses)[i].resp = strdup("1234567");
	return *responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void *log_in(void *data)
{
	struct pam_conv conversation = { converse, NULL };
	long number;
	while ((number = atomic_fetch_sub(&left, 1)) > 0) {
		char **which = arguments + 4 + number % 2 * 2;
		pam_handle_t *handle = NULL;
		int code = pam_start_confdir(which[0], arguments[2], &conversation, arguments[1], &handle);
		if (code == PAM_SUCCESS)
			code = pam_authenticate(handle, 0);
		pam_end(handle, code);
		if (code != atoi(which[1]))
			atomic_fetch_add(&wrong, 1);
	}
	return data;
}

static void *allocate(void *data)
{
	unsigned seed = 1;
	void *blocks[64] = { NULL };
	while (!is_over) {
		void **block = &blocks[rand_r(&seed) % 64];
		free(*block);
		*block = malloc((size_t)(rand_r(&seed) % 100000));
		usleep(20);
	}
	for (int i = 0; i < 64; i++)
		free(blocks[i]);
	return data;
}

static void *fork_often(void *data)
{
	while (!is_over) {
		pid_t child = fork();
		if (child == 0)
			_exit(7);
		int status = 0;
		if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
			atomic_fetch_add(&wrong, 1);
		usleep(2000);
	}
	return data;
}

/*
 * Goes on in a child, and reaps the engines that have ended: PID 1 of a busy machine may be slower
 * than these logins, and their table of processes would be full.
 */
static void leave_engines_to_parent(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t child = fork(), ended;
	int status = 0, code = 3;
	if (child == 0)
		return;
	while ((ended = wait(&status)) > 0)
		if (ended == child && WIFEXITED(status))
			code = WEXITSTATUS(status);
	_exit(code);
}

int main(int count, char **all)
{
	static struct text before, after;
	pthread_t threads[THREADS + 3];
	if (count != 8)
		return 2;
	leave_engines_to_parent();
	arguments = all;
	left = atol(all[3]);
	dup2(1, OUTPUT);
	record_state(&before);
	for (int i = 0; i < THREADS + 3; i++)
		if (pthread_create(&threads[i], NULL,
				   i < THREADS ? log_in : i < THREADS + 2 ? allocate : fork_often,
				   NULL) != 0)
			return 4;
	for (int i = 0; i < THREADS + 3; i++) {
		is_over = i >= THREADS;
		pthread_join(threads[i], NULL);
	}
	record_state(&after);
	out("wrong %ld\n", (long)wrong);
	print_changes(before.bytes, after.bytes);
	return 0;
}
