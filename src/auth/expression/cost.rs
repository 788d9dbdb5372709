//! What judging an expression costs at worst, known before it is judged.
//!
//! The cost of a node is a number of steps that depends on how long the lists are that it goes
//! through, and how large their members. Both are known of claims when they are bound; what an
//! expression makes of them is followed through the tree. So there is, for members of some size,
//! a longest list with which the expression stays within the budget: these are found once.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};

use super::language::MATCHES;
use super::names::Chain;
use super::values::{MOST_MEMBERS, Measure, weight_of};

/// The longest lists with which an expression stays within its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds([u16; WEIGHTS.len()]);

/// How large a value can be at most.
#[derive(Clone, Copy, Debug)]
struct Size {
    members: u64,
    /// Of the largest member.
    each: u64,
    weight: u64,
}

struct Count<'e> {
    /// What a claim is at most.
    claim: Size,
    steps: u64,
    /// The names that the comprehensions around bring in, and how large what they name is.
    own: Vec<(&'e str, Size)>,
}

impl Bounds {
    /// Finds them; the error says that not even short lists are within the budget.
    pub(super) fn of(tree: &IdedExpr) -> Result<Self, String> {
        let longest = WEIGHTS.map(|weight| longest(tree, weight));
        if longest[0] < LEAST_MEMBERS {
            return Err(format!(
                "costs too much: it could only be judged for lists of less than {LEAST_MEMBERS} members"
            ));
        }
        Ok(Self(longest))
    }

    /// Whether values of this measure stay within the budget.
    pub(super) fn allow(&self, measure: &Measure) -> bool {
        let row = WEIGHTS.iter().position(|&weight| measure.weight as u64 <= weight);
        let longest = row.and_then(|row| self.0.get(row));
        longest.is_some_and(|&longest| measure.members <= usize::from(longest))
    }
}

/// Of lists with members of this weight.
fn longest(tree: &IdedExpr, weight: u64) -> u16 {
    let fits = |members: u16| steps(tree, u64::from(members), weight) <= BUDGET;
    let (mut fitting, mut above) = (0, MOST_MEMBERS as u16 + 1);
    while above - fitting > 1 {
        let middle = fitting + (above - fitting) / 2;
        if fits(middle) {
            fitting = middle;
        } else {
            above = middle;
        }
    }
    fitting
}

fn steps(tree: &IdedExpr, members: u64, weight: u64) -> u64 {
    let claim = Size { members, each: weight, weight: 1 + members * weight };
    let mut count = Count { claim, steps: 0, own: Vec::new() };
    count.visit(tree);
    count.steps
}

impl Size {
    const ONE: Self = Self { members: 0, each: 0, weight: 1 };

    const fn text(weight: u64) -> Self {
        Self { members: 0, each: 0, weight }
    }

    /// One member of it, which may have as many of its own as weigh as much.
    const fn member(self) -> Self {
        Self { members: self.each, each: self.each, weight: self.each }
    }

    fn larger(self, other: Self) -> Self {
        Self {
            members: self.members.max(other.members),
            each: self.each.max(other.each),
            weight: self.weight.max(other.weight),
        }
    }

    /// A list of these.
    fn listed(sizes: impl Iterator<Item = Self>) -> Self {
        let mut listed = Self { members: 0, each: 0, weight: 1 };
        for size in sizes {
            listed.members += 1;
            listed.each = listed.each.max(size.weight);
            listed.weight = listed.weight.saturating_add(size.weight);
        }
        listed
    }
}

impl<'e> Count<'e> {
    fn take(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    fn visit(&mut self, expr: &'e IdedExpr) -> Size {
        self.take(1);
        let own = &self.own;
        if let Some(chain) = Chain::of(expr, &|name| own.iter().any(|(known, _)| *known == name)) {
            self.take(2 * chain.members.len() as u64);
            return self.claim;
        }
        match &expr.expr {
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Ident(name) => {
                let known = self.own.iter().rev().find(|(known, _)| known == name);
                known.map_or(Size::ONE, |(_, size)| *size)
            }
            Expr::List(list) => {
                let sizes: Vec<Size> = list.elements.iter().map(|item| self.visit(item)).collect();
                self.built(Size::listed(sizes.into_iter()))
            }
            Expr::Literal(LiteralValue::String(text)) => Size::text(weight_of(text.inner()) as u64),
            Expr::Map(map) => {
                let mut sizes = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        sizes.push(self.visit(&entry.key));
                        sizes.push(self.visit(&entry.value));
                    }
                }
                self.built(Size::listed(sizes.into_iter()))
            }
            Expr::Select(select) => self.visit(&select.operand).member(),
            Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => Size::ONE,
        }
    }

    /// What is made new costs as much as it weighs.
    fn built(&mut self, size: Size) -> Size {
        self.take(size.weight);
        size
    }

    fn call(&mut self, call: &'e CallExpr) -> Size {
        let mut sizes = Vec::with_capacity(call.args.len() + 1);
        for expr in call.target.iter().map(|target| &**target).chain(&call.args) {
            sizes.push(self.visit(expr));
        }
        let one = sizes.first().copied().unwrap_or(Size::ONE);
        let other = sizes.get(1).copied().unwrap_or(Size::ONE);
        let both = one.weight.saturating_add(other.weight);
        match call.func_name.as_str() {
            operators::ADD => self.built(Size {
                members: one.members.saturating_add(other.members),
                each: one.each.max(other.each),
                weight: both,
            }),
            operators::CONDITIONAL => other.larger(sizes.get(2).copied().unwrap_or(Size::ONE)),
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => {
                self.take(one.weight.min(other.weight));
                Size::ONE
            }
            // Going through a list inside costs less than a step for each member.
            operators::IN => {
                self.take(other.members.saturating_mul(one.weight.min(other.each).max(1)) / 8);
                Size::ONE
            }
            operators::INDEX => one.member(),
            // A regular expression looks longer at a text than a comparison does.
            MATCHES => {
                self.take(one.weight.saturating_mul(8));
                Size::ONE
            }
            "string" => self.built(Size::text(one.weight)),
            _ => {
                self.take(both);
                Size::ONE
            }
        }
    }

    fn comprehension(&mut self, comprehension: &'e ComprehensionExpr) -> Size {
        let range = self.visit(&comprehension.iter_range);
        let before = std::mem::take(&mut self.steps);
        self.own.push((comprehension.iter_var.as_str(), range.member()));
        let step = self.visit(&comprehension.loop_step);
        self.own.pop();
        // Every round also asks whether to go on, and copies the member.
        let round = self.steps.saturating_add(4).saturating_add(range.each);
        self.steps = before.saturating_add(range.members.saturating_mul(round));
        match comprehension.accu_init.expr {
            Expr::List(_) => Size {
                members: range.members,
                each: step.each,
                weight: range.members.saturating_mul(step.each).saturating_add(1),
            },
            _ => Size::ONE,
        }
    }
}

/// Of the largest member of a claim, by which the bounds are told apart.
const WEIGHTS: [u64; 5] = [1, 4, 16, 64, 1024];
/// In steps of some 30 ns: a few milliseconds, which the other requests of the thread wait.
const BUDGET: u64 = 200_000;
/// What has to be possible.
const LEAST_MEMBERS: u16 = 16;
