//! Lookup v2: `/v2/PhoneNumbers/{PhoneNumber}`. A number that ends in 000 is a landline.

use serde_json::json;

use super::Call;
use super::answer::{Answer, found};
use super::verifications::{is_e164, is_landline};

/// The countries whose national numbers the simulator knows, with their calling codes; the first one
/// is the default.
const COUNTRIES: [(&str, &str); 5] = [
    ("US", "1"),
    ("GB", "44"),
    ("DE", "49"),
    ("FR", "33"),
    ("PT", "351"),
];

pub(super) fn fetch(call: &Call, number: &str, url: &str) -> Answer {
    let country = call.text("CountryCode").unwrap_or("US");
    let code = COUNTRIES.iter().find(|(name, _)| *name == country);
    let code = code.map_or("1", |(_, code)| *code);
    let number = if number.starts_with('+') {
        number.to_owned()
    } else {
        format!("+{code}{}", number.trim_start_matches('0'))
    };
    let digits = number.trim_start_matches('+');
    let errors: &[&str] = match digits.len() {
        _ if !digits.bytes().all(|byte| byte.is_ascii_digit()) => &["NOT_A_NUMBER"],
        0..=7 => &["TOO_SHORT"],
        16.. => &["TOO_LONG"],
        _ if is_e164(&number) => &[],
        _ => &["INVALID_COUNTRY_CODE"],
    };
    let valid = errors.is_empty();
    let known = COUNTRIES.iter().find(|(_, code)| digits.starts_with(code));
    let asked = |field: &str| {
        call.text("Fields")
            .is_some_and(|fields| fields.split(',').any(|name| name == field))
    };
    let line = (valid && asked("line_type_intelligence")).then(|| {
        let kind = if is_landline(&number) {
            "landline"
        } else {
            "mobile"
        };
        json!({
            "error_code": null,
            "mobile_country_code": "240",
            "mobile_network_code": "38",
            "carrier_name": "Simulated Mobile",
            "type": kind,
        })
    });
    found(json!({
        "calling_country_code": known.map(|(_, code)| *code),
        "country_code": known.map(|(name, _)| *name),
        "phone_number": number,
        "national_format": known.map(|(_, code)| &digits[code.len()..]),
        "valid": valid,
        "validation_errors": (!valid).then_some(errors),
        "caller_name": null,
        "sim_swap": null,
        "call_forwarding": null,
        "line_type_intelligence": line,
        "line_status": null,
        "identity_match": null,
        "reassigned_number": null,
        "sms_pumping_risk": null,
        "phone_number_quality_score": null,
        "pre_fill": null,
        "url": format!("{url}/v2/PhoneNumbers/{number}"),
    }))
}
