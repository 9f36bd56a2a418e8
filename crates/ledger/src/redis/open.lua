-- The schema of the store. KEYS: the store. ARGV: the schema to make, whether to make a store where there is none.
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema then
  return schema
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'foreign'
end
if ARGV[2] ~= '1' then
  return 'lost'
end
-- Versions go on from the clock, so that they do not come again after the server has lost an older store.
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'version', time[1] .. string.format('%06d', time[2]),
  'records', '0', 'bytes', '0')
return ARGV[1]
