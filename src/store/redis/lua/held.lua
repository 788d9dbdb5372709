-- In front of every script about a session. KEYS: record, lease, end.

local LARGEST = 65536

-- What is held: a word, and behind 'record' its three fields. What can't be one of our records
-- is nothing; one that is larger than any of ours is not even read.
local function held()
  if redis.call('EXISTS', KEYS[3]) == 1 then return {'ended'} end
  for _, field in ipairs({'w', 'r', 'i'}) do
    if redis.call('HSTRLEN', KEYS[1], field) > LARGEST then return {'large'} end
  end
  local there = redis.call('HMGET', KEYS[1], 'w', 'r', 'i')
  if not there[1] or #there[1] ~= 12 then return {'nothing'} end
  return {'record', there[1], there[2] or '', there[3] or ''}
end

-- Byte by byte: Lua itself compares texts as the server's locale has it.
local function is_newer(one, other)
  for at = 1, 12 do
    local a, b = string.byte(one, at), string.byte(other, at)
    if a ~= b then return a > b end
  end
  return false
end

local function write(life, written, sealed, summary)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'w', written, 'r', sealed, 'i', summary)
  redis.call('PEXPIRE', KEYS[1], life)
  return {'kept'}
end

