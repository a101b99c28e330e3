//! One linker flag for the module.

fn main() {
    // An application may dlclose us while ureq's resolver thread still runs our code (for about
    // two seconds after a time-out in a DNS black hole), so the module is never unmapped.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
