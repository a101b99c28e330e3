//! Reads the optional tables of config.toml: `[exempt]`, `[limits]`, `[remember]`, `[recovery]`,
//! `[lockers]` and `[messages]`.
//!
//! Called by `read`. A table or key that is left out has its default.

use std::collections::BTreeMap;

use super::key_value::KeyValue;
use super::{Error, Exempt, Limits, Lockers, Recovery, Remember, RememberBy};
use crate::base::language::{Message, Texts};
use crate::host::address::{InvalidNetwork, Network};

/// The largest count in one hour.
const MAX_COUNT: u32 = 1000;
/// The longest time that a login is remembered, in seconds: one day.
const MAX_REMEMBER: u32 = 86_400;

/// The values of all these tables.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) exempt: Exempt,
    pub(super) limits: Limits,
    pub(super) remember: Remember,
    pub(super) recovery: Recovery,
    pub(super) lockers: Lockers,
    pub(super) messages: Texts,
}

impl Tables {
    /// Reads one table, and the lines of its keys into `lines`.
    pub(super) fn read(
        &mut self,
        table: &KeyValue<'_>,
        lines: &mut BTreeMap<String, usize>,
    ) -> Result<(), Error> {
        let read = match table.name.as_str() {
            "exempt" => Self::exempt,
            "limits" => Self::limits,
            "remember" => Self::remember,
            "recovery" => Self::recovery,
            "lockers" => Self::lockers,
            "messages" => Self::messages,
            _ => return Err(table.unknown()),
        };
        for entry in table.table()? {
            lines.insert(entry.name.clone(), entry.source.line(entry.span.clone()));
            read(self, &entry)?;
        }
        Ok(())
    }

    fn exempt(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        match entry.key {
            "users" => self.exempt.users = entry.names()?,
            "groups" => self.exempt.groups = entry.names()?,
            "services" => self.exempt.services = entry.services()?,
            "networks" => self.exempt.networks = networks(entry)?,
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    fn limits(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        let Limits {
            per_user,
            per_address,
            sms_per_host,
            refused_tokens,
        } = &mut self.limits;
        let count = match entry.key {
            "sms_per_user" => &mut per_user.sms,
            "calls_per_user" => &mut per_user.calls,
            "pushes_per_user" => &mut per_user.pushes,
            "sms_per_address" => &mut per_address.sms,
            "calls_per_address" => &mut per_address.calls,
            "pushes_per_address" => &mut per_address.pushes,
            "sms_per_host" => sms_per_host,
            "refused_tokens" => {
                *refused_tokens = entry.number(3..=100)?;
                return Ok(());
            }
            _ => return Err(entry.unknown()),
        };
        *count = entry.number(0..=MAX_COUNT)?;
        Ok(())
    }

    fn remember(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        match entry.key {
            "seconds" => self.remember.time = entry.seconds(0..=MAX_REMEMBER)?,
            "services" => self.remember.services = Some(entry.services()?),
            "by" => {
                let words = [("login", RememberBy::Login), ("key", RememberBy::Key)];
                self.remember.by = entry.choice(&words)?;
            }
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    fn recovery(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        match entry.key {
            "services" => self.recovery.services = Some(entry.services()?),
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    fn lockers(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        match entry.key {
            "allow" => self.lockers.allow = entry.flag()?,
            _ => return Err(entry.unknown()),
        }
        Ok(())
    }

    fn messages(&mut self, entry: &KeyValue<'_>) -> Result<(), Error> {
        let message = entry.key.parse::<Message>().map_err(|_| entry.unknown())?;
        self.messages
            .set(message, entry.text()?)
            .map_err(|why| entry.error(&why))
    }
}

/// Reads a list of networks. The error for an address with host bits suggests the network.
fn networks(entry: &KeyValue<'_>) -> Result<Vec<Network>, Error> {
    let texts = entry.list("networks in quotes", |text| Some(text.to_owned()))?;
    let read = |text: String| match text.parse() {
        Ok(network) => Ok(network),
        Err(wrong @ (InvalidNetwork::Form | InvalidNetwork::HostBits(_))) => {
            let shown = crate::base::text::sanitize_to(&text, 64);
            Err(entry.error(&format!("{shown}: {wrong}")))
        }
    };
    texts.into_iter().map(read).collect()
}
