//! What is said to somebody who signs in again and again, and is never signed in.

use super::{SIGN_IN_AGAIN, Text, Words};
use crate::auth::loop_guard::Cause;

pub(crate) const LOOPED: Words = Words {
    title: Text("Signing in works, but it doesn’t last", "La connexion réussit mais ne tient pas"),
    text: Text(
        "You were signed in several times in a row, and each time this site asked for it again. \
         It has stopped here, so that you don’t go round in circles.",
        "Vous avez été connecté plusieurs fois de suite, et chaque fois ce site l’a demandé de \
         nouveau. Il s’arrête ici pour ne pas vous faire tourner en rond.",
    ),
    advice: Text(
        "You can try once more. If this page comes back, only the people who run this site can \
         put it right: please send them what stands below.",
        "Vous pouvez réessayer une fois. Si cette page revient, seuls les responsables de ce site \
         peuvent intervenir\u{a0}: merci de leur transmettre ce qui figure ci-dessous.",
    ),
    again: SIGN_IN_AGAIN,
};

/// Stands before how often somebody signed in.
pub(crate) const COUNT: Text = Text("Sign-ins in a row", "Connexions de suite");

/// Why it does not last.
pub(crate) fn cause(cause: Cause) -> &'static Text {
    match cause {
        Cause::CookieLost => &COOKIE_LOST,
        Cause::CookieWithheld => &COOKIE_WITHHELD,
        Cause::OtherKey => &OTHER_KEY,
        Cause::Clock => &CLOCK,
        Cause::EndedAtOnce => &ENDED_AT_ONCE,
    }
}

const COOKIE_LOST: Text = Text(
    "Your browser didn’t send back the cookie that keeps you signed in. It may be set to refuse \
     this site’s cookies, or something between your browser and this site removes it.",
    "Votre navigateur n’a pas renvoyé le cookie qui garde votre session ouverte. Il refuse \
     peut-être les cookies de ce site, ou quelque chose les retire en chemin.",
);

const COOKIE_WITHHELD: Text = Text(
    "You are signed in, but one part of this site doesn’t pass your session on to the part that \
     checks it. It’s nothing that you did.",
    "Votre session est bien ouverte, mais une partie de ce site ne la transmet pas à celle qui la \
     vérifie. Vous n’y êtes pour rien.",
);

const OTHER_KEY: Text = Text(
    "Your session came back, but it can’t be read here: parts of this site don’t share the same \
     key. It’s nothing that you did.",
    "Votre session est revenue, mais elle ne peut pas être lue ici\u{a0}: des parties de ce site \
     n’ont pas la même clé. Vous n’y êtes pour rien.",
);

const CLOCK: Text = Text(
    "Your session came back, but by this site’s clock it has ended already, or not begun. A clock \
     is wrong somewhere on this site.",
    "Votre session est revenue mais, d’après l’horloge de ce site, elle est déjà terminée ou n’a \
     pas encore commencé. Une horloge de ce site n’est pas à l’heure.",
);

const ENDED_AT_ONCE: Text = Text(
    "Your session was ended as soon as it began: this site lost it, or the sign-in service took \
     it back.",
    "Votre session a été fermée aussitôt ouverte\u{a0}: ce site l’a perdue, ou le service de \
     connexion l’a reprise.",
);
