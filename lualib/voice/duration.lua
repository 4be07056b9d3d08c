-- Durations as people write them: "25s", "700ms", "2m", or a number of seconds.

local units = { ms = 0.001, s = 1, m = 60, h = 3600 }

--- Seconds of a duration; nil stays nil. Raises at the caller's caller on anything else.
local function duration(value, name)
   if value == nil then
      return nil
   end
   if type(value) == "number" and value >= 0 and value == value and value < math.huge then
      return value
   end
   if type(value) == "string" then
      local number, unit = value:match("^(%d+%.?%d*)%s*(%a+)$")
      if number and units[unit] then
         return tonumber(number) * units[unit]
      end
   end
   error(
      ('%s: a duration is "25s", "700ms", "2m" or a number of seconds, not %s'):format(
         name or "duration",
         type(value) == "string" and ("%q"):format(value) or tostring(value)
      ),
      3
   )
end

return duration
