-- ARGV: life, written, sealed, summary, 1 if a record has to be there.

local is = held()
if is[1] == 'nothing' then
  if ARGV[5] == '1' then return {'ended'} end
elseif is[1] ~= 'record' or not is_newer(ARGV[2], is[2]) then
  return is
end
return write(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
