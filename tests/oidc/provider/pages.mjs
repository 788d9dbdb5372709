// The provider's pages: plain forms that work without scripts and load nothing.

export function escape(text) {
    const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
    return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

export function page(title, body) {
    return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(title)}</title></head>
<body>
<h1>${escape(title)}</h1>
${body}
</body>
</html>
`;
}

export function loginPage(uid, hint) {
    return page('Sign in at the provider', `<form method="post" action="/interaction/${escape(uid)}">
<p><label>Account <input name="account" value="${escape(hint ?? '')}" required autofocus></label></p>
<p><button name="answer" value="yes">Sign in</button>
<button name="answer" value="no" formnovalidate>Cancel</button></p>
</form>`);
}

export function consentPage(uid, client, scopes) {
    const items = scopes.map((scope) => `<li>${escape(scope)}</li>`).join('');
    const title = `${client} wants to know who you are`;
    return page(title, `<ul>${items}</ul>
<form method="post" action="/interaction/${escape(uid)}">
<p><button name="answer" value="yes">Allow</button>
<button name="answer" value="no">Deny</button></p>
</form>`);
}

// The form is the library's own; only its buttons are ours.
export function logoutPage(form) {
    return page('Sign out at the provider', `${form}
<p><button form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button form="op.logoutForm">Stay signed in</button></p>`);
}

export function errorPage(error) {
    const lines = Object.entries(error).map(([name, value]) => `${name}: ${value}`);
    return page('The provider refuses', `<pre>${escape(lines.join('\n'))}</pre>`);
}
