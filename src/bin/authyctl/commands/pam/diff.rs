//! The difference between two texts, as `diff -u` shows it.

/// Unchanged lines that are shown before and after the changed ones.
const CONTEXT: usize = 3;

/// Returns the difference as one hunk that `patch` accepts; nothing when the texts are equal.
pub(super) fn diff(name: &str, old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old == new {
        return Vec::new();
    }
    let is_same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(is_same).count();
    let reversed = old.iter().rev().zip(new.iter().rev());
    let tail = reversed
        .take(old.len().min(new.len()) - head)
        .take_while(is_same)
        .count();
    let before = old.get(head.saturating_sub(CONTEXT)..head);
    let before = before.unwrap_or_default();
    let after = old.iter().skip(old.len() - tail).take(CONTEXT);
    let middle = |lines: &[&str]| -> Vec<String> {
        let count = lines.len() - tail - head;
        let lines = lines.iter().skip(head).take(count);
        lines.map(|line| (*line).to_owned()).collect()
    };
    let (removed, added) = (middle(&old), middle(&new));

    let range = |middle: &[String]| {
        let count = before.len() + middle.len() + after.len();
        // An empty range names the line before it.
        let first = head - before.len() + usize::from(count > 0);
        format!("{first},{count}")
    };
    let mut lines = vec![
        format!("--- {name}"),
        format!("+++ {name}"),
        format!("@@ -{} +{} @@", range(&removed), range(&added)),
    ];
    lines.extend(before.iter().map(|line| format!(" {line}")));
    lines.extend(changed(&removed, &added));
    lines.extend(after.map(|line| format!(" {line}")));
    lines
}

/// Marks lines of the old text with `-` and lines of the new with `+`, and keeps common ones in
/// place.
fn changed(old: &[String], new: &[String]) -> Vec<String> {
    match (old.split_first(), new.split_first()) {
        (None, _) => new.iter().map(|line| format!("+{line}")).collect(),
        (_, None) => old.iter().map(|line| format!("-{line}")).collect(),
        (Some((first, old_rest)), Some((other, new_rest))) => {
            let (mut lines, rest) = if first == other {
                (vec![format!(" {first}")], changed(old_rest, new_rest))
            } else if new_rest.contains(first) {
                (vec![format!("+{other}")], changed(old, new_rest))
            } else {
                (vec![format!("-{first}")], changed(old_rest, new))
            };
            lines.extend(rest);
            lines
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
