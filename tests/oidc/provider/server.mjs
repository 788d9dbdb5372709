// A certified OpenID provider on loopback, for one test.
//
//   node server.mjs MODULES [PORT]     MODULES: the folder in which `npm ci` was run
//
// $PROVIDER says in JSON what it is to be like; the issuer comes on stdout as a line of JSON, and
// then a line for each request (no secrets). It ends when its stdin does.
//
//   clients             client metadata (RFC 7591), keys as `public_key` or `certificate` in PEM
//   tls                 { certificate, key, authority } in PEM: https, with certificates of clients
//   pkce, rotate        true or false;  par: "off", "possible", "required"
//   ttl                 { AccessToken, IdToken, RefreshToken } in seconds
//   login               "form" (its pages), or "auto": everybody is `account` at once
//   claims_in_id_token, groups, acr     what is known about people, and where it is told
//
//   GET  /_seen         the requests so far
//   POST /_control      { rotate_keys: "replace" | "add" }, { revoke: account }, { set: { … } }

import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

import { configuration } from './configuration.mjs';
import { freshKeys } from './keys.mjs';
import { revokeAccount } from './memory.mjs';
import { consentPage, errorPage, loginPage } from './pages.mjs';

const CLIENTS_PROVE_THEMSELVES = new Set([
    'introspection', 'pushed_authorization_request', 'revocation', 'token',
]);

const [modules, port = '0'] = process.argv.slice(2);
const asked = JSON.parse(process.env.PROVIDER);
// Stdout is for the test.
console.info = console.error;
const { Provider } = await load('oidc-provider');

const seen = [];
let keys = freshKeys();
let issuer;
let provider;

const server = asked.tls
    ? https.createServer({
          cert: asked.tls.certificate,
          key: asked.tls.key,
          ca: asked.tls.authority,
          requestCert: true,
          rejectUnauthorized: false,
      }, answer)
    : http.createServer(answer);
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');
issuer = `${asked.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;
build();
say({ issuer });
process.stdin.resume().once('close', () => process.exit(0));

async function load(name) {
    const require = createRequire(path.join(path.resolve(modules), 'package.json'));
    return import(pathToFileURL(require.resolve(name)));
}

// Keys and settings are fixed once a provider is made: a change makes a new one over the same memory.
function build() {
    provider = new Provider(issuer, configuration(asked, keys));
    provider.use(async (ctx, next) => {
        await next();
        note(ctx);
    });
    const told = (heard) => record({ route: 'backchannel_logout', heard });
    provider.on('backchannel.success', () => told(true));
    provider.on('backchannel.error', (_, error) => {
        console.error(error);
        told(false);
    });
    provider.on('server_error', (_, error) => console.error(error));
}

async function answer(request, response) {
    const { pathname } = new URL(request.url, issuer);
    try {
        if (pathname === '/_seen') {
            send(response, 200, 'application/json', JSON.stringify(seen));
        } else if (pathname === '/_control') {
            control(JSON.parse(await text(request)));
            send(response, 200, 'application/json', '{}');
        } else if (pathname.startsWith('/interaction/')) {
            await interact(request, response);
        } else {
            await provider.callback()(request, response);
        }
    } catch (error) {
        console.error(error);
        const told = { error: error.error ?? 'server_error', error_description: error.message };
        send(response, error.statusCode ?? 500, 'text/html; charset=utf-8', errorPage(told));
    }
}

function send(response, status, type, body) {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
}

function control({ rotate_keys: rotate, revoke, set }) {
    if (rotate) {
        keys = rotate === 'add' ? [...freshKeys(), ...keys] : freshKeys();
    }
    if (revoke) {
        revokeAccount(revoke);
    }
    Object.assign(asked, set);
    build();
}

async function interact(request, response) {
    const details = await provider.interactionDetails(request, response);
    if (asked.login === 'auto') {
        await finish(request, response, details, { answer: 'yes', account: asked.account });
    } else if (request.method === 'POST') {
        const form = Object.fromEntries(new URLSearchParams(await text(request)));
        await finish(request, response, details, form);
    } else {
        const { uid, params, prompt } = details;
        const scopes = params.scope?.split(' ') ?? [];
        const page = prompt.name === 'login'
            ? loginPage(uid, params.login_hint)
            : consentPage(uid, params.client_id, scopes);
        send(response, 200, 'text/html; charset=utf-8', page);
    }
}

async function finish(request, response, details, form) {
    record({ route: details.prompt.name, answer: form.answer });
    const result = form.answer === 'yes'
        ? await agreed(details, form)
        : { error: 'access_denied', error_description: 'the person said no' };
    await provider.interactionFinished(request, response, result);
}

async function agreed({ prompt, params, session, grantId }, form) {
    if (prompt.name === 'login') {
        return { login: { accountId: form.account || 'ada', acr: asked.acr } };
    }
    const grant = (grantId && await provider.Grant.find(grantId))
        || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
    if (missingOIDCScope) {
        grant.addOIDCScope(missingOIDCScope.join(' '));
    }
    if (missingOIDCClaims) {
        grant.addOIDCClaims(missingOIDCClaims);
    }
    for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
        grant.addResourceScope(resource, scopes.join(' '));
    }
    return { consent: { grantId: await grant.save() } };
}

// Notes which parameters came and how the client proved itself; values that are secret never.
function note(ctx) {
    const { oidc } = ctx;
    if (!oidc?.route) {
        return;
    }
    const params = { ...oidc.params };
    const present = Object.keys(params).filter((name) => params[name] !== undefined);
    record({
        route: oidc.route,
        method: ctx.method,
        status: ctx.status,
        error: ctx.body?.error,
        params: present,
        query: Object.keys(ctx.query).sort(),
        grant: params.grant_type,
        response_mode: params.response_mode,
        token_type_hint: params.token_type_hint,
        auth: proof(ctx, params),
    });
}

function proof(ctx, params) {
    if (!CLIENTS_PROVE_THEMSELVES.has(ctx.oidc.route)) {
        return undefined;
    }
    if (/^basic /i.test(ctx.get('authorization'))) {
        return 'client_secret_basic';
    }
    // At the route for pushed requests the library takes the proof out of the parameters.
    const sent = { ...ctx.oidc.body, ...params };
    if (sent.client_secret) {
        return 'client_secret_post';
    }
    if (sent.client_assertion) {
        const [header] = sent.client_assertion.split('.');
        return `private_key_jwt ${JSON.parse(Buffer.from(header, 'base64url')).alg}`;
    }
    return ctx.oidc.client?.clientAuthMethod;
}

function record(entry) {
    seen.push(entry);
    say(entry);
}

function say(entry) {
    process.stdout.write(`${JSON.stringify(entry)}\n`);
}
