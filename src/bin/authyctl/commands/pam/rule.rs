//! Where our line goes in a stack: behind the last line where that is enough, else the lines are
//! taken over. Either form is proven before it is used: the same people get in and our factor, and
//! the same modules are called.

use std::path::Path;

use super::edit::{self, Replaced};
use super::takeover::{NewLine, Sharing, Takeover};
use super::with_key;
use crate::commands::stack::{
    Files, Handler, Kind, PAM_DIR, Promise, Source, Stack, compare, is_our_module, read, read_type,
    types,
};

const OURS: &[u8] = b"auth  required   pam_authy.so";
const PERMIT: &[u8] = b"auth  required   pam_permit.so";
/// Programs that a user starts and that keep root's rights, so that `pam_rootok.so` asks who called
/// them. In a service of a daemon it would let every user in.
const KNOWS_ROOT: [&str; 4] = ["su", "su-l", "chfn", "chsh"];
/// The new content of a stack.
#[derive(Debug)]
pub(super) struct Protected {
    pub(super) content: Vec<u8>,
    /// What an administrator should know about it.
    pub(super) remarks: Vec<String>,
}

/// Returns the stack of `service` with our line in it.
///
/// # Errors
/// Why it cannot be had, with file and line.
pub(super) fn protect(files: &Files, service: &str, with_key: bool) -> Result<Protected, String> {
    let stack = read(files, service)?;
    check_old(&stack)?;
    let promise = Promise {
        root_is_exempt: KNOWS_ROOT.contains(&service),
    };
    let case = Case {
        files,
        service,
        stack: &stack,
        promise,
    };
    let content = if with_key {
        case.with_key()?
    } else {
        case.with_password()?
    };
    Ok(Protected {
        remarks: case.remarks(with_key),
        content: case.as_copy(content),
    })
}

/// Refuses a stack that has our module already, or nothing to which it could be added.
fn check_old(stack: &Stack) -> Result<(), String> {
    let shown = stack.file.display();
    let is_ours = |handler: &&Handler| handler.module().is_some_and(is_our_module);
    if let Some(ours) = stack.handlers.iter().find(is_ours) {
        return Err(format!(
            "{}: this stack has pam_authy.so already",
            ours.place
        ));
    }
    if edit::is_marked(&stack.content) {
        return Err(format!(
            "{shown}: has lines of authyctl, but not pam_authy.so"
        ));
    }
    if stack.handlers.is_empty() {
        return Err(format!(
            "{shown}: has no auth line: libpam uses those of {PAM_DIR}/other"
        ));
    }
    Ok(())
}

struct Case<'a> {
    files: &'a Files,
    service: &'a str,
    stack: &'a Stack,
    promise: Promise,
}

impl Case<'_> {
    fn with_password(&self) -> Result<Vec<u8>, String> {
        let last = self.stack.handlers.iter().map(|handler| handler.top).max();
        let last = last.and_then(|top| self.stack.top.get(top));
        let at = last.map_or(self.stack.content.len(), |top| top.line.span.end);
        let appended = edit::insert(&self.stack.content, at, &[OURS.to_vec()]);
        let Err(mut why) = self.check(&appended) else {
            return Ok(appended);
        };
        for sharing in Sharing::ALL {
            match self.take_over(sharing) {
                Ok(content) => return Ok(content),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn take_over(&self, sharing: Sharing) -> Result<Vec<u8>, String> {
        let is_exempt = self.promise.root_is_exempt;
        let takeover = Takeover::new(&self.stack.handlers, sharing, is_exempt);
        let written = takeover.and_then(|takeover| takeover.write(OURS));
        let written = written.map_err(|error| format!("{}: {}", error.place, error.what))?;
        let mut lines = self.sources();
        lines.extend(written.into_iter().map(|line| match line {
            NewLine::Comment(text) => text.as_bytes().to_vec(),
            NewLine::Line(line) => line,
        }));
        let content = edit::replace(&self.stack.content, &self.replaced(), &lines);
        self.check(&content)?;
        self.check_other_types(&content)?;
        Ok(content)
    }

    /// The key was checked by sshd, so that the lines that ask for a password go.
    fn with_key(&self) -> Result<Vec<u8>, String> {
        with_key::refuse_broken(&self.stack.handlers)?;
        with_key::refuse_skipped(&self.stack.handlers)?;
        let mut lines = self.sources();
        lines.push(with_key::MARK.to_vec());
        lines.extend(with_key::kept(&self.stack.handlers));
        lines.extend([OURS.to_vec(), PERMIT.to_vec()]);
        let content = edit::replace(&self.stack.content, &self.replaced(), &lines);
        self.check_other_types(&content)?;
        Ok(content)
    }

    /// Returns a comment for each file that lines are taken over from.
    fn sources(&self) -> Vec<Vec<u8>> {
        let included = self.stack.included.iter();
        included
            .map(|(path, content)| Source::new(path.clone(), content, false).comment())
            .collect()
    }

    /// Returns the lines of the service's own file from which the handlers come.
    fn replaced(&self) -> Vec<Replaced> {
        let mut tops: Vec<usize> = self
            .stack
            .handlers
            .iter()
            .map(|handler| handler.top)
            .collect();
        tops.dedup();
        let lines = tops.iter().filter_map(|top| self.stack.top.get(*top));
        lines
            .map(|top| Replaced {
                span: top.line.span.clone(),
                rest: top
                    .at_include
                    .as_deref()
                    .map_or(Vec::new(), |name| self.rest(name)),
            })
            .collect()
    }

    /// Returns the lines that an `@include` leaves when its auth lines are taken over.
    fn rest(&self, name: &Path) -> Vec<Vec<u8>> {
        let types = types(self.files, name)
            .into_iter()
            .filter(|kind| *kind != "auth");
        types
            .map(|kind| format!("{kind}  include  {}", name.display()).into_bytes())
            .collect()
    }

    /// Proves the new stack.
    fn check(&self, content: &[u8]) -> Result<(), String> {
        let new = self.changed(content);
        let new = read(&new, self.service)?;
        compare(&self.stack.handlers, &new.handlers, self.promise).map_err(|difference| {
            let place = difference.place.or_else(|| self.end());
            let place = place.map_or_else(String::new, |place| format!("{place}: "));
            format!("{place}{}", difference.what)
        })
    }

    /// Returns the last line of the stack.
    fn end(&self) -> Option<crate::commands::stack::Place> {
        self.stack
            .handlers
            .last()
            .map(|handler| handler.place.clone())
    }

    /// Proves that the lines of all other types stay the same.
    fn check_other_types(&self, content: &[u8]) -> Result<(), String> {
        let new = self.changed(content);
        for kind in ["account", "password", "session"] {
            let list = |files| -> Result<Vec<_>, String> {
                let handlers = read_type(files, &self.stack.file, kind)?;
                let essence = |handler: Handler| match handler.kind {
                    Kind::Module(module) => (handler.level, handler.actions, Some(module.written)),
                    Kind::Broken(_) | Kind::Substack => (handler.level, handler.actions, None),
                };
                Ok(handlers.into_iter().map(essence).collect())
            };
            if list(self.files)? != list(&new)? {
                let shown = self.stack.file.display();
                return Err(format!(
                    "{shown}: its {kind} lines would not stay as they are"
                ));
            }
        }
        Ok(())
    }

    fn changed(&self, content: &[u8]) -> Files {
        let change = (self.stack.file.clone(), Some(content.to_vec()));
        self.files.clone().with([change])
    }

    /// A file of the distribution is not changed, but copied to the administrator's folder; a
    /// comment says so.
    fn as_copy(&self, content: Vec<u8>) -> Vec<u8> {
        if self.files.is_own(&self.stack.file) {
            return content;
        }
        let source = Source::new(self.stack.file.clone(), &self.stack.content, true);
        let mut copy = source.comment();
        copy.push(b'\n');
        copy.extend(content);
        copy
    }

    fn remarks(&self, with_key: bool) -> Vec<String> {
        let mut remarks = Vec::new();
        let rootok =
            |handler: &&Handler| handler.module().is_some_and(|m| m.name == "pam_rootok.so");
        if let Some(line) = self
            .stack
            .handlers
            .iter()
            .find(rootok)
            .filter(|_| self.promise.root_is_exempt)
        {
            remarks.push(format!(
                "{}: root becomes another user without being asked, as before",
                line.place
            ));
        }
        if with_key {
            let mut remark = format!(
                "{}: the stack asks for no password any more: sshd requires a key instead",
                self.stack.file.display()
            );
            let dropped = with_key::dropped(&self.stack.handlers);
            if !dropped.is_empty() {
                remark += &format!("; not called any more: {}", dropped.join(", "));
            }
            remarks.push(remark);
        }
        remarks
    }
}
