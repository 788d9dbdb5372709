//! Which expressions are taken at all.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};

use super::fault::FaultAt;
use super::language::{self, MATCHES};
use super::names::{Chain, REQUEST, Root, Wants};

/// What a look through the tree found.
pub(super) struct Checked {
    pub(super) wants: Wants,
    pub(super) faults: Vec<FaultAt>,
}

struct Walk<'e> {
    found: Checked,
    /// Of the route's template.
    variables: &'e [&'e str],
    /// The names that the comprehensions around bring in.
    own: Vec<&'e str>,
    depth: usize,
}

impl Checked {
    /// Looks through a tree; `variables` are those of the route's template.
    pub(super) fn of(tree: &IdedExpr, variables: &[&str]) -> Self {
        let found = Self { wants: Wants::default(), faults: Vec::new() };
        let mut walk = Walk { found, variables, own: Vec::new(), depth: 0 };
        if !is_condition(tree) {
            walk.fault(tree, "gives neither true nor false");
        }
        walk.visit(tree);
        walk.found
    }
}

impl<'e> Walk<'e> {
    fn fault(&mut self, at: &IdedExpr, message: impl Into<String>) {
        if self.found.faults.len() < MOST_FAULTS {
            self.found.faults.push(FaultAt { node: at.id, message: message.into() });
        }
    }

    fn visit(&mut self, expr: &'e IdedExpr) {
        if self.depth == MOST_DEEP {
            return self.fault(expr, format!("is nested deeper than {MOST_DEEP} levels"));
        }
        self.depth += 1;
        let own = &self.own;
        match Chain::of(expr, &|name| own.contains(&name)) {
            Some(chain) => self.chain(expr, &chain),
            None => self.node(expr),
        }
        self.depth -= 1;
    }

    fn chain(&mut self, expr: &IdedExpr, chain: &Chain<'_>) {
        match (chain.root, chain.members.as_slice()) {
            (root, []) if root.has_members() => {
                let message = match root {
                    Root::Request => {
                        format!("name a member of it; request has {}", REQUEST.join(", "))
                    }
                    _ => String::from(
                        "name the member, such as me.organization.id: only what is named is kept with a session",
                    ),
                };
                self.fault(expr, message);
            }
            (Root::Request, ["variables"]) => {
                self.fault(expr, "name the variable, such as request.variables.team");
            }
            (Root::Request, ["variables", name, ..]) if !self.variables.contains(name) => {
                self.fault(expr, format!("the route's path has no variable {name:?}"));
            }
            (Root::Request, [member, ..]) if !REQUEST.contains(member) => {
                self.fault(expr, format!("request has no {member:?}, but {}", REQUEST.join(", ")));
            }
            (root, [_, ..]) if !root.has_members() => {
                self.fault(expr, "has no members: it is a text, or a list of texts");
            }
            (_, members) if members.len() > MOST_DEEP => {
                self.fault(expr, format!("is nested deeper than {MOST_DEEP} levels"));
            }
            _ => self.found.wants.add(chain),
        }
    }

    fn node(&mut self, expr: &'e IdedExpr) {
        match &expr.expr {
            Expr::Call(call) => self.call(expr, call),
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Ident(name) => {
                if !name.starts_with('@') && !self.own.contains(&name.as_str()) {
                    self.fault(expr, format!("there is no {name:?}; there are {NAMES}"));
                }
            }
            Expr::List(list) => {
                if list.elements.len() > MOST_MEMBERS {
                    self.fault(expr, format!("has more than {MOST_MEMBERS} members"));
                }
                list.elements.iter().for_each(|element| self.visit(element));
            }
            Expr::Literal(_) => {}
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) if !entry.optional => {
                            self.visit(&entry.key);
                            self.visit(&entry.value);
                        }
                        _ => self.fault(expr, "is no map"),
                    }
                }
            }
            Expr::Select(select) => self.visit(&select.operand),
            Expr::Struct(_) | Expr::Unspecified => self.fault(expr, "is not supported"),
        }
    }

    fn call(&mut self, expr: &'e IdedExpr, call: &'e CallExpr) {
        let name = call.func_name.as_str();
        let root = |inner: &IdedExpr| match &inner.expr {
            Expr::Ident(name) => Root::named(name).filter(|_| !self.own.contains(&name.as_str())),
            _ => None,
        };
        let indexed = call.args.first().filter(|_| name == operators::INDEX).and_then(root);
        if indexed.is_some_and(Root::has_members) {
            return self.fault(
                expr,
                "name the member, such as token[\"roles\"]: only what is named is kept with a session",
            );
        }
        if name == MATCHES {
            match language::literal_pattern(call).map(language::compile_pattern) {
                Some(Ok(_)) => {}
                Some(Err(message)) => self.fault(expr, message),
                None => self.fault(expr, "write the regular expression of matches out, as a text"),
            }
        } else if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
            let functions = FUNCTIONS.join(", ");
            self.fault(
                expr,
                format!("there is no function {name:?}; there are {functions}, {MACROS}"),
            );
        }
        call.target.iter().for_each(|target| self.visit(target));
        call.args.iter().for_each(|arg| self.visit(arg));
    }

    fn comprehension(&mut self, expr: &'e IdedExpr, comprehension: &'e ComprehensionExpr) {
        let name = comprehension.iter_var.as_str();
        if Root::named(name).is_some() || comprehension.iter_var2.is_some() {
            self.fault(expr, format!("{name:?} is the name of something else; take another"));
        }
        self.visit(&comprehension.iter_range);
        if self.own.len() == MOST_NESTED {
            return self.fault(expr, "goes through lists within lists within lists");
        }
        self.own.push(name);
        self.visit(&comprehension.loop_step);
        self.own.pop();
    }
}

/// Whether it can give true or false, as far as its root tells.
fn is_condition(tree: &IdedExpr) -> bool {
    match &tree.expr {
        Expr::Call(call) => !NO_CONDITIONS.contains(&call.func_name.as_str()),
        Expr::Comprehension(comprehension) => {
            !matches!(comprehension.accu_init.expr, Expr::List(_))
        }
        Expr::List(_) | Expr::Map(_) => false,
        Expr::Literal(literal) => matches!(literal, LiteralValue::Boolean(_)),
        _ => true,
    }
}

const NAMES: &str = "token, me, id, user, email, groups, organization, name, preferred_username, provider, scopes, request";
const FUNCTIONS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    MATCHES,
    "string",
    "int",
    "uint",
    "double",
    "bool",
];
const MACROS: &str = "has, all, exists, exists_one, filter, map";
const OPERATORS: &[&str] = &[
    operators::ADD,
    operators::CONDITIONAL,
    operators::DIVIDE,
    operators::EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::IN,
    operators::INDEX,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::LOGICAL_AND,
    operators::LOGICAL_NOT,
    operators::LOGICAL_OR,
    operators::MODULO,
    operators::MULTIPLY,
    operators::NEGATE,
    operators::NOT_EQUALS,
    operators::NOT_STRICTLY_FALSE,
    operators::SUBSTRACT,
];
const NO_CONDITIONS: &[&str] = &[
    operators::ADD,
    operators::DIVIDE,
    operators::MODULO,
    operators::MULTIPLY,
    operators::NEGATE,
    operators::SUBSTRACT,
    "double",
    "int",
    "size",
    "string",
    "uint",
];
/// The interpreter goes as deep as the tree.
const MOST_DEEP: usize = 32;
/// Comprehensions inside of one another.
const MOST_NESTED: usize = 2;
/// Of a list that is written out.
const MOST_MEMBERS: usize = 256;
/// As many errors as one reads at a time.
const MOST_FAULTS: usize = 5;
