//! What health checks say of a server. Pure.

/// How many checks in a row change what is thought of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub unhealthy_after: u32,
    pub healthy_after: u32,
}

/// What the checks said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// None before the first check, which decides alone: a gateway that starts beside a server in
    /// maintenance must not send it people until it has been asked often enough.
    well: Option<bool>,
    /// How many checks in a row spoke against it.
    against: u32,
}

impl Verdict {
    /// After one more check; says what has changed, if anything has.
    pub(super) fn after(self, passed: bool, thresholds: Thresholds) -> (Self, Option<bool>) {
        let Some(well) = self.well else {
            let first = Self { well: Some(passed), against: 0 };
            // A server is thought to be well until it is asked.
            return (first, (!passed).then_some(false));
        };
        if passed == well {
            return (Self { against: 0, ..self }, None);
        }
        let needed = if well { thresholds.unhealthy_after } else { thresholds.healthy_after };
        let against = self.against.saturating_add(1);
        if against < needed {
            return (Self { against, ..self }, None);
        }
        (Self { well: Some(passed), against: 0 }, Some(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { unhealthy_after: 3, healthy_after: 2 };

    /// What changes at each of these checks: `+` passes, `-` fails.
    fn changes(checks: &str) -> String {
        let mut verdict = Verdict::default();
        let said = checks.chars().map(|check| {
            let (next, change) = verdict.after(check == '+', THRESHOLDS);
            verdict = next;
            change.map_or('.', |well| if well { '+' } else { '-' })
        });
        said.collect()
    }

    #[test]
    fn a_server_goes_and_comes_back_after_checks_enough_in_a_row() {
        for (checks, said) in [
            ("++++", "...."),
            ("+--+--+", "......."),
            ("+---", "...-"),
            ("+------", "...-..."),
            ("+---+-+-+", "...-....."),
            ("+---++", "...-.+"),
            ("+---++---", "...-.+..-"),
        ] {
            assert_eq!(changes(checks), said, "{checks}");
        }
    }

    #[test]
    fn the_first_check_decides_alone() {
        assert_eq!(changes("-"), "-");
        assert_eq!(changes("-++"), "-.+");
        assert_eq!(changes("+"), ".");
    }
}
