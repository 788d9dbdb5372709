//! Claims as values of the language. Texts are borrowed; what is built is measured, since what an
//! expression may cost depends on it.

use std::collections::{BTreeMap, HashMap};

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::Value;

/// A value, whatever its type.
pub(super) type AnyValue<'v> = Box<dyn Val + 'v>;

/// Which part of a document is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Members(BTreeMap<String, Self>),
    Whole,
}

/// How large the values of one judgement are.
#[derive(Debug)]
pub(super) struct Measure {
    /// Of the longest list or map.
    pub(super) members: usize,
    /// Of the largest member, in the units of `weight`.
    pub(super) weight: usize,
    /// How many values may still be built.
    left: usize,
}

impl Default for Measure {
    fn default() -> Self {
        Self { members: 1, weight: 1, left: MOST_VALUES }
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self::Members(BTreeMap::new())
    }
}

impl Shape {
    /// Adds what a chain of members leads to.
    pub(super) fn add(&mut self, chain: &[&str]) {
        match (chain.split_first(), &mut *self) {
            (None, _) => *self = Self::Whole,
            (Some(_), Self::Whole) => {}
            (Some((first, rest)), Self::Members(members)) => {
                members.entry((*first).to_owned()).or_default().add(rest);
            }
        }
    }

    /// The members that are named.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let members = match self {
            Self::Members(members) => Some(members),
            Self::Whole => None,
        };
        members.into_iter().flatten().map(|(name, shape)| (name.as_str(), shape))
    }

    /// Calls with the JSON Pointer of every whole, each behind `prefix`.
    pub(super) fn each_pointer(&self, prefix: &str, call: &mut dyn FnMut(&str)) {
        match self {
            Self::Whole => call(prefix),
            Self::Members(members) => {
                for (name, shape) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    shape.each_pointer(&format!("{prefix}/{name}"), call);
                }
            }
        }
    }
}

impl Measure {
    fn note_member(&mut self, weight: usize) {
        self.weight = self.weight.max(weight);
    }

    fn note_members(&mut self, members: usize) -> Option<()> {
        self.members = self.members.max(members);
        self.left = self.left.checked_sub(members)?;
        (members <= MOST_MEMBERS).then_some(())
    }
}

/// The wanted part of a claim; none where it is too much.
pub(super) fn claim<'v>(
    shape: &'v Shape,
    value: &'v Value,
    measure: &mut Measure,
) -> Option<AnyValue<'v>> {
    let Shape::Members(wanted) = shape else {
        let (built, weight) = whole(value, measure)?;
        if !value.is_array() && !value.is_object() {
            measure.note_member(weight);
        }
        return Some(built);
    };
    let mut members = Vec::new();
    for (name, shape) in wanted {
        if let Some(member) = value.as_object().and_then(|members| members.get(name)) {
            members.push((name.as_str(), claim(shape, member, measure)?));
        }
    }
    Some(map(members))
}

pub(super) fn text<'v>(text: &'v str, measure: &mut Measure) -> Option<AnyValue<'v>> {
    measure.note_member(weight_of(text));
    Some(Box::new(CelString::from(text)))
}

pub(super) fn list<'v>(texts: &'v [String], measure: &mut Measure) -> Option<AnyValue<'v>> {
    measure.note_members(texts.len())?;
    let mut members = Vec::with_capacity(texts.len());
    for one in texts {
        members.push(text(one, measure)?);
    }
    Some(Box::new(CelList::from(members)))
}

pub(super) fn map<'v>(members: Vec<(&'v str, AnyValue<'v>)>) -> AnyValue<'v> {
    let entry = |(name, value): (&'v str, _)| (CelMapKey::from(name), value);
    let members: HashMap<_, _> = members.into_iter().map(entry).collect();
    Box::new(CelMap::from(members))
}

pub(super) fn owned<'v>(text: String) -> AnyValue<'v> {
    Box::new(CelString::from(text))
}

/// A value and its weight. JSON has one kind of number: whole ones are `int`, else `uint`.
fn whole<'v>(value: &'v Value, measure: &mut Measure) -> Option<(AnyValue<'v>, usize)> {
    let built: AnyValue<'v> = match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(int), _, _) => Box::new(CelInt::from(int)),
            (None, Some(uint), _) => Box::new(CelUInt::from(uint)),
            (None, None, double) => Box::new(CelDouble::from(double?)),
        },
        Value::String(text) => {
            return Some((Box::new(CelString::from(text.as_str())), weight_of(text)));
        }
        Value::Array(items) => {
            measure.note_members(items.len())?;
            let (mut members, mut weight) = (Vec::with_capacity(items.len()), 1);
            for item in items {
                let (member, own) = whole(item, measure)?;
                measure.note_member(own);
                weight += own;
                members.push(member);
            }
            return Some((Box::new(CelList::from(members)), weight));
        }
        Value::Object(items) => {
            measure.note_members(items.len())?;
            let (mut members, mut weight) = (Vec::with_capacity(items.len()), 1);
            for (name, item) in items {
                let (member, own) = whole(item, measure)?;
                let own = own + weight_of(name);
                measure.note_member(own);
                weight += own;
                members.push((name.as_str(), member));
            }
            return Some((map(members), weight));
        }
    };
    Some((built, 1))
}

/// What a text costs to look at, where a number costs 1.
pub(super) const fn weight_of(text: &str) -> usize {
    1 + text.len() / 64
}

/// Of one list or map; whoever has longer ones is denied.
pub(super) const MOST_MEMBERS: usize = 1000;
/// Of one judgement: building them costs time too.
const MOST_VALUES: usize = 10_000;
