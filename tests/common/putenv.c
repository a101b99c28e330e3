/* pam_putenv: a PAM module that sets a variable of the PAM environment, NAME=VALUE, and has no opinion on the login. */
#include <security/pam_modules.h>

int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    (void)flags;
    return argc == 1 && pam_putenv(pamh, argv[0]) == PAM_SUCCESS ? PAM_IGNORE : PAM_SYSTEM_ERR;
}

int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv) {
    (void)pamh, (void)flags, (void)argc, (void)argv;
    return PAM_IGNORE;
}
