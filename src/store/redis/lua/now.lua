-- In front of every script that keeps times of its own. The server's clock, the same for all.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(value)
  return string.format('%.0f', value)
end

-- A key with parts of different lives stays as long as the longest.
local function last_at_least(key, life)
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, number(life)) end
end

