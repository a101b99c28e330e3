//! The messages between module and engine, and their bytes. Does no I/O: `host::socket` sends and
//! receives them.
//!
//! The engine speaks first ([`FromEngine::Ready`]), the module answers with the [`Start`] of a
//! login, and then the engine asks and the module answers, until the engine's verdict. A verdict
//! that lets the person in is confirmed by the module:
//!
//! ```text
//! engine → module   ready · deadline · ask · say · verdict
//! module → engine   start · reply · shown · failed · confirm
//! ```
//!
//! `authyctl doctor` sends `ask_status` in place of a start, and the engine answers by `status`.
//!
//! The form of the bytes is that of `base::fields`. A field that a reader does not know is ignored,
//! so that a newer version can add fields; an unknown kind or a missing field is [`Malformed`].
//! Neither side trusts the other's bytes.

use crate::base::attempt::{Attempt, Process, Session, Terminal, Verdict};
use crate::base::fields::{Bytes, Fields, Writer};
use crate::base::question::{Kind, Question};
use crate::base::secret::Secret;

pub use crate::base::fields::Malformed;

/// The version of these messages. Each side also speaks the version before it.
pub const VERSION: u32 = 1;

/// The version in which a module talks to an engine of the version `engine`; `None` when they have
/// none in common.
#[must_use]
pub fn common_version(engine: u32) -> Option<u32> {
    let is_near = engine.abs_diff(VERSION) <= 1 && engine > 0;
    is_near.then_some(engine.min(VERSION))
}

/// Whether an engine understands a module that talks in `version`.
#[must_use]
pub fn is_understood(version: u32) -> bool {
    version > 0 && (version == VERSION || version + 1 == VERSION)
}

/// What the engine says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromEngine {
    /// The engine runs, and speaks this version.
    Ready {
        /// Its version.
        version: u32,
    },
    /// The login ends after so many milliseconds at the latest.
    Deadline {
        /// The time that is left.
        milliseconds: u64,
    },
    /// Show this question and send the reply.
    Ask(Question),
    /// Show this text.
    Say {
        /// The text.
        text: String,
    },
    /// The end of the login.
    Verdict {
        /// The verdict.
        verdict: Verdict,
        /// The user of the verdict.
        user: String,
        /// Whether to discard what was typed on the terminal since the last prompt.
        discards_typed: bool,
    },
    /// What the engine is, for the administrator. No login follows.
    Status {
        /// The version of its program.
        program: String,
        /// When its service began, in seconds since 1970.
        started: u64,
    },
}

/// Whether PAM_USER is usable at the start of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserName {
    /// It is text; `Attempt::user` has it.
    Known,
    /// It is empty, or not UTF-8, or has a control character.
    Unusable,
    /// The application could not ask the person for it.
    NotAsked,
}

/// The start of a login: everything that the module knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The version in which the module talks.
    pub version: u32,
    /// What PAM and the application say; the address is left to the engine.
    pub attempt: Attempt,
    /// Whether the user name is usable.
    pub name: UserName,
    /// PAM's flags.
    pub flags: i32,
    /// SSH_CONNECTION in the PAM environment.
    pub ssh_connection: Option<String>,
    /// The arguments of the module's line in the stack.
    pub arguments: Vec<String>,
}

/// What became of a verdict that lets the person in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// PAM_USER is the user of the verdict, and the application gets it.
    Delivered,
    /// PAM_USER has changed, so that the application gets a refusal.
    UserChanged,
    /// The verdict came too late or was not understood.
    Lost,
}

/// What the module says.
#[derive(Debug)]
pub enum FromModule {
    /// The start of a login.
    Start(Box<Start>),
    /// The reply to a question.
    Reply {
        /// What was typed; `None` for a reply that must not be used: it has no text, is not UTF-8,
        /// has a control character, equals the system password, or is the password alone.
        text: Option<Secret>,
        /// PAM_USER after the conversation; `None` if it is not UTF-8.
        user: Option<String>,
    },
    /// The application has shown a text, or could not: some wait until the person has read it.
    Shown {
        /// PAM_USER after the conversation; `None` if it is not UTF-8.
        user: Option<String>,
    },
    /// The application could not show the question.
    Failed,
    /// In place of the start of a login: what is this engine?
    AskStatus,
    /// What became of the verdict.
    Confirm(Confirmation),
}

impl FromEngine {
    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Ready { version } => Writer::new("ready").number("v", *version).bytes(),
            Self::Deadline { milliseconds } => {
                Writer::new("deadline").number("ms", *milliseconds).bytes()
            }
            Self::Ask(question) => encode_question(question),
            Self::Say { text } => Writer::new("say").text("text", Some(text)).bytes(),
            Self::Verdict {
                verdict,
                user,
                discards_typed,
            } => Writer::new("verdict")
                .text("verdict", Some(verdict_name(*verdict)))
                .text("user", Some(user))
                .number("discard", u8::from(*discards_typed))
                .bytes(),
            Self::Status { program, started } => Writer::new("status")
                .text("program", Some(program))
                .number("started", *started)
                .bytes(),
        }
    }

    /// The message that `bytes` are.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, fields) = Fields::parse(bytes)?;
        match kind {
            "ready" => Ok(Self::Ready {
                version: fields.number("v")?,
            }),
            "deadline" => Ok(Self::Deadline {
                milliseconds: fields.number("ms")?,
            }),
            "ask" => decode_question(&fields).map(Self::Ask),
            "say" => Ok(Self::Say {
                text: fields.required("text")?.to_owned(),
            }),
            "verdict" => Ok(Self::Verdict {
                verdict: verdict_of(fields.required("verdict")?)?,
                user: fields.required("user")?.to_owned(),
                discards_typed: flag(fields.text("discard").as_deref().unwrap_or("0"))?,
            }),
            "status" => Ok(Self::Status {
                program: fields.required("program")?.to_owned(),
                started: fields.number("started")?,
            }),
            _ => Err(Malformed),
        }
    }
}

fn encode_question(question: &Question) -> Bytes {
    let (kind, lengths) = match &question.kind {
        Kind::Code => ("code", None),
        Kind::PasswordAndCode { lengths } => {
            let lengths: Vec<_> = lengths.iter().map(u8::to_string).collect();
            ("password_and_code", Some(lengths.join(",")))
        }
    };
    Writer::new("ask")
        .text("kind", Some(kind))
        .text("lengths", lengths.as_deref())
        .text("notice", question.notice.as_deref())
        .text("prompt", Some(&question.prompt))
        .number("echo", u8::from(question.echo))
        .bytes()
}

fn decode_question(fields: &Fields<'_>) -> Result<Question, Malformed> {
    let kind = match fields.required("kind")? {
        "code" => Kind::Code,
        "password_and_code" => Kind::PasswordAndCode {
            lengths: numbers(fields.required("lengths")?)?,
        },
        _ => return Err(Malformed),
    };
    Ok(Question {
        kind,
        notice: fields.text("notice"),
        prompt: fields.required("prompt")?.to_owned(),
        echo: flag(fields.required("echo")?)?,
    })
}

fn flag(text: &str) -> Result<bool, Malformed> {
    match text {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(Malformed),
    }
}

/// Numbers with commas between them; none for an empty text.
fn numbers(text: &str) -> Result<Vec<u8>, Malformed> {
    let mut numbers = Vec::new();
    for number in text.split(',').filter(|_| !text.is_empty()) {
        numbers.push(number.parse().map_err(|_| Malformed)?);
    }
    Ok(numbers)
}

impl FromModule {
    /// The bytes of the message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Start(start) => start.encode(),
            Self::Reply { text, user } => Writer::new("reply")
                .text("text", text.as_ref().map(Secret::expose))
                .text("user", user.as_deref())
                .bytes(),
            Self::Shown { user } => Writer::new("shown").text("user", user.as_deref()).bytes(),
            Self::Failed => Writer::new("failed").bytes(),
            Self::AskStatus => Writer::new("ask_status").bytes(),
            Self::Confirm(confirmation) => {
                let name = match confirmation {
                    Confirmation::Delivered => "delivered",
                    Confirmation::UserChanged => "user_changed",
                    Confirmation::Lost => "lost",
                };
                Writer::new("confirm").text("result", Some(name)).bytes()
            }
        }
    }

    /// The message that `bytes` are.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, fields) = Fields::parse(bytes)?;
        match kind {
            "start" => Ok(Self::Start(Box::new(Start::decode(&fields)?))),
            "reply" => Ok(Self::Reply {
                text: fields.text("text").map(Secret::new),
                user: fields.text("user"),
            }),
            "shown" => Ok(Self::Shown {
                user: fields.text("user"),
            }),
            "failed" => Ok(Self::Failed),
            "ask_status" => Ok(Self::AskStatus),
            "confirm" => match fields.required("result")? {
                "delivered" => Ok(Self::Confirm(Confirmation::Delivered)),
                "user_changed" => Ok(Self::Confirm(Confirmation::UserChanged)),
                "lost" => Ok(Self::Confirm(Confirmation::Lost)),
                _ => Err(Malformed),
            },
            _ => Err(Malformed),
        }
    }
}

impl Start {
    /// The bytes of the message [`FromModule::Start`].
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let attempt = &self.attempt;
        let process = &attempt.process;
        let name = match self.name {
            UserName::Known => "known",
            UserName::Unusable => "unusable",
            UserName::NotAsked => "not_asked",
        };
        let session = process.session.map(|session| {
            let (major, minor) = session.terminal;
            format!("{} {} {major} {minor}", session.leader, session.start)
        });
        let terminal = process.terminal.map(|terminal| {
            let ((major, minor), (seconds, nanos)) = (terminal.device, terminal.changed);
            format!("{major} {minor} {seconds} {nanos}")
        });
        let writer = Writer::new("start")
            .number("v", self.version)
            .text("name", Some(name))
            .text("user", Some(&attempt.user))
            .text("service", Some(&attempt.service))
            .text("rhost", attempt.rhost.as_deref())
            .text("tty", attempt.tty.as_deref())
            .text("ruser", attempt.ruser.as_deref())
            .text("ssh_auth", attempt.ssh_auth.as_deref())
            .text("ssh_connection", self.ssh_connection.as_deref())
            .number("flags", self.flags)
            .number("password", u8::from(attempt.has_password))
            .number("pid", process.pid)
            .number("uid", process.uid)
            .number("euid", process.effective_uid)
            .text("session", session.as_deref())
            .text("terminal", terminal.as_deref());
        let with_arguments = |writer: Writer, (index, argument): (usize, &String)| {
            writer.text(&format!("argument{index}"), Some(argument))
        };
        let arguments = self.arguments.iter().enumerate();
        arguments.fold(writer, with_arguments).bytes()
    }

    fn decode(fields: &Fields<'_>) -> Result<Self, Malformed> {
        let name = match fields.required("name")? {
            "known" => UserName::Known,
            "unusable" => UserName::Unusable,
            "not_asked" => UserName::NotAsked,
            _ => return Err(Malformed),
        };
        let process = Process {
            pid: fields.number("pid")?,
            uid: fields.number("uid")?,
            effective_uid: fields.number("euid")?,
            session: fields
                .text("session")
                .map(|text| session(&text))
                .transpose()?,
            terminal: fields
                .text("terminal")
                .map(|text| terminal(&text))
                .transpose()?,
        };
        let arguments = (0..).map_while(|index| fields.text(&format!("argument{index}")));
        Ok(Self {
            version: fields.number("v")?,
            name,
            flags: fields.number("flags")?,
            ssh_connection: fields.text("ssh_connection"),
            arguments: arguments.collect(),
            attempt: Attempt {
                user: fields.required("user")?.to_owned(),
                service: fields.required("service")?.to_owned(),
                rhost: fields.text("rhost"),
                tty: fields.text("tty"),
                ruser: fields.text("ruser"),
                address: None,
                ssh_auth: fields.text("ssh_auth"),
                believes_ssh: false,
                has_password: fields.number::<u8>("password")? != 0,
                process,
            },
        })
    }
}

fn session(text: &str) -> Result<Session, Malformed> {
    let mut parts = text.split(' ');
    Ok(Session {
        leader: part(&mut parts)?,
        start: part(&mut parts)?,
        terminal: (part(&mut parts)?, part(&mut parts)?),
    })
}

fn terminal(text: &str) -> Result<Terminal, Malformed> {
    let mut parts = text.split(' ');
    Ok(Terminal {
        device: (part(&mut parts)?, part(&mut parts)?),
        changed: (part(&mut parts)?, part(&mut parts)?),
    })
}

fn part<T: std::str::FromStr>(parts: &mut std::str::Split<'_, char>) -> Result<T, Malformed> {
    let part = parts.next().ok_or(Malformed)?;
    part.parse().map_err(|_| Malformed)
}

/// The verdict in a message. The audit line has fewer words for them.
fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Ignored => "ignored",
        Verdict::AttemptsExhausted => "attempts_exhausted",
        Verdict::Refused => "refused",
        Verdict::Unavailable => "unavailable",
        Verdict::Failed => "failed",
        Verdict::ConversationFailed => "conversation_failed",
        Verdict::Panicked => "panicked",
    }
}

fn verdict_of(name: &str) -> Result<Verdict, Malformed> {
    let all = [
        Verdict::Accepted,
        Verdict::Ignored,
        Verdict::AttemptsExhausted,
        Verdict::Refused,
        Verdict::Unavailable,
        Verdict::Failed,
        Verdict::ConversationFailed,
        Verdict::Panicked,
    ];
    all.into_iter()
        .find(|verdict| verdict_name(*verdict) == name)
        .ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> Start {
        Start {
            version: VERSION,
            name: UserName::Known,
            flags: 0x8000,
            ssh_connection: Some("192.0.2.7 1 192.0.2.1 22".into()),
            arguments: vec!["debug".into(), "config=/c = d".into()],
            attempt: Attempt {
                user: "alice".into(),
                service: "sshd".into(),
                rhost: Some("192.0.2.7".into()),
                tty: None,
                ruser: Some(String::new()),
                address: None,
                ssh_auth: Some("publickey ssh-ed25519 AAAA\n".into()),
                believes_ssh: false,
                has_password: true,
                process: Process {
                    pid: 812,
                    uid: 1000,
                    effective_uid: 0,
                    session: Some(Session {
                        leader: 800,
                        start: 123_456_789,
                        terminal: (136, 3),
                    }),
                    terminal: Some(Terminal {
                        device: (136, 3),
                        changed: (-1, 999_999_999),
                    }),
                },
            },
        }
    }

    #[test]
    fn the_start_of_a_login_arrives_as_it_was_sent() {
        let bytes = FromModule::Start(Box::new(start())).encode();
        let FromModule::Start(read) = FromModule::decode(&bytes).unwrap() else {
            panic!("not a start");
        };
        assert_eq!(*read, start());
    }

    #[test]
    fn every_message_of_the_engine_arrives_as_it_was_sent() {
        let question = |kind| {
            FromEngine::Ask(Question {
                kind,
                notice: Some("An SMS = sent".into()),
                prompt: "Verification code: ".into(),
                echo: true,
            })
        };
        let mut messages = vec![
            FromEngine::Ready { version: 7 },
            FromEngine::Deadline {
                milliseconds: 600_000,
            },
            question(Kind::Code),
            question(Kind::PasswordAndCode { lengths: vec![] }),
            question(Kind::PasswordAndCode {
                lengths: vec![6, 7],
            }),
            FromEngine::Say { text: "é".into() },
            FromEngine::Status {
                program: "1.0".into(),
                started: 1_795_000_000,
            },
        ];
        for verdict in [
            Verdict::Accepted,
            Verdict::Ignored,
            Verdict::AttemptsExhausted,
            Verdict::Refused,
            Verdict::Unavailable,
            Verdict::Failed,
            Verdict::ConversationFailed,
            Verdict::Panicked,
        ] {
            messages.push(FromEngine::Verdict {
                verdict,
                user: "alice".into(),
                discards_typed: verdict == Verdict::Accepted,
            });
        }
        let wrong: Vec<_> = messages
            .iter()
            .filter(|message| FromEngine::decode(&message.encode()).as_ref() != Ok(message))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_reply_and_its_absence_are_told_apart() {
        let sent = |text: Option<&str>| {
            let message = FromModule::Reply {
                text: text.map(|text| Secret::new(text.to_owned())),
                user: Some("alice".into()),
            };
            match FromModule::decode(&message.encode()).unwrap() {
                FromModule::Reply { text, user } => {
                    assert_eq!(user.as_deref(), Some("alice"));
                    text.map(|text| text.expose().to_owned())
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(sent(None), None);
        assert_eq!(sent(Some("")), Some(String::new()));
        assert_eq!(sent(Some("a=b")), Some("a=b".into()));
    }

    #[test]
    fn a_nul_byte_in_a_text_adds_no_field() {
        let message = FromModule::Reply {
            text: Some(Secret::new("1234567\0user=mallory".into())),
            user: None,
        };
        let read = FromModule::decode(&message.encode());
        let Ok(FromModule::Reply { text, user }) = read else {
            panic!("{read:?}");
        };
        assert_eq!(text.as_ref().map(Secret::expose), Some("1234567"));
        assert_eq!(user, None);
    }

    #[test]
    fn a_message_that_is_cut_unknown_or_contradictory_is_malformed() {
        let rows: [&[u8]; 16] = [
            b"",
            b"\0",
            b"ready",
            b"ready\0",
            b"ready\0v=1",
            b"ready\0v\0",
            b"ready\0v=\0",
            b"ready\0v=-1\0",
            b"ready\0v=1\0v=1\0",
            b"unknown\0v=1\0",
            b"verdict\0verdict=yes\0user=a\0",
            b"verdict\0verdict=accepted\0",
            b"verdict\0verdict=accepted\0user=a\0discard=2\0",
            b"say\0",
            b"ask\0kind=code\0prompt=\xff\0echo=1\0",
            b"ask\0kind=code\0prompt=p\0echo=2\0",
        ];
        let accepted: Vec<_> = rows
            .iter()
            .filter(|bytes| FromEngine::decode(bytes).is_ok())
            .map(|bytes| String::from_utf8_lossy(bytes))
            .collect();
        assert!(accepted.is_empty(), "{accepted:#?}");
        let many = b"ready\0v=1\0".to_vec();
        let fields = (0..300).flat_map(|index| format!("f{index}=\0").into_bytes());
        let many: Vec<u8> = many.into_iter().chain(fields).collect();
        assert_eq!(FromEngine::decode(&many), Err(Malformed));
    }

    #[test]
    fn a_field_of_a_newer_version_is_ignored() {
        let newer = FromEngine::decode(b"ready\0v=2\0colour=red\0");
        assert_eq!(newer, Ok(FromEngine::Ready { version: 2 }));
    }

    #[test]
    fn versions_that_are_one_apart_talk_in_the_older_one() {
        assert_eq!(common_version(VERSION), Some(VERSION));
        assert_eq!(common_version(VERSION + 1), Some(VERSION));
        assert_eq!(common_version(VERSION + 2), None);
        assert_eq!(common_version(0), None);
        assert!(is_understood(VERSION) && !is_understood(VERSION + 1) && !is_understood(0));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(bytes: Vec<u8>) {
            let _ = FromEngine::decode(&bytes);
            let _ = FromModule::decode(&bytes);
        }

        #[test]
        fn a_reply_with_any_text_arrives(text in "[^\0]*", user in "[^\0]*") {
            let message = FromModule::Reply {
                text: Some(Secret::new(text.clone())),
                user: Some(user.clone()),
            };
            let is_same = matches!(
                FromModule::decode(&message.encode()),
                Ok(FromModule::Reply { text: Some(read), user: Some(name) })
                    if read.expose() == text && name == user
            );
            prop_assert!(is_same);
        }
    }
}
