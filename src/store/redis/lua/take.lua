-- ARGV: life, owner. Puts in front of what is held whether the lease is ours.

local is = held()
local owner = redis.call('GET', KEYS[2])
if is[1] == 'ended' or is[1] == 'large' or (owner and owner ~= ARGV[2]) then
  table.insert(is, 1, 0)
else
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[1])
  table.insert(is, 1, 1)
end
return is
