//! The text format of Prometheus: families of samples, each with its help and type.
//!
//! Source: prometheus.io/docs/instrumenting/exposition_formats.

use std::fmt::Write;

/// Builds the text.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// Adds a family that has one sample.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "gauge", help, &[(vec![], value)]);
    }

    /// Adds a family of gauges; nothing where there are none.
    pub(super) fn gauges(&mut self, name: &str, help: &str, samples: &[Sample<'_>]) {
        self.family(name, "gauge", help, samples);
    }

    /// Adds a family of counters; nothing where there are none.
    pub(super) fn counters(&mut self, name: &str, help: &str, samples: &[Sample<'_>]) {
        self.family(name, "counter", help, samples);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str, samples: &[Sample<'_>]) {
        if samples.is_empty() {
            return;
        }
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP pam_authy_{name} {help}");
        let _ = writeln!(self.0, "# TYPE pam_authy_{name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<_> = (labels.iter())
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            let _ = writeln!(self.0, "pam_authy_{name}{labels} {value}");
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// The labels and the value of a sample.
pub(super) type Sample<'a> = (Vec<(&'static str, &'a str)>, u64);

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_line() {
        let mut text = Text::default();
        text.gauge("a", "About a.", 1);
        text.counters("b_total", "About b.", &[(vec![("c", "x\"\\\n")], 2)]);
        text.gauges("none", "Nothing.", &[]);
        let expected = "# HELP pam_authy_a About a.\n# TYPE pam_authy_a gauge\npam_authy_a 1\n\
                        # HELP pam_authy_b_total About b.\n# TYPE pam_authy_b_total counter\n\
                        pam_authy_b_total{c=\"x\\\"\\\\\\n\"} 2\n";
        assert_eq!(text.finish(), expected);
    }
}
