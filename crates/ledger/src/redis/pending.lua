-- The unfinished. KEYS: the open. ARGV: the time, where to begin, where to end, how many, what stands before a record's name.
-- Answers where to go on ('' after the last), and names and values in turn. It looks at a bounded number of records; a page
-- may be short, or empty, though it is not the last.
local now, from, most = ARGV[1], ARGV[2], tonumber(ARGV[4])
local found, last, looked = {''}, '', 0
while looked < 1000 do
  local names = redis.call('ZRANGEBYLEX', KEYS[1], from, ARGV[3], 'LIMIT', 0, 100)
  for _, name in ipairs(names) do
    local value = redis.call('GET', ARGV[5] .. name)
    if value and string.sub(value, 45, 64) > now then
      if #found > 2 * most then
        found[1] = last
        return found
      end
      found[#found + 1] = name
      found[#found + 1] = value
    end
    last = name
    looked = looked + 1
  end
  if #names < 100 then
    return found
  end
  from = '(' .. last
end
found[1] = last
return found
