#!/usr/bin/env bash
# demo.sh MODULE ENGINE AUTHYCTL AUTHY_SIM: two real logins through libpam, the module and its engine: by
# the code of an authenticator app, which the engine checks without any service, and by a push of authy-sim.
#
# It needs no root and writes only to a private folder in $TMPDIR, which it removes at the end; it
# also stops the simulator. Module and engine are installed there first, since the module trusts no
# engine that others can write, as in a checkout made with umask 002. On a terminal you answer, with a
# simulated phone in the browser or in another terminal (phone.sh), or with a real app; elsewhere the
# script answers.
#
# DEMO_FAULTS can contain a fault to arm before the second login, as JSON for the simulator's POST
# /faults, for example '{"match":{"path":"/onetouch"},"status":500}'. `make demo` sets DEMO_STARTED and
# DEMO_BUILT, when it began and when everything was built, in seconds since 1970.
#
# Exit status: 0 PAM_SUCCESS twice, 1 any other PAM code, 2 the demo could not run.
set -euo pipefail

readonly AUTHY_ID=1635 SERVICE=demo
# The simulator stops by itself after this many seconds, in case this script is killed.
readonly LIFETIME=3600

stop() {
    printf 'demo: %s\n' "$@" >&2
    exit 2
}

say() {
    printf '\n%s\n' "$@"
}

run() {
    printf '  $'
    printf ' %q' "$(basename "$1")" "${@:2}"
    printf '\n'
    "$@"
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
    if [ -n "${sim_pid-}" ]; then
        kill "$sim_pid" 2>/dev/null || true
        wait "$sim_pid" 2>/dev/null || true
    fi
    rm -rf "$dir"
}

phone() {
    "$scripts/phone.sh" "$address" "$@"
}

start_simulator() {
    "$authy_sim" --listen 127.0.0.1:0 --dir "$dir" --with-parent --stop-after "$LIFETIME" \
        >"$dir/ready.txt" 2>"$dir/sim.err" &
    sim_pid=$!
    local waited
    for ((waited = 0; waited < 100; waited++)); do
        if grep -q '^https://' "$dir/ready.txt" 2>/dev/null; then
            url=$(grep -m 1 '^https://' "$dir/ready.txt")
            address=$(sed 's|^http://||; s|/.*$||' "$dir/control.url")
            return
        fi
        kill -0 "$sim_pid" 2>/dev/null || break
        sleep 0.1
    done
    stop "authy-sim did not start" "$(cat "$dir/sim.err")"
}

# Adds what is different in the demo to a configuration: time to look around, and, where the script
# answers, one attempt, since it has one answer.
add_rules() {
    printf '\n[service.%s]\ndeadline_seconds = 600\npush_seconds = 300\n' "$SERVICE"
    on_terminal || echo "attempts = 1"
}

on_terminal() {
    [ -t 0 ] && [ -t 1 ]
}

# Runs a login with the configuration $1: authyctl is the application that calls libpam.
authenticate() {
    local command=("$authyctl" --config "$1" --users "$dir/users.toml"
        test "$user" --service "$SERVICE" --module pam_authy.so --engine pam_authyd)
    if on_terminal; then
        run "${command[@]}"
    else
        run "${command[@]}" <<<"$2" 2>&1
    fi
}

# A login by $1: runs it with the configuration $2 and, without a terminal, with the answer $3; then shows
# what the engine logged and, if it failed, says why.
log_in() {
    local status=0 old
    old=$(log_lines | wc -l)
    authenticate "$2" "$3" || status=$?
    show_log "$old"
    if [ "$status" -eq 0 ]; then
        say "Logged in."
    else
        explain "$1"
        failed=1
    fi
}

# The lines that the engine logged, without what syslog puts before them.
log_lines() {
    sed 's/^<[0-9]*>[^]]*]: //' log.txt
}

# Shows the lines after the first $1. They arrive as datagrams: waits up to 2 s for an audit line.
show_log() {
    local waited
    say "What the engine logged, with the simulator in place of /dev/log; an audit line ends each login:"
    for ((waited = 0; waited < 20; waited++)); do
        if log_lines | tail -n "+$(($1 + 1))" | grep -q '^verdict='; then
            break
        fi
        sleep 0.1
    done
    log_lines | tail -n "+$(($1 + 1))" | sed 's/^/  /'
}

# Says why the login by $1 failed: what docs/reference.md says of the reason in the last audit line.
explain() {
    local reason row
    reason=$(log_lines | sed -n 's/^verdict=.* reason=\([a-z_]*\).*/\1/p' | tail -n 1)
    row=$(grep -m 1 "^| \`$reason\` |" "$scripts/../docs/reference.md" || true)
    say "Not logged in: the login by $1 failed."
    if [ -n "$row" ]; then
        sed 's/^| `\(.*\)` | \(.*\) | \(.*\) |$/  why: \1 (\2): \3/; s/ (\[[^)]*)//; s/](.*)//' <<<"$row"
    else
        echo "  why: unknown, since no audit line arrived; the messages above may say it"
    fi
    echo "  more: the lines above; docs/troubleshooting.md explains them and the messages"
}

# A length of time in words.
words() {
    if [ "$1" -ge 60 ]; then
        echo "$(($1 / 60)) min $(($1 % 60)) s"
    else
        echo "$1 s"
    fi
}

# Says how long it took to the first login, whose end is at $1.
show_time() {
    local built=${DEMO_BUILT:-$began} started=${DEMO_STARTED:-$began}
    say "From the start of make demo in the clone to the first login: $(words $(($1 - started))); building: $(words $((built - started)))."
}

app_login() {
    local secret answer=
    say "1. A login by the code of an app, which this host checks itself: no service, no network"
    run "$authyctl" --config "$dir/app.toml" init totp
    sed -i "s|^#state = .*|state = \"$dir/state\"|; s|^#log = .*|log = \"$dir/log\"|" app.toml
    add_rules >>app.toml
    run "$authyctl" --config "$dir/app.toml" --users "$dir/users.toml" enroll "$user" --totp --no-check | tee app.txt
    secret=$(sed -n 's/^    \([A-Z2-7 ]*\)$/\1/p' app.txt)
    phone request POST /phone/apps "{\"name\":\"$user\",\"secret\":\"$secret\"}" >/dev/null
    if on_terminal; then
        say "Type the code of the app. These have it:"
        echo "  a real phone    scan the QR code"
        echo "  in a browser    http://$address/phone"
        echo "  in a terminal   scripts/phone.sh $address"
    else
        answer=$(phone code)
        say "(without a terminal: the answer $answer comes from the simulated phone)"
    fi
    log_in "the code of an app" "$dir/app.toml" "$answer"
}

push_login() {
    say "2. A login by a push, for the same person, who also has an Authy account, at $url"
    phone request POST /phone/users "{\"authy_id\":$AUTHY_ID,\"cellphone\":\"555-010-0199\",\"country_code\":\"1\",\"email\":\"$user@example.com\",\"registered\":true,\"messages_forced\":true}" >/dev/null
    run "$authyctl" --config "$dir/config.toml" --users "$dir/users.toml" enroll "$user" --authy-id "$AUTHY_ID"
    if [ -n "${DEMO_FAULTS-}" ]; then
        say "A fault is armed: $DEMO_FAULTS"
        phone request POST /faults "$DEMO_FAULTS" >/dev/null
    fi
    if on_terminal; then
        say "Type push and approve it on the phone; or type sms, which arrives there. The next code of the app works too."
        echo "  in a browser    http://$address/phone"
        echo "  in a terminal   scripts/phone.sh $address approve"
        echo "                  scripts/phone.sh $address shows an SMS"
    else
        say "(without a terminal: the answer is push, which the simulated phone approves)"
        phone approve >/dev/null 2>&1 &
        approver=$!
    fi
    log_in "a push" "$dir/config.toml" push
    [ -z "${approver-}" ] || kill "$approver" 2>/dev/null || true
}

[ $# -eq 4 ] || stop "usage: demo.sh MODULE ENGINE AUTHYCTL AUTHY_SIM"
began=$(date +%s)
scripts=$(dirname "$(realpath "$0")")
module=$(realpath "$1")
engine=$(realpath "$2")
authyctl=$(realpath "$3")
authy_sim=$(realpath "$4")
user=$(id -un) || stop "your user id has no name, which libpam needs"
failed=0

umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/pam_authy-demo.XXXXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

install -m 0644 "$module" "$dir/pam_authy.so"
install -m 0755 "$engine" "$dir/pam_authyd"
say "The module: $module"
say "Its engine: $engine"
start_simulator
say "All files of the demo are in $dir, until it ends."
cd "$dir"
add_rules >>config.toml

app_login
logged_in=$(date +%s)
first_failed=$failed
push_login
[ "$first_failed" -ne 0 ] || show_time "$logged_in"
exit "$failed"
