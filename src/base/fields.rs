//! The form of a message: a kind and then fields `name=value`, each text ended by a NUL byte, which no
//! text of libpam contains.
//!
//! It is small and needs no library, since the module that runs inside sshd and su reads and writes
//! it. The bytes come from another process and are not trusted. Used by `protocol`.

use zeroize::Zeroizing;

/// The bytes of a message: they may contain a reply, and are wiped when dropped.
pub type Bytes = Zeroizing<Vec<u8>>;

/// The bytes are not a message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message")]
pub struct Malformed;

/// Builds the bytes of a message.
#[derive(Debug)]
pub struct Writer(Bytes);

impl Writer {
    /// A message of this kind, without fields.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        // Room for any reply that is used, so that none is left behind where the buffer grew.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        bytes.extend_from_slice(kind.as_bytes());
        bytes.push(0);
        Self(bytes)
    }

    /// Adds a field; does nothing for `None`. Texts of libpam end at their first NUL, so that there is none
    /// in the value; of a value with one, the rest is left out.
    #[must_use]
    pub fn text(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.extend_from_slice(name.as_bytes());
            self.0.push(b'=');
            self.0.extend(value.bytes().take_while(|byte| *byte != 0));
            self.0.push(0);
        }
        self
    }

    /// Adds a field with a number.
    #[must_use]
    pub fn number(self, name: &str, value: impl ToString) -> Self {
        self.text(name, Some(&value.to_string()))
    }

    /// The bytes of the whole message.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        self.0
    }
}

/// The fields of a message, in order.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// Splits a message into its kind and fields.
    ///
    /// # Errors
    /// The bytes are not UTF-8 or not of this form, a field is repeated, or there are too many.
    pub fn parse(bytes: &'a [u8]) -> Result<(&'a str, Self), Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        let text = text.strip_suffix('\0').ok_or(Malformed)?;
        let mut texts = text.split('\0');
        let kind = texts.next().ok_or(Malformed)?;
        let mut fields: Vec<(&str, &str)> = Vec::new();
        for field in texts {
            let (name, value) = field.split_once('=').ok_or(Malformed)?;
            let is_repeated = || fields.iter().any(|(earlier, _)| *earlier == name);
            if fields.len() == MAX_FIELDS || is_repeated() {
                return Err(Malformed);
            }
            fields.push((name, value));
        }
        Ok((kind, Self(fields)))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let field = self.0.iter().find(|(known, _)| *known == name);
        field.map(|(_, value)| *value)
    }

    /// The value of a field, if it is there.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// The value of a field.
    ///
    /// # Errors
    /// It is not there.
    pub fn required(&self, name: &str) -> Result<&'a str, Malformed> {
        self.get(name).ok_or(Malformed)
    }

    /// The value of a field as a number.
    ///
    /// # Errors
    /// It is not there, or no number of this type.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, Malformed> {
        self.required(name)?.parse().map_err(|_| Malformed)
    }
}

/// How many fields a message can have, so that the search for repeated ones stays short.
const MAX_FIELDS: usize = 256;
