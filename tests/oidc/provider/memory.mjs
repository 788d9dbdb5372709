// Where the provider keeps what it knows: in this process, so that it outlives a change of keys.

const kept = new Map();

// What goes with a grant that is taken back.
const GRANTED = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

function living(entry) {
    return entry && entry.until > Date.now() ? entry.payload : undefined;
}

function ofGrant(grantId) {
    return [...kept].filter(([, { model, payload }]) =>
        GRANTED.has(model) && payload.grantId === grantId);
}

export class Memory {
    constructor(model) {
        this.model = model;
    }

    key(id) {
        return `${this.model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
        const until = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
        kept.set(this.key(id), { model: this.model, payload, until });
    }

    async find(id) {
        return living(kept.get(this.key(id)));
    }

    async findByUid(uid) {
        for (const entry of kept.values()) {
            if (entry.model === this.model && entry.payload.uid === uid) {
                return living(entry);
            }
        }
        return undefined;
    }

    async findByUserCode() {
        return undefined;
    }

    async consume(id) {
        kept.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
        kept.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
        for (const [key] of ofGrant(grantId)) {
            kept.delete(key);
        }
    }
}

// Takes back all that an account has granted, as a person does on the provider's own pages.
export function revokeAccount(account) {
    for (const [key, { model, payload }] of [...kept]) {
        if (model === 'Grant' && payload.accountId === account) {
            kept.delete(key);
            ofGrant(payload.jti).forEach(([token]) => kept.delete(token));
        }
    }
}
