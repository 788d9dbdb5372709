-- ARGV: life, written, sealed, summary. What is no record at all gives way.

local is_read, is = pcall(held)
if is_read and is[1] == 'ended' then return is end
if is_read and is[1] == 'record' and not is_newer(ARGV[2], is[2]) then return is end
return write(unpack(ARGV))
