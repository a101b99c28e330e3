# The commands of a developer or packager. `make demo` shows a login; CI runs `make check`.
#
#   make             builds pam_authy.so and pam_authyd into target/product and authyctl into target/release
#   make demo        runs two real logins, without root or files in /etc: by a code, by a simulated push
#   make check       checks formatting, lints, documentation and every test
#   make check-long  the same with ten times the random cases, then `make check-hosts` and `make fuzz`
#   make check-hosts installs the packages on Debian 13 and logs in there (HOST=debian-sid: on sid); needs root
#   make fuzz        runs each fuzz target for SECONDS=60
#   make bench       measures a login and the alternatives, as root the service too; takes five minutes
#                    (BENCH="200 totp": 200 rounds of the logins by an app on this host, and nothing else;
#                    BENCH="1 sync": the directory alone, where scripts/peers.sh slapd has fetched slapd)
#   make install     installs below DESTDIR, and no file in /etc
#   make install-sim installs authy-sim
#   make uninstall   removes the files of both
#   make packages    builds the .deb and the .rpm, if this machine can, into target/packages
#   make dist        packs the sources of a release reproducibly into target/dist, with SHA256SUMS
#   make sbom        writes lists of the crates in each program into target/dist, and SHA256SUMS anew
#
# DESTDIR     root folder of the installation, empty for this system (for packagers)
# PREFIX      /usr
# LIBEXECDIR  folder of the engine; the module contains it, so `make` and `make install` need the same one
# UNITDIR     folder of systemd's units; empty (`UNITDIR=`): no units, for systems without systemd
# PAMDIR      folder of pam_unix.so on the target system; scripts/pamdir.sh finds it
# PAM_AUTHY_FIRST_EDITION  a pam_authy.so of the first edition, which `make bench` measures too

PREFIX ?= /usr
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
LIBEXECDIR = $(PREFIX)/libexec/pam_authy
MANDIR = $(PREFIX)/share/man
# Files below $(PREFIX)/share, where each shell looks for completions.
COMPLETIONS = bash-completion/completions/authyctl zsh/site-functions/_authyctl fish/vendor_completions.d/authyctl.fish
DOCDIR = $(PREFIX)/share/doc/pam_authy
UNITDIR = $(PREFIX)/lib/systemd/system
UNITS = pam_authy.socket pam_authy-user.socket pam_authy.service pam_authy-sync.service pam_authy-sync.timer
PAMDIR ?= $(shell scripts/pamdir.sh "$(DESTDIR)")

CARGO ?= cargo
RUSTC ?= rustc
INSTALL ?= install
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)

# cargo writes into a folder named after the target if a target is set.
TRIPLE = $(if $(CARGO_BUILD_TARGET),/$(CARGO_BUILD_TARGET))

# Module and engine have a target folder of their own: other builds, with other features, must not be able
# to replace what is installed.
PRODUCT = target/product/pam_authy.so
ENGINE = target/product/pam_authyd
AUTHYCTL = $(TARGET_DIR)$(TRIPLE)/release/authyctl
AUTHY_SIM = $(TARGET_DIR)$(TRIPLE)/release/authy-sim
DEBUG = $(TARGET_DIR)$(TRIPLE)/debug

# Cargo.toml alone has the version. RELEASE numbers the packages of one version.
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml)
RELEASE ?= 1
PACKAGES = target/packages

# rustup installs cargo here; a shell that was started before does not have it in PATH.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: all product authyctl authy-sim programs demo demo-module check check-long check-hosts fuzz bench install install-sim uninstall deb rpm packages dist sbom clean

all:
	@scripts/prerequisites.sh build
	@$(MAKE) --no-print-directory product authyctl

# Less inlining at link time makes both smaller, and a login no slower.
product:
	PAM_AUTHY_ENGINE=$(LIBEXECDIR)/pam_authyd $(CARGO) rustc --locked --release --lib --no-default-features --features module --crate-type cdylib --target-dir target/product -- -C llvm-args=-inline-threshold=6
	$(CARGO) rustc --locked --release --bin pam_authyd --no-default-features --features engine --target-dir target/product -- -C llvm-args=-inline-threshold=5
	@$(INSTALL) -m 0644 target/product$(TRIPLE)/release/libpam_authy.so $(PRODUCT)
	@$(INSTALL) -m 0755 target/product$(TRIPLE)/release/pam_authyd $(ENGINE)

authyctl:
	PAM_AUTHY_ENGINE=$(LIBEXECDIR)/pam_authyd $(CARGO) build --locked --release --bin authyctl --target-dir $(TARGET_DIR)

authy-sim:
	$(CARGO) build --locked --release --features sim --bin authy-sim --target-dir $(TARGET_DIR)

# Debug builds for the demo: they build quickly, and `cargo test --all-features` uses them too, since
# these are all features.
programs:
	$(CARGO) build --locked --features module,sim --lib --bins --target-dir $(TARGET_DIR)

# The module of the demo, linked from the library of the programs: `cargo rustc` would compile all of
# it again.
demo-module: programs
	@echo 'extern crate pam_authy;' | $(RUSTC) --edition 2024 --crate-type cdylib --crate-name pam_authy_demo -C strip=debuginfo \
	    $(if $(CARGO_BUILD_TARGET),--target $(CARGO_BUILD_TARGET)) --extern pam_authy=$(DEBUG)/libpam_authy.rlib \
	    -L dependency=$(DEBUG)/deps -L dependency=$(TARGET_DIR)/debug/deps -o $(DEBUG)/pam_authy.so -

# These have no prerequisites, so that `sudo make install` after `make` builds nothing and needs no
# cargo.
$(PRODUCT):
	@scripts/prerequisites.sh build
	@$(MAKE) --no-print-directory product

$(ENGINE): $(PRODUCT)
	@[ -e $@ ] || $(MAKE) --no-print-directory product

$(AUTHYCTL):
	@scripts/prerequisites.sh build
	@$(MAKE) --no-print-directory authyctl

$(AUTHY_SIM):
	@scripts/prerequisites.sh build
	@$(MAKE) --no-print-directory authy-sim

demo:
	@scripts/prerequisites.sh demo
	@started=$$(date +%s); $(MAKE) --no-print-directory demo-module && \
	    DEMO_STARTED=$$started DEMO_BUILT=$$(date +%s) scripts/demo.sh $(DEBUG)/pam_authy.so $(DEBUG)/pam_authyd $(DEBUG)/authyctl $(DEBUG)/authy-sim

SECONDS ?= 60

check:
	@scripts/prerequisites.sh check
	@scripts/check.sh

check-long:
	@scripts/prerequisites.sh check
	@scripts/check.sh long $(SECONDS)

HOST ?= debian-13

check-hosts:
	@scripts/prerequisites.sh check
	@scripts/check.sh hosts $(HOST)

fuzz:
	@scripts/fuzz.sh $(SECONDS)

bench:
	@scripts/prerequisites.sh bench
	@$(MAKE) --no-print-directory product
	$(CARGO) bench --locked --features sim --bench bench --target-dir target/bench -- $(CURDIR)/$(PRODUCT) $(CURDIR)/$(ENGINE) $(BENCH)

install: $(PRODUCT) $(ENGINE) $(AUTHYCTL)
	$(if $(PAMDIR),,$(error no pam_unix.so found: set PAMDIR to its folder))
	$(INSTALL) -d -m 0755 $(DESTDIR)$(PAMDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 0644 $(PRODUCT) $(DESTDIR)$(PAMDIR)/pam_authy.so
	$(INSTALL) -m 0755 $(ENGINE) $(DESTDIR)$(LIBEXECDIR)/pam_authyd
	$(INSTALL) -m 0755 $(AUTHYCTL) $(DESTDIR)$(SBINDIR)/authyctl
	$(INSTALL) -m 0644 packaging/man/pam_authy.8 packaging/man/authyctl.8 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 0644 packaging/man/pam_authy.toml.5 $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -d -m 0755 $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	$(INSTALL) -m 0644 packaging/completions/authyctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/authyctl
	$(INSTALL) -m 0644 packaging/completions/_authyctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_authyctl
	$(INSTALL) -m 0644 packaging/completions/authyctl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/authyctl.fish
ifneq ($(UNITDIR),)
	$(INSTALL) -d -m 0755 $(DESTDIR)$(UNITDIR)
	$(INSTALL) -m 0644 $(addprefix packaging/systemd/,$(UNITS)) $(DESTDIR)$(UNITDIR)
	sed -i 's|/usr/libexec/pam_authy|$(LIBEXECDIR)|' $(DESTDIR)$(UNITDIR)/pam_authy.service
	sed -i 's|/usr/sbin|$(SBINDIR)|' $(DESTDIR)$(UNITDIR)/pam_authy-sync.service
endif
	$(INSTALL) -m 0644 README.md etc/config.toml etc/users.toml $(DESTDIR)$(DOCDIR)

install-sim: $(AUTHY_SIM)
	$(INSTALL) -d -m 0755 $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 0755 $(AUTHY_SIM) $(DESTDIR)$(BINDIR)/authy-sim
	$(INSTALL) -m 0644 packaging/man/authy-sim.1 $(DESTDIR)$(MANDIR)/man1

uninstall:
	$(if $(PAMDIR),,$(error no pam_unix.so found: set PAMDIR to its folder))
	rm -f $(DESTDIR)$(PAMDIR)/pam_authy.so $(DESTDIR)$(LIBEXECDIR)/pam_authyd $(DESTDIR)$(SBINDIR)/authyctl $(DESTDIR)$(BINDIR)/authy-sim
	rm -f $(DESTDIR)$(MANDIR)/man5/pam_authy.toml.5 $(DESTDIR)$(MANDIR)/man8/pam_authy.8 $(DESTDIR)$(MANDIR)/man8/authyctl.8 $(DESTDIR)$(MANDIR)/man1/authy-sim.1
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS)) $(if $(UNITDIR),$(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)))
	rm -rf $(DESTDIR)$(DOCDIR)
	[ ! -d $(DESTDIR)$(LIBEXECDIR) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(LIBEXECDIR)

# These run cargo each time, because `make install` alone would package programs that are older than
# the sources.
deb:
	@scripts/prerequisites.sh deb
	@$(MAKE) --no-print-directory product authyctl authy-sim
	@packaging/deb/build.sh $(VERSION)-$(RELEASE) $(PACKAGES)

rpm:
	@scripts/prerequisites.sh rpm
	@$(MAKE) --no-print-directory product authyctl authy-sim
	@packaging/rpm/build.sh $(VERSION) $(RELEASE) $(PACKAGES)

packages:
	@packaging/packages.sh

dist:
	@scripts/dist.sh $(VERSION) target/dist
	@scripts/checksums.sh target/dist

sbom:
	@scripts/sbom.py
	@scripts/checksums.sh target/dist

clean:
	rm -rf target/product
	$(CARGO) clean --target-dir $(TARGET_DIR)
