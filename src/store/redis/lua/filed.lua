-- KEYS: handle.

return redis.call('ZRANGE', KEYS[1], '(' .. number(now), '+inf', 'BYSCORE')
