//! What is said to somebody whom a rule does not let pass.

use super::{SIGN_IN_AGAIN, TRY_AGAIN, Text, Words};

pub(crate) const ACCOUNT: Text = Text("Signed in as", "Session ouverte pour");
pub(crate) const OTHER: Text = Text("Use another account", "Changer de compte");
pub(crate) const SIGN_OUT: Text =
    Text("Sign out to use another account", "Se déconnecter pour en changer");
/// Stands before the name of the sign-in service.
pub(crate) const REMEMBERS: Text = Text(
    "This service may remember your account. To use another, sign out there too:",
    "Ce service peut se souvenir de votre compte. Pour en utiliser un autre, déconnectez-vous-y \
     aussi\u{a0}:",
);

pub(crate) const NOT_OPEN: Words = Words {
    title: Text("This page isn’t open to you here", "Page inaccessible d’ici"),
    text: Text(
        "This site doesn’t let requests like yours through to this page, whoever they come from.",
        "Ce site ne laisse pas passer vers cette page les demandes comme la vôtre, d’où qu’elles \
         viennent.",
    ),
    advice: Text(
        "It may be open from another network, or at another time. The people who run this site \
         know more.",
        "Elle est peut-être accessible depuis un autre réseau ou à un autre moment. Les \
         responsables de ce site en savent plus.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const STEP_UP_NEEDED: Words = Words {
    title: Text("Please confirm that it’s you", "Confirmez votre identité"),
    text: Text(
        "You’re signed in, but this needs a more recent or a stronger sign-in. What you sent was \
         not passed on.",
        "Votre session est ouverte, mais cette action demande une connexion plus récente ou plus \
         sûre. Votre envoi n’a pas été transmis.",
    ),
    advice: Text(
        "Sign in again, then go back and send it once more. If you wrote something long, copy it \
         first.",
        "Reconnectez-vous, puis revenez refaire votre envoi. Si votre texte est long, copiez-le \
         d’abord.",
    ),
    again: SIGN_IN_AGAIN,
};

pub(crate) const STEP_UP_UNMET: Words = Words {
    title: Text(
        "Your sign-in isn’t enough for this page",
        "Connexion insuffisante pour cette page",
    ),
    text: Text(
        "This page needs a more recent or a stronger sign-in, such as a second factor. The \
         sign-in service was asked for it, and didn’t confirm it.",
        "Cette page demande une connexion plus récente ou plus sûre, par exemple avec un second \
         facteur. Le service de connexion a été sollicité et ne l’a pas confirmée.",
    ),
    advice: Text(
        "Try again and follow what the sign-in service asks for. If this page comes back, the \
         people who run this site can help.",
        "Réessayez en suivant ce que demande le service de connexion. Si cette page revient, \
         adressez-vous aux responsables de ce site.",
    ),
    again: TRY_AGAIN,
};
