#!/usr/bin/env bash
# phone.sh ADDRESS [COMMAND]: the phone of authy-sim for a terminal; ADDRESS is that in control.url,
# as 127.0.0.1:PORT.
#
#   phone.sh ADDRESS                        shows the codes, messages and pushes on it
#   phone.sh ADDRESS code                   prints the code of the authenticator app
#   phone.sh ADDRESS approve|deny           decides the push; waits up to 20 s for one
#   phone.sh ADDRESS request METHOD PATH [BODY]   sends any request, and prints the body of the answer
#
# It uses bash's sockets, so that it needs no curl. `make demo` uses it, and says how to.
# Exit status: 0 done, 1 no push arrived, 2 the simulator does not answer, or refuses.
set -euo pipefail

stop() {
    printf 'phone: %s\n' "$@" >&2
    exit 2
}

# Prints the body of the answer to METHOD PATH [BODY]. Returns 1 unless its status is a success.
request() {
    local method=$1 path=$2 body=${3-} reply
    local LC_ALL=C # ${#body} counts bytes
    exec 3<>"/dev/tcp/${address%:*}/${address##*:}" || stop "nothing listens at $address"
    printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
        "$method" "$path" "$address" ${#body} "$body" >&3
    reply=$(tr -d '\r' <&3)
    exec 3>&-
    # $(…) cuts the empty line before an empty body.
    [[ $reply == *$'\n\n'* ]] || reply+=$'\n\n'
    printf '%s\n' "${reply#*$'\n\n'}"
    [[ ${reply%%$'\n'*} == HTTP/1.?\ 2* ]]
}

# Prints the values of the members NAME in the JSON of the phone, one a line.
values() {
    request GET /phone.json | grep -o "\"$1\":\"[^\"]*\"" | cut -d '"' -f 4 || true
}

show() {
    local codes messages
    codes=$(values code)
    messages=$(values text)
    echo "code of the app: ${codes:-none}"
    printf '%s\n' "${messages:-no message}"
    echo "pushes that wait: $(values status | grep -c '^pending$' || true)"
}

# The simulator decides only a push that waits, and answers 404 for any other.
decide() {
    local waited uuid
    for ((waited = 0; waited < 100; waited++)); do
        for uuid in $(values uuid); do
            if request POST "/phone/approvals/$uuid" "{\"approve\":$1}" >/dev/null; then
                return
            fi
        done
        sleep 0.2
    done
    echo "no push arrived" >&2
    return 1
}

address=${1-}
[[ $address =~ ^127\.0\.0\.1:[0-9]+$ ]] || stop "usage: phone.sh 127.0.0.1:PORT [code|approve|deny|request]"
case ${2-} in
    "") show ;;
    code) values code | head -n 1 ;;
    approve) decide true ;;
    deny) decide false ;;
    request) request "${@:3}" || stop "the simulator refuses ${*:3:2}" ;;
    *) stop "usage: phone.sh 127.0.0.1:PORT [code|approve|deny|request]" ;;
esac
