-- The names a script may use for its handlers, and the check that a misspelt one does not slip
-- through: a handler that is never called is the hardest kind of bug to see.

local names = {}

names.handlers = {
   "on_load",
   "on_ringing",
   "on_call",
   "on_call_ended",
   "on_missed_call",
   "on_voicemail",
   "on_sms",
   "on_routing",
   "on_contact",
   "on_contact_search",
   "on_ivr_code",
   "on_event",
   "on_error",
}

-- name -> type of its value
names.reserved = { agents = "table", sinks = "table", endpoint = "function", route = "function" }

local known = {}
for _, name in ipairs(names.handlers) do
   known[name] = "function"
end
for name, kind in pairs(names.reserved) do
   known[name] = kind
end

--- Number of single-letter changes between two words, neighbours swapped counting as one.
function names.distance(a, b)
   local before, row = {}, {}
   for j = 0, #b do
      row[j] = j
   end
   for i = 1, #a do
      local older = before
      before, row = row, { [0] = i }
      for j = 1, #b do
         local same = a:byte(i) == b:byte(j)
         local cost = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
         local swapped = i > 1
            and j > 1
            and a:byte(i) == b:byte(j - 1)
            and a:byte(i - 1) == b:byte(j)
         if swapped then
            cost = math.min(cost, older[j - 2] + 1)
         end
         row[j] = cost
      end
   end
   return row[#b]
end

--- The known name nearest to `name`, when it is within two letters.
function names.suggest(name)
   local best, best_distance
   local all = { "agents", "sinks", "endpoint", "route", table.unpack(names.handlers) }
   for _, candidate in ipairs(all) do
      local d = names.distance(name, candidate)
      if d <= 2 and (not best or d < best_distance) then
         best, best_distance = candidate, d
      end
   end
   return best
end

local function complain(main_file, format, ...)
   error(main_file .. ": " .. format:format(...), 0)
end

local function check_key(main_file, key, value)
   if type(key) ~= "string" then
      complain(main_file, "the returned table has a key that is no name (%s)", tostring(key))
   end
   local wanted = known[key]
   if wanted then
      if type(value) ~= wanted then
         complain(main_file, "'%s' must be a %s, not a %s", key, wanted, type(value))
      end
      return
   end
   local near = names.suggest(key)
   if near then
      complain(main_file, "unknown handler '%s': did you mean '%s'?", key, near)
   end
   if key:sub(1, 3) == "on_" then
      complain(
         main_file,
         "unknown handler '%s': the handlers are %s",
         key,
         table.concat(names.handlers, ", ")
      )
   end
   if type(value) ~= "function" then
      complain(main_file, "'%s' must be a function: every other key is a place to jump to", key)
   end
end

--- A copy of the script's table with every key checked; raises with a suggestion.
function names.check(script, main_file)
   if type(script) ~= "table" then
      complain(
         main_file,
         "a script must return a table of handlers, this one returned %s",
         type(script)
      )
   end
   local copy, keys = {}, {}
   for key in pairs(script) do
      keys[#keys + 1] = key
   end
   table.sort(keys, function(a, b)
      return tostring(a) < tostring(b)
   end)
   for _, key in ipairs(keys) do
      check_key(main_file, key, script[key])
      copy[key] = script[key]
   end
   return copy
end

return names
