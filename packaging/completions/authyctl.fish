# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_authyctl_global_optspecs
    string join \n config= users= json quiet verbose h/help V/version
end

function __fish_authyctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_authyctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_authyctl_using_subcommand
    set -l cmd (__fish_authyctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c authyctl -n "__fish_authyctl_needs_command" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_needs_command" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_needs_command" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_needs_command" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_needs_command" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_needs_command" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_needs_command" -s V -l version -d 'Print version'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "init" -d 'Write config.toml for a second factor; for Authy and Twilio, ask for the API key and check it'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "enroll" -d 'Give a local user a factor: an app on this host, or one at Twilio or Authy'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "unenroll" -d 'Remove a local user from the mapping'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "import" -d 'Enroll many people from a CSV file, or from the files of another program'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "list" -d 'Show the mapping, or the accounts that are missing in it'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "migrate" -d 'Show who depends on which provider, and who would be locked out without it'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "index" -d 'Check mapping and secrets, and write the look-up index of each'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "sync" -d 'Read the people of the directory, for the logins of this host'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "status" -d 'Ask Authy or Twilio what it knows about a person'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "verify" -d 'Ask Authy or Twilio whether a code is valid'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "sms" -d 'Have Authy or Twilio send a code by SMS'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "call" -d 'Have Authy or Twilio send a code by a call'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "email" -d 'Have Authy send a token by e-mail'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "push" -d 'Ask the person\'s phone to approve something, and wait for the answer'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "approval" -d 'Show the state of an approval request'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "qr" -d 'Draw a QR code for another authenticator app'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "app" -d 'Show the application that the key belongs to'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "stats" -d 'Show how much the application was used'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "events" -d 'Show what happened at the application'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "person" -d 'Change what Authy has about a person, and report what happened to them'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "phone" -d 'Verify phone numbers, and look them up'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "check" -d 'Check config.toml and users.toml before they are put in place'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "doctor" -d 'Check everything that a login needs, and whether anyone would be locked out'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "explain" -d 'Show what a login would require of a user, and why'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "test" -d 'Rehearse a login through libpam and the real module'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "audit" -d 'Show the logins of this host as events, from the journal or from a log file'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "metrics" -d 'Print figures about this host for Prometheus'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "limits" -d 'Show what was sent in the last hour, refused codes, and pauses'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "unlock" -d 'Reset the counts of a user: refused codes, and what was sent'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "forget" -d 'Forget the remembered logins of a user'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "recovery" -d 'Manage recovery codes, for when the phone or the provider is not available'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "totp" -d 'Manage apps whose codes this host checks'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "pam" -d 'Add the module to a stack, or remove it'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "key" -d 'Manage the API key'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "guide" -d 'Print what the people who log in should know, for them to read'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "man" -d 'Print the manual page of this program'
complete -c authyctl -n "__fish_authyctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l key-file -d 'File that contains the key; without it, the key is asked for or read from standard input' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l service -d 'The Verify service at Twilio' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l key-sid -d 'The API key at Twilio; its secret is read as the key of Authy is' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l url -d 'URL of the service, if it is not Authy\'s or Twilio\'s own' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l ca-file -d 'CA certificates to trust instead of those of the system' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l force -d 'Replace the key of a config.toml that has one; everything else in it stays'
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l phone -d 'The person\'s number, such as +15551234567, to which Twilio Verify sends codes' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l security-key -d 'An SSH security key that proves the person in sshd: the file of its public key, or its fingerprint' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l secret -d 'Take the app\'s secret from standard input instead (-), in base 32 or as an otpauth:// address; the first code follows on the second line' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l output -d 'Write the app\'s QR code to a file, readable by its owner only, instead of drawing it' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l authy-id -d 'The person\'s number at Authy, for a person who exists there' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l email -d 'The person\'s e-mail address' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l cellphone -d 'The person\'s cellphone' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l country-code -d 'The country\'s calling code; 1 unless the number begins with + or 00' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l ssh-key -d 'The fingerprint of the person\'s SSH key, as ssh-keygen -lf shows it, where several people share the account' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l totp -d 'An authenticator app whose codes this host checks: shows a new secret, and asks for the first code'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l twilio-app -d 'An authenticator app whose codes Twilio Verify checks: shows a new secret, and asks for the first code'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l no-check -d 'Do not ask for the first code of the app'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l install-link -d 'Have Authy send an SMS with a link to its app'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l replace -d 'Replace an id, a number or a secret that differs'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand enroll" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l security-key -d 'Remove one SSH security key of the person: the file of its public key, or its fingerprint' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l ssh-key -d 'Remove one person of a shared account, by the fingerprint of an SSH key' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l remote -d 'Have Authy or Twilio remove the person too'
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand unenroll" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l google-authenticator -d 'A file of google-authenticator, for the user who owns it' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l homes -d 'The files of google-authenticator in the homes of all users'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l dry-run -d 'Check every row, but change nothing'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l replace -d 'Replace ids, numbers and secrets that differ'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand import" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l missing -d 'Show the accounts of this host that can log in and have no factor'
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand list" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -f -a "status" -d 'Show who has which factors, who would be asked where with each `login.provider`, and who would be locked out without Authy or Twilio'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and not __fish_seen_subcommand_from status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show who has which factors, who would be asked where with each `login.provider`, and who would be locked out without Authy or Twilio'
complete -c authyctl -n "__fish_authyctl_using_subcommand migrate; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand index" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l accept -d 'Take over a change that is held, or a name that has come back; can be repeated' -r -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l forget -d 'Forget a name, as if the directory had never had it; can be repeated' -r -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l dry-run -d 'Show what would change, and change nothing'
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand sync" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l action -d 'The action for which the token was sent' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l no-force -d 'Let Authy accept any token of a person who has not finished registration'
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand verify" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l action -d 'Bind the token to an action; verify must name the same' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l action-message -d 'The text that describes the action to the person' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l locale -d 'The language, such as en or pt-BR' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l force -d 'Send it even when the person has the app'
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand sms" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l action -d 'Bind the token to an action; verify must name the same' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l action-message -d 'The text that describes the action to the person' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l locale -d 'The language, such as en or pt-BR' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l force -d 'Send it even when the person has the app'
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand call" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand email" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l message -d 'What the person is asked to approve' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l detail -d 'A detail to show with it; can be repeated' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l hidden-detail -d 'A detail to keep with the request but not show; can be repeated' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l expires -d 'How long it can be answered' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l no-wait -d 'Do not wait for the answer'
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand push" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand approval" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l label -d 'The text that the app shows' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l size -d 'Width and height of the image in pixels' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l output -d 'Write the image to a file, readable by its owner only' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand qr" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand app" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand stats" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l page -d 'The page, counted from 1' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l per-page -d 'The number of events on a page' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l filter -d 'A filter by a parameter of the service; can be repeated' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand events" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "update" -d 'Change the e-mail address of a person'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "activity" -d 'Report to Authy what happened to a person at the application'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "number" -d 'Show the whole phone number of a person, to move to another service'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "registration" -d 'Show how far the registration of a person has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "delete-device" -d 'Delete a device that a person registered with the application\'s own SDK'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and not __fish_seen_subcommand_from update activity number registration delete-device help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l email -d 'The new e-mail address' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l kind -d 'What happened' -r -f -a "password-reset\t'The password was reset'
banned\t'The person was banned'
unbanned\t'The person is not banned any more'
cookie-login\t'The person logged in with a cookie'"
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l ip -d 'The person\'s address' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l data -d 'A further text; can be repeated' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from activity" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l authy-id -d 'The person\'s number at Authy, instead of USER' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from number" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from registration" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from delete-device" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change the e-mail address of a person'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "activity" -d 'Report to Authy what happened to a person at the application'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "number" -d 'Show the whole phone number of a person, to move to another service'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "registration" -d 'Show how far the registration of a person has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "delete-device" -d 'Delete a device that a person registered with the application\'s own SDK'
complete -c authyctl -n "__fish_authyctl_using_subcommand person; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -f -a "start" -d 'Send a code to a number'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -f -a "check" -d 'Ask whether a code is the one that was sent'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -f -a "status" -d 'Show how far a verification has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -f -a "info" -d 'Show what kind of phone a number belongs to'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and not __fish_seen_subcommand_from start check status info help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l country-code -d 'The country\'s calling code; 1 unless the number begins with + or 00' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l via -d 'How the code is sent' -r -f -a "sms\t'By text message'
call\t'By a call'"
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l locale -d 'The language, such as en or pt-BR' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l code-length -d 'The number of digits of the code' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l country-code -d 'The country\'s calling code; 1 unless the number begins with + or 00' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l country-code -d 'The country\'s calling code; 1 unless the number begins with + or 00' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l country-code -d 'The country\'s calling code; 1 unless the number begins with + or 00' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from info" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from help" -f -a "start" -d 'Send a code to a number'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from help" -f -a "check" -d 'Ask whether a code is the one that was sent'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show how far a verification has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from help" -f -a "info" -d 'Show what kind of phone a number belongs to'
complete -c authyctl -n "__fish_authyctl_using_subcommand phone; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand check" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l pam-dir -d 'The folder of the PAM stacks' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l service -d 'PAM service whose rules apply' -r -f -a "(__fish_print_hostnames)"
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l rhost -d 'The address from which the user logs in' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l pam-dir -d 'The folder of the PAM stacks; with another one, sshd and sudo are not asked' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand explain" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l service -d 'PAM service whose rules apply' -r -f -a "(__fish_print_hostnames)"
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l module -d 'The module; by default the installed one' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l engine -d 'The engine that the module starts; by default the installed one' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand test" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l since -d 'Only what came at this time or later: 2h (also s, m, d, w), today, yesterday, a day or an RFC 3339 time' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l user -d 'Only logins of this user name' -r -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l verdict -d 'Only this verdict' -r -f -a "accepted\t''
ignored\t''
refused\t''
unavailable\t''
error\t''"
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l file -d 'A file that a syslog daemon writes, or - for standard input, instead of the journal' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l format -d 'How each event is written, one a line; text by default' -r -f -a "text\t'Time, host, service and the audit line'
json\t'A JSON object with the fields of the audit line'
ocsf\t'Authentication of the Open Cybersecurity Schema Framework, as a JSON object'"
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l output -d 'Replace this file, for the textfile collector of node_exporter, instead of printing' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand metrics" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand limits" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand unlock" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand forget" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -f -a "generate" -d 'Make ten codes, and show them this once'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -f -a "left" -d 'Show how many are left'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -f -a "remove" -d 'Remove all of them'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and not __fish_seen_subcommand_from generate left remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l replace -d 'Replace codes that are left'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from generate" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from left" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from help" -f -a "generate" -d 'Make ten codes, and show them this once'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from help" -f -a "left" -d 'Show how many are left'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove all of them'
complete -c authyctl -n "__fish_authyctl_using_subcommand recovery; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -f -a "check" -d 'Show whether a code is right, and how far the clocks differ; the code is not used up'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -f -a "reset" -d 'Forget the last code that was used, after a wrong clock'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -f -a "remove" -d 'Take the app away from a user who has another factor'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -f -a "list" -d 'Show who has a secret, and where it is'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and not __fish_seen_subcommand_from check reset remove list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from help" -f -a "check" -d 'Show whether a code is right, and how far the clocks differ; the code is not used up'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from help" -f -a "reset" -d 'Forget the last code that was used, after a wrong clock'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Take the app away from a user who has another factor'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show who has a secret, and where it is'
complete -c authyctl -n "__fish_authyctl_using_subcommand totp; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "enable" -d 'Show the change of a service\'s stack as a diff, check it, and make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "disable" -d 'Remove the module from a service\'s stack'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "refresh" -d 'Take over again the files of the distribution that have changed since'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "confirm" -d 'Keep a change that was made with --rollback-after'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "rollback" -d 'Roll back every change that is not confirmed, now'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and not __fish_seen_subcommand_from enable disable refresh confirm rollback help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l rollback-after -d 'Roll the change back after this time, unless `pam confirm` is called' -r
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l root -d 'Change the system whose root folder this is, such as an image, and keep the change; doctor is not asked' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l dry-run -d 'Show and check the change, but do not make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l print -d 'Write the new files to standard output, and change nothing'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l with-key -d 'Require a key instead of the password (sshd only)'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l now -d 'Keep the change'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l force -d 'Make the change even when doctor finds a problem'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l root -d 'Change the system whose root folder this is' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l dry-run -d 'Show the change, but do not make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l root -d 'Change the system whose root folder this is' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l dry-run -d 'Show the change, but do not make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from refresh" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from confirm" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l overdue -d 'Roll back only changes that are overdue'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l wait -d 'Wait until they are'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "enable" -d 'Show the change of a service\'s stack as a diff, check it, and make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "disable" -d 'Remove the module from a service\'s stack'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "refresh" -d 'Take over again the files of the distribution that have changed since'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "confirm" -d 'Keep a change that was made with --rollback-after'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Roll back every change that is not confirmed, now'
complete -c authyctl -n "__fish_authyctl_using_subcommand pam; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -f -a "rotate" -d 'Replace the API key of Authy, once Authy accepts the new one'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and not __fish_seen_subcommand_from rotate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l key-file -d 'File that contains the new key; without it, the key is asked for or read from standard input' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Replace the API key of Authy, once Authy accepts the new one'
complete -c authyctl -n "__fish_authyctl_using_subcommand key; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand guide" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -l config -d 'Configuration file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -l users -d 'Mapping file' -r -F
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -l json -d 'Print one JSON object, for failures too'
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -l quiet -d 'Print nothing on success'
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -l verbose -d 'Show which files and which service are used'
complete -c authyctl -n "__fish_authyctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "init" -d 'Write config.toml for a second factor; for Authy and Twilio, ask for the API key and check it'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "enroll" -d 'Give a local user a factor: an app on this host, or one at Twilio or Authy'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "unenroll" -d 'Remove a local user from the mapping'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "import" -d 'Enroll many people from a CSV file, or from the files of another program'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "list" -d 'Show the mapping, or the accounts that are missing in it'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "migrate" -d 'Show who depends on which provider, and who would be locked out without it'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "index" -d 'Check mapping and secrets, and write the look-up index of each'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "sync" -d 'Read the people of the directory, for the logins of this host'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "status" -d 'Ask Authy or Twilio what it knows about a person'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "verify" -d 'Ask Authy or Twilio whether a code is valid'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "sms" -d 'Have Authy or Twilio send a code by SMS'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "call" -d 'Have Authy or Twilio send a code by a call'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "email" -d 'Have Authy send a token by e-mail'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "push" -d 'Ask the person\'s phone to approve something, and wait for the answer'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "approval" -d 'Show the state of an approval request'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "qr" -d 'Draw a QR code for another authenticator app'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "app" -d 'Show the application that the key belongs to'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "stats" -d 'Show how much the application was used'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "events" -d 'Show what happened at the application'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "person" -d 'Change what Authy has about a person, and report what happened to them'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "phone" -d 'Verify phone numbers, and look them up'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "check" -d 'Check config.toml and users.toml before they are put in place'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "doctor" -d 'Check everything that a login needs, and whether anyone would be locked out'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "explain" -d 'Show what a login would require of a user, and why'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "test" -d 'Rehearse a login through libpam and the real module'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "audit" -d 'Show the logins of this host as events, from the journal or from a log file'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "metrics" -d 'Print figures about this host for Prometheus'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "limits" -d 'Show what was sent in the last hour, refused codes, and pauses'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "unlock" -d 'Reset the counts of a user: refused codes, and what was sent'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "forget" -d 'Forget the remembered logins of a user'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "recovery" -d 'Manage recovery codes, for when the phone or the provider is not available'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "totp" -d 'Manage apps whose codes this host checks'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "pam" -d 'Add the module to a stack, or remove it'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "key" -d 'Manage the API key'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "guide" -d 'Print what the people who log in should know, for them to read'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "completions" -d 'Print completions for a shell'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "man" -d 'Print the manual page of this program'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and not __fish_seen_subcommand_from init enroll unenroll import list migrate index sync status verify sms call email push approval qr app stats events person phone check doctor explain test audit metrics limits unlock forget recovery totp pam key guide completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from migrate" -f -a "status" -d 'Show who has which factors, who would be asked where with each `login.provider`, and who would be locked out without Authy or Twilio'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "update" -d 'Change the e-mail address of a person'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "activity" -d 'Report to Authy what happened to a person at the application'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "number" -d 'Show the whole phone number of a person, to move to another service'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "registration" -d 'Show how far the registration of a person has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from person" -f -a "delete-device" -d 'Delete a device that a person registered with the application\'s own SDK'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from phone" -f -a "start" -d 'Send a code to a number'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from phone" -f -a "check" -d 'Ask whether a code is the one that was sent'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from phone" -f -a "status" -d 'Show how far a verification has come'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from phone" -f -a "info" -d 'Show what kind of phone a number belongs to'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from recovery" -f -a "generate" -d 'Make ten codes, and show them this once'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from recovery" -f -a "left" -d 'Show how many are left'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from recovery" -f -a "remove" -d 'Remove all of them'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from totp" -f -a "check" -d 'Show whether a code is right, and how far the clocks differ; the code is not used up'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from totp" -f -a "reset" -d 'Forget the last code that was used, after a wrong clock'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from totp" -f -a "remove" -d 'Take the app away from a user who has another factor'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from totp" -f -a "list" -d 'Show who has a secret, and where it is'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from pam" -f -a "enable" -d 'Show the change of a service\'s stack as a diff, check it, and make it'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from pam" -f -a "disable" -d 'Remove the module from a service\'s stack'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from pam" -f -a "refresh" -d 'Take over again the files of the distribution that have changed since'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from pam" -f -a "confirm" -d 'Keep a change that was made with --rollback-after'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from pam" -f -a "rollback" -d 'Roll back every change that is not confirmed, now'
complete -c authyctl -n "__fish_authyctl_using_subcommand help; and __fish_seen_subcommand_from key" -f -a "rotate" -d 'Replace the API key of Authy, once Authy accepts the new one'
complete -c authyctl -n "__fish_seen_subcommand_from enroll" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from unenroll" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from sync" -l accept -x -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from sync" -l forget -x -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from status" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from verify" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from sms" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from call" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from email" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from push" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from qr" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from person; and __fish_seen_subcommand_from update" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from person; and __fish_seen_subcommand_from activity" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from person; and __fish_seen_subcommand_from number" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from explain" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from explain" -l service -x -a "(path basename /etc/pam.d/* /usr/lib/pam.d/*)"
complete -c authyctl -n "__fish_seen_subcommand_from test" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from test" -l service -x -a "(path basename /etc/pam.d/* /usr/lib/pam.d/*)"
complete -c authyctl -n "__fish_seen_subcommand_from audit" -l user -x -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from unlock" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from forget" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from recovery; and __fish_seen_subcommand_from generate" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from recovery; and __fish_seen_subcommand_from left" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from recovery; and __fish_seen_subcommand_from remove" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from totp; and __fish_seen_subcommand_from check" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from totp; and __fish_seen_subcommand_from reset" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from totp; and __fish_seen_subcommand_from remove" -f -a "(__fish_complete_users)"
complete -c authyctl -n "__fish_seen_subcommand_from pam; and __fish_seen_subcommand_from enable" -f -a "(path basename /etc/pam.d/* /usr/lib/pam.d/*)"
complete -c authyctl -n "__fish_seen_subcommand_from pam; and __fish_seen_subcommand_from disable" -f -a "(path basename /etc/pam.d/* /usr/lib/pam.d/*)"
