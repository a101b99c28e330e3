//! `person …`, `events`: the arguments of the commands for what Authy has stored.

use std::net::IpAddr;

use clap::{Args, Subcommand, ValueEnum};

use super::PersonArg;
use super::value::pair;

/// Arguments of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// The page, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
    /// The number of events on a page
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) per_page: u32,
    /// A filter by a parameter of the service; can be repeated
    #[arg(long = "filter", value_name = "K=V", value_parser = pair)]
    pub(crate) filters: Vec<(String, String)>,
}

/// The commands of `person`.
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Change the e-mail address of a person
    Update(UpdateArgs),
    /// Report to Authy what happened to a person at the application
    Activity(ActivityArgs),
    /// Show the whole phone number of a person, to move to another service
    Number(PersonArg),
    /// Show how far the registration of a person has come
    Registration(RegistrationArgs),
    /// Delete a device that a person registered with the application's own SDK
    DeleteDevice(DeleteDeviceArgs),
}

/// Arguments of `person update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// The new e-mail address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: String,
}

/// Arguments of `person activity`.
#[derive(Debug, Args)]
pub(crate) struct ActivityArgs {
    #[command(flatten)]
    pub(crate) person: PersonArg,
    /// What happened
    #[arg(long, value_enum)]
    pub(crate) kind: ActivityKind,
    /// The person's address
    #[arg(long, value_name = "IP")]
    pub(crate) ip: IpAddr,
    /// A further text; can be repeated
    #[arg(long = "data", value_name = "K=V", value_parser = pair)]
    pub(crate) data: Vec<(String, String)>,
}

/// What happened to a person.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ActivityKind {
    /// The password was reset
    PasswordReset,
    /// The person was banned
    Banned,
    /// The person is not banned any more
    Unbanned,
    /// The person logged in with a cookie
    CookieLogin,
}

/// Arguments of `person registration`.
#[derive(Debug, Args)]
pub(crate) struct RegistrationArgs {
    /// The application's own name for the person
    #[arg(value_name = "NAME")]
    pub(crate) custom_user_id: String,
}

/// Arguments of `person delete-device`.
#[derive(Debug, Args)]
pub(crate) struct DeleteDeviceArgs {
    /// The device's number at Authy
    #[arg(value_name = "ID")]
    pub(crate) device_id: u64,
}
