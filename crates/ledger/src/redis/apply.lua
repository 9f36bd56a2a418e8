-- One step: every expectation is looked at before anything is written.
-- KEYS: the store, the ends, the open, then one record for each write.
-- ARGV: the time, the most records, the most bytes, what stands before a record's name; then for each write: the version
-- that is expected ('' for none), what of the head follows the version ('' to remove), the record with any version.
-- A record is a head of 64 characters (version 20, unfinished 1, phase 3, lease 20, end 20) and the body.
-- A call from here costs more than most commands, and a new text as much as it is long: a step that goes on with a record
-- leaves alone what stays as it is, and a record is never put together here.
local store, ends, open = KEYS[1], KEYS[2], KEYS[3]
local now, prefix = ARGV[1], ARGV[4]
local writes = #KEYS - 3

local heads = {}
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
  heads[i] = live and head
end

-- What has changed of the counts; they are written at the end.
local records, bytes = 0, 0

local function keep()
  if records ~= 0 then
    redis.call('HINCRBY', store, 'records', records)
  end
  if bytes ~= 0 then
    redis.call('HINCRBY', store, 'bytes', bytes)
  end
end

-- When a record is looked at again at the latest: its end may have been brought forward.
local soon = string.format('%020.0f', tonumber(now) + 3600)

local function forget(at, name, head)
  redis.call('ZREM', ends, name)
  if string.sub(head, 21, 21) == '1' then
    redis.call('ZREM', open, name)
  end
  records = records - 1
  bytes = bytes - (redis.call('STRLEN', at) - 64) - #name
  redis.call('DEL', at)
end

-- Removes some of what has passed. How many it has looked at: a record may have been given more time since its end was said.
local function purge(most)
  local names = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, most)
  for _, name in ipairs(names) do
    local head = redis.call('GETRANGE', prefix .. name, 0, 63)
    local till = string.sub(head, 45, 64)
    if till > now then
      redis.call('ZADD', ends, till < soon and till or soon, name)
    elseif head == '' then
      redis.call('ZREM', ends, name)
    else
      forget(prefix .. name, name, head)
    end
  end
  return #names
end

-- A write to a record that is there always fits: an outcome must not be lost for want of room.
local most, size, puts = 0, 0, 0
for i = 1, writes do
  if ARGV[3 * i + 3] ~= '' then
    puts = puts + 1
    if ARGV[3 * i + 2] == '' then
      most = most + 1
      size = size + #KEYS[i + 3] - #prefix + #ARGV[3 * i + 4] - 64
    end
  end
end
if most > 0 then
  local there = redis.call('HMGET', store, 'last', 'records', 'bytes')
  if not there[1] then
    return {'lost'}
  end
  purge(8)
  local room_records, room_bytes = ARGV[2] - there[2] - most, ARGV[3] - there[3] - size
  local rounds = 0
  while records > room_records or bytes > room_bytes do
    rounds = rounds + 1
    -- Not for ever: what is new can be refused.
    if rounds > 100 or purge(256) == 0 then
      keep()
      return {'full'}
    end
  end
elseif puts == 0 and redis.call('HEXISTS', store, 'last') == 0 then
  return {'lost'}
end

local done = {'done'}
for i = 1, writes do
  local at = KEYS[i + 3]
  local name = string.sub(at, #prefix + 1)
  local tail, value = ARGV[3 * i + 3], ARGV[3 * i + 4]
  local head = heads[i]
  if not head then
    -- What has passed may be there still.
    local passed = redis.call('GETRANGE', at, 0, 63)
    if passed ~= '' then
      forget(at, name, passed)
    end
  elseif tail == '' then
    forget(at, name, head)
  end
  if tail == '' then
    done[i + 1] = '0'
  else
    if head then
      bytes = bytes - (redis.call('STRLEN', at) - 64)
    end
    local version = redis.pcall('HINCRBY', store, 'last', 1)
    if type(version) == 'table' then
      if not head then
        return version
      end
      -- Its memory is full. Redis lets a script that has written go on, and DEL is never refused: what ends a record that is
      -- there does not fail for want of memory.
      redis.call('DEL', at)
      version = redis.call('HINCRBY', store, 'last', 1)
    end
    if version <= writes then
      -- It has just begun to count: the records are there, and the store is not.
      redis.call('DEL', store)
      return {'lost'}
    end
    local shown = string.format('%020.0f', version)
    local is_open = string.sub(tail, 1, 1) == '1'
    local till = string.sub(tail, 25, 44)
    if not head then
      redis.call('ZADD', ends, till < soon and till or soon, name)
      records = records + 1
      bytes = bytes + #name
    end
    redis.call('SET', at, value)
    redis.call('SETRANGE', at, 0, shown)
    bytes = bytes + #value - 64
    if head and till < string.sub(head, 45, 64) and till < soon then
      redis.call('ZADD', ends, till, name)
    end
    local was_open = head and string.sub(head, 21, 21) == '1'
    if was_open and not is_open then
      redis.call('ZREM', open, name)
    elseif is_open and not was_open then
      redis.call('ZADD', open, 0, name)
    end
    done[i + 1] = shown
  end
end
keep()
return done
