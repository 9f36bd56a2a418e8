-- Stands before each step. KEYS: the store, the ends of schema 1, the open, the ends. ARGV: the schema that the step begins at.
-- Another process may have been faster. A script that fails is not undone: a step must be one that can be made again.
if (redis.call('HGET', KEYS[1], 'schema') or '0') ~= ARGV[1] then
  return 0
end
