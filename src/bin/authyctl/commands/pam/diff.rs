//! The difference of two texts, as `diff -u` shows it.

/// The change as `diff -u` shows it; nothing when there is none.
pub(super) fn diff(name: &str, old: &str, new: &str) -> Vec<String> {
    const CONTEXT: usize = 3;
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old == new {
        return Vec::new();
    }
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let most = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(same)
        .count()
        .min(most);
    let (from, after) = (head.saturating_sub(CONTEXT), tail.min(CONTEXT));
    let part = |lines: &[&str]| lines.len() - tail - head;
    let count = |lines: &[&str]| head - from + part(lines) + after;
    // Nothing is counted from the line before.
    let range = |count: usize| format!("{},{count}", from + usize::from(count > 0));
    let mut shown = vec![
        format!("--- {name}"),
        format!("+++ {name}"),
        format!("@@ -{} +{} @@", range(count(&old)), range(count(&new))),
    ];
    shown.extend(
        old.iter()
            .take(head)
            .skip(from)
            .map(|line| format!(" {line}")),
    );
    let middle = |lines: &[&str]| -> Vec<String> {
        lines
            .iter()
            .skip(head)
            .take(part(lines))
            .map(|line| (*line).to_owned())
            .collect()
    };
    shown.extend(changed(&middle(&old), &middle(&new)));
    shown.extend(
        old.iter()
            .skip(old.len() - tail)
            .take(after)
            .map(|line| format!(" {line}")),
    );
    shown
}

/// Lines that only the old text has with `-`, only the new with `+`, in an order that keeps common ones.
fn changed(old: &[String], new: &[String]) -> Vec<String> {
    match (old.split_first(), new.split_first()) {
        (None, _) => new.iter().map(|line| format!("+{line}")).collect(),
        (_, None) => old.iter().map(|line| format!("-{line}")).collect(),
        (Some((first, old_rest)), Some((other, new_rest))) => {
            let (mut shown, rest) = if first == other {
                (vec![format!(" {first}")], changed(old_rest, new_rest))
            } else if new_rest.contains(first) {
                (vec![format!("+{other}")], changed(old, new_rest))
            } else {
                (vec![format!("-{first}")], changed(old_rest, new))
            };
            shown.extend(rest);
            shown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diff_is_one_that_patch_takes() {
        let old = "# sshd\n@include common-auth\n\naccount required pam_nologin.so\n@include common-account\n";
        let new = "# sshd\n# begin\nauth required pam_authy.so\n# end\n#was# @include common-auth\n\naccount required pam_nologin.so\n@include common-account\n";
        assert_eq!(
            diff("/etc/pam.d/sshd", old, new),
            [
                "--- /etc/pam.d/sshd",
                "+++ /etc/pam.d/sshd",
                "@@ -1,5 +1,8 @@",
                " # sshd",
                "-@include common-auth",
                "+# begin",
                "+auth required pam_authy.so",
                "+# end",
                "+#was# @include common-auth",
                " ",
                " account required pam_nologin.so",
                " @include common-account",
            ]
        );
        assert!(diff("x", old, old).is_empty());
        assert_eq!(
            diff("x", "", "a\n"),
            ["--- x", "+++ x", "@@ -0,0 +1,1 @@", "+a"]
        );
    }
}
