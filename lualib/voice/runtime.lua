-- How the engine enters a script. C calls `install` once per Lua state when a script is loaded, and
-- `call`, `event` for every handler that runs; each runs as a task of its own.

local _, core = ...

local duration = require("voice.duration")
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

--- Asks the script's `endpoint` how long the end of the open turn is waited for: it is given what
--- has been recognised so far and answers in milliseconds, with a duration, or nil for the engine's
--- own rule.
function runtime.endpoint(json)
   local turn = core.json_decode(json)
   local wait = handlers.endpoint(turn)
   if type(wait) == "string" then
      wait = duration(wait, "endpoint") * 1000
   end
   if wait ~= nil and (type(wait) ~= "number" or wait ~= wait or wait < 0 or wait > 20000) then
      error("endpoint: answer with 0 to 20000 milliseconds, a duration or nil", 0)
   end
   core.set_wait(turn.number, wait or 0)
end

--- Runs a handler about an event: on_ringing, on_missed_call, on_sms, on_event and the like.
function runtime.event(name, json)
   return handlers[name](core.json_decode(json))
end

--- Runs a handler whose return value the carrier waits for: on_routing, on_contact and the like.
function runtime.answer(name, kind, json)
   local status, body = require("voice.answers")[kind](handlers[name](core.json_decode(json)))
   assert(core.answer(status, body))
end

--- Runs a handler that was put off with voice.at.
function runtime.followup(name, json)
   if not runtime.has(name) then
      core.log("error", ("voice.at: the script has no handler '%s' any more"):format(name), 1)
      return
   end
   return handlers[name](json ~= "" and core.json_decode(json) or nil)
end

--- Carries out an effect of the outbox.
function runtime.effect(json, attempt)
   return require("voice.stored").carry_out(handlers.sinks, json, attempt)
end

return runtime
