//! `completions`, `man`: generated from the declarations of the command line.

mod completions;

use clap_mangen::Man;
use serde_json::json;

use crate::cli::{self, CompletionsArgs};
use crate::error::CommandError;
use crate::output::Output;

/// The sections of the manual page that follow the generated ones.
const TAIL: &str = include_str!("man_tail.roff");

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Output, CommandError> {
    let script = completions::script(args.shell, cli::command());
    Ok(as_text("completions", script.as_bytes()))
}

/// Renders one page with a section for each command.
pub(crate) fn man() -> Result<Output, CommandError> {
    let failed = |error: std::io::Error| CommandError::local(error);
    let mut command = cli::command();
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
    let (before, after) = TAIL.split_once(".SH FILES").unwrap_or((TAIL, ""));
    page.extend(format!("{before}{}.SH FILES{after}", examples()).bytes());
    Ok(as_text("man", &page))
}

/// Returns the section with the examples of all commands.
fn examples() -> String {
    let escaped = |text: &str| text.replace('-', "\\-");
    let paragraphs = cli::examples().map(|example| {
        let (line, text) = (escaped(&example.line()), escaped(example.text));
        format!(".TP\n\\fB{line}\\fR\n{text}\n")
    });
    format!(".SH EXAMPLES\n{}", paragraphs.collect::<String>())
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
