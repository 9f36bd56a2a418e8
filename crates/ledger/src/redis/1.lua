-- Versions go on from the clock, so that they do not come again after the server has lost an older store.
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'version', time[1] .. string.format('%06d', time[2]), 'records', '0', 'bytes', '0')
