//! Faults of the byte stream: silent, slow, cut, garbage, endless.

use serde_json::json;

use super::{Class, Row, prove, row};

/// Faults of the connection, before HTTP.
#[test]
fn a_dead_or_silent_connection_is_an_outage_in_time_and_asks_nothing_twice() {
    let listeners = [
        "silent",
        "close",
        "reset",
        "garbage",
        "plain",
        "slow_handshake",
        "tls_silent",
    ];
    let rows: Vec<Row> = listeners
        .iter()
        .map(|name| row(json!({"listener": name, "times": 0}), Class::Outage))
        .collect();
    prove(&rows);
}

/// Faults of the answer; `times: 0` applies them to a second request too.
#[test]
fn a_late_slow_cut_or_endless_answer_is_an_outage_in_time_and_asks_nothing_twice() {
    let second = json!({"bytes": 1, "every_ms": 1000});
    let tenth = json!({"bytes": 1, "every_ms": 100});
    let faults = [
        json!({"silent": true}),
        json!({"delay_ms": 5000}),
        json!({"drip": second}),
        json!({"drip_body": second}),
        json!({"drip": tenth}),
        json!({"drip_body": tenth}),
        json!({"cut_after": 0}),
        json!({"cut_after": 1}),
        json!({"cut_after": 40}),
        json!({"cut_after": 150}),
        json!({"reset": true}),
        json!({"garbage": true}),
        json!({"endless": "1xx"}),
        json!({"endless": "headers"}),
        json!({"endless": "body"}),
    ];
    let rows: Vec<Row> = faults
        .into_iter()
        .map(|mut fault| {
            fault["times"] = json!(0);
            row(fault, Class::Outage)
        })
        .collect();
    prove(&rows);
}

/// The same faults with an answer that says yes.
#[test]
fn an_incomplete_yes_is_not_accepted() {
    let faults = [
        json!({"drip": {"bytes": 1, "every_ms": 1000}}),
        json!({"drip_body": {"bytes": 1, "every_ms": 500}}),
        json!({"cut_after": 60}),
        json!({"cut_after": 130}),
        json!({"delay_ms": 3000}),
        json!({"endless": "1xx"}),
        json!({"reset": true}),
    ];
    let rows: Vec<Row> = faults
        .into_iter()
        .map(|mut fault| {
            fault["times"] = json!(0);
            fault["status"] = json!(200);
            fault["body"] = json!(super::YES);
            row(fault, Class::Outage)
        })
        .collect();
    prove(&rows);
}
