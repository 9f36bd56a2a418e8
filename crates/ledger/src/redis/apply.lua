-- One step: every expectation is looked at before anything is written.
-- KEYS: the store, the ends, the open, then one record for each write.
-- ARGV: the time, an hour later, and when something is new the most records and the most bytes, each of 20 digits, in one;
-- then for each write: the version that is expected ('' for none), and the record ('' to remove).
-- Answers 1 when all is written; or 'full'; or 'lost'; or the number of the first write whose expectation does not hold, and
-- the record that was found.
-- A record is a head of 64 characters (version 20, unfinished 1, phase 3, lease 20, end 20) and the body.
-- A call from here costs more than most commands, and a text as much as it is long: what stays as it is is left alone, and a
-- body is neither read nor put together.
local call, sub, byte = redis.call, string.sub, string.byte
local store, ends, open = KEYS[1], KEYS[2], KEYS[3]
-- The record's name begins behind this many letters of its key: what `store` is in the store's, `record:` is in them.
local now, before = sub(ARGV[1], 1, 20), #store + 2
local writes = #KEYS - 3

-- What is new and what it takes; what else changes of the counts.
local new, size, records, bytes = 0, 0, 0, 0
local heads, passed, due = {false}, false, false
for i = 1, writes do
  local at, expect, value = KEYS[i + 3], ARGV[2 * i], ARGV[2 * i + 1]
  local head = call('GETRANGE', at, '0', '63')
  local live = sub(head, 45, 64) > now
  if expect == '' then
    if live then
      return {i, call('GET', at)}
    end
    heads[i] = false
    passed = passed or head ~= ''
    if value ~= '' then
      new = new + 1
      size = size + #value - 64 + #at - before
      -- One version in ten, as versions are drawn.
      due = due or byte(value, 20) == 48
    end
  elseif not live then
    return {i}
  elseif sub(head, 1, 20) ~= expect then
    return {i, call('GET', at)}
  else
    heads[i] = head
    if value == '' then
      records = records - 1
      bytes = bytes - call('STRLEN', at) + 64 - #at + before
    else
      bytes = bytes + #value - call('STRLEN', at)
    end
  end
end

-- The first write tells whether the server's memory is full, and whether the store is there.
local field, by = 'records', new
if new == 0 then
  field, by, bytes = 'bytes', bytes, 0
end
local count = redis.pcall('HINCRBY', store, field, by == 1 and '1' or by)
local refused = type(count) == 'table' and count
if refused then
  if not string.find(refused.err, 'OOM', 1, true) then
    return refused
  end
  -- Redis lets a script go on that has written, and never refuses to remove, be it a field that is not there.
  call('HDEL', store, '')
  count = call('HINCRBY', store, field, by)
end
-- A count that has just begun is one that was lost, unless there was nothing to count.
if count == by and call('HGET', store, 'schema') ~= '2' then
  call('HDEL', store, field)
  return 'lost'
end

if new > 0 then
  local room_records, room_bytes = tonumber(sub(ARGV[1], 41, 60)), tonumber(sub(ARGV[1], 61, 80))
  room_records = room_records - count - records
  room_bytes = room_bytes - call('HINCRBY', store, 'bytes', size) - bytes
  if due or refused or room_records < 0 or room_bytes < 0 then
    local soon, prefix = sub(ARGV[1], 21, 40), sub(store, 1, -6) .. 'record:'
    local fewer, smaller = 0, 0
    -- Removes some of what has passed. How many it has looked at: a record may have been given more time since its end was
    -- said.
    local function purge(most)
      local names = call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', '0', most)
      local gone, closed, keys = {}, {}, {}
      for _, name in ipairs(names) do
        local at = prefix .. name
        local head = call('GETRANGE', at, '0', '63')
        local till = sub(head, 45, 64)
        if till > now then
          call('ZADD', ends, till < soon and till or soon, name)
        else
          gone[#gone + 1] = name
          if head ~= '' then
            keys[#keys + 1] = at
            smaller = smaller + call('STRLEN', at) - 64 + #name
          end
          if byte(head, 21) == 49 then
            closed[#closed + 1] = name
          end
        end
      end
      fewer = fewer + #keys
      if #gone > 0 then
        call('ZREM', ends, unpack(gone))
      end
      if #closed > 0 then
        call('ZREM', open, unpack(closed))
      end
      if #keys > 0 then
        call('DEL', unpack(keys))
      end
      return #names
    end

    purge(32)
    -- Where memory is full, something has to go before something comes.
    local fits, rounds = not refused or fewer > 0, 0
    while fits and (room_records + fewer < 0 or room_bytes + smaller < 0) do
      rounds = rounds + 1
      -- Not for ever: what is new can be refused.
      fits = rounds <= 100 and purge(256) > 0
    end
    records, bytes = records - fewer, bytes - smaller
    if not fits then
      call('HINCRBY', store, 'records', -new - fewer)
      call('HINCRBY', store, 'bytes', -size - smaller)
      return refused or 'full'
    end
  end
end

for i = 1, writes do
  local at, value, head = KEYS[i + 3], ARGV[2 * i + 1], heads[i]
  local there = head
  if not head and passed then
    -- What has passed may be there still.
    there = call('GETRANGE', at, '0', '63')
    if there == '' then
      there = nil
    else
      records = records - 1
      bytes = bytes - call('STRLEN', at) + 64 - #at + before
    end
  end
  local was_open, is_open, name = false, false, nil
  if there then
    was_open = byte(there, 21) == 49
  end
  if value ~= '' then
    call('SET', at, value)
    is_open = byte(value, 21) == 49
    local till = sub(value, 45, 64)
    if not head or till < sub(head, 45, 64) then
      local soon = sub(ARGV[1], 21, 40)
      if not head or till < soon then
        name = sub(at, before + 1)
        call('ZADD', ends, till < soon and till or soon, name)
      end
    end
  elseif there then
    name = sub(at, before + 1)
    call('DEL', at)
    call('ZREM', ends, name)
  end
  if was_open ~= is_open then
    name = name or sub(at, before + 1)
    if is_open then
      call('ZADD', open, '0', name)
    else
      call('ZREM', open, name)
    end
  end
end
if records ~= 0 then
  call('HINCRBY', store, 'records', records)
end
if bytes ~= 0 then
  call('HINCRBY', store, 'bytes', bytes)
end
return 1
