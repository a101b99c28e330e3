//! Reads the `auth` lines of a service, and those of every file that it includes, into the list of
//! handlers that libpam would make of them.
//!
//! Source: `_pam_parse_conf_file` of libpam, with Debian's `@include`. What libpam only makes a log
//! line of, and a refusal when it comes to it, is a handler here too: [`Kind::Broken`].

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::control::Actions;
use super::files::Files;
use super::text::{self, Line, Unreadable};

/// The limit of nested includes, that of libpam from 1.6 on.
const DEPTH: usize = 16;

/// Where a line is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A module in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Module {
    /// The name of its file: `pam_unix.so`.
    pub(crate) name: String,
    /// Its path as it is written.
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The line from the path on, byte for byte.
    pub(crate) written: Vec<u8>,
    /// Its file is missing, so that each call answers `module_unknown`.
    pub(crate) is_missing: bool,
}

impl Module {
    /// Returns the path behind an argument such as `config=`.
    pub(crate) fn path_of(&self, argument: &str) -> Option<PathBuf> {
        let mut arguments = self.arguments.iter();
        arguments.find_map(|known| known.strip_prefix(argument).map(PathBuf::from))
    }

    /// Whether the line has this argument.
    pub(crate) fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// What libpam calls for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Module(Module),
    /// Nothing: the line is broken, and answers `perm_denied`. Why.
    Broken(String),
    /// Nothing: the lines of a substack follow, one level deeper.
    Substack,
}

/// One entry of libpam's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handler {
    /// How many substacks it is in.
    pub(crate) level: usize,
    pub(crate) kind: Kind,
    pub(crate) actions: Actions,
    /// The control field as it is written.
    pub(crate) control: String,
    /// The line begins with `-auth`: a missing module is not logged.
    pub(crate) is_quiet: bool,
    pub(crate) place: Place,
    /// The line of the service's own file that it comes from, an index into [`Stack::top`].
    pub(crate) top: usize,
}

impl Handler {
    /// Returns why libpam cannot use the line, if it cannot.
    pub(crate) fn fault(&self) -> Option<String> {
        match &self.kind {
            Kind::Broken(why) => Some(why.clone()),
            Kind::Module(module) if module.is_missing => {
                let path = module.path.to_string_lossy();
                Some(format!("there is no module {}", path.escape_debug()))
            }
            Kind::Module(_) | Kind::Substack => None,
        }
    }

    /// Returns the module, where the line has one.
    pub(crate) fn module(&self) -> Option<&Module> {
        match &self.kind {
            Kind::Module(module) => Some(module),
            Kind::Broken(_) | Kind::Substack => None,
        }
    }
}

/// A line of the service's own file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopLine {
    pub(crate) line: Line,
    /// The name after `@include`, where it is one.
    pub(crate) at_include: Option<PathBuf>,
}

/// The `auth` lines of a service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    /// The service's own file.
    pub(crate) file: PathBuf,
    pub(crate) content: Vec<u8>,
    pub(crate) handlers: Vec<Handler>,
    /// The lines of the service's own file, of every type.
    pub(crate) top: Vec<TopLine>,
    /// Every other file that was read, in order, each once, with its content.
    pub(crate) included: Vec<(PathBuf, Vec<u8>)>,
}

/// The four types of lines.
const TYPES: [&str; 4] = ["auth", "account", "password", "session"];

/// Reads the `auth` lines of `service`. A service without any has those of the service `other`.
///
/// # Errors
/// libpam refuses every login of the service before it calls a module: the file is missing or
/// cannot be read to its end. The message names file and line.
pub(crate) fn read(files: &Files, service: &str) -> Result<Stack, String> {
    let path = files.of_service(service);
    let path = path.ok_or_else(|| format!("{service}: there is no such service"))?;
    read_file(files, &path, "auth")
}

/// Reads the lines of one type of a service's file.
///
/// # Errors
/// As for [`read`].
pub(crate) fn read_type(files: &Files, path: &Path, kind: &str) -> Result<Vec<Handler>, String> {
    read_file(files, path, kind).map(|stack| stack.handlers)
}

/// Returns which types of lines a file brings in where `@include` names it.
pub(crate) fn types(files: &Files, name: &Path) -> Vec<&'static str> {
    let path = files.included(name);
    let has = |kind: &&str| {
        let stack = path.as_ref().map(|path| read_file(files, path, kind));
        stack.is_some_and(|stack| stack.is_ok_and(|stack| !stack.handlers.is_empty()))
    };
    TYPES.into_iter().filter(has).collect()
}

fn read_file(files: &Files, path: &Path, wanted: &str) -> Result<Stack, String> {
    let content = files
        .read(path)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reader = Reader {
        files,
        wanted,
        stack: Stack {
            file: path.to_owned(),
            content: content.clone(),
            ..Stack::default()
        },
    };
    let depth = Depth::default();
    reader.add_file(path, &content, depth)?;
    Ok(reader.stack)
}

/// Where the reader is among the includes.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// How many includes deep.
    includes: usize,
    /// How many substacks deep.
    level: usize,
    /// Only lines of one type are wanted, since the include named it.
    has_type: bool,
    /// The line of the service's own file.
    top: usize,
}

struct Reader<'a> {
    files: &'a Files,
    /// The type of the lines that are read.
    wanted: &'a str,
    stack: Stack,
}

impl Reader<'_> {
    fn add_file(&mut self, path: &Path, content: &[u8], depth: Depth) -> Result<(), String> {
        let lines = text::lines(content).map_err(|error| unreadable(path, error))?;
        for line in lines {
            let mut depth = depth;
            if depth.includes == 0 {
                depth.top = self.stack.top.len();
                let at_include = self.at_include(&line);
                let line = line.clone();
                self.stack.top.push(TopLine { line, at_include });
            }
            let place = Place {
                file: path.to_owned(),
                line: line.number,
            };
            self.add_line(&line.text, place, depth)?;
        }
        Ok(())
    }

    /// Returns the name that follows `@include`, where the line is one.
    fn at_include(&self, line: &Line) -> Option<PathBuf> {
        let mut words = text::words(&line.text).into_iter();
        let first = words.next()?;
        let is_one = self.files.has_at_include() && first.eq_ignore_ascii_case(b"@include");
        is_one.then(|| {
            words
                .next()
                .map(|name| PathBuf::from(OsStr::from_bytes(&name)))
        })?
    }

    fn add_line(&mut self, line: &[u8], place: Place, depth: Depth) -> Result<(), String> {
        let Some((first, rest)) = text::word(line) else {
            return Ok(());
        };
        let is_quiet = first.starts_with(b"-");
        let kind = first.strip_prefix(b"-").unwrap_or(&first);
        if self.files.has_at_include() && kind.eq_ignore_ascii_case(b"@include") {
            return self.add_at_include(rest, place, depth);
        }
        let is = |name: &str| kind.eq_ignore_ascii_case(name.as_bytes());
        let is_type = TYPES.iter().any(|name| is(name));
        // libpam takes a word that is no type for the type that is wanted, and `auth` where none
        // is.
        let counts = if is_type {
            is(self.wanted)
        } else {
            depth.has_type || self.wanted == "auth"
        };
        // libpam reads the lines of all types at once, but in a file that is included for one.
        if counts || !depth.has_type {
            check_name(rest, &place)?;
        }
        if !counts {
            return Ok(());
        }
        let mut handler = Handler {
            level: depth.level,
            kind: Kind::Substack,
            actions: Actions::all_bad(),
            control: String::new(),
            is_quiet,
            place,
            top: depth.top,
        };
        let Some((control, rest)) = text::word(rest) else {
            handler.kind = Kind::Broken("it has no control field".to_owned());
            self.stack.handlers.push(handler);
            return Ok(());
        };
        handler.control = shown_control(&control);
        match control.to_ascii_lowercase().as_slice() {
            b"include" => self.add_include(rest, handler, depth),
            b"substack" => {
                self.stack.handlers.push(handler.clone());
                let depth = Depth {
                    level: depth.level + 1,
                    ..depth
                };
                self.add_include(rest, handler, depth);
            }
            _ => {
                handler.actions = Actions::parse(&control);
                handler.kind = self.module_line(rest, is_type, kind);
                self.stack.handlers.push(handler);
            }
        }
        Ok(())
    }

    fn module_line(&self, rest: &[u8], is_type: bool, kind: &[u8]) -> Kind {
        if !is_type {
            let kind = String::from_utf8_lossy(kind);
            return Kind::Broken(format!("`{}` is no type of line", kind.escape_debug()));
        }
        let Some((path, arguments)) = text::word(rest) else {
            return Kind::Broken("it names no module".to_owned());
        };
        let arguments = text::words(arguments).into_iter();
        let arguments = arguments.map(|word| String::from_utf8_lossy(&word).into_owned());
        let path = PathBuf::from(OsStr::from_bytes(&path));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let written = rest.iter().skip_while(|byte| b" \t\n".contains(byte));
        Kind::Module(Module {
            name: name.into_owned(),
            arguments: arguments.collect(),
            written: text::trim_end(&written.copied().collect::<Vec<_>>()).to_vec(),
            is_missing: self.files.has_module(&path) == Some(false),
            path,
        })
    }

    /// Adds the lines of an included file; one broken line where they cannot be read, as libpam
    /// does.
    fn add_include(&mut self, rest: &[u8], line: Handler, depth: Depth) {
        let depth = Depth {
            includes: depth.includes + 1,
            has_type: true,
            ..depth
        };
        let name = text::word(rest).map(|(name, _)| name);
        if let Err(why) = self.add_named(name.as_deref(), depth) {
            self.stack.handlers.push(Handler {
                kind: Kind::Broken(why),
                actions: Actions::all_bad(),
                ..line
            });
        }
    }

    /// Adds the lines of a file that Debian's `@include` names.
    ///
    /// # Errors
    /// It cannot be read, and libpam then reads no more of the service.
    fn add_at_include(&mut self, rest: &[u8], place: Place, depth: Depth) -> Result<(), String> {
        let depth = Depth {
            includes: depth.includes + 1,
            ..depth
        };
        let name = text::word(rest).map(|(name, _)| name);
        self.add_named(name.as_deref(), depth)
            .map_err(|why| format!("{place}: {why}"))
    }

    fn add_named(&mut self, name: Option<&[u8]>, depth: Depth) -> Result<(), String> {
        let name = name.ok_or("it names no file")?;
        if depth.includes >= DEPTH {
            return Err("the includes are too deep, or lead in a circle".to_owned());
        }
        let name = Path::new(OsStr::from_bytes(name));
        let path = self.files.included(name).ok_or("it names no file")?;
        let content = match self.files.read(&path) {
            Ok(content) => content,
            // libpam opens it, and reads nothing.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Ok(()),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        if !self.stack.included.iter().any(|(known, _)| *known == path) {
            self.stack.included.push((path.clone(), content.clone()));
        }
        self.add_file(&path, &content, depth)
    }
}

/// Checks the path of a module or substack, where `rest` of a line has one.
///
/// # Errors
/// libpam finds no name in it, and then reads no more of the service.
fn check_name(rest: &[u8], place: &Place) -> Result<(), String> {
    let mut words = text::words(rest).into_iter();
    let control = words.next().unwrap_or_default();
    let path = words.next().filter(|path| !has_name(path));
    match path.filter(|_| !control.eq_ignore_ascii_case(b"include")) {
        Some(path) => Err(format!(
            "{place}: `{}` is no name of a module",
            path.escape_ascii()
        )),
        None => Ok(()),
    }
}

/// Whether libpam finds a name in a path: what is before the last dot of its last part, and not
/// `?`.
fn has_name(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let last = parts.next().unwrap_or_default();
    let end = last.iter().rposition(|byte| *byte == b'.');
    let name = last.get(..end.unwrap_or(last.len())).unwrap_or_default();
    !name.is_empty() && name != b"?"
}

fn unreadable(path: &Path, error: Unreadable) -> String {
    let path = path.display();
    match error {
        Unreadable::Unfinished(line) => {
            format!("{path}:{line}: the line continues, and the file ends")
        }
        Unreadable::TooLong(line) => {
            format!("{path}:{line}: the line is longer than libpam before 1.7 can read")
        }
    }
}

/// Returns a control field as it is written, in its brackets.
fn shown_control(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    if field.iter().all(u8::is_ascii_alphabetic) {
        text.into_owned()
    } else {
        format!("[{text}]")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn stack(content: &[u8]) -> Result<Stack, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x"), content).unwrap();
        fs::write(
            folder.path().join("inner"),
            "auth required pam_deny.so\nsession required pam_env.so\n",
        )
        .unwrap();
        read(&Files::folder(folder.path()), "x")
    }

    fn broken(content: &[u8]) -> Vec<(usize, String)> {
        let handlers = stack(content).unwrap().handlers.into_iter();
        let broken = handlers.filter_map(|handler| match handler.kind {
            Kind::Broken(why) => Some((handler.place.line, why)),
            Kind::Module(_) | Kind::Substack => None,
        });
        broken.collect()
    }

    #[test]
    fn a_line_that_libpam_refuses_is_a_broken_one_with_its_number() {
        type Row = (&'static [u8], &'static [(usize, &'static str)]);
        let table: [Row; 6] = [
            (b"auth required pam_permit.so\n", &[]),
            (
                b"auth required x.so\n    debug\n",
                &[(2, "it has no control field")],
            ),
            (
                b"auht optional pam_cap.so\n",
                &[(1, "`auht` is no type of line")],
            ),
            (b"auth required\n", &[(1, "it names no module")]),
            (
                b"\r\nsession required x.so\r\n",
                &[(1, "it has no control field")],
            ),
            (
                b"auth include inner\nauth include\n",
                &[(2, "it names no file")],
            ),
        ];
        for (content, expected) in table {
            let expected: Vec<_> = expected
                .iter()
                .map(|(n, t)| (*n, (*t).to_owned()))
                .collect();
            assert_eq!(broken(content), expected, "{content:?}");
        }
        assert!(
            broken(b"auth include nowhere\n")[0]
                .1
                .contains("nowhere: No such file")
        );
        for (line, path) in [
            ("auth substack /etc/pam.d/.hidden", "/etc/pam.d/.hidden"),
            ("auth required .so", ".so"),
            ("account required /lib/", "/lib/"),
        ] {
            let why = stack(format!("# x\n{line}\n").as_bytes()).unwrap_err();
            let expected = format!("x:2: `{path}` is no name of a module");
            assert!(why.contains(&expected), "{line}: {why}");
        }
        assert!(stack(b"@include nowhere\n").unwrap_err().contains("x:1: "));
    }

    #[test]
    fn an_included_folder_is_an_empty_file() {
        let stack = stack(b"auth include /\n@include /\nauth required pam_permit.so\n");
        assert_eq!(stack.unwrap().handlers.len(), 1);
    }

    #[test]
    fn lines_of_included_files_know_where_they_are_written_and_how_deep() {
        let stack = stack(
            b"# x\nauth substack inner\n@include inner\n-auth optional [a b].so \\\n c # d\n",
        )
        .unwrap();
        let found: Vec<_> = stack
            .handlers
            .iter()
            .map(|handler| {
                (
                    handler.level,
                    handler.place.line,
                    handler.top,
                    handler.is_quiet,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (0, 2, 0, false),
                (1, 1, 0, false),
                (0, 1, 1, false),
                (0, 4, 2, true)
            ]
        );
        let module = stack.handlers[3].module().unwrap();
        assert_eq!(module.written, b"[a b].so  c");
        assert_eq!(stack.top[1].at_include.as_deref(), Some(Path::new("inner")));
        assert_eq!(stack.included.len(), 1);
    }
}
