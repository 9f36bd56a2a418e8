-- The schema of the store, '0' where there is none, 'foreign' where it is something else. KEYS: the store.
local schema = redis.call('HGET', KEYS[1], 'schema')
if schema then
  return schema
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'foreign'
end
return '0'
