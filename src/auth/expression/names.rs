//! What an expression refers to: which members of which documents, and which parts of the
//! identity and the request.

use std::collections::BTreeMap;

use cel::common::ast::{Expr, LiteralValue, operators};
use cel::{Context, IdedExpr};

use super::values::{AnyValue, Measure, Shape, claim, list, map, owned, text};
use crate::auth::access::Variables;
use crate::auth::claim_source::{Claim, Word};
use crate::auth::facts::{Facts, Person};
use crate::auth::identity::{Document, Source};

/// What a name at the root of an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    Id,
    Me,
    Request,
    Scopes,
    Token,
    Word(Word),
}

/// What of each is wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wants(BTreeMap<Root, Shape>);

/// A chain of members that begins at a root: `me.organization.id`, `token["roles"]`.
pub(super) struct Chain<'e> {
    pub(super) root: Root,
    pub(super) members: Vec<&'e str>,
}

impl Root {
    /// The root of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "me" => Some(Self::Me),
            "request" => Some(Self::Request),
            "scopes" => Some(Self::Scopes),
            "token" => Some(Self::Token),
            word => Word::named(word).map(Self::Word),
        }
    }

    /// Whether only members of it can be had, each by its name.
    pub(super) const fn has_members(self) -> bool {
        matches!(self, Self::Id | Self::Me | Self::Request | Self::Token)
    }

    const fn document(self) -> Option<Document> {
        match self {
            Self::Id => Some(Document::IdToken),
            Self::Me => Some(Document::Me),
            Self::Token => Some(Document::Token),
            Self::Request | Self::Scopes | Self::Word(_) => None,
        }
    }
}

impl<'e> Chain<'e> {
    /// Reads a chain of members with names; `hidden` says which names are a comprehension's own.
    pub(super) fn of(expr: &'e IdedExpr, hidden: &dyn Fn(&str) -> bool) -> Option<Self> {
        let (inner, member) = match &expr.expr {
            Expr::Ident(name) => {
                let root = Root::named(name).filter(|_| !hidden(name))?;
                return Some(Self { root, members: Vec::new() });
            }
            Expr::Select(select) => (&*select.operand, select.field.as_str()),
            Expr::Call(call) if call.func_name == operators::INDEX => {
                match (call.args.first()?, &call.args.get(1)?.expr) {
                    (inner, Expr::Literal(LiteralValue::String(member))) => (inner, member.inner()),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let mut chain = Self::of(inner, hidden)?;
        chain.members.push(member);
        Some(chain)
    }
}

impl Wants {
    /// Whether something of the request is among them.
    pub(super) fn have_request(&self) -> bool {
        self.0.contains_key(&Root::Request)
    }

    /// Whether the granted scopes are among them.
    pub(super) fn have_scopes(&self) -> bool {
        self.0.contains_key(&Root::Scopes)
    }

    /// Notes what a chain leads to.
    pub(super) fn add(&mut self, chain: &Chain<'_>) {
        self.0.entry(chain.root).or_default().add(&chain.members);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn are_about_person(&self) -> bool {
        self.0.keys().any(|&root| root != Root::Request)
    }

    pub(super) fn sources(&self) -> Vec<Source> {
        let mut sources = Vec::new();
        for (root, shape) in &self.0 {
            let prefix = match root {
                Root::Id => "id:",
                Root::Me => "me:",
                Root::Token => "token:",
                Root::Request | Root::Scopes | Root::Word(_) => continue,
            };
            shape.each_pointer(prefix, &mut |text| sources.extend(Source::parse(text)));
        }
        sources
    }

    /// Binds what is wanted and there, and measures it; none where it is too much.
    pub(super) fn bind<'v>(
        &'v self,
        context: &mut Context<'_, 'v>,
        facts: &Facts<'v>,
        variables: &Variables<'v>,
        measure: &mut Measure,
    ) -> Option<()> {
        for (root, shape) in &self.0 {
            match (root, &facts.person) {
                (Root::Request, _) => {
                    context
                        .add_variable_as_val("request", request(shape, facts, variables, measure)?);
                }
                (_, None) => return None,
                (root, Some(person)) => of_person(*root, shape, person, context, measure)?,
            }
        }
        Some(())
    }
}

fn of_person<'v>(
    root: Root,
    shape: &'v Shape,
    person: &Person<'v>,
    context: &mut Context<'_, 'v>,
    measure: &mut Measure,
) -> Option<()> {
    let (name, value) = match (root, root.document()) {
        (_, Some(document)) => {
            let name = match document {
                Document::IdToken => "id",
                Document::Me => "me",
                Document::Token => "token",
            };
            (name, claim(shape, person.identity.claims.of(document), measure)?)
        }
        (Root::Word(word), None) => match word.find(person.identity, person.provider) {
            Some(Claim::Text(one)) => (word.name(), text(one, measure)?),
            Some(Claim::Texts(texts)) => (word.name(), list(texts, measure)?),
            // What is not known is not bound: to look at it is an error, and that denies.
            Some(Claim::Value(_)) | None => return Some(()),
        },
        (_, None) => ("scopes", list(person.scopes, measure)?),
    };
    context.add_variable_as_val(name, value);
    Some(())
}

fn request<'v>(
    shape: &'v Shape,
    facts: &Facts<'v>,
    variables: &Variables<'v>,
    measure: &mut Measure,
) -> Option<AnyValue<'v>> {
    let mut members = Vec::new();
    for (member, below) in shape.members() {
        let value = match member {
            "method" => text(facts.method.as_str(), measure)?,
            "host" => text(facts.host.name(), measure)?,
            "path" => text(variables.path, measure)?,
            "ip" => match facts.client {
                Some(client) => owned(client.to_canonical().to_string()),
                None => continue,
            },
            _ => {
                let mut found = Vec::new();
                for (name, _) in below.members() {
                    if let Some(value) = variables.value(name) {
                        found.push((name, text(value, measure)?));
                    }
                }
                map(found)
            }
        };
        members.push((member, value));
    }
    Some(map(members))
}

/// What `request` has.
pub(super) const REQUEST: &[&str] = &["method", "host", "path", "ip", "variables"];
