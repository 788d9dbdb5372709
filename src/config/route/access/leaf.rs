//! Rules about one thing each.

use std::time::Duration;

use http::Method;

use super::Reading;
use super::list::texts;
use crate::auth::access::{Day, EmailDomain, Hours, Kind, Network};
use crate::auth::expression::Expression;
use crate::config::reader::{Taken, one_of};

impl Reading<'_> {
    pub(super) fn email_domain(&mut self, taken: Taken) -> Option<Kind> {
        texts(taken, self.problems, EmailDomain::parse).map(Kind::EmailDomain)
    }

    pub(super) fn expression(&mut self, taken: &Taken) -> Option<Kind> {
        let text = taken.text(self.problems)?;
        match Expression::compile(&text, &self.variables) {
            Ok(expression) => {
                let key = &taken.key;
                let warnings = expression.warnings();
                self.warnings.extend(warnings.iter().map(|warning| format!("{key}: {warning}")));
                Some(Kind::Expression(Box::new(expression)))
            }
            Err(faults) => {
                for fault in faults {
                    self.problems.push(taken.problem(fault.to_string()));
                }
                None
            }
        }
    }

    pub(super) fn max_age(&mut self, taken: &Taken) -> Option<Kind> {
        match taken.duration(self.problems)? {
            age if age < LEAST_AGE => self.refuse(
                taken,
                "is shorter than 30s: people would be sent to the provider again and again",
            ),
            age => Some(Kind::MaxAge(age)),
        }
    }

    pub(super) fn method(&mut self, taken: Taken) -> Option<Kind> {
        let key = taken.key.clone();
        let methods = texts(taken, self.problems, |text| {
            let upper = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
            let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| upper);
            method.ok_or_else(|| {
                format!("{text:?} is no method; write it in capitals, such as \"GET\"")
            })
        })?;
        let taken_by_route = self.about.methods;
        if !taken_by_route.is_empty() && !methods.iter().any(|own| taken_by_route.contains(own)) {
            self.warnings
                .push(format!("{key}: never holds, the route takes none of these methods"));
        }
        Some(Kind::Method(methods))
    }

    pub(super) fn network(&mut self, taken: Taken) -> Option<Kind> {
        let key = taken.key.clone();
        let networks = texts(taken, self.problems, Network::parse)?;
        if networks.iter().any(Network::is_everything) {
            self.warnings.push(format!("{key}: a network of every address keeps nobody out"));
        }
        Some(Kind::Network(networks))
    }

    pub(super) fn time(&mut self, taken: Taken) -> Option<Kind> {
        let before = self.problems.len();
        let mut section = taken.section(self.problems)?;
        let said = ["days", "from", "to"].iter().any(|key| section.has(key));
        let always = section.problem("", "is every time; write days, or from and to");
        let days = section.list("days", self.problems, |text| {
            let day = Day::ALL.iter().find(|(name, _)| *name == text);
            let names = || one_of(Day::ALL.iter().map(|(name, _)| *name));
            day.map(|(_, day)| *day).ok_or_else(|| format!("{text:?} is not {}", names()))
        });
        if days.as_ref().is_some_and(Vec::is_empty) {
            self.problems.push(section.problem("days", "is empty: nobody could pass"));
        }
        let from = section.text("from", self.problems);
        let to = section.text("to", self.problems);
        let offset = section
            .parse("offset", self.problems, |text| Hours::ALWAYS.at(text).map(|_| text.to_owned()));
        let mut hours =
            Hours::ALWAYS.on(&days.unwrap_or_else(|| Day::ALL.map(|(_, day)| day).into()));
        if from.is_some() || to.is_some() {
            let (from, to) = (from.as_deref().unwrap_or("00:00"), to.as_deref().unwrap_or("24:00"));
            match hours.clone().between(from, to) {
                Ok(between) => hours = between,
                Err(message) => self.problems.push(section.problem("", message)),
            }
        }
        if let Some(Ok(at)) = offset.map(|offset| hours.clone().at(&offset)) {
            hours = at;
        }
        section.finish(self.problems);
        if !said && self.problems.len() == before {
            self.problems.push(always);
        }
        (self.problems.len() == before).then_some(Kind::Time(hours))
    }
}

/// A login takes people some seconds.
const LEAST_AGE: Duration = Duration::from_secs(30);
