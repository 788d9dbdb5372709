// The provider's signing keys, and its clients' keys and certificates as it wants them.

import { X509Certificate, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';

// One key for each kind of signature, all with names that were never used before.
export function freshKeys() {
    const made = [
        generateKeyPairSync('rsa', { modulusLength: 2048 }),
        generateKeyPairSync('ec', { namedCurve: 'P-256' }),
        generateKeyPairSync('ed25519'),
    ];
    return made.map(({ privateKey }) => ({
        ...privateKey.export({ format: 'jwk' }),
        kid: randomUUID(),
        use: 'sig',
    }));
}

// A client may come with a `public_key` or a `certificate` in PEM instead of a JWK set.
export function withKeySet({ public_key: key, certificate, key_id: kid, ...client }) {
    if (key) {
        return { ...client, jwks: { keys: [{ ...jwk(createPublicKey(key)), kid }] } };
    }
    if (certificate) {
        const { publicKey, raw } = new X509Certificate(certificate);
        return { ...client, jwks: { keys: [{ ...jwk(publicKey), x5c: [raw.toString('base64')] }] } };
    }
    return client;
}

function jwk(key) {
    return key.export({ format: 'jwk' });
}
