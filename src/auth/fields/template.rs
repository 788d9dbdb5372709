//! Texts with places to fill in: `{user} of {path.team}`.

use http::HeaderValue;

use super::Subject;
use super::format::in_text;
use crate::auth::claim_source::ClaimSource;
use crate::auth::headers::encode;

/// A text with places to fill in.
#[derive(Clone, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    /// The signs of structure that the operator wrote: in a claim they are percent-encoded, so
    /// that it can't play the part of what stands around it (C-40).
    signs: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Piece {
    AccessToken,
    Claim(ClaimSource),
    Literal(String),
    /// A variable of the route's path.
    Path(String),
}

impl Template {
    /// Reads a text; `{{` is a brace. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(String::from(
                "must be printable ASCII in one line; claims may be anything, they are encoded",
            ));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('{') {
                literal.push('{');
                rest = after;
                continue;
            }
            let (inside, after) =
                after.split_once('}').ok_or("has a \"{\" without its \"}\"; a brace is \"{{\"")?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::parse(inside)?);
            rest = after;
        }
        literal.push_str(rest);
        let signs = |piece: &Piece| match piece {
            Piece::Literal(text) => text.bytes().filter(|byte| STRUCTURE.contains(byte)).collect(),
            _ => Vec::new(),
        };
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { signs: pieces.iter().flat_map(signs).collect(), pieces })
    }

    /// The text, where it has no place to fill in.
    pub fn fixed(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The names of the variables that the route's path must have.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Path(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// What it asks of people.
    pub fn claims(&self) -> impl Iterator<Item = &ClaimSource> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Claim(source) => Some(source),
            _ => None,
        })
    }

    /// Fills it in; none where anything is missing that it asks for.
    pub fn render<'a>(
        &self,
        subject: Option<Subject<'a>>,
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Path(name) => out.push_str(&encode(variable(name)?, &self.signs)),
                // A token is printable ASCII, and another one if anything of it is changed.
                Piece::AccessToken => out.push_str(subject?.access_token.to_str().ok()?),
                Piece::Claim(source) => {
                    let subject = subject?;
                    let claim = source.find(subject.identity, Some(subject.provider))?;
                    out.push_str(&in_text(claim, &self.signs)?);
                }
            }
        }
        (!out.is_empty()).then_some(out)
    }

    /// A field of what was filled in, hidden from logs where there is a token in it.
    pub fn field(&self, text: String) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(text).ok()?;
        let secret = self.pieces.iter().any(|piece| matches!(piece, Piece::AccessToken));
        value.set_sensitive(secret);
        Some(value)
    }
}

impl Piece {
    fn parse(inside: &str) -> Result<Self, String> {
        if inside == "access_token" {
            return Ok(Self::AccessToken);
        }
        if let Some(name) = inside.strip_prefix("path.") {
            return Ok(Self::Path(name.to_owned()));
        }
        ClaimSource::parse(inside).map(Self::Claim).map_err(|message| {
            format!("{message}; or \"access_token\", or \"path.NAME\"; a brace is \"{{{{\"")
        })
    }
}

/// Signs by which texts are taken apart.
const STRUCTURE: &[u8] = b",;:=&|/\\\"'<>()[]{}";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::identity::{Documents, Identity, IdentitySources, Source};

    fn ada() -> Identity {
        let sources = IdentitySources {
            user: vec![Source::parse("me:/id").unwrap()],
            email: vec![Source::parse("me:/email").unwrap()],
            groups: vec![Source::parse("me:/groups").unwrap()],
            kept: ["me:/team", "token:/roles", "me:/n"].map(|x| Source::parse(x).unwrap()).into(),
            ..IdentitySources::default()
        };
        let me = json!({
            "id": "ada;admin=1", "email": "ada@example.com", "groups": ["a,b", "c"],
            "team": { "name": "zo\u{eb}\r\n" }, "n": 7
        });
        let token = json!({ "roles": ["x", "y"] });
        sources.read(&Documents { token: Some(token), me: Some(me), id: None }).unwrap()
    }

    #[test]
    fn places_are_filled_in_or_there_is_no_field() {
        let (identity, token) = (ada(), HeaderValue::from_static("to%ken"));
        let subject = Subject { identity: &identity, provider: "staff", access_token: &token };
        for (text, wanted) in [
            ("{email}", Some("ada@example.com")),
            ("{groups}", Some("a%2Cb,c")),
            ("{token:/roles} {me:/n}", Some("x,y 7")),
            ("[{me:/team/name}]", Some("[zo%C3%AB%0D%0A]")),
            ("Token {access_token}", Some("Token to%ken")),
            ("{provider}/{path.team}", Some("staff/a%2Fb c")),
            ("{{\"n\": {me:/n}}", Some("{\"n\": 7}")),
            ("{{{{}", Some("{{}")),
            ("user={user}", Some("user=ada;admin%3D1")),
            ("user={user};", Some("user=ada%3Badmin%3D1;")),
            ("r={groups}, x", Some("r=a%2Cb,c, x")),
            ("{organization}", None),
            ("x {me:/none} y", None),
            ("{me:/team}", None),
            ("{path.none}", None),
        ] {
            let template = Template::parse(text).unwrap();
            let variable = |name: &str| (name == "team").then_some("a/b c");
            assert_eq!(template.render(Some(subject), variable).as_deref(), wanted, "{text}");
        }
        let nobody = |text: &str| Template::parse(text).unwrap().render(None, |_| Some("7"));
        assert_eq!(nobody("team {path.team}").as_deref(), Some("team 7"));
        assert_eq!(nobody("{path.team} {user}"), None);
        assert_eq!(nobody("{access_token}"), None);
    }

    #[test]
    fn a_token_in_a_text_is_not_shown() {
        let template = Template::parse("Token {access_token}").unwrap();
        assert!(template.field(String::from("Token x")).unwrap().is_sensitive());
        assert!(
            !Template::parse("{user}").unwrap().field(String::from("x")).unwrap().is_sensitive()
        );
    }

    #[test]
    fn a_text_that_says_nothing_sure_is_refused() {
        for text in
            ["{", "{user", "a {nobody}", "{}", "{me:x}", "{ user }", "zo\u{eb}", "a\tb", "a\nb"]
        {
            assert!(Template::parse(text).is_err(), "{text:?}");
        }
        for (text, fixed) in [("", Some("")), ("a } b", Some("a } b")), ("{{x}", Some("{x}"))] {
            assert_eq!(Template::parse(text).unwrap().fixed(), fixed);
        }
        let template = Template::parse("{path.a}{path.b}{user}").unwrap();
        assert_eq!(template.fixed(), None);
        assert_eq!(template.variables().collect::<Vec<_>>(), ["a", "b"]);
    }
}
