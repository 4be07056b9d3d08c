-- How the engine enters a script. C calls `install` once per Lua state when a script is loaded, and
-- `call`, `event` for every handler that runs; each runs as a task of its own.

local _, core = ...

local names = require("voice.names")

-- What scripts see of the standard libraries, made repeatable: time and chance come from the
-- engine.
local globals = core.globals
rawset(globals, "print", function(...)
   local parts = table.pack(...)
   for i = 1, parts.n do
      parts[i] = tostring(parts[i])
   end
   core.log("info", table.concat(parts, "\t"), 2)
end)
require("voice.stdlib")

local handlers
local runtime = {}

--- Checks what the script returned and keeps it. Raises with a message for people.
function runtime.install(script, main_file)
   handlers = names.check(script, main_file)
   require("voice.agent").install(handlers.agents)
   if handlers.on_load then
      handlers.on_load()
   end
end

function runtime.has(name)
   return handlers ~= nil and type(handlers[name]) == "function"
end

-- `vars` live in the engine, so that they survive a handler; this writes them back however the
-- handler ends, a hang-up in mid-sentence included.
local function keep_vars(call)
   return setmetatable({}, {
      __close = function()
         call:_keep_vars()
      end,
   })
end

--- Runs a handler that has a call: on_call, a jump target.
function runtime.call(name, data)
   local call = require("voice.call").new()
   local _ <close> = keep_vars(call)
   local handler = handlers[name]
   return handler(call, data and core.json_decode(data))
end

--- Runs a handler about an event: on_ringing, on_missed_call, on_sms, on_event and the like.
function runtime.event(name, json)
   return handlers[name](core.json_decode(json))
end

return runtime
