/*
 * stand_in: a PAM module that tells the application that it was called, and answers what the
 * application says. Its first argument is its number. The application is logins.c.
 */
#include <security/pam_modules.h>
#include <stdlib.h>

int stand_in(int is_setcred, int number);

int pam_sm_authenticate(pam_handle_t *handle, int flags, int argc, const char **argv)
{
	(void)handle;
	(void)flags;
	return argc > 0 ? stand_in(0, atoi(argv[0])) : PAM_ABORT;
}

int pam_sm_setcred(pam_handle_t *handle, int flags, int argc, const char **argv)
{
	(void)handle;
	(void)flags;
	return argc > 0 ? stand_in(1, atoi(argv[0])) : PAM_ABORT;
}
