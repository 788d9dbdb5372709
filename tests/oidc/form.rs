//! The first form of a page: where it goes and what it carries.

/// A form as its page has it.
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) action: String,
    /// Inputs by name; buttons are for the person to press.
    pub(crate) fields: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn first_of(page: &str) -> Option<Self> {
        let (_, after) = page.split_once("<form")?;
        let (head, after) = after.split_once('>')?;
        let (body, _) = after.split_once("</form>")?;
        let inputs = body.split("<input").skip(1).map(|tag| tag.split('>').next().unwrap());
        let fields = inputs
            .map(|tag| (attribute(tag, "name"), attribute(tag, "value")))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        Some(Self { id: attribute(head, "id"), action: attribute(head, "action"), fields })
    }

    /// Fills in a field, or presses a button.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(&self) -> String {
        encoded(self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encoded<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn attribute(tag: &str, name: &str) -> String {
    let found = tag.split_once(&format!(" {name}=\""));
    let value = found.and_then(|(_, after)| after.split('"').next()).unwrap_or_default();
    let entities = [("&quot;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    entities.iter().fold(value.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
