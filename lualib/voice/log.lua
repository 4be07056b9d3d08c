-- Log lines of a script: log("text"), log.warn("text"), with the line they came from.

local _, core = ...

local function write(level)
   return function(...)
      local parts = table.pack(...)
      for i = 1, parts.n do
         parts[i] = tostring(parts[i])
      end
      core.log(level, table.concat(parts, " "), 2)
   end
end

local info = write("info")

return core.protect(
   {
      debug = write("debug"),
      info = info,
      warn = write("warn"),
      error = write("error"),
   },
   "log",
   function(_, ...)
      return info(...)
   end
)
