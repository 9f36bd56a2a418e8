-- The ends were names after their ends, in order; now each name has its end as score, or an earlier time, so that a step that
-- keeps a record longer need not say so. The last version has another name: the script of schema 1, which would take an
-- earlier time for the end, finds none, and grants nothing.
redis.call('DEL', KEYS[4])
local from = '-'
while true do
  local members = redis.call('ZRANGEBYLEX', KEYS[2], from, '+', 'LIMIT', 0, 1000)
  for _, member in ipairs(members) do
    redis.call('ZADD', KEYS[4], string.sub(member, 1, 20), string.sub(member, 21))
    from = '(' .. member
  end
  if #members < 1000 then
    break
  end
end
redis.call('HSET', KEYS[1], 'last', redis.call('HGET', KEYS[1], 'version'))
redis.call('HDEL', KEYS[1], 'version')
redis.call('DEL', KEYS[2])
