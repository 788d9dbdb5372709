// Verifies assertions as an app in another language does: npm `jose`, which shares no code with the
// gateway.
//
//   node verify.mjs MODULES JWKS      MODULES: the folder in which `npm ci` was run
//
// Each line of stdin is JSON: { token, issuer, audience }. Each line of stdout is { header, claims },
// or { error } with the library's code. The keys are fetched once and never again. It ends when its
// stdin does.

import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const [modules, address] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'package.json'));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(require.resolve('jose')));

const keys = createRemoteJWKSet(new URL(address), {
    cacheMaxAge: Infinity,
    cooldownDuration: Infinity,
});

for await (const line of readline.createInterface({ input: process.stdin })) {
    const { token, issuer, audience } = JSON.parse(line);
    console.log(JSON.stringify(await verified(token, issuer, audience)));
}

async function verified(token, issuer, audience) {
    try {
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
            algorithms: ['ES256', 'EdDSA'],
            audience,
            issuer,
            maxTokenAge: '60s',
            requiredClaims: ['aud', 'exp', 'iat', 'iss', 'jti', 'sub'],
            typ: 'askara-assertion+jwt',
        });
        return { header: protectedHeader, claims: payload };
    } catch (error) {
        return { error: error.code ?? String(error) };
    }
}
