-- Options of the library's functions: a misspelt one is refused with what was meant.

local names = require("voice.names")

local check = {}

local function known_names(known)
   local list = {}
   for name in pairs(known) do
      list[#list + 1] = name
   end
   table.sort(list)
   return list
end

local function nearest(key, list)
   for _, name in ipairs(list) do
      if type(key) == "string" and names.distance(key, name) <= 2 then
         return name
      end
   end
end

--- A copy of a table of options. `known` has the type of each, or "any"; `what` names the function
--- in messages, `level` is whose line they carry (as for error).
function check.options(options, known, what, level)
   level = (level or 2) + 1
   if options == nil then
      return {}
   end
   if type(options) ~= "table" then
      error(("%s: a table of options is expected, not a %s"):format(what, type(options)), level)
   end
   local copy = {}
   for key, value in pairs(options) do
      local wanted = known[key]
      if not wanted then
         local list = known_names(known)
         local near = nearest(key, list)
         local hint = near and ("did you mean '%s'?"):format(near)
            or "the options are " .. table.concat(list, ", ")
         error(("%s: unknown option '%s': %s"):format(what, tostring(key), hint), level)
      end
      if wanted ~= "any" and not wanted:find(type(value), 1, true) then
         local kind = type(value)
         error(("%s: '%s' must be a %s, not a %s"):format(what, key, wanted, kind), level)
      end
      copy[key] = value
   end
   return copy
end

return check
