//! The client against authy-sim over TLS; the other rings reach it through `authyctl` and the module.
