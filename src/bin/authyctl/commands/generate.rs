//! `completions`, `man`: generated from the declarations of the command line.

use clap::CommandFactory;
use clap_mangen::Man;
use serde_json::json;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::CommandError;
use crate::output::Output;

/// The sections of the manual page that follow the generated ones.
const TAIL: &str = include_str!("man_tail.roff");

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Output, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "authyctl", &mut script);
    Ok(as_text("completions", &script))
}

/// Renders one page with a section for each command.
pub(crate) fn man() -> Result<Output, CommandError> {
    let failed = |error: std::io::Error| CommandError::local(error);
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone()).section("8");
    man.render_title(&mut page).map_err(failed)?;
    man.render_name_section(&mut page).map_err(failed)?;
    man.render_synopsis_section(&mut page).map_err(failed)?;
    man.render_options_section(&mut page).map_err(failed)?;
    for (name, command) in subcommands("authyctl", &command) {
        page.extend(format!(".SH {}\n", name.to_uppercase()).bytes());
        let mut part = Vec::new();
        let man = Man::new(command);
        man.render_description_section(&mut part).map_err(failed)?;
        man.render_synopsis_section(&mut part).map_err(failed)?;
        man.render_options_section(&mut part).map_err(failed)?;
        // The parts of a command are subsections of its section.
        page.extend(
            String::from_utf8_lossy(&part)
                .replace(".SH ", ".SS ")
                .bytes(),
        );
    }
    page.extend(TAIL.bytes());
    Ok(as_text("man", &page))
}

/// Returns every subcommand with its full name, except `help`.
fn subcommands(above: &str, command: &clap::Command) -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        let name = format!("{above} {}", inner.get_name());
        found.push((name.clone(), inner.clone()));
        found.extend(subcommands(&name, inner));
    }
    found
}

fn as_text(member: &str, bytes: &[u8]) -> Output {
    let text = String::from_utf8_lossy(bytes);
    Output::new(
        text.lines().map(str::to_owned).collect(),
        json!({member: text}),
    )
}
