# All that a person types. `make demo` shows a login, `make check` is what CI runs.
#
#   make             pam_authy.so in target/product and authyctl in target/release
#   make demo        a real login against a simulated Authy: no root, no file in /etc
#   make check       formatting, lints, docs and every test: within 25 minutes on two cores
#   make check-long  the same with ten times the random cases, then `make fuzz`: no limit of time
#   make fuzz        each fuzz target for SECONDS=60
#   make bench       what a login costs, beside the alternatives; some four minutes
#   make install     below DESTDIR; never a file in /etc
#   make install-sim authy-sim too
#   make uninstall   takes away what the two put there
#   make packages    those of deb and rpm that this machine can build, into target/packages
#   make dist        the sources of the last commit as one reproducible archive; make sbom
#
# DESTDIR  folder that stands for / (packagers)
# PREFIX   /usr
# PAMDIR   where the target keeps pam_unix.so; found by scripts/pamdir.sh

PREFIX ?= /usr
SBINDIR = $(PREFIX)/sbin
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
# Below $(PREFIX)/share, where each shell looks.
COMPLETIONS = bash-completion/completions/authyctl zsh/site-functions/_authyctl fish/vendor_completions.d/authyctl.fish
DOCDIR = $(PREFIX)/share/doc/pam_authy
PAMDIR ?= $(shell scripts/pamdir.sh "$(DESTDIR)")

CARGO ?= cargo
INSTALL ?= install
TARGET_DIR = $(or $(CARGO_TARGET_DIR),target)

# cargo puts its files into a folder named after the target when one is asked for.
TRIPLE = $(if $(CARGO_BUILD_TARGET),/$(CARGO_BUILD_TARGET))

# The module has a target folder of its own: a plain `cargo build --release` of this package makes
# a larger libpam_authy.so without LTO, and must not be able to replace the one that is installed.
PRODUCT = target/product/pam_authy.so
AUTHYCTL = $(TARGET_DIR)$(TRIPLE)/release/authyctl
AUTHY_SIM = $(TARGET_DIR)$(TRIPLE)/release/authy-sim

# The one place of the version is Cargo.toml. RELEASE counts the packages of one version.
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml)
RELEASE ?= 1
PACKAGES = target/packages

# Where rustup puts cargo, for a shell that has not read its profile since.
export PATH := $(PATH):$(HOME)/.cargo/bin

.PHONY: all product authyctl authy-sim programs demo check check-long fuzz bench install install-sim uninstall deb rpm packages dist sbom clean

all: product authyctl

# What is inlined across crates is inlined when they are linked: fewer copies there make the module 56 KB
# smaller, and a login no slower.
product:
	$(CARGO) rustc --locked --release --lib --no-default-features --crate-type cdylib --target-dir target/product -- -C llvm-args=-inline-threshold=5
	@$(INSTALL) -m 0644 target/product$(TRIPLE)/release/libpam_authy.so $(PRODUCT)

authyctl:
	$(CARGO) build --locked --release --bin authyctl --target-dir $(TARGET_DIR)

authy-sim:
	$(CARGO) build --locked --release --features sim --bin authy-sim --target-dir $(TARGET_DIR)

# For the demo: quick to build, and what `cargo test --all-features` builds too.
programs:
	$(CARGO) build --locked --features sim --bins --target-dir $(TARGET_DIR)

# Without prerequisites: `sudo make install` after `make` builds nothing, and needs no cargo.
$(PRODUCT):
	@$(MAKE) --no-print-directory product

$(AUTHYCTL):
	@$(MAKE) --no-print-directory authyctl

$(AUTHY_SIM):
	@$(MAKE) --no-print-directory authy-sim

demo:
	@scripts/prerequisites.sh demo
	@$(MAKE) --no-print-directory product programs
	@scripts/demo.sh $(PRODUCT) $(TARGET_DIR)$(TRIPLE)/debug/authyctl $(TARGET_DIR)$(TRIPLE)/debug/authy-sim

SECONDS ?= 60

check:
	@scripts/prerequisites.sh check
	@scripts/check.sh

check-long:
	@scripts/prerequisites.sh check
	@scripts/check.sh long $(SECONDS)

fuzz:
	@scripts/fuzz.sh $(SECONDS)

bench:
	@scripts/prerequisites.sh bench
	@$(MAKE) --no-print-directory product
	$(CARGO) bench --locked --features sim --bench bench --target-dir target/bench -- $(CURDIR)/$(PRODUCT)

install: $(PRODUCT) $(AUTHYCTL)
	$(if $(PAMDIR),,$(error no pam_unix.so found: name its folder with PAMDIR=))
	$(INSTALL) -d -m 0755 $(DESTDIR)$(PAMDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 0644 $(PRODUCT) $(DESTDIR)$(PAMDIR)/pam_authy.so
	$(INSTALL) -m 0755 $(AUTHYCTL) $(DESTDIR)$(SBINDIR)/authyctl
	$(INSTALL) -m 0644 packaging/man/pam_authy.8 packaging/man/authyctl.8 $(DESTDIR)$(MANDIR)/man8
	$(INSTALL) -m 0644 packaging/man/pam_authy.toml.5 $(DESTDIR)$(MANDIR)/man5
	$(INSTALL) -d -m 0755 $(addprefix $(DESTDIR)$(PREFIX)/share/,$(dir $(COMPLETIONS)))
	$(INSTALL) -m 0644 packaging/completions/authyctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/authyctl
	$(INSTALL) -m 0644 packaging/completions/_authyctl $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_authyctl
	$(INSTALL) -m 0644 packaging/completions/authyctl.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/authyctl.fish
	$(INSTALL) -m 0644 README.md etc/config.toml etc/users.toml $(DESTDIR)$(DOCDIR)

install-sim: $(AUTHY_SIM)
	$(INSTALL) -d -m 0755 $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	$(INSTALL) -m 0755 $(AUTHY_SIM) $(DESTDIR)$(BINDIR)/authy-sim
	$(INSTALL) -m 0644 packaging/man/authy-sim.1 $(DESTDIR)$(MANDIR)/man1

uninstall:
	$(if $(PAMDIR),,$(error no pam_unix.so found: name its folder with PAMDIR=))
	rm -f $(DESTDIR)$(PAMDIR)/pam_authy.so $(DESTDIR)$(SBINDIR)/authyctl $(DESTDIR)$(BINDIR)/authy-sim
	rm -f $(DESTDIR)$(MANDIR)/man5/pam_authy.toml.5 $(DESTDIR)$(MANDIR)/man8/pam_authy.8 $(DESTDIR)$(MANDIR)/man8/authyctl.8 $(DESTDIR)$(MANDIR)/man1/authy-sim.1
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))
	rm -rf $(DESTDIR)$(DOCDIR)

# cargo is asked each time: `make install` alone would take programs that are older than the sources.
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

sbom:
	@scripts/sbom.py

clean:
	rm -rf target/product
	$(CARGO) clean --target-dir $(TARGET_DIR)
