//! `{ claim = "me:/roles", any = ["admin"] }`.

use super::Reading;
use super::list::texts;
use crate::auth::access::{ClaimPlace, ClaimRule, Kind, Text};
use crate::config::reader::Taken;

impl Reading<'_> {
    /// A rule about a claim, with what stands beside the word.
    pub(super) fn claim(
        &mut self,
        source: &Taken,
        beside: Vec<(&'static str, Taken)>,
    ) -> Option<Kind> {
        let before = self.problems.len();
        let place = source.text(self.problems).and_then(|text| {
            let place = ClaimPlace::parse(&text, &self.variables);
            place.map_err(|message| self.problems.push(source.problem(message))).ok()
        });
        let (mut any, mut all, mut none) = (Vec::new(), Vec::new(), Vec::new());
        if beside.is_empty() {
            self.problems.push(source.problem(
                "needs what it must have beside it: any = [\"…\"], all = [\"…\"] or none = [\"…\"]",
            ));
        }
        for (key, taken) in beside {
            let list = match key {
                "any" => &mut any,
                "all" => &mut all,
                "none" => &mut none,
                _ => {
                    let message = format!(
                        "stands beside claim; join the two by all = [{{ claim = … }}, {{ {key} = … }}]"
                    );
                    self.problems.push(taken.problem(message));
                    continue;
                }
            };
            let read = texts(taken, self.problems, |text| Text::parse(text, &self.variables));
            list.extend(read.into_iter().flatten());
        }
        let place = place.filter(|_| self.problems.len() == before)?;
        Some(Kind::Claim(ClaimRule { place, any, all, none }))
    }
}
