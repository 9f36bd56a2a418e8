-- One step: every expectation is looked at before anything is written.
-- KEYS: the store, the ends, the open, then one record for each write.
-- ARGV: the time, the most records, the most bytes, what stands before a record's name; then for each write: the version
-- that is expected ('' for none), what of the head follows the version ('' to remove), the body.
-- A record is a head of 64 characters (version 20, unfinished 1, phase 3, lease 20, end 20) and the body.
local store, ends, open = KEYS[1], KEYS[2], KEYS[3]
local now, prefix = ARGV[1], ARGV[4]
local writes = #KEYS - 3

for i = 1, writes do
  local head = redis.call('GETRANGE', KEYS[i + 3], 0, 63)
  local live = head ~= '' and string.sub(head, 45, 64) > now
  local expect = ARGV[3 * i + 2]
  local holds
  if expect == '' then
    holds = not live
  else
    holds = live and string.sub(head, 1, 20) == expect
  end
  if not holds then
    if live then
      return {tostring(i), redis.call('GET', KEYS[i + 3])}
    end
    return {tostring(i)}
  end
end

local counts = redis.call('HMGET', store, 'version', 'records', 'bytes')
if not counts[1] then
  return {'lost'}
end
local version, records, bytes = tonumber(counts[1]), tonumber(counts[2]), tonumber(counts[3])

local function keep()
  redis.call('HSET', store, 'version', string.format('%.0f', version),
    'records', string.format('%.0f', records), 'bytes', string.format('%.0f', bytes))
end

-- ZREM and DEL stand first: Redis lets a script that has written go on when its memory is full, so what ends a record that
-- is there is never refused for want of memory.
local function forget(at, name)
  local head = redis.call('GETRANGE', at, 0, 63)
  if head == '' then
    return
  end
  redis.call('ZREM', ends, string.sub(head, 45, 64) .. name)
  if string.sub(head, 21, 21) == '1' then
    redis.call('ZREM', open, name)
  end
  records = records - 1
  bytes = bytes - (redis.call('STRLEN', at) - 64) - #name
  redis.call('DEL', at)
end

local function purge(most)
  local passed = redis.call('ZRANGEBYLEX', ends, '-', '[' .. now .. '\255', 'LIMIT', 0, most)
  for _, member in ipairs(passed) do
    local name = string.sub(member, 21)
    forget(prefix .. name, name)
  end
  return #passed
end

-- A write to a record that is there always fits: an outcome must not be lost for want of room.
local function fits()
  local most, size, new = records, bytes, false
  for i = 1, writes do
    if ARGV[3 * i + 2] == '' and ARGV[3 * i + 3] ~= '' then
      most = most + 1
      size = size + #KEYS[i + 3] - #prefix + #ARGV[3 * i + 4]
      new = true
    end
  end
  return not new or (most <= tonumber(ARGV[2]) and size <= tonumber(ARGV[3]))
end

purge(8)
while not fits() do
  if purge(256) == 0 then
    keep()
    return {'full'}
  end
end

local done = {'done'}
for i = 1, writes do
  local name = string.sub(KEYS[i + 3], #prefix + 1)
  local tail, body = ARGV[3 * i + 3], ARGV[3 * i + 4]
  forget(KEYS[i + 3], name)
  if tail == '' then
    done[i + 1] = '0'
  else
    version = version + 1
    local shown = string.format('%020.0f', version)
    redis.call('SET', KEYS[i + 3], shown .. tail .. body)
    redis.call('ZADD', ends, 0, string.sub(tail, 25, 44) .. name)
    if string.sub(tail, 1, 1) == '1' then
      redis.call('ZADD', open, 0, name)
    end
    records = records + 1
    bytes = bytes + #body + #name
    done[i + 1] = shown
  end
end
keep()
return done
