//! Every word of the pages, both languages side by side: a missing translation does not compile.
//!
//! Plain words, no blame: what happened, whose move it is, what to do. French spaces that must
//! not break are written out (`\u{a0}`, `\u{202f}`), so that they can be seen.

pub(crate) mod denied;
pub(crate) mod login;
pub(crate) mod looped;
pub(crate) mod request;

use super::language::Language;

/// One text: in English, in French.
pub(crate) struct Text(&'static str, &'static str);

impl Text {
    pub(crate) fn of(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.0,
            Language::French => self.1,
        }
    }
}

/// The words of a notice.
pub(crate) struct Words {
    pub(crate) title: Text,
    /// What happened.
    pub(crate) text: Text,
    /// Whose move it is, and what to do.
    pub(crate) advice: Text,
    /// The button that starts again.
    pub(crate) again: Text,
}

const SIGN_IN: Text = Text("Sign in", "Se connecter");
const SIGN_IN_AGAIN: Text = Text("Sign in again", "Se reconnecter");
const TRY_AGAIN: Text = Text("Try again", "Réessayer");

pub(crate) const HOME: Text = Text("Go to the home page", "Page d’accueil");
pub(crate) const REFERENCE: Text = Text("Reference", "Référence");
pub(crate) const DETAIL: Text = Text("Code", "Code");

/// The page after signing out.
pub(crate) mod signed_out {
    use super::Text;

    pub(crate) const TITLE: Text = Text("You’re signed out", "Déconnexion effectuée");
    pub(crate) const TEXT: Text =
        Text("Your session on this site has ended.", "Votre session sur ce site est terminée.");
    pub(crate) const REMAINS: Text = Text(
        "The sign-in service may still remember you: the next sign-in can then pass without a \
         question. On a shared device, sign out of the sign-in service too.",
        "Il se peut que le service de connexion se souvienne encore de vous\u{a0}: la prochaine \
         connexion se fera alors sans rien vous demander. Sur un appareil partagé, \
         déconnectez-vous aussi de ce service.",
    );
    pub(crate) const AGAIN: Text = super::SIGN_IN_AGAIN;
}

/// The choice among several providers.
pub(crate) mod choose {
    use super::Text;

    pub(crate) const TITLE: Text =
        Text("Choose how to sign in", "Choisissez comment vous connecter");
    pub(crate) const TEXT: Text = Text(
        "This site accepts these sign-in services.",
        "Ce site accepte les services de connexion suivants.",
    );
}

/// The page that posts to the provider.
pub(crate) mod post {
    use super::Text;

    pub(crate) const TITLE: Text = Text("On to sign-in", "Vers la connexion");
    pub(crate) const TEXT: Text = Text(
        "Your browser is about to take you to the sign-in service:",
        "Votre navigateur va vous conduire au service de connexion\u{a0}:",
    );
    pub(crate) const ADVICE: Text = Text(
        "If nothing happens, use the button. You come back here afterwards.",
        "Si rien ne se passe, utilisez le bouton. Vous reviendrez ici ensuite.",
    );
    pub(crate) const GO: Text = Text("Continue", "Continuer");
}

/// The question before signing out.
pub(crate) mod confirm {
    use super::Text;

    pub(crate) const TITLE: Text = Text("Sign out?", "Se déconnecter\u{202f}?");
    pub(crate) const TEXT: Text = Text(
        "A link from another site asked to sign you out. You’re still signed in: nothing happens \
         unless you say so.",
        "Un lien venu d’un autre site demande votre déconnexion. Votre session est toujours \
         ouverte\u{a0}: rien ne se passera sans votre accord.",
    );
    pub(crate) const YES: Text = Text("Sign out", "Se déconnecter");
    pub(crate) const NO: Text = Text("Stay signed in", "Garder ma session ouverte");
}

/// The page that sends on what was entered before the login.
pub(crate) mod resume {
    use super::Text;

    pub(crate) const SIGNED_IN: Text =
        Text("You’re signed in as", "Votre session est ouverte au nom de");
    pub(crate) const TITLE: Text =
        Text("Sending what you entered", "Envoi de ce que vous avez saisi");
    pub(crate) const TEXT: Text = Text(
        "What you entered before you signed in is being sent now. If nothing happens, use the \
         button.",
        "Ce que vous aviez saisi avant de vous connecter est en cours d’envoi. Si rien ne se \
         passe, utilisez le bouton.",
    );
    pub(crate) const ASK_TITLE: Text =
        Text("Send what was entered?", "Envoyer ce qui a été saisi\u{202f}?");
    pub(crate) const ASK_TEXT: Text = Text(
        "It was entered here before you signed in, perhaps by somebody else, and has not been \
         sent. If you send it now, it is sent in your name.",
        "Cela a été saisi ici avant votre connexion, peut-être par quelqu’un d’autre, et n’a pas \
         été envoyé. Si vous l’envoyez maintenant, ce sera en votre nom.",
    );
    pub(crate) const SEND: Text = Text("Send", "Envoyer");
    pub(crate) const NO: Text = Text("Don’t send", "Ne pas envoyer");
}

/// The page that closes the window that a login had to itself.
pub(crate) mod done {
    use super::Text;

    pub(crate) const TITLE: Text =
        Text("You can close this window", "Vous pouvez fermer cette fenêtre");
    pub(crate) const TEXT: Text = Text(
        "Sign-in is done. The page that you came from goes on by itself.",
        "La connexion est terminée. La page d’où vous venez continue d’elle-même.",
    );
}
