-- ARGV: life.

local is = held()
local life = math.max(tonumber(ARGV[1]), redis.call('PTTL', KEYS[3]))
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('SET', KEYS[3], '1', 'PX', string.format('%.0f', life))
return is
