//! What a person can do next: commands as they have to be typed.

/// Returns a text for the person at this terminal: with `sudo` before our commands, unless the
/// person is root without it. The folder of authyctl is not in the PATH of every plain user.
pub(crate) fn with_sudo(text: &str) -> String {
    if nix::unistd::Uid::current().is_root() && std::env::var_os("SUDO_UID").is_none() {
        return text.to_owned();
    }
    insert_sudo(text)
}

/// Returns an option with a name, as it is typed in a shell.
pub(crate) fn option(option: &str, name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.@+-".contains(&byte);
    if name.bytes().all(is_plain) && !name.starts_with('-') {
        return format!("{option} {name}");
    }
    format!("{option}='{}'", name.replace('\'', r"'\''"))
}

fn insert_sudo(text: &str) -> String {
    const NAME: &str = "authyctl ";
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(NAME) {
        let (before, from) = rest.split_at(at);
        let (name, after) = from.split_at(NAME.len());
        shown += before;
        if after.starts_with(|c: char| c.is_ascii_lowercase()) && !before.ends_with("sudo ") {
            shown += "sudo ";
        }
        shown += name;
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_get_sudo_once_and_other_words_none() {
        let rows = [
            ("authyctl doctor shows", "sudo authyctl doctor shows"),
            (
                "run authyctl init, then authyctl enroll",
                "run sudo authyctl init, then sudo authyctl enroll",
            ),
            ("sudo authyctl sync", "sudo authyctl sync"),
            (
                "authyctl --version, authyctl (8)",
                "authyctl --version, authyctl (8)",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(insert_sudo(text), expected);
        }
    }
}
