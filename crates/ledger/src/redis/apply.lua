-- One step: every expectation is looked at before anything is written.
-- KEYS: the store, the ends, the open, then one record for each write.
-- ARGV: the time, the most records, the most bytes, what stands before a record's name; then for each write: the version
-- that is expected ('' for none), what of the head follows the version ('' to remove), the body.
-- A record is a head of 64 characters (version 20, unfinished 1, phase 3, lease 20, end 20) and the body.
-- A call from here costs more than most commands: a step that goes on with a record leaves alone what stays as it is.
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

local counts = redis.call('HMGET', store, 'last', 'records', 'bytes')
if not counts[1] then
  return {'lost'}
end
local version, records, bytes = tonumber(counts[1]), tonumber(counts[2]), tonumber(counts[3])

local function keep()
  redis.call('HSET', store, 'last', string.format('%.0f', version),
    'records', string.format('%.0f', records), 'bytes', string.format('%.0f', bytes))
end

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
      redis.call('ZADD', ends, till, name)
    elseif head == '' then
      redis.call('ZREM', ends, name)
    else
      forget(prefix .. name, name, head)
    end
  end
  return #names
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

if version % 8 < writes then
  purge(64)
end
local rounds = 0
while not fits() do
  rounds = rounds + 1
  -- Not for ever: what is new can be refused.
  if rounds > 100 or purge(256) == 0 then
    keep()
    return {'full'}
  end
end

local done = {'done'}
for i = 1, writes do
  local at = KEYS[i + 3]
  local name = string.sub(at, #prefix + 1)
  local tail, body = ARGV[3 * i + 3], ARGV[3 * i + 4]
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
    version = version + 1
    local shown = string.format('%020.0f', version)
    local is_open = string.sub(tail, 1, 1) == '1'
    local till = string.sub(tail, 25, 44)
    if head then
      -- DEL stands first: Redis lets a script that has written go on when its memory is full, so what ends a record that is
      -- there is never refused for want of memory.
      bytes = bytes - (redis.call('STRLEN', at) - 64)
      redis.call('DEL', at)
      if till < string.sub(head, 45, 64) then
        redis.call('ZADD', ends, till, name)
      end
      local was_open = string.sub(head, 21, 21) == '1'
      if was_open and not is_open then
        redis.call('ZREM', open, name)
      elseif is_open and not was_open then
        redis.call('ZADD', open, 0, name)
      end
    else
      redis.call('ZADD', ends, till, name)
      if is_open then
        redis.call('ZADD', open, 0, name)
      end
      records = records + 1
      bytes = bytes + #name
    end
    redis.call('SET', at, shown .. tail .. body)
    bytes = bytes + #body
    done[i + 1] = shown
  end
end
keep()
return done
