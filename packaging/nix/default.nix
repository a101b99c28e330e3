# `nix-build packaging/nix` builds the module, its engine, authyctl and authy-sim. NixOS names the module by its full path:
# security.pam.services.sshd.rules.auth.authy = { control = "required"; order = 12000; modulePath = "${pam_authy}/lib/security/pam_authy.so"; };
{ pkgs ? import <nixpkgs> { } }:

let
  manifest = builtins.fromTOML (builtins.readFile ../../Cargo.toml);
in
pkgs.rustPlatform.buildRustPackage {
  pname = manifest.package.name;
  version = manifest.package.version;
  src = pkgs.lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  buildInputs = [ pkgs.pam ];
  # The module finds the engine by its full path.
  buildPhase = "make product authyctl authy-sim LIBEXECDIR=$out/libexec/pam_authy";
  doCheck = false; # the tests need root and a real sshd
  installPhase = ''
    make install install-sim DESTDIR=$out PREFIX= SBINDIR=/bin PAMDIR=/lib/security LIBEXECDIR=/libexec/pam_authy
  '';
  meta = {
    description = manifest.package.description;
    license = with pkgs.lib.licenses; [ mit asl20 ];
    platforms = pkgs.lib.platforms.linux;
  };
}
