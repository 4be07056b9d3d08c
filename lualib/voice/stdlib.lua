-- os, math.random and the like as scripts see them: time and chance are inputs of the call, so
-- that a replay sees the same. There is no os.execute, no files, no environment.

local _, core = ...

local globals = core.globals

local function days_from_civil(y, m, d)
   y = m <= 2 and y - 1 or y
   local era = y // 400
   local yoe = y - era * 400
   local doy = (153 * (m > 2 and m - 3 or m + 9) + 2) // 5 + d - 1
   local doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
   return era * 146097 + doe - 719468
end

local function civil_from_days(days)
   local z = days + 719468
   local era = z // 146097
   local doe = z - era * 146097
   local yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
   local doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
   local mp = (5 * doy + 2) // 153
   local month = mp < 10 and mp + 3 or mp - 9
   local year = yoe + era * 400 + (month <= 2 and 1 or 0)
   return year, month, doy - (153 * mp + 2) // 5 + 1
end

local function fields(seconds)
   local days = seconds // 86400
   local rest = seconds % 86400
   local year, month, day = civil_from_days(days)
   return {
      year = year,
      month = month,
      day = day,
      hour = rest // 3600,
      min = rest % 3600 // 60,
      sec = rest % 60,
      wday = (days + 4) % 7 + 1,
      yday = days - days_from_civil(year, 1, 1) + 1,
      isdst = false,
   }
end

local weekdays = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local months = {
   "January",
   "February",
   "March",
   "April",
   "May",
   "June",
   "July",
   "August",
   "September",
   "October",
   "November",
   "December",
}

local function two(n)
   return ("%02d"):format(n)
end

local formats = {
   Y = function(t)
      return ("%04d"):format(t.year)
   end,
   m = function(t)
      return two(t.month)
   end,
   d = function(t)
      return two(t.day)
   end,
   H = function(t)
      return two(t.hour)
   end,
   M = function(t)
      return two(t.min)
   end,
   S = function(t)
      return two(t.sec)
   end,
   I = function(t)
      return two((t.hour + 11) % 12 + 1)
   end,
   p = function(t)
      return t.hour < 12 and "AM" or "PM"
   end,
   j = function(t)
      return ("%03d"):format(t.yday)
   end,
   w = function(t)
      return tostring(t.wday - 1)
   end,
   A = function(t)
      return weekdays[t.wday]
   end,
   a = function(t)
      return weekdays[t.wday]:sub(1, 3)
   end,
   B = function(t)
      return months[t.month]
   end,
   b = function(t)
      return months[t.month]:sub(1, 3)
   end,
   ["%"] = function()
      return "%"
   end,
}
formats.F = function(t)
   return formats.Y(t) .. "-" .. two(t.month) .. "-" .. two(t.day)
end
formats.T = function(t)
   return two(t.hour) .. ":" .. two(t.min) .. ":" .. two(t.sec)
end
formats.X = formats.T
formats.x = formats.F
formats.c = function(t)
   return formats.F(t) .. " " .. formats.T(t)
end

local os = {}

--- Seconds since 1970, now or of a table of year, month, day, hour, min, sec (UTC).
function os.time(t)
   if t == nil then
      return core.wall() // 1000
   end
   local year = assert(math.tointeger(t.year), "field 'year' missing in date table")
   local month = assert(math.tointeger(t.month), "field 'month' missing in date table")
   local day = assert(math.tointeger(t.day), "field 'day' missing in date table")
   local carry = (month - 1) // 12
   local days = days_from_civil(year + carry, (month - 1) % 12 + 1, 1) + day - 1
   return days * 86400 + (t.hour or 12) * 3600 + (t.min or 0) * 60 + (t.sec or 0)
end

--- As Lua's os.date, always in UTC.
function os.date(format, seconds)
   format = format or "%c"
   seconds = seconds and math.floor(seconds) or core.wall() // 1000
   local t = fields(seconds)
   if format:sub(1, 1) == "!" then
      format = format:sub(2)
   end
   if format:sub(1, 2) == "*t" then
      return t
   end
   return (
      format:gsub("%%(.)", function(letter)
         local f = formats[letter]
         if not f then
            error("os.date: invalid conversion '%" .. letter .. "'", 3)
         end
         return f(t)
      end)
   )
end

--- Seconds of the call's clock: for durations.
function os.clock()
   return core.now()
end

function os.difftime(a, b)
   return a - (b or 0)
end

rawset(globals, "os", core.protect(os, "os"))

-- math with the call's own generator
local maths = {}
for name, value in pairs(math) do
   maths[name] = value
end
maths.randomseed = nil

--- As Lua's math.random, from a generator that is seeded per call.
function maths.random(low, high)
   local r = core.random()
   if low == nil then
      return r
   end
   if high == nil then
      low, high = 1, low
   end
   if math.type(low) ~= "integer" or math.type(high) ~= "integer" then
      error("bad argument to 'random' (number has no integer representation)", 2)
   end
   if low > high then
      error("bad argument to 'random' (interval is empty)", 2)
   end
   return low + math.floor(r * (high - low + 1))
end

rawset(globals, "math", core.protect(maths, "math"))
