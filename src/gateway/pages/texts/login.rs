//! Notices about signing in, about sessions and about who may pass.

use super::{SIGN_IN, SIGN_IN_AGAIN, TRY_AGAIN, Text, Words};

pub(crate) const BAD_CALLBACK: Words = Words {
    title: Text("This sign-in link is incomplete", "Ce lien de connexion est incomplet"),
    text: Text(
        "This address is the last step of a sign-in, but a part of it is missing. \
         Nobody was signed in.",
        "Cette adresse est la dernière étape d’une connexion, mais il en manque une partie. \
         Personne n’a été connecté.",
    ),
    advice: Text(
        "Start again from the beginning. Bookmarks and old links to this step don’t work.",
        "Recommencez depuis le début. Les favoris et les anciens liens vers cette étape ne \
         fonctionnent pas.",
    ),
    again: SIGN_IN,
};

pub(crate) const BAD_TOKEN: Words = Words {
    title: Text("This access token isn’t accepted", "Ce jeton d’accès n’est pas accepté"),
    text: Text(
        "The request brought an access token that isn’t valid here. Nothing was passed on.",
        "La requête portait un jeton d’accès qui n’est pas valable ici. Rien n’a été transmis.",
    ),
    advice: Text(
        "Get a new token from the sign-in service, for this site, and send the request again.",
        "Demandez au service de connexion un nouveau jeton pour ce site, puis renvoyez la requête.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const DENIED: Words = Words {
    title: Text("You weren’t signed in", "La connexion n’a pas eu lieu"),
    text: Text(
        "The sign-in was cancelled, or the sign-in service didn’t allow it. Nothing has changed \
         here.",
        "La connexion a été annulée, ou le service de connexion ne l’a pas autorisée. Rien n’a \
         changé ici.",
    ),
    advice: Text(
        "To go on, sign in again and accept. If your account isn’t let through, ask the people \
         who run this site.",
        "Pour continuer, reconnectez-vous et acceptez. Si votre compte n’est pas admis, \
         adressez-vous aux responsables de ce site.",
    ),
    again: SIGN_IN_AGAIN,
};

pub(crate) const REFUSED: Words = Words {
    title: Text("The sign-in was turned down", "La connexion a été refusée"),
    text: Text(
        "The sign-in service answered this site’s request with an error. Your account and your \
         password are as they were.",
        "Le service de connexion a répondu par une erreur à la demande de ce site. Rien n’a changé \
         pour votre compte ni pour votre mot de passe.",
    ),
    advice: Text(
        "Try once more. If you see this page again, the people who run this site have to put it \
         right: please let them know.",
        "Réessayez une fois. Si cette page revient, c’est aux responsables de ce site \
         d’intervenir\u{a0}: merci de les prévenir.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const EXPIRED: Words = Words {
    title: Text("This sign-in is no longer valid", "Cette connexion n’est plus valable"),
    text: Text(
        "A sign-in is good for a few minutes, and only once. This one can no longer be used.",
        "Une tentative de connexion ne vaut que quelques minutes, et une seule fois. Celle-ci ne \
         peut plus servir.",
    ),
    advice: Text("Sign in again to go on.", "Reconnectez-vous pour continuer."),
    again: SIGN_IN_AGAIN,
};

pub(crate) const FOREIGN: Words = Words {
    title: Text(
        "This sign-in can’t be finished here",
        "Cette connexion ne peut pas se terminer ici",
    ),
    text: Text(
        "It was started in another browser, or it’s already finished, or this browser didn’t \
         keep this site’s cookies.",
        "Elle a été commencée dans un autre navigateur, ou elle est déjà terminée, ou ce \
         navigateur n’a pas conservé les cookies de ce site.",
    ),
    advice: Text(
        "Sign in again, and stay in this browser until you’re back. If this page returns, allow \
         cookies for this site.",
        "Reconnectez-vous et restez dans ce navigateur jusqu’à votre retour. Si cette page \
         revient, autorisez les cookies pour ce site.",
    ),
    again: SIGN_IN_AGAIN,
};

pub(crate) const FAILED: Words = Words {
    title: Text("The sign-in couldn’t be completed", "La connexion n’a pas pu aboutir"),
    text: Text(
        "You did your part, but this site and the sign-in service couldn’t agree on the last \
         step.",
        "Vous avez fait ce qu’il fallait, mais ce site et le service de connexion n’ont pas pu \
         s’entendre sur la dernière étape.",
    ),
    advice: Text(
        "The people who run this site have to put this right: please let them know. Until then, \
         signing in is unlikely to work.",
        "C’est aux responsables de ce site d’intervenir\u{a0}: merci de les prévenir. D’ici là, \
         la connexion a peu de chances de fonctionner.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const PROVIDER_UNAVAILABLE: Words = Words {
    title: Text("The sign-in service isn’t answering", "Le service de connexion ne répond pas"),
    text: Text(
        "This site got no usable answer from the sign-in service, so you couldn’t be signed in. \
         It’s nothing that you did.",
        "Ce site n’a pas reçu de réponse exploitable du service de connexion\u{a0}: la connexion \
         n’a pas pu se faire. Vous n’y êtes pour rien.",
    ),
    advice: Text("Wait a minute, then try again.", "Patientez une minute, puis réessayez."),
    again: TRY_AGAIN,
};

pub(crate) const SESSION_TOO_LARGE: Words = Words {
    title: Text("Your session can’t be kept", "Votre session ne peut pas être conservée"),
    text: Text(
        "The sign-in service knows you, but it says more about your account than this site can \
         keep in your browser.",
        "Le service de connexion sait qui vous êtes, mais il en dit plus sur votre compte que ce \
         site ne peut en conserver dans votre navigateur.",
    ),
    advice: Text(
        "Signing in again won’t change that. The people who run this site can: please let them \
         know.",
        "Vous reconnecter n’y changera rien. Les responsables de ce site peuvent y \
         remédier\u{a0}: merci de les prévenir.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const SESSION_UNAVAILABLE: Words = Words {
    title: Text("One moment, please", "Un instant, s’il vous plaît"),
    text: Text(
        "This site can’t check your session right now. Nothing is lost, and you don’t \
         have to sign in again.",
        "Ce site ne peut pas vérifier votre session pour l’instant. Rien n’est perdu, et vous \
         n’avez pas à vous reconnecter.",
    ),
    advice: Text(
        "Wait a few seconds, then reload this page.",
        "Patientez quelques secondes, puis rechargez cette page.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const SIGN_IN_NEEDED: Words = Words {
    title: Text("Please sign in first", "Connexion nécessaire"),
    text: Text(
        "You aren’t signed in, or your session has ended. What you sent was not passed on.",
        "Votre session n’est pas ouverte, ou elle a pris fin. Votre envoi n’a pas été transmis.",
    ),
    advice: Text(
        "Sign in, then go back to the form and send it again. If you wrote something long, go \
         back and copy it before you sign in.",
        "Connectez-vous, puis revenez au formulaire et renvoyez-le. Si votre texte est long, \
         revenez d’abord le copier avant de vous connecter.",
    ),
    again: SIGN_IN,
};

pub(crate) const NOT_ALLOWED: Words = Words {
    title: Text("You don’t have access to this page", "Accès non autorisé"),
    text: Text(
        "You’re signed in, but this page isn’t open to your account.",
        "Votre session est ouverte, mais votre compte n’a pas accès à cette page.",
    ),
    advice: Text(
        "If you need it, ask the people who run this site for access. If you have another \
         account, sign in with that one.",
        "Si vous en avez besoin, demandez l’accès aux responsables de ce site. Si vous avez un \
         autre compte, connectez-vous avec celui-là.",
    ),
    again: TRY_AGAIN,
};
