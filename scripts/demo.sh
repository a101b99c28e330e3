#!/usr/bin/env bash
# demo.sh MODULE ENGINE AUTHYCTL AUTHY_SIM: a real login through libpam, the module and its engine, against
# authy-sim.
#
# It needs no root and writes only to a private folder in $TMPDIR, which it removes at the end; it
# also stops the simulator. Module and engine are installed there first, since the module trusts no
# engine that others can write, as in a checkout made with umask 002. On a terminal the login asks
# you for the token; without a terminal the script reads the token from the simulated phone. The
# person has the app, so that you can also approve a push. DEMO_FAULTS can contain a fault to arm
# before the login, as JSON for the simulator's POST /faults, for example
# '{"match":{"path":"/verify"},"status":500}'.
#
# Exit status: 0 PAM_SUCCESS, 1 any other PAM code, 2 the demo could not run.
set -euo pipefail

readonly AUTHY_ID=1635 SERVICE=demo
# The simulator stops by itself after this many seconds, in case this script is killed.
readonly LIFETIME=900

stop() {
    printf 'demo: %s\n' "$@" >&2
    exit 2
}

say() {
    printf '\n%s\n' "$1"
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

# Sends a request to the simulator's control address and prints the body of the answer. It uses
# bash's sockets, so that the demo needs no curl.
control() {
    local method=$1 path=$2 body=${3-} status reply
    local LC_ALL=C # ${#body} counts bytes
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$method" "$path" "$address" ${#body} "$body" >&3
    reply=$(tr -d '\r' <&3)
    exec 3>&-
    status=${reply%%$'\n'*}
    [[ $status == HTTP/1.?\ 2* ]] || stop "the simulator answered $method $path: $status" "${reply##*$'\n\n'}"
    printf '%s\n' "${reply#*$'\n\n'}"
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

fresh_token() {
    control POST "/phone/users/$AUTHY_ID/token" | sed -n 's/.*"token" *: *"\([0-9]*\)".*/\1/p'
}

show_phone() {
    say "Your phone, for the next $((LIFETIME / 60)) minutes:"
    echo "  in a browser    http://$address/phone"
    echo "                  the large number is the token; if you type push, approve the request there"
    echo "  in a terminal   curl -s http://$address/phone.json | grep -o '\"token\":\"[0-9]*\"'"
}

# Runs the login: authyctl is the application that calls libpam.
log_in() {
    local command=("$authyctl" --config "$dir/config.toml" --users "$dir/users.toml"
        test "$user" --service "$SERVICE" --module "$dir/pam_authy.so" --engine "$dir/pam_authyd")
    if [ -t 0 ] && [ -t 1 ]; then
        show_phone
        say "The login, through libpam:"
        run "${command[@]}"
    else
        # There is one answer, so allow one attempt: it is accepted, or the login is denied.
        printf '\n[service.%s]\nattempts = 1\n' "$SERVICE" >>"$dir/config.toml"
        local token
        token=$(fresh_token)
        say "The login, through libpam (without a terminal: the answer $token comes from the phone):"
        run "${command[@]}" <<<"$token" 2>&1
    fi
}

# Waits up to 2 s for the line, which arrives as a datagram.
show_audit_line() {
    local waited
    say "The audit line that the simulator's log socket received:"
    for ((waited = 0; waited < 20; waited++)); do
        if grep 'verdict=' "$dir/log.txt" 2>/dev/null | sed 's/^/  /' | grep .; then
            return
        fi
        sleep 0.1
    done
    echo "  none"
}

[ $# -eq 4 ] || stop "usage: demo.sh MODULE ENGINE AUTHYCTL AUTHY_SIM"
module=$(realpath "$1")
engine=$(realpath "$2")
authyctl=$(realpath "$3")
authy_sim=$(realpath "$4")
user=$(id -un) || stop "your user id has no name, which libpam needs"

umask 077
dir=$(mktemp -d "${TMPDIR:-/tmp}/pam_authy-demo.XXXXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

install -m 0644 "$module" "$dir/pam_authy.so"
install -m 0755 "$engine" "$dir/pam_authyd"
say "The module: $module"
say "Its engine: $engine"
start_simulator
say "A simulated Authy service listens at $url (its files: $dir)."
control POST /phone/users "{\"authy_id\":$AUTHY_ID,\"cellphone\":\"555-010-0199\",\"country_code\":\"1\",\"email\":\"$user@example.com\",\"registered\":true}" >/dev/null

say "The current user is enrolled:"
run "$authyctl" --users "$dir/users.toml" enroll "$user" --authy-id "$AUTHY_ID"

if [ -n "${DEMO_FAULTS-}" ]; then
    say "A fault is armed: $DEMO_FAULTS"
    control POST /faults "$DEMO_FAULTS" >/dev/null
fi

status=0
log_in || status=$?
show_audit_line

if [ "$status" -eq 0 ]; then
    say "Logged in."
    exit 0
fi
say "Not logged in."
exit 1
