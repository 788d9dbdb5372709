-- KEYS: handle. ARGV: life, slot.

local life = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', number(now))
redis.call('ZADD', KEYS[1], 'GT', number(now + life), ARGV[2])
last_at_least(KEYS[1], life)
return 1
