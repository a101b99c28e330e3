/*
 * application: a PAM application in C, like su, for process states that a Rust program cannot have.
 *
 * The Rust runtime opens closed descriptors 0 to 2 and changes signal settings when it starts. This
 * program changes its process as its options say, logs in, and reports what the module changed in
 * its process. tests/common/application.rs compiles and runs it.
 *
 *   application [-cbihwqvx] [-r ROUNDS] [-n KIND] [-k KIND] [-u NAME] [-a ADDRESS] [-m KIND]
 *               [-s SECONDS] [-t TTY] [-l|-L NAME=VALUE]... FOLDER SERVICE USER
 *   application -x -e PROGRAM [ARGUMENT]...
 *
 *   -c  without descriptors 0 to 2        -b  with all signals blocked
 *   -i  with all signals ignored          -h  with a handler for SIGUSR1, which interrupts calls
 *   -r  with this number of logins        -w  wait for a byte of the input before the end
 *   -u  with another PAM_USER from the first text without a prompt on
 *   -a  with this PAM_RHOST               -t  with this PAM_TTY
 *   -m  with a conversation that takes no message of KIND: error (an error for PAM_ERROR_MSG), both
 *       (for PAM_TEXT_INFO, too), empty (success without an array of replies), or prompts (an error
 *       for prompts alone)
 *   -s  with a conversation that shows the first message for so long
 *   -q  with PAM_SILENT                   -v  prints the texts: `error TEXT`, `info TEXT`
 *   -x  with sockets of AF_UNIX alone, by seccomp, and without new privileges, as polkit's helper
 *   -e  becomes PROGRAM instead of logging in
 *   -l  with a soft limit: nofile, as, cpu, fsize, stack, core or nproc; -L: hard, too
 *   -n  in a separate network namespace with loopback, another interface and 64 local ports, in
 *       which another process has bound all local ports of KIND: tcp, udp or none. Other KINDs:
 *       down, where loopback is down, and alone, where there is no other interface
 *   -k  with its own use of children: it ignores SIGCHLD (ignore) or handles it (handle), a thread
 *       waits for any child (wait), or it adopts orphans (adopt); prints `children NUMBER`, how many
 *       it heard of
 *
 * Replies are lines of standard input, read byte by byte at each prompt; the program keeps no copy
 * of them. It prints `code NUMBER` for each login, `rss KB KB` (after a quarter of the logins, and
 * at the end), and `state same` or each change of the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state.h"

/* Reads one line of the input directly into the reply, which the module wipes and frees. */
static char *read_reply(void)
{
	char *text = calloc(1, 600);
	size_t length = 0;
	while (text && length < 599 && read(INPUT, text + length, 1) == 1) {
		if (text[length] == '\n') {
			text[length] = 0;
			return text;
		}
		length++;
	}
	free(text);
	return NULL;
}

/* The user from the first text without a prompt on, if the application changes it. */
static const char *other_user;
static const char *address;
static const char *terminal;
static pam_handle_t *handle;
/* What the conversation does with messages; see the options. */
static const char *takes_no = "";
static unsigned int seconds;
static int flags, shows_texts;

/* Shows a message without a prompt, and returns what the conversation answers. */
static int show(const struct pam_message *message)
{
	int is_error = message->msg_style == PAM_ERROR_MSG;
	if (shows_texts)
		out("%s %s\n", is_error ? "error" : "info", message->msg);
	sleep(seconds);
	seconds = 0;
	if (other_user)
		pam_set_item(handle, PAM_USER, other_user);
	int fails = strcmp(takes_no, "both") == 0 || (strcmp(takes_no, "error") == 0 && is_error);
	return fails ? PAM_CONV_ERR : PAM_SUCCESS;
}

/* The PAM conversation: prints `prompt` and answers it with one line of the input. */
static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
		    void *data)
{
	(void)data;
	struct pam_response *all = calloc((size_t)count, sizeof *all);
	int code = all ? PAM_SUCCESS : PAM_BUF_ERR, is_empty = 0;
	for (int i = 0; i < count && code == PAM_SUCCESS; i++) {
		int style = messages[i]->msg_style;
		if (style != PAM_PROMPT_ECHO_ON && style != PAM_PROMPT_ECHO_OFF) {
			code = show(messages[i]);
			is_empty = strcmp(takes_no, "empty") == 0;
			continue;
		}
		out("prompt %s\n", shows_texts ? messages[i]->msg : "");
		if (strcmp(takes_no, "prompts") != 0)
			all[i].resp = read_reply();
		if (!all[i].resp)
			code = PAM_CONV_ERR;
	}
	if (code == PAM_SUCCESS && !is_empty)
		*responses = all;
	else
		free(all);
	return code;
}

/* Returns the resident set size in KB. */
static long rss(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* Sets the soft limit `NAME=VALUE`, and the hard one. */
static void set_limit(const char *text, int is_hard)
{
	static const struct {
		const char *name;
		int number;
	} all[] = { { "nofile", RLIMIT_NOFILE }, { "as", RLIMIT_AS },	  { "cpu", RLIMIT_CPU },
		    { "fsize", RLIMIT_FSIZE },	 { "stack", RLIMIT_STACK }, { "core", RLIMIT_CORE },
		    { "nproc", RLIMIT_NPROC } };
	size_t length = strcspn(text, "=");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct rlimit value;
		if (strlen(all[i].name) != length || strncmp(all[i].name, text, length) != 0)
			continue;
		getrlimit(all[i].number, &value);
		value.rlim_cur = strtoull(text + length + 1, NULL, 10);
		if (is_hard)
			value.rlim_max = value.rlim_cur;
		if (setrlimit(all[i].number, &value) == 0)
			return;
	}
	out("cannot set the limit %s\n", text);
	_exit(2);
}

/* A signal handler that does nothing. */
static void ignore_signal(int number)
{
	(void)number;
}

static void change_signals(int block, int ignore, int handle)
{
	sigset_t all;
	struct sigaction action = { .sa_handler = ignore_signal };
	sigfillset(&all);
	if (handle)
		sigaction(SIGUSR1, &action, NULL);
	for (int number = 1; ignore && number < 65; number++)
		signal(number, SIG_IGN);
	if (block)
		sigprocmask(SIG_SETMASK, &all, NULL);
}

/* How many ended children the application heard of. */
static volatile sig_atomic_t children;

static void count_child(int number)
{
	(void)number;
	children++;
}

/* A thread that waits for any child, as a server's may. */
static void *wait_for_children(void *data)
{
	for (;;) {
		if (waitpid(-1, NULL, 0) > 0)
			children++;
		usleep(50);
	}
	return data;
}

static void use_children(const char *kind)
{
	struct sigaction action = { .sa_handler = count_child };
	pthread_t thread;
	if (strcmp(kind, "ignore") == 0)
		signal(SIGCHLD, SIG_IGN);
	else if (strcmp(kind, "handle") == 0)
		sigaction(SIGCHLD, &action, NULL);
	else if (strcmp(kind, "adopt") == 0)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	else if (pthread_create(&thread, NULL, wait_for_children, NULL) != 0)
		_exit(3);
}

/* Binds all local ports, as any user may, until its parent exits. */
static void bind_all_ports(int kind, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int port = 40000; port < 40064; port++) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
		int bound = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
		if (bind(bound, (struct sockaddr *)&address, sizeof address) != 0)
			_exit(3);
	}
	close(ready);
	pause();
	_exit(0);
}

/* Enters a new network namespace with 64 local ports, and has a child bind them. */
static void enter_network(const char *kind)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int is_up = strcmp(kind, "down") != 0, is_alone = strcmp(kind, "alone") == 0;
	int ready[2];
	char byte;
	if (unshare(CLONE_NEWNET) != 0)
		_exit(3);
	int any = socket(AF_INET, SOCK_DGRAM, 0);
	int range = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY);
	if ((is_up && ioctl(any, SIOCSIFFLAGS, &loopback) != 0) || write(range, "40000 40063", 11) != 11)
		_exit(3);
	if (!is_alone && ioctl(any, SIOCBRADDBR, "bridge0") != 0)
		_exit(3);
	close(any);
	close(range);
	if ((strcmp(kind, "tcp") != 0 && strcmp(kind, "udp") != 0) || pipe(ready) != 0)
		return;
	if (fork() == 0)
		bind_all_ports(strcmp(kind, "tcp") ? SOCK_DGRAM : SOCK_STREAM, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 0)
		_exit(3);
	close(ready[0]);
}

/* Runs one login and returns PAM's code. */
static int login(const char *folder, const char *service, const char *user)
{
	struct pam_conv conversation = { converse, NULL };
	int code = pam_start_confdir(service, user, &conversation, folder, &handle);
	if (code != PAM_SUCCESS)
		return code;
	if (address)
		pam_set_item(handle, PAM_RHOST, address);
	if (terminal)
		pam_set_item(handle, PAM_TTY, terminal);
	code = pam_authenticate(handle, flags);
	pam_end(handle, code);
	return code;
}

/* Forbids sockets of any family but AF_UNIX (systemd.exec(5), RestrictAddressFamilies). */
static void forbid_sockets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
		/* The lower half of the first argument. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof code / sizeof *code, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		_exit(4);
}

int main(int count, char **arguments)
{
	static struct text before, after;
	const char *limits[16], *kind = NULL;
	int is_hard[16], option, closed = 0, block = 0, ignore = 0, handle = 0, waits = 0, limited = 0;
	int jailed = 0, executes = 0;
	long rounds = 1, early = 0;
	while ((option = getopt(count, arguments, "+cbihwqvxer:l:L:n:k:u:a:m:s:t:")) != -1) {
		closed |= option == 'c';
		block |= option == 'b';
		ignore |= option == 'i';
		handle |= option == 'h';
		waits |= option == 'w';
		shows_texts |= option == 'v';
		jailed |= option == 'x';
		executes |= option == 'e';
		if (option == 'q')
			flags = PAM_SILENT;
		if (option == 'm')
			takes_no = optarg;
		if (option == 's')
			seconds = (unsigned int)atoi(optarg);
		if (option == 'r')
			rounds = atol(optarg);
		if (option == 'k')
			kind = optarg;
		if (option == 'u')
			other_user = optarg;
		if (option == 'a')
			address = optarg;
		if (option == 't')
			terminal = optarg;
		if (option == 'n')
			enter_network(optarg);
		if ((option == 'l' || option == 'L') && limited < 16) {
			is_hard[limited] = option == 'L';
			limits[limited++] = optarg;
		}
	}
	if (executes) {
		forbid_sockets();
		execv(arguments[optind], arguments + optind);
		return 2;
	}
	if (count - optind != 3)
		return 2;
	setlocale(LC_ALL, "");
	dup2(0, INPUT);
	dup2(0, ANSWER);
	dup2(1, OUTPUT);
	if (closed)
		for (int number = 0; number < 3; number++)
			close(number);
	change_signals(block, ignore, handle);
	if (kind)
		use_children(kind);
	for (int i = 0; i < limited; i++)
		set_limit(limits[i], is_hard[i]);
	if (jailed)
		forbid_sockets();
	record_state(&before);
	for (long round = 1; round <= rounds; round++) {
		int code = login(arguments[optind], arguments[optind + 1], arguments[optind + 2]);
		out("code %d\n", code);
		if (round == (rounds + 3) / 4)
			early = rss();
	}
	record_state(&after);
	print_changes(before.bytes, after.bytes);
	out("rss %ld %ld\n", early, rss());
	out("children %d\n", (int)children);
	if (waits) {
		char byte;
		out("waiting %d\n", (int)getpid());
		if (read(ANSWER, &byte, 1) < 0)
			return 3;
	}
	return 0;
}
