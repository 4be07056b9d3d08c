-- How turns are taken: the options of `call:turns{...}` and of `turns` in tenant.lua.
--
-- Their defaults and ranges are the engine's; docs/reference/turns.md lists them.

local _, core = ...

local duration = require("voice.duration")

local turns = {}

-- option -> the engine's field, for times
local times = {
   start = "start_ms",
   speculate = "speculate_ms",
   endpoint = "endpoint_ms",
   endpoint_max = "endpoint_max_ms",
   endpoint_unheard = "endpoint_unheard_ms",
   talk_max = "talk_max_ms",
   barge = "barge_ms",
   confirm = "confirm_ms",
   backchannel = "backchannel_ms",
   resume = "resume_ms",
   watchdog = "watchdog_ms",
}

-- and for plain numbers
local numbers = {
   start_p = "start_p",
   end_p = "end_p",
   barge_p = "barge_p",
   barge_margin_db = "barge_margin_db",
   return_loss_db = "return_loss_db",
   confirm_words = "confirm_words",
}

local others = { language = "string", digits = "number" }

local function known_names()
   local names = {}
   for _, list in ipairs({ times, numbers, others }) do
      for name in pairs(list) do
         names[#names + 1] = name
      end
   end
   table.sort(names)
   return table.concat(names, ", ")
end

-- The option that became this field of the engine.
local function option_of(field)
   for _, list in ipairs({ times, numbers }) do
      for name, candidate in pairs(list) do
         if candidate == field then
            return name
         end
      end
   end
   return field
end

local function check_other(name, value, where, level)
   if type(value) ~= others[name] then
      error(("%s: '%s' must be a %s"):format(where, name, others[name]), level + 1)
   end
   if name == "digits" and (math.type(value) ~= "integer" or value < 0 or value > 64) then
      error(("%s: 'digits' is how many digits the answer has, 0 to 64"):format(where), level + 1)
   end
end

--- The engine's fields of a table of options, and its language and digits. Raises on anything
--- that is no option, `level` levels up.
function turns.fields(opts, where, level)
   if type(opts) ~= "table" then
      error(("%s: a table of options is expected"):format(where), level + 1)
   end
   local fields, shape = {}, {}
   for name, value in pairs(opts) do
      if times[name] then
         fields[times[name]] = duration(value, where .. ": " .. name) * 1000
      elseif numbers[name] then
         if type(value) ~= "number" then
            error(("%s: '%s' must be a number"):format(where, name), level + 1)
         end
         fields[numbers[name]] = value
      elseif others[name] then
         check_other(name, value, where, level + 1)
         shape[name] = value
      else
         local message = "%s: unknown option '%s'; the options are %s"
         error(message:format(where, tostring(name), known_names()), level + 1)
      end
   end
   return fields, shape
end

--- Takes the options for the running call.
function turns.apply(opts, where, level)
   local fields, shape = turns.fields(opts, where, level + 1)
   local ok, code, field = core.set_policy(fields)
   if not ok and code == "range" then
      local message = "%s: '%s' is out of range; see docs/reference/turns.md"
      error(message:format(where, option_of(field)), level + 1)
   end
   if shape.language or shape.digits then
      ok, code = core.set_shape(shape.language, shape.digits)
      if not ok and code == "not_found" then
         local message = "%s: there are no word lists for the language '%s', only for %s"
         error(message:format(where, shape.language, core.languages()), level + 1)
      end
   end
end

return turns
