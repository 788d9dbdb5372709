// What the tests ask for, as the library wants it.

import { Memory } from './memory.mjs';
import { withKeySet } from './keys.mjs';
import { errorPage, logoutPage, page } from './pages.mjs';

// Who may be told what about: `resource` names them (RFC 8707).
const RESOURCES = {
    'https://api.test': 'jwt',
    'https://other.test': 'jwt',
    'https://opaque.test': 'opaque',
};

const SIGNATURES = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const SECRET_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'];
const MTLS_METHODS = ['tls_client_auth', 'self_signed_tls_client_auth'];

// `asked` is what the test said (see server.mjs), `keys` the signing keys, newest first.
export function configuration(asked, keys) {
    const life = { ...asked.ttl };
    return {
        acrValues: asked.acr ? [asked.acr] : [],
        adapter: Memory,
        claims: {
            openid: ['sub'],
            email: ['email'],
            profile: ['name', 'preferred_username'],
            groups: ['groups'],
            organization: ['organization'],
        },
        clientAuthMethods: asked.tls ? [...SECRET_METHODS, ...MTLS_METHODS] : SECRET_METHODS,
        clientDefaults: { grant_types: ['authorization_code', 'refresh_token'] },
        clients: asked.clients.map(withKeySet),
        conformIdTokenClaims: !asked.claims_in_id_token,
        cookies: { keys: ['only-for-tests'] },
        enabledJWA: {
            clientAuthSigningAlgValues: SIGNATURES,
            idTokenSigningAlgValues: SIGNATURES,
        },
        expiresWithSession: () => false,
        extraTokenClaims: (_, token) => token.accountId && claimsOf(token.accountId, asked),
        features: features(asked, life),
        // The gateway listens on loopback, where the library's own dispatcher lets no call go.
        fetch: (url, { dispatcher, ...options }) => fetch(url, options),
        findAccount: (_, id) => ({ accountId: id, claims: () => claimsOf(id, asked) }),
        interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
        issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
        jwks: { keys },
        pkce: { required: (_, client) => !!asked.pkce || client.clientAuthMethod === 'none' },
        renderError: (ctx, out) => html(ctx, errorPage(out)),
        rotateRefreshToken: asked.rotate ?? true,
        ttl: {
            AccessToken: life.AccessToken ?? 3600,
            ClientCredentials: life.AccessToken ?? 3600,
            Grant: 86400,
            IdToken: life.IdToken ?? 3600,
            Interaction: 600,
            RefreshToken: life.RefreshToken ?? 86400,
            Session: 86400,
        },
    };
}

export function claimsOf(account, asked) {
    const name = account[0].toUpperCase() + account.slice(1);
    return {
        sub: account,
        email: `${account}@example.com`,
        name: `${name} Example`,
        preferred_username: account,
        groups: asked.groups ?? ['engineers', 'admins'],
        organization: 'example-org',
    };
}

function features(asked, life) {
    return {
        backchannelLogout: { enabled: true },
        clientCredentials: { enabled: true },
        devInteractions: { enabled: false },
        dPoP: { enabled: false },
        introspection: { enabled: true },
        mTLS: mutualTls(asked),
        pushedAuthorizationRequests: {
            enabled: asked.par !== 'off',
            requirePushedAuthorizationRequests: asked.par === 'required',
        },
        resourceIndicators: {
            enabled: true,
            defaultResource: () => undefined,
            getResourceServerInfo: (_, resource) => ({
                scope: 'read write',
                accessTokenFormat: RESOURCES[resource] ?? 'opaque',
                accessTokenTTL: life.AccessToken ?? 3600,
            }),
            useGrantedResource: () => true,
        },
        revocation: { enabled: true },
        rpInitiatedLogout: {
            enabled: true,
            logoutSource: (ctx, form) => html(ctx, logoutPage(form)),
            postLogoutSuccessSource: (ctx) => html(ctx, page('Signed out at the provider', '')),
        },
    };
}

// RFC 8705: an authority's certificate with the right name, or exactly the one that is registered.
function mutualTls(asked) {
    const certificate = (ctx) => ctx.socket.getPeerX509Certificate();
    return {
        enabled: !!asked.tls,
        selfSignedTlsClientAuth: true,
        tlsClientAuth: true,
        getCertificate: certificate,
        certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) => {
            const { subject, subjectAltName } = certificate(ctx);
            return property === 'tls_client_auth_subject_dn'
                ? subject === expected
                : subjectAltName?.split(', ').includes(`DNS:${expected}`) ?? false;
        },
    };
}

function html(ctx, text) {
    ctx.type = 'html';
    ctx.body = text;
}
