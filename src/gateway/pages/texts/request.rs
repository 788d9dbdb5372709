//! Notices about requests, about the application behind us and about ourselves.

use super::{TRY_AGAIN, Text, Words};

pub(crate) const BAD_REQUEST: Words = Words {
    title: Text("This request can’t be read", "Cette demande est illisible"),
    text: Text(
        "The address, or what your browser sent with it, isn’t in a form that this site accepts.",
        "L’adresse, ou ce que votre navigateur a envoyé avec elle, n’a pas une forme que ce site \
         accepte.",
    ),
    advice: Text(
        "Check the address, or start from the home page.",
        "Vérifiez l’adresse, ou repartez de la page d’accueil.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const MISDIRECTED: Words = Words {
    title: Text("This site has another address", "Ce site a une autre adresse"),
    text: Text(
        "Your request arrived here under a name that this site doesn’t go by.",
        "Votre demande est arrivée ici sous un nom qui n’est pas celui de ce site.",
    ),
    advice: Text(
        "Check the address. If it’s the one you were given, let the people who run this site \
         know.",
        "Vérifiez l’adresse. Si c’est bien celle que l’on vous a donnée, prévenez les \
         responsables de ce site.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const NO_ROUTE: Words = Words {
    title: Text("There’s nothing here", "Il n’y a rien ici"),
    text: Text(
        "This site has no page at this address.",
        "Ce site n’a pas de page à cette adresse.",
    ),
    advice: Text(
        "Check the address for a typing mistake, or start from the home page.",
        "Vérifiez que l’adresse est bien saisie, ou repartez de la page d’accueil.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const METHOD_NOT_ALLOWED: Words = Words {
    title: Text("That can’t be done here", "Cette action n’est pas possible ici"),
    text: Text(
        "This address exists, but it doesn’t take this kind of request. Nothing was passed on.",
        "Cette adresse existe, mais elle n’accepte pas ce type de demande. Rien n’a été \
         transmis.",
    ),
    advice: Text(
        "Go back to the page that you came from and start there.",
        "Revenez à la page d’où vous venez et repartez de là.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const TOO_LARGE: Words = Words {
    title: Text("That’s too large", "C’est trop volumineux"),
    text: Text(
        "What you sent is larger than this site takes here. Nothing of it was kept by this site.",
        "Ce que vous avez envoyé dépasse ce que ce site accepte ici. Ce site n’en a rien conservé.",
    ),
    advice: Text(
        "Send something smaller, or ask the people who run this site for another way.",
        "Envoyez quelque chose de plus petit, ou demandez aux responsables de ce site une autre \
         voie.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const TOO_MANY: Words = Words {
    title: Text("Slow down, please", "Doucement, s’il vous plaît"),
    text: Text(
        "More requests came from you, or from your network, than this site takes at once.",
        "Vous, ou votre réseau, avez envoyé plus de demandes que ce site n’en accepte à la fois.",
    ),
    advice: Text("Wait a moment, then try again.", "Patientez un instant, puis réessayez."),
    again: TRY_AGAIN,
};

pub(crate) const UPSTREAM_DOWN: Words = Words {
    title: Text("The application isn’t answering", "L’application ne répond pas"),
    text: Text(
        "You reached this site, but the application behind it can’t be reached right now.",
        "Vous avez bien atteint ce site, mais l’application qui se trouve derrière est \
         injoignable pour le moment.",
    ),
    advice: Text(
        "It’s nothing that you did. Wait a minute, then reload this page. If it goes on, let the \
         people who run this site know.",
        "Vous n’y êtes pour rien. Patientez une minute, puis rechargez cette page. Si cela dure, \
         prévenez les responsables de ce site.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const UPSTREAM_SLOW: Words = Words {
    title: Text("The application is taking too long", "L’application met trop de temps à répondre"),
    text: Text(
        "The application behind this site didn’t answer in time. It may still be working on it.",
        "L’application derrière ce site n’a pas répondu à temps. Elle est peut-être encore en \
         train de traiter votre demande.",
    ),
    advice: Text(
        "Wait a minute, then reload this page. If you sent something, look first whether it \
         arrived.",
        "Patientez une minute, puis rechargez cette page. Si vous avez envoyé quelque chose, \
         vérifiez d’abord si c’est arrivé.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const UPSTREAM_NONSENSE: Words = Words {
    title: Text(
        "The application’s answer can’t be shown",
        "La réponse de l’application ne peut pas être affichée",
    ),
    text: Text(
        "The application behind this site answered in a way that can’t be read.",
        "L’application derrière ce site a donné une réponse illisible.",
    ),
    advice: Text(
        "It’s nothing that you did. If you sent something, look whether it arrived. If reloading \
         doesn’t help, let the people who run this site know.",
        "Vous n’y êtes pour rien. Si vous avez envoyé quelque chose, vérifiez si c’est arrivé. Si \
         recharger la page n’y change rien, prévenez les responsables de ce site.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const FOREIGN_PAGE: Words = Words {
    title: Text("This came from another site", "Cette demande vient d’un autre site"),
    text: Text(
        "A page of another site asked for this in your name. Nothing was passed on.",
        "Une page d’un autre site a fait cette demande en votre nom. Rien n’a été transmis.",
    ),
    advice: Text(
        "If you want it done, open this site yourself and do it there.",
        "Si c’est bien ce que vous voulez, ouvrez ce site vous-même et faites-le là.",
    ),
    again: TRY_AGAIN,
};

pub(crate) const NOTHING_KEPT: Words = Words {
    title: Text("There’s nothing left to send", "Il n’y a plus rien à envoyer"),
    text: Text(
        "What you enter before you sign in is kept for ten minutes, and sent once. Just now, \
         nothing was sent.",
        "Ce que vous saisissez avant de vous connecter est conservé dix minutes et envoyé une \
         seule fois. À l’instant, rien n’a été envoyé.",
    ),
    advice: Text(
        "If you haven’t seen an answer to it, go back to the form and send it again.",
        "Si vous n’avez pas vu de réponse, revenez au formulaire et renvoyez-le.",
    ),
    again: TRY_AGAIN,
};
