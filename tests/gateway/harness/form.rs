//! The form of a page: where it leads, and what it says.

use super::Answer;

/// A form with its fields, in order.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Form {
    /// The form that the script of a page posts: ours and the providers' call it `on`.
    pub(crate) fn that_posts_itself(answer: &Answer) -> Option<Self> {
        Self::called("on", answer)
    }

    /// The form that a page asks about.
    #[allow(dead_code, reason = "only tests/gateway needs it")]
    pub(crate) fn that_asks(answer: &Answer) -> Option<Self> {
        Self::called("ask", answer)
    }

    fn called(id: &str, answer: &Answer) -> Option<Self> {
        let page = answer.text();
        let (_, form) = page.split_once("<form")?;
        let (form, _) = form.split_once("</form>")?;
        let (head, inputs) = form.split_once('>')?;
        if attribute(head, "id")? != id {
            return None;
        }
        let field = |input: &str| Some((attribute(input, "name")?, attribute(input, "value")?));
        let fields = inputs.split("<input").skip(1).map(|input| field(input).expect("a field"));
        Some(Self { action: attribute(head, "action")?, fields: fields.collect() })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    pub(super) fn body(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(plain(value))
}

/// Text as a browser reads it.
pub(super) fn plain(html: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/")];
    let text = entities.iter().fold(html.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}
