//! Texts of a rule in which `{team}` stands for the variable of the route's template.

use crate::auth::route::PathPattern;

/// A text, perhaps with variables; `{{` and `}}` are braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Variable(String),
}

/// What the variables of a route's template stand for in one path.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'a> {
    pub pattern: &'a PathPattern,
    /// The form of the path that found the route.
    pub path: &'a str,
}

impl<'a> Variables<'a> {
    /// What a variable stands for; none where the segment has an opaque character, whose meaning
    /// to the app is in doubt.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.pattern.variable(name, self.path)
    }
}

impl Text {
    /// Reads a text; `known` are the variables that the route's template has. The error says
    /// what is wrong.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let inside = brace.strip_prefix('{').and_then(|inside| inside.split_once('}'));
                let (name, after) = inside.ok_or_else(|| {
                    format!("{text:?} has a brace without its other; a brace itself is \"{{{{\" or \"}}}}\"")
                })?;
                if !known.contains(&name) {
                    return Err(unknown(name, known));
                }
                if !pieces.is_empty() && !literal.contains('/') {
                    return Err(format!(
                        "{text:?}: two variables need a \"/\" between them, or the values of different paths read the same"
                    ));
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Variable(name.to_owned()));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// The text itself, where it has no variable.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// What stands before its first variable.
    pub fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether every variable in it stands for something.
    pub fn is_clear(&self, variables: &Variables<'_>) -> bool {
        self.0.iter().all(|piece| match piece {
            Piece::Literal(_) => true,
            Piece::Variable(name) => variables.value(name).is_some(),
        })
    }

    /// Whether it is this very text.
    pub fn is(&self, value: &str, variables: &Variables<'_>) -> bool {
        let mut rest = value;
        for piece in &self.0 {
            let piece = match piece {
                Piece::Literal(text) => Some(text.as_str()),
                Piece::Variable(name) => variables.value(name),
            };
            match piece.and_then(|piece| rest.strip_prefix(piece)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }

    /// It as a JSON Pointer: what a variable stands for is one name in it (RFC 6901 3).
    pub fn to_pointer(&self, variables: &Variables<'_>) -> Option<String> {
        let mut pointer = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => pointer.push_str(text),
                Piece::Variable(name) => {
                    let value = variables.value(name)?;
                    pointer.push_str(&value.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        Some(pointer)
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    let has = match known {
        [] => String::from(
            "the route's path has no variable; a template has, such as \"/teams/{team}/*\"",
        ),
        known => format!("the route's path has {}", known.join(", ")),
    };
    format!("{{{name}}} is unknown: {has} (a brace itself is \"{{{{\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern() -> PathPattern {
        PathPattern::template("/t/{team}/{page}/*").unwrap()
    }

    #[test]
    fn a_text_is_compared_with_what_its_variables_stand_for() {
        let pattern = pattern();
        let variables = Variables { pattern: &pattern, path: "/t/red/home/x" };
        for (text, value, is) in [
            ("red", "red", true),
            ("red", "red ", false),
            ("{team}", "red", true),
            ("{team}", "", false),
            ("{team}", "red2", false),
            ("team-{team}/{page}", "team-red/home", true),
            ("team-{team}/{page}", "team-red/", false),
            ("{{team}}", "{team}", true),
            ("{{team}}", "red", false),
            ("", "", true),
        ] {
            let text = Text::parse(text, &["team", "page"]).unwrap();
            assert_eq!(text.is(value, &variables), is, "{text:?} {value:?}");
            assert!(text.is_clear(&variables));
        }
    }

    #[test]
    fn a_variable_is_one_name_of_a_pointer() {
        let pattern = pattern();
        let text = Text::parse("/teams/{team}/role", &["team"]).unwrap();
        for (path, pointer) in [
            ("/t/red/x", Some("/teams/red/role")),
            ("/t/a~1b/x", Some("/teams/a~01b/role")),
            ("/t/a%2Fb/x", None),
        ] {
            let variables = Variables { pattern: &pattern, path };
            assert_eq!(text.to_pointer(&variables).as_deref(), pointer, "{path}");
            assert_eq!(text.is_clear(&variables), pointer.is_some(), "{path}");
        }
        assert_eq!(text.beginning(), "/teams/");
    }

    #[test]
    fn no_two_paths_are_written_alike() {
        // `a-b` and `c`, or `a` and `b-c`.
        for text in ["{team}-{page}", "{team}{page}", "x/{team}.{page}"] {
            assert!(Text::parse(text, &["team", "page"]).is_err(), "{text}");
        }
        for text in ["{team}/{page}", "{team}-/x/{page}", "{team}"] {
            assert!(Text::parse(text, &["team", "page"]).is_ok(), "{text}");
        }
    }

    #[test]
    fn braces_are_doubled_closed_and_known() {
        for text in ["{", "}", "a{b", "a}b", "{}", "{other}", "{team", "{ team }"] {
            assert!(Text::parse(text, &["team"]).is_err(), "{text}");
        }
        assert_eq!(Text::parse("a{{b}}c", &[]).unwrap().plain(), Some("a{b}c"));
    }
}
