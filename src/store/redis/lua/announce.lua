-- KEYS: notices. ARGV: life, notice.

local life = tonumber(ARGV[1])
-- From the oldest on, those go whose life is over; one that is not keeps all behind it. A hundred
-- at a time are more than the one that comes.
local keep = nil
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 100)) do
  keep = entry[1]
  local began = tonumber(string.match(keep, '^%d+'))
  if began + (tonumber(entry[2][4]) or 0) > now then break end
end
if keep then redis.call('XTRIM', KEYS[1], 'MINID', keep) end
redis.call('XADD', KEYS[1], '*', 'n', ARGV[2], 'l', ARGV[1])
last_at_least(KEYS[1], life)
return 1
