/*
 * logins: logs in through libpam again and again, with modules that answer what a script says.
 *
 *   logins FOLDER
 *
 * Each line of standard input is `SERVICE CODES CODES`: the answers of the stand-ins 0, 1, … to
 * authenticate, then those to setcred, as numbers with commas between. For each line the program
 * prints one: the result of pam_authenticate, that of pam_setcred after it, that of pam_setcred
 * alone in a new transaction, and for each of the three the stand-ins that were called, in order:
 *
 *   0 0 6 0,1,2 0,1,2 0,1
 *
 * A dash means no call. tests/common/logins.rs compiles and runs it; stand_in.c is the module.
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAND_INS = 64, CALLS = 256 };

static int codes[2][STAND_INS];
static int called[CALLS];
static int count;

/* Called by the stand-ins. */
int stand_in(int is_setcred, int number);
int stand_in(int is_setcred, int number)
{
	if (number < 0 || number >= STAND_INS || count == CALLS)
		abort();
	called[count++] = number;
	return codes[is_setcred][number];
}

static int converse(int n, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	(void)n;
	(void)messages;
	(void)responses;
	(void)data;
	return PAM_CONV_ERR;
}

static void read_codes(char *text, int *to)
{
	for (int i = 0; i < STAND_INS; i++) {
		to[i] = text && *text ? (int)strtol(text, &text, 10) : 0;
		if (text && *text == ',')
			text++;
	}
}

static void append_calls(char *text, size_t size)
{
	size_t length = 0;
	snprintf(text, size, "-");
	for (int i = 0; i < count; i++)
		length += (size_t)snprintf(text + length, size - length, i ? ",%d" : "%d", called[i]);
	count = 0;
}

static pam_handle_t *start(const char *service, const char *folder)
{
	static const struct pam_conv conversation = { converse, NULL };
	pam_handle_t *handle = NULL;
	if (pam_start_confdir(service, "root", &conversation, folder, &handle) != PAM_SUCCESS)
		exit(2);
	return handle;
}

int main(int argc, char **argv)
{
	static char line[8192], calls[3][2048];
	if (argc != 2)
		return 2;
	while (fgets(line, sizeof line, stdin)) {
		char *rest = line;
		char *service = strsep(&rest, " \n");
		read_codes(strsep(&rest, " \n"), codes[0]);
		read_codes(strsep(&rest, " \n"), codes[1]);
		pam_handle_t *handle = start(service, argv[1]);
		int first = pam_authenticate(handle, 0);
		append_calls(calls[0], sizeof calls[0]);
		int second = pam_setcred(handle, PAM_ESTABLISH_CRED);
		append_calls(calls[1], sizeof calls[1]);
		pam_end(handle, second);
		handle = start(service, argv[1]);
		int alone = pam_setcred(handle, PAM_ESTABLISH_CRED);
		append_calls(calls[2], sizeof calls[2]);
		pam_end(handle, alone);
		printf("%d %d %d %s %s %s\n", first, second, alone, calls[0], calls[1], calls[2]);
	}
	return fflush(stdout) ? 2 : 0;
}
