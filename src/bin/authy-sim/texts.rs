//! The text of an SMS or a call with a code, in the language that the application asked for.
//!
//! Authy's own texts are not documented. Languages without a text here have their tag in front of
//! the English one, so that a test and a person see which was asked for.

/// The languages that the provider's documentation lists.
const DOCUMENTED: [&str; 35] = [
    "af", "ar", "ca", "zh", "zh-CN", "zh-HK", "hr", "cs", "da", "nl", "en", "fi", "fr", "de", "el",
    "he", "hi", "hu", "id", "it", "ja", "ko", "ms", "nb", "pl", "pt-BR", "pt", "ro", "ru", "es",
    "sv", "tl", "th", "tr", "vi",
];

/// Returns the text with this code. `action` is the application's text for what the code permits.
pub(crate) fn code_text(code: &str, action: Option<&str>, locale: Option<&str>) -> String {
    let tag = locale.and_then(documented);
    let text = match tag.map(|tag| tag.split('-').next().unwrap_or(tag)) {
        Some("de") => format!("Ihr Authy-Code lautet {code}"),
        Some("es") => format!("Su código de Authy es {code}"),
        Some("fr") => format!("Votre code Authy est {code}"),
        Some("it") => format!("Il tuo codice Authy è {code}"),
        Some("pt") => format!("O seu código Authy é {code}"),
        Some("en") | None => format!("Your Authy code is {code}"),
        Some(_) => format!("[{}] Your Authy code is {code}", tag.unwrap_or_default()),
    };
    match action {
        Some(action) => format!("{action}: {text}"),
        None => text,
    }
}

/// Returns the documented tag for a locale in any case, or that of its language if the region is
/// unknown.
fn documented(locale: &str) -> Option<&'static str> {
    let find = |wanted: &str| {
        let mut all = DOCUMENTED.into_iter();
        all.find(|tag| tag.eq_ignore_ascii_case(wanted))
    };
    find(locale).or_else(|| find(locale.split('-').next()?))
}
